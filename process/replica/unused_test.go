package replica

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// unusedOf are the fields listed below a source, by path.
func unusedOf(t *testing.T, st *store.Store, scope trade.Scope, source string) map[string]*operating.UnusedField {
	t.Helper()
	pages, err := operatingstore.UnusedFieldList(scope).Page(t.Context(), st, []string{source}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*operating.UnusedField{}
	for _, f := range pages[source].Nodes {
		found[f.Path] = f
	}
	return found
}

// TestAFieldThatNothingUsesIsListedUntilNoRecordHasIt notes fields over two months.
func TestAFieldThatNothingUsesIsListedUntilNoRecordHasIt(t *testing.T) {
	st := storetest.New(t)
	var u unusedFields
	orders := recordsOf{"erp", sources.OfOrders}
	begun := time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC)
	note := func(of recordsOf, after time.Duration, fields map[string]string) {
		t.Helper()
		if err := u.note(t.Context(), st, of, fields, begun.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	note(orders, 0, map[string]string{"lot": "1", "lines.#.bin": "2"})
	note(orders, time.Minute, map[string]string{"lot": "3"})                  // within the hour
	note(recordsOf{"wms", sources.OfStock}, 0, map[string]string{"lot": "4"}) // of another source
	note(orders, 0, nil)
	now := unusedOf(t, st, storetest.Everything, "erp")
	if len(now) != 2 || now["lot"].SourceRef != "1" || now["lot"].Kind != "orders" || !now["lot"].LastSeenAt.Equal(begun) ||
		now["lines.#.bin"].SourceRef != "2" {
		t.Errorf("listed are %+v", now)
	}
	if seen := unusedOf(t, st, trade.Scope{}, "erp"); len(seen) != 0 {
		t.Errorf("whoever is nobody sees %v", seen)
	}

	note(orders, 2*time.Hour, map[string]string{"lot": "5"})
	if now = unusedOf(t, st, storetest.Everything, "erp"); !now["lot"].FirstSeenAt.Equal(begun) ||
		!now["lot"].LastSeenAt.Equal(begun.Add(2*time.Hour)) || now["lot"].SourceRef != "5" {
		t.Errorf("two hours later it is %+v", now["lot"])
	}
	note(orders, 31*24*time.Hour, map[string]string{"lot": "6"})
	if now = unusedOf(t, st, storetest.Everything, "erp"); len(now) != 1 || now["lot"].SourceRef != "6" {
		t.Errorf("a month later listed are %+v", now)
	}
	if other := unusedOf(t, st, storetest.Everything, "wms"); len(other) != 1 {
		t.Errorf("of another source are listed %v", other)
	}
}

// TestNoNameOfAFieldStopsItsRecords notes fields with names and references that no text of the database may have.
func TestNoNameOfAFieldStopsItsRecords(t *testing.T) {
	st := storetest.New(t)
	var u unusedFields
	fields := map[string]string{
		"a\x00b": "1", "a\xffb": "2", "a.\"b\\": "3", "": "4", "\u202eb": "5", "c": "\x00", "d": strings.Repeat("long ", 1<<20), "e'; --": "7",
		"{}": "8", strings.Repeat("é", 100): "9",
	}
	if err := u.note(t.Context(), st, recordsOf{"erp", sources.OfOrders}, fields, time.Now()); err != nil {
		t.Fatal(err)
	}
	listed := unusedOf(t, st, storetest.Everything, "erp")
	two := listed["a\uFFFDb"] // names that are one by now
	if two == nil || listed["c"].SourceRef != "\uFFFD" || listed["e'; --"] == nil || len(listed) != len(fields)-1 {
		t.Errorf("%d are listed: %v", len(listed), slices.Collect(maps.Keys(listed)))
	}
}

// TestOfASourceThatMakesUpFieldsNotAllAreListed has each page bring fields of new names.
func TestOfASourceThatMakesUpFieldsNotAllAreListed(t *testing.T) {
	st := storetest.New(t)
	var u unusedFields
	for page := range 10 {
		var answer sources.Page[trade.Order]
		for n := range 150 {
			answer.Leave(fmt.Sprintf("made.up.%d.%d", page, n), "1")
		}
		if err := u.note(t.Context(), st, recordsOf{"erp", sources.OfOrders}, answer.Unused, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := st.Get(t.Context(), &n, `SELECT count(*) FROM unused_fields`); err != nil || n != mostUnused {
		t.Errorf("%d are listed, want %d; %v", n, mostUnused, err)
	}
}
