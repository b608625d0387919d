package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"portico/trade"
	"portico/trade/operating"
)

type invoiceRow struct {
	trade.Invoice
	Sums     totals
	Unpaid   nullDecimal
	Document *trade.DocumentRef
}

func (r *invoiceRow) trade() *trade.Invoice {
	i := &r.Invoice
	if sums := r.Sums.trade(); sums != nil {
		i.Totals = *sums
	}
	i.Balance, i.DocumentRef = *r.Unpaid.money(r.Sums.Currency), r.Document
	i.Status = i.StatusOn(trade.DateOf(now()))
	if i.DocumentRef != nil {
		i.DocumentRef.Instance = i.Provenance.Instance
	}
	return i
}

var invoices = read(relation[trade.Invoice]{
	kind: "Invoice", from: "invoices d", visible: ownAccount("d.account_id"), source: (*trade.Invoice).From,
	columns: []columns{
		always(`d.id, d.number, d.kind, d.account_id AS "account_ref.id", d.issued_on, d.due_on, d.status, d.currency AS "sums.currency", d.balance AS unpaid`),
		when("document", "d.document"),
		when("totals", `d.subtotal AS "sums.subtotal", d.discount AS "sums.discount", d.freight AS "sums.freight", d.tax AS "sums.tax", d.total AS "sums.total"`),
		when("document externalIds provenance", provenance("d")),
	},
}, (*invoiceRow).trade)

// overdue is the status of an invoice as [trade.Invoice.StatusOn] tells it.
const overdue = `(CASE WHEN d.status IN ('ISSUED', 'PARTIALLY_PAID') AND d.due_on < current_date AND d.balance > 0 THEN 'OVERDUE' ELSE d.status END)`

// Invoices reads invoices by id.
func (s *Store) Invoices(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Invoice, error) {
	return invoices.by(ctx, s, scope, "d.id", "", ids)
}

// InvoicesByNumber reads invoices by number.
func (s *Store) InvoicesByNumber(ctx context.Context, scope trade.Scope, numbers []string) (map[string]*trade.Invoice, error) {
	return invoices.by(ctx, s, scope, "d.number", "", numbers)
}

// InvoiceFilter narrows a list of invoices; Order is an id.
type InvoiceFilter struct {
	Accounts     []string
	Kind         []trade.InvoiceKind
	Status       []trade.InvoiceStatus
	Number       string
	Order        string
	Issued, Due  trade.DateRange
	ChangedSince *time.Time
}

// InvoiceList is the invoices the scope sees, newest first; below accounts or
// orders, one list for each.
func InvoiceList(scope trade.Scope, f InvoiceFilter, per ShipmentParent) *List[trade.Invoice] {
	l := &List[trade.Invoice]{relation: invoices, name: "invoices", scope: scope, order: []sortKey{{"d.issued_on", "date", true}, {"d.id", "text", true}}}
	switch per {
	case PerAccount:
		l.parent = "d.account_id"
	case PerOrder:
		l.join, l.parent = "JOIN (SELECT DISTINCT invoice_id, order_id FROM invoice_lines) x ON x.invoice_id = d.id", "x.order_id"
	}
	if f.Accounts != nil {
		l.and("d.account_id = ANY(" + l.args.set(f.Accounts) + ")")
	}
	if f.Kind != nil {
		l.and("d.kind = ANY(" + l.args.add(pq.Array(f.Kind)) + ")")
	}
	if f.Status != nil {
		l.and(overdue + " = ANY(" + l.args.add(pq.Array(f.Status)) + ")")
	}
	if f.Number != "" {
		l.and("d.number = " + l.args.add(f.Number))
	}
	if f.Order != "" {
		l.and("EXISTS (SELECT FROM invoice_lines y WHERE y.invoice_id = d.id AND y.order_id = " + l.args.add(f.Order) + ")")
	}
	within(l, "d.issued_on", f.Issued, false)
	within(l, "d.due_on", f.Due, false)
	since(l, "d.received_at", f.ChangedSince)
	return l
}

type invoiceLineRow struct {
	trade.InvoiceLine
	Currency        string
	Price, PricePer nullDecimal
	Net             nullDecimal
}

func (r *invoiceLineRow) trade() *trade.InvoiceLine {
	r.UnitPrice, r.Amount = unitPrice(r.Price, r.PricePer, r.Quantity.Unit, r.Currency), *r.Net.money(r.Currency)
	return &r.InvoiceLine
}

var invoiceLines = read(relation[trade.InvoiceLine]{
	kind: "InvoiceLine", from: "invoice_lines l", visible: ownAccount("l.account_id"),
	columns: []columns{
		always(`l.line_number, l.currency, l.quantity AS "quantity.value", l.unit AS "quantity.unit", l.amount AS net`),
		when("item", `coalesce(l.item_id, '') AS "item_ref.id"`),
		when("description", "l.description"),
		when("unitPrice", "l.price, l.price_per"),
		when("orderLine", "coalesce(l.order_line_id, '') AS order_line_id"),
		when("shipment", "coalesce(l.shipment_id, '') AS shipment_id"),
	},
}, (*invoiceLineRow).trade)

// InvoiceLineList is the lines below invoices, by line number.
func InvoiceLineList(scope trade.Scope) *List[trade.InvoiceLine] {
	return &List[trade.InvoiceLine]{
		relation: invoiceLines, name: "invoice lines", scope: scope, parent: "l.invoice_id",
		order: []sortKey{{"l.position", "integer", false}, {"l.line_number", "text", false}},
	}
}

var returns = read(relation[trade.Return]{
	kind: "Return", from: "returns d", visible: ownAccount("d.account_id"), source: (*trade.Return).From,
	columns: []columns{
		always(`d.id, d.number, d.order_id AS "order_ref.id", d.account_id AS "account_ref.id", d.status, d.send_to,
			coalesce(d.credit_memo_id, '') AS "credit_memo_ref.id", d.requested_at`),
		when("externalIds provenance", provenance("d")),
	},
}, same[trade.Return])

// Returns reads returns by id.
func (s *Store) Returns(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Return, error) {
	return returns.by(ctx, s, scope, "d.id", "", ids)
}

// ReturnFilter narrows a list of returns; Order is an id.
type ReturnFilter struct {
	Status       []trade.ReturnStatus
	Number       string
	Order        string
	ChangedSince *time.Time
}

// ReturnList is the returns the scope sees, newest first; below accounts or
// orders, one list for each.
func ReturnList(scope trade.Scope, f ReturnFilter, per ShipmentParent) *List[trade.Return] {
	l := &List[trade.Return]{relation: returns, name: "returns", scope: scope, order: []sortKey{{"d.requested_at", "timestamptz", true}, {"d.id", "text", true}}}
	switch per {
	case PerAccount:
		l.parent = "d.account_id"
	case PerOrder:
		l.parent = "d.order_id"
	}
	if f.Status != nil {
		l.and("d.status = ANY(" + l.args.add(pq.Array(f.Status)) + ")")
	}
	if f.Number != "" {
		l.and("d.number = " + l.args.add(f.Number))
	}
	if f.Order != "" {
		l.and("d.order_id = " + l.args.add(f.Order))
	}
	since(l, "d.received_at", f.ChangedSince)
	return l
}

type returnLineRow struct {
	trade.ReturnLine
	Got nullDecimal
}

func (r *returnLineRow) trade() *trade.ReturnLine {
	if r.Got.Valid {
		r.Received = &trade.Quantity{Value: r.Got.Decimal, Unit: r.Quantity.Unit}
	}
	return &r.ReturnLine
}

var returnLines = read(relation[trade.ReturnLine]{
	kind: "ReturnLine", from: "return_lines l JOIN returns d ON d.id = l.return_id", visible: ownAccount("d.account_id"),
	columns: []columns{always(`l.order_line_id, l.quantity AS "quantity.value", l.unit AS "quantity.unit", l.reason, l.comment, l.received AS got`)},
}, (*returnLineRow).trade)

// ReturnLines reads the lines of returns, in order.
func (s *Store) ReturnLines(ctx context.Context, scope trade.Scope, returns []string) (map[string][]*trade.ReturnLine, error) {
	return returnLines.under(ctx, s, scope, "", "l.return_id", "l.return_id, l.position", returns)
}

var rejected = read(relation[operating.RejectedRecord]{
	kind: "RejectedRecord", from: "rejected_records r", visible: operatorOnly,
	columns: []columns{always(`r.instance, r.kind, r.source_ref, r.reason, r.at`)},
}, same[operating.RejectedRecord])

// RejectedList is the records set aside below sources, newest first.
func RejectedList(scope trade.Scope) *List[operating.RejectedRecord] {
	return &List[operating.RejectedRecord]{
		relation: rejected, name: "rejected records", scope: scope, parent: "r.instance", order: []sortKey{{"r.at", "timestamptz", true}, {"r.id", "bigint", true}},
	}
}
