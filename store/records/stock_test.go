package records_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quagmt/udecimal"

	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/procurement"
)

// TestWhatIsToComeIsTheOpenQuantityAndNoMore asks for the supply of a purchase order line in parts: what came is of the earliest days,
// and what no part has comes with the last.
func TestWhatIsToComeIsTheOpenQuantityAndNoMore(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveSuppliers,
		procurement.TradingPartner{Code: "S1", Name: "a supplier", Provenance: storetest.From("S1", 1)})
	const march, april, none = "2027-03-01", "2027-04-01", ""
	type part struct {
		quantity int64
		day      string
	}
	cases := []struct {
		ordered, received, cancelled int64
		parts                        []part
		want                         string
	}{
		{10, 0, 0, []part{{10, march}}, "10 on 2027-03-01"},
		{10, 0, 0, []part{{4, april}, {6, march}}, "6 on 2027-03-01, 4 on 2027-04-01"},
		{10, 5, 0, []part{{5, march}, {5, april}}, "5 on 2027-04-01"},
		{10, 7, 0, []part{{5, march}, {5, april}}, "3 on 2027-04-01"},
		{10, 2, 1, []part{{5, march}, {5, april}}, "2 on 2027-03-01, 5 on 2027-04-01"},
		{10, 2, 0, []part{{5, march}, {5, march}}, "3 on 2027-03-01, 5 on 2027-03-01"},
		{12, 0, 0, []part{{10, march}}, "12 on 2027-03-01"},
		{12, 0, 0, []part{{5, march}, {5, april}}, "5 on 2027-03-01, 7 on 2027-04-01"},
		{12, 11, 0, []part{{5, march}, {5, april}}, "1 on 2027-04-01"},
		{8, 0, 0, []part{{5, march}, {5, april}}, "3 on 2027-03-01, 5 on 2027-04-01"},
		{10, 10, 0, []part{{10, march}}, ""},
		{10, 12, 0, []part{{10, march}}, ""},
		{10, 0, 10, []part{{10, march}}, ""},
		{10, 0, 0, []part{{10, none}}, ""},
		{10, 0, 0, []part{{4, march}, {6, none}}, "4 on 2027-03-01"},
		{10, 0, 0, []part{{0, march}, {10, april}}, "10 on 2027-04-01"},
		{10, 0, 0, nil, ""},
	}
	var items []string
	for i, c := range cases {
		sku := fmt.Sprintf("I%02d", i)
		storetest.Save(t, s, replication.SaveItems, trade.Item{
			SKU: sku, Name: sku, BaseUnit: "EA", Status: trade.ItemActive, Identifiers: []trade.Identifier{}, Provenance: storetest.From(sku, 1),
		})
		quantity := func(n int64) trade.Quantity { return trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"} }
		line := trade.PurchaseOrderLine{
			LineNumber: "10", ItemRef: trade.Key(sku), Description: sku, Ordered: quantity(c.ordered), Acknowledged: quantity(0),
			Shipped: quantity(0), Received: quantity(c.received), Cancelled: quantity(c.cancelled), ScheduleKnown: []trade.PurchaseScheduleLine{},
		}
		for n, p := range c.parts {
			known := trade.PurchaseScheduleLine{Number: fmt.Sprint(n + 1), Quantity: quantity(p.quantity)}
			if p.day != none {
				known.PromisedDeliveryDate = new(day(t, p.day))
			}
			line.ScheduleKnown = append(line.ScheduleKnown, known)
		}
		if rejected := storetest.Save(t, s, replication.SavePurchaseOrders, trade.PurchaseOrder{
			Number: sku, Revision: 1, SupplierRef: trade.Key("S1"), Status: trade.POSent, Currency: "EUR", Provenance: storetest.From(sku, 1),
			LinesKnown: []trade.PurchaseOrderLine{line},
		}); len(rejected) > 0 {
			t.Fatalf("%s: %+v", sku, rejected)
		}
		var id string
		if err := s.Get(t.Context(), &id, `SELECT id FROM items WHERE sku = $1`, sku); err != nil {
			t.Fatal(err)
		}
		items = append(items, id)
	}
	found, err := records.Inbound(t.Context(), s, storetest.Everything, items)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		slices.SortStableFunc(found[items[i]], func(a, b *trade.InboundSupply) int {
			return cmp.Or(a.ExpectedOn.Compare(b.ExpectedOn), a.Quantity.Value.Cmp(b.Quantity.Value))
		})
		var told []string
		for _, in := range found[items[i]] {
			told = append(told, fmt.Sprintf("%s on %s", in.Quantity.Value, in.ExpectedOn))
		}
		if got := strings.Join(told, ", "); got != c.want {
			t.Errorf("%+v: %q is to come, want %q", c, got, c.want)
		}
	}
}
