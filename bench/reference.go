package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/auth"
	"portico/execution"
	"portico/graph"
	"portico/trade"
)

// reference answers the pages as a handler written by hand for each would: the
// columns it needs, one prepared statement a level, rows into structs, and JSON
// appended to a buffer. Callers are signed in as Portico's are. It keeps no
// provenance, limits, traces or statistics, and has all prices from the start.
type reference struct {
	stmt   map[string]*sql.Stmt
	price  map[string]*trade.Price
	buffer chan []byte
}

// accounts are the caller's own, if it may read what the page is about.
func accounts(ctx context.Context, right string) (any, error) {
	scope := auth.CallerOf(ctx).Scope
	if err := scope.Decide([][]string{{right}}, nil); err != nil {
		return nil, err
	}
	return pq.Array(scope.Accounts()), nil
}

// The statements are those of a good writer: keys go in as one array, rows come
// out in the order of the answer.
var referenceStatements = map[string]string{
	"orders": `SELECT id, number, customer_po_number, status, placed_at, account_id, currency, total FROM orders
		WHERE account_id = ANY($1) ORDER BY placed_at DESC, id DESC LIMIT 50`,
	"accounts": `SELECT id, number, name FROM accounts WHERE id = ANY($1)`,
	"lines": `SELECT order_id, id, line_number, sku, status, ordered, unit, shipped, price, price_per, currency, item_id FROM order_lines
		WHERE order_id = ANY($1) ORDER BY order_id, position`,
	"schedule": `SELECT order_line_id, quantity, promised_delivery_date, actual_ship_date FROM schedule_lines WHERE order_line_id = ANY($1)
		ORDER BY order_line_id, position`,
	"items": `SELECT id, sku, name, gtin, base_unit, status FROM items WHERE id = ANY($1)`,
	"stock": `SELECT st.item_id, w.code, st.on_hand, st.allocated, st.safety_stock FROM stock st JOIN warehouses w ON w.id = st.warehouse_id
		WHERE st.item_id = ANY($1) ORDER BY w.code`,
	"shipments": `SELECT x.order_id, d.id, d.number, d.status, d.carrier ->> 'name' FROM shipments d JOIN shipment_orders x ON x.shipment_id = d.id
		WHERE x.order_id = ANY($1) AND d.account_id = ANY($2) ORDER BY d.created_at DESC, d.id DESC`,
	"last event": `SELECT e.shipment_id, e.milestone, e.occurred_at FROM unnest($1::text[]) AS s(id) CROSS JOIN LATERAL (
		SELECT * FROM shipment_events WHERE shipment_id = s.id ORDER BY occurred_at DESC, id DESC LIMIT 1) e`,
	"catalogue": `SELECT id, sku, gtin, name, brand, base_unit, status FROM items WHERE status IN ('ACTIVE', 'DISCONTINUED') ORDER BY sku LIMIT 100`,
	"order": `SELECT id, number, customer_po_number, status, placed_at, account_id, coalesce(ship_to_id, ''), currency, subtotal, freight, tax, total
		FROM orders WHERE number = $1 AND account_id = ANY($2)`,
	"place": `SELECT code, address FROM account_locations WHERE id = $1`,
	"order lines": `SELECT id, line_number, sku, description, status, ordered, unit, shipped, price, price_per, currency, amount, item_id
		FROM order_lines WHERE order_id = $1 ORDER BY position LIMIT 100`,
	"items of lines": `SELECT id, name, gtin FROM items WHERE id = ANY($1)`,
	"events": `SELECT shipment_id, milestone, occurred_at, location ->> 'city', location IS NOT NULL FROM shipment_events WHERE shipment_id = ANY($1)
		ORDER BY shipment_id, occurred_at, id`,
	"invoices": `SELECT number, CASE WHEN status IN ('ISSUED', 'PARTIALLY_PAID') AND due_on < current_date AND balance > 0 THEN 'OVERDUE' ELSE status END,
		balance, currency FROM invoices WHERE id IN (SELECT invoice_id FROM invoice_lines WHERE order_id = $1) AND account_id = ANY($2)
		ORDER BY issued_on DESC, id DESC`,
	"item": `SELECT sku, gtin, name, brand, base_unit, status FROM items WHERE sku = $1`,
}

const referenceBuffers = 64

func newReference(ctx context.Context, dsn string, price map[string]*trade.Price) (*reference, error) {
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	r := &reference{stmt: map[string]*sql.Stmt{}, price: price, buffer: make(chan []byte, referenceBuffers)}
	for name, text := range referenceStatements {
		if r.stmt[name], err = db.PrepareContext(ctx, text); err != nil { //nolint:sqlclosecheck // for as long as the process runs
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return r, nil
}

// ServeHTTP reads the same request that Portico gets; the page is in the path.
func (r *reference) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var asked struct {
		Variables struct{ Number, SKU string }
	}
	if err := json.NewDecoder(req.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var b []byte
	select {
	case b = <-r.buffer:
	default:
	}
	b = append(b[:0], `{"data":`...)
	var err error
	switch req.PathValue("page") {
	case "orders":
		b, err = r.orders(req.Context(), b)
	case "catalogue":
		b, err = r.catalogue(req.Context(), b)
	case "order":
		b, err = r.order(req.Context(), b, asked.Variables.Number)
	case "item":
		b, err = r.item(req.Context(), b, asked.Variables.SKU)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	b = append(b, '}')
	_, _ = w.Write(b)
	select {
	case r.buffer <- b:
	default:
	}
}

// each runs a statement and hands out its rows.
func (r *reference) each(ctx context.Context, name string, row func(*sql.Rows) error, args ...any) error {
	rows, err := r.stmt[name].QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

type refOrder struct {
	id, number, status, account, currency string
	po                                    *string
	placed                                time.Time
	total                                 udecimal.Decimal
	lines                                 []refLine
	shipments                             []refShipment
}

type refLine struct {
	id, number, status, unit, currency string
	sku, item                          *string
	ordered, shipped, price, per       udecimal.Decimal
	schedule                           []refSchedule
	description                        string
	gtin                               *string
	amount                             udecimal.Decimal
	itemName                           *string
}

type refSchedule struct {
	quantity          udecimal.Decimal
	promised, shipped *time.Time
}

type refShipment struct {
	id, number, status string
	carrier            *string
	events             []refEvent
}

type refEvent struct {
	milestone string
	at        time.Time
	city      *string
	located   bool
}

type refItem struct {
	id, sku, name, unit, status string
	gtin, brand                 *string
	stock                       []refStock
}

type refStock struct {
	code                                 string
	onHand, allocated, safety, available udecimal.Decimal
}

// stock reads the stock of items.
func (r *reference) stock(ctx context.Context, items map[string]*refItem, ids []string) error {
	return r.each(ctx, "stock", func(rows *sql.Rows) error {
		var item string
		var s refStock
		if err := rows.Scan(&item, &s.code, &s.onHand, &s.allocated, &s.safety); err != nil {
			return err
		}
		s.available = udecimal.Max(s.onHand.Sub(s.allocated).Sub(s.safety), udecimal.Zero)
		items[item].stock = append(items[item].stock, s)
		return nil
	}, pq.Array(ids))
}

func (i *refItem) availability() (status string, available udecimal.Decimal) {
	var safety udecimal.Decimal
	empty := 0
	for _, s := range i.stock {
		available, safety = available.Add(s.available), safety.Add(s.safety)
		if s.available.IsZero() {
			empty++
		}
	}
	ended := i.status == "DISCONTINUED" || i.status == "REPLACED"
	switch {
	case len(i.stock) == 0 && !ended:
		status = "UNKNOWN"
	case available.IsZero() && ended:
		status = "DISCONTINUED"
	case available.IsZero() && i.status == "ON_HOLD":
		status = "OUT_OF_STOCK"
	case available.IsZero():
		status = "BACKORDERABLE"
	case available.LessThanOrEqual(safety):
		status = "LOW"
	case empty > 0:
		status = "PARTIAL"
	default:
		status = "IN_STOCK"
	}
	return status, available
}

func (r *reference) orders(ctx context.Context, b []byte) ([]byte, error) {
	mine, err := accounts(ctx, "order:read")
	if err != nil {
		return nil, err
	}
	orders := make([]refOrder, 0, 50)
	byID := make(map[string]*refOrder, 50)
	var ids, accountIDs []string
	names := map[string][2]string{}
	err = r.each(ctx, "orders", func(rows *sql.Rows) error {
		var o refOrder
		if err := rows.Scan(&o.id, &o.number, &o.po, &o.status, &o.placed, &o.account, &o.currency, &o.total); err != nil {
			return err
		}
		orders = append(orders, o)
		byID[o.id] = &orders[len(orders)-1]
		ids = append(ids, o.id)
		if _, ok := names[o.account]; !ok {
			names[o.account] = [2]string{}
			accountIDs = append(accountIDs, o.account)
		}
		return nil
	}, mine)
	if err != nil {
		return nil, err
	}
	if err := r.each(ctx, "accounts", func(rows *sql.Rows) error {
		var id, number, name string
		err := rows.Scan(&id, &number, &name)
		names[id] = [2]string{number, name}
		return err
	}, pq.Array(accountIDs)); err != nil {
		return nil, err
	}
	var lineIDs, itemIDs []string
	items := map[string]*refItem{}
	if err := r.each(ctx, "lines", func(rows *sql.Rows) error {
		var order string
		var l refLine
		if err := rows.Scan(&order, &l.id, &l.number, &l.sku, &l.status, &l.ordered, &l.unit, &l.shipped, &l.price, &l.per, &l.currency, &l.item); err != nil {
			return err
		}
		o := byID[order]
		o.lines = append(o.lines, l)
		lineIDs = append(lineIDs, l.id)
		if l.item != nil && items[*l.item] == nil {
			items[*l.item] = &refItem{}
			itemIDs = append(itemIDs, *l.item)
		}
		return nil
	}, pq.Array(ids)); err != nil {
		return nil, err
	}
	lines := make(map[string]*refLine, len(lineIDs))
	for i := range orders {
		for j := range orders[i].lines {
			lines[orders[i].lines[j].id] = &orders[i].lines[j]
		}
	}
	if err := r.schedule(ctx, lines, lineIDs); err != nil {
		return nil, err
	}
	if err := r.each(ctx, "items", func(rows *sql.Rows) error {
		var i refItem
		err := rows.Scan(&i.id, &i.sku, &i.name, &i.gtin, &i.unit, &i.status)
		*items[i.id] = i
		return err
	}, pq.Array(itemIDs)); err != nil {
		return nil, err
	}
	if err := r.stock(ctx, items, itemIDs); err != nil {
		return nil, err
	}
	shipments, err := r.shipments(ctx, mine, byID, ids)
	if err != nil {
		return nil, err
	}
	shipmentIDs := make([]string, 0, len(shipments))
	for id := range shipments {
		shipmentIDs = append(shipmentIDs, id)
	}
	if err := r.each(ctx, "last event", func(rows *sql.Rows) error {
		var shipment string
		var e refEvent
		if err := rows.Scan(&shipment, &e.milestone, &e.at); err != nil {
			return err
		}
		for _, s := range shipments[shipment] {
			s.events = append(s.events, e)
		}
		return nil
	}, pq.Array(shipmentIDs)); err != nil {
		return nil, err
	}
	b = append(b, `{"orders":{"nodes":[`...)
	for i := range orders {
		b = orders[i].append(comma(b, i), names, items)
	}
	return append(b, `]}}`...), nil
}

func (r *reference) schedule(ctx context.Context, lines map[string]*refLine, ids []string) error {
	return r.each(ctx, "schedule", func(rows *sql.Rows) error {
		var line string
		var s refSchedule
		if err := rows.Scan(&line, &s.quantity, &s.promised, &s.shipped); err != nil {
			return err
		}
		lines[line].schedule = append(lines[line].schedule, s)
		return nil
	}, pq.Array(ids))
}

// shipments reads the shipments of orders. One shipment may carry several.
func (r *reference) shipments(ctx context.Context, mine any, orders map[string]*refOrder, ids []string) (map[string][]*refShipment, error) {
	err := r.each(ctx, "shipments", func(rows *sql.Rows) error {
		var order string
		var s refShipment
		if err := rows.Scan(&order, &s.id, &s.number, &s.status, &s.carrier); err != nil {
			return err
		}
		orders[order].shipments = append(orders[order].shipments, s)
		return nil
	}, pq.Array(ids), mine)
	byID := map[string][]*refShipment{}
	for _, o := range orders {
		for i := range o.shipments {
			s := &o.shipments[i]
			byID[s.id] = append(byID[s.id], s)
		}
	}
	return byID, err
}

func (o *refOrder) append(b []byte, accounts map[string][2]string, items map[string]*refItem) []byte {
	b = execution.AppendString(append(b, `{"number":`...), o.number)
	b = optional(append(b, `,"customerPoNumber":`...), o.po)
	b = execution.AppendString(append(b, `,"status":`...), o.status)
	b = graph.AppendDateTime(append(b, `,"placedAt":`...), o.placed)
	b = execution.AppendString(append(b, `,"account":{"number":`...), accounts[o.account][0])
	b = execution.AppendString(append(b, `,"name":`...), accounts[o.account][1])
	b = money(append(b, `},"totals":{"total":`...), o.total, o.currency)
	b = append(b, `},"lines":{"nodes":[`...)
	for i := range o.lines {
		l := &o.lines[i]
		b = execution.AppendString(append(comma(b, i), `{"lineNumber":`...), l.number)
		b = optional(append(b, `,"sku":`...), l.sku)
		b = execution.AppendString(append(b, `,"status":`...), l.status)
		b = graph.AppendDecimal(append(b, `,"ordered":{"value":`...), l.ordered)
		b = execution.AppendString(append(b, `,"unit":`...), l.unit)
		b = graph.AppendDecimal(append(b, `},"shipped":{"value":`...), l.shipped)
		b = l.appendPrice(append(b, `},"unitPrice":`...))
		b = append(b, `,"item":`...)
		if l.item == nil {
			b = append(b, `null`...)
		} else {
			item := items[*l.item]
			b = execution.AppendString(append(b, `{"sku":`...), item.sku)
			b = execution.AppendString(append(b, `,"name":`...), item.name)
			b = optional(append(b, `,"gtin":`...), item.gtin)
			b = append(item.appendStock(append(b, `,"availability":`...), false), '}')
		}
		b = l.appendSchedule(append(b, `,"schedule":`...))
		b = append(b, '}')
	}
	b = append(b, `]},"shipments":{"nodes":[`...)
	for i := range o.shipments {
		s := &o.shipments[i]
		b = s.appendHead(comma(b, i))
		for j, e := range s.events {
			b = execution.AppendString(append(comma(b, j), `{"milestone":`...), e.milestone)
			b = append(graph.AppendDateTime(append(b, `,"occurredAt":`...), e.at), '}')
		}
		b = append(b, `]}}`...)
	}
	return append(b, `]}}`...)
}

func (l *refLine) appendPrice(b []byte) []byte {
	b = money(append(b, `{"price":`...), l.price, l.currency)
	b = graph.AppendDecimal(append(b, `,"per":{"value":`...), l.per)
	return append(execution.AppendString(append(b, `,"unit":`...), l.unit), `}}`...)
}

func (l *refLine) appendSchedule(b []byte) []byte {
	b = append(b, '[')
	for i := range l.schedule {
		s := &l.schedule[i]
		b = graph.AppendDecimal(append(comma(b, i), `{"quantity":{"value":`...), s.quantity)
		b = day(append(b, `},"promisedDeliveryDate":`...), s.promised)
		b = append(day(append(b, `,"actualShipDate":`...), s.shipped), '}')
	}
	return append(b, ']')
}

func (s *refShipment) appendHead(b []byte) []byte {
	b = execution.AppendString(append(b, `{"number":`...), s.number)
	b = execution.AppendString(append(b, `,"status":`...), s.status)
	b = append(b, `,"carrier":`...)
	if s.carrier == nil {
		b = append(b, `null`...)
	} else {
		b = append(execution.AppendString(append(b, `{"name":`...), *s.carrier), '}')
	}
	return append(b, `,"events":{"nodes":[`...)
}

func (i *refItem) appendStock(b []byte, onHand bool) []byte {
	status, available := i.availability()
	b = execution.AppendString(append(b, `{"status":`...), status)
	b = append(b, `,"availableNow":`...)
	if len(i.stock) == 0 {
		b = append(b, `null`...)
	} else {
		b = graph.AppendDecimal(append(b, `{"value":`...), available)
		b = append(execution.AppendString(append(b, `,"unit":`...), i.unit), '}')
	}
	b = append(b, `,"byWarehouse":[`...)
	for n := range i.stock {
		s := &i.stock[n]
		b = execution.AppendString(append(comma(b, n), `{"warehouse":{"code":`...), s.code)
		if onHand {
			b = graph.AppendDecimal(append(b, `},"onHand":{"value":`...), s.onHand)
		} else {
			b = graph.AppendDecimal(append(b, `},"availableNow":{"value":`...), s.available)
		}
		b = append(b, `}}`...)
	}
	return append(b, `]}`...)
}

func (r *reference) catalogue(ctx context.Context, b []byte) ([]byte, error) {
	if _, err := accounts(ctx, "catalog:read"); err != nil {
		return nil, err
	}
	list := make([]refItem, 0, 100)
	items := make(map[string]*refItem, 100)
	ids := make([]string, 0, 100)
	err := r.each(ctx, "catalogue", func(rows *sql.Rows) error {
		var i refItem
		if err := rows.Scan(&i.id, &i.sku, &i.gtin, &i.name, &i.brand, &i.unit, &i.status); err != nil {
			return err
		}
		list = append(list, i)
		items[i.id] = &list[len(list)-1]
		ids = append(ids, i.id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := r.stock(ctx, items, ids); err != nil {
		return nil, err
	}
	b = append(b, `{"items":{"nodes":[`...)
	for n := range list {
		i := &list[n]
		b = execution.AppendString(append(comma(b, n), `{"sku":`...), i.sku)
		b = optional(append(b, `,"gtin":`...), i.gtin)
		b = execution.AppendString(append(b, `,"name":`...), i.name)
		b = optional(append(b, `,"brand":`...), i.brand)
		b = append(b, `,"price":`...)
		if p := r.price[i.sku]; p == nil {
			b = append(b, `{}`...)
		} else {
			b = execution.AppendString(append(b, `{"kind":`...), string(p.Kind))
			b = money(append(b, `,"unitPrice":{"price":`...), p.UnitPrice.Price.Amount, p.UnitPrice.Price.Currency)
			b = graph.AppendDecimal(append(b, `,"per":{"value":`...), p.UnitPrice.Per.Value)
			b = append(execution.AppendString(append(b, `,"unit":`...), p.UnitPrice.Per.Unit), `}}}`...)
		}
		b = append(i.appendStock(append(b, `,"availability":`...), true), '}')
	}
	return append(b, `]}}`...), nil
}

func (r *reference) order(ctx context.Context, b []byte, number string) ([]byte, error) {
	mine, err := accounts(ctx, "order:read")
	if err != nil {
		return nil, err
	}
	var o refOrder
	var place, account, accountNumber, accountName string
	var code *string
	var address []byte
	var subtotal udecimal.Decimal
	var freight, tax udecimal.NullDecimal
	if err := r.stmt["order"].QueryRowContext(ctx, number, mine).Scan(&o.id, &o.number, &o.po, &o.status, &o.placed, &o.account, &place,
		&o.currency, &subtotal, &freight, &tax, &o.total); err != nil {
		return nil, err
	}
	if err := r.stmt["accounts"].QueryRowContext(ctx, pq.Array([]string{o.account})).Scan(&account, &accountNumber, &accountName); err != nil {
		return nil, err
	}
	if place != "" {
		if err := r.stmt["place"].QueryRowContext(ctx, place).Scan(&code, &address); err != nil {
			return nil, err
		}
	}
	byID := map[string]*refOrder{o.id: &o}
	var lineIDs, itemIDs []string
	if err := r.each(ctx, "order lines", func(rows *sql.Rows) error {
		var l refLine
		if err := rows.Scan(&l.id, &l.number, &l.sku, &l.description, &l.status, &l.ordered, &l.unit, &l.shipped, &l.price, &l.per, &l.currency, &l.amount,
			&l.item); err != nil {
			return err
		}
		o.lines = append(o.lines, l)
		lineIDs = append(lineIDs, l.id)
		if l.item != nil {
			itemIDs = append(itemIDs, *l.item)
		}
		return nil
	}, o.id); err != nil {
		return nil, err
	}
	if err := r.each(ctx, "items of lines", func(rows *sql.Rows) error {
		var id string
		var name, gtin *string
		if err := rows.Scan(&id, &name, &gtin); err != nil {
			return err
		}
		for i := range o.lines {
			if l := &o.lines[i]; l.item != nil && *l.item == id {
				l.itemName, l.gtin = name, gtin
			}
		}
		return nil
	}, pq.Array(itemIDs)); err != nil {
		return nil, err
	}
	lines := make(map[string]*refLine, len(lineIDs))
	for i := range o.lines {
		lines[o.lines[i].id] = &o.lines[i]
	}
	if err := r.schedule(ctx, lines, lineIDs); err != nil {
		return nil, err
	}
	shipments, err := r.shipments(ctx, mine, byID, []string{o.id})
	if err != nil {
		return nil, err
	}
	shipmentIDs := make([]string, 0, len(shipments))
	for id := range shipments {
		shipmentIDs = append(shipmentIDs, id)
	}
	if err := r.each(ctx, "events", func(rows *sql.Rows) error {
		var shipment string
		var e refEvent
		if err := rows.Scan(&shipment, &e.milestone, &e.at, &e.city, &e.located); err != nil {
			return err
		}
		for _, s := range shipments[shipment] {
			if len(s.events) < 20 {
				s.events = append(s.events, e)
			}
		}
		return nil
	}, pq.Array(shipmentIDs)); err != nil {
		return nil, err
	}
	b = execution.AppendString(append(b, `{"order":{"number":`...), o.number)
	b = optional(append(b, `,"customerPoNumber":`...), o.po)
	b = execution.AppendString(append(b, `,"status":`...), o.status)
	b = graph.AppendDateTime(append(b, `,"placedAt":`...), o.placed)
	b = execution.AppendString(append(b, `,"account":{"number":`...), accountNumber)
	b = execution.AppendString(append(b, `,"name":`...), accountName)
	b = append(b, `},"shipTo":`...)
	if b, err = appendPlace(b, code, address); err != nil {
		return nil, err
	}
	b = money(append(b, `,"totals":{"subtotal":`...), subtotal, o.currency)
	b = perhaps(append(b, `,"freight":`...), freight)
	b = perhaps(append(b, `,"tax":`...), tax)
	b = money(append(b, `,"total":`...), o.total, o.currency)
	b = append(b, `},"lines":{"nodes":[`...)
	for i := range o.lines {
		b = o.lines[i].appendFull(comma(b, i))
	}
	b = append(b, `]},"shipments":{"nodes":[`...)
	for i := range o.shipments {
		s := &o.shipments[i]
		b = s.appendHead(comma(b, i))
		for j, e := range s.events {
			b = execution.AppendString(append(comma(b, j), `{"milestone":`...), e.milestone)
			b = graph.AppendDateTime(append(b, `,"occurredAt":`...), e.at)
			if b = append(b, `,"location":`...); e.located {
				b = append(optional(append(b, `{"city":`...), e.city), `}}`...)
			} else {
				b = append(b, `null}`...)
			}
		}
		b = append(b, `]}}`...)
	}
	b = append(b, `]},"invoices":{"nodes":[`...)
	n := 0
	err = r.each(ctx, "invoices", func(rows *sql.Rows) error {
		var number, status, currency string
		var balance udecimal.Decimal
		if err := rows.Scan(&number, &status, &balance, &currency); err != nil {
			return err
		}
		b = execution.AppendString(append(comma(b, n), `{"number":`...), number)
		b = execution.AppendString(append(b, `,"status":`...), status)
		b = append(money(append(b, `,"balance":`...), balance, currency), '}')
		n++
		return nil
	}, o.id, mine)
	return append(b, `]}}}`...), err
}

func appendPlace(b []byte, code *string, address []byte) ([]byte, error) {
	if code == nil {
		return append(b, `null`...), nil
	}
	var a trade.Address
	if err := json.Unmarshal(address, &a); err != nil {
		return nil, err
	}
	b = execution.AppendString(append(b, `{"code":`...), *code)
	b = optional(append(b, `,"address":{"name":`...), a.Name)
	b = optional(append(b, `,"line1":`...), a.Line1)
	b = optional(append(b, `,"city":`...), a.City)
	b = optional(append(b, `,"postalCode":`...), a.PostalCode)
	return append(execution.AppendString(append(b, `,"country":`...), a.Country), `}}`...), nil
}

func (l *refLine) appendFull(b []byte) []byte {
	b = execution.AppendString(append(b, `{"lineNumber":`...), l.number)
	b = optional(append(b, `,"sku":`...), l.sku)
	b = execution.AppendString(append(b, `,"description":`...), l.description)
	b = execution.AppendString(append(b, `,"status":`...), l.status)
	b = graph.AppendDecimal(append(b, `,"ordered":{"value":`...), l.ordered)
	b = execution.AppendString(append(b, `,"unit":`...), l.unit)
	b = graph.AppendDecimal(append(b, `},"shipped":{"value":`...), l.shipped)
	b = l.appendPrice(append(b, `},"unitPrice":`...))
	b = graph.AppendDecimal(append(b, `,"amount":{"amount":`...), l.amount)
	b = append(b, `},"item":`...)
	if l.item == nil {
		b = append(b, `null`...)
	} else {
		b = optional(append(b, `{"name":`...), l.itemName)
		b = append(optional(append(b, `,"gtin":`...), l.gtin), '}')
	}
	return append(l.appendSchedule(append(b, `,"schedule":`...)), '}')
}

func (r *reference) item(ctx context.Context, b []byte, sku string) ([]byte, error) {
	if _, err := accounts(ctx, "catalog:read"); err != nil {
		return nil, err
	}
	var i refItem
	if err := r.stmt["item"].QueryRowContext(ctx, sku).Scan(&i.sku, &i.gtin, &i.name, &i.brand, &i.unit, &i.status); err != nil {
		return nil, err
	}
	b = execution.AppendString(append(b, `{"item":{"sku":`...), i.sku)
	b = optional(append(b, `,"gtin":`...), i.gtin)
	b = execution.AppendString(append(b, `,"name":`...), i.name)
	b = optional(append(b, `,"brand":`...), i.brand)
	b = execution.AppendString(append(b, `,"baseUnit":`...), i.unit)
	return append(execution.AppendString(append(b, `,"status":`...), i.status), `}}`...), nil
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func optional(b []byte, s *string) []byte {
	if s == nil {
		return append(b, `null`...)
	}
	return execution.AppendString(b, *s)
}

func money(b []byte, amount udecimal.Decimal, currency string) []byte {
	b = graph.AppendDecimal(append(b, `{"amount":`...), amount)
	return append(execution.AppendString(append(b, `,"currency":`...), currency), '}')
}

func perhaps(b []byte, amount udecimal.NullDecimal) []byte {
	if !amount.Valid {
		return append(b, `null`...)
	}
	return append(graph.AppendDecimal(append(b, `{"amount":`...), amount.Decimal), '}')
}

func day(b []byte, d *time.Time) []byte {
	if d == nil {
		return append(b, `null`...)
	}
	return append(d.AppendFormat(append(b, '"'), time.DateOnly), '"')
}
