package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/trade"
)

type orderRow struct {
	trade.Order
	HoldsJSON jsonOf[[]trade.OrderHold]
	Sums      totals
}

func (r *orderRow) trade() *trade.Order {
	r.Holds, r.Totals = r.HoldsJSON.value, r.Sums.trade()
	return &r.Order
}

const sums = `d.currency AS "sums.currency", d.subtotal AS "sums.subtotal", d.discount AS "sums.discount", d.freight AS "sums.freight",
	d.tax AS "sums.tax", d.total AS "sums.total"`

var orders = read(relation[trade.Order]{
	kind: "Order", from: "orders d", visible: ownAccount("d.account_id"), source: (*trade.Order).From,
	columns: []columns{
		always(`d.id, d.account_id AS "account_ref.id", d.status`),
		when("number statusExplanation", "d.number"),
		when("customerPoNumber", "d.customer_po_number"),
		when("shipTo billTo", `coalesce(d.ship_to_id, '') AS "ship_to_ref.id", coalesce(d.bill_to_id, '') AS "bill_to_ref.id"`),
		when("shipToAddress", "d.ship_to_address"),
		when("raw statusExplanation", "d.raw"),
		when("holds statusExplanation", "d.holds AS holds_json"),
		when("deliveryTerms paymentTerms", "d.delivery_terms, d.payment_terms"),
		when("requestedDeliveryDate promisedDeliveryDate", "d.requested_delivery_date, d.promised_delivery_date"),
		when("placedAt statusExplanation", "d.placed_at"),
		when("comment", "d.comment"),
		when("totals", sums),
		when("version", "order_version(d.source_version, d.changes) AS version"),
		when("placedBy allowedActions", "coalesce(d.placed_by, '') AS placed_by"),
		when("externalIds provenance statusExplanation", provenance("d")),
	},
}, (*orderRow).trade)

// Orders reads orders by id.
func (s *Store) Orders(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Order, error) {
	return orders.by(ctx, s, scope, "d.id", "", ids)
}

// OrdersByNumber reads orders by number.
func (s *Store) OrdersByNumber(ctx context.Context, scope trade.Scope, numbers []string) (map[string]*trade.Order, error) {
	return orders.by(ctx, s, scope, "d.number", "", numbers)
}

// PoNumber is a customer's purchase order number.
type PoNumber struct{ AccountID, Number string }

// PoNumbersInUse tells which customers' purchase order numbers an open order has.
func (s *Store) PoNumbersInUse(ctx context.Context, scope trade.Scope, numbers []PoNumber) (map[PoNumber]bool, error) {
	var a args
	accounts, texts := make([]string, len(numbers)), make([]string, len(numbers))
	for i, n := range numbers {
		accounts[i], texts[i] = n.AccountID, n.Number
	}
	query := `SELECT d.account_id, d.customer_po_number AS number FROM orders d JOIN unnest(` + a.set(accounts) + `::text[], ` + a.set(texts) + `::text[]) AS n(account, number)
		ON d.account_id = n.account AND d.customer_po_number = n.number WHERE d.status NOT IN ` + finished + ` AND ` + ownAccount("d.account_id")(scope, &a)
	var rows []PoNumber
	if err := s.sel(ctx, nil, &rows, query, a.list...); err != nil {
		return nil, fmt.Errorf("purchase order numbers: %w", err)
	}
	used := map[PoNumber]bool{}
	for _, r := range rows {
		used[r] = true
	}
	return used, nil
}

// finished are the states of orders that nothing happens to any more.
const finished = `('DELIVERED', 'INVOICED', 'CLOSED', 'CANCELLED', 'REJECTED')`

// OrdersInShipments reads the customer orders in shipments, at most 100 each.
func (s *Store) OrdersInShipments(ctx context.Context, scope trade.Scope, shipments []string) (map[string][]*trade.Order, error) {
	found, err := orders.under(ctx, s, scope, "JOIN shipment_orders x ON x.order_id = d.id", "x.shipment_id", "d.number", shipments)
	return atMost(found, 100), err
}

// OrdersInInvoices reads the orders that invoices cover, at most 100 each.
func (s *Store) OrdersInInvoices(ctx context.Context, scope trade.Scope, invoices []string) (map[string][]*trade.Order, error) {
	found, err := orders.under(ctx, s, scope, "JOIN (SELECT DISTINCT invoice_id, order_id FROM invoice_lines) x ON x.order_id = d.id", "x.invoice_id", "d.number", invoices)
	return atMost(found, 100), err
}

// OrderFilter narrows a list of orders; Item and ShipTo are ids.
type OrderFilter struct {
	Accounts         []string
	Status           []trade.OrderStatus
	Number           string
	CustomerPoNumber string
	Placed           trade.DateRange
	Item             string
	ShipTo           string
	ChangedSince     *time.Time
}

// OrderList is the orders the scope sees; with perAccount, one list below each
// account.
func OrderList(scope trade.Scope, f OrderFilter, sort trade.OrderSort, perAccount bool) *List[trade.Order] {
	l := &List[trade.Order]{relation: orders, name: "orders " + string(sort), scope: scope}
	if perAccount {
		l.parent = "d.account_id"
	}
	switch sort {
	case trade.OrdersOldest:
		l.order = []sortKey{ascending("d.placed_at", "timestamptz"), ascending("d.id", "text")}
	case trade.OrdersByRequested:
		l.order = []sortKey{ascending("coalesce(d.requested_delivery_date, 'infinity')", "date"), ascending("d.id", "text")}
	case trade.OrdersByNumber:
		l.order = []sortKey{ascending("coalesce(d.number, '')", "text"), ascending("d.id", "text")}
	default:
		l.order = []sortKey{descending("d.placed_at", "timestamptz"), descending("d.id", "text")}
	}
	if f.Accounts != nil {
		l.and("d.account_id = ANY(" + l.args.set(f.Accounts) + ")")
	}
	if f.Status != nil {
		l.and("d.status = ANY(" + l.args.add(pq.Array(f.Status)) + ")")
	}
	if f.Number != "" {
		l.and("d.number = " + l.args.add(f.Number))
	}
	if f.CustomerPoNumber != "" {
		l.and("d.customer_po_number = " + l.args.add(f.CustomerPoNumber))
	}
	l.within("d.placed_at", f.Placed, true)
	if f.Item != "" {
		l.and("EXISTS (SELECT FROM order_lines ol WHERE ol.order_id = d.id AND ol.item_id = " + l.args.add(f.Item) + ")")
	}
	if f.ShipTo != "" {
		l.and("d.ship_to_id = " + l.args.add(f.ShipTo))
	}
	l.since("d.received_at", f.ChangedSince)
	return l
}

type orderLineRow struct {
	trade.OrderLine
	Currency                    string
	Price, PricePer, LineAmount nullDecimal
	Unit                        string
}

func (r *orderLineRow) trade() *trade.OrderLine {
	l := &r.OrderLine
	for _, q := range [...]*trade.Quantity{&l.Ordered, &l.Confirmed, &l.Allocated, &l.Backordered, &l.Shipped, &l.Delivered, &l.Invoiced, &l.Cancelled, &l.Returned} {
		q.Unit = r.Unit
	}
	l.UnitPrice, l.Amount = unitPrice(r.Price, r.PricePer, r.Unit, r.Currency), r.LineAmount.money(r.Currency)
	return l
}

var orderLines = read(relation[trade.OrderLine]{
	kind: "OrderLine", from: "order_lines l", visible: ownAccount("l.account_id"),
	columns: []columns{
		always("l.id"),
		when("order", "l.order_id"),
		when("lineNumber", "l.line_number"),
		when("item", `coalesce(l.item_id, '') AS "item_ref.id"`),
		when("sku", "l.sku"),
		when("customerPartNumber", "l.customer_part_number"),
		when("description", "l.description"),
		when("unitPrice amount", "l.currency"),
		when("unitPrice", "l.price, l.price_per"),
		when("amount", "l.amount AS line_amount"),
		when("status", "l.status"),
		when("unitPrice Quantity.unit", "l.unit"),
		when("ordered", `l.ordered AS "ordered.value"`),
		when("confirmed", `l.confirmed AS "confirmed.value"`),
		when("allocated", `l.allocated AS "allocated.value"`),
		when("backordered", `l.backordered AS "backordered.value"`),
		when("shipped", `l.shipped AS "shipped.value"`),
		when("delivered", `l.delivered AS "delivered.value"`),
		when("invoiced", `l.invoiced AS "invoiced.value"`),
		when("cancelled returned", `l.cancelled AS "cancelled.value", l.returned AS "returned.value"`),
		when("substitutedFor", `coalesce(l.substituted_for_id, '') AS "substituted_for_ref.id"`),
	},
}, (*orderLineRow).trade)

// OrderLines reads order lines by id.
func (s *Store) OrderLines(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.OrderLine, error) {
	return orderLines.by(ctx, s, scope, "l.id", "", ids)
}

// lineFacts are lines with all that the status of their order follows from, whichever fields
// are read.
var lineFacts = read(relation[trade.OrderLine]{
	kind: "OrderLine", from: orderLines.from, visible: orderLines.visible,
	columns: []columns{always(`l.id, l.line_number, l.status, l.unit, l.ordered AS "ordered.value", l.confirmed AS "confirmed.value", l.backordered AS "backordered.value", l.shipped AS "shipped.value",
		l.delivered AS "delivered.value", l.invoiced AS "invoiced.value", l.cancelled AS "cancelled.value"`)},
}, (*orderLineRow).trade)

// LinesOf reads the lines of orders, at most 1,000 each.
func (s *Store) LinesOf(ctx context.Context, scope trade.Scope, orders []string) (map[string][]*trade.OrderLine, error) {
	found, err := lineFacts.under(ctx, s, scope, "", "l.order_id", "l.position, l.id", orders)
	return atMost(found, 1000), err
}

// OrderLineList is the lines below orders, by line number.
func OrderLineList(scope trade.Scope) *List[trade.OrderLine] {
	return &List[trade.OrderLine]{
		relation: orderLines, name: "order lines", scope: scope, parent: "l.order_id", order: []sortKey{ascending("l.position", "integer"), ascending("l.id", "text")},
	}
}

var schedules = read(relation[trade.ScheduleLine]{
	kind: "ScheduleLine", from: "schedule_lines x", visible: ownAccount("x.account_id"),
	columns: []columns{
		always(`x.quantity AS "quantity.value"`),
		when("Quantity.unit", `x.unit AS "quantity.unit"`),
		when("warehouse", `coalesce(x.warehouse_id, '') AS "warehouse_ref.id"`),
		when("requestedShipDate", "x.requested_ship_date"),
		when("requestedDeliveryDate", "x.requested_delivery_date"),
		when("promisedShipDate", "x.promised_ship_date"),
		when("promisedDeliveryDate", "x.promised_delivery_date"),
		when("actualShipDate", "x.actual_ship_date"),
		when("actualDeliveryDate", "x.actual_delivery_date"),
	},
}, same[trade.ScheduleLine])

// Schedules reads the schedule lines of order lines, in order.
func (s *Store) Schedules(ctx context.Context, scope trade.Scope, lines []string) (map[string][]*trade.ScheduleLine, error) {
	return schedules.under(ctx, s, scope, "", "x.order_line_id", "x.order_line_id, x.position", lines)
}

// AlertedOrders are the orders of customers that alerts touch, newest first.
func AlertedOrders(scope trade.Scope) *List[trade.Order] {
	l := OrderList(scope, OrderFilter{}, trade.OrdersNewest, false)
	l.name, l.join, l.parent = "orders of alerts", "JOIN alert_orders x ON x.order_id = d.id", "x.alert_id"
	return l
}
