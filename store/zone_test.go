package store_test

import (
	"testing"

	"portico/store"
	"portico/store/storetest"
)

// TestADayOfTheDatabaseIsThatOfUTC asks a database whose sessions are in another zone for the day of a moment
// at which it is another one there.
func TestADayOfTheDatabaseIsThatOfUTC(t *testing.T) {
	for _, zone := range []string{"America/New_York", "Pacific/Kiritimati"} {
		dsn := storetest.DSN(t) + " timezone=" + zone
		s, err := store.Open(t.Context(), func() string { return dsn }, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		for at, want := range map[string]string{
			"2028-02-29T00:30:00Z": "2028-02-29", "2026-03-31T23:30:00Z": "2026-03-31", "2026-11-01T04:30:00Z": "2026-11-01",
		} {
			var got string
			if err := s.Get(t.Context(), &got, `SELECT ($1::timestamptz)::date::text`, at); err != nil || got != want {
				t.Errorf("with the server in %s, %s is of %s, want %s, %v", zone, at, got, want, err)
			}
		}
	}
}
