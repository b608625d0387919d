package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"portico/store"
	"portico/store/storetest"
)

// TestAStatementThatIsForgottenWaitsForNobody lets a transaction run a statement and then wait for a lock of another
// one, which meanwhile runs
// so many others that the first is not kept any more: to forget it must not wait for the transaction that waits.
func TestAStatementThatIsForgottenWaitsForNobody(t *testing.T) {
	st := storetest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	// The statement is prepared on several connections, of which the transactions below get one each.
	var all sync.WaitGroup
	together := make(chan struct{})
	var here sync.WaitGroup
	here.Add(4)
	for range 4 {
		all.Go(func() {
			err := st.InTx(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, `SELECT 'the first'`)
				here.Done()
				<-together
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	here.Wait()
	close(together)
	all.Wait()
	locked, ran := make(chan struct{}), make(chan struct{})
	waited := make(chan error, 1)
	go func() {
		waited <- st.InTx(ctx, func(tx *store.Tx) error {
			<-locked
			close(ran)
			_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(4711)`)
			return err
		})
	}()
	err := st.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(4711)`); err != nil {
			return err
		}
		close(locked)
		<-ran
		for i := range store.KeptStatements + 10 {
			if _, err := tx.Exec(ctx, fmt.Sprintf(`SELECT 'number %d'`, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("the transaction that others wait for: %v", err)
	}
	if err := <-waited; err != nil {
		t.Errorf("the one that waits: %v", err)
	}
}

// TestATransactionNeedsItsOwnConnectionAlone has every connection of a pool in a transaction, and each run a statement that nobody has
// run before.
//
// Cases: H18
func TestATransactionNeedsItsOwnConnectionAlone(t *testing.T) {
	st := storetest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all, here sync.WaitGroup
	here.Add(store.DefaultConnections)
	for i := range store.DefaultConnections {
		all.Go(func() {
			err := st.InTx(ctx, func(tx *store.Tx) error {
				here.Done()
				here.Wait() // no connection is free now
				var n int
				return tx.Get(ctx, &n, fmt.Sprintf(`SELECT %d`, i))
			})
			if err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

// TestATransactionDoesNotWaitForWhoWaitsForIt has a change of a table wait for a transaction, which then runs a statement about that
// table that nobody has run before.
//
// Cases: H18
func TestATransactionDoesNotWaitForWhoWaitsForIt(t *testing.T) {
	st, db := storetest.Pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	altered := make(chan error, 1)
	err := st.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE operations SET due_at = due_at WHERE id = 'none'`); err != nil {
			return err
		}
		go func() {
			_, err := db.ExecContext(ctx, `ALTER TABLE operations ADD COLUMN of_this_test int`)
			altered <- err
		}()
		for waits := false; !waits; {
			const query = `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'operations'::regclass)`
			if err := db.QueryRowContext(ctx, query).Scan(&waits); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE operations SET due_at = due_at WHERE id = 'another'`)
		return err
	})
	if err != nil {
		t.Errorf("the transaction: %v", err)
	}
	if err := <-altered; err != nil {
		t.Errorf("the change of the table: %v", err)
	}
}
