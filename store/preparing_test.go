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
