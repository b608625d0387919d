package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/test/e2e/api"
)

func (o *ordering) key() string {
	key, _ := o.order()
	return key
}

// placed is an order that the ERP has confirmed.
func (o *ordering) placed(t *testing.T) api.OrderDetails {
	t.Helper()
	key, in := o.order()
	a := o.submit(t, key, in)
	if a.Operation.State != api.OperationStateCommitted {
		t.Fatalf("not placed: %s", asJSON(a))
	}
	return o.now(t, "buyer", a.Order.Id)
}

func (o *ordering) now(t *testing.T, persona, id string) api.OrderDetails {
	t.Helper()
	return must(api.Order(o.s.as(t, persona), id)).Order
}

// pieces are a quantity of them.
func pieces(value string) *api.QuantityInput { return &api.QuantityInput{Value: value, Unit: "EA"} }

// Covers: C13 C10 F07 G11
func TestAnOrderIsAmendedOnceAndTheOtherPortalIsToldWhatChanged(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	line, version := order.Lines.Nodes[0].Id, order.Version
	change := func(quantity string) api.AmendOrderInput {
		return api.AmendOrderInput{
			Order: order.Id, ExpectedVersion: version, ChangeLines: []api.OrderLineChangeInput{{Line: line, Quantity: pieces(quantity)}},
		}
	}
	keys, quantities := []string{o.key(), o.key()}, []string{"2000", "3000"}
	answers := make([]api.ChangedOrder, 2)
	var both sync.WaitGroup
	buyer := s.try(t, "buyer")
	for i := range answers {
		both.Go(func() {
			a, err := api.AmendOrder(buyer, keys[i], change(quantities[i]))
			if err != nil {
				t.Error(err)
			}
			answers[i] = a.AmendOrder
		})
	}
	both.Wait()
	won := 0
	if null(answers[0].Operation) {
		won = 1
	}
	a, lost := answers[won], answers[1-won]
	if a.Operation.State != api.OperationStateCommitted || at(a.Order.Lines.Nodes, 0).Ordered.Value != quantities[won] {
		t.Fatalf("the one that won: %s", asJSON(a))
	}
	if refused := at(lost.Errors, 0); refused.Code != "VERSION_CONFLICT" || refused.CurrentVersion == "" {
		t.Fatalf("the other: %s", asJSON(lost))
	}
	amend := func(key, quantity string) api.ChangedOrder {
		return must(api.AmendOrder(s.as(t, "buyer"), key, change(quantity))).AmendOrder
	}
	if again := amend(keys[won], quantities[won]); !again.Replayed || again.Operation.Id != a.Operation.Id {
		t.Errorf("sent again: %s", asJSON(again))
	}
	if other := amend(keys[won], "4500"); at(other.Errors, 0).Code != "IDEMPOTENCY_CONFLICT" || other.Replayed {
		t.Errorf("another change under its key: %s", asJSON(other))
	}
	late := amend(o.key(), "4000")
	if refused := at(late.Errors, 0); refused.Code != "VERSION_CONFLICT" || !slices.Contains(refused.ChangedFields, "lines") ||
		!slices.Contains(refused.ChangedFields, "totals") {
		t.Errorf("later, at the old version: %s", asJSON(late))
	}
	if now := s.record(t, "erp", "salesOrders", val(order.Number)); say(walk(any(now), "items.0.qtyOrd")) != quantities[won] {
		t.Errorf("the ERP has %v", now["items"])
	}
	// A line that is added, one that is cancelled, another day.
	day := time.Now().AddDate(0, 0, 30)
	for day.Weekday() != time.Wednesday {
		day = day.AddDate(0, 0, 1)
	}
	more := must(api.AmendOrder(s.as(t, "buyer"), o.key(), api.AmendOrderInput{
		Order: order.Id, ExpectedVersion: o.now(t, "buyer", order.Id).Version,
		RequestedDeliveryDate: new(day.Format(time.DateOnly)), CancelLines: []string{line},
		AddLines: []api.OrderLineInput{{Item: api.ItemBy{Sku: &o.sku}, Quantity: *pieces("500")}},
	})).AmendOrder
	if more.Operation.State != api.OperationStateCommitted ||
		at(more.Order.Lines.Nodes, 0).Status != api.OrderLineStatusCancelled ||
		at(more.Order.Lines.Nodes, 1).Ordered.Value != "500" ||
		val(more.Order.RequestedDeliveryDate) != day.Format(time.DateOnly) {
		t.Errorf("changed otherwise: %s", asJSON(more))
	}
}

// Covers: C13 G06 G11
func TestBadAmendmentsAreRefusedAtTheirPlaces(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order, other := o.placed(t), o.placed(t)
	line, foreign := order.Lines.Nodes[0].Id, other.Lines.Nodes[0].Id
	q := func(value, unit string) *api.QuantityInput { return &api.QuantityInput{Value: value, Unit: unit} }
	type input = api.AmendOrderInput
	changed := func(of string, quantity *api.QuantityInput) func(*input) {
		return func(in *input) { in.ChangeLines = []api.OrderLineChangeInput{{Line: of, Quantity: quantity}} }
	}
	added := func(sku string, quantity *api.QuantityInput) func(*input) {
		return func(in *input) {
			in.AddLines = []api.OrderLineInput{{Item: api.ItemBy{Sku: &sku}, Quantity: *quantity}}
		}
	}
	amend := func(persona string, change func(*input)) (api.ChangedOrder, error) {
		in := input{Order: order.Id, ExpectedVersion: order.Version}
		change(&in)
		a, err := api.AmendOrder(s.try(t, persona), o.key(), in)
		return a.AmendOrder, err
	}
	for what, c := range map[string]struct {
		change func(in *input)
		code   string
		path   string
	}{
		"nothing":               {func(*input) {}, "INVALID_INPUT", "[input]"},
		"a line of another":     {changed(foreign, q("5", "EA")), "NOT_FOUND", "[input changeLines 0 line]"},
		"no line":               {changed("oln_0", q("5", "EA")), "NOT_FOUND", "[input changeLines 0 line]"},
		"less than nothing":     {changed(line, q("-5", "EA")), "INVALID_INPUT", "[input changeLines 0 quantity]"},
		"a third of a piece":    {changed(line, q("0.3000001", "EA")), "INVALID_INPUT", "[input changeLines 0 quantity]"},
		"more than anybody has": {changed(line, q("1000000000", "EA")), "MAXIMUM_EXCEEDED", "[input changeLines 0 quantity]"},
		"a unit of nobody":      {changed(line, q("5", "KGM")), "UNIT_NOT_ORDERABLE", "[input changeLines 0 quantity unit]"},
		"an item of nobody":     {added("no such item", q("5", "EA")), "NOT_FOUND", "[input addLines 0 item]"},
		"changed and cancelled": {func(in *input) {
			changed(line, q("5", "EA"))(in)
			in.CancelLines = []string{line}
		}, "INVALID_INPUT", "[input cancelLines 0]"},
		"a day that is past": {func(in *input) {
			changed(line, q("1500", "EA"))(in)
			in.RequestedDeliveryDate = new("2001-01-01")
		}, "DATE_NOT_POSSIBLE", "[input requestedDeliveryDate]"},
		"an order of nobody": {func(in *input) { in.Order, in.CancelLines = "ord_0", []string{line} }, "NOT_FOUND", "[input order]"},
		"a version of nobody": {
			func(in *input) { in.ExpectedVersion, in.CancelLines = "'; DROP TABLE orders", []string{line} },
			"VERSION_CONFLICT", "[input expectedVersion]",
		},
		"ten thousand of things": {func(in *input) {
			for i := range 10_000 {
				in.CancelLines = append(in.CancelLines, fmt.Sprintf("oln_%d", i))
			}
		}, "INVALID_INPUT", "[input]"},
	} {
		a, err := amend("buyer", c.change)
		errs, refused := errorsOf(t, err), at(a.Errors, 0)
		if len(errs) == 0 && (refused.Code != c.code || fmt.Sprint(refused.Path) != c.path) ||
			len(errs) > 0 && what != "ten thousand of things" {
			t.Errorf("%s: want %s at %s: %.300s %v", what, c.code, c.path, asJSON(a), errs)
		}
	}
	for _, value := range []string{"NaN", "1e30", "0.30000000000000004"} {
		_, err := amend("buyer", changed(line, q(value, "EA")))
		errs := errorsOf(t, err)
		if !slices.Equal(codes(errs), []string{"BAD_USER_INPUT"}) ||
			!slices.Equal(arguments(errs), []string{"[input changeLines 0 quantity value]"}) {
			t.Errorf("%s: %s", value, asJSON(errs))
		}
	}
	if now := o.now(t, "buyer", order.Id); now.Version != order.Version {
		t.Errorf("something was written: version %v, was %v", now.Version, order.Version)
	}
	foreigner, err := amend("buyer-other", func(in *input) { in.CancelLines = []string{line} })
	if err != nil || at(foreigner.Errors, 0).Code != "NOT_FOUND" {
		t.Errorf("another customer: %s %v", asJSON(foreigner), err)
	}
}

// Covers: C13 C10 F07
func TestAnOrderIsCancelledUntilItIsPicked(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	buyer := s.as(t, "buyer")
	in := api.CancelOrderInput{Order: order.Id, ExpectedVersion: order.Version, Reason: " "}
	if a := must(api.CancelOrder(buyer, o.key(), in)).CancelOrder; at(a.Errors, 0).Code != "INVALID_INPUT" {
		t.Errorf("without a reason: %s", asJSON(a))
	}
	in.Reason = "not needed"
	a := must(api.CancelOrder(buyer, o.key(), in)).CancelOrder
	if a.Operation.State != api.OperationStateCommitted || a.Order.Status != api.OrderStatusCancelled {
		t.Fatalf("not cancelled: %s", asJSON(a))
	}
	// After pick release nothing is changed any more, and the state and what is allowed are told.
	picked := o.placed(t)
	number := val(picked.Number)
	erp := s.record(t, "erp", "salesOrders", number)
	items := erp["items"].([]any)
	items[0].(map[string]any)["pick"] = true
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{
			"service": "erp", "object": "salesOrders", "key": number,
			"set": map[string]any{"hdrStat": "30", "items": items, "rev": 9},
		})
	s.until(t, 10*time.Second, "picked",
		func() bool { return o.now(t, "buyer", picked.Id).Status == api.OrderStatusInFulfillment })
	now := o.now(t, "buyer", picked.Id)
	if len(now.AllowedActions) != 0 {
		t.Errorf("allowed while it is picked: %v", now.AllowedActions)
	}
	for _, a := range []api.ChangedOrder{
		must(api.CancelOrder(buyer, o.key(), api.CancelOrderInput{
			Order: picked.Id, ExpectedVersion: now.Version, Reason: "late",
		})).CancelOrder,
		must(api.AmendOrder(buyer, o.key(), api.AmendOrderInput{
			Order: picked.Id, ExpectedVersion: now.Version,
			RequestedDeliveryDate: new(time.Now().AddDate(0, 1, 0).Format(time.DateOnly)),
		})).AmendOrder,
	} {
		if refused := at(a.Errors, 0); refused.Code != "STATE_NOT_ALLOWED" || refused.State != "IN_FULFILLMENT" {
			t.Errorf("while it is picked: %s", asJSON(a))
		}
	}
}
