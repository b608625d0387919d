package procurement

import (
	"slices"
	"testing"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// TestARevisionSaysWhatTheBuyerChanged changes one thing after another.
//
// Cases: H11
func TestARevisionSaysWhatTheBuyerChanged(t *testing.T) {
	day := func(s string) *trade.Date {
		var d trade.Date
		if err := d.Scan(s); err != nil {
			t.Fatal(err)
		}
		return &d
	}
	each := func(n int64) trade.Quantity { return trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"} }
	price := func(amount, per int64) *trade.UnitPrice {
		return &trade.UnitPrice{Price: trade.Money{Amount: udecimal.MustFromInt64(amount, 2), Currency: "EUR"}, Per: each(per)}
	}
	order := func(change func(*trade.PurchaseOrder)) *trade.PurchaseOrder {
		o := &trade.PurchaseOrder{
			Currency: "EUR", WarehouseRef: trade.Key("RTM"), PaymentTerms: &trade.PaymentTerms{Description: "30 days"},
			LinesKnown: []trade.PurchaseOrderLine{
				{
					LineNumber: "10", SKU: new("S-1"), Ordered: each(100), UnitPrice: price(200, 100),
					ScheduleKnown: []trade.PurchaseScheduleLine{{RequestedDeliveryDate: day("2026-07-01")}},
				},
				{LineNumber: "20", SKU: new("S-2"), Ordered: each(5)},
			},
		}
		change(o)
		return o
	}
	first := func(change func(*trade.PurchaseOrderLine)) func(*trade.PurchaseOrder) {
		return func(o *trade.PurchaseOrder) { change(&o.LinesKnown[0]) }
	}
	for name, c := range map[string]struct {
		change func(*trade.PurchaseOrder)
		want   []string
	}{
		"nothing":      {func(*trade.PurchaseOrder) {}, nil},
		"the supplier": {first(func(l *trade.PurchaseOrderLine) { l.Acknowledged, l.Shipped = each(100), each(3) }), nil},
		"the quantity": {
			first(func(l *trade.PurchaseOrderLine) { l.Ordered = each(120) }),
			[]string{"line 10 is for 120 EA instead of 100 EA"},
		},
		"the item":       {first(func(l *trade.PurchaseOrderLine) { l.SKU = new("S-9") }), []string{"line 10 is for S-9 instead of S-1"}},
		"the price":      {first(func(l *trade.PurchaseOrderLine) { l.UnitPrice = price(201, 100) }), []string{"line 10 has another price"}},
		"the same for 1": {first(func(l *trade.PurchaseOrderLine) { l.UnitPrice = price(2, 1) }), nil},
		"cancelled":      {first(func(l *trade.PurchaseOrderLine) { l.Cancelled = each(40) }), []string{"line 10 has 40 EA cancelled"}},
		"the day": {
			first(func(l *trade.PurchaseOrderLine) { l.ScheduleKnown[0].RequestedDeliveryDate = day("2026-07-08") }),
			[]string{"line 10 is wanted for 2026-07-08 instead of 2026-07-01"},
		},
		"a line less": {func(o *trade.PurchaseOrder) { o.LinesKnown = o.LinesKnown[:1] }, []string{"line 20 (5 EA of S-2) was removed"}},
		"a line more": {func(o *trade.PurchaseOrder) {
			o.LinesKnown = append(o.LinesKnown, trade.PurchaseOrderLine{LineNumber: "30", Description: "A bolt", Ordered: each(7)})
		}, []string{"line 30 is new: 7 EA of A bolt"}},
		"the place": {
			func(o *trade.PurchaseOrder) { o.WarehouseRef = trade.Key("HAM") },
			[]string{"the goods go to warehouse HAM instead of RTM"},
		},
		"the terms": {func(o *trade.PurchaseOrder) { o.PaymentTerms = nil }, []string{"the terms of payment are others"}},
	} {
		if got := RevisionChanges(order(func(*trade.PurchaseOrder) {}), order(c.change)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	many := order(func(o *trade.PurchaseOrder) {
		o.LinesKnown = nil
		for range 500 {
			o.LinesKnown = append(o.LinesKnown, trade.PurchaseOrderLine{LineNumber: "9", Ordered: each(1)})
		}
	})
	if got := RevisionChanges(many, order(func(*trade.PurchaseOrder) {})); len(got) != mostChanges+1 {
		t.Errorf("%d changes are told", len(got))
	}
}
