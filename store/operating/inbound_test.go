package operating_test

import (
	"slices"
	"testing"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// TestADeliveryThatWaitsIsLookedAtAgainAndWokenByItsShipment has news wait for a shipment that
// is saved while it is looked for, which knows of nobody who waits, and for one that comes later.
func TestADeliveryThatWaitsIsLookedAtAgainAndWokenByItsShipment(t *testing.T) {
	s, _ := storetest.Pair(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	if known, err := operatingstore.KeepDeliveries(t.Context(), s,
		[]operatingstore.KeptDelivery{
			{Instance: "c", DeliveryID: "1", Body: []byte("{}")},
			{Instance: "c", DeliveryID: "1"},
			{Instance: "d", DeliveryID: "1"},
		}); err != nil || !slices.Equal(known, []bool{false, true, false}) {
		t.Fatalf("known: %v, %v", known, err)
	}
	due := func(then func(tx *store.Tx, due []operatingstore.KeptDelivery) error) (n int) {
		t.Helper()
		if err := s.InTx(t.Context(), func(tx *store.Tx) error {
			all, err := operatingstore.DueDeliveries(t.Context(), tx, 10)
			if n = len(all); err != nil || then == nil {
				return err
			}
			return then(tx, all)
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	shipment := trade.Shipment{
		Number: "1", Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: "A1",
		Status: trade.ShipmentUnknown, Mode: "PARCEL", Provenance: storetest.From("1", 1),
	}
	wait := func(again time.Duration) func(*store.Tx, []operatingstore.KeptDelivery) error {
		return func(tx *store.Tx, due []operatingstore.KeptDelivery) error {
			var settled []operatingstore.SettledDelivery
			for _, d := range due {
				settled = append(settled, operatingstore.SettledDelivery{
					ID: d.ID, State: operating.InboundWaiting,
					WaitsFor: []trade.Identifier{{Scheme: trade.SchemeTracking, Value: "A1"}}, RetryAfter: again,
				})
			}
			return operatingstore.SettleDeliveries(t.Context(), tx, settled)
		}
	}
	if n := due(func(tx *store.Tx, due []operatingstore.KeptDelivery) error {
		storetest.Save(t, s, replication.SaveShipments, shipment) // by another transaction, while these are held
		return wait(0)(tx, due)
	}); n != 2 {
		t.Fatalf("%d are due, want two", n)
	}
	if n := due(func(tx *store.Tx, due []operatingstore.KeptDelivery) error {
		shipment.Provenance = storetest.From("1", 2)
		storetest.Save(t, s, replication.SaveShipments, shipment) // which waits for nobody who looks at them
		return wait(time.Hour)(tx, due)
	}); n != 2 {
		t.Errorf("%d of two are looked at again", n)
	}
	if n := due(nil); n != 0 {
		t.Errorf("%d are looked at before their time", n)
	}
	shipment.Provenance = storetest.From("1", 3)
	storetest.Save(t, s, replication.SaveShipments, shipment)
	if n := due(nil); n != 2 {
		t.Errorf("their shipment woke %d of two", n)
	}
}
