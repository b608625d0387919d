package replication_test

import (
	"testing"
	"time"

	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// TestNewsOfAShipmentThatIsNotKnownWaits has it told again once it is, and filed once.
func TestNewsOfAShipmentThatIsNotKnownWaits(t *testing.T) {
	s, db := storetest.Pair(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	news := tracking("A1", "e1", trade.MilestonePickedUp, trade.PickedUp, time.Now())
	if loose := file(t, s, news); len(loose) != 1 {
		t.Fatalf("%d are to be told again, want the one that nobody filed", len(loose))
	}
	storetest.Save(t, s, replication.SaveShipments,
		trade.Shipment{
			Number: "1", Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: "A1", Status: trade.ShipmentUnknown,
			Mode: "PARCEL", Provenance: storetest.From("1", 1),
		})
	for range 2 {
		if loose := file(t, s, news); len(loose) != 0 {
			t.Errorf("told again: %+v", loose)
		}
	}
	var events int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM shipment_events`).Scan(&events); err != nil || events != 1 {
		t.Errorf("%d events, %v", events, err)
	}
}

func tracking(number, key string, milestone trade.Milestone, status trade.ShipmentStatus, at time.Time) trade.Tracking {
	return trade.Tracking{
		TrackingNumber: number, Provenance: storetest.From(number, 1),
		Events: []trade.ShipmentEvent{{
			Key: key, Milestone: milestone, Classifier: trade.Actual, Status: status, OccurredAt: at,
			OffsetKnown: true,
		}},
	}
}

func file(t *testing.T, s *store.Store, news ...trade.Tracking) (loose []operating.RejectedRecord) {
	t.Helper()
	if err := s.InTx(t.Context(), func(tx *store.Tx) (err error) {
		loose, err = replication.SaveTracking(t.Context(), tx, news)
		return err
	}); err != nil {
		t.Error(err)
	}
	return loose
}

// TestNewsToldByTwoAtOnceCountsTogether has a transaction file an event and stay open while
// another one files the next: the state follows from both.
func TestNewsToldByTwoAtOnceCountsTogether(t *testing.T) {
	s, db := storetest.Pair(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	storetest.Save(t, s, replication.SaveShipments,
		trade.Shipment{
			Number: "1", Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: "A1", Status: trade.ShipmentUnknown,
			Mode: "PARCEL", Provenance: storetest.From("1", 1),
		})
	now := time.Now()
	filed, other := make(chan bool), make(chan bool)
	go func() {
		defer close(other)
		<-filed
		file(t, s, tracking("A1", "e1", trade.MilestonePickedUp, trade.PickedUp, now))
	}()
	if err := s.InTx(t.Context(), func(tx *store.Tx) error {
		if _, err := replication.SaveTracking(t.Context(), tx,
			[]trade.Tracking{tracking("A1", "e2", trade.MilestoneDelivered, trade.Delivered, now.Add(time.Hour))}); err != nil {
			return err
		}
		close(filed)
		for waiting := false; !waiting; { // the other one waits for this one to end
			if err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)`).Scan(&waiting); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	<-other
	var status string
	if err := db.QueryRowContext(t.Context(), `SELECT status FROM shipments`).Scan(&status); err != nil || status != "DELIVERED" {
		t.Errorf("it is %s, %v", status, err)
	}
}
