package records

import (
	"context"
	"time"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
)

type purchaseOrderRow struct {
	trade.PurchaseOrder
	Sums store.Totals
}

func (r *purchaseOrderRow) trade() *trade.PurchaseOrder {
	r.Totals, r.Currency = r.Sums.Trade(), r.Sums.Currency
	return &r.PurchaseOrder
}

var purchaseOrders = store.Read(store.Relation[trade.PurchaseOrder]{
	Kind: "PurchaseOrder", From: "purchase_orders d", Visible: store.OwnSupplier("d.supplier_id"), Source: (*trade.PurchaseOrder).From,
	Columns: []store.Columns{
		store.Always(`d.id, d.number, d.revision, d.supplier_id AS "supplier_ref.id", coalesce(d.warehouse_id, '') AS "warehouse_ref.id",
			d.state AS status, d.issued_at, d.acknowledge_by`),
		store.When("buyer", "d.buyer"),
		// It was stored when the purchase order was; what its warehouse has learned of its address since then belongs to it.
		store.When("shipTo", `coalesce((SELECT w.location FROM warehouses w WHERE w.id = d.warehouse_id AND w.location @> d.ship_to),
			d.ship_to) AS ship_to`),
		store.When("raw", "d.raw"),
		store.When("deliveryTerms paymentTerms", "d.delivery_terms, d.payment_terms"),
		store.When("totals currency", sums),
		store.When("externalIds provenance statusExplanation", store.ProvenanceColumns("d")),
		store.When("statusExplanation", "d.status AS source_status"),
	},
}, (*purchaseOrderRow).trade)

// PurchaseOrders reads purchase orders by id.
func PurchaseOrders(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.PurchaseOrder, error) {
	return purchaseOrders.By(ctx, s, scope, "d.id", "", ids)
}

// PurchaseOrdersByNumber reads purchase orders by number.
func PurchaseOrdersByNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.PurchaseOrder,
	error,
) {
	return purchaseOrders.By(ctx, s, scope, "d.number", "", numbers)
}

// PurchaseOrdersInShipments reads the purchase orders in shipments, at most 100
// each.
func PurchaseOrdersInShipments(ctx context.Context, s *store.Store, scope trade.Scope,
	shipments []string,
) (map[string][]*trade.PurchaseOrder, error) {
	found, err := purchaseOrders.Under(ctx, s, scope, "JOIN shipment_purchase_orders x ON x.purchase_order_id = d.id", "x.shipment_id",
		"d.number", shipments)
	return store.AtMost(found, 100), err
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
func PurchaseOrderList(scope trade.Scope, f PurchaseOrderFilter, sort trade.PurchaseOrderSort) *store.List[trade.PurchaseOrder] {
	l := &store.List[trade.PurchaseOrder]{Relation: purchaseOrders, Name: "purchase orders " + string(sort), Scope: scope}
	id := store.Ascending("d.id", "text")
	switch sort {
	case trade.PurchaseOrdersByDue:
		l.Order = []store.SortKey{store.Ascending("coalesce(d.acknowledge_by, 'infinity')", "timestamptz"), id}
	case trade.PurchaseOrdersByDelivery:
		l.Order = []store.SortKey{store.Ascending("coalesce(d.delivery_date, 'infinity')", "date"), id}
	case trade.PurchaseOrdersByNumber:
		l.Order = []store.SortKey{store.Ascending("d.number", "text"), id}
	default:
		l.Order = []store.SortKey{store.Descending("d.issued_at", "timestamptz"), store.Descending("d.id", "text")}
	}
	if f.Status != nil {
		l.And("d.state = ANY(" + l.Args.Add(pq.Array(f.Status)) + ")")
	}
	if f.NeedsAction {
		if scope.Role() == trade.Supplier {
			l.And("d.state IN ('ISSUED', 'SENT', 'RECEIVED_BY_SUPPLIER')")
		} else {
			l.And("d.state = 'PENDING_REVIEW'")
		}
	}
	if f.Number != "" {
		l.And("d.number = " + l.Args.Add(f.Number))
	}
	if f.Supplier != "" {
		l.And("d.supplier_id = " + l.Args.Add(f.Supplier))
	}
	if f.Promised.From != nil || f.Promised.To != nil {
		inner := &store.List[trade.PurchaseOrder]{Args: l.Args}
		inner.Within("y.promised_delivery_date", f.Promised, false)
		l.Args = inner.Args
		condition := "EXISTS (SELECT FROM purchase_order_lines x JOIN purchase_schedule_lines y ON y.purchase_order_line_id = x.id WHERE " +
			"x.purchase_order_id = d.id"
		for _, w := range inner.Where {
			condition += " AND " + w
		}
		l.And(condition + ")")
	}
	if f.Item != "" {
		l.And("EXISTS (SELECT FROM purchase_order_lines x WHERE x.purchase_order_id = d.id AND x.item_id = " + l.Args.Add(f.Item) + ")")
	}
	l.Since("d.received_at", f.ChangedSince)
	return l
}

type purchaseLineRow struct {
	trade.PurchaseOrderLine
	Currency                                                 string
	Price, PricePer                                          store.NullDecimal
	Unit                                                     string
	QOrdered, QAcknowledged, QShipped, QReceived, QCancelled udecimal.Decimal
}

func (r *purchaseLineRow) trade() *trade.PurchaseOrderLine {
	l := &r.PurchaseOrderLine
	qty := func(v udecimal.Decimal) trade.Quantity { return trade.Quantity{Value: v, Unit: r.Unit} }
	l.Ordered, l.Acknowledged, l.Shipped, l.Received, l.Cancelled = qty(r.QOrdered), qty(r.QAcknowledged), qty(r.QShipped), qty(r.QReceived),
		qty(r.QCancelled)
	l.UnitPrice = store.UnitPrice(r.Price, r.PricePer, r.Unit, r.Currency)
	return l
}

var purchaseLines = store.Read(store.Relation[trade.PurchaseOrderLine]{
	Kind: "PurchaseOrderLine", From: "purchase_order_lines l", Visible: store.OwnSupplier("l.supplier_id"),
	Columns: []store.Columns{
		store.Always(`l.id, l.purchase_order_id, l.unit`),
		store.When("lineNumber", "l.line_number"),
		store.When("item", `coalesce(l.item_id, '') AS "item_ref.id"`),
		store.When("sku", "l.sku"),
		store.When("supplierPartNumber", "l.supplier_part_number"),
		store.When("description", "l.description"),
		store.When("unitPrice", "l.currency, l.price, l.price_per"),
		store.When("ordered open", "l.ordered AS q_ordered"),
		store.When("acknowledged", "l.acknowledged AS q_acknowledged"),
		store.When("shipped", "l.shipped AS q_shipped"),
		store.When("received open", "l.received AS q_received"),
		store.When("open", "l.cancelled AS q_cancelled"),
	},
}, (*purchaseLineRow).trade)

// PurchaseOrderLines reads purchase order lines by id.
func PurchaseOrderLines(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.PurchaseOrderLine, error) {
	return purchaseLines.By(ctx, s, scope, "l.id", "", ids)
}

// PurchaseOrderLineList is the lines below purchase orders, by line number.
func PurchaseOrderLineList(scope trade.Scope) *store.List[trade.PurchaseOrderLine] {
	return &store.List[trade.PurchaseOrderLine]{
		Relation: purchaseLines, Name: "purchase order lines", Scope: scope, Parent: "l.purchase_order_id",
		Order: []store.SortKey{store.Ascending("l.position", "integer"), store.Ascending("l.id", "text")},
	}
}

var purchaseSchedules = store.Read(store.Relation[trade.PurchaseScheduleLine]{
	Kind: "PurchaseScheduleLine", From: "purchase_schedule_lines x JOIN purchase_order_lines l ON l.id = x.purchase_order_line_id",
	Visible: store.OwnSupplier("l.supplier_id"),
	Columns: []store.Columns{
		store.Always(`x.number`),
		store.When("quantity", `x.quantity AS "quantity.value", l.unit AS "quantity.unit"`),
		store.When("requestedShipDate", "x.requested_ship_date"),
		store.When("requestedDeliveryDate", "x.requested_delivery_date"),
		store.When("promisedShipDate", "x.promised_ship_date"),
		store.When("promisedDeliveryDate", "x.promised_delivery_date"),
	},
}, store.Identity[trade.PurchaseScheduleLine])

// PurchaseSchedules reads the schedule lines of purchase order lines, in order.
func PurchaseSchedules(ctx context.Context, s *store.Store, scope trade.Scope, lines []string) (map[string][]*trade.PurchaseScheduleLine,
	error,
) {
	return purchaseSchedules.Under(ctx, s, scope, "", "x.purchase_order_line_id", "x.purchase_order_line_id, x.position", lines)
}

// PurchaseOrdersInDespatches reads the purchase orders that ship notices cover.
func PurchaseOrdersInDespatches(ctx context.Context, s *store.Store, scope trade.Scope,
	despatches []string,
) (map[string][]*trade.PurchaseOrder, error) {
	const join = `JOIN (SELECT DISTINCT x.despatch_advice_id, l.purchase_order_id FROM despatch_lines x
		JOIN purchase_order_lines l ON l.id = x.purchase_order_line_id) y ON y.purchase_order_id = d.id`
	return purchaseOrders.Under(ctx, s, scope, join, "y.despatch_advice_id", "d.number", despatches)
}
