package resolvers

import (
	"fmt"
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
	i := invoiceFilter(&graph.InvoiceFilter{
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
	o, err := orderFilter(t.Context(), &graph.OrderFilter{
		Accounts: []string{
			"acc_1",
		}, Status: []trade.OrderStatus{trade.OrderClosed}, Number: p("1"), CustomerPoNumber: p("PO"), Placed: between(t, "2026-01-01",
			"2026-01-31"), ShipTo: p("loc_1"),
		ChangedSince: &since,
	})
	if err != nil || o.Number != "1" || o.CustomerPoNumber != "PO" || spanned(o.Placed) != "2026-01-01 2026-01-31" || o.ShipTo != "loc_1" ||
		o.Item != "" ||
		o.Status[0] != trade.OrderClosed ||
		o.Accounts[0] != "acc_1" ||
		!o.ChangedSince.Equal(since) {
		t.Errorf("orders: %+v, %v", o, err)
	}
	u, err := purchaseOrderFilter(t.Context(), &graph.PurchaseOrderFilter{
		Status: []trade.PurchaseOrderStatus{
			trade.POSent,
		}, Number: p("1"), Supplier: p("ptn_1"), Promised: between(t, "2026-01-01", "2026-01-31"), NeedsAction: p(true), ChangedSince: &since,
	})
	if err != nil || u.Number != "1" || u.Supplier != "ptn_1" || spanned(u.Promised) != "2026-01-01 2026-01-31" || !u.NeedsAction ||
		u.Status[0] != trade.POSent {
		t.Errorf("purchase orders: %+v, %v", u, err)
	}
	s := shipmentFilter(&graph.ShipmentFilter{
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
	m := itemFilter(p("bolt"), &graph.ItemFilter{
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
	r := returnFilter(
		&graph.ReturnFilter{Status: []trade.ReturnStatus{trade.ReturnCredited}, Number: p("1"), Order: p("ord_1"), ChangedSince: &since},
	)
	if r.Number != "1" || r.Order != "ord_1" || r.Status[0] != trade.ReturnCredited {
		t.Errorf("returns: %+v", r)
	}
	a := accountFilter(&graph.AccountFilter{Search: p("x"), Status: []trade.AccountStatus{trade.AccountClosed}, Parent: p("acc_1")})
	if a.Search != "x" || a.Parent != "acc_1" || a.Status[0] != trade.AccountClosed {
		t.Errorf("accounts: %+v", a)
	}
}

// TestNoFilterNarrowsNothing asks without any.
func TestNoFilterNarrowsNothing(t *testing.T) {
	o, err := orderFilter(t.Context(), nil)
	u, err2 := purchaseOrderFilter(t.Context(), nil)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for name, filter := range map[string]any{
		"invoices": invoiceFilter(nil), "orders": o, "purchase orders": u, "shipments": shipmentFilter(nil), "returns": returnFilter(nil),
		"accounts": accountFilter(nil), "items": itemFilter(nil, nil),
	} {
		if !reflect.ValueOf(filter).IsZero() {
			t.Errorf("%s: %+v", name, filter)
		}
	}
}

func TestAPageIsAskedForFromOneEnd(t *testing.T) {
	for name, c := range map[string]struct {
		first, last   *int
		after, before *string
		want          string
		good          bool
	}{
		"nothing said":         {nil, nil, nil, nil, "{25 0  }", true},
		"from the beginning":   {p(1), nil, nil, nil, "{1 0  }", true},
		"as many as there may": {p(100), nil, p("a"), nil, "{100 0 a }", true},
		"from the end":         {nil, p(100), nil, p("b"), "{0 100  b}", true},
		"between two":          {p(3), nil, p("a"), p("b"), "{3 0 a b}", true},
		"from both":            {p(1), p(1), nil, nil, "", false},
		"none":                 {p(0), nil, nil, nil, "", false},
		"less than none":       {p(-1), nil, nil, nil, "", false},
		"one too many":         {p(101), nil, nil, nil, "", false},
		"none from the end":    {nil, p(0), nil, nil, "", false},
		"too many of the end":  {nil, p(101), nil, nil, "", false},
	} {
		got, err := pageArgs(c.first, c.after, c.last, c.before)
		if (err == nil) != c.good || c.good && fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestExactlyOneKeyIsChosen(t *testing.T) {
	if place, value, err := chosen(nil, p("b"), nil); place != 1 || value != "b" || err != nil {
		t.Errorf("%d, %q, %v", place, value, err)
	}
	for _, fields := range [][]*string{{nil, nil}, {p("a"), p("b")}, {}} {
		if _, _, err := chosen(fields...); err == nil {
			t.Errorf("of %d fields one is chosen", len(fields))
		}
	}
}

// TestAPeriodHasItsLastDay asks for measures over days at the ends of months and at the bounds.
func TestAPeriodHasItsLastDay(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"one day":                {"2026-02-28", "2026-02-28", "2026-02-28 2026-03-01"},
		"a leap day":             {"2028-02-29", "2028-02-29", "2028-02-29 2028-03-01"},
		"as long as it may be":   {"2025-01-01", "2026-02-05", "2025-01-01 2026-02-06"},
		"a day too long":         {"2024-12-31", "2026-02-05", ""},
		"its end before its end": {"2026-03-02", "2026-03-01", ""},
	} {
		from, until, err := days(between(t, c.from, c.to), 30)
		got := from.Format(time.DateOnly) + " " + until.Format(time.DateOnly)
		if (err == nil) != (c.want != "") || err == nil && got != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
	to, err := trade.ParseDate("2026-03-31")
	if err != nil {
		t.Fatal(err)
	}
	from, until, err := days(&graph.DateRangeInput{To: &to}, 30)
	if err != nil || from.Format(time.DateOnly) != "2026-03-02" || until.Format(time.DateOnly) != "2026-04-01" {
		t.Errorf("thirty days to the end of March: %s to %s, %v", from, until, err)
	}
}
