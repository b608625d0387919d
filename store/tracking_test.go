package store_test

import (
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"portico/store/storetest"
	"portico/trade"
)

// TestNewsOfAShipmentThatIsSavedMeanwhileWaits lets a shipment be saved while its carrier's
// news is being filed, too late to be found: the news is to be told again, not taken for filed.
func TestNewsOfAShipmentThatIsSavedMeanwhileWaits(t *testing.T) {
	s, db := storetest.Pair(t)
	const lock = 4711
	for _, query := range []string{
		`CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$`,
		`CREATE TRIGGER stop BEFORE INSERT ON shipment_events FOR EACH STATEMENT EXECUTE FUNCTION stop()`, // what the statement sees is settled by then
	} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	news := trade.Tracking{TrackingNumber: "A1", Provenance: from("A1", 1), Events: []trade.ShipmentEvent{{
		Key: "e1", Milestone: trade.MilestonePickedUp, Classifier: trade.Actual, Status: trade.PickedUp, OccurredAt: time.Now(), OffsetKnown: true,
	}}}
	file := func() (loose []trade.RejectedRecord) {
		t.Helper()
		if err := s.InTx(t.Context(), func(tx *sqlx.Tx) (err error) {
			loose, err = s.SaveTracking(t.Context(), tx, []trade.Tracking{news})
			return err
		}); err != nil {
			t.Error(err)
		}
		return loose
	}
	holder, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if _, err := holder.ExecContext(t.Context(), `SELECT pg_advisory_lock($1)`, lock); err != nil {
		t.Fatal(err)
	}
	filed := make(chan []trade.RejectedRecord, 1)
	go func() { filed <- file() }()
	for waiting := false; !waiting; {
		if err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted)`, lock).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	save(t, s, s.SaveShipments, trade.Shipment{Number: "1", Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: "A1", Status: trade.ShipmentUnknown, Mode: "PARCEL", Provenance: from("1", 1)})
	if _, err := holder.ExecContext(t.Context(), `SELECT pg_advisory_unlock($1)`, lock); err != nil {
		t.Fatal(err)
	}
	if loose := <-filed; len(loose) != 1 {
		t.Fatalf("%d are to be told again, want the one that nobody filed", len(loose))
	}
	if loose := file(); len(loose) != 0 {
		t.Errorf("told again: %+v", loose)
	}
	var events int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM shipment_events`).Scan(&events); err != nil || events != 1 {
		t.Errorf("%d events, %v", events, err)
	}
}
