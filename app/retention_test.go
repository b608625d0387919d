package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// TestAClockThatIsAheadRemovesNothing removes changes on a process whose clock is eight days ahead of the database's: what
// was made an hour ago stays, what was made three hours ago by that clock goes.
//
// Cases: H25
func TestAClockThatIsAheadRemovesNothing(t *testing.T) {
	_, dsn := storetest.At(t)
	db := storetest.Connect(t, dsn)
	for _, statement := range []string{
		`CREATE SCHEMA ahead`,
		`CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
			$$ SELECT pg_catalog.clock_timestamp() - interval '8 days' $$`,
		`INSERT INTO changes (topic, subject, at) SELECT 'SHIPMENT', n::text, ahead.clock_timestamp() - n * interval '1 hour' FROM
			generate_series(1, 3, 2) n`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Open(t.Context(), func() string { return dsn + " options='-c search_path=ahead,pg_catalog,public'" },
		store.Options{Limits: store.Limits{}, Keyring: &store.Keyring{Log: slog.New(slog.DiscardHandler)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	p := &server{store: st, log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	once := func(_ context.Context, st *store.Store, before time.Time, limit int) (int, error) {
		defer stop()
		return operatingstore.RemoveChanges(t.Context(), st, before, limit)
	}
	if err := p.remove("changes", 2*time.Hour, once).run(ctx); err != nil {
		t.Fatal(err)
	}
	var left string
	const changes = `SELECT coalesce(string_agg(subject, ',' ORDER BY subject), '') FROM changes`
	if err := db.QueryRowContext(t.Context(), changes).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left != "1" {
		t.Errorf("the changes of %q hours ago are left, want those of 1", left)
	}
}
