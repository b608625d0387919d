package replication

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/procurement"
)

// revised is a purchase order as it was before a revision of it came.
type revised struct {
	ID, Number, SupplierID, Currency, Warehouse string
	DeliveryTerms                               store.JSON[*trade.DeliveryTerms]
	PaymentTerms                                store.JSON[*trade.PaymentTerms]
	Lines                                       store.JSON[[]trade.PurchaseOrderLine]
}

func (r *revised) trade() *trade.PurchaseOrder {
	return &trade.PurchaseOrder{
		Number: r.Number, Currency: r.Currency, WarehouseRef: trade.Key(r.Warehouse), DeliveryTerms: r.DeliveryTerms.Value,
		PaymentTerms: r.PaymentTerms.Value, LinesKnown: r.Lines.Value,
	}
}

// orderedLine is what the buyer says in a line of a purchase order.
var orderedLine = object(append(slices.Clone(purchaseLine), "SKU", "l.sku", "Description", "l.description", "ScheduleKnown",
	below(object("RequestedDeliveryDate", "x.requested_delivery_date", "RequestedShipDate", "x.requested_ship_date"),
		"purchase_schedule_lines x", "x.purchase_order_line_id = l.id", "x.position"))...)

// beforeRevision reads the purchase orders of which records are later revisions, by number.
func beforeRevision(ctx context.Context, tx *store.Tx, records []trade.PurchaseOrder) (map[string]*revised, error) {
	numbers, revisions := make([]string, len(records)), make([]int64, len(records))
	for i := range records {
		numbers[i], revisions[i] = store.Storable(records[i].Number), int64(records[i].Revision)
	}
	query := `SELECT o.id, o.number, o.supplier_id, o.currency, coalesce(w.code, '') AS warehouse, o.delivery_terms, o.payment_terms, ` +
		below(orderedLine, "purchase_order_lines l", "l.purchase_order_id = o.id", "l.position") + ` AS lines
		FROM unnest($1::text[], $2::bigint[]) AS d(number, revision) JOIN purchase_orders o ON o.number = d.number
		AND o.revision < d.revision LEFT JOIN warehouses w ON w.id = o.warehouse_id`
	var rows []revised
	if err := tx.Select(ctx, &rows, query, pq.Array(numbers), pq.Array(revisions)); err != nil {
		return nil, fmt.Errorf("revisions of purchase orders: %w", err)
	}
	found := make(map[string]*revised, len(rows))
	for i := range rows {
		found[rows[i].Number] = &rows[i]
	}
	return found, nil
}

// keepRevisions keeps what is different in the revisions that were saved.
func keepRevisions(ctx context.Context, tx *store.Tx, before map[string]*revised, records []trade.PurchaseOrder) error {
	for i := range records {
		now := &records[i]
		old := before[now.Number]
		if old == nil {
			continue
		}
		const query = `INSERT INTO purchase_order_revisions (purchase_order_id, supplier_id, revision, changed)
			SELECT o.id, o.supplier_id, o.revision, $3 FROM purchase_orders o WHERE o.id = $1 AND o.revision = $2 ON CONFLICT DO NOTHING`
		changed := strings.Join(procurement.RevisionChanges(old.trade(), now), "; ")
		if _, err := tx.Exec(ctx, query, old.ID, now.Revision, store.Storable(changed)); err != nil {
			return fmt.Errorf("revisions of purchase orders: %w", err)
		}
	}
	return nil
}
