package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const acted = `{ replayed errors { __typename ... on UserError { code message path } ... on VersionConflict
	{ currentVersion changedFields } ... on StateNotAllowed { state allowed } ... on Forbidden { missingScope } }
  operation { id kind state awaiting { by message differences { __typename ... on PriceChanged { code } } } failure
{ responsible code message } steps { name state } }
  order { id number status version allowedActions requestedDeliveryDate totals { total { amount } } operation { id kind state }
    lines(first: 10) { nodes { id lineNumber sku status ordered { value unit } cancelled { value } shipped { value } amount { amount } } }
} }`

var (
	amend  = `mutation ($key: IdempotencyKey!, $in: AmendOrderInput!) { out: amendOrder(idempotencyKey: $key, input: $in) ` + acted + ` }`
	cancel = `mutation ($key: IdempotencyKey!, $in: CancelOrderInput!) { out: cancelOrder(idempotencyKey: $key, input: $in) ` + acted + ` }`
)

const orderNow = `query ($id: ID!) { order(by: {id: $id}) { id number status version allowedActions placedBy { displayName } operation
	{ kind state }
  approval { state limit { period limit { amount } } decidedBy { displayName } comment }
  timeline(first: 50) { nodes { at kind message system correlationId actor { displayName } } }
  lines(first: 10) { nodes { id lineNumber sku status ordered { value unit } cancelled { value } } } } }`

func (o *ordering) key() string {
	key, _ := o.order()
	return key
}

// placed is an order that the ERP has confirmed.
func (o *ordering) placed(t *testing.T) map[string]any {
	t.Helper()
	key, in := o.order()
	a := o.submit(t, key, in)
	if a.at("submitOrder", "operation", "state") != "COMMITTED" {
		t.Fatalf("not placed: %s", a.Body)
	}
	return o.now(t, "buyer", a.at("submitOrder", "order", "id"))
}

func (o *ordering) now(t *testing.T, persona string, id any) map[string]any {
	t.Helper()
	order, _ := o.s.good(t, persona, orderNow, map[string]any{"id": id}).at("order").(map[string]any)
	return order
}

// Covers: C13 C10 F07 G11
func TestAnOrderIsAmendedOnceAndTheOtherPortalIsToldWhatChanged(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	line, version := walk(order, "lines.nodes.0.id"), order["version"]
	change := func(quantity string) map[string]any {
		return map[string]any{
			"order": order["id"], "expectedVersion": version,
			"changeLines": []any{map[string]any{"line": line, "quantity": map[string]any{"value": quantity, "unit": "EA"}}},
		}
	}
	keys := []string{o.key(), o.key()}
	answers := make([]answer, 2)
	var both sync.WaitGroup
	token := s.token(t, "buyer")
	for i := range answers {
		both.Go(func() {
			a, err := s.ask(t.Context(), token, amend, map[string]any{"key": keys[i], "in": change([]string{"2000", "3000"}[i])})
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	both.Wait()
	won := 0
	if answers[0].at("out", "operation") == nil {
		won = 1
	}
	a, lost := answers[won], answers[1-won]
	if a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "order", "lines", "nodes", 0, "ordered", "value") != []string{
		"2000",
		"3000",
	}[won] {
		t.Fatalf("the one that won: %s", a.Body)
	}
	if lost.at("out", "errors", 0, "code") != "VERSION_CONFLICT" || lost.at("out", "errors", 0, "currentVersion") == nil {
		t.Fatalf("the other: %s", lost.Body)
	}
	if again := s.good(t, "buyer", amend, map[string]any{"key": keys[won], "in": change([]string{"2000", "3000"}[won])}); again.at("out",
		"replayed") != true || again.at("out", "operation", "id") != a.at("out", "operation", "id") {
		t.Errorf("sent again: %s", again.Body)
	}
	if other := s.good(t, "buyer", amend, map[string]any{"key": keys[won], "in": change("4500")}); other.at("out", "errors", 0,
		"code") != "IDEMPOTENCY_CONFLICT" || other.at("out", "replayed") == true {
		t.Errorf("another change under its key: %s", other.Body)
	}
	late := s.good(t, "buyer", amend, map[string]any{"key": o.key(), "in": change("4000")})
	changed := fmt.Sprint(late.at("out", "errors", 0, "changedFields"))
	if late.at("out", "errors", 0, "code") != "VERSION_CONFLICT" || !strings.Contains(changed, "lines") ||
		!strings.Contains(changed, "totals") {
		t.Errorf("later, at the old version: %s", late.Body)
	}
	if now := s.record(t, "erp", "salesOrders", say(order["number"])); say(walk(any(now), "items.0.qtyOrd")) != []string{"2000", "3000"}[won] {
		t.Errorf("the ERP has %v", now["items"])
	}
	// A line that is added, one that is cancelled, another day.
	version = o.now(t, "buyer", order["id"])["version"]
	day := time.Now().AddDate(0, 0, 30)
	for day.Weekday() != time.Wednesday {
		day = day.AddDate(0, 0, 1)
	}
	more := s.good(t, "buyer", amend, map[string]any{"key": o.key(), "in": map[string]any{
		"order": order["id"], "expectedVersion": version, "requestedDeliveryDate": day.Format("2006-01-02"), "cancelLines": []any{line},
		"addLines": []any{map[string]any{"item": map[string]any{"sku": o.sku}, "quantity": map[string]any{"value": "500", "unit": "EA"}}},
	}})
	if more.at("out", "operation", "state") != "COMMITTED" || more.at("out", "order", "lines", "nodes", 0, "status") != "CANCELLED" ||
		more.at("out", "order", "lines", "nodes", 1, "ordered", "value") != "500" ||
		more.at("out", "order", "requestedDeliveryDate") != day.Format("2006-01-02") {
		t.Errorf("changed otherwise: %s", more.Body)
	}
}

// Covers: C10 F02 C04
func TestAPromiseThatMovesIsToldAndOperationsAreFollowed(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	const follow = `subscription { operationUpdates { ... on OperationUpdate { at previousState operation { id kind state } } } }`
	mine, others := s.follow(t, s.token(t, "buyer"), follow, nil), s.follow(t, s.token(t, "buyer-other"), follow, nil)
	order := o.placed(t)
	day := time.Now().AddDate(0, 0, 40)
	for day.Weekday() != time.Wednesday {
		day = day.AddDate(0, 0, 1)
	}
	a := s.good(t, "buyer", amend,
		map[string]any{
			"key": o.key(),
			"in":  map[string]any{"order": order["id"], "expectedVersion": order["version"], "requestedDeliveryDate": day.Format("2006-01-02")},
		})
	if a.at("out", "operation", "state") != "COMMITTED" {
		t.Fatalf("not amended: %s", a.Body)
	}
	q := s.good(t, "buyer", `query ($id: ID!) { order(by: {id: $id}) { commitmentChanges
		{ cause at line { id } from { promisedDeliveryDate } to { promisedDeliveryDate quantity { value } } } } }`,
		map[string]any{"id": order["id"]})
	if q.at("order", "commitmentChanges", 0, "cause") != "CUSTOMER_REQUEST" ||
		q.at("order", "commitmentChanges", 0, "to", "promisedDeliveryDate") != day.Format("2006-01-02") ||
		q.at("order", "commitmentChanges", 0, "line", "id") != walk(order, "lines.nodes.0.id") {
		t.Errorf("what moved: %s", q.Body)
	}
	s.until(t, 5*time.Second, "told", func() bool {
		mine.mu.Lock()
		defer mine.mu.Unlock()
		text := fmt.Sprint(mine.updates)
		return strings.Contains(text, say(a.at("out", "operation", "id"))) && strings.Contains(text, "COMMITTED")
	})
	others.mu.Lock()
	defer others.mu.Unlock()
	if strings.Contains(fmt.Sprint(others.updates), say(a.at("out", "operation", "id"))) {
		t.Errorf("another customer is told: %v", others.updates)
	}
}

// Covers: C13 G06 G11
func TestBadAmendmentsAreRefusedAtTheirPlaces(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order, other := o.placed(t), o.placed(t)
	line, foreign := walk(order, "lines.nodes.0.id"), walk(other, "lines.nodes.0.id")
	q := func(value, unit string) map[string]any { return map[string]any{"value": value, "unit": unit} }
	changed := func(of any, quantity map[string]any) map[string]any {
		return map[string]any{"changeLines": []any{map[string]any{"line": of, "quantity": quantity}}}
	}
	added := func(sku string, quantity map[string]any) map[string]any {
		return map[string]any{"addLines": []any{map[string]any{"item": map[string]any{"sku": sku}, "quantity": quantity}}}
	}
	for what, c := range map[string]struct {
		in   map[string]any
		code string
		path string
	}{
		"nothing":               {map[string]any{}, "INVALID_INPUT", "[input]"},
		"a line of another":     {changed(foreign, q("5", "EA")), "NOT_FOUND", "[input changeLines 0 line]"},
		"no line":               {changed("oln_0", q("5", "EA")), "NOT_FOUND", "[input changeLines 0 line]"},
		"less than nothing":     {changed(line, q("-5", "EA")), "INVALID_INPUT", "[input changeLines 0 quantity]"},
		"a third of a piece":    {changed(line, q("0.3000001", "EA")), "INVALID_INPUT", "[input changeLines 0 quantity]"},
		"more than anybody has": {changed(line, q("1000000000", "EA")), "MAXIMUM_EXCEEDED", "[input changeLines 0 quantity]"},
		"a unit of nobody":      {changed(line, q("5", "KGM")), "UNIT_NOT_ORDERABLE", "[input changeLines 0 quantity unit]"},
		"an item of nobody":     {added("no such item", q("5", "EA")), "NOT_FOUND", "[input addLines 0 item]"},
		"changed and cancelled": {
			map[string]any{"changeLines": changed(line, q("5", "EA"))["changeLines"], "cancelLines": []any{line}},
			"INVALID_INPUT", "[input cancelLines 0]",
		},
		"a day that is past": {map[string]any{
			"requestedDeliveryDate": "2001-01-01",
			"changeLines":           changed(line, q("1500", "EA"))["changeLines"],
		}, "DATE_NOT_POSSIBLE", "[input requestedDeliveryDate]"},
		"an order of nobody": {map[string]any{"order": "ord_0", "cancelLines": []any{line}}, "NOT_FOUND", "[input order]"},
		"a version of nobody": {
			map[string]any{"expectedVersion": "'; DROP TABLE orders", "cancelLines": []any{line}},
			"VERSION_CONFLICT",
			"[input expectedVersion]",
		},
		"ten thousand of things": {map[string]any{"cancelLines": make([]any, 0)}, "INVALID_INPUT", "[input]"},
	} {
		in := map[string]any{"order": order["id"], "expectedVersion": order["version"]}
		for k, v := range c.in {
			in[k] = v
		}
		if what == "ten thousand of things" {
			all := make([]any, 10_000)
			for i := range all {
				all[i] = fmt.Sprintf("oln_%d", i)
			}
			in["cancelLines"] = all
		}
		a := s.query(t, "buyer", amend, map[string]any{"key": o.key(), "in": in})
		code, path := a.at("out", "errors", 0, "code"), fmt.Sprint(a.at("out", "errors", 0, "path"))
		if len(a.Errors) == 0 && (code != c.code || path != c.path) || len(a.Errors) > 0 && what != "ten thousand of things" {
			t.Errorf("%s: want %s at %s: %.300s", what, c.code, c.path, a.Body)
		}
	}
	for _, value := range []string{"NaN", "1e30", "0.30000000000000004"} {
		in := changed(line, q(value, "EA"))
		in["order"], in["expectedVersion"] = order["id"], order["version"]
		a := s.query(t, "buyer", amend, map[string]any{"key": o.key(), "in": in})
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" ||
			fmt.Sprint(a.Errors[0].Extensions["argument"]) != "[input changeLines 0 quantity value]" {
			t.Errorf("%s: %s", value, a.Body)
		}
	}
	if now := o.now(t, "buyer", order["id"]); now["version"] != order["version"] {
		t.Errorf("something was written: version %v, was %v", now["version"], order["version"])
	}
	foreigner := s.good(t, "buyer-other", amend,
		map[string]any{
			"key": o.key(),
			"in":  map[string]any{"order": order["id"], "expectedVersion": order["version"], "cancelLines": []any{line}},
		})
	if foreigner.at("out", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("another customer: %s", foreigner.Body)
	}
}

// Covers: C13 C10 F07
func TestAnOrderIsCancelledUntilItIsPicked(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	in := map[string]any{"order": order["id"], "expectedVersion": order["version"], "reason": "not needed"}
	if a := s.good(t, "buyer", cancel,
		map[string]any{
			"key": o.key(),
			"in":  map[string]any{"order": order["id"], "expectedVersion": order["version"], "reason": " "},
		}); a.at("out", "errors", 0,
		"code") != "INVALID_INPUT" {
		t.Errorf("without a reason: %s", a.Body)
	}
	a := s.good(t, "buyer", cancel, map[string]any{"key": o.key(), "in": in})
	if a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "order", "status") != "CANCELLED" {
		t.Fatalf("not cancelled: %s", a.Body)
	}
	// After pick release nothing is changed any more, and the state and what is allowed are told.
	picked := o.placed(t)
	number := say(picked["number"])
	erp := s.record(t, "erp", "salesOrders", number)
	items := erp["items"].([]any)
	items[0].(map[string]any)["pick"] = true
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{
			"service": "erp", "object": "salesOrders", "key": number,
			"set": map[string]any{"hdrStat": "30", "items": items, "rev": 9},
		})
	s.until(t, 10*time.Second, "picked", func() bool { return o.now(t, "buyer", picked["id"])["status"] == "IN_FULFILLMENT" })
	now := o.now(t, "buyer", picked["id"])
	if len(now["allowedActions"].([]any)) != 0 {
		t.Errorf("allowed while it is picked: %v", now["allowedActions"])
	}
	for _, m := range []struct {
		mutation string
		in       map[string]any
	}{
		{cancel, map[string]any{"order": picked["id"], "expectedVersion": now["version"], "reason": "late"}},
		{amend, map[string]any{
			"order": picked["id"], "expectedVersion": now["version"],
			"requestedDeliveryDate": time.Now().AddDate(0, 1, 0).Format("2006-01-02"),
		}},
	} {
		if a := s.good(t, "buyer", m.mutation, map[string]any{"key": o.key(), "in": m.in}); a.at("out", "errors", 0,
			"code") != "STATE_NOT_ALLOWED" || a.at("out", "errors", 0, "state") != "IN_FULFILLMENT" {
			t.Errorf("while it is picked: %s", a.Body)
		}
	}
}

// Covers: C06 R09
func TestManyOrdersAreSubmittedTogether(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	const many = `mutation ($key: IdempotencyKey!, $in: SubmitOrdersInput!)
		{ out: submitOrders(idempotencyKey: $key, input: $in) { replayed accepted rejected errors { ... on UserError { code path } }
		results { index order { id status } operation { id idempotencyKey } errors { ... on UserError { code path } } } } }`
	orders := func() []any {
		var all []any
		for range 4 {
			_, in := o.order()
			all = append(all, in)
		}
		all[2].(map[string]any)["customerPoNumber"] = all[1].(map[string]any)["customerPoNumber"] // within the batch
		return all
	}
	before := len(s.effects(t))
	batch := orders()
	if a := s.good(t, "buyer", many,
		map[string]any{"key": o.key(), "in": map[string]any{"orders": batch, "policy": "ALL_OR_NOTHING"}}); a.at("out",
		"accepted") != float64(0) || a.at("out", "rejected") != float64(4) ||
		a.at("out", "results", 2, "errors", 0, "code") != "DUPLICATE_PO_NUMBER" || a.at("out", "results", 0, "order") != nil {
		t.Errorf("all or nothing: %s", a.Body)
	}
	key := o.key()
	a := s.good(t, "buyer", many, map[string]any{"key": key, "in": map[string]any{"orders": batch}})
	if a.at("out", "accepted") != float64(3) || a.at("out", "results", 2, "errors", 0, "code") != "DUPLICATE_PO_NUMBER" ||
		a.at("out", "results", 3, "operation", "idempotencyKey") != key {
		t.Fatalf("what is right: %s", a.Body)
	}
	again := s.good(t, "buyer", many, map[string]any{"key": key, "in": map[string]any{"orders": batch}})
	if again.at("out", "replayed") != true || again.at("out", "results", 2, "errors", 0, "code") != "DUPLICATE_PO_NUMBER" {
		t.Errorf("sent again: %s", again.Body)
	}
	for i := range 4 {
		if again.at("out", "results", i, "operation", "id") != a.at("out", "results", i, "operation", "id") {
			t.Errorf("sent again, order %d has another operation", i)
		}
	}
	s.until(t, 20*time.Second, "taken", func() bool { return len(s.effects(t))-before == 3 })
	if a := s.good(t, "buyer", many, map[string]any{"key": o.key(), "in": map[string]any{"orders": []any{}}}); a.at("out", "errors", 0,
		"code") != "INVALID_INPUT" {
		t.Errorf("none: %s", a.Body)
	}
}

// Covers: R03 R04 R05 O01 O03 X05
func TestOperatorsSeeWhatHappensAndAct(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	o := orderingAt(t, s)
	control := func(mutation, instance string) answer {
		return s.good(t, "operator",
			`mutation ($key: IdempotencyKey!, $in: SourceControlInput!)
				{ out: `+mutation+`(idempotencyKey: $key, input: $in) { errors { ... on UserError { code } } source
				{ instance state pausedReason queueDepth guarantee } } }`,
			map[string]any{"key": o.key(), "in": map[string]any{"instance": instance, "reason": "the auditors are in"}})
	}
	if a := control("pauseSource", "erp"); a.at("out", "source", "state") != "PAUSED" ||
		a.at("out", "source", "pausedReason") != "the auditors are in" || a.at("out", "source", "guarantee") != "KEY_HONOURED" {
		t.Fatalf("paused: %s", a.Body)
	}
	if a := control("pauseSource", "nobody"); a.at("out", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("a source of nobody: %s", a.Body)
	}
	key, in := o.order()
	begun := time.Now()
	a := s.good(t, "buyer", submit, map[string]any{"key": key, "in": in})
	if state := a.at("submitOrder", "operation", "state"); state != "ACCEPTED" || time.Since(begun) > 1500*time.Millisecond {
		// The price must be known to place it; it was, by the page that o was made from.
		if a.at("submitOrder", "errors", 0, "code") != "SOURCE_UNAVAILABLE" {
			t.Fatalf("while it is paused: %s", a.Body)
		}
		control("resumeSource", "erp")
		o.placed(t)
		control("pauseSource", "erp")
		key, in = o.order()
		a = s.good(t, "buyer", submit, map[string]any{"key": key, "in": in})
	}
	id := a.at("submitOrder", "operation", "id")
	q := s.good(t, "operator",
		`query ($id: ID!) { operation(by: {id: $id}) { state queue { position reason } } workInProgress { kind state count oldest }
		operations(first: 5, filter: {state: [ACCEPTED], kind: [SUBMIT_ORDER]}) { nodes { id } totalCount { value } } sourceHealth
		{ instance queueDepth } }`, map[string]any{"id": id})
	if q.at("operation", "queue", "position") != float64(1) || !strings.Contains(say(q.at("operation", "queue", "reason")), "auditors") ||
		q.at("workInProgress", 0, "count") != float64(1) || q.at("operations", "nodes", 0, "id") != id {
		t.Errorf("while it waits: %s", q.Body)
	}
	control("resumeSource", "erp")
	s.until(t, 20*time.Second, "committed", func() bool {
		return s.good(t, "operator", `query ($id: ID!) { operation(by: {id: $id}) { state } }`, map[string]any{"id": id}).at("operation",
			"state") == "COMMITTED"
	})
	// Undone: the ERP cancels it, and the order follows.
	undo := s.good(t, "operator",
		`mutation ($key: IdempotencyKey!, $in: CompensateInput!) { out: compensate(idempotencyKey: $key, input: $in)
			{ errors { ... on UserError { code } } operation { state } } }`,
		map[string]any{"key": o.key(), "in": map[string]any{"operation": id, "reason": "a test"}})
	if len(undo.at("out", "errors").([]any)) != 0 {
		t.Fatalf("not undone: %s", undo.Body)
	}
	s.until(t, 20*time.Second, "undone", func() bool {
		q := s.good(t, "operator",
			`query ($id: ID!) { operation(by: {id: $id}) { state steps { name state } } order(by: {id: "`+say(a.at("submitOrder", "order",
				"id"))+`"}) { status } }`, map[string]any{"id": id})
		return q.at("operation", "state") == "COMPENSATED" && q.at("operation", "steps", 1, "state") == "COMPENSATED" &&
			q.at("order", "status") == "CANCELLED"
	})
	// What the ERP told is read again: nothing is otherwise, until a record here is spoiled.
	replay := func(input string) answer {
		return s.good(t, "operator",
			`mutation ($key: IdempotencyKey!) { out: replay(idempotencyKey: $key, input:
				{reason: "a test", `+input+`}) { replayed found changes errors { ... on UserError { code path } } } }`, map[string]any{"key": o.key()})
	}
	if a := replay(`stream: "erp/orders"`); len(a.at("out", "errors").([]any)) != 0 || a.at("out", "found").(float64) < 10 ||
		a.at("out", "changes") != float64(0) {
		t.Errorf("a dry run: %s", a.Body)
	}
	if a := replay(`stream: "erp/orders", dryRun: false, subject: "` + say(a.at("submitOrder", "order", "id")) + `"`); a.at("out",
		"found") != float64(1) {
		t.Errorf("of one order: %s", a.Body)
	}
	for _, stream := range []string{"erp", "erp/nothing", "nobody/orders", "erp/inventory"} {
		if a := replay(`stream: "` + stream + `"`); a.at("out", "errors", 0, "code") != "NOT_FOUND" {
			t.Errorf("%s: %s", stream, a.Body)
		}
	}
	// Who did what, sealed.
	var log answer
	s.until(t, 10*time.Second, "sealed", func() bool {
		log = s.good(t, "operator",
			`{ auditLog(first: 50) { nodes { index action subject actor { displayName } correlationId before after digest } } }`, nil)
		return strings.Contains(log.Body, "order.submit.undone")
	})
	for _, action := range []string{"source.pause", "order.submit", "order.submit.committed", "source.resume", "operation.compensate"} {
		if !strings.Contains(log.Body, `"`+action+`"`) {
			t.Errorf("the audit log does not tell %s", action)
		}
	}
	if out := s.command(t, "audit", "verify"); !strings.Contains(out, "as they were signed") {
		t.Errorf("verified: %s", out)
	}
	trace := s.good(t, "operator",
		`query ($id: String!) { trace(correlationId: $id, first: 50) { nodes { kind message system took correlationId } } }`,
		map[string]any{"id": a.at("submitOrder", "operation", "correlationId")})
	for _, kind := range []string{"REQUEST", "SOURCE_CALL", "STATUS_CHANGE"} {
		if !strings.Contains(trace.Body, kind) {
			t.Errorf("the trace has no %s: %s", kind, trace.Body)
		}
	}
	for _, persona := range []string{"buyer", "supplier"} {
		for _, q := range []string{
			`{ auditLog { nodes { id } } }`, `{ deadLetters { nodes { id } } }`, `{ workInProgress { kind } }`,
			`{ trace(correlationId: "x") { nodes { message } } }`,
		} {
			if a := s.query(t, persona, q, nil); len(a.Errors) == 0 {
				t.Errorf("%s may ask %s: %s", persona, q, a.Body)
			}
		}
	}
}

// TestABadKeyIsRefusedByEveryWrite sends keys that are none with inputs that are good in
// their form.
//
// Covers: R01 G06
func TestABadKeyIsRefusedByEveryWrite(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	_, one := o.order()
	line, quantity := walk(order, "lines.nodes.0.id"), map[string]any{"value": "2000", "unit": "EA"}
	more := []any{map[string]any{"line": line, "quantity": quantity}}
	on := map[string]any{"order": order["id"], "expectedVersion": order["version"]}
	with := func(more ...any) map[string]any {
		in := maps.Clone(on)
		for i := 0; i < len(more); i += 2 {
			in[more[i].(string)] = more[i+1]
		}
		return in
	}
	operated := func(key string) map[string]any {
		return map[string]any{key: "opr_00000000000000000000000000000000", "reason": "r"}
	}
	source := map[string]any{"instance": "erp", "reason": "r"}
	writes := map[string]struct {
		persona, input string
		in             map[string]any
	}{
		"submitOrders":       {"buyer", "SubmitOrdersInput", map[string]any{"orders": []any{one}}},
		"amendOrder":         {"buyer", "AmendOrderInput", with("changeLines", more)},
		"cancelOrder":        {"buyer", "CancelOrderInput", with("reason", "r")},
		"approveOrder":       {"approver", "OrderApprovalInput", with()},
		"rejectOrder":        {"approver", "OrderApprovalInput", with("comment", "c")},
		"acceptOrderChanges": {"buyer", "AcceptOrderChangesInput", with()},
		"requestReturn": {
			"buyer", "RequestReturnInput",
			map[string]any{"order": order["id"], "lines": []any{map[string]any{"line": line, "quantity": quantity, "reason": "DAMAGED"}}},
		},
		"retryDeadLetter":   {"operator", "DeadLetterInput", operated("deadLetter")},
		"discardDeadLetter": {"operator", "DeadLetterInput", operated("deadLetter")},
		"compensate":        {"operator", "CompensateInput", operated("operation")},
		"settleOperation": {
			"operator", "SettleOperationInput",
			func() map[string]any { in := operated("operation"); in["happened"] = false; return in }(),
		},
		"pauseSource":  {"operator", "SourceControlInput", source},
		"resumeSource": {"operator", "SourceControlInput", source},
		"respondToPurchaseOrder": {
			"supplier", "PurchaseOrderResponseInput",
			map[string]any{"purchaseOrder": "pur_none", "expectedRevision": 1, "responseNumber": "R-1", "kind": "ACCEPTED"},
		},
		"submitDespatchAdvice": {
			"supplier", "DespatchAdviceInput",
			map[string]any{
				"number": "A-1", "shipFrom": map[string]any{"name": "n", "line1": "l", "city": "c", "country": "DE"},
				"lines": []any{map[string]any{"purchaseOrderLine": "pol_none", "shipped": quantity}},
			},
		},
		"cancelDespatchAdvice": {"supplier", "CancelDespatchAdviceInput", map[string]any{"despatchAdvice": "dsp_none", "reason": "r"}},
		"decideDeviation":      {"operator", "DecideDeviationInput", map[string]any{"deviation": "dev_none", "decision": "ACCEPT"}},
		"saveToleranceProfile": {"operator", "ToleranceProfileInput", map[string]any{"name": "n", "outOfTolerance": "REJECT"}},
		"reportException": {
			"supplier", "ReportExceptionInput",
			map[string]any{"subject": "pur_none", "severity": "INFO", "message": "m"},
		},
		"acknowledgeAlert": {"operator", "AcknowledgeAlertInput", map[string]any{"alert": "alr_none"}},
		"resolveAlert":     {"operator", "ResolveAlertInput", map[string]any{"alert": "alr_none", "resolution": "r"}},
		"changeLeadTime": {
			"supplier", "ChangeLeadTimeInput",
			map[string]any{"supplierItem": "sit_none", "leadTimeDays": 5, "effectiveFrom": "2030-01-01"},
		},
		"registerPartner":   {"operator", "PartnerInput", map[string]any{"code": "V9", "name": "n", "channels": []any{}}},
		"updatePartner":     {"operator", "UpdatePartnerInput", map[string]any{"partner": "ptn_none", "expectedVersion": "1"}},
		"advanceOnboarding": {"operator", "AdvanceOnboardingInput", map[string]any{"partner": "ptn_none", "to": "ACTIVE"}},
		"rotatePartnerKey": {
			"supplier", "RotatePartnerKeyInput",
			map[string]any{"partner": "ptn_none", "publicKeyPem": "p", "validFrom": "2030-01-01T00:00:00Z"},
		},
		"provePartnerKey":  {"supplier", "ProvePartnerKeyInput", map[string]any{"key": "key_none", "signature": "s"}},
		"revokePartnerKey": {"supplier", "RevokePartnerKeyInput", map[string]any{"key": "key_none", "reason": "r"}},
		"publishCodeMapping": {
			"operator", "CodeMappingInput",
			map[string]any{
				"mapping": "cmp_none", "expectedVersion": 1, "entries": []any{map[string]any{"code": "X", "meaning": "Milestone.OTHER"}},
				"reason": "r",
			},
		},
		"saveWebhookEndpoint": {
			"buyer", "WebhookEndpointInput",
			map[string]any{"url": "http://127.0.0.1:9/", "topics": []any{"ORDER_UPDATED"}},
		},
		"deleteWebhookEndpoint": {"buyer", "WebhookEndpointRef", map[string]any{"endpoint": "whe_none"}},
		"rotateWebhookSecret":   {"buyer", "WebhookEndpointRef", map[string]any{"endpoint": "whe_none"}},
		"redeliverWebhook":      {"buyer", "RedeliverWebhookInput", map[string]any{"delivery": "whd_none"}},
		"resolveMasterDataConflict": {
			"operator", "ResolveMasterDataConflictInput",
			map[string]any{"conflict": "mdc_none", "value": "v", "reason": "r"},
		},
		"saveObjective": {
			"operator", "ObjectiveInput",
			map[string]any{"name": "n", "measure": "ORDER_ERROR_RATE", "percent": "5", "window": "P1D", "queue": "q"},
		},
		"recordSupportTickets": {
			"operator", "SupportTicketCountInput",
			map[string]any{"period": map[string]any{"from": "2026-01-01", "to": "2026-01-31"}, "count": 3, "source": "desk"},
		},
		"replay": {"operator", "ReplayInput", map[string]any{"stream": "erp", "reason": "r"}},
	}
	for _, f := range s.good(t, "operator", `{ __type(name: "Mutation") { fields { name } } }`, nil).at("__type", "fields").([]any) {
		name := say(walk(f, "name"))
		w, ok := writes[name]
		if !ok && name != "submitOrder" { // which the story placed-twice asks more of
			t.Errorf("%s is not tried", name)
		}
		if !ok {
			continue
		}
		const query = `mutation ($key: IdempotencyKey!, $in: %s!) { out: %s(idempotencyKey: $key, input: $in)
			{ errors { ... on UserError { code path } } } }`
		for what, key := range map[string]string{
			"short": "short", "NUL": "a key with \x00 in it....", "a line": "a key with\na line in it",
			"long": strings.Repeat("x", 129), "longer": strings.Repeat("x", 100_000),
		} {
			a := s.query(t, w.persona, fmt.Sprintf(query, w.input, name), map[string]any{"key": key, "in": w.in})
			if a.at("out", "errors", 0, "code") != "INVALID_INPUT" || fmt.Sprint(a.at("out", "errors", 0, "path")) != "[idempotencyKey]" {
				t.Errorf("%s with a key that is %s: %s", name, what, a.Body)
			}
		}
		if a, err := s.ask(t.Context(), s.token(t, w.persona), fmt.Sprintf(query, w.input, name),
			map[string]any{"key": strings.Repeat("x", 1<<20), "in": w.in}); err == nil && len(a.Errors) == 0 && a.at("out", "errors", 0,
			"code") != "INVALID_INPUT" {
			t.Errorf("%s with a key of 1 MiB: %s", name, a.Body)
		}
	}
	if now := o.now(t, "buyer", order["id"]); now["version"] != order["version"] {
		t.Errorf("the order was written to: %v", now)
	}
	amend := map[string]any{"key": `a key with "quotes", 'quotes' and \ of ` + o.of, "in": with("changeLines", more)}
	for _, replayed := range []bool{false, true} {
		if a := s.good(t, "buyer",
			`mutation ($key: IdempotencyKey!, $in: AmendOrderInput!) { out: amendOrder(idempotencyKey: $key, input: $in)
				{ replayed errors { ... on UserError { message } } } }`, amend); a.at("out", "replayed") != replayed {
			t.Errorf("a key with quotes: %s", a.Body)
		}
	}
}
