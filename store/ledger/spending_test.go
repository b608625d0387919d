package ledger_test

import (
	"slices"
	"testing"
	"time"

	"portico/store/ledger"
	"portico/store/storetest"
	"portico/trade"
)

// insertLoose puts rows into tables past the store, without what they refer to.
func insertLoose(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	db := storetest.Connect(t, dsn)
	db.SetMaxOpenConns(1)
	for _, s := range append([]string{`SET session_replication_role = replica`}, statements...) {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// anOrder is a statement that puts in an order of somebody, of a total, in a state and at a time.
func anOrder(id, by, status, total, currency, placed string) string {
	return `INSERT INTO orders (id, account_id, ship_to_address, status, currency, subtotal, discount, total, placed_at, placed_by,
			system, instance, source_ref, source_version, sequence, as_of)
		VALUES ('` + id + `', 'acc_1', '{}', '` + status + `', '` + currency + `', ` + total + `, 0, ` + total + `,
			'` + placed + `', '` + by + `', 'ERP', 'erp', '` + id + `', '1', 1, now())`
}

// TestWhatWasRefusedOrCancelledIsNotSpent adds up what somebody ordered in a month.
func TestWhatWasRefusedOrCancelledIsNotSpent(t *testing.T) {
	st, dsn := storetest.At(t)
	insertLoose(t, dsn,
		anOrder("o1", "usr_1", "CONFIRMED", "100.10", "EUR", "2026-03-01T00:00:00Z"),
		anOrder("o2", "usr_1", "QUEUED", "20", "EUR", "2026-03-31T23:59:59Z"),
		anOrder("o3", "usr_1", "PENDING_APPROVAL", "3", "EUR", "2026-03-02T00:00:00Z"),
		anOrder("o4", "usr_1", "REJECTED", "1000", "EUR", "2026-03-02T00:00:00Z"),
		anOrder("o5", "usr_1", "CANCELLED", "1000", "EUR", "2026-03-02T00:00:00Z"),
		anOrder("o6", "usr_1", "CLOSED", "7", "USD", "2026-03-02T00:00:00Z"),
		anOrder("o7", "usr_2", "CONFIRMED", "1000", "EUR", "2026-03-02T00:00:00Z"),
		anOrder("o8", "usr_1", "CONFIRMED", "1000", "EUR", "2026-02-28T23:59:59Z"),
	)
	spent, err := ledger.SpentSince(t.Context(), st, "usr_1", time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(spent) != 2 || spent["EUR"].Amount.String() != "123.1" || spent["USD"].Amount.String() != "7" {
		t.Errorf("%v, %v; want 123.1 EUR and 7 USD", spent, err)
	}
}

// TestAnApprovalIsSeenByItsAccountAlone reads approvals as everybody.
func TestAnApprovalIsSeenByItsAccountAlone(t *testing.T) {
	st, dsn := storetest.At(t)
	insertLoose(t, dsn,
		`INSERT INTO approvals (order_id, account_id, state, exceeded) VALUES ('o1', 'acc_1', 'PENDING', '{"Period": "ORDER"}'), ('o2', `+
			`'acc_2', 'APPROVED', '{"Period": "MONTH"}')`,
	)
	own := trade.CustomerScope([]trade.Ref{{ID: "acc_1", Key: "1"}}, nil)
	for name, c := range map[string]struct {
		scope trade.Scope
		want  []string
	}{
		"the account": {own, []string{"o1"}}, "an operator": {trade.OperatorScope(nil), []string{"o1", "o2"}},
		"a supplier": {trade.SupplierScope("ptn_1", nil), nil}, "a guest": {trade.GuestScope(nil), nil},
		"another account": {trade.CustomerScope([]trade.Ref{{ID: "acc_3", Key: "3"}}, nil), nil},
	} {
		found, err := ledger.Approvals(t.Context(), st, c.scope, []string{"o1", "o2", "o3"})
		var seen []string
		for id := range found {
			seen = append(seen, id)
		}
		if slices.Sort(seen); err != nil || !slices.Equal(seen, c.want) {
			t.Errorf("%s sees %v, %v; want %v", name, seen, err, c.want)
		}
	}
}
