package records_test

import (
	"testing"

	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

// TestALeadTimeIsDueFromItsDayOn announces lead times for the ends of months and for a leap day, and asks on
// the days around them.
func TestALeadTimeIsDueFromItsDayOn(t *testing.T) {
	st, _ := storetest.With(t, store.Options{})
	item := trade.Item{
		SKU: "S", Name: "S", BaseUnit: "EA", Status: trade.ItemActive, Identifiers: []trade.Identifier{}, Provenance: storetest.From("S", 1),
		SuppliersKnown: []trade.SupplierItem{{SupplierRef: trade.Key("V")}},
	}
	storetest.Save(t, st, replication.SaveItems, item)
	var id string
	if err := st.Get(t.Context(), &id, `SELECT id FROM supplier_items`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, before string }{
		{"2026-03-01", "2026-02-28"},
		{"2028-02-29", "2028-02-28"},
		{"2028-03-01", "2028-02-29"},
		{"2026-10-31", "2026-10-30"},
		{"2027-01-01", "2026-12-31"},
		{"2026-03-29", "2026-03-28"},
		{"2026-11-02", "2026-11-01"},
	} {
		from, before := day(t, c.from), day(t, c.before)
		announced := &records.LeadTimeChange{ID: "ltc_" + c.from, SupplierItemID: id, Days: 7, From: from, Principal: "p", CorrelationID: "c"}
		err := st.InTx(t.Context(), func(tx *store.Tx) error { return records.SaveLeadTime(t.Context(), tx, announced) })
		if err != nil {
			t.Fatal(err)
		}
		for today, want := range map[trade.Date]int{before: 0, from: 1, from.AddDays(1): 1, from.AddDays(400): 1} {
			if due, err := records.DueLeadTimes(t.Context(), st, today); err != nil || len(due) != want {
				t.Errorf("one that holds from %s on: %d are due on %s, want %d, %v", c.from, len(due), today, want, err)
			}
		}
	}
}

func day(t *testing.T, text string) trade.Date {
	t.Helper()
	d, err := trade.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
