package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quagmt/udecimal"
)

const validate = `query ($in: OrderInput!) { validateOrder(input: $in) {
  valid provisional totals { total { amount currency } }
  lines { index item { sku } price { ... on Price { unitPrice { price { amount currency } per { value unit } } } } promise
{ requested { value } unpromised { value } reasons { code } lines { quantity { value } warehouse { code } promisedShipDate
promisedDeliveryDate certainty } } }
  errors { ... on UserError { code message path } ... on PriceChanged { expected { price { amount } } current
{ unitPrice { price { amount } } } } ... on CreditBlocked { shortBy { amount } } } } }`

// refusals are the codes of an answer's refusals with their places.
func refusals(a answer) (all []string) {
	for _, e := range a.at("validateOrder", "errors").([]any) {
		path := fmt.Sprint(walk(e, "path"))
		all = append(all, say(walk(e, "code"))+" "+strings.Trim(path, "[]"))
	}
	return all
}

// Covers: C07 C08 C04
func TestAnOrderIsCheckedBeforeItIsPlaced(t *testing.T) {
	t.Parallel()
	s := portico(t)
	told := s.good(t, "buyer", `{ viewer { ... on CustomerViewer { account { id locations(first: 5) { nodes { id code } } } } }
		items(first: 30, filter: {inStock: true, contracted: true}) { nodes { sku baseUnit price
		{ ... on Price { unitPrice { price { amount currency } per { value unit } } } } } }
		orders(first: 100) { nodes { customerPoNumber status account { id } } } }`, nil)
	account, shipTo := told.at("viewer", "account", "id"), told.at("viewer", "account", "locations", "nodes", 0, "id")
	var item any
	for _, n := range told.at("items", "nodes").([]any) {
		if walk(n, "price.unitPrice") != nil && walk(n, "baseUnit") == "EA" {
			item = n
			break
		}
	}
	order := func(change func(in, line map[string]any)) map[string]any {
		line := map[string]any{"item": map[string]any{"sku": walk(item, "sku")}, "quantity": map[string]any{"value": "1000", "unit": "EA"}}
		in := map[string]any{
			"account": account, "shipTo": map[string]any{"location": shipTo}, "customerPoNumber": "PO of the test",
			"lines": []any{line},
		}
		change(in, line)
		return map[string]any{"in": in}
	}
	nothing := func(map[string]any, map[string]any) {}
	a := s.good(t, "buyer", validate, order(nothing))
	if a.at("validateOrder", "valid") != true {
		t.Fatalf("a good order: %s", a.Body)
	}
	if a.at("validateOrder", "totals", "total") == nil || a.at("validateOrder", "lines", 0, "item", "sku") != walk(item, "sku") ||
		a.at("validateOrder", "lines", 0, "promise", "lines", 0, "promisedDeliveryDate") == nil {
		t.Errorf("it is not priced and promised: %s", a.Body)
	}
	// Its price is the one that the catalogue tells.
	price := a.at("validateOrder", "lines", 0, "price", "unitPrice")
	same := order(func(_, line map[string]any) { line["expectedUnitPrice"] = price })
	if a := s.good(t, "buyer", validate, same); a.at("validateOrder", "valid") != true {
		t.Errorf("at the price it was told: %s", a.Body)
	}
	other := s.good(t, "buyer-other", `{ viewer { ... on CustomerViewer { account { id locations(first: 1) { nodes { id } } } } } }`, nil)
	used := ""
	for _, n := range told.at("orders", "nodes").([]any) {
		if po := say(walk(n, "customerPoNumber")); po != "" && walk(n, "account.id") == account &&
			slices.Contains([]string{"CONFIRMED", "BACKORDERED", "PARTIALLY_BACKORDERED", "IN_FULFILLMENT", "PARTIALLY_SHIPPED"},
				say(walk(n, "status"))) {
			used = po
		}
	}
	if used == "" {
		t.Fatal("no open order has a purchase order number")
	}
	for name, c := range map[string]struct {
		change func(in, line map[string]any)
		want   string
	}{
		"another's account": {func(in, _ map[string]any) { in["account"] = other.at("viewer", "account", "id") }, "NOT_FOUND input account"},
		"another's location": {func(in, _ map[string]any) {
			in["shipTo"] = map[string]any{"location": other.at("viewer", "account", "locations", "nodes", 0, "id")}
		}, "NOT_FOUND input shipTo location"},
		"no such item": {func(_, line map[string]any) { line["item"] = map[string]any{"sku": "no such"} }, "NOT_FOUND input lines 0 item"},
		"no such unit": {
			func(_, line map[string]any) { line["quantity"] = map[string]any{"value": "1", "unit": "KGM"} },
			"UNIT_NOT_ORDERABLE input lines 0 quantity unit",
		},
		"part of a piece": {
			func(_, line map[string]any) { line["quantity"] = map[string]any{"value": "1000.5", "unit": "EA"} },
			"MULTIPLE_NOT_MET input lines 0 quantity",
		},
		"less than nothing": {
			func(_, line map[string]any) { line["quantity"] = map[string]any{"value": "-5", "unit": "EA"} },
			"INVALID_INPUT input lines 0 quantity",
		},
		"a number in use": {func(in, _ map[string]any) { in["customerPoNumber"] = used }, "DUPLICATE_PO_NUMBER input customerPoNumber"},
		"a number in use with spaces around it": {
			func(in, _ map[string]any) { in["customerPoNumber"] = " " + used + " " }, "DUPLICATE_PO_NUMBER input customerPoNumber",
		},
		"a number of spaces": {func(in, _ map[string]any) { in["customerPoNumber"] = "   " }, "INVALID_INPUT input customerPoNumber"},
		"another price": {func(_, line map[string]any) {
			line["expectedUnitPrice"] = map[string]any{
				"price": map[string]any{"amount": "0.01", "currency": "EUR"},
				"per":   map[string]any{"value": "1", "unit": "EA"},
			}
		}, "PRICE_CHANGED input lines 0 expectedUnitPrice"},
		"a day that is past": {
			func(in, _ map[string]any) { in["requestedDeliveryDate"] = "2020-01-06" },
			"DATE_NOT_POSSIBLE input requestedDeliveryDate",
		},
		"a turned number":      {func(in, _ map[string]any) { in["customerPoNumber"] = "a\u202eb" }, "INVALID_INPUT input customerPoNumber"},
		"more than is allowed": {func(in, line map[string]any) { in["lines"] = slices.Repeat([]any{line}, 1001) }, "INVALID_INPUT input lines"},
	} {
		a := s.good(t, "buyer", validate, order(c.change))
		if got := refusals(a); a.at("validateOrder", "valid") != false || !slices.Contains(got, c.want) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	// What is no number at all is refused where it stands, before anything is done.
	for _, value := range []string{"NaN", "1e30", "0x10", ""} {
		a := s.query(t, "buyer", validate,
			order(func(_, line map[string]any) { line["quantity"] = map[string]any{"value": value, "unit": "EA"} }))
		if len(a.Errors) == 0 || !strings.Contains(a.Body, `"argument":["input","lines",0,"quantity","value"]`) {
			t.Errorf("a quantity of %q: %s", value, a.Body)
		}
	}
	nul := s.query(t, "buyer", validate, order(func(in, _ map[string]any) { in["customerPoNumber"] = "a\x00b" }))
	if !slices.Equal(nul.codes(), []string{"BAD_USER_INPUT"}) || !strings.Contains(nul.Body, `"argument":["input","customerPoNumber"]`) {
		t.Errorf("a number with NUL: %s", nul.Body)
	}
	// What it takes does not grow with the lines.
	const took = `query ($in: OrderInput!) { validateOrder(input: $in) { valid lines
		{ price { __typename } promise { unpromised { value } } } } }`
	token := s.token(t, "buyer")
	statements := map[int]map[string]int{}
	for i, lines := range []int{1, 20} {
		in := order(func(in, line map[string]any) {
			// quantities that no other test prices: a price that is known is not asked for
			line["quantity"] = map[string]any{"value": fmt.Sprint(5000 + 1000*i), "unit": "EA"}
			in["lines"] = slices.Repeat([]any{line}, lines)
		})
		n, err := s.took(t.Context(), token, took, in)
		if err != nil {
			t.Fatal(err)
		}
		statements[lines] = n
	}
	if one, many := statements[1], statements[20]; one["statements"] != many["statements"] || one["sourceCalls"] != 1 ||
		many["sourceCalls"] != 1 {
		t.Errorf("one line took %v, twenty %v; want the same statements, and one call", one, many)
	}
	// Fields that the input does not have cannot be smuggled in.
	for _, field := range []string{"status", "unitPrice", "totals", "discount"} {
		if a := s.query(t, "buyer", validate, order(func(in, _ map[string]any) { in[field] = "X" })); len(a.Errors) == 0 {
			t.Errorf("a field %s is taken: %s", field, a.Body)
		}
	}
	if a := s.query(t, "supplier", validate, order(nothing)); len(a.Errors) == 0 || !strings.Contains(a.Body, "order:write") {
		t.Errorf("a supplier: %s", a.Body)
	}
}

// Covers: C04 P04
func TestAPromiseIsToldWithTheItem(t *testing.T) {
	t.Parallel()
	s := portico(t)
	place := s.good(t, "buyer", `{ viewer { ... on CustomerViewer { account { locations(first: 1) { nodes { id } } } } } }`, nil).at("viewer",
		"account", "locations", "nodes", 0, "id")
	const q = `query ($at: ID!) { items(first: 20, filter: {inStock: true}) { nodes { sku baseUnit availability { availableNow { value } }
		promise(quantity: {value: "1", unit: "EA"}, shipTo: $at) { item { sku } unpromised { value } expiresAt lines
		{ quantity { value unit } warehouse { code } certainty substitute { sku } } reasons { code message } } } } }`
	a := s.good(t, "buyer", q, map[string]any{"at": place})
	promised := 0
	for _, n := range a.at("items", "nodes").([]any) {
		if walk(n, "baseUnit") != "EA" {
			continue
		}
		if walk(n, "promise.item.sku") != walk(n, "sku") || say(walk(n, "promise.unpromised.value")) != "0" ||
			walk(n, "promise.lines.0.warehouse.code") == nil {
			t.Errorf("%v in stock: %v", walk(n, "sku"), walk(n, "promise"))
		}
		promised++
	}
	if promised < 10 {
		t.Errorf("%d items are promised", promised)
	}
	if a := s.query(t, "buyer-other", q, map[string]any{"at": place}); !strings.Contains(a.Body, "no such location") {
		t.Errorf("another's location: %s", a.Body)
	}
}

// Covers: C03 F08
func TestAPriceTellsItsStepsFromTheList(t *testing.T) {
	t.Parallel()
	s := portico(t)
	a := s.good(t, "buyer", `{ items(first: 50)
		{ nodes { sku price { ... on Price { unitPrice { price { amount currency } } waterfall { kind label change { amount currency } } } } } }
		}`, nil)
	told := 0
	for _, n := range a.at("items", "nodes").([]any) {
		steps, _ := walk(n, "price.waterfall").([]any)
		if steps == nil {
			continue
		}
		told++
		sum := udecimal.Zero
		for _, step := range steps {
			sum = sum.Add(udecimal.MustParse(say(walk(step, "change.amount"))))
		}
		if net := say(walk(n, "price.unitPrice.price.amount")); walk(steps[0], "kind") != "LIST" || !sum.Equal(udecimal.MustParse(net)) {
			t.Errorf("%v costs %s, and its steps are %v", walk(n, "sku"), net, steps)
		}
	}
	if told == 0 {
		t.Error("no price tells its steps")
	}
}
