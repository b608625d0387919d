package replication_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/ordering"
)

// TestAMovedPromiseHasTheCauseThatTheRulesSay moves a promise after each of what the rules name, soon enough and too late.
func TestAMovedPromiseHasTheCauseThatTheRulesSay(t *testing.T) {
	s, db := storetest.Pair(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	version, day := int64(0), trade.DateOf(time.Now(), time.UTC)
	move := func() {
		version++
		o, promised := storetest.Order("100", "1", version, "10"), day.AddDays(int(version))
		o.LinesKnown[0].ScheduleKnown[0].PromisedDeliveryDate = &promised
		storetest.Save(t, s, replication.SaveOrders, o)
	}
	move()
	// An impact without its deviation is enough here.
	if _, err := db.ExecContext(t.Context(), `ALTER TABLE supply_impacts DROP CONSTRAINT supply_impacts_deviation_id_fkey`); err != nil {
		t.Fatal(err)
	}
	request := func(kind trade.OperationKind, finished string) string {
		return fmt.Sprintf(`INSERT INTO operations (kind, state, lane, source, principal, subject, idempotency_key, fingerprint, correlation_id,
			work, finished_at) SELECT '%s', 'COMMITTED', 'l', 'erp', 'p', id, 'k', 'f', 'c', '{}', %s FROM orders`, kind, finished)
	}
	accepted := func(cause ordering.CommitmentCause, at string) string {
		return fmt.Sprintf(`INSERT INTO supply_impacts (deviation_id, order_line_id, cause, accepted_at) SELECT '%[1]s', id, '%[1]s', %[2]s
			FROM order_lines`, cause, at)
	}
	ago := func(d time.Duration) string { return fmt.Sprintf("now() - interval '%d seconds'", int(d.Seconds())) }
	requests, deviations := ordering.CauseRules[0], ordering.CauseRules[1]
	cases := map[string]struct {
		before []string
		want   ordering.CommitmentCause
	}{
		"nothing happened": {nil, ordering.MovedByAllocation},
		"a customer places another order": {
			[]string{request(trade.SubmitOrder, "NULL")}, ordering.MovedByAllocation,
		},
		"a customer's request ended too long ago": {
			[]string{request(requests.Requested[0], ago(requests.Within+time.Minute))}, ordering.MovedByAllocation,
		},
		"a supplier's deviation was accepted": {
			[]string{accepted(ordering.MovedBySupplierQuantity, ago(deviations.Within-time.Hour))}, ordering.MovedBySupplierQuantity,
		},
		"two were accepted": {
			[]string{
				accepted(ordering.MovedBySupplierDate, ago(time.Minute)),
				accepted(ordering.MovedBySupplierQuantity, ago(time.Hour)),
			},
			ordering.MovedBySupplierDate,
		},
		"one was accepted too long ago": {
			[]string{accepted(ordering.MovedBySupplierDate, ago(deviations.Within+time.Hour))}, ordering.MovedByAllocation,
		},
		"one is not accepted": {
			[]string{accepted(ordering.MovedBySupplierDate, "NULL::timestamptz")}, ordering.MovedByAllocation,
		},
		"a customer asked, and a supplier's deviation was accepted": {
			[]string{request(trade.CancelOrder, "NULL"), accepted(ordering.MovedBySupplierDate, ago(time.Minute))},
			ordering.MovedByCustomer,
		},
	}
	for _, kind := range requests.Requested {
		for when, finished := range map[string]string{"is executed": "NULL", "has ended": ago(requests.Within / 2)} {
			cases[fmt.Sprintf("%s %s", kind, when)] = struct {
				before []string
				want   ordering.CommitmentCause
			}{[]string{request(kind, finished)}, ordering.MovedByCustomer}
		}
	}
	for name, c := range cases {
		anew := []string{`DELETE FROM operations`, `DELETE FROM supply_impacts`, `DELETE FROM commitment_changes`}
		for _, statement := range slices.Concat(anew, c.before) {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %s: %v", name, statement, err)
			}
		}
		move()
		var got ordering.CommitmentCause
		if err := db.QueryRowContext(t.Context(), `SELECT cause FROM commitment_changes`).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: the promise moved by %q, want %s, %v", name, got, c.want, err)
		}
	}
}
