package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Covers: P11 P03 U03
func TestTrytonTakesWhatSuppliersConfirm(t *testing.T) {
	t.Parallel()
	e := writableERP(t)
	s := e.onTryton(t)
	p := &supplying{s: s}
	p.next.Store(time.Now().UnixNano() / 1e6 % 1e9)
	offers := s.good(t, "operator", `{ purchaseOrders(first: 100, filter: {status: [ISSUED]}) { nodes { number } } }`,
		nil).at("purchaseOrders", "nodes").([]any)
	if len(offers) < 2 {
		t.Fatalf("Tryton has %d offers", len(offers))
	}
	answer := func(in map[string]any) string {
		t.Helper()
		a := s.good(t, "operator", respond, map[string]any{"key": p.key(), "in": in})
		id := a.at("out", "operation", "id")
		if id == nil {
			t.Fatalf("refused: %s", a.Body)
		}
		state := ""
		s.until(t, time.Minute, "done by Tryton", func() bool {
			state = say(s.good(t, "operator", `query ($id: ID!) { operation(by: {id: $id}) { state } }`, map[string]any{"id": id}).at("operation",
				"state"))
			return state == "COMMITTED" || state == "FAILED" || state == "DEAD_LETTERED" || state == "AWAITING_DECISION"
		})
		return state
	}
	planned := func(line any) []string {
		var days []string
		for _, m := range e.rows(t, "stock.move", []any{[]any{"origin", "=", "purchase.line," + say(line)}, []any{"state", "=", "draft"}}, nil,
			"planned_date") {
			day, _ := m["planned_date"].(map[string]any)
			days = append(days, fmt.Sprintf("%04.0f-%02.0f-%02.0f", day["year"], day["month"], day["day"]))
		}
		return days
	}
	on := func(days int) string { return time.Now().AddDate(0, 0, days).Format(time.DateOnly) }

	// An offer: a bit less than ordered, and cheaper, on a day. Tryton confirms it so.
	po := p.now(t, "operator", walk(offers[0], "number"))
	var lines []map[string]any
	for i, l := range walk(po, "lines.nodes").([]any) {
		said := map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": on(20)}
		if i == 0 {
			price := walk(l, "unitPrice").(map[string]any)
			said["quantity"] = walk(l, "ordered")
			said["unitPrice"] = map[string]any{
				"price": map[string]any{"amount": "0.01", "currency": walk(price, "price.currency")},
				"per":   price["per"],
			}
		}
		lines = append(lines, said)
	}
	if state := answer(p.answer(po, "ACCEPTED_WITH_CHANGES", lines...)); state != "COMMITTED" {
		t.Fatalf("the answer to an offer is %s", state)
	}
	row := e.rows(t, "purchase.purchase", []any{[]any{"number", "=", po["number"]}}, nil, "state")[0]
	if state := say(row["state"]); state != "processing" && state != "confirmed" {
		t.Errorf("Tryton has it as %s", state)
	}
	first := walk(po, "lines.nodes.0.lineNumber")
	in := e.rows(t, "purchase.line", []any{[]any{"id", "=", atoi(first)}}, nil, "unit_price", "quantity")[0]
	if say(in["unit_price"]) == say(walk(po, "lines.nodes.0.unitPrice.price.amount")) ||
		say(in["quantity"]) != say(walk(po, "lines.nodes.0.ordered.value")) {
		t.Errorf("Tryton's line: %v", in)
	}
	for _, l := range walk(po, "lines.nodes").([]any) {
		if days := planned(walk(l, "lineNumber")); len(days) != 1 || days[0] != on(20) {
			t.Errorf("planned for %v, want %s", days, on(20))
		}
	}
	var now map[string]any
	s.until(t, time.Minute, "in the graph", func() bool {
		now = p.now(t, "operator", po["number"])
		return walk(now, "lines.nodes.0.schedule.0.promisedDeliveryDate") == on(20) && strings.HasPrefix(say(now["status"]), "ACKNOWLEDGED")
	})

	// Confirmed: the day moves.
	for i := range lines {
		lines[i] = map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": on(25)}
	}
	if state := answer(p.answer(now, "ACCEPTED_WITH_CHANGES", lines...)); state != "COMMITTED" {
		t.Fatalf("another day is %s", state)
	}
	if days := planned(first); len(days) != 1 || days[0] != on(25) {
		t.Errorf("planned for %v, want %s", days, on(25))
	}

	// Another quantity is somebody's work, and then settled.
	now = p.now(t, "operator", po["number"])
	less := walk(now, "lines.nodes.0.ordered").(map[string]any)
	lines[0] = map[string]any{
		"status":   "ACCEPTED_QUANTITY_CHANGED",
		"quantity": map[string]any{"value": times(say(less["value"]), 0.98), "unit": less["unit"]},
	}
	for i := range lines[1:] {
		lines[i+1] = map[string]any{"status": "ACCEPTED"}
	}
	if state := answer(p.answer(now, "ACCEPTED_WITH_CHANGES", lines...)); state != "DEAD_LETTERED" {
		t.Fatalf("another quantity of a confirmed purchase is %s", state)
	}
	parked := s.good(t, "operator", `query ($n: String!) { purchaseOrder(by: {number: $n}) { operation { id failure { code message } } } }`,
		map[string]any{"n": po["number"]})
	if parked.at("purchaseOrder", "operation", "failure", "code") != "BY_HAND" ||
		!strings.Contains(say(parked.at("purchaseOrder", "operation", "failure", "message")), "settle") {
		t.Errorf("it does not say what to do: %s", parked.Body)
	}
	const settle = `mutation ($key: IdempotencyKey!, $in: SettleOperationInput!)
		{ out: settleOperation(idempotencyKey: $key, input: $in) { errors { ... on UserError { code message } } operation { state } } }`
	if a := s.good(t, "operator", settle,
		map[string]any{
			"key": p.key(),
			"in": map[string]any{
				"operation": parked.at("purchaseOrder", "operation", "id"), "happened": true, "externalRef": say(po["number"]),
				"reason": "changed in Tryton",
			},
		}); len(a.at("out", "errors").([]any)) != 0 {
		t.Errorf("settled: %s", a.Body)
	}
	s.until(t, time.Minute, "settled", func() bool {
		return say(s.good(t, "operator", `query ($n: String!) { purchaseOrder(by: {number: $n}) { operation { state } } }`,
			map[string]any{"n": po["number"]}).at("purchaseOrder", "operation", "state")) == "COMMITTED"
	})
}

func atoi(v any) (n int) {
	_, _ = fmt.Sscan(say(v), &n)
	return n
}

// times is a quantity times a factor, in whole units.
func times(quantity string, factor float64) string {
	var q float64
	_, _ = fmt.Sscan(quantity, &q)
	return fmt.Sprintf("%.0f", q*factor)
}

// Covers: P07 U03
func TestTrytonTakesLeadTimes(t *testing.T) {
	t.Parallel()
	e := writableERP(t)
	s := e.onTryton(t)
	p := &supplying{s: s}
	p.next.Store(time.Now().UnixNano() / 1e6 % 1e9)
	var item map[string]any
	a := s.good(t, "operator",
		`{ partners(first: 50) { nodes { code items(first: 5) { nodes { id leadTimeDays supplierPartNumber item { sku } } } } } }`, nil)
	for _, partner := range a.at("partners", "nodes").([]any) {
		if all := walk(partner, "items.nodes").([]any); len(all) > 0 {
			item = all[0].(map[string]any)
			item["supplier"] = walk(partner, "code")
		}
	}
	was, _ := item["leadTimeDays"].(float64)
	if was == 0 {
		t.Fatalf("Tryton tells no lead time: %s", a.Body)
	}
	if said := p.lead(t, "operator",
		map[string]any{
			"supplierItem": item["id"], "leadTimeDays": was + 3,
			"effectiveFrom": time.Now().UTC().Format(time.DateOnly),
		}); said.at("out", "operation", "id") == nil {
		t.Fatalf("refused: %s", said.Body)
	}
	s.until(t, time.Minute, "as Tryton has it", func() bool {
		return s.good(t, "operator", `query ($id: ID!) { node(id: $id) { ... on SupplierItem { leadTimeDays } } }`,
			map[string]any{"id": item["id"]}).at("node", "leadTimeDays") == was+3
	})
	domain := []any{[]any{"party.code", "=", item["supplier"]}, []any{"product.code", "=", walk(item, "item.sku")}}
	rows := e.rows(t, "purchase.product_supplier", domain, nil, "lead_time")
	if len(rows) == 0 {
		t.Fatalf("Tryton has none of %v", domain)
	}
	row := rows[0]
	if seconds := walk(row, "lead_time.seconds"); seconds != (was+3)*86400 {
		t.Errorf("Tryton's: %v", row)
	}
	// Somebody changes it in Tryton.
	if err := e.client.Call(t.Context(), "model.purchase.product_supplier.write",
		[]any{[]any{row["id"]}, map[string]any{"lead_time": map[string]any{"__class__": "timedelta", "seconds": 86400}}}, nil, nil); err != nil {
		t.Fatal(err)
	}
	s.until(t, time.Minute, "the change is seen", func() bool {
		return s.good(t, "operator", `query ($id: ID!) { node(id: $id) { ... on SupplierItem { leadTimeDays } } }`,
			map[string]any{"id": item["id"]}).at("node", "leadTimeDays") == 1.0
	})
}
