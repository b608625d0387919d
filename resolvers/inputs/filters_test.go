package inputs

import (
	"reflect"
	"testing"
	"time"

	"portico/graph"
	"portico/trade"
)

func p[T any](v T) *T { return &v }

func between(t *testing.T, from, to string) *graph.DateRangeInput {
	t.Helper()
	a, err := trade.ParseDate(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := trade.ParseDate(to)
	if err != nil {
		t.Fatal(err)
	}
	return &graph.DateRangeInput{From: &a, To: &b}
}

// spanned is a span as text.
func spanned(r trade.DateRange) string {
	if r.From == nil || r.To == nil {
		return "open"
	}
	return r.From.String() + " " + r.To.String()
}

// TestEveryFieldOfAFilterIsItsOwn fills filters with another value in each field.
func TestEveryFieldOfAFilterIsItsOwn(t *testing.T) {
	since := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	i := InvoiceFilter(&graph.InvoiceFilter{
		Accounts: []string{
			"acc_1",
		}, Kind: []trade.InvoiceKind{trade.CreditMemo}, Status: []trade.InvoiceStatus{trade.InvoicePaid}, Number: p("R1"), Order: p("ord_1"),
		Issued: between(t, "2026-01-01", "2026-01-31"), Due: between(t, "2026-02-01", "2026-02-28"), ChangedSince: &since,
	})
	if spanned(i.Issued) != "2026-01-01 2026-01-31" || spanned(i.Due) != "2026-02-01 2026-02-28" || i.Number != "R1" || i.Order != "ord_1" ||
		i.Accounts[0] != "acc_1" ||
		i.Kind[0] != trade.CreditMemo ||
		i.Status[0] != trade.InvoicePaid ||
		!i.ChangedSince.Equal(since) {
		t.Errorf("invoices: issued %s, due %s, %+v", spanned(i.Issued), spanned(i.Due), i)
	}
	o := OrderFilter(&graph.OrderFilter{
		Accounts: []string{
			"acc_1",
		}, Status: []trade.OrderStatus{trade.OrderClosed}, Number: p("1"), CustomerPoNumber: p("PO"), Placed: between(t, "2026-01-01",
			"2026-01-31"), ShipTo: p("loc_1"),
		ChangedSince: &since,
	}, "itm_1")
	if o.Number != "1" || o.CustomerPoNumber != "PO" || spanned(o.Placed) != "2026-01-01 2026-01-31" || o.ShipTo != "loc_1" ||
		o.Item != "itm_1" ||
		o.Status[0] != trade.OrderClosed ||
		o.Accounts[0] != "acc_1" ||
		!o.ChangedSince.Equal(since) {
		t.Errorf("orders: %+v", o)
	}
	u := PurchaseOrderFilter(&graph.PurchaseOrderFilter{
		Status: []trade.PurchaseOrderStatus{
			trade.POSent,
		}, Number: p("1"), Supplier: p("ptn_1"), Promised: between(t, "2026-01-01", "2026-01-31"), NeedsAction: p(true), ChangedSince: &since,
	}, "itm_1")
	if u.Item != "itm_1" || u.Number != "1" || u.Supplier != "ptn_1" || spanned(u.Promised) != "2026-01-01 2026-01-31" || !u.NeedsAction ||
		u.Status[0] != trade.POSent {
		t.Errorf("purchase orders: %+v", u)
	}
	s := ShipmentFilter(&graph.ShipmentFilter{
		Direction: []trade.Direction{"INBOUND"}, Status: []trade.ShipmentStatus{trade.Delivered}, CarrierScac: p("SWFT"), Order: p("ord_1"),
		Eta:       between(t, "2026-01-01", "2026-01-31"),
		Reference: &graph.IdentifierInput{Scheme: trade.SchemeBOL, Value: "B1"}, ChangedSince: &since,
	})
	if s.CarrierScac != "SWFT" || s.Order != "ord_1" || spanned(s.Eta) != "2026-01-01 2026-01-31" || s.Reference == nil ||
		*s.Reference != (trade.Identifier{Scheme: trade.SchemeBOL, Value: "B1"}) ||
		s.Status[0] != trade.Delivered ||
		len(s.Direction) != 1 {
		t.Errorf("shipments: %+v", s)
	}
	m := ItemFilter(p("bolt"), &graph.ItemFilter{
		Categories: []string{
			"cat_1",
		}, Brands: []string{"b"}, Status: []trade.ItemStatus{trade.ItemOnHold},
		Attributes: []*graph.ItemAttributeFilter{{Name: "length", AnyOf: []string{"30"}}}, InStock: p(true),
		Warehouses: []string{"whs_1"}, Account: p("acc_1"), Contracted: p(true), OrderedBefore: p(false), ChangedSince: &since,
	})
	if m.Search != "bolt" || m.Categories[0] != "cat_1" || m.Brands[0] != "b" || m.Warehouses[0] != "whs_1" ||
		m.Account != "acc_1" || !m.Contracted ||
		m.OrderedBefore ||
		m.Attributes[0].Name != "length" ||
		m.InStock == nil {
		t.Errorf("items: %+v", m)
	}
	r := ReturnFilter(
		&graph.ReturnFilter{Status: []trade.ReturnStatus{trade.ReturnCredited}, Number: p("1"), Order: p("ord_1"), ChangedSince: &since},
	)
	if r.Number != "1" || r.Order != "ord_1" || r.Status[0] != trade.ReturnCredited {
		t.Errorf("returns: %+v", r)
	}
	a := AccountFilter(&graph.AccountFilter{Search: p("x"), Status: []trade.AccountStatus{trade.AccountClosed}, Parent: p("acc_1")})
	if a.Search != "x" || a.Parent != "acc_1" || a.Status[0] != trade.AccountClosed {
		t.Errorf("accounts: %+v", a)
	}
}

// TestNoFilterNarrowsNothing asks without any.
func TestNoFilterNarrowsNothing(t *testing.T) {
	for name, filter := range map[string]any{
		"invoices": InvoiceFilter(nil), "orders": OrderFilter(nil, ""), "purchase orders": PurchaseOrderFilter(nil, ""),
		"shipments": ShipmentFilter(nil), "returns": ReturnFilter(nil),
		"accounts": AccountFilter(nil), "items": ItemFilter(nil, nil),
	} {
		if !reflect.ValueOf(filter).IsZero() {
			t.Errorf("%s: %+v", name, filter)
		}
	}
}
