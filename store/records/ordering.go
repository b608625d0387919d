package records

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
)

// PlaceOrders keeps orders that no source knows yet, with their lines, and tells which of
// them by id: not those whose purchase order number an open order of their account has by
// now.
func PlaceOrders(ctx context.Context, tx *store.Tx, all []*trade.Order) (placed []string, err error) {
	documents, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	var numbers []string
	for _, o := range all {
		if o.CustomerPoNumber != nil {
			numbers = append(numbers, o.AccountRef.ID+" "+strings.TrimSpace(*o.CustomerPoNumber))
		}
	}
	slices.Sort(numbers) // as all do, so that nobody waits in a circle
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(n, 6)) FROM unnest($1::text[]) n`,
		store.TextArray(numbers)); err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	const query = `
		WITH placed AS (
			INSERT INTO orders (id, customer_po_number, account_id, ship_to_id, bill_to_id, ship_to_address, status, currency, subtotal, discount,
			total, delivery_terms, payment_terms,
				requested_delivery_date, placed_at, placed_by, comment, external_ref, system, instance, source_ref, source_version, sequence, as_of)
			SELECT j ->> 'ID', j ->> 'CustomerPoNumber', a.id, nullif(j #>> '{ShipToRef,id}', ''),
				(SELECT l.id FROM account_locations l WHERE l.account_id = a.id AND 'BILL_TO' = ANY (l.roles) ORDER BY l.code LIMIT 1),
				j -> 'ShipToAddress', j ->> 'Status',
				j #>> '{Totals,total,currency}', (j #>> '{Totals,subtotal,amount}')::numeric, 0, (j #>> '{Totals,total,amount}')::numeric,
				a.delivery_terms, a.payment_terms,
				(j ->> 'RequestedDeliveryDate')::date, (j ->> 'PlacedAt')::timestamptz, j ->> 'PlacedBy', j ->> 'Comment', j ->> 'ExternalRef',
				'PORTICO', 'portico',
				j ->> 'ExternalRef', '0', -1, now()
			FROM jsonb_array_elements($1::jsonb) AS j JOIN accounts a ON a.id = j #>> '{AccountRef,id}'
			WHERE NOT EXISTS (SELECT FROM orders o WHERE o.account_id = a.id AND btrim(o.customer_po_number) = btrim(j ->> 'CustomerPoNumber')
			AND o.status NOT IN ` + finished + `)
			RETURNING id, account_id, currency),
		lines AS (
			INSERT INTO order_lines (order_id, account_id, line_number, position, item_id, sku, description, currency, price, price_per, amount,
			status, unit, ordered, confirmed, allocated,
				backordered, shipped, delivered, invoiced, cancelled, returned)
			SELECT p.id, p.account_id, l ->> 'LineNumber', n, l #>> '{ItemRef,id}', l ->> 'SKU', l ->> 'Description', p.currency,
				(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, (l #>> '{Amount,amount}')::numeric, 'OPEN',
				l #>> '{Ordered,unit}',
				(l #>> '{Ordered,value}')::numeric, 0, 0, 0, 0, 0, 0, 0, 0
			FROM jsonb_array_elements($1::jsonb) AS j JOIN placed p ON p.id = j ->> 'ID',
			jsonb_array_elements(j -> 'LinesKnown') WITH ORDINALITY AS x(l, n))
		SELECT id FROM placed`
	if err := tx.Select(ctx, &placed, query, string(documents)); err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	return placed, nil
}

// PlaceReturn keeps a return that no source knows yet, with its lines.
func PlaceReturn(ctx context.Context, tx *store.Tx, r *trade.Return) error {
	document, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("return: %w", err)
	}
	const query = `
		WITH placed AS (
			INSERT INTO returns (id, order_id, account_id, status, requested_at, external_ref, system, instance, source_ref, source_version,
			sequence, as_of)
			SELECT j ->> 'ID', j #>> '{OrderRef,id}', j #>> '{AccountRef,id}', j ->> 'Status', (j ->> 'RequestedAt')::timestamptz,
			j ->> 'ExternalRef', 'PORTICO', 'portico',
				j ->> 'ExternalRef', '0', -1, now() FROM (SELECT $1::jsonb AS j) d RETURNING id)
		INSERT INTO return_lines (return_id, position, order_line_id, quantity, unit, reason, comment)
		SELECT p.id, n, l ->> 'OrderLineID', (l #>> '{Quantity,value}')::numeric, l #>> '{Quantity,unit}', l ->> 'Reason', l ->> 'Comment'
		FROM placed p, jsonb_array_elements($1::jsonb -> 'LinesKnown') WITH ORDINALITY AS x(l, n)`
	if _, err := tx.Exec(ctx, query, string(document)); err != nil {
		return fmt.Errorf("return: %w", err)
	}
	return nil
}

// ReturnsAsked is how much of each line of an order was asked to be sent back and has
// not come yet.
func ReturnsAsked(ctx context.Context, tx *store.Tx, order string) (map[string]udecimal.Decimal, error) {
	const query = `
		SELECT l.order_line_id AS line, sum(l.quantity - coalesce(l.received, 0)) AS open FROM returns d JOIN return_lines l ON l.return_id = d.id
		WHERE d.order_id = $1 AND d.status IN ('REQUESTED', 'AUTHORIZED', 'IN_TRANSIT') GROUP BY l.order_line_id`
	var rows []struct {
		Line string
		Open udecimal.Decimal
	}
	if err := tx.Select(ctx, &rows, query, order); err != nil {
		return nil, fmt.Errorf("returns: %w", err)
	}
	asked := map[string]udecimal.Decimal{}
	for _, r := range rows {
		asked[r.Line] = r.Open
	}
	return asked, nil
}

// SetReturnStatus sets where a return of ours stands that no source knows yet.
func SetReturnStatus(ctx context.Context, tx *store.Tx, id string, status trade.ReturnStatus) error {
	if _, err := tx.Exec(ctx, `UPDATE returns SET status = $2, received_at = now() WHERE id = $1 AND number IS NULL`, id, status); err != nil {
		return fmt.Errorf("return: %w", err)
	}
	return nil
}
