package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Covers: P03 P11 F06
func TestSupplierAcceptsAll(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001", "SCR-10002")
	if po["status"] != "SENT" || fmt.Sprint(po["allowedActions"]) != "[ACKNOWLEDGE PROPOSE_CHANGE]" {
		t.Fatalf("sent: %v", po)
	}
	waiting := func() bool {
		a := p.s.good(t, "supplier", `{ purchaseOrders(first: 100, filter: {needsAction: true}) { nodes { number } } }`, nil)
		for _, n := range a.at("purchaseOrders", "nodes").([]any) {
			if walk(n, "number") == po["number"] {
				return true
			}
		}
		return false
	}
	if !waiting() {
		t.Error("it is not on the supplier's work list")
	}
	in := p.answer(po, "ACCEPTED")
	key := p.key()
	a := p.s.good(t, "supplier", respond, map[string]any{"key": key, "in": in})
	if a.at("out", "operation", "state") != "COMMITTED" || len(a.at("out", "deviations").([]any)) != 0 ||
		a.at("out", "response", "kind") != "ACCEPTED" {
		t.Fatalf("accepted: %s", a.Body)
	}
	if again := p.s.good(t, "supplier", respond, map[string]any{"key": key, "in": in}); again.at("out", "replayed") != true ||
		again.at("out", "response", "id") != a.at("out", "response", "id") {
		t.Errorf("sent again: %s", again.Body)
	}
	if other := p.s.good(t, "supplier", respond, map[string]any{"key": p.key(), "in": in}); other.at("out", "errors", 0,
		"code") != "DUPLICATE_DOCUMENT" || other.at("out", "errors", 0, "existing") != a.at("out", "response", "id") {
		t.Errorf("the same number under another key: %s", other.Body)
	}
	now := p.now(t, "supplier", po["number"])
	if now["status"] != "ACKNOWLEDGED" || walk(now, "lines.nodes.1.acknowledged.value") != "1000" ||
		walk(now, "lines.nodes.0.schedule.0.promisedDeliveryDate") != day(po, 0) {
		t.Errorf("as the ERP has it: %v", now)
	}
	if waiting() {
		t.Error("it still waits for the supplier")
	}
	if kinds := fmt.Sprint(walk(now, "timeline.nodes")); walk(now, "timeline.nodes.0.kind") == nil {
		t.Errorf("its timeline: %s", kinds)
	}
	if p.now(t, "supplier-other", po["number"]) != nil {
		t.Error("another supplier sees it")
	}
}

// Covers: P04 P09 P03
func TestSupplierReschedulesWithinTheTolerance(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001")
	a := p.respond(t, p.answer(po, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 2)}))
	if a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "deviations", 0, "state") != "AUTO_ACCEPTED" ||
		a.at("out", "deviations", 0, "delta") != "2" || a.at("out", "deviations", 0, "field") != "DELIVERY_DATE" {
		t.Fatalf("two days late: %s", a.Body)
	}
	now := p.now(t, "supplier", po["number"])
	if now["status"] != "ACKNOWLEDGED_WITH_CHANGES" || walk(now, "lines.nodes.0.schedule.0.promisedDeliveryDate") != day(po, 2) ||
		walk(now, "lines.nodes.0.schedule.0.requestedDeliveryDate") != day(po, 0) {
		t.Errorf("as the ERP has it: %v", now)
	}
}

// Covers: P15 P03
func TestSupplierBeyondTheToleranceIsRejected(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001")
	before := p.s.record(t, "erp", "purchases", fmt.Sprint(po["number"]))["rev"]
	a := p.respond(t, p.answer(po, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 30)}))
	d := p.s.good(t, "operator", decide,
		map[string]any{
			"key": p.key(),
			"in":  map[string]any{"deviation": a.at("out", "deviations", 0, "id"), "decision": "REJECT", "comment": "we need it then"},
		})
	if d.at("out", "operation", "state") != "FAILED" || d.at("out", "operation", "failure", "code") != "NOT_ACCEPTED" ||
		d.at("out", "deviation", "state") != "REJECTED" {
		t.Fatalf("rejected: %s", d.Body)
	}
	if now := p.now(t, "supplier", po["number"]); now["status"] != "RECEIVED_BY_SUPPLIER" ||
		p.s.record(t, "erp", "purchases", fmt.Sprint(po["number"]))["rev"] != before {
		t.Errorf("the order stands: %v", now)
	}
	told := p.s.good(t, "supplier", `query ($id: ID!) { alerts(filter: {subject: $id}) { nodes { kind message suggestedAction audience } } }`,
		map[string]any{"id": po["id"]})
	if told.at("alerts", "nodes", 0, "kind") != "REPORTED" {
		t.Errorf("the supplier is not told: %s", told.Body)
	}
	if b := p.respond(t, p.answer(po, "ACCEPTED")); b.at("out", "operation", "state") != "COMMITTED" {
		t.Errorf("answered anew: %s", b.Body)
	}
}

// Covers: P05 P10 P03
func TestSupplierChangesPriceQuantityAndItem(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001", "SCR-10002", "SCR-10004")
	price := walk(po, "lines.nodes.0.unitPrice").(map[string]any)
	dearer := map[string]any{"price": map[string]any{"amount": "99.99", "currency": "EUR"}, "per": price["per"]}
	a := p.respond(t, p.answer(po, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_PRICE_CHANGED", "unitPrice": dearer},
		map[string]any{"status": "ACCEPTED_PARTIAL_BALANCE_BACKORDERED", "quantity": each("400")},
		map[string]any{"status": "ACCEPTED_SUBSTITUTION", "substitute": map[string]any{"scheme": "SKU", "value": "SCR-10005"}},
	))
	if a.at("out", "operation", "state") != "AWAITING_DECISION" || len(a.at("out", "deviations").([]any)) != 3 {
		t.Fatalf("answered: %s", a.Body)
	}
	fields := map[any]any{}
	for _, d := range a.at("out", "deviations").([]any) {
		fields[walk(d, "field")] = walk(d, "id")
	}
	narrow, err := p.s.ask(t.Context(), p.s.token(t, "supplier", "--scope", "po:read"),
		`query ($id: ID!) { node(id: $id) { ... on Deviation { field delta expected proposed } } }`, map[string]any{"id": fields["UNIT_PRICE"]})
	if err != nil || narrow.at("node", "field") != "UNIT_PRICE" || narrow.at("node", "expected") != nil ||
		narrow.at("node", "proposed") != nil || strings.Contains(narrow.Body, "99.99") {
		t.Errorf("prices without the right to see them: %s, %v", narrow.Body, err)
	}
	if fields["UNIT_PRICE"] == nil || fields["DELIVERY_DATE"] == nil || fields["ITEM"] == nil {
		t.Fatalf("deviations: %s", a.Body)
	}
	decideOn := func(id any, decision string) answer {
		return p.s.good(t, "operator", decide, map[string]any{"key": p.key(), "in": map[string]any{"deviation": id, "decision": decision}})
	}
	if one := decideOn(fields["UNIT_PRICE"], "REJECT"); one.at("out", "operation", "state") != "AWAITING_DECISION" {
		t.Errorf("one of three decided: %s", one.Body)
	}
	decideOn(fields["DELIVERY_DATE"], "ACCEPT")
	if last := decideOn(fields["ITEM"], "ACCEPT"); last.at("out", "operation", "state") != "COMMITTED" {
		t.Fatalf("all decided: %s", last.Body)
	}
	now := p.now(t, "supplier", po["number"])
	if walk(now, "lines.nodes.0.unitPrice.price.amount") != price["price"].(map[string]any)["amount"] ||
		walk(now, "lines.nodes.0.acknowledged.value") != "0" {
		t.Errorf("the refused line is not as it was: %v", now)
	}
	if walk(now, "lines.nodes.1.acknowledged.value") != "1000" || walk(now, "lines.nodes.1.schedule.0.quantity.value") != "400" ||
		walk(now, "lines.nodes.1.schedule.1.promisedDeliveryDate") != nil {
		t.Errorf("part and balance: %v", now)
	}
	if walk(now, "lines.nodes.2.sku") != "SCR-10005" {
		t.Errorf("the substitute: %v", now)
	}
	if now["status"] != "RECEIVED_BY_SUPPLIER" {
		t.Errorf("a line is still to be answered: %v", now["status"])
	}
}

// Covers: P09 G06 P03
func TestSupplierAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001", "SCR-10002")
	other := p.bought(t, 1000, "SCR-10001")
	late := func(d string) map[string]any {
		return map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": d}
	}
	accepted := func() map[string]any { return map[string]any{"status": "ACCEPTED"} }
	for name, c := range map[string]struct {
		in   map[string]any
		code string
		path string
	}{
		"a line missing": {p.answer(po, "ACCEPTED_WITH_CHANGES", accepted()), "LINES_MISSING", "[input lines]"},
		"a line of another order": {p.answer(po, "ACCEPTED_WITH_CHANGES",
			map[string]any{"line": walk(other, "lines.nodes.0.id"), "status": "ACCEPTED"}, accepted()), "NOT_FOUND", "[input lines 0 line]"},
		"a day past": {
			p.answer(po, "ACCEPTED_WITH_CHANGES", late("2020-01-01"), accepted()), "DATE_NOT_POSSIBLE",
			"[input lines 0 promisedDeliveryDate]",
		},
		"another unit": {
			p.answer(po, "ACCEPTED_WITH_CHANGES",
				map[string]any{"status": "ACCEPTED_QUANTITY_CHANGED", "quantity": map[string]any{"value": "10", "unit": "CS"}}, accepted()),
			"UNIT_NOT_ORDERABLE", "[input lines 0 quantity unit]",
		},
		"nothing": {p.answer(po, "ACCEPTED_WITH_CHANGES",
			map[string]any{"status": "ACCEPTED_QUANTITY_CHANGED", "quantity": each("0")}, accepted()), "INVALID_INPUT", "[input lines 0 quantity]"},
		"no number":        {with(p.answer(po, "ACCEPTED"), "responseNumber", " "), "INVALID_INPUT", "[input responseNumber]"},
		"another revision": {with(p.answer(po, "ACCEPTED"), "expectedRevision", 9), "VERSION_CONFLICT", "[input expectedRevision]"},
		"not there":        {with(p.answer(po, "ACCEPTED"), "purchaseOrder", "pur_none"), "NOT_FOUND", "[input purchaseOrder]"},
		"says two things": {
			p.answer(po, "ACCEPTED", map[string]any{"status": "REJECTED"}, accepted()), "INVALID_INPUT",
			"[input lines 0 status]",
		},
		"more than is open": {
			p.answer(po, "ACCEPTED_WITH_CHANGES", map[string]any{"status": "ACCEPTED_QUANTITY_CHANGED", "quantity": each("900")}, accepted(),
				map[string]any{"line": walk(po, "lines.nodes.0.id"), "status": "BACKORDERED", "quantity": each("200")}),
			"QUANTITY_EXCEEDED", "[input lines 2 quantity]",
		},
	} {
		a := p.respond(t, c.in)
		if a.at("out", "errors", 0, "code") != c.code || fmt.Sprint(a.at("out", "errors", 0, "path")) != c.path ||
			a.at("out", "response") != nil {
			t.Errorf("%s: want %s at %s, got %s", name, c.code, c.path, a.Body)
		}
	}
	if a := p.s.good(t, "supplier-other", respond, map[string]any{"key": p.key(), "in": p.answer(po, "ACCEPTED")}); a.at("out", "errors", 0,
		"code") != "NOT_FOUND" {
		t.Errorf("another supplier's: %s", a.Body)
	}
	// The same answer from two channels at once is one.
	in := p.answer(po, "ACCEPTED")
	tokens := []string{p.s.token(t, "supplier"), p.s.token(t, "operator")}
	answers := make([]answer, 8)
	var all sync.WaitGroup
	for i := range answers {
		key := p.key()
		all.Go(func() {
			a, err := p.s.ask(t.Context(), tokens[i%2], respond, map[string]any{"key": key, "in": in})
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	all.Wait()
	taken, duplicates := 0, 0
	for _, a := range answers {
		if a.at("out", "response") != nil {
			taken++
		} else if a.at("out", "errors", 0, "code") == "DUPLICATE_DOCUMENT" {
			duplicates++
		}
	}
	if taken != 1 || duplicates != 7 {
		t.Errorf("taken %d times, %d told as duplicates: %s", taken, duplicates, answers[0].Body)
	}
	p.s.control(t, http.MethodPost, "/control/revise?purchase="+fmt.Sprint(po["number"]), nil)
	p.s.until(t, 20*time.Second, "revised", func() bool { return fmt.Sprint(p.now(t, "supplier", po["number"])["revision"]) == "2" })
	if now := p.now(t, "supplier", po["number"]); now["status"] != "SENT" {
		t.Errorf("a new revision is to be answered: %v", now["status"])
	}
}

// Covers: P15 F06 P03
func TestSupplierAnswersAnewAndTheCaseIsClosed(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001")
	a := p.respond(t, p.answer(po, "REJECTED"))
	if a.at("out", "operation", "state") != "AWAITING_DECISION" || a.at("out", "deviations", 0, "field") != "QUANTITY" ||
		a.at("out", "deviations", 0, "delta") != "-100" {
		t.Fatalf("refused by the supplier: %s", a.Body)
	}
	if b := p.respond(t, p.answer(po, "ACCEPTED")); b.at("out", "operation", "state") != "COMMITTED" {
		t.Fatalf("accepted after all: %s", b.Body)
	}
	now := p.now(t, "operator", po["number"])
	if now["status"] != "ACKNOWLEDGED" || walk(now, "responses.1.deviations.0.state") != "WITHDRAWN" ||
		walk(now, "responses.1.operation.state") != "FAILED" {
		t.Errorf("the first answer's case: %v", now)
	}
	left := p.s.good(t, "operator", `query ($id: ID!) { alerts(filter: {subject: $id}) { nodes { kind } } }`,
		map[string]any{"id": walk(po, "lines.nodes.0.id")})
	if len(left.at("alerts", "nodes").([]any)) != 0 {
		t.Errorf("alerts of a closed case: %s", left.Body)
	}
}

// Covers: P02 F09 P03
func TestSupplierIsTooLateToAnswer(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001")
	number := fmt.Sprint(po["number"])
	p.s.control(t, http.MethodPost, "/control/records",
		map[string]any{
			"service": "erp", "object": "purchases", "key": number,
			"set": map[string]any{"ackDue": "2024-01-01 09:00:00", "rev": 900},
		})
	const asked = `query ($id: ID!) { alerts(filter: {subject: $id, kind: [ACKNOWLEDGMENT_OVERDUE]}) { nodes { id state message queue } } }`
	var alert any
	p.s.until(t, 30*time.Second, "told", func() bool {
		alert = p.s.good(t, "supplier", asked, map[string]any{"id": po["id"]}).at("alerts", "nodes", 0, "id")
		return alert != nil
	})
	const take = `mutation ($key: IdempotencyKey!, $in: AcknowledgeAlertInput!)
		{ out: acknowledgeAlert(idempotencyKey: $key, input: $in) { errors { ... on UserError { code } } alert
		{ state acknowledgedBy { displayName } } } }`
	if a := p.s.good(t, "operator", take, map[string]any{"key": p.key(), "in": map[string]any{"alert": alert}}); a.at("out", "alert",
		"state") != "ACKNOWLEDGED" {
		t.Errorf("taken: %s", a.Body)
	}
	if a := p.s.good(t, "supplier", take, map[string]any{"key": p.key(), "in": map[string]any{"alert": alert}}); a.at("out", "errors", 0,
		"code") != "FORBIDDEN" {
		t.Errorf("the supplier takes what the buyer looks after: %s", a.Body)
	}
	if a := p.s.good(t, "supplier-other", take, map[string]any{"key": p.key(), "in": map[string]any{"alert": alert}}); a.at("out", "errors",
		0, "code") != "NOT_FOUND" {
		t.Errorf("another supplier's alert: %s", a.Body)
	}
	p.respond(t, p.answer(po, "ACCEPTED"))
	p.s.until(t, 30*time.Second, "closed", func() bool {
		return p.s.good(t, "supplier", asked, map[string]any{"id": po["id"]}).at("alerts", "nodes", 0, "id") == nil
	})
}
