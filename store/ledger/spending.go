package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/ordering"
)

// SpendingLimits are what each buyer of some accounts may order without approval.
func SpendingLimits(ctx context.Context, s *store.Store, scope trade.Scope, accounts []string) (map[string][]ordering.SpendingLimit,
	error,
) {
	var a store.Args
	query := `SELECT d.account_id, d.period, d.amount AS "limit.amount", d.currency AS "limit.currency" FROM spending_limits d
		WHERE d.account_id = ANY(` + a.AddTexts(accounts) + `)
		AND ` + store.OwnAccount("d.account_id")(scope, &a) + ` ORDER BY d.account_id, d.period DESC`
	var rows []struct {
		AccountID string
		ordering.SpendingLimit
	}
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	all := map[string][]ordering.SpendingLimit{}
	for _, r := range rows {
		all[r.AccountID] = append(all[r.AccountID], r.SpendingLimit)
	}
	return all, nil
}

// SetSpendingLimit sets what each buyer of an account may order in a period without
// approval; nil removes it. ok is false where there is no such account.
func SetSpendingLimit(ctx context.Context, s *store.Store, number string, period ordering.SpendingPeriod, limit *trade.Money) (ok bool,
	err error,
) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		var ids []string
		if err := tx.Select(ctx, &ids, `SELECT id FROM accounts WHERE number = $1`, number); err != nil || len(ids) == 0 {
			return err
		}
		ok = true
		if limit == nil {
			_, err := tx.Exec(ctx, `DELETE FROM spending_limits WHERE account_id = $1 AND period = $2`, ids[0], period)
			return err
		}
		const query = `
			INSERT INTO spending_limits (account_id, period, amount, currency) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account_id, period) DO UPDATE SET amount = excluded.amount, currency = excluded.currency`
		_, err := tx.Exec(ctx, query, ids[0], period, limit.Amount.String(), limit.Currency)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("limit: %w", err)
	}
	return ok, nil
}

// LockSpending lets nobody else spend for a principal until the transaction ends.
func LockSpending(ctx context.Context, tx *store.Tx, principal string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 7))`, principal); err != nil {
		return fmt.Errorf("spent: %w", err)
	}
	return nil
}

// SpentSince is what somebody has ordered since a moment, by currency; what was
// cancelled or refused does not count. Within a transaction it stands until that ends.
func SpentSince(ctx context.Context, from store.Reader, principal string, since time.Time) (map[string]trade.Money, error) {
	const query = `SELECT currency, sum(total) AS amount FROM orders WHERE placed_by = $1 AND placed_at >= $2
		AND status NOT IN ('CANCELLED', 'REJECTED') AND total IS NOT NULL GROUP BY currency`
	var rows []trade.Money
	if err := from.Select(ctx, &rows, query, principal, since); err != nil {
		return nil, fmt.Errorf("spent: %w", err)
	}
	all := map[string]trade.Money{}
	for _, r := range rows {
		all[r.Currency] = r
	}
	return all, nil
}

// AskApproval keeps that an order needs approval, and which limit it exceeds.
func AskApproval(ctx context.Context, tx *store.Tx, order, account string, exceeded ordering.SpendingLimit) error {
	text, err := json.Marshal(exceeded)
	if err != nil {
		return fmt.Errorf("approval: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO approvals (order_id, account_id, state, exceeded) VALUES ($1, $2, 'PENDING', $3)`, order, account,
		string(text)); err != nil {
		return fmt.Errorf("approval: %w", err)
	}
	return nil
}

// DecideApproval keeps who decided about an order, and how.
func DecideApproval(ctx context.Context, tx *store.Tx, order string, state ordering.ApprovalState, by string, comment *string) error {
	const query = `UPDATE approvals SET state = $2, decided_by = $3, decided_at = now(), comment = $4 WHERE order_id = $1`
	if _, err := tx.Exec(ctx, query, order, state, by, comment); err != nil {
		return fmt.Errorf("approval: %w", err)
	}
	return nil
}
