package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/trade"
)

// orderText is a sales order with another number in each of its fields.
const orderText = `{
	"docNo": "1", "soldTo": "10001", "poRef": "PO", "shipToNo": "02", "billToNo": "01", "hdrStat": "40", "curr": "EUR",
	"net": "10.00", "disc": "1.00", "frt": "2.00", "vat": "3.00", "gross": "14.00",
	"reqDlv": "20260310", "crtAt": "2026-03-01 09:30:00", "note": "n", "extRef": "PORTICO-1", "rev": 7,
	"holds": [{"code": "CR", "since": "2026-03-01 10:00:00", "txt": "limit"}],
	"items": [{
		"pos": "10", "matNo": "M-1", "custMat": "C-1", "txt": "Bolt", "uom": "PCE", "qtyOrd": 100, "qtyConf": 90, "qtyAll": 80, "qtyBo": 70,
		"qtyGi": 60, "qtyPod": 50, "qtyInv": 40, "qtyCxl": 30, "qtyRet": 20, "prc": "250.00", "prcUnit": 100, "netVal": "225.00", "subFor": "M-0",
		"sched": [{
			"qty": 5, "whs": "RTM", "wishGi": "20260301", "wishDlv": "20260302", "confGi": "20260303", "confDlv": "20260304",
			"actGi": "20260305", "actDlv": "20260306"
		}]
	}]
}`

func readOrder(t *testing.T, change func(map[string]any)) (trade.Order, error) {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(orderText), &fields); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(fields)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	var s salesOrder
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return (&ERP{&wire{zone: zone}}).order(&s)
}

// TestEveryFieldOfAnOrderIsItsOwn tells the ERP's fields apart: each quantity, day and amount is another.
func TestEveryFieldOfAnOrderIsItsOwn(t *testing.T) {
	o, err := readOrder(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := o.LinesKnown[0]
	var got []string
	for _, q := range []trade.Quantity{
		l.Ordered, l.Confirmed, l.Allocated, l.Backordered, l.Shipped, l.Delivered, l.Invoiced, l.Cancelled, l.Returned,
	} {
		got = append(got, q.Value.String()+" "+q.Unit)
	}
	if want := "100 EA 90 EA 80 EA 70 EA 60 EA 50 EA 40 EA 30 EA 20 EA"; strings.Join(got, " ") != want {
		t.Errorf("quantities %v, want %s", got, want)
	}
	s := l.ScheduleKnown[0]
	days := fmt.Sprint(
		s.RequestedShipDate,
		s.RequestedDeliveryDate,
		s.PromisedShipDate,
		s.PromisedDeliveryDate,
		s.ActualShipDate,
		s.ActualDeliveryDate,
	)
	if want := "2026-03-01 2026-03-02 2026-03-03 2026-03-04 2026-03-05 2026-03-06"; days != want {
		t.Errorf("days %s, want %s", days, want)
	}
	amounts := fmt.Sprint(
		o.Totals.Subtotal.Amount,
		o.Totals.Discount.Amount,
		o.Totals.Freight.Amount,
		o.Totals.Tax.Amount,
		o.Totals.Total.Amount,
		l.Amount.Amount,
		l.UnitPrice.Price.Amount,
		l.UnitPrice.Per.Value,
	)
	if want := "10 1 2 3 14 225 250 100"; amounts != want {
		t.Errorf("amounts %s, want %s", amounts, want)
	}
	names := fmt.Sprint(
		*o.Number,
		" ",
		o.AccountRef.Key,
		" ",
		*o.CustomerPoNumber,
		" ",
		o.ShipToRef.Key,
		" ",
		o.BillToRef.Key,
		" ",
		*o.Comment,
		" ",
		*o.ExternalRef,
		" ",
		l.LineNumber,
		" ",
		*l.SKU,
		" ",
		*l.CustomerPartNumber,
		" ",
		l.Description,
		" ",
		l.SubstitutedForRef.Key,
		" ",
		s.WarehouseRef.Key,
	)
	if want := "1 10001 PO 02 01 n PORTICO-1 10 M-1 C-1 Bolt M-0 RTM"; names != want {
		t.Errorf("names %s, want %s", names, want)
	}
	if got := o.PlacedAt.UTC().Format(time.RFC3339); got != "2026-03-01T08:30:00Z" || o.Holds[0].Kind != trade.HoldCredit ||
		o.RequestedDeliveryDate.String() != "2026-03-10" {
		t.Errorf("placed at %s, held for %v, wished for %s", got, o.Holds, o.RequestedDeliveryDate)
	}
}

// TestAnOrderThatCannotBeUnderstoodIsRejected has one field be something that nobody has a meaning for.
func TestAnOrderThatCannotBeUnderstoodIsRejected(t *testing.T) {
	item := func(name string, v any) func(map[string]any) {
		return func(o map[string]any) { o["items"].([]any)[0].(map[string]any)[name] = v }
	}
	head := func(name string, v any) func(map[string]any) { return func(o map[string]any) { o[name] = v } }
	for field, change := range map[string]func(map[string]any){
		"hdrStat": head("hdrStat", "77"), "gross": head("gross", "a lot"), "crtAt": head("crtAt", "yesterday"),
		"reqDlv": head("reqDlv", "20260231"),
		"uom":    item("uom", "BAG"), "netVal": item("netVal", "1,00"), "prc": item("prc", "x"),
		"holds": head("holds", []any{map[string]any{"code": "ZZ", "since": "2026-03-01 10:00:00"}}),
	} {
		if _, err := readOrder(t, change); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
