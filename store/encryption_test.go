package store_test

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/process/tracking"
	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

const (
	oldKey = "the old key, long enough for a key"
	newKey = "the new key, long enough for a key"
)

// deliver files that a shipment was delivered, and saves the proof of it.
func deliver(t *testing.T, s *store.Store, number string, signer trade.Restricted) {
	t.Helper()
	ctx, at := t.Context(), time.Now()
	if err := s.InTx(ctx, func(tx *store.Tx) error {
		_, err := tracking.Apply(ctx, tx, []trade.Tracking{{
			TrackingNumber: number, Provenance: trade.Provenance{Instance: "carrier"}, Events: []trade.ShipmentEvent{{
				Key: "1", Milestone: trade.MilestoneDelivered, Classifier: trade.Actual, Status: trade.Delivered, OccurredAt: at,
				SignedBy: &signer, Raw: trade.RawCode{Code: "D"},
			}},
		}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestWhoSignedIsEncryptedAndItsKeyRotates looks past the store at what lies in
// the database, while the keys change.
func TestWhoSignedIsEncryptedAndItsKeyRotates(t *testing.T) {
	var log strings.Builder
	var keys atomic.Pointer[[]string]
	inForce := func(list ...string) { keys.Store(&list) }
	s, db := storetest.With(t, store.Options{Keyring: &store.Keyring{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Keys: func() (all [][]byte) {
			for _, k := range *keys.Load() {
				all = append(all, []byte(k))
			}
			return all
		},
	}})
	inForce(oldKey)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	for _, n := range []string{"T1", "T2"} {
		storetest.Save(t, s, replication.SaveShipments,
			trade.Shipment{
				Number: n, Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: n, Status: trade.ShipmentUnknown,
				Mode: "PARCEL", Provenance: storetest.From(n, 1),
			})
	}
	deliver(t, s, "T1", "CANARY Jansen")
	deliver(t, s, "T2", "CANARY Özgür")
	stored := func() (all []string) {
		rows, err := db.QueryContext(t.Context(), `SELECT signed_by FROM shipment_events UNION ALL SELECT proof ->> 'signedBy' FROM shipments`)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		if rows.Err() != nil || len(all) != 4 {
			t.Fatalf("%d values, %v", len(all), rows.Err())
		}
		return all
	}
	shown := func() (names []string) {
		found, err := records.ShipmentsByNumber(t.Context(), s, storetest.Everything, []string{"T1", "T2"})
		if err != nil || len(found) != 2 {
			t.Fatal(found, err)
		}
		for _, n := range []string{"T1", "T2"} {
			name := "null"
			if signer := found[n].Proof.SignedBy; signer != nil {
				name = string(*signer)
			}
			names = append(names, name)
		}
		return names
	}
	reads := func(when, first, second string) {
		t.Helper()
		if got := shown(); got[0] != first || got[1] != second {
			t.Errorf("%s: %q", when, got)
		}
	}
	reseal := func(when string, want int) {
		t.Helper()
		if n, err := s.Reencrypt(t.Context(), records.EncryptedColumns...); err != nil || n != want {
			t.Errorf("%s: %d sealed anew, %v; want %d", when, n, err, want)
		}
	}
	before := stored()
	for _, text := range before {
		if strings.Contains(text, "CANARY") || !strings.HasPrefix(text, "sealed:") {
			t.Errorf("it lies there as %q", text)
		}
	}
	reads("sealed", "CANARY Jansen", "CANARY Özgür")
	reseal("with the same key", 0)

	inForce(newKey, oldKey)
	reads("with both keys", "CANARY Jansen", "CANARY Özgür")
	reseal("with a new key", 4)
	reseal("again", 0)
	inForce(newKey)
	reads("without the old key", "CANARY Jansen", "CANARY Özgür")

	inForce(oldKey)
	reads("without the key", "null", "null")
	reseal("without the key", 0)
	if !strings.Contains(log.String(), "PORTICO_DATA_KEY_FILE") {
		t.Errorf("nobody is told: %s", log.String())
	}
	inForce(oldKey, newKey)
	reads("with the key again", "CANARY Jansen", "CANARY Özgür")

	for _, damage := range []string{
		// as before columns were sealed
		`UPDATE shipments SET proof = jsonb_set(proof, '{signedBy}', '"CANARY in clear"') WHERE number = 'T1'`,
		// changed by somebody
		`UPDATE shipments SET proof = jsonb_set(proof, '{signedBy}', to_jsonb(overlay(proof ->> 'signedBy' placing '0000' from 30)))
			WHERE number = 'T2'`,
	} {
		if _, err := db.ExecContext(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
	}
	inForce(newKey)
	reads("in clear, and damaged", "CANARY in clear", "null")
	reseal("what was in clear", 1)
	reads("sealed at last", "CANARY in clear", "null")
	for _, text := range stored() {
		if strings.Contains(text, "CANARY") {
			t.Errorf("it lies there as %q", text)
		}
	}
	if strings.Contains(log.String(), "CANARY") {
		t.Error("it is logged")
	}
}

// TestADatabasesPasswordRotates changes who the database is asked as, while it
// is asked.
func TestADatabasesPasswordRotates(t *testing.T) {
	dsn := storetest.DSN(t)
	var now atomic.Pointer[string]
	now.Store(&dsn)
	s, err := store.Open(t.Context(), func() string { return *now.Load() }, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := storetest.Connect(t, dsn)
	if _, err := db.ExecContext(t.Context(), `DROP ROLE IF EXISTS rotated; CREATE ROLE rotated LOGIN SUPERUSER PASSWORD 'x'`); err != nil {
		t.Fatal(err)
	}
	anew := dsn + " user=rotated"
	now.Store(&anew)
	// What ends the connections of before, as their lifetime does.
	if _, err := db.ExecContext(t.Context(),
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	for tries := 0; s.Ping(t.Context()) != nil && tries < 10; tries++ { // the first may meet a connection that was ended
	}
	var users int
	if err := db.QueryRowContext(t.Context(),
		`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'rotated'`).Scan(&users); err != nil ||
		users == 0 {
		t.Errorf("%d connections of the new user, %v", users, err)
	}
}
