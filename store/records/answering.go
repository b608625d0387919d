package records

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portico/store"
	"portico/trade"
)

// PurchaseOrderNow is a purchase order as an answer to it meets it, with its lines and
// their parts. Asked is the operation on it that waits for a decision about the answer
// Pending; both may be empty.
type PurchaseOrderNow struct {
	trade.PurchaseOrder
	Instance, SupplierCode string
	Tolerance              trade.ToleranceProfile
	Asked, Pending         string
	Answered               int // the revision that was answered last; 0 where none was
}

type lockedRow struct {
	ID, Number, SupplierID, SupplierCode, WarehouseID, Instance, Currency, Asked, Pending string
	Revision, Answered                                                                    int
	IssuedAt                                                                              time.Time
	Status                                                                                trade.PurchaseOrderStatus
	toleranceRow
}

// LockPurchaseOrder reads a purchase order as it is now, within a scope, and holds it until
// the transaction ends; nil where there is none.
func LockPurchaseOrder(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*PurchaseOrderNow, error) {
	var a store.Args
	query := `
		SELECT d.id, d.number, d.supplier_id, p.code AS supplier_code, coalesce(d.warehouse_id, '') AS warehouse_id, d.instance, d.currency,
		d.revision, d.state AS status, d.issued_at, coalesce(d.answered_revision, 0) AS answered,
			coalesce(o.id, '') AS asked, coalesce(o.response_id, '') AS pending, ` + toleranceColumns + `
		FROM purchase_orders d JOIN trading_partners p ON p.id = d.supplier_id
		JOIN tolerance_profiles t ON t.id = coalesce(p.tolerance_profile_id, 'tol_standard')
		LEFT JOIN LATERAL (SELECT o.id, o.awaiting ->> 'ResponseID' AS response_id FROM operations o WHERE o.subject = d.id
		AND o.finished_at IS NULL AND o.state = 'AWAITING_DECISION' ORDER BY place LIMIT 1) o ON TRUE
		WHERE d.id = ` + a.Add(id) + ` AND ` + store.OwnSupplier("d.supplier_id")(scope, &a) + ` FOR UPDATE OF d`
	var rows []lockedRow
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("purchase order: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	r := rows[0]
	now := &PurchaseOrderNow{
		PurchaseOrder: trade.PurchaseOrder{
			ID: r.ID, Number: r.Number, Revision: r.Revision, SupplierRef: trade.Ref{ID: r.SupplierID},
			WarehouseRef: trade.Ref{ID: r.WarehouseID}, Status: r.Status, Currency: r.Currency, IssuedAt: r.IssuedAt,
		},
		Instance: r.Instance, SupplierCode: r.SupplierCode, Tolerance: *r.trade(), Asked: r.Asked, Pending: r.Pending, Answered: r.Answered,
	}
	return now, withPurchaseLines(ctx, tx, now)
}

func withPurchaseLines(ctx context.Context, tx *store.Tx, now *PurchaseOrderNow) error {
	const query = `
		SELECT l.id, l.line_number, coalesce(l.item_id, '') AS "item_ref.id", l.sku, l.supplier_part_number, l.description, l.currency, l.price,
		l.price_per, l.unit, l.ordered AS q_ordered,
			l.acknowledged AS q_acknowledged, l.shipped AS q_shipped, l.received AS q_received, l.cancelled AS q_cancelled,
			(SELECT jsonb_agg(jsonb_build_object('Number', x.number, 'Quantity', jsonb_build_object('value', x.quantity::text, 'unit', l.unit),
			'RequestedShipDate', x.requested_ship_date,
				'RequestedDeliveryDate', x.requested_delivery_date, 'PromisedShipDate', x.promised_ship_date, 'PromisedDeliveryDate',
				x.promised_delivery_date) ORDER BY x.position)
				FROM purchase_schedule_lines x WHERE x.purchase_order_line_id = l.id) AS parts
		FROM purchase_order_lines l WHERE l.purchase_order_id = $1 ORDER BY l.position`
	var rows []struct {
		purchaseLineRow
		Parts store.JSON[[]trade.PurchaseScheduleLine]
	}
	if err := tx.Select(ctx, &rows, query, now.ID); err != nil {
		return fmt.Errorf("purchase order: %w", err)
	}
	for i := range rows {
		line := *rows[i].trade()
		line.PurchaseOrderID, line.ScheduleKnown = now.ID, rows[i].Parts.Value
		now.LinesKnown = append(now.LinesKnown, line)
	}
	return nil
}

// PurchaseOrdersOfLines reads the purchase orders of lines, with their lines and parts, by
// line.
func PurchaseOrdersOfLines(ctx context.Context, s *store.Store, scope trade.Scope, lines []string) (map[string]*trade.PurchaseOrder,
	error,
) {
	found, err := PurchaseOrderLines(ctx, s, scope, lines)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, l := range found {
		if !slices.Contains(ids, l.PurchaseOrderID) {
			ids = append(ids, l.PurchaseOrderID)
		}
	}
	orders, err := PurchaseOrders(ctx, s, scope, ids)
	if err != nil {
		return nil, err
	}
	all, err := purchaseLines.Under(ctx, s, scope, "", "l.purchase_order_id", "l.position", ids)
	if err != nil {
		return nil, err
	}
	var of []string
	for _, lines := range all {
		for _, l := range lines {
			of = append(of, l.ID)
		}
	}
	parts, err := PurchaseSchedules(ctx, s, scope, of)
	if err != nil {
		return nil, err
	}
	for id, o := range orders {
		for _, l := range all[id] {
			line := *l
			for _, p := range parts[l.ID] {
				line.ScheduleKnown = append(line.ScheduleKnown, *p)
			}
			o.LinesKnown = append(o.LinesKnown, line)
		}
	}
	by := map[string]*trade.PurchaseOrder{}
	for line, l := range found {
		by[line] = orders[l.PurchaseOrderID]
	}
	return by, nil
}
