package ledger_test

import (
	"testing"

	"portico/store"
	"portico/store/ledger"
	"portico/store/storetest"
)

// TestAnOperationIsDecidedAboutWhileNobodyIsAtIt locks operations that a worker is at, was at, and was never at.
func TestAnOperationIsDecidedAboutWhileNobodyIsAtIt(t *testing.T) {
	st, dsn := storetest.At(t)
	insertLoose(t, dsn, `INSERT INTO operations (id, kind, state, lane, source, principal, idempotency_key, fingerprint, correlation_id, work,
			claim, claimed_until)
		SELECT id, 'SUBMIT_ORDER', 'QUEUED', id, 'erp', 'p', id, 'f', 'c', '{}', 'a worker', until FROM (VALUES
			('opr_never', '-infinity'::timestamptz), ('opr_before', now() - interval '1 second'), ('opr_now', now() + interval '1 minute'))
			o (id, until)`)
	for id, free := range map[string]bool{"opr_never": true, "opr_before": true, "opr_now": false, "opr_none": false} {
		err := st.InTx(t.Context(), func(tx *store.Tx) error {
			found, err := ledger.LockOperation(t.Context(), tx, id)
			if err == nil && (found != nil) != free {
				t.Errorf("%s: found is %+v", id, found)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
