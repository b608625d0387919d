package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/store/storetest"
)

// limits are those of a session, as they are in force in it.
func limits(ctx context.Context, t *testing.T, get func(ctx context.Context, into any, query string, args ...any) error) string {
	t.Helper()
	var all [3]string
	for i, setting := range []string{"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"} {
		if err := get(ctx, &all[i], `SELECT current_setting($1)`, setting); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(all[:], " ")
}

// TestSessionsAreLimitedByTheirKindOfWork looks at the limits of requests and of loads, before and after an operator set another one.
//
// Cases: H18
func TestSessionsAreLimitedByTheirKindOfWork(t *testing.T) {
	dsn := storetest.DSN(t)
	operator := storetest.Connect(t, dsn)
	open := func() *store.Store {
		t.Helper()
		st, err := store.Open(t.Context(), func() string { return dsn }, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		if err := st.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return st
	}
	within := func(ctx context.Context, st *store.Store, want string) {
		t.Helper()
		err := st.InTx(ctx, func(tx *store.Tx) error {
			if got := limits(ctx, t, tx.Get); got != want {
				t.Errorf("limits are %s, want %s", got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	st := open() // which had a connection before there were limits
	within(t.Context(), st, "5s 1min 1min")
	within(store.Quiet(t.Context()), st, "30s 10min 1min")
	within(t.Context(), st, "5s 1min 1min")
	if got := limits(t.Context(), t, st.Get); got != "5s 1min 1min" {
		t.Errorf("outside a transaction the limits are %s", got)
	}

	var name string
	if err := operator.QueryRowContext(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	set := fmt.Sprintf(`ALTER ROLE CURRENT_USER IN DATABASE %s SET lock_timeout = '200ms'`, name)
	if _, err := operator.ExecContext(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	st = open()
	within(t.Context(), st, "200ms 1min 1min")

	// Who waits for a lock gives up, and who has it does not notice.
	holding, err := operator.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holding.Rollback() }()
	if _, err := holding.ExecContext(t.Context(), `LOCK TABLE operations`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = st.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE operations SET due_at = due_at WHERE id = 'none'`)
		return err
	})
	if e, is := errors.AsType[*pq.Error](err); !is || e.Code != "55P03" {
		t.Errorf("waiting for a lock ended with %v", err)
	}
	if err := holding.Commit(); err != nil {
		t.Errorf("who held it: %v", err)
	}
}

// TestATransactionThatIsLeftOpenIsEnded has a process stand still in a transaction that others wait for.
//
// Cases: H18
func TestATransactionThatIsLeftOpenIsEnded(t *testing.T) {
	dsn := storetest.DSN(t)
	operator := storetest.Connect(t, dsn)
	var name string
	if err := operator.QueryRowContext(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	set := fmt.Sprintf(`ALTER ROLE CURRENT_USER IN DATABASE %s SET idle_in_transaction_session_timeout = '300ms'`, name)
	if _, err := operator.ExecContext(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), func() string { return dsn }, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	err = st.InTx(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `LOCK TABLE operations`); err != nil {
			return err
		}
		return waitsAndGoesOn(t, operator)
	})
	if err == nil {
		t.Error("a transaction whose session was ended has committed")
	}
}

func waitsAndGoesOn(t *testing.T, other *sql.DB) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := other.ExecContext(ctx, `UPDATE operations SET due_at = due_at WHERE id = 'none'`)
	if err != nil {
		t.Errorf("the other one: %v", err)
	}
	return nil
}
