package store

import (
	"context"
	"time"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/trade"
)

type purchaseOrderRow struct {
	trade.PurchaseOrder
	Sums totals
}

func (r *purchaseOrderRow) trade() *trade.PurchaseOrder {
	r.Totals, r.Currency = r.Sums.trade(), r.Sums.Currency
	return &r.PurchaseOrder
}

var purchaseOrders = read(relation[trade.PurchaseOrder]{
	kind: "PurchaseOrder", from: "purchase_orders d", visible: ownSupplier("d.supplier_id"), source: (*trade.PurchaseOrder).From,
	columns: []columns{
		always(`d.id, d.number, d.revision, d.supplier_id AS "supplier_ref.id", coalesce(d.warehouse_id, '') AS "warehouse_ref.id", d.state AS status, d.issued_at, d.acknowledge_by`),
		when("buyer shipTo", "d.buyer, d.ship_to"),
		when("raw", "d.raw"),
		when("deliveryTerms paymentTerms", "d.delivery_terms, d.payment_terms"),
		when("totals currency", sums),
		when("externalIds provenance statusExplanation", provenance("d")),
		when("statusExplanation", "d.status AS source_status"),
	},
}, (*purchaseOrderRow).trade)

// PurchaseOrders reads purchase orders by id.
func (s *Store) PurchaseOrders(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.PurchaseOrder, error) {
	return purchaseOrders.by(ctx, s, scope, "d.id", "", ids)
}

// PurchaseOrdersByNumber reads purchase orders by number.
func (s *Store) PurchaseOrdersByNumber(ctx context.Context, scope trade.Scope, numbers []string) (map[string]*trade.PurchaseOrder, error) {
	return purchaseOrders.by(ctx, s, scope, "d.number", "", numbers)
}

// PurchaseOrdersInShipments reads the purchase orders in shipments, at most 100
// each.
func (s *Store) PurchaseOrdersInShipments(ctx context.Context, scope trade.Scope, shipments []string) (map[string][]*trade.PurchaseOrder, error) {
	found, err := purchaseOrders.under(ctx, s, scope, "JOIN shipment_purchase_orders x ON x.purchase_order_id = d.id", "x.shipment_id", "d.number", shipments)
	return atMost(found, 100), err
}

// PurchaseOrderFilter narrows a list of purchase orders; Supplier and Item are
// ids.
type PurchaseOrderFilter struct {
	Status       []trade.PurchaseOrderStatus
	Number       string
	Supplier     string
	Promised     trade.DateRange
	Item         string
	ChangedSince *time.Time
	// NeedsAction narrows to those that wait for the caller: a supplier's are to be
	// answered, and a planner's to be decided about.
	NeedsAction bool
}

// PurchaseOrderList is the purchase orders the scope sees.
func PurchaseOrderList(scope trade.Scope, f PurchaseOrderFilter, sort trade.PurchaseOrderSort) *List[trade.PurchaseOrder] {
	l := &List[trade.PurchaseOrder]{relation: purchaseOrders, name: "purchase orders " + string(sort), scope: scope}
	id := ascending("d.id", "text")
	switch sort {
	case trade.PurchaseOrdersByDue:
		l.order = []sortKey{ascending("coalesce(d.acknowledge_by, 'infinity')", "timestamptz"), id}
	case trade.PurchaseOrdersByDelivery:
		l.order = []sortKey{ascending("coalesce(d.delivery_date, 'infinity')", "date"), id}
	case trade.PurchaseOrdersByNumber:
		l.order = []sortKey{ascending("d.number", "text"), id}
	default:
		l.order = []sortKey{descending("d.issued_at", "timestamptz"), descending("d.id", "text")}
	}
	if f.Status != nil {
		l.and("d.state = ANY(" + l.args.add(pq.Array(f.Status)) + ")")
	}
	if f.NeedsAction {
		if scope.Role() == trade.Supplier {
			l.and("d.state IN ('ISSUED', 'SENT', 'RECEIVED_BY_SUPPLIER')")
		} else {
			l.and("d.state = 'PENDING_REVIEW'")
		}
	}
	if f.Number != "" {
		l.and("d.number = " + l.args.add(f.Number))
	}
	if f.Supplier != "" {
		l.and("d.supplier_id = " + l.args.add(f.Supplier))
	}
	if f.Promised.From != nil || f.Promised.To != nil {
		inner := &List[trade.PurchaseOrder]{args: l.args}
		inner.within("y.promised_delivery_date", f.Promised, false)
		l.args = inner.args
		condition := "EXISTS (SELECT FROM purchase_order_lines x JOIN purchase_schedule_lines y ON y.purchase_order_line_id = x.id WHERE x.purchase_order_id = d.id"
		for _, w := range inner.where {
			condition += " AND " + w
		}
		l.and(condition + ")")
	}
	if f.Item != "" {
		l.and("EXISTS (SELECT FROM purchase_order_lines x WHERE x.purchase_order_id = d.id AND x.item_id = " + l.args.add(f.Item) + ")")
	}
	l.since("d.received_at", f.ChangedSince)
	return l
}

type purchaseLineRow struct {
	trade.PurchaseOrderLine
	Currency                                                 string
	Price, PricePer                                          nullDecimal
	Unit                                                     string
	QOrdered, QAcknowledged, QShipped, QReceived, QCancelled udecimal.Decimal
}

func (r *purchaseLineRow) trade() *trade.PurchaseOrderLine {
	l := &r.PurchaseOrderLine
	qty := func(v udecimal.Decimal) trade.Quantity { return trade.Quantity{Value: v, Unit: r.Unit} }
	l.Ordered, l.Acknowledged, l.Shipped, l.Received, l.Cancelled = qty(r.QOrdered), qty(r.QAcknowledged), qty(r.QShipped), qty(r.QReceived), qty(r.QCancelled)
	l.UnitPrice = unitPrice(r.Price, r.PricePer, r.Unit, r.Currency)
	return l
}

var purchaseLines = read(relation[trade.PurchaseOrderLine]{
	kind: "PurchaseOrderLine", from: "purchase_order_lines l", visible: ownSupplier("l.supplier_id"),
	columns: []columns{
		always(`l.id, l.purchase_order_id, l.unit`),
		when("lineNumber", "l.line_number"),
		when("item", `coalesce(l.item_id, '') AS "item_ref.id"`),
		when("sku", "l.sku"),
		when("supplierPartNumber", "l.supplier_part_number"),
		when("description", "l.description"),
		when("unitPrice", "l.currency, l.price, l.price_per"),
		when("ordered open", "l.ordered AS q_ordered"),
		when("acknowledged", "l.acknowledged AS q_acknowledged"),
		when("shipped", "l.shipped AS q_shipped"),
		when("received open", "l.received AS q_received"),
		when("open", "l.cancelled AS q_cancelled"),
	},
}, (*purchaseLineRow).trade)

// PurchaseOrderLines reads purchase order lines by id.
func (s *Store) PurchaseOrderLines(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.PurchaseOrderLine, error) {
	return purchaseLines.by(ctx, s, scope, "l.id", "", ids)
}

// PurchaseOrderLineList is the lines below purchase orders, by line number.
func PurchaseOrderLineList(scope trade.Scope) *List[trade.PurchaseOrderLine] {
	return &List[trade.PurchaseOrderLine]{
		relation: purchaseLines, name: "purchase order lines", scope: scope, parent: "l.purchase_order_id",
		order: []sortKey{ascending("l.position", "integer"), ascending("l.id", "text")},
	}
}

var purchaseSchedules = read(relation[trade.PurchaseScheduleLine]{
	kind: "PurchaseScheduleLine", from: "purchase_schedule_lines x JOIN purchase_order_lines l ON l.id = x.purchase_order_line_id",
	visible: ownSupplier("l.supplier_id"),
	columns: []columns{
		always(`x.number`),
		when("quantity", `x.quantity AS "quantity.value", l.unit AS "quantity.unit"`),
		when("requestedShipDate", "x.requested_ship_date"),
		when("requestedDeliveryDate", "x.requested_delivery_date"),
		when("promisedShipDate", "x.promised_ship_date"),
		when("promisedDeliveryDate", "x.promised_delivery_date"),
	},
}, same[trade.PurchaseScheduleLine])

// PurchaseSchedules reads the schedule lines of purchase order lines, in order.
func (s *Store) PurchaseSchedules(ctx context.Context, scope trade.Scope, lines []string) (map[string][]*trade.PurchaseScheduleLine, error) {
	return purchaseSchedules.under(ctx, s, scope, "", "x.purchase_order_line_id", "x.purchase_order_line_id, x.position", lines)
}

// PurchaseOrdersInDespatches reads the purchase orders that ship notices cover.
func (s *Store) PurchaseOrdersInDespatches(ctx context.Context, scope trade.Scope, despatches []string) (map[string][]*trade.PurchaseOrder, error) {
	const join = `JOIN (SELECT DISTINCT x.despatch_advice_id, l.purchase_order_id FROM despatch_lines x JOIN purchase_order_lines l ON l.id = x.purchase_order_line_id) y ON y.purchase_order_id = d.id`
	return purchaseOrders.under(ctx, s, scope, join, "y.despatch_advice_id", "d.number", despatches)
}
