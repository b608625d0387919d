package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/procurement"
)

// PlaceTestOrder places the purchase order that test documents of a supplier can be about, as if a source had reported it. It is
// for transactions of which nothing stays.
func PlaceTestOrder(ctx context.Context, tx *store.Tx, supplier, source string, status trade.PurchaseOrderStatus, now time.Time) error {
	const order = `
		INSERT INTO purchase_orders (id, number, revision, supplier_id, buyer, ship_to, warehouse_id, status, currency, subtotal, discount,
			total, issued_at, system, instance, source_ref, source_version, sequence, as_of)
		SELECT $1, $1, 1, $2, '{}'::jsonb, w.location, w.id, $3, 'EUR', 150, 0, 150, $4::timestamptz, 'ERP', $5, $1, '1', 0, $4::timestamptz
		FROM (SELECT) one LEFT JOIN LATERAL (SELECT id, location FROM warehouses ORDER BY code LIMIT 1) w ON TRUE`
	if _, err := tx.Exec(ctx, order, procurement.TestOrder, supplier, status, now, source); err != nil {
		return fmt.Errorf("test order: %w", err)
	}
	const lines = `
		WITH placed AS (INSERT INTO purchase_order_lines (id, purchase_order_id, supplier_id, line_number, position, sku, description, currency,
			price, price_per, unit, ordered, acknowledged, shipped, received, cancelled)
			SELECT l.id, $1, $2, (l.place * 10)::text, l.place, 'TEST-' || l.place, 'Test item', 'EUR', 1, 1, 'EA', l.quantity,
				CASE WHEN $5::boolean THEN l.quantity ELSE 0 END, 0, 0, 0
			FROM unnest($3::text[], ARRAY[100, 50]) WITH ORDINALITY AS l(id, quantity, place) RETURNING id, ordered)
		INSERT INTO purchase_schedule_lines (purchase_order_line_id, position, number, quantity, requested_delivery_date)
		SELECT id, 1, '1', ordered, $4::date + 14 FROM placed`
	if _, err := tx.Exec(ctx, lines, procurement.TestOrder, supplier, pq.Array(procurement.TestLines), now,
		status == trade.POAcknowledged); err != nil {
		return fmt.Errorf("test order: %w", err)
	}
	return nil
}
