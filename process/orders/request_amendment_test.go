package orders_test

import (
	"testing"
	"time"

	"portico/process"
	"portico/process/orders"
	"portico/process/processtest"
	"portico/process/processtest/loaded"
	"portico/sources"
	"portico/store/storetest"
	"portico/trade"
)

// TestAnOrderThatBecomesVisibleWhileItsChangeIsMadeIsNotThereYet lets a buyer change an order that moves to the buyer's account
// after it was looked for and before it is locked.
func TestAnOrderThatBecomesVisibleWhileItsChangeIsMadeIsNotThereYet(t *testing.T) {
	w := processtest.New(t)
	st, dsn := loaded.Database.At(t)
	o := orderingOn(t, w, map[string]sources.Adapter{"erp": w.ERP(t)}, st, dsn)
	_, order := o.submit(t, "an order that moves")
	db := storetest.Connect(t, dsn)
	if _, err := db.ExecContext(t.Context(), `UPDATE orders SET account_id = (SELECT id FROM accounts WHERE id <> account_id LIMIT 1)
		WHERE id = $1`, order.ID); err != nil {
		t.Fatal(err)
	}
	// Keys are looked up after the order was looked for: while their table is locked, the change waits between the two.
	moving, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = moving.Rollback() }()
	if _, err := moving.ExecContext(t.Context(), `LOCK TABLE spent_keys IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	buyer := trade.CustomerScope([]trade.Ref{order.AccountRef}, []string{"order:write"})
	by := process.Submitter{Principal: "p", CorrelationID: "c"}
	day := trade.DateOf(time.Now(), time.UTC).AddDays(14)
	change := &orders.Amendment{OrderID: order.ID, Version: order.Version, RequestedDeliveryDate: &day}
	var done *process.Acted
	ended := make(chan error, 1)
	go func() {
		var err error
		done, err = o.orders.Amend(t.Context(), buyer, by, "a key of a change", change, 0)
		ended <- err
	}()
	processtest.Eventually(t, "waiting for the lock", func() bool {
		var waiting bool
		if err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'spent_keys'::regclass AND NOT granted)`).
			Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		return waiting
	})
	if _, err := moving.ExecContext(t.Context(), `UPDATE orders SET account_id = $2 WHERE id = $1`, order.ID,
		order.AccountRef.ID); err != nil {
		t.Fatal(err)
	}
	if err := moving.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(done.Errors) != 1 || trade.RefusalOf(done.Errors[0]).Code != trade.CodeNotFound {
		t.Fatalf("an order that was not there when its change was made: %+v, %v", done, refusals(done.Errors))
	}
	if done, err := o.orders.Amend(t.Context(), buyer, by, "a key of a change", change, 0); err != nil || done.OperationID == "" {
		t.Errorf("once more, as it is there now: %+v, %v", done, err)
	}
}
