package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quagmt/udecimal"

	"portico/test/e2e/api"
)

// refusals are the codes of refusals with their places.
func refusals(errors []api.Refusal) (all []string) {
	for _, e := range errors {
		all = append(all, e.Code+" "+strings.Join(e.Path, " "))
	}
	return all
}

// Covers: C07 C08 C04
func TestAnOrderIsCheckedBeforeItIsPlaced(t *testing.T) {
	t.Parallel()
	s := portico(t)
	buyer := s.as(t, "buyer")
	account := s.account(t, "buyer")
	items := must(api.Items(buyer, new(30), &api.ItemFilter{InStock: new(true), Contracted: new(true)})).Items.Nodes
	sku := ""
	for _, n := range items {
		if _, priced := n.Price.(*api.ItemPricePrice); priced && n.BaseUnit == "EA" {
			sku = n.Sku
			break
		}
	}
	type change = func(in *api.OrderInput, line *api.OrderLineInput)
	order := func(change change) api.OrderInput {
		in := api.OrderInput{
			Account: account.Id, ShipTo: &api.ShipToInput{Location: new(at(account.Locations.Nodes, 0).Id)},
			CustomerPoNumber: "PO of the test",
			Lines:            []api.OrderLineInput{{Item: api.ItemBy{Sku: &sku}, Quantity: *pieces("1000")}},
		}
		change(&in, &in.Lines[0])
		return in
	}
	nothing := func(*api.OrderInput, *api.OrderLineInput) {}
	a := must(api.ValidateOrder(buyer, order(nothing))).ValidateOrder
	if !a.Valid {
		t.Fatalf("a good order: %s", asJSON(a))
	}
	line := at(a.Lines, 0)
	if null(a.Totals.Total) || line.Item.Sku != sku || at(line.Promise.Lines, 0).PromisedDeliveryDate == "" {
		t.Errorf("it is not priced and promised: %s", asJSON(a))
	}
	// Its price is the one that the catalogue tells.
	price, priced := line.Price.(*api.ItemPricePrice)
	if !priced {
		t.Fatalf("it has no price: %s", asJSON(a))
	}
	same := order(func(_ *api.OrderInput, line *api.OrderLineInput) {
		line.ExpectedUnitPrice = &api.UnitPriceInput{
			Price: api.MoneyInput(price.UnitPrice.Price), Per: api.QuantityInput(price.UnitPrice.Per),
		}
	})
	if a := must(api.ValidateOrder(buyer, same)).ValidateOrder; !a.Valid {
		t.Errorf("at the price it was told: %s", asJSON(a))
	}
	other := s.account(t, "buyer-other")
	used := ""
	for _, n := range must(api.OrderNumbers(buyer)).Orders.Nodes {
		if po := val(n.CustomerPoNumber); po != "" && n.Account.Id == account.Id && slices.Contains([]api.OrderStatus{
			api.OrderStatusConfirmed, api.OrderStatusBackordered, api.OrderStatusPartiallyBackordered, api.OrderStatusInFulfillment,
			api.OrderStatusPartiallyShipped,
		}, n.Status) {
			used = po
		}
	}
	if used == "" {
		t.Fatal("no open order has a purchase order number")
	}
	number := func(number string) change {
		return func(in *api.OrderInput, _ *api.OrderLineInput) { in.CustomerPoNumber = number }
	}
	quantity := func(value, unit string) change {
		return func(_ *api.OrderInput, line *api.OrderLineInput) {
			line.Quantity = api.QuantityInput{Value: value, Unit: unit}
		}
	}
	for name, c := range map[string]struct {
		change change
		want   string
	}{
		"another's account": {
			func(in *api.OrderInput, _ *api.OrderLineInput) { in.Account = other.Id }, "NOT_FOUND input account",
		},
		"another's location": {func(in *api.OrderInput, _ *api.OrderLineInput) {
			in.ShipTo = &api.ShipToInput{Location: new(at(other.Locations.Nodes, 0).Id)}
		}, "NOT_FOUND input shipTo location"},
		"no such item": {
			func(_ *api.OrderInput, line *api.OrderLineInput) { line.Item = api.ItemBy{Sku: new("no such")} },
			"NOT_FOUND input lines 0 item",
		},
		"no such unit":                          {quantity("1", "KGM"), "UNIT_NOT_ORDERABLE input lines 0 quantity unit"},
		"part of a piece":                       {quantity("1000.5", "EA"), "MULTIPLE_NOT_MET input lines 0 quantity"},
		"less than nothing":                     {quantity("-5", "EA"), "INVALID_INPUT input lines 0 quantity"},
		"a number in use":                       {number(used), "DUPLICATE_PO_NUMBER input customerPoNumber"},
		"a number in use with spaces around it": {number(" " + used + " "), "DUPLICATE_PO_NUMBER input customerPoNumber"},
		"a number of spaces":                    {number("   "), "INVALID_INPUT input customerPoNumber"},
		"another price": {func(_ *api.OrderInput, line *api.OrderLineInput) {
			line.ExpectedUnitPrice = &api.UnitPriceInput{Price: api.MoneyInput{Amount: "0.01", Currency: "EUR"}, Per: *pieces("1")}
		}, "PRICE_CHANGED input lines 0 expectedUnitPrice"},
		"a day that is past": {
			func(in *api.OrderInput, _ *api.OrderLineInput) { in.RequestedDeliveryDate = new("2020-01-06") },
			"DATE_NOT_POSSIBLE input requestedDeliveryDate",
		},
		"a turned number": {number("a\u202eb"), "INVALID_INPUT input customerPoNumber"},
		"more than is allowed": {
			func(in *api.OrderInput, _ *api.OrderLineInput) { in.Lines = slices.Repeat(in.Lines, 1001) }, "INVALID_INPUT input lines",
		},
	} {
		a := must(api.ValidateOrder(buyer, order(c.change))).ValidateOrder
		if got := refusals(a.Errors); a.Valid || !slices.Contains(got, c.want) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	// What is no number at all is refused where it stands, before anything is done.
	for _, value := range []string{"NaN", "1e30", "0x10", ""} {
		_, err := api.ValidateOrder(s.try(t, "buyer"), order(quantity(value, "EA")))
		if errs := errorsOf(t, err); !slices.Contains(arguments(errs), "[input lines 0 quantity value]") {
			t.Errorf("a quantity of %q: %s", value, asJSON(errs))
		}
	}
	_, err := api.ValidateOrder(s.try(t, "buyer"), order(number("a\x00b")))
	if errs := errorsOf(t, err); !slices.Equal(codes(errs), []string{"BAD_USER_INPUT"}) ||
		!slices.Equal(arguments(errs), []string{"[input customerPoNumber]"}) {
		t.Errorf("a number with NUL: %s", asJSON(errs))
	}
	// What it takes does not grow with the lines. It is in the extensions of the response, and of this document.
	const took = `query ($in: OrderInput!) { validateOrder(input: $in) { valid lines
		{ price { __typename } promise { unpromised { value } } } } }`
	token := s.token(t, "buyer")
	statements := map[int]map[string]int{}
	for i, lines := range []int{1, 20} {
		in := order(func(in *api.OrderInput, line *api.OrderLineInput) {
			// quantities that no other test prices: a price that is known is not asked for
			line.Quantity = *pieces(fmt.Sprint(5000 + 1000*i))
			in.Lines = slices.Repeat(in.Lines, lines)
		})
		n, err := s.took(t.Context(), token, took, map[string]any{"in": in})
		if err != nil {
			t.Fatal(err)
		}
		statements[lines] = n
	}
	if one, many := statements[1], statements[20]; one["statements"] != many["statements"] || one["sourceCalls"] != 1 ||
		many["sourceCalls"] != 1 {
		t.Errorf("one line took %v, twenty %v; want the same statements, and one call", one, many)
	}
	// Fields that the input does not have, and its type therefore neither, cannot be smuggled in.
	for _, field := range []string{"status", "unitPrice", "totals", "discount"} {
		var in map[string]any
		if err := json.Unmarshal([]byte(asJSON(order(nothing))), &in); err != nil {
			t.Fatal(err)
		}
		in[field] = "X"
		if a := s.query(t, "buyer", api.ValidateOrder_Operation, map[string]any{"in": in}); len(a.Errors) == 0 {
			t.Errorf("a field %s is taken: %s", field, a.Body)
		}
	}
	_, err = api.ValidateOrder(s.try(t, "supplier"), order(nothing))
	if errs := errorsOf(t, err); !strings.Contains(asJSON(errs), "order:write") {
		t.Errorf("a supplier: %s", asJSON(errs))
	}
}

// Covers: C04 P04
func TestAPromiseIsToldWithTheItem(t *testing.T) {
	t.Parallel()
	s := portico(t)
	shipTo := at(s.account(t, "buyer").Locations.Nodes, 0).Id
	promised := 0
	for _, n := range must(api.ItemPromises(s.as(t, "buyer"), shipTo)).Items.Nodes {
		if n.BaseUnit != "EA" {
			continue
		}
		if n.Promise.Item.Sku != n.Sku || say(n.Promise.Unpromised.Value) != "0" || null(at(n.Promise.Lines, 0).Warehouse) {
			t.Errorf("%s in stock: %s", n.Sku, asJSON(n.Promise))
		}
		promised++
	}
	if promised < 10 {
		t.Errorf("%d items are promised", promised)
	}
	_, err := api.ItemPromises(s.try(t, "buyer-other"), shipTo)
	if errs := errorsOf(t, err); !strings.Contains(asJSON(errs), "no such location") {
		t.Errorf("another's location: %s", asJSON(errs))
	}
}

// Covers: C03 F08
func TestAPriceTellsItsStepsFromTheList(t *testing.T) {
	t.Parallel()
	s := portico(t)
	told := 0
	for _, n := range must(api.ItemPriceSteps(s.as(t, "buyer"))).Items.Nodes {
		price, priced := n.Price.(*api.PriceWaterfallPrice)
		if !priced || price.Waterfall == nil {
			continue
		}
		told++
		sum := udecimal.Zero
		for _, step := range price.Waterfall {
			sum = sum.Add(udecimal.MustParse(step.Change.Amount))
		}
		if net := price.UnitPrice.Price.Amount; at(price.Waterfall, 0).Kind != api.PriceStepKindList ||
			!sum.Equal(udecimal.MustParse(net)) {
			t.Errorf("%s costs %s, and its steps are %s", n.Sku, net, asJSON(price.Waterfall))
		}
	}
	if told == 0 {
		t.Error("no price tells its steps")
	}
}
