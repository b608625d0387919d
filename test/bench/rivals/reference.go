package rivals

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/edge/auth"
	"portico/graph"
	"portico/graph/execution"
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
	"shipments": `SELECT x.order_id, d.id, d.number, d.status, d.carrier ->> 'name' FROM shipments d
		JOIN shipment_orders x ON x.shipment_id = d.id
		WHERE x.order_id = ANY($1) AND d.account_id = ANY($2) ORDER BY d.created_at DESC, d.id DESC`,
	"last event": `SELECT e.shipment_id, e.milestone, e.occurred_at FROM unnest($1::text[]) AS s(id) CROSS JOIN LATERAL (
		SELECT * FROM shipment_events WHERE shipment_id = s.id ORDER BY occurred_at DESC, id DESC LIMIT 1) e`,
	"catalogue": `SELECT id, sku, gtin, name, brand, base_unit, status FROM items WHERE status IN ('ACTIVE', 'DISCONTINUED') ORDER BY sku
		LIMIT 100`,
	"order": `SELECT id, number, customer_po_number, status, placed_at, account_id, coalesce(ship_to_id, ''), currency, subtotal, freight,
		tax, total
		FROM orders WHERE number = $1 AND account_id = ANY($2)`,
	"place": `SELECT code, address FROM account_locations WHERE id = $1`,
	"order lines": `SELECT id, line_number, sku, description, status, ordered, unit, shipped, price, price_per, currency, amount, item_id
		FROM order_lines WHERE order_id = $1 ORDER BY position LIMIT 100`,
	"items of lines": `SELECT id, name, gtin FROM items WHERE id = ANY($1)`,
	"events": `SELECT shipment_id, milestone, occurred_at, location ->> 'city', location IS NOT NULL FROM shipment_events
		WHERE shipment_id = ANY($1)
		ORDER BY shipment_id, occurred_at, id`,
	"invoices": `SELECT number, CASE WHEN status IN ('ISSUED', 'PARTIALLY_PAID') AND due_on < current_date AND balance > 0 THEN 'OVERDUE'
		ELSE status END,
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
	for _, statements := range []map[string]string{referenceStatements, supplyStatements} {
		for name, text := range statements {
			if r.stmt[name], err = db.PrepareContext(ctx, text); err != nil { //nolint:sqlclosecheck // for as long as the process runs
				return nil, fmt.Errorf("%s: %w", name, err)
			}
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
	case "supplies":
		b, err = r.supplies(req.Context(), b)
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
