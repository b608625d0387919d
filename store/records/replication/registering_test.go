package replication_test

import (
	"testing"

	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

func TestAParcelWhoseNumberChangedMeanwhileIsToldAgain(t *testing.T) {
	s, db := storetest.Pair(t)
	exec := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	for _, n := range []string{"1", "2"} {
		storetest.Save(t, s, replication.SaveShipments,
			trade.Shipment{
				Number: n, Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: "A" + n, Status: trade.ShipmentUnknown,
				Mode: "PARCEL", Provenance: storetest.From(n, 1),
			})
	}
	told, err := replication.ShipmentsToRegister(t.Context(), s, 10)
	if err != nil || len(told) != 2 {
		t.Fatalf("%+v, %v", told, err)
	}
	exec(`UPDATE shipments SET tracking_number = 'B1' WHERE number = '1'`) // while the carrier is told of A1
	if err := s.InTx(t.Context(),
		func(tx *store.Tx) error { return replication.MarkRegistered(t.Context(), tx, "carrier", told) }); err != nil {
		t.Fatal(err)
	}
	if left, err := replication.ShipmentsToRegister(t.Context(), s, 10); err != nil || len(left) != 1 || left[0].TrackingNumber != "B1" {
		t.Errorf("to be told are %+v, %v; want B1", left, err)
	}
}
