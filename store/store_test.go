package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var everything = trade.OperatorScope(nil)

func from(ref string, version int64) trade.Provenance {
	now := time.Now()
	return trade.Provenance{System: trade.ERP, Instance: "erp", SourceRef: &ref, Sequence: version, AsOf: &now}
}

func account(number, name string, version int64) trade.Account {
	return trade.Account{
		Number: number, Name: name, Status: trade.AccountActive, Currency: "EUR", Provenance: from(number, version),
		Locations: []trade.AccountLocation{{Code: "01", Roles: []trade.LocationRole{trade.ShipTo, trade.BillTo}, Address: trade.Address{Country: "NL"}}},
	}
}

func order(number, account string, version int64, lines ...string) trade.Order {
	eur := trade.Money{Amount: udecimal.MustFromInt64(0, 0), Currency: "EUR"}
	qty := func(n int64) trade.Quantity { return trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"} }
	o := trade.Order{
		Number: &number, AccountRef: trade.Key(account), ShipToRef: trade.Key("01"), BillToRef: trade.Key("01"), Holds: []trade.OrderHold{},
		Totals: &trade.Totals{Subtotal: eur, Discount: eur, Total: eur}, PlacedAt: time.Now(), Provenance: from(number, version),
	}
	for _, l := range lines {
		o.LinesKnown = append(o.LinesKnown, trade.OrderLine{
			LineNumber: l, Description: "line " + l, Ordered: qty(2), Confirmed: qty(2), Allocated: qty(2), Backordered: qty(0), Shipped: qty(0), Delivered: qty(0),
			Invoiced: qty(0), Cancelled: qty(0), Returned: qty(0), UnitPrice: &trade.UnitPrice{Price: eur, Per: qty(1)}, Amount: &eur,
			ScheduleKnown: []trade.ScheduleLine{{Quantity: qty(2)}},
		})
	}
	o.Derive()
	return o
}

func save[T any](t *testing.T, s *store.Store, save func(context.Context, *store.Tx, []T) ([]operating.RejectedRecord, error), records ...T) []operating.RejectedRecord {
	t.Helper()
	var rejected []operating.RejectedRecord
	err := s.InTx(t.Context(), func(tx *store.Tx) (err error) {
		rejected, err = save(t.Context(), tx, records)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rejected
}

func TestAnOlderVersionNeverReplacesANewerOne(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "new", 5))
	save(t, s, s.SaveAccounts, account("1", "old", 4))
	found, err := s.AccountsByNumber(t.Context(), everything, []string{"1"})
	if err != nil || found["1"].Name != "new" {
		t.Fatalf("got %+v, %v; want the newer name", found["1"], err)
	}
	id := found["1"].ID
	save(t, s, s.SaveAccounts, account("1", "newest", 6))
	found, _ = s.AccountsByNumber(t.Context(), everything, []string{"1"})
	if found["1"].Name != "newest" || found["1"].ID != id {
		t.Errorf("got %s with id %s, want newest with %s", found["1"].Name, found["1"].ID, id)
	}
	// Of two versions in one batch the newer counts, in either order.
	save(t, s, s.SaveAccounts, account("1", "b", 8), account("1", "a", 7))
	if found, _ = s.AccountsByNumber(t.Context(), everything, []string{"1"}); found["1"].Name != "b" {
		t.Errorf("got %s, want b", found["1"].Name)
	}
	// What begins anew replaces what was, whatever its version.
	if err := s.BeginAnew(t.Context(), "erp"); err != nil {
		t.Fatal(err)
	}
	save(t, s, s.SaveAccounts, account("1", "again", 1))
	if found, _ = s.AccountsByNumber(t.Context(), everything, []string{"1"}); found["1"].Name != "again" || found["1"].ID != id {
		t.Errorf("got %s with id %s, want again with %s", found["1"].Name, found["1"].ID, id)
	}
}

func lines(t *testing.T, s *store.Store, scope trade.Scope, order string) map[string]string {
	t.Helper()
	pages, err := store.OrderLineList(scope).Page(t.Context(), s, []string{order}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, l := range pages[order].Nodes {
		ids[l.LineNumber] = l.ID
	}
	return ids
}

func TestAnOrdersLinesAreThoseOfItsNewestVersionAndKeepTheirIds(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	save(t, s, s.SaveOrders, order("100", "1", 1, "10", "20", "30"))
	found, _ := s.OrdersByNumber(t.Context(), everything, []string{"100"})
	before := lines(t, s, everything, found["100"].ID)
	save(t, s, s.SaveOrders, order("100", "1", 2, "10", "30", "40"))
	after := lines(t, s, everything, found["100"].ID)
	if len(after) != 3 || after["10"] != before["10"] || after["30"] != before["30"] || after["20"] != "" || after["40"] == "" {
		t.Errorf("lines were %v and are %v", before, after)
	}
	save(t, s, s.SaveOrders, order("100", "1", 1, "10")) // late, and without effect
	if again := lines(t, s, everything, found["100"].ID); len(again) != 3 {
		t.Errorf("an older version left the lines %v", again)
	}
}

func TestARecordThatNamesSomethingUnknownIsToldAndNotLost(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	rejected := save(t, s, s.SaveOrders, order("100", "1", 1, "10"), order("101", "no-such-account", 1, "10"))
	if len(rejected) != 1 || *rejected[0].SourceRef != "101" {
		t.Fatalf("rejected %+v, want 101", rejected)
	}
	if found, _ := s.OrdersByNumber(t.Context(), everything, []string{"100", "101"}); found["100"] == nil || found["101"] != nil {
		t.Errorf("found %v", found)
	}
	// A version that is merely older is no record set aside.
	save(t, s, s.SaveOrders, order("100", "1", 9, "10"))
	if rejected := save(t, s, s.SaveOrders, order("100", "1", 2, "10")); len(rejected) != 0 {
		t.Errorf("an older version was set aside: %+v", rejected)
	}
}

func TestAParentMayComeAfterItsBranches(t *testing.T) {
	s := storetest.New(t)
	branch := account("2", "branch", 1)
	branch.ParentRef = trade.Key("1")
	save(t, s, s.SaveAccounts, branch)
	save(t, s, s.SaveAccounts, account("1", "company", 1))
	tree, err := s.AccountTree(t.Context(), []string{"1"})
	if err != nil || len(tree) != 2 {
		t.Errorf("the company's tree is %v, %v; want it and its branch", tree, err)
	}
	branch.ParentRef, branch.Provenance.Sequence = trade.Ref{}, 2
	save(t, s, s.SaveAccounts, branch)
	if tree, _ := s.AccountTree(t.Context(), []string{"1"}); len(tree) != 1 {
		t.Errorf("after the branch left, the tree is %v", tree)
	}
}

func TestAnInvoiceOfAnOrderThatIsNotKnownYetIsKeptAndTold(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	eur := trade.Money{Amount: udecimal.MustFromInt64(5, 0), Currency: "EUR"}
	inv := trade.Invoice{
		Number: "R1", Kind: trade.PlainInvoice, AccountRef: trade.Key("1"), IssuedOn: trade.DateOf(time.Now()), Status: trade.InvoiceIssued, Balance: eur,
		Totals: trade.Totals{Subtotal: eur, Discount: trade.Money{Currency: "EUR"}, Total: eur}, Provenance: from("R1", 1),
		LinesKnown: []trade.InvoiceLine{{LineNumber: "10", Description: "x", Quantity: trade.Quantity{Value: udecimal.MustFromInt64(1, 0), Unit: "EA"}, Amount: eur, OrderKey: "100", OrderLineNumber: "10"}},
	}
	if told := save(t, s, s.SaveInvoices, inv); len(told) != 1 || *told[0].SourceRef != "R1" {
		t.Errorf("told %+v, want R1 as not linked", told)
	}
	save(t, s, s.SaveOrders, order("100", "1", 1, "10"))
	if told := save(t, s, s.SaveInvoices, inv); len(told) != 0 {
		t.Errorf("told %+v though its order is known", told)
	}
	found, _ := s.InvoicesByNumber(t.Context(), everything, []string{"R1"})
	orders, err := s.OrdersInInvoices(t.Context(), everything, []string{found["R1"].ID})
	if err != nil || len(orders[found["R1"].ID]) != 1 {
		t.Errorf("the invoice covers %v, %v", orders, err)
	}
}

func TestTheDatabaseRefusesWhatBreaksARule(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	o := order("100", "1", 1, "10")
	o.LinesKnown[0].Shipped.Value = udecimal.MustFromInt64(50, 0)
	err := s.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := s.SaveOrders(t.Context(), tx, []trade.Order{o})
		return err
	})
	if reason, ok := store.Refused(err); !ok || !strings.Contains(reason, "order_lines") {
		t.Errorf("more shipped than ordered: %v, want it refused by a rule of order_lines", err)
	}
	if found, _ := s.OrdersByNumber(t.Context(), everything, []string{"100"}); found["100"] != nil {
		t.Error("half of the order is in the store")
	}
}

func TestAScopeSeesItsOwnAndNobodyElses(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1), account("2", "b", 1))
	save(t, s, s.SaveOrders, order("100", "1", 1, "10"), order("200", "2", 1, "10"))
	accounts, _ := s.AccountsByNumber(t.Context(), everything, []string{"1", "2"})
	orders, _ := s.OrdersByNumber(t.Context(), everything, []string{"100", "200"})
	one := trade.CustomerScope([]trade.Ref{{ID: accounts["1"].ID, Key: "1"}}, nil)
	for name, scope := range map[string]trade.Scope{"nobody": {}, "guest": trade.GuestScope(nil), "supplier": trade.SupplierScope("ptn_1", nil), "no accounts": trade.CustomerScope(nil, nil)} {
		if found, err := s.Orders(t.Context(), scope, []string{orders["100"].ID, orders["200"].ID}); err != nil || len(found) > 0 {
			t.Errorf("%s sees %v, %v", name, found, err)
		}
	}
	found, err := s.Orders(t.Context(), one, []string{orders["100"].ID, orders["200"].ID})
	if err != nil || len(found) != 1 || found[orders["100"].ID] == nil {
		t.Errorf("customer 1 sees %v, %v", found, err)
	}
	if got := lines(t, s, one, orders["200"].ID); len(got) > 0 {
		t.Errorf("customer 1 sees the lines of another: %v", got)
	}
	counts, err := store.OrderList(one, store.OrderFilter{}, trade.OrdersNewest, false).Count(t.Context(), s, []string{""})
	if err != nil || counts[""].Value != 1 {
		t.Errorf("customer 1 counts %v, %v", counts, err)
	}
}

func TestACursorIsOfOneListAndOneOrder(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	save(t, s, s.SaveOrders, order("100", "1", 1, "10"), order("101", "1", 1, "10"))
	list := func(by trade.OrderSort) *store.List[trade.Order] {
		return store.OrderList(everything, store.OrderFilter{}, by, false)
	}
	page, err := list(trade.OrdersByNumber).Page(t.Context(), s, []string{""}, store.PageArgs{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	cursor := *page[""].PageInfo.EndCursor
	next, err := list(trade.OrdersByNumber).Page(t.Context(), s, []string{""}, store.PageArgs{First: 1, After: cursor})
	if err != nil || *next[""].Nodes[0].Number != "101" || next[""].PageInfo.HasNextPage || !next[""].PageInfo.HasPreviousPage {
		t.Errorf("the next page is %+v, %v", next[""], err)
	}
	for name, l := range map[string]*store.List[trade.Order]{"another order": list(trade.OrdersNewest)} {
		if _, err := l.Page(t.Context(), s, []string{""}, store.PageArgs{First: 1, After: cursor}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("%s took the cursor: %v", name, err)
		}
	}
	if _, err := store.AccountList(everything, store.AccountFilter{}).Page(t.Context(), s, []string{""}, store.PageArgs{First: 1, After: cursor}); !errors.Is(err, store.ErrCursor) {
		t.Errorf("another list took the cursor: %v", err)
	}
	// The keys of operations and of orders, newest first, are of the same types.
	newest, err := list(trade.OrdersNewest).Page(t.Context(), s, []string{""}, store.PageArgs{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.OperationList(everything, store.OperationFilter{}).Page(t.Context(), s, []string{""}, store.PageArgs{First: 1, After: *newest[""].PageInfo.EndCursor}); !errors.Is(err, store.ErrCursor) {
		t.Errorf("a list with keys of the same types took the cursor: %v", err)
	}
}

func TestACountThatStoppedSaysSo(t *testing.T) {
	s, db := storetest.Pair(t)
	count := func(want trade.TotalCount) {
		t.Helper()
		got, err := store.RejectedList(everything).Count(t.Context(), s, []string{"erp"})
		if err != nil || got["erp"] != want {
			t.Errorf("counted %+v, %v; want %+v", got["erp"], err, want)
		}
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO rejected_records (instance, kind, source_ref, reason) SELECT 'erp', 'order', n::text, 'r' FROM generate_series(1, 10000) n`); err != nil {
		t.Fatal(err)
	}
	count(trade.TotalCount{Value: 10_000, Exact: true})
	if _, err := db.ExecContext(t.Context(), `INSERT INTO rejected_records (instance, kind, source_ref, reason) VALUES ('erp', 'order', 'one more', 'r')`); err != nil {
		t.Fatal(err)
	}
	count(trade.TotalCount{Value: 10_000})
}

func TestAListIsTheSameOnlyWithTheSameFilterAndPage(t *testing.T) {
	list := func(f store.ItemFilter, page store.PageArgs) string {
		return store.ItemList(everything, f, trade.ItemsByRelevance).Signature(page)
	}
	seen := map[string]string{}
	for name, sig := range map[string]string{
		"one brand of two words": list(store.ItemFilter{Brands: []string{"a b", "c"}}, store.PageArgs{First: 1}),
		"the same words, parted": list(store.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 1}),
		"a quote":                list(store.ItemFilter{Brands: []string{`a","b c`}}, store.PageArgs{First: 1}),
		"another page":           list(store.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 11}),
		"from the end":           list(store.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{Last: 1}),
		"after":                  list(store.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 1, After: "x"}),
		"before":                 list(store.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 1, Before: "x"}),
		"another filter":         list(store.ItemFilter{Categories: []string{"a", "b c"}}, store.PageArgs{First: 1}),
	} {
		if other, ok := seen[sig]; ok {
			t.Errorf("%s is the same list as %s", name, other)
		}
		seen[sig] = name
	}
	if a, b := list(store.ItemFilter{Search: "x"}, store.PageArgs{First: 1}), list(store.ItemFilter{Search: "x"}, store.PageArgs{First: 1}); a != b {
		t.Errorf("one list has two signatures: %s, %s", a, b)
	}
}

func TestKeysAreReadAsTheyAreWritten(t *testing.T) {
	s := storetest.New(t)
	odd := []string{`a"b`, `a\b`, "a,b", "a}b", `"`, `\`, "NULL", "a b", "ü"}
	for _, number := range odd {
		save(t, s, s.SaveAccounts, account(number, "x", 1))
	}
	found, err := s.AccountsByNumber(t.Context(), everything, append([]string{"", "a\x00", "\xff"}, odd...))
	if err != nil || len(found) != len(odd) {
		t.Errorf("found %d of %d, %v", len(found), len(odd), err)
	}
	for number, a := range found {
		if a.Number != number {
			t.Errorf("%q found %q", number, a.Number)
		}
	}
}

func TestPointsAreSharedAndComeBackWithTime(t *testing.T) {
	s := storetest.New(t)
	lease := func(need, want int64) int64 {
		t.Helper()
		taken, wait, err := s.Lease(t.Context(), "client", need, want, 1000, 500)
		if err != nil || (taken == 0) != (wait > 0) {
			t.Fatalf("took %d, wait %v, %v", taken, wait, err)
		}
		return taken
	}
	if a, b := lease(100, 300), lease(100, 300); a != 300 || b < 200 || b > 300 {
		t.Errorf("took %d and %d of 500", a, b)
	}
	if n := lease(400, 400); n != 0 {
		t.Errorf("took %d of an empty bucket", n)
	}
	if taken, _, err := s.Lease(t.Context(), "another", 500, 500, 1000, 500); err != nil || taken != 500 {
		t.Errorf("another client took %d, %v", taken, err)
	}
	at := time.Now()
	for lease(400, 400) == 0 {
		if time.Since(at) > 5*time.Second {
			t.Fatal("points do not come back")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(at); took < 200*time.Millisecond {
		t.Errorf("400 points came back in %v, at 1000 a second", took)
	}
	// Of many at once, nobody gets what another has.
	var total atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			taken, _, err := s.Lease(t.Context(), "crowd", 10, 50, 0, 200)
			if err != nil {
				t.Error(err)
			}
			total.Add(taken)
		})
	}
	all.Wait()
	if total.Load() != 200 {
		t.Errorf("16 at once took %d of 200", total.Load())
	}
}

func FuzzCursors(f *testing.F) {
	f.Add("eyJsIjoib3JkZXJzIE5VTUJFUl9BU0MiLCJrIjpbIjEiLCIyIl19")
	f.Add("")
	f.Add("eyJsIjoiIn0")
	s := storetest.New(f)
	f.Fuzz(func(t *testing.T, cursor string) {
		_, err := store.OrderList(everything, store.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), s, []string{""}, store.PageArgs{First: 1, After: cursor})
		if err != nil && !errors.Is(err, store.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	})
}

func TestAgeIsSinceTheFeedWasLastFollowedToItsEnd(t *testing.T) {
	s := storetest.New(t)
	a := account("1", "a", 1)
	long := time.Now().Add(-time.Hour)
	a.Provenance.AsOf = &long
	save(t, s, s.SaveAccounts, a)
	found, _ := s.AccountsByNumber(t.Context(), everything, []string{"1"})
	if p := found["1"].Provenance; p.Age < time.Hour || !p.Stale || p.Mode != trade.ODS {
		t.Errorf("before its feed was followed: %+v, want an hour old and stale", p)
	}
	if err := s.Confirm(t.Context(), "erp", "1", "7", time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		found, _ = s.AccountsByNumber(t.Context(), everything, []string{"1"})
		if p := found["1"].Provenance; p.Age < 10*time.Second && !p.Stale {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after its feed was followed: %+v", found["1"].Provenance)
		}
	}
}

// FuzzIDs looks for ids and numbers that break a read, or that find anything but
// what has them: keys of a batch go into the statement as one array.
func FuzzIDs(f *testing.F) {
	for _, seed := range []string{"", "ord_1", `a"b`, `a\b`, "a,b", "{a}", "NULL", "\x00", "\xff", "ord_\u202e1", `","`, "'; DROP TABLE orders; --"} {
		f.Add(seed)
	}
	s := storetest.New(f)
	known := account("1", "a", 1)
	if err := s.InTx(f.Context(), func(tx *store.Tx) error {
		_, err := s.SaveAccounts(f.Context(), tx, []trade.Account{known})
		return err
	}); err != nil {
		f.Fatal(err)
	}
	byNumber, err := s.AccountsByNumber(f.Context(), everything, []string{"1"})
	if err != nil || len(byNumber) != 1 {
		f.Fatal(byNumber, err)
	}
	id := byNumber["1"].ID
	f.Fuzz(func(t *testing.T, key string) {
		for name, read := range map[string]func() (map[string]*trade.Account, error){
			id: func() (map[string]*trade.Account, error) {
				return s.Accounts(t.Context(), everything, []string{key, id, key})
			},
			"1": func() (map[string]*trade.Account, error) {
				return s.AccountsByNumber(t.Context(), everything, []string{key, "1"})
			},
		} {
			if found, err := read(); err != nil || len(found) != 1 || found[name] == nil {
				t.Errorf("with %q: %v, %v", key, found, err)
			}
		}
		if lines, err := s.PackageLines(t.Context(), everything, []string{key, store.PackageKey(key, 1)}); err != nil || len(lines) > 0 {
			t.Errorf("with %q: %v, %v", key, lines, err)
		}
	})
}
