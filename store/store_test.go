package store_test

import (
	"errors"
	"testing"
	"time"

	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestACursorIsOfOneListAndOneOrder(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10"), storetest.Order("101", "1", 1, "10"))
	list := func(by trade.OrderSort) *store.List[trade.Order] {
		return records.OrderList(storetest.Everything, records.OrderFilter{}, by, false)
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
	if _, err := records.AccountList(storetest.Everything, records.AccountFilter{}).Page(t.Context(), s, []string{""},
		store.PageArgs{First: 1, After: cursor}); !errors.Is(err, store.ErrCursor) {
		t.Errorf("another list took the cursor: %v", err)
	}
	// The keys of operations and of orders, newest first, are of the same types.
	newest, err := list(trade.OrdersNewest).Page(t.Context(), s, []string{""}, store.PageArgs{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OperationList(storetest.Everything, ledger.OperationFilter{}).Page(t.Context(), s, []string{""},
		store.PageArgs{First: 1, After: *newest[""].PageInfo.EndCursor}); !errors.Is(err, store.ErrCursor) {
		t.Errorf("a list with keys of the same types took the cursor: %v", err)
	}
}

func TestACountThatStoppedSaysSo(t *testing.T) {
	s, db := storetest.Pair(t)
	count := func(want trade.TotalCount) {
		t.Helper()
		got, err := records.RejectedList(storetest.Everything).Count(t.Context(), s, []string{"erp"})
		if err != nil || got["erp"] != want {
			t.Errorf("counted %+v, %v; want %+v", got["erp"], err, want)
		}
	}
	if _, err := db.ExecContext(t.Context(),
		`INSERT INTO rejected_records (instance, kind, source_ref, reason) SELECT 'erp', 'order', n::text, 'r'
			FROM generate_series(1, 10000) n`); err != nil {
		t.Fatal(err)
	}
	count(trade.TotalCount{Value: 10_000, Exact: true})
	if _, err := db.ExecContext(t.Context(),
		`INSERT INTO rejected_records (instance, kind, source_ref, reason) VALUES ('erp', 'order', 'one more', 'r')`); err != nil {
		t.Fatal(err)
	}
	count(trade.TotalCount{Value: 10_000})
}

func TestAListIsTheSameOnlyWithTheSameFilterAndPage(t *testing.T) {
	list := func(f records.ItemFilter, page store.PageArgs) string {
		return records.ItemList(storetest.Everything, f, trade.ItemsByRelevance).Signature(page)
	}
	seen := map[string]string{}
	for name, sig := range map[string]string{
		"one brand of two words": list(records.ItemFilter{Brands: []string{"a b", "c"}}, store.PageArgs{First: 1}),
		"the same words, parted": list(records.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 1}),
		"a quote":                list(records.ItemFilter{Brands: []string{`a","b c`}}, store.PageArgs{First: 1}),
		"another page":           list(records.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 11}),
		"from the end":           list(records.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{Last: 1}),
		"after":                  list(records.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 1, After: "x"}),
		"before":                 list(records.ItemFilter{Brands: []string{"a", "b c"}}, store.PageArgs{First: 1, Before: "x"}),
		"another filter":         list(records.ItemFilter{Categories: []string{"a", "b c"}}, store.PageArgs{First: 1}),
	} {
		if other, ok := seen[sig]; ok {
			t.Errorf("%s is the same list as %s", name, other)
		}
		seen[sig] = name
	}
	if a, b := list(records.ItemFilter{Search: "x"}, store.PageArgs{First: 1}),
		list(records.ItemFilter{Search: "x"}, store.PageArgs{First: 1}); a != b {
		t.Errorf("one list has two signatures: %s, %s", a, b)
	}
}

func TestKeysAreReadAsTheyAreWritten(t *testing.T) {
	s := storetest.New(t)
	odd := []string{`a"b`, `a\b`, "a,b", "a}b", `"`, `\`, "NULL", "a b", "ü"}
	for _, number := range odd {
		storetest.Save(t, s, replication.SaveAccounts, storetest.Account(number, "x", 1))
	}
	found, err := records.AccountsByNumber(t.Context(), s, storetest.Everything, append([]string{"", "a\x00", "\xff"}, odd...))
	if err != nil || len(found) != len(odd) {
		t.Errorf("found %d of %d, %v", len(found), len(odd), err)
	}
	for number, a := range found {
		if a.Number != number {
			t.Errorf("%q found %q", number, a.Number)
		}
	}
}

func FuzzCursors(f *testing.F) {
	f.Add("eyJsIjoib3JkZXJzIE5VTUJFUl9BU0MiLCJrIjpbIjEiLCIyIl19")
	f.Add("")
	f.Add("eyJsIjoiIn0")
	s := storetest.New(f)
	f.Fuzz(func(t *testing.T, cursor string) {
		_, err := records.OrderList(storetest.Everything, records.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), s, []string{""},
			store.PageArgs{First: 1, After: cursor})
		if err != nil && !errors.Is(err, store.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	})
}

func TestAgeIsSinceTheFeedWasLastFollowedToItsEnd(t *testing.T) {
	s := storetest.New(t)
	a := storetest.Account("1", "a", 1)
	long := time.Now().Add(-time.Hour)
	a.Provenance.AsOf = &long
	storetest.Save(t, s, replication.SaveAccounts, a)
	found, _ := records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1"})
	if p := found["1"].Provenance; p.Age < time.Hour || !p.Stale || p.Mode != trade.ODS {
		t.Errorf("before its feed was followed: %+v, want an hour old and stale", p)
	}
	if err := s.Confirm(t.Context(), "erp", "1", "7", time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		found, _ = records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1"})
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
	for _, seed := range []string{
		"", "ord_1", `a"b`, `a\b`, "a,b", "{a}", "NULL", "\x00", "\xff", "ord_\u202e1", `","`,
		"'; DROP TABLE orders; --",
	} {
		f.Add(seed)
	}
	s := storetest.New(f)
	known := storetest.Account("1", "a", 1)
	if err := s.InTx(f.Context(), func(tx *store.Tx) error {
		_, err := replication.SaveAccounts(f.Context(), tx, []trade.Account{known})
		return err
	}); err != nil {
		f.Fatal(err)
	}
	byNumber, err := records.AccountsByNumber(f.Context(), s, storetest.Everything, []string{"1"})
	if err != nil || len(byNumber) != 1 {
		f.Fatal(byNumber, err)
	}
	id := byNumber["1"].ID
	f.Fuzz(func(t *testing.T, key string) {
		for name, read := range map[string]func() (map[string]*trade.Account, error){
			id: func() (map[string]*trade.Account, error) {
				return records.Accounts(t.Context(), s, storetest.Everything, []string{key, id, key})
			},
			"1": func() (map[string]*trade.Account, error) {
				return records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{key, "1"})
			},
		} {
			if found, err := read(); err != nil || len(found) != 1 || found[name] == nil {
				t.Errorf("with %q: %v, %v", key, found, err)
			}
		}
		if lines, err := records.PackageLines(t.Context(), s, storetest.Everything, []string{key, records.PackageKey(key, 1)}); err != nil ||
			len(lines) > 0 {
			t.Errorf("with %q: %v, %v", key, lines, err)
		}
	})
}
