package sourcetest

import (
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/trade"
)

func utc(t T, what string, at time.Time) {
	t.Helper()
	if at.IsZero() || at.Location() != time.UTC {
		t.Errorf("%s is %v: times become UTC at the border", what, at)
	}
}

func money(t T, what string, m trade.Money) {
	t.Helper()
	if len(m.Currency) != 3 {
		t.Errorf("%s: currency %q", what, m.Currency)
	}
	if m.Amount.Prec() > 6 {
		t.Errorf("%s: %s has the digits of a float; take amounts from text", what, m.Amount)
	}
}

// shape is what is asked of a record of one kind, besides what all kinds have in common.
type shape struct {
	subject sources.Subject
	check   func(t T, record any)
}

// shapes are the shapes of all kinds of records, in the order of a first load.
var shapes = []shape{
	plain(sources.WarehouseRecords.Port),
	plain(sources.CategoryRecords.Port),
	plain(sources.SupplierRecords.Port),
	shapeOf(sources.AccountRecords, checkAccount),
	plain(sources.CalendarRecords.Port),
	plain(sources.CreditRecords.Port),
	shapeOf(sources.ItemRecords, checkItem),
	plain(sources.ContractRecords.Port),
	shapeOf(sources.StockRecords, checkStock),
	shapeOf(sources.OrderRecords, checkOrder),
	shapeOf(sources.PurchaseOrderRecords, checkPurchaseOrder),
	plain(sources.ShipmentRecords.Port),
	shapeOf(sources.TrackingRecords, checkTracking),
	shapeOf(sources.InvoiceRecords, checkInvoice),
	plain(sources.ReturnRecords.Port),
}

// plain is the shape of a kind of which nothing more is asked.
func plain(of sources.Port) shape { return shape{of.Subject, func(T, any) {}} }

func shapeOf[P sources.Adapter, R any](of sources.Records[P, R], check func(T, *R)) shape {
	return shape{of.Subject, func(t T, record any) {
		t.Helper()
		check(t, record.(*R)) //nolint:errcheck // it was read as one of this kind
	}}
}

// check plays what is asked of a record of a kind. A kind without a shape fails.
func check(t T, subject sources.Subject, record any) {
	t.Helper()
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.subject == subject })
	if i < 0 {
		t.Errorf("%s: the suite does not say what is asked of one", subject)
		return
	}
	shapes[i].check(t, record)
}

func checkAccount(t T, a *trade.Account) {
	t.Helper()
	if len(a.Locations) == 0 || len(a.Currency) != 3 || a.Status == "" {
		t.Errorf("account %s: %d locations, currency %q, status %q", a.Number, len(a.Locations), a.Currency, a.Status)
	}
}

func checkItem(t T, i *trade.Item) {
	t.Helper()
	base := false
	for _, u := range i.UnitsKnown {
		base = base || u.Unit == i.BaseUnit && u.BaseQuantity.Equal(udecimal.MustFromInt64(1, 0))
		if u.GTIN != nil && !trade.ValidGTIN(*u.GTIN) {
			t.Errorf("item %s: GTIN %s of %s has a wrong check digit", i.SKU, *u.GTIN, u.Unit)
		}
	}
	if !base {
		t.Errorf("item %s: its base unit %q is none of its units", i.SKU, i.BaseUnit)
	}
	suppliers := map[string]bool{}
	for _, s := range i.SuppliersKnown {
		if code := s.SupplierRef.Key; code == "" || suppliers[code] {
			t.Errorf("item %s: supplier %q is nobody, or there twice", i.SKU, code)
		}
		suppliers[s.SupplierRef.Key] = true
		if s.LeadTimeDays != nil && *s.LeadTimeDays < 0 {
			t.Errorf("item %s: %s delivers in %d days", i.SKU, s.SupplierRef.Key, *s.LeadTimeDays)
		}
	}
}

func checkStock(t T, s *trade.Stock) {
	t.Helper()
	if s.OnHand.IsNeg() || s.Allocated.IsNeg() || s.Unit == "" {
		t.Errorf("stock of %s in %s: %s %s on hand, %s allocated", s.ItemRef.Key, s.WarehouseRef.Key, s.OnHand, s.Unit, s.Allocated)
	}
}

func sums(t T, what string, s trade.Totals) {
	t.Helper()
	want := s.Subtotal.Amount.Sub(s.Discount.Amount)
	for _, m := range []*trade.Money{s.Freight, s.Tax} {
		if m != nil {
			want = want.Add(m.Amount)
		}
	}
	money(t, what, s.Total)
	if !want.Equal(s.Total.Amount) {
		t.Errorf("%s: total is %s, its parts make %s", what, s.Total.Amount, want)
	}
}

func checkOrder(t T, o *trade.Order) {
	t.Helper()
	utc(t, "order placed at", o.PlacedAt)
	if o.Totals != nil {
		sums(t, "order "+*o.Number, *o.Totals)
	}
	if o.Raw == nil || o.Raw.Code == "" {
		t.Errorf("order %s: the source's own status is not kept", *o.Number)
	}
	status := o.Status
	if o.Derive(); o.Status != status {
		t.Errorf("order %s: status %s, its lines say %s", *o.Number, status, o.Status)
	}
	for _, l := range o.LinesKnown {
		if l.Cancelled.Value.Add(l.Shipped.Value).GreaterThan(l.Ordered.Value) {
			t.Errorf("order %s line %s: more cancelled and shipped than ordered", *o.Number, l.LineNumber)
		}
		if l.UnitPrice != nil && l.Amount != nil {
			money(t, "order line price", l.UnitPrice.Price)
			if got := l.UnitPrice.Times(l.Ordered.Value); got.Amount.Sub(l.Amount.Amount).Abs().GreaterThan(udecimal.MustParse("0.01")) {
				t.Errorf("order %s line %s: %s at %s per %s is %s, the line says %s", *o.Number, l.LineNumber, l.Ordered.Value,
					l.UnitPrice.Price.Amount, l.UnitPrice.Per.Value, got.Amount, l.Amount.Amount)
			}
		}
	}
}

func checkPurchaseOrder(t T, p *trade.PurchaseOrder) {
	t.Helper()
	utc(t, "purchase order issued at", p.IssuedAt)
	if p.Totals != nil {
		sums(t, "purchase order "+p.Number, *p.Totals)
	}
	if p.SupplierRef.Key == "" || len(p.LinesKnown) == 0 {
		t.Errorf("purchase order %s: supplier %q, %d lines", p.Number, p.SupplierRef.Key, len(p.LinesKnown))
	}
}

func checkInvoice(t T, i *trade.Invoice) {
	t.Helper()
	sums(t, "invoice "+i.Number, i.Totals)
	money(t, "invoice balance", i.Balance)
}

func checkTracking(t T, n *trade.Tracking) {
	t.Helper()
	keys := map[string]bool{}
	for _, e := range n.Events {
		utc(t, "event occurred at", e.OccurredAt)
		if e.Key == "" || keys[e.Key] {
			t.Errorf("tracking %s: the key %q of an event is empty or of two", n.TrackingNumber, e.Key)
		}
		keys[e.Key] = true
		if e.Raw.Code == "" {
			t.Errorf("tracking %s: an event's own code is not kept", n.TrackingNumber)
		}
	}
}
