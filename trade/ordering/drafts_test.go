package ordering

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// noon is a Wednesday.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func dec(s string) udecimal.Decimal { return udecimal.MustParse(s) }

func decRef(s string) *udecimal.Decimal {
	d := dec(s)
	return &d
}

func pieces(s, unit string) trade.Quantity { return trade.Quantity{Value: dec(s), Unit: unit} }

func day(s string) *trade.Date {
	d, err := trade.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return &d
}

// goodOrder is an order that nothing stands against, with its facts.
func goodOrder() (*OrderRequest, *OrderFacts) {
	nl, zone, cutoff := "NL", "Europe/Amsterdam", "15:30"
	w := &trade.Warehouse{ID: "w", Code: "RTM", Location: trade.Location{Country: &nl, TimeZone: &zone}, Cutoff: &cutoff}
	item := &trade.Item{ID: "i", SKU: "S", BaseUnit: "EA", Status: trade.ItemActive}
	r := &OrderRequest{
		AccountID: "a", ShipToID: "l", CustomerPoNumber: "PO-1", AllowPartial: true,
		Lines: []OrderRequestLine{{Item: ItemKey{SKU: "S"}, Quantity: pieces("10", "EA")}},
	}
	f := &OrderFacts{
		Account: &trade.Account{ID: "a", Number: "1", Status: trade.AccountActive, Currency: "EUR"},
		Credit: &trade.CreditPosition{
			Limit:    &trade.Money{Amount: dec("1000"), Currency: "EUR"},
			Exposure: trade.Money{Amount: dec("900"), Currency: "EUR"},
		},
		ShipTo: &trade.AccountLocation{
			ID: "l", Code: "01", Roles: []trade.LocationRole{trade.ShipTo}, WarehouseRef: trade.Ref{ID: "w"},
			Address: trade.Address{Country: "NL"},
		},
		Lines: []LineFacts{{
			Item: item,
			Units: []*trade.ItemUnit{
				{Unit: "EA", BaseQuantity: dec("1"), Orderable: true},
				{Unit: "CS", BaseQuantity: dec("12"), Orderable: true, Minimum: decRef("2"), Multiple: decRef("2"), Maximum: decRef("10")},
				{Unit: "PF", BaseQuantity: dec("480")},
			},
			Price: &trade.Price{UnitPrice: trade.UnitPrice{Price: trade.Money{Amount: dec("250.00"), Currency: "EUR"}, Per: pieces("100", "EA")}},
			Supply: Supply{
				Item:  item,
				Stock: []*trade.Stock{{WarehouseRef: trade.Ref{ID: "w"}, OnHand: dec("100"), Allocated: dec("20"), SafetyStock: dec("5")}},
			},
		}},
		Warehouses: map[string]*trade.Warehouse{"w": w}, Now: noon,
	}
	return r, f
}

// told are the codes of refusals with their places.
func told(errors []trade.UserError) (all []string) {
	for _, e := range errors {
		r := trade.RefusalOf(e)
		all = append(all, string(r.Code)+" "+strings.Join(r.Path, "."))
	}
	return all
}

func TestAnOrderThatNothingStandsAgainstIsPricedAndPromised(t *testing.T) {
	r, f := goodOrder()
	v := CheckOrder(r, f)
	if !v.Valid || len(v.Errors) > 0 || v.Totals == nil || v.Totals.Total.Amount.String() != "25" || len(v.Provisional) > 0 {
		t.Fatalf("valid %v, %v, totals %v", v.Valid, told(v.Errors), v.Totals)
	}
	p := v.Lines[0].Promise
	if len(p.Lines) != 1 || p.Lines[0].Quantity.Value.String() != "10" || p.Lines[0].PromisedShipDate.String() != "2026-03-04" ||
		p.Lines[0].PromisedDeliveryDate.String() != "2026-03-05" {
		t.Errorf("promised %+v", p.Lines)
	}
}

func TestWhatStandsAgainstAnOrderIsToldAllAtOnceWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*OrderRequest, *OrderFacts)
		want   []string
	}{
		"no account": {func(_ *OrderRequest, f *OrderFacts) { f.Account = nil }, []string{"NOT_FOUND input.account"}},
		"a closed account": {
			func(_ *OrderRequest, f *OrderFacts) { f.Account.Status = trade.AccountClosed },
			[]string{"STATE_NOT_ALLOWED input.account"},
		},
		"an order block": {
			func(_ *OrderRequest, f *OrderFacts) { f.Account.Status = trade.AccountOrderBlock },
			[]string{"STATE_NOT_ALLOWED input.account"},
		},
		"a credit hold": {
			func(_ *OrderRequest, f *OrderFacts) { f.Account.Status = trade.AccountCreditHold },
			[]string{"CREDIT_BLOCKED input.account"},
		},
		"the ledger's hold": {func(_ *OrderRequest, f *OrderFacts) { f.Credit.OnHold = true }, []string{"CREDIT_BLOCKED input.account"}},
		"too much credit": {
			func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].Quantity = pieces("41", "EA") },
			[]string{"CREDIT_BLOCKED input.account"},
		},
		"just enough credit": {func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].Quantity = pieces("40", "EA") }, nil},
		"no such location":   {func(_ *OrderRequest, f *OrderFacts) { f.ShipTo = nil }, []string{"NOT_FOUND input.shipTo.location"}},
		"no location at all": {func(r *OrderRequest, f *OrderFacts) { r.ShipToID, f.ShipTo = "", nil }, []string{"INVALID_INPUT input.shipTo"}},
		"a bill-to": {
			func(_ *OrderRequest, f *OrderFacts) { f.ShipTo.Roles = []trade.LocationRole{trade.BillTo} },
			[]string{"INVALID_INPUT input.shipTo.location"},
		},
		"a one-time address": {func(r *OrderRequest, f *OrderFacts) {
			r.ShipToID, f.ShipTo, r.ShipToAddress = "", nil, &trade.Address{Name: new("A"), Line1: new("Weg 1"), City: new("Hagen"), Country: "DE"}
		}, nil},
		"a one-time address of nothing": {func(r *OrderRequest, f *OrderFacts) {
			r.ShipToID, f.ShipTo, r.ShipToAddress = "", nil, &trade.Address{Name: new(" "), City: new(""), Country: "Atlantis"}
		}, []string{
			"INVALID_INPUT input.shipTo.address.name", "INVALID_INPUT input.shipTo.address.line1", "INVALID_INPUT input.shipTo.address.city",
			"INVALID_INPUT input.shipTo.address.country",
		}},
		"a number in use": {func(_ *OrderRequest, f *OrderFacts) { f.PoInUse = true }, []string{"DUPLICATE_PO_NUMBER input.customerPoNumber"}},
		"a day that is past": {
			func(r *OrderRequest, _ *OrderFacts) { r.RequestedDeliveryDate = day("2026-03-03") },
			[]string{"DATE_NOT_POSSIBLE input.requestedDeliveryDate"},
		},
		"a Sunday": {
			func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].RequestedDeliveryDate = day("2026-03-08") },
			[]string{"DATE_NOT_POSSIBLE input.lines.0.requestedDeliveryDate"},
		},
		"a closed day": {func(r *OrderRequest, f *OrderFacts) {
			f.ShipTo.ClosedOn = []trade.Date{*day("2026-03-09")}
			r.RequestedDeliveryDate = day("2026-03-09")
		}, []string{"DATE_NOT_POSSIBLE input.requestedDeliveryDate"}},
		"a day far away": {
			func(r *OrderRequest, _ *OrderFacts) { r.RequestedDeliveryDate = day("2031-03-05") },
			[]string{"DATE_NOT_POSSIBLE input.requestedDeliveryDate"},
		},
		"no such item": {func(_ *OrderRequest, f *OrderFacts) { f.Lines[0] = LineFacts{} }, []string{"NOT_FOUND input.lines.0.item"}},
		"an item on hold": {
			func(_ *OrderRequest, f *OrderFacts) { f.Lines[0].Item.Status = trade.ItemOnHold },
			[]string{"ITEM_NOT_ORDERABLE input.lines.0.item"},
		},
		"a replaced item": {
			func(_ *OrderRequest, f *OrderFacts) { f.Lines[0].Item.Status = trade.ItemReplaced },
			[]string{"ITEM_NOT_ORDERABLE input.lines.0.item"},
		},
		"not sold to them": {func(_ *OrderRequest, f *OrderFacts) {
			f.Lines[0].Price = &trade.PriceUnavailable{Reason: trade.NotEntitled}
		}, []string{"ITEM_NOT_ORDERABLE input.lines.0.item"}},
		"an unknown unit": {
			func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].Quantity = pieces("1", "KGM") },
			[]string{"UNIT_NOT_ORDERABLE input.lines.0.quantity.unit"},
		},
		"a unit not ordered": {
			func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].Quantity = pieces("1", "PF") },
			[]string{"UNIT_NOT_ORDERABLE input.lines.0.quantity.unit"},
		},
		"part of a piece": {
			func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].Quantity = pieces("0.3", "EA") },
			[]string{"MULTIPLE_NOT_MET input.lines.0.quantity"},
		},
		"too few": {
			func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].Quantity = pieces("1", "CS") },
			[]string{"MINIMUM_NOT_MET input.lines.0.quantity"},
		},
		"no multiple": {
			func(r *OrderRequest, _ *OrderFacts) { r.Lines[0].Quantity = pieces("3", "CS") },
			[]string{"MULTIPLE_NOT_MET input.lines.0.quantity"},
		},
		"too many": {
			func(r *OrderRequest, f *OrderFacts) { r.Lines[0].Quantity = pieces("12", "CS"); f.Credit = nil },
			[]string{"MAXIMUM_EXCEEDED input.lines.0.quantity"},
		},
		"the price they saw": {func(r *OrderRequest, _ *OrderFacts) {
			r.Lines[0].ExpectedUnitPrice = &trade.UnitPrice{Price: trade.Money{Amount: dec("2.5"), Currency: "EUR"}, Per: pieces("1", "EA")}
		}, nil},
		"the same by the case": {func(r *OrderRequest, _ *OrderFacts) {
			r.Lines[0].ExpectedUnitPrice = &trade.UnitPrice{Price: trade.Money{Amount: dec("30"), Currency: "EUR"}, Per: pieces("1", "CS")}
		}, nil},
		"another price": {func(r *OrderRequest, _ *OrderFacts) {
			r.Lines[0].ExpectedUnitPrice = &trade.UnitPrice{Price: trade.Money{Amount: dec("2.49"), Currency: "EUR"}, Per: pieces("1", "EA")}
		}, []string{"PRICE_CHANGED input.lines.0.expectedUnitPrice"}},
		"another currency": {func(r *OrderRequest, _ *OrderFacts) {
			r.Lines[0].ExpectedUnitPrice = &trade.UnitPrice{Price: trade.Money{Amount: dec("2.5"), Currency: "USD"}, Per: pieces("1", "EA")}
		}, []string{"PRICE_CHANGED input.lines.0.expectedUnitPrice"}},
		"made no more, too few": {func(r *OrderRequest, f *OrderFacts) {
			f.Lines[0].Item.Status, f.Credit = trade.ItemDiscontinued, nil
			r.Lines[0].Quantity = pieces("76", "EA")
		}, []string{"INSUFFICIENT_AVAILABILITY input.lines.0.quantity"}},
		"made no more, enough": {func(r *OrderRequest, f *OrderFacts) {
			f.Lines[0].Item.Status, f.Credit = trade.ItemDiscontinued, nil
			r.Lines[0].Quantity = pieces("75", "EA")
		}, nil},
		"more than there is": {func(r *OrderRequest, f *OrderFacts) { f.Credit = nil; r.Lines[0].Quantity = pieces("500", "EA") }, nil},
		"three things at once": {
			func(r *OrderRequest, f *OrderFacts) {
				f.PoInUse = true
				f.Account.Status = trade.AccountOrderBlock
				r.Lines[0].Quantity = pieces("0.5", "EA")
			},
			[]string{"STATE_NOT_ALLOWED input.account", "DUPLICATE_PO_NUMBER input.customerPoNumber", "MULTIPLE_NOT_MET input.lines.0.quantity"},
		},
	} {
		r, f := goodOrder()
		c.change(r, f)
		v := CheckOrder(r, f)
		if got := told(v.Errors); !slices.Equal(got, c.want) || v.Valid != (c.want == nil) {
			t.Errorf("%s: valid %v, %v, want %v", name, v.Valid, got, c.want)
		}
	}
}

func TestWhatNeedsNoFactsIsRefusedFirst(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for name, c := range map[string]struct {
		change func(*OrderRequest)
		want   []string
	}{
		"good":              {func(*OrderRequest) {}, nil},
		"no lines":          {func(r *OrderRequest) { r.Lines = nil }, []string{"INVALID_INPUT input.lines"}},
		"10,000 lines":      {func(r *OrderRequest) { r.Lines = slices.Repeat(r.Lines, 10_000) }, []string{"INVALID_INPUT input.lines"}},
		"no number":         {func(r *OrderRequest) { r.CustomerPoNumber = " " }, []string{"INVALID_INPUT input.customerPoNumber"}},
		"a long number":     {func(r *OrderRequest) { r.CustomerPoNumber = long }, []string{"INVALID_INPUT input.customerPoNumber"}},
		"NUL":               {func(r *OrderRequest) { r.CustomerPoNumber = "a\x00b" }, []string{"INVALID_INPUT input.customerPoNumber"}},
		"a hidden mark":     {func(r *OrderRequest) { r.CustomerPoNumber = "PO\u200b1" }, []string{"INVALID_INPUT input.customerPoNumber"}},
		"nothing to see":    {func(r *OrderRequest) { r.CustomerPoNumber = "\u200b\u00a0" }, []string{"INVALID_INPUT input.customerPoNumber"}},
		"a turned number":   {func(r *OrderRequest) { r.CustomerPoNumber = "PO\u202e1" }, []string{"INVALID_INPUT input.customerPoNumber"}},
		"quotes":            {func(r *OrderRequest) { r.CustomerPoNumber = `'"; --` }, nil},
		"a long comment":    {func(r *OrderRequest) { r.Comment = &long }, []string{"INVALID_INPUT input.comment"}},
		"nothing":           {func(r *OrderRequest) { r.Lines[0].Quantity.Value = dec("0") }, []string{"INVALID_INPUT input.lines.0.quantity"}},
		"less than nothing": {func(r *OrderRequest) { r.Lines[0].Quantity.Value = dec("-1") }, []string{"INVALID_INPUT input.lines.0.quantity"}},
		"far too much": {
			func(r *OrderRequest) { r.Lines[0].Quantity.Value = dec("10000001") },
			[]string{"MAXIMUM_EXCEEDED input.lines.0.quantity"},
		},
		"many decimals": {
			func(r *OrderRequest) { r.Lines[0].Quantity.Value = dec("0.1234567") },
			[]string{"INVALID_INPUT input.lines.0.quantity"},
		},
		"numbers twice": {func(r *OrderRequest) {
			n := "10"
			r.Lines = slices.Repeat(r.Lines, 2)
			r.Lines[0].LineNumber, r.Lines[1].LineNumber = &n, &n
		}, []string{"INVALID_INPUT input.lines.1.lineNumber"}},
	} {
		r, _ := goodOrder()
		c.change(r)
		if got := told(CheckOrderShape(r)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestChecksAgainstLastKnownValuesAreProvisional(t *testing.T) {
	r, f := goodOrder()
	f.Lines[0].Price = &trade.PriceUnavailable{
		Reason:    trade.SourceDown,
		LastKnown: &trade.Price{UnitPrice: trade.UnitPrice{Price: trade.Money{Amount: dec("3"), Currency: "EUR"}, Per: pieces("1", "EA")}},
	}
	f.Credit.Provenance.Stale, f.Lines[0].Supply.Stock[0].Provenance.Stale = true, true
	v := CheckOrder(r, f)
	if !v.Valid || v.Totals.Total.Amount.String() != "30" || !slices.Equal(v.Provisional,
		[]OrderCheck{PriceCheck, AvailabilityCheck, CreditCheck}) {
		t.Errorf("valid %v %v, totals %v, provisional %v", v.Valid, told(v.Errors), v.Totals != nil, v.Provisional)
	}
	f.Lines[0].Price = &trade.PriceUnavailable{Reason: trade.SourceDown}
	if v := CheckOrder(r, f); !v.Valid || v.Totals != nil {
		t.Errorf("without any price: valid %v, totals %v; want none", v.Valid, v.Totals != nil)
	}
}

func TestWhatMovedInAPriceIsTold(t *testing.T) {
	step := func(kind trade.PriceStepKind, label, change string) trade.PriceStep {
		return trade.PriceStep{Kind: kind, Label: label, Change: trade.Money{Amount: udecimal.MustParse(change), Currency: "EUR"}}
	}
	price := func(amount string, steps ...trade.PriceStep) *trade.Price {
		return &trade.Price{UnitPrice: trade.UnitPrice{
			Price: trade.Money{Amount: udecimal.MustParse(amount), Currency: "EUR"},
			Per:   trade.Quantity{Value: udecimal.One, Unit: "EA"},
		}, Waterfall: steps}
	}
	list, contract, volume := step(trade.ListStep, "List price", "10"), step(trade.ContractStep, "Agreement", "-1"),
		step(trade.VolumeStep, "Volume", "-0.5")
	before := price("9", list, contract)
	for what, c := range map[string]struct {
		before, expected, now *trade.Price
		want                  []trade.PriceStep
	}{
		"the list price": {
			before, before, price("10", step(trade.ListStep, "List price", "11"), contract),
			[]trade.PriceStep{step(trade.ListStep, "List price", "11")},
		},
		"one that came":               {before, before, price("8.5", list, contract, volume), []trade.PriceStep{volume}},
		"one that went":               {before, before, price("10", list), []trade.PriceStep{step(trade.ContractStep, "Agreement", "0")}},
		"nothing known before":        {nil, before, price("10", list), nil},
		"another price was expected":  {before, price("8"), price("10", list), nil},
		"the source tells none":       {price("9"), before, price("10"), nil},
		"what was there before, as 9": {before, price("9.00"), price("10", list), []trade.PriceStep{step(trade.ContractStep, "Agreement", "0")}},
	} {
		got := trade.ChangedSteps(c.before, c.expected.UnitPrice, c.now, nil)
		same := func(a, b trade.PriceStep) bool { return a.SameStep(b) && a.Change.Amount.Equal(b.Change.Amount) }
		if !slices.EqualFunc(got, c.want, same) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %d steps, want %d", what, len(got), len(c.want))
		}
	}
}

func TestPricesAreTheSameForTheSameMoneyAndUnit(t *testing.T) {
	price := func(amount, currency, per, unit string) trade.UnitPrice {
		return trade.UnitPrice{
			Price: trade.Money{Amount: udecimal.MustParse(amount), Currency: currency},
			Per:   trade.Quantity{Value: udecimal.MustParse(per), Unit: unit},
		}
	}
	one := price("2.50", "EUR", "1", "EA")
	for what, c := range map[string]struct {
		other trade.UnitPrice
		same  bool
	}{
		"itself":            {price("2.5", "EUR", "1", "EA"), true},
		"for a hundred":     {price("250", "EUR", "100", "EA"), true},
		"a cent more":       {price("2.51", "EUR", "1", "EA"), false},
		"another currency":  {price("2.50", "USD", "1", "EA"), false},
		"for another unit":  {price("2.50", "EUR", "1", "CT"), false},
		"a hundredth of it": {price("2.50", "EUR", "100", "EA"), false},
	} {
		if got := trade.SamePrice(one, c.other); got != c.same {
			t.Errorf("%s: %t", what, got)
		}
	}
}

func TestALinesAmountIsRoundedToTheCentHalfToEven(t *testing.T) {
	units := []*trade.ItemUnit{{Unit: "EA", BaseQuantity: udecimal.One}, {Unit: "CT", BaseQuantity: udecimal.MustParse("12")}}
	for what, c := range map[string]struct{ price, per, perUnit, quantity, unit, want string }{
		"pieces at a price a piece":     {"2.55", "1", "EA", "3", "EA", "7.65"},
		"pieces at a price for 100":     {"16.63", "100", "EA", "250", "EA", "41.58"}, // 41.575
		"half a cent, to the even one":  {"0.01", "1", "EA", "0.5", "EA", "0"},
		"one and a half, to the even":   {"0.01", "1", "EA", "1.5", "EA", "0.02"},
		"cartons at a price a piece":    {"1.25", "1", "EA", "2", "CT", "30"},
		"pieces at a price of a carton": {"12.00", "1", "CT", "3", "EA", "3"},
	} {
		price := &trade.Price{UnitPrice: trade.UnitPrice{
			Price: trade.Money{Amount: udecimal.MustParse(c.price), Currency: "EUR"},
			Per:   trade.Quantity{Value: udecimal.MustParse(c.per), Unit: c.perUnit},
		}}
		got, ok := trade.LineAmount(price, units, trade.Quantity{Value: udecimal.MustParse(c.quantity), Unit: c.unit})
		if !ok || !got.Amount.Equal(udecimal.MustParse(c.want)) || got.Currency != "EUR" {
			t.Errorf("%s: %s %s, want %s", what, got.Amount, got.Currency, c.want)
		}
	}
}
