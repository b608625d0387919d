package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/sources/tryton/rpc"
	"portico/test/e2e/api"
)

// sale is an order as Tryton has it.
func (e *erp) sale(t *testing.T, number any) map[string]any {
	t.Helper()
	rows := e.rows(t, "sale.sale", []any{[]any{"number", "=", number}}, nil, "state", "reference", "description", "untaxed_amount",
		"tax_amount", "total_amount", "shipment_state", "origin")
	if len(rows) != 1 {
		t.Fatalf("Tryton has %d sales with the number %v", len(rows), number)
	}
	return rows[0]
}

// agree waits until the graph and Tryton agree on an order's amounts and quantities.
func (e *erp) agree(t *testing.T, s *server, id any) map[string]any {
	t.Helper()
	const query = `query ($id: ID!) { order(by: {id: $id}) { id number status version customerPoNumber operation { state } totals
		{ subtotal { amount } tax { amount } total { amount } }
		lines(first: 50) { nodes { id lineNumber sku status ordered { value } cancelled { value } shipped { value } backordered { value }
		allocated { value } unitPrice { price { amount } } amount { amount } } } } }`
	var order map[string]any
	var wrong []string
	s.until(t, time.Minute, "as in Tryton", func() bool {
		order = s.good(t, "buyer", query, map[string]any{"id": id}).at("order").(map[string]any)
		sale := e.sale(t, order["number"])
		wrong = nil
		same := func(what string, ours, theirs any) {
			if say(ours) != say(theirs) {
				wrong = append(wrong, fmt.Sprintf("%s: %v, Tryton says %v", what, say(ours), say(theirs)))
			}
		}
		same("reference", order["customerPoNumber"], sale["reference"])
		same("net", walk(order, "totals.subtotal.amount"), sale["untaxed_amount"])
		same("tax", walk(order, "totals.tax.amount"), sale["tax_amount"])
		same("total", walk(order, "totals.total.amount"), sale["total_amount"])
		lines := e.rows(t, "sale.line", []any{[]any{"sale.number", "=", order["number"]}, []any{"type", "=", "line"}}, nil, "quantity",
			"unit_price", "amount", "product.code")
		ours := walk(order, "lines.nodes").([]any)
		same("lines", len(ours), len(lines))
		for i := 0; i < min(len(lines), len(ours)); i++ {
			same("ordered", walk(ours[i], "ordered.value"), lines[i]["quantity"])
			same("price", walk(ours[i], "unitPrice.price.amount"), lines[i]["unit_price"])
			same("amount", walk(ours[i], "amount.amount"), lines[i]["amount"])
			done := 0.0
			for _, m := range e.rows(t, "stock.move", []any{[]any{"origin", "=", "sale.line," + say(lines[i]["id"])}, []any{"state", "=", "done"}},
				nil, "quantity") {
				if q, ok := m["quantity"].(float64); ok {
					done += q
				}
			}
			same("shipped", walk(ours[i], "shipped.value"), done)
		}
		return wrong == nil
	})
	return order
}

// Covers: C06 C09 U03 C10
func TestTrytonTakesOrdersAndWhatBecomesOfThem(t *testing.T) {
	t.Parallel()
	e := writableERP(t)
	s := e.onTryton(t)
	o := orderingAt(t, s)
	admin := e.admin(t)
	place := func(quantity string) map[string]any {
		t.Helper()
		key, in := o.order()
		in.Lines = []api.OrderLineInput{{Item: api.ItemBy{Sku: &o.sku}, Quantity: *pieces(quantity)}}
		a := o.submit(t, key, in)
		id := a.Order.Id
		if id == "" {
			t.Fatalf("not placed: %s", asJSON(a))
		}
		s.until(t, time.Minute, "taken by Tryton", func() bool {
			return s.good(t, "buyer", `query ($id: ID!) { order(by: {id: $id}) { operation { state } } }`, map[string]any{"id": id}).at("order",
				"operation", "state") == "COMMITTED"
		})
		return e.agree(t, s, id)
	}
	act := func(field, mutation string, in map[string]any) answer {
		t.Helper()
		a := s.good(t, "buyer", mutation, map[string]any{"key": o.key(), "in": in})
		id := a.at(field, "operation", "id")
		if id == nil {
			t.Fatalf("refused: %s", a.Body)
		}
		s.until(t, time.Minute, "done by Tryton", func() bool {
			a = s.good(t, "buyer", `query ($id: ID!) { operation(by: {id: $id}) { id state failure { code message } } }`, map[string]any{"id": id})
			return a.at("operation", "state") == "COMMITTED" || a.at("operation", "state") == "FAILED"
		})
		return a
	}

	order := place("1000")
	if sale := e.sale(t, order["number"]); sale["state"] != "processing" || !strings.HasPrefix(say(sale["description"]), "PORTICO-") {
		t.Errorf("Tryton has %v", sale)
	}

	// Amended: another quantity, which Tryton has in its sale and in its shipment.
	change := func(order map[string]any, quantity string) map[string]any {
		return map[string]any{
			"order": order["id"], "expectedVersion": order["version"],
			"changeLines": []any{map[string]any{
				"line":     walk(order, "lines.nodes.0.id"),
				"quantity": map[string]any{"value": quantity, "unit": "EA"},
			}},
		}
	}
	if a := act("amendOrder", api.AmendOrder_Operation, change(order, "1200")); a.at("operation", "state") != "COMMITTED" {
		t.Fatalf("not amended: %s", a.Body)
	}
	order = e.agree(t, s, order["id"])
	if say(walk(order, "lines.nodes.0.ordered.value")) != "1200" {
		t.Errorf("amended: %v", order)
	}

	// Shipped in part: the rest is on its way later.
	out := func(number any, state string) []int {
		var ids []int
		admin(&ids, "model.stock.shipment.out.search",
			[]any{[]any{"moves.origin.sale.number", "=", number, "sale.line"}, []any{"state", "=", state}})
		return ids
	}
	ship := func(number any, quantity float64) {
		t.Helper()
		ids := out(number, "waiting")
		if len(ids) != 1 {
			t.Fatalf("%d shipments wait", len(ids))
		}
		admin(nil, "model.stock.shipment.out.assign_force", ids)
		admin(nil, "model.stock.shipment.out.pick", ids)
		if quantity > 0 {
			var moves []int
			admin(&moves, "model.stock.move.search",
				[]any{
					[]any{"shipment", "=", "stock.shipment.out," + fmt.Sprint(ids[0])},
					[]any{"from_location.type", "=", "storage"},
					[]any{"to_location.type", "=", "customer"},
				})
			if len(moves) == 0 {
				admin(&moves, "model.stock.move.search",
					[]any{[]any{"shipment", "=", "stock.shipment.out," + fmt.Sprint(ids[0])}, []any{"to_location.type", "=", "customer"}})
			}
			admin(nil, "model.stock.move.write", moves, map[string]any{"quantity": quantity})
		}
		var carriers []int
		admin(&carriers, "model.carrier.search", []any{})
		admin(nil, "model.stock.shipment.out.write", ids, map[string]any{"carrier": carriers[0]})
		admin(nil, "model.stock.shipment.out.pack", ids)
		admin(nil, "model.stock.shipment.out.done", ids)
	}
	ship(order["number"], 700)
	order = e.agree(t, s, order["id"])
	if order["status"] != "PARTIALLY_SHIPPED" || say(walk(order, "lines.nodes.0.shipped.value")) != "700" {
		t.Errorf("shipped in part: %v", order)
	}

	// Sent back, of what was shipped.
	const ask = `mutation ($key: IdempotencyKey!, $in: RequestReturnInput!)
		{ requestReturn(idempotencyKey: $key, input: $in) { errors { ... on UserError { code message path } } operation { id state } return
		{ id } } }`
	if a := act("requestReturn", ask, map[string]any{
		"order": order["id"],
		"lines": []any{map[string]any{
			"line": walk(order, "lines.nodes.0.id"), "quantity": map[string]any{"value": "100", "unit": "EA"},
			"reason": "DAMAGED",
		}},
	}); a.at("operation", "state") != "COMMITTED" {
		t.Errorf("not sent back: %s", a.Body)
	}
	back := s.good(t, "buyer",
		`query ($id: ID!) { order(by: {id: $id}) { returns(first: 5) { nodes { number status lines { quantity { value } } } } } }`,
		map[string]any{"id": order["id"]})
	number := back.at("order", "returns", "nodes", 0, "number")
	if sale := e.sale(t, number); sale["state"] != "processing" && sale["state"] != "confirmed" ||
		back.at("order", "returns", "nodes", 0, "lines", 0, "quantity", "value") != "100" {
		t.Errorf("sent back: %s, Tryton has %v", back.Body, sale)
	}

	// Cancelled: what waits is not sent.
	order = e.agree(t, s, order["id"])
	if a := act("cancelOrder", api.CancelOrder_Operation,
		map[string]any{"order": order["id"], "expectedVersion": order["version"], "reason": "enough"},
	); a.at("operation", "state") != "COMMITTED" {
		t.Errorf("not cancelled: %s", a.Body)
	}
	if waiting := out(order["number"], "waiting"); len(waiting) != 0 {
		t.Errorf("Tryton still sends %v", waiting)
	}
	order = e.agree(t, s, order["id"])
	if say(walk(order, "lines.nodes.0.cancelled.value")) != "500" {
		t.Errorf("cancelled: %v", order)
	}

	// A whole order is cancelled; one that is being picked is not.
	order = place("1000")
	if a := act("cancelOrder", api.CancelOrder_Operation,
		map[string]any{"order": order["id"], "expectedVersion": order["version"], "reason": "enough"},
	); a.at("operation", "state") != "COMMITTED" {
		t.Errorf("not cancelled: %s", a.Body)
	}
	if order = e.agree(t, s, order["id"]); order["status"] != "CANCELLED" {
		t.Errorf("cancelled whole: %v", order)
	}
	order = place("1000")
	ids := out(order["number"], "waiting")
	admin(nil, "model.stock.shipment.out.assign_force", ids)
	admin(nil, "model.stock.shipment.out.pick", ids)
	if a := must(api.CancelOrder(s.as(t, "buyer"), o.key(), api.CancelOrderInput{
		Order: fmt.Sprint(order["id"]), ExpectedVersion: fmt.Sprint(order["version"]), Reason: "late",
	})).CancelOrder; a.Operation.State == api.OperationStateCommitted {
		t.Errorf("cancelled while it is picked: %s", asJSON(a))
	}

	// Beyond the customer's credit: refused in Tryton's words, and nothing is left confirmed.
	var parties []int
	admin(&parties, "model.party.party.search", []any{[]any{"code", "=", "10001"}})
	limit := func(amount any) {
		admin(nil, "model.party.party.write", parties, map[string]any{"credit_limit_amount": amount})
	}
	before := e.rows(t, "party.party", []any{[]any{"code", "=", "10001"}}, nil, "credit_limit_amount")
	limit(rpc.Decimal{}) // nothing at all
	defer limit(before[0]["credit_limit_amount"])
	key, in := o.order()
	asked := o.submit(t, key, in)
	if at(asked.Errors, 0).Code != "CREDIT_BLOCKED" { // the copy of the credit may be a moment old: Tryton says it then
		var refused api.OperationDetails
		s.until(t, time.Minute, "refused by Tryton", func() bool {
			refused = must(api.Operation(s.as(t, "buyer"), asked.Operation.Id)).Operation
			return refused.State == api.OperationStateFailed
		})
		if refused.Failure.Responsible != api.ResponsibleErp || refused.Failure.Code != "REFUSED_BY_ERP" {
			t.Errorf("beyond the credit: %s", asJSON(refused))
		}
		if left := e.rows(t, "sale.sale", []any{[]any{"reference", "=", in.CustomerPoNumber}}, nil, "state"); len(left) != 0 {
			t.Errorf("of what Tryton refused is left %v", left)
		}
	}
}

// TestManyOrdersAtOnceReachTrytonOnce lets customers with credit limits order at the same
// time, where Tryton locks whole tables, and kills the server in the middle.
//
// Covers: R01 R09
func TestManyOrdersAtOnceReachTrytonOnce(t *testing.T) {
	t.Parallel()
	e := writableERP(t)
	s := e.onTryton(t)
	o := orderingAt(t, s)
	var numbers []string
	var ids []any
	var mu sync.Mutex
	var all sync.WaitGroup
	token := s.token(t, "buyer")
	for range 10 {
		key, in := o.order()
		numbers = append(numbers, in.CustomerPoNumber)
		all.Go(func() {
			a, err := s.ask(t.Context(), token, api.SubmitOrder_Operation, map[string]any{"key": key, "in": in})
			if err != nil || a.at("submitOrder", "operation", "id") == nil {
				t.Errorf("%v %s", err, a.Body)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, a.at("submitOrder", "operation", "id"))
		})
	}
	all.Wait()
	committed := func() (n int) {
		for _, id := range ids {
			if s.good(t, "buyer", `query ($id: ID!) { operation(by: {id: $id}) { state } }`, map[string]any{"id": id}).at("operation",
				"state") == "COMMITTED" {
				n++
			}
		}
		return n
	}
	s.until(t, time.Minute, "begun", func() bool { return committed() > 0 })
	if n := committed(); n == len(ids) {
		t.Log("all were taken before the server could be killed")
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	s = launch(t, s.data, s.env...)
	t.Cleanup(func() { _ = s.stop() })
	s.until(t, 3*time.Minute, "ready again", func() bool { return strings.Contains(s.log.String(), "Portico is ready") })
	s.until(t, 2*time.Minute, "all taken", func() bool { return committed() == len(ids) })
	for _, n := range numbers {
		if rows := e.rows(t, "sale.sale", []any{[]any{"reference", "=", n}}, nil, "state"); len(rows) != 1 || rows[0]["state"] != "processing" {
			t.Errorf("Tryton has %v for %s", rows, n)
		}
	}
}
