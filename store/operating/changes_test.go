package operating_test

import (
	"slices"
	"testing"
	"time"

	operatingstore "portico/store/operating"
	"portico/store/storetest"
	"portico/trade"
)

// TestWhatCommitsLateIsReadInItsPlace has a transaction take its numbers before another one
// and commit after it. A reader that remembers the last number it saw would miss it.
func TestWhatCommitsLateIsReadInItsPlace(t *testing.T) {
	s, db := storetest.Pair(t)
	from, err := operatingstore.LogEnd(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	const write = `INSERT INTO changes (topic, subject, account_id) VALUES ('SHIPMENT', $1, 'acc_1')`
	slow, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.ExecContext(t.Context(), write, "slow"); err != nil {
		t.Fatal(err)
	}
	quick, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quick.ExecContext(t.Context(), write, "quick"); err != nil {
		t.Fatal(err)
	}
	if err := quick.Commit(); err != nil {
		t.Fatal(err)
	}
	read := func(from trade.Place) (subjects []string, last trade.Place) {
		t.Helper()
		changes, err := operatingstore.Changes(t.Context(), s, from, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			subjects, last = append(subjects, c.SubjectID), c.Place
		}
		return subjects, last
	}
	if got, _ := read(from); got != nil {
		t.Errorf("%v is read while an older transaction runs", got)
	}
	if waits, err := operatingstore.LogWaits(t.Context(), s, from); err != nil || !waits {
		t.Errorf("nothing waits: %v", err)
	}
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	got, last := read(from)
	if !slices.Equal(got, []string{"slow", "quick"}) {
		t.Errorf("got %v", got)
	}
	if waits, err := operatingstore.LogWaits(t.Context(), s, last); err != nil || waits {
		t.Errorf("something waits: %v", err)
	}
	// Whose they are counts.
	for name, tt := range map[string]struct {
		scope trade.Scope
		want  int
	}{
		"theirs":       {trade.CustomerScope([]trade.Ref{{ID: "acc_1"}}, nil), 2},
		"another's":    {trade.CustomerScope([]trade.Ref{{ID: "acc_2"}}, nil), 0},
		"a supplier's": {trade.SupplierScope("ptn_1", nil), 0}, "operators'": {trade.OperatorScope(nil), 2}, "nobody's": {trade.Scope{}, 0},
	} {
		if changes, err := operatingstore.ChangesOf(t.Context(), s, tt.scope, trade.OfShipments, from, last, 10); err != nil ||
			len(changes) != tt.want {
			t.Errorf("%s: %d changes, %v", name, len(changes), err)
		}
	}
	if changes, err := operatingstore.ChangesOf(t.Context(), s, trade.OperatorScope(nil), trade.OfOperations, from, last, 10); err != nil ||
		len(changes) > 0 {
		t.Errorf("of another topic: %v, %v", changes, err)
	}
	// What is removed is remembered as missing.
	if n, err := operatingstore.RemoveChanges(t.Context(), s, time.Now().Add(-time.Hour), 10); err != nil || n != 0 {
		t.Errorf("removed %d, %v", n, err)
	}
	if n, err := operatingstore.RemoveChanges(t.Context(), s, time.Now().Add(time.Hour), 1); err != nil || n != 1 {
		t.Errorf("removed %d, %v", n, err)
	}
	start, err := operatingstore.LogStart(t.Context(), s)
	if err != nil || !from.Before(start) || !start.Before(last) {
		t.Errorf("kept from %v, %v; it was %v to %v", start, err, from, last)
	}
	if got, _ := read(from); !slices.Equal(got, []string{"quick"}) {
		t.Errorf("got %v", got)
	}
}

func TestALogOfAnotherClusterIsBegunAnew(t *testing.T) {
	s, db := storetest.Pair(t)
	if _, err := db.ExecContext(t.Context(),
		`INSERT INTO changes (topic, subject, xid) VALUES ('SHIPMENT', 'foreign', (pg_current_xact_id()::text::bigint + 1000000)::text::xid8),
			('SHIPMENT', 'own', pg_current_xact_id())`); err != nil {
		t.Fatal(err)
	}
	if err := operatingstore.RestartLog(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	changes, err := operatingstore.Changes(t.Context(), s, trade.Place{}, 10)
	if err != nil || len(changes) != 1 || changes[0].SubjectID != "own" {
		t.Errorf("got %v, %v", changes, err)
	}
}
