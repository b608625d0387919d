package ledger

import (
	"context"
	"fmt"

	"portico/store"
	"portico/trade"
)

// Case is a deviation about to be decided, with what it is of.
type Case struct {
	ID, ResponseID, PurchaseOrderID, LineID string
	State                                   trade.DeviationState
}

// CaseOf is a deviation with what it is of, within a scope; nil where there is none.
func CaseOf(ctx context.Context, tx *store.Tx, scope trade.Scope, deviation string) (*Case, error) {
	var a store.Args
	var rows []Case
	query := `SELECT v.id, v.response_id, r.purchase_order_id, v.purchase_order_line_id AS line_id, v.state FROM deviations v
		JOIN purchase_order_responses r ON r.id = v.response_id
		WHERE v.id = ` + a.Add(deviation) + ` AND ` + store.OwnSupplier("v.supplier_id")(scope, &a)
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// CasesOf are all deviations of an answer whose purchase order is locked.
func CasesOf(ctx context.Context, tx *store.Tx, response string) ([]Case, error) {
	var rows []Case
	const query = `SELECT id, response_id, purchase_order_line_id AS line_id, state FROM deviations WHERE response_id = $1 ORDER BY position`
	if err := tx.Select(ctx, &rows, query, response); err != nil {
		return nil, fmt.Errorf("deviations: %w", err)
	}
	return rows, nil
}

// LinesAnswered are the lines that an answer says anything of, whose purchase order is
// locked.
func LinesAnswered(ctx context.Context, tx *store.Tx, response string) ([]string, error) {
	var ids []string
	const query = `SELECT purchase_order_line_id FROM line_acknowledgments WHERE response_id = $1 UNION SELECT purchase_order_line_id
		FROM deviations WHERE response_id = $1`
	if err := tx.Select(ctx, &ids, query, response); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return ids, nil
}

// OutdatedPurchaseOrders are the purchase orders whose answer waits for a decision that cannot matter
// any more: they were revised, or ended.
func OutdatedPurchaseOrders(ctx context.Context, s *store.Store) ([]string, error) {
	var ids []string
	const query = `SELECT d.id FROM operations o JOIN purchase_orders d ON d.id = o.subject WHERE o.finished_at IS NULL
		AND o.state = 'AWAITING_DECISION' AND o.kind = 'RESPOND_TO_PURCHASE_ORDER' AND d.state <> 'PENDING_REVIEW'`
	if err := s.Select(ctx, &ids, query); err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	return ids, nil
}
