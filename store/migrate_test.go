package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"portico/migrations"
	"portico/store/storetest"
)

// TestAMigrationWaitsForATableInUseAndIsTriedAgain holds a table for longer than the last migration waits for it at a time.
//
// Cases: H18
func TestAMigrationWaitsForATableInUseAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	st, db := storetest.Pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(ctx, 28); err != nil { // to before the constraints of stock were dropped
		t.Fatal(err)
	}
	reading, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reading.Rollback() }()
	if _, err := reading.ExecContext(ctx, `SELECT FROM stock LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- st.Migrate(ctx) }()
	select {
	case err := <-migrated:
		t.Fatalf("it ended while the table was in use: %v", err)
	case <-time.After(7 * time.Second): // the migration waits 5 s at a time
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	if version, err := provider.GetDBVersion(ctx); err != nil || version < 29 {
		t.Errorf("the tables are at version %d, %v", version, err)
	}
}

// TestAMigrationAndWorkThatWaitForEachOtherBothEnd has a transaction of the release before read a table that a migration comes to last,
// and then one that it has changed already.
//
// Cases: H18
func TestAMigrationAndWorkThatWaitForEachOtherBothEnd(t *testing.T) {
	t.Parallel()
	st, db := storetest.Pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(ctx, 30); err != nil { // the next one changes thirteen tables, warehouses first
		t.Fatal(err)
	}
	work, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = work.Rollback() }()
	exec := func(query string) {
		t.Helper()
		if _, err := work.ExecContext(ctx, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec(`SET LOCAL deadlock_timeout = '1min'`) // so that the migration finds out, and ends
	exec(`SET LOCAL lock_timeout = '1min'`)
	exec(`SELECT FROM returns LIMIT 1`)
	migrated := make(chan error, 1)
	go func() { migrated <- st.Migrate(ctx) }()
	for waits := 0; waits == 0; {
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE d.datname = current_database() AND NOT l.granted AND l.relation = 'returns'::regclass`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	exec(`SELECT FROM warehouses LIMIT 1`)
	if err := work.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	if version, err := provider.GetDBVersion(ctx); err != nil || version < 31 {
		t.Errorf("the tables are at version %d, %v", version, err)
	}
}
