package store_test

import (
	"errors"
	"slices"
	"testing"

	"portico/store"
	"portico/store/storetest"
	"portico/trade"
)

// TestPagesHaveEveryRecordOnceFromEitherEnd pages through lists of sizes around that of a page.
func TestPagesHaveEveryRecordOnceFromEitherEnd(t *testing.T) {
	st := storetest.New(t)
	scope := trade.OperatorScope(nil)
	for _, most := range []int{0, 1, 4, 5, 6, 10, 11} {
		var want []int
		for n := 1; n <= most; n++ {
			want = append(want, n)
		}
		slices.SortFunc(want, store.InOrder)
		list := func() *store.List[store.Number] { return store.Numbers(scope, "numbers", most) }
		for _, backward := range []bool{false, true} {
			var got []int
			args := store.PageArgs{First: 5}
			if backward {
				args = store.PageArgs{Last: 5}
			}
			for pages := 0; ; pages++ {
				found, err := list().Page(t.Context(), st, []string{""}, args)
				if err != nil {
					t.Fatal(err)
				}
				c := found[""]
				var page []int
				for _, n := range c.Nodes {
					page = append(page, n.N)
				}
				more, began := c.PageInfo.HasNextPage, c.PageInfo.HasPreviousPage
				if backward {
					more, began = began, more
					got = append(page, got...)
				} else {
					got = append(got, page...)
				}
				if began != (pages > 0) || more != (len(got) < most) || len(page) > 5 || pages > 3 {
					t.Fatalf("of %d, backward %v: page %d is %v, more: %v", most, backward, pages+1, page, more)
				}
				if !more {
					break
				}
				if args.After = *c.PageInfo.EndCursor; backward {
					args.After, args.Before = "", *c.PageInfo.StartCursor
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("of %d, backward %v: %v, want %v", most, backward, got, want)
			}
		}
		counts, err := list().Count(t.Context(), st, []string{""})
		if err != nil || counts[""] != (trade.TotalCount{Value: most, Exact: true}) {
			t.Errorf("of %d %+v are counted, %v", most, counts[""], err)
		}
	}
}

// TestACursorOfAnotherListLeadsNowhere gives one list the cursors of others, and what is none.
func TestACursorOfAnotherListLeadsNowhere(t *testing.T) {
	st := storetest.New(t)
	scope := trade.OperatorScope(nil)
	found, err := store.Numbers(scope, "numbers", 10).Page(t.Context(), st, []string{""}, store.PageArgs{First: 3})
	if err != nil {
		t.Fatal(err)
	}
	own := *found[""].PageInfo.EndCursor
	if _, err := store.Numbers(scope, "numbers", 10).Page(t.Context(), st, []string{""}, store.PageArgs{First: 3, After: own}); err != nil {
		t.Errorf("its own: %v", err)
	}
	if _, err := store.Numbers(scope, "others", 10).Page(t.Context(), st, []string{""}, store.PageArgs{First: 3, After: own}); !errors.Is(err,
		store.ErrCursor) {
		t.Errorf("one of a list of the same shape: %v", err)
	}
	for _, bad := range []string{"x", own[1:], own + "A", "e30", "bnVsbA"} {
		for _, args := range []store.PageArgs{{First: 3, After: bad}, {Last: 3, Before: bad}} {
			if _, err := store.Numbers(scope, "numbers", 10).Page(t.Context(), st, []string{""}, args); !errors.Is(err, store.ErrCursor) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	seen, err := store.Numbers(trade.GuestScope(nil), "numbers", 10).Page(t.Context(), st, []string{""}, store.PageArgs{First: 3})
	if err != nil || len(seen[""].Nodes) != 0 {
		t.Errorf("a guest sees %v, %v", seen[""].Nodes, err)
	}
}
