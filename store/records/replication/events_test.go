package replication_test

import (
	"testing"
	"time"

	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

// TestAnEventIsItsSourcesToReread has two sources report one event of a shipment, and each give it another meaning.
func TestAnEventIsItsSourcesToReread(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	storetest.Save(t, s, replication.SaveShipments, trade.Shipment{
		Number: "1", Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: "A1", Status: trade.ShipmentUnknown, Mode: "PARCEL",
		Provenance: storetest.From("1", 1),
	})
	var shipment string
	if err := s.Get(t.Context(), &shipment, `SELECT id FROM shipments`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		instance  string
		milestone trade.Milestone
		news      bool
		want      trade.Milestone
	}{
		{"one", "DEPARTED", true, "DEPARTED"},
		{"one", "DEPARTED", false, "DEPARTED"},
		{"another", "DELIVERED", false, "DEPARTED"},
		{"one", "ARRIVED", true, "ARRIVED"},
	} {
		var changed []string
		err := s.InTx(t.Context(), func(tx *store.Tx) (err error) {
			changed, err = replication.SaveShipmentEvents(t.Context(), tx, []replication.ReportedEvent{{
				Shipment: shipment, Instance: c.instance,
				Event: trade.ShipmentEvent{
					Key: "e1", Milestone: c.milestone, Classifier: trade.Actual, Status: trade.InTransit,
					OccurredAt: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Raw: trade.RawCode{Code: "X"},
				},
			}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var is []trade.Milestone
		if err := s.Select(t.Context(), &is, `SELECT milestone FROM shipment_events`); err != nil || len(is) != 1 || is[0] != c.want ||
			(len(changed) == 1) != c.news {
			t.Errorf("after %s says %s it is %v, changed are %v; %v", c.instance, c.milestone, is, changed, err)
		}
	}
}
