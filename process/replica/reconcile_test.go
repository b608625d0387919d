package replica_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/process/processtest"
	"portico/process/replica"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// forgetful is an ERP from which records can be taken away without a word in its feed.
type forgetful struct {
	*sandbox.ERP
	mu   sync.Mutex
	gone []string
}

func (f *forgetful) forget(refs ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = refs
}

func without[T any](f *forgetful, page sources.Page[T], err error, ref func(T) string) (sources.Page[T], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	page.Records = slices.DeleteFunc(page.Records, func(r T) bool { return slices.Contains(f.gone, ref(r)) })
	if page.Total > 0 {
		page.Total -= len(f.gone)
	}
	return page, err
}

func (f *forgetful) Orders(ctx context.Context, q sources.Query) (sources.Page[trade.Order], error) {
	page, err := f.ERP.Orders(ctx, q)
	return without(f, page, err, func(o trade.Order) string { return *o.Number })
}

// reconciled runs a replica of a company whose ERP forgets, which is compared with
// what is held every second, once it is loaded and compared.
func reconciled(t *testing.T, w *processtest.World) (erp *forgetful, st *store.Store, sql func(query string, args ...any)) {
	t.Helper()
	st, db := storetest.Pair(t)
	erp = &forgetful{ERP: w.ERP(t)}
	limits := sources.DefaultLimits
	limits.Reconcile = time.Second
	set := w.Systems(t, limits, map[string]sources.Adapter{"erp": erp})
	r := replica.New(st, set, time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	processtest.Eventually(t, "compared", func() bool { return len(reports(t, st)) == 13 })
	return erp, st, func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
}

// reports are the latest comparisons by subject.
func reports(t *testing.T, st *store.Store) map[string]*operating.Reconciliation {
	t.Helper()
	pages, err := operatingstore.ReconciliationList(processtest.Operator).Page(t.Context(), st, []string{""}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*operating.Reconciliation{}
	for _, r := range pages[""].Nodes {
		all[r.Subject] = r
	}
	return all
}

// found are the differences of a subject, as text.
func found(t *testing.T, st *store.Store, subject string) (all []string) {
	t.Helper()
	id := reports(t, st)[subject].ID
	pages, err := operatingstore.DifferenceList(processtest.Operator).Page(t.Context(), st, []string{id}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	for _, d := range pages[id].Nodes {
		all = append(all, fmt.Sprintf("%s %s: %s, source %s", d.Key, text(d.Field), text((*string)(d.Value)), text((*string)(d.SourceValue))))
	}
	slices.Sort(all)
	return all
}

// TestWhatIsHeldIsReconciledWithItsSources plays on one company what follows.
func TestWhatIsHeldIsReconciledWithItsSources(t *testing.T) {
	erp, st, sql := reconciled(t, processtest.New(t))
	t.Run("what is held is what its sources say", func(t *testing.T) { theSame(t, st) })
	t.Run("what follows from packages is derived", func(t *testing.T) { derived(t, st, sql) })
	t.Run("a copy that is wrong is told and mended", func(t *testing.T) { mended(t, st, sql) })
	t.Run("what a source has no more is removed", func(t *testing.T) { removed(t, erp, st, sql) })
	t.Run("a source that shows too little costs nothing", func(t *testing.T) { tooLittle(t, erp, st) })
}

func theSame(t *testing.T, st *store.Store) {
	for subject, r := range reports(t, st) {
		if d := found(t, st, subject); len(d) > 0 {
			t.Errorf("%s: %d differences, such as %s", subject, len(d), d[0])
		}
		if r.Count == 0 || r.Count != r.SourceCount || fmt.Sprint(r.Totals) != fmt.Sprint(r.SourceTotals) ||
			fmt.Sprint(r.Quantities) != fmt.Sprint(r.SourceQuantities) {
			t.Errorf("%s: %+v", subject, r)
		}
	}
	all := reports(t, st)
	for _, subject := range []string{"orders", "purchase_orders", "invoices"} {
		if len(all[subject].Totals) == 0 || !all[subject].Totals[0].Amount.IsPos() || len(all[subject].Quantities) == 0 {
			t.Errorf("%s add up to %+v", subject, all[subject])
		}
	}
}

// derived has a package delivered of which nothing was derived, as by an earlier release.
func derived(t *testing.T, st *store.Store, sql func(string, ...any)) {
	sql(`UPDATE packages SET status = 'DELIVERED' WHERE (shipment_id, number) IN (SELECT x.shipment_id, x.number FROM package_lines x
		JOIN shipments s ON s.id = x.shipment_id JOIN order_lines l ON l.id = x.order_line_id
		WHERE s.direction = 'OUTBOUND' AND l.delivered = 0 AND l.shipped >= x.quantity ORDER BY 1, 2 LIMIT 1)`)
	processtest.Eventually(t, "derived", func() bool {
		var lines int
		err := st.Get(t.Context(), &lines, `SELECT count(*) FROM order_lines WHERE source_delivered = 0 AND delivered > 0`)
		return err == nil && lines > 0
	})
	before := reports(t, st)["orders"].At
	processtest.Eventually(t, "compared once more", func() bool { return reports(t, st)["orders"].At.After(*before) })
	if d := found(t, st, "orders"); len(d) > 0 {
		t.Errorf("%d differences, such as %s", len(d), d[0])
	}
	last := func() (at time.Time) {
		t.Helper()
		if err := st.Get(t.Context(), &at, `SELECT max(received_at) FROM orders WHERE source_status IS NOT NULL`); err != nil {
			t.Fatal(err)
		}
		return at
	}
	was := last()
	before = reports(t, st)["orders"].At
	processtest.Eventually(t, "compared without news", func() bool { return reports(t, st)["orders"].At.After(*before) })
	if !last().Equal(was) {
		t.Error("an order of which nothing is new changed")
	}
}

func mended(t *testing.T, st *store.Store, sql func(string, ...any)) {
	sql(`UPDATE orders SET promised_delivery_date = '2001-02-03' WHERE number = '8000001'`)
	sql(`DELETE FROM order_lines WHERE order_id = (SELECT id FROM orders WHERE number = '8000002') AND position = 1`)
	sql(`DELETE FROM invoices WHERE number = (SELECT min(number) FROM invoices i
		WHERE NOT EXISTS (SELECT FROM returns r WHERE r.credit_memo_id = i.id))`)
	sql(`UPDATE stock SET on_hand = on_hand + 5 WHERE (item_id, warehouse_id) IN (SELECT item_id, warehouse_id FROM stock ORDER BY 1, 2
		LIMIT 1)`)
	var orders, stock []string
	processtest.Eventually(t, "told", func() bool {
		if o := found(t, st, "orders"); len(o) > 0 {
			orders = o
		}
		if s := found(t, st, "inventory"); len(s) > 0 {
			stock = s
		}
		return orders != nil && stock != nil
	})
	if len(orders) != 2 || len(stock) != 1 {
		t.Errorf("told of orders %v, of stock %v", orders, stock)
	}
	processtest.Eventually(t, "mended", func() bool {
		return found(t, st, "orders") == nil && found(t, st, "inventory") == nil &&
			reports(t, st)["invoices"].Count == reports(t, st)["invoices"].SourceCount
	})
	now, err := records.OrdersByNumber(t.Context(), st, processtest.Operator, []string{"8000001"})
	if err != nil || now["8000001"].PromisedDeliveryDate != nil && now["8000001"].PromisedDeliveryDate.String() == "2001-02-03" {
		t.Errorf("%+v, %v", now["8000001"], err)
	}
}

func removed(t *testing.T, erp *forgetful, st *store.Store, sql func(string, ...any)) {
	before := reports(t, st)["orders"].Count
	sql(`DELETE FROM returns`) // one that is referred to stays
	var free, kept string
	pages, err := records.OrderList(processtest.Operator, records.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), st,
		[]string{""}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	free, kept = *pages[""].Nodes[0].Number, *pages[""].Nodes[1].Number
	sql(`INSERT INTO returns (number, order_id, account_id, status, requested_at, system, instance, source_ref, source_version, sequence,
		as_of)
		SELECT 'R', id, account_id, 'REQUESTED', now(), 'ERP', 'another', 'R', '1', 1, now() FROM orders WHERE number = $1`, kept)
	erp.forget(free, kept)
	there := func(number string) bool {
		orders, err := records.OrdersByNumber(t.Context(), st, processtest.Operator, []string{number})
		return err == nil && orders[number] != nil
	}
	processtest.Eventually(t, "removed", func() bool { return !there(free) })
	want := []string{kept + " -: there, source -"}
	processtest.Eventually(t, "told of the one that is kept", func() bool {
		return slices.Equal(found(t, st, "orders"), want) && reports(t, st)["orders"].Count == before-1
	})
	if !there(kept) {
		t.Error("one that a return refers to is gone")
	}
}

func tooLittle(t *testing.T, erp *forgetful, st *store.Store) {
	erp.forget()
	processtest.Eventually(t, "told of all again", func() bool {
		o := reports(t, st)["orders"]
		return found(t, st, "orders") == nil && o.Count == 300 && o.SourceCount == 300
	})
	before := reports(t, st)["orders"]
	pages, err := records.OrderList(processtest.Operator, records.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), st,
		[]string{""}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	var most []string
	for after := ""; len(most) < before.Count*2/3; {
		for _, o := range pages[""].Nodes {
			most = append(most, *o.Number)
		}
		if after = *pages[""].PageInfo.EndCursor; !pages[""].PageInfo.HasNextPage {
			break
		}
		if pages, err = records.OrderList(processtest.Operator, records.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), st,
			[]string{""}, store.PageArgs{First: 100, After: after}); err != nil {
			t.Fatal(err)
		}
	}
	erp.forget(most...)
	processtest.Eventually(t, "told", func() bool { return reports(t, st)["orders"].SourceCount == before.Count-len(most) })
	if after := reports(t, st)["orders"]; after.Count != before.Count || len(found(t, st, "orders")) != 100 {
		t.Errorf("%d orders of %d, and %d differences", after.Count, before.Count, len(found(t, st, "orders")))
	}
}
