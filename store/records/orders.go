package records

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

type orderRow struct {
	trade.Order
	HoldsJSON store.JSON[[]trade.OrderHold]
	Sums      store.Totals
}

func (r *orderRow) trade() *trade.Order {
	r.Holds, r.Totals = r.HoldsJSON.Value, r.Sums.Trade()
	return &r.Order
}

const sums = `d.currency AS "sums.currency", d.subtotal AS "sums.subtotal", d.discount AS "sums.discount", d.freight AS "sums.freight",
	d.tax AS "sums.tax", d.total AS "sums.total"`

var orders = store.Read(store.Relation[trade.Order]{
	Kind: "Order", From: "orders d", Visible: store.OwnAccount("d.account_id"), Source: (*trade.Order).From,
	Columns: []store.Columns{
		store.Always(`d.id, d.account_id AS "account_ref.id", d.status`),
		store.When("number statusExplanation", "d.number"),
		store.When("customerPoNumber", "d.customer_po_number"),
		store.When("shipTo billTo", `coalesce(d.ship_to_id, '') AS "ship_to_ref.id", coalesce(d.bill_to_id, '') AS "bill_to_ref.id"`),
		store.When("shipToAddress", "d.ship_to_address"),
		store.When("raw statusExplanation", "d.raw"),
		store.When("holds statusExplanation", "d.holds AS holds_json"),
		store.When("deliveryTerms paymentTerms", "d.delivery_terms, d.payment_terms"),
		store.When("requestedDeliveryDate promisedDeliveryDate", "d.requested_delivery_date, d.promised_delivery_date"),
		store.When("placedAt statusExplanation", "d.placed_at"),
		store.When("comment", "d.comment"),
		store.When("totals", sums),
		store.When("version", "order_version(d.source_version, d.changes) AS version"),
		store.When("placedBy allowedActions", "coalesce(d.placed_by, '') AS placed_by"),
		store.When("externalIds provenance statusExplanation", store.ProvenanceColumns("d")),
	},
}, (*orderRow).trade)

// Orders reads orders by id.
func Orders(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Order, error) {
	return orders.By(ctx, s, scope, "d.id", "", ids)
}

// OrdersByNumber reads orders by number.
func OrdersByNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.Order, error) {
	return orders.By(ctx, s, scope, "d.number", "", numbers)
}

// PoNumber is a customer's purchase order number.
type PoNumber struct{ AccountID, Number string }

// PoNumbersInUse tells which customers' purchase order numbers an open order has. Spaces
// around a number are no part of it.
func PoNumbersInUse(ctx context.Context, s *store.Store, scope trade.Scope, numbers []PoNumber) (map[PoNumber]bool, error) {
	var a store.Args
	accounts, texts := make([]string, len(numbers)), make([]string, len(numbers))
	for i, n := range numbers {
		accounts[i], texts[i] = n.AccountID, n.Number
	}
	query := `SELECT n.account AS account_id, n.number FROM orders d JOIN unnest(` + a.AddTexts(accounts) + `::text[], ` +
		a.AddTexts(texts) + `::text[]) AS n(account, number)
		ON d.account_id = n.account AND btrim(d.customer_po_number) = btrim(n.number) WHERE d.status NOT IN ` + finished + ` AND ` +
		store.OwnAccount("d.account_id")(scope, &a)
	var rows []PoNumber
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
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
func OrdersInShipments(ctx context.Context, s *store.Store, scope trade.Scope, shipments []string) (map[string][]*trade.Order, error) {
	found, err := orders.Under(ctx, s, scope, "JOIN shipment_orders x ON x.order_id = d.id", "x.shipment_id", "d.number", shipments)
	return store.AtMost(found, 100), err
}

// OrdersInInvoices reads the orders that invoices cover, at most 100 each.
func OrdersInInvoices(ctx context.Context, s *store.Store, scope trade.Scope, invoices []string) (map[string][]*trade.Order, error) {
	found, err := orders.Under(ctx, s, scope, "JOIN (SELECT DISTINCT invoice_id, order_id FROM invoice_lines) x ON x.order_id = d.id",
		"x.invoice_id", "d.number", invoices)
	return store.AtMost(found, 100), err
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
func OrderList(scope trade.Scope, f OrderFilter, sort trade.OrderSort, perAccount bool) *store.List[trade.Order] {
	l := &store.List[trade.Order]{Relation: orders, Name: "orders " + string(sort), Scope: scope}
	if perAccount {
		l.Parent = "d.account_id"
	}
	switch sort {
	case trade.OrdersOldest:
		l.Order = []store.SortKey{store.Ascending("d.placed_at", "timestamptz"), store.Ascending("d.id", "text")}
	case trade.OrdersByRequested:
		l.Order = []store.SortKey{store.Ascending("coalesce(d.requested_delivery_date, 'infinity')", "date"), store.Ascending("d.id", "text")}
	case trade.OrdersByNumber:
		l.Order = []store.SortKey{store.Ascending("coalesce(d.number, '')", "text"), store.Ascending("d.id", "text")}
	default:
		l.Order = []store.SortKey{store.Descending("d.placed_at", "timestamptz"), store.Descending("d.id", "text")}
	}
	if f.Accounts != nil {
		l.And("d.account_id = ANY(" + l.Args.AddTexts(f.Accounts) + ")")
	}
	if f.Status != nil {
		l.And("d.status = ANY(" + l.Args.Add(pq.Array(f.Status)) + ")")
	}
	if f.Number != "" {
		l.And("d.number = " + l.Args.Add(f.Number))
	}
	if f.CustomerPoNumber != "" {
		l.And("btrim(d.customer_po_number) = btrim(" + l.Args.Add(f.CustomerPoNumber) + ")")
	}
	l.Within("d.placed_at", f.Placed, true)
	if f.Item != "" {
		l.And("EXISTS (SELECT FROM order_lines ol WHERE ol.order_id = d.id AND ol.item_id = " + l.Args.Add(f.Item) + ")")
	}
	if f.ShipTo != "" {
		l.And("d.ship_to_id = " + l.Args.Add(f.ShipTo))
	}
	l.Since("d.received_at", f.ChangedSince)
	return l
}

type orderLineRow struct {
	trade.OrderLine
	Currency                    string
	Price, PricePer, LineAmount store.NullDecimal
	Unit                        string
}

func (r *orderLineRow) trade() *trade.OrderLine {
	l := &r.OrderLine
	for _, q := range [...]*trade.Quantity{
		&l.Ordered, &l.Confirmed, &l.Allocated, &l.Backordered, &l.Shipped, &l.Delivered, &l.Invoiced,
		&l.Cancelled, &l.Returned,
	} {
		q.Unit = r.Unit
	}
	l.UnitPrice, l.Amount = store.UnitPrice(r.Price, r.PricePer, r.Unit, r.Currency), r.LineAmount.Money(r.Currency)
	return l
}

var orderLines = store.Read(store.Relation[trade.OrderLine]{
	Kind: "OrderLine", From: "order_lines l", Visible: store.OwnAccount("l.account_id"),
	Columns: []store.Columns{
		store.Always("l.id"),
		store.When("order", "l.order_id"),
		store.When("lineNumber", "l.line_number"),
		store.When("item", `coalesce(l.item_id, '') AS "item_ref.id"`),
		store.When("sku", "l.sku"),
		store.When("customerPartNumber", "l.customer_part_number"),
		store.When("description", "l.description"),
		store.When("unitPrice amount", "l.currency"),
		store.When("unitPrice", "l.price, l.price_per"),
		store.When("amount", "l.amount AS line_amount"),
		store.When("status", "l.status"),
		store.When("unitPrice Quantity.unit", "l.unit"),
		store.When("ordered", `l.ordered AS "ordered.value"`),
		store.When("confirmed", `l.confirmed AS "confirmed.value"`),
		store.When("allocated", `l.allocated AS "allocated.value"`),
		store.When("backordered", `l.backordered AS "backordered.value"`),
		store.When("shipped", `l.shipped AS "shipped.value"`),
		store.When("delivered", `l.delivered AS "delivered.value"`),
		store.When("deliveredBasis", "CASE WHEN l.source_delivered IS NULL THEN 'SOURCE' ELSE 'PACKAGES' END AS delivered_basis"),
		store.When("invoiced", `l.invoiced AS "invoiced.value"`),
		store.When("cancelled returned", `l.cancelled AS "cancelled.value", l.returned AS "returned.value"`),
		store.When("substitutedFor", `coalesce(l.substituted_for_id, '') AS "substituted_for_ref.id"`),
	},
}, (*orderLineRow).trade)

// OrderLines reads order lines by id.
func OrderLines(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.OrderLine, error) {
	return orderLines.By(ctx, s, scope, "l.id", "", ids)
}

// lineFacts are lines with all that the status of their order follows from, whichever fields
// are read.
var lineFacts = store.Read(store.Relation[trade.OrderLine]{
	Kind: "OrderLine", From: orderLines.From, Visible: orderLines.Visible,
	Columns: []store.Columns{store.Always(`l.id, l.line_number, l.status, l.unit, l.ordered AS "ordered.value",
		l.confirmed AS "confirmed.value", l.backordered AS "backordered.value", l.shipped AS "shipped.value",
		l.delivered AS "delivered.value", l.invoiced AS "invoiced.value", l.cancelled AS "cancelled.value",
		CASE WHEN l.source_delivered IS NULL THEN 'SOURCE' ELSE 'PACKAGES' END AS delivered_basis`)},
}, (*orderLineRow).trade)

// LinesOf reads the lines of orders, at most 1,000 each.
func LinesOf(ctx context.Context, s *store.Store, scope trade.Scope, orders []string) (map[string][]*trade.OrderLine, error) {
	found, err := lineFacts.Under(ctx, s, scope, "", "l.order_id", "l.position, l.id", orders)
	return store.AtMost(found, 1000), err
}

// OrderLineList is the lines below orders, by line number.
func OrderLineList(scope trade.Scope) *store.List[trade.OrderLine] {
	return &store.List[trade.OrderLine]{
		Relation: orderLines, Name: "order lines", Scope: scope, Parent: "l.order_id",
		Order: []store.SortKey{store.Ascending("l.position", "integer"), store.Ascending("l.id", "text")},
	}
}

var schedules = store.Read(store.Relation[trade.ScheduleLine]{
	Kind: "ScheduleLine", From: "schedule_lines x", Visible: store.OwnAccount("x.account_id"),
	Columns: []store.Columns{
		store.Always(`x.quantity AS "quantity.value"`),
		store.When("Quantity.unit", `x.unit AS "quantity.unit"`),
		store.When("warehouse", `coalesce(x.warehouse_id, '') AS "warehouse_ref.id"`),
		store.When("requestedShipDate", "x.requested_ship_date"),
		store.When("requestedDeliveryDate", "x.requested_delivery_date"),
		store.When("promisedShipDate", "x.promised_ship_date"),
		store.When("promisedDeliveryDate", "x.promised_delivery_date"),
		store.When("actualShipDate", "x.actual_ship_date"),
		store.When("actualDeliveryDate", "x.actual_delivery_date"),
	},
}, store.Identity[trade.ScheduleLine])

// Schedules reads the schedule lines of order lines, in order.
func Schedules(ctx context.Context, s *store.Store, scope trade.Scope, lines []string) (map[string][]*trade.ScheduleLine, error) {
	return schedules.Under(ctx, s, scope, "", "x.order_line_id", "x.order_line_id, x.position", lines)
}

// AlertedOrders are the orders of customers that alerts touch, newest first.
func AlertedOrders(scope trade.Scope) *store.List[trade.Order] {
	l := OrderList(scope, OrderFilter{}, trade.OrdersNewest, false)
	l.Name, l.Join, l.Parent = "orders of alerts", "JOIN alert_orders x ON x.order_id = d.id", "x.alert_id"
	return l
}
