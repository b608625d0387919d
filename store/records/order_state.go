package records

import (
	"context"
	"encoding/json"
	"fmt"

	"portico/store"
	"portico/trade"
)

// SetOrderStatus sets where an order of ours stands that no source knows yet, and what
// holds it.
func SetOrderStatus(ctx context.Context, tx *store.Tx, id string, status trade.OrderStatus, holds ...trade.OrderHold) error {
	text, err := json.Marshal(append([]trade.OrderHold{}, holds...))
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	const query = `UPDATE orders SET status = $2, holds = $3, changes = changes + 1, received_at = now() WHERE id = $1 AND number IS NULL`
	if _, err := tx.Exec(ctx, query, id, status, string(text)); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}

// SetOrderPrices sets the prices that an order of ours is placed at now, by line.
func SetOrderPrices(ctx context.Context, tx *store.Tx, id string, lines []trade.OrderLine, total trade.Money) error {
	document, err := json.Marshal(lines)
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	const query = `
		WITH priced AS (UPDATE order_lines l SET price = (j #>> '{UnitPrice,price,amount}')::numeric,
		price_per = (j #>> '{UnitPrice,per,value}')::numeric,
			amount = (j #>> '{Amount,amount}')::numeric FROM jsonb_array_elements($2::jsonb) x(j) WHERE l.order_id = $1
			AND l.line_number = j ->> 'LineNumber')
		UPDATE orders SET subtotal = $3, total = $3 WHERE id = $1 AND number IS NULL`
	if _, err := tx.Exec(ctx, query, id, string(document), total.Amount.String()); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}

// OrderNow is an order as a change of it meets it. Asked is the operation on it that
// waits for a decision, or empty.
type OrderNow struct {
	ID, AccountID, AccountNumber, Instance, Version string
	Number, PlacedBy                                *string
	Status                                          trade.OrderStatus
	Asked                                           string
	AskedKind                                       trade.OperationKind
}

// LockOrder reads an order as it is now, within a scope, and holds it until the
// transaction ends; nil where there is none.
func LockOrder(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*OrderNow, error) {
	var a store.Args
	query := `
		SELECT d.id, d.account_id, c.number AS account_number, d.instance, order_version(d.source_version, d.changes) AS version, d.number,
		d.placed_by, d.status,
			coalesce(p.id, '') AS asked, coalesce(p.kind, '') AS asked_kind
		FROM orders d JOIN accounts c ON c.id = d.account_id
		LEFT JOIN LATERAL (SELECT id, kind FROM operations p WHERE p.subject = d.id AND p.state = 'AWAITING_DECISION' ORDER BY place
		LIMIT 1) p ON TRUE
		WHERE d.id = ` + a.Add(id) + ` AND ` + store.OwnAccount("d.account_id")(scope, &a) + ` FOR UPDATE OF d`
	var rows []OrderNow
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// NumberOf is the number that an order has at its source, and where it stands; empty
// while it has none.
func NumberOf(ctx context.Context, s *store.Store, order string) (number string, status trade.OrderStatus, err error) {
	var row struct {
		Number *string
		Status trade.OrderStatus
	}
	if err := s.Get(ctx, &row, `SELECT number, status FROM orders WHERE id = $1`, order); err != nil {
		return "", "", fmt.Errorf("order: %w", err)
	}
	if row.Number != nil {
		number = *row.Number
	}
	return number, row.Status, nil
}

// OursAt are the numbers of orders that operations of ours have written to a source, with
// the operation of each.
func OursAt(ctx context.Context, s *store.Store, instance string) (map[string]string, error) {
	const query = `SELECT o.number, p.id FROM orders o JOIN operations p ON p.subject = o.id AND p.kind = 'SUBMIT_ORDER'
		AND p.state = 'COMMITTED' WHERE o.instance = $1 AND o.number IS NOT NULL`
	var rows []struct{ Number, ID string }
	if err := s.Select(ctx, &rows, query, instance); err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	ours := map[string]string{}
	for _, r := range rows {
		ours[r.Number] = r.ID
	}
	return ours, nil
}

// TouchOrder counts a write to an order, whose version is another one then.
func TouchOrder(ctx context.Context, tx *store.Tx, id string) error {
	if _, err := tx.Exec(ctx, `UPDATE orders SET changes = changes + 1, received_at = now() WHERE id = $1`, id); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}

// OrderChangesSince are the fields of an order, as trade/ordering lists them, that changed since a version of it; all that ever
// did, where the version is not known.
func OrderChangesSince(ctx context.Context, tx *store.Tx, order, version string) ([]string, error) {
	fields := []string{}
	const query = `
		SELECT DISTINCT f FROM order_changes c, unnest(c.fields) f WHERE c.order_id = $1
			AND c.place > coalesce((SELECT place FROM order_changes WHERE order_id = $1 AND version = $2), 0) ORDER BY f`
	if err := tx.Select(ctx, &fields, query, order, version); err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	return fields, nil
}
