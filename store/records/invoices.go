package records

import (
	"context"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

type invoiceRow struct {
	trade.Invoice
	Sums     store.Totals
	Unpaid   store.NullDecimal
	Document *trade.DocumentRef
}

func (r *invoiceRow) trade() *trade.Invoice {
	i := &r.Invoice
	if sums := r.Sums.Trade(); sums != nil {
		i.Totals = *sums
	}
	i.Balance, i.DocumentRef = *r.Unpaid.Money(r.Sums.Currency), r.Document
	i.Status = i.StatusOn(trade.DateOf(time.Now(), time.UTC))
	if i.DocumentRef != nil {
		i.DocumentRef.Instance = i.Provenance.Instance
	}
	return i
}

var invoices = store.Read(store.Relation[trade.Invoice]{
	Kind: "Invoice", From: "invoices d", Visible: store.OwnAccount("d.account_id"), Source: (*trade.Invoice).From,
	Columns: []store.Columns{
		store.Always(`d.id, d.number, d.kind, d.account_id AS "account_ref.id", d.issued_on, d.due_on, d.status, d.currency AS "sums.currency",
			d.balance AS unpaid`),
		store.When("document", "d.document"),
		store.When("totals", `d.subtotal AS "sums.subtotal", d.discount AS "sums.discount", d.freight AS "sums.freight", d.tax AS "sums.tax",
			d.total AS "sums.total"`),
		store.When("document externalIds provenance", store.ProvenanceColumns("d")),
	},
}, (*invoiceRow).trade)

// overdue is the status of an invoice as [trade.Invoice.StatusOn] tells it.
const overdue = `(CASE WHEN d.status IN ('ISSUED', 'PARTIALLY_PAID') AND d.due_on < current_date AND d.balance > 0 THEN 'OVERDUE'
	ELSE d.status END)`

// Invoices reads invoices by id.
func Invoices(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Invoice, error) {
	return invoices.By(ctx, s, scope, "d.id", "", ids)
}

// InvoicesByNumber reads invoices by number.
func InvoicesByNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.Invoice, error) {
	return invoices.By(ctx, s, scope, "d.number", "", numbers)
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
func InvoiceList(scope trade.Scope, f InvoiceFilter, per ShipmentParent) *store.List[trade.Invoice] {
	l := &store.List[trade.Invoice]{
		Relation: invoices, Name: "invoices", Scope: scope,
		Order: []store.SortKey{store.Descending("d.issued_on", "date"), store.Descending("d.id", "text")},
	}
	switch per {
	case PerAccount:
		l.Parent = "d.account_id"
	case PerOrder:
		l.Join, l.Parent = "JOIN (SELECT DISTINCT invoice_id, order_id FROM invoice_lines) x ON x.invoice_id = d.id", "x.order_id"
	}
	if f.Accounts != nil {
		l.And("d.account_id = ANY(" + l.Args.AddTexts(f.Accounts) + ")")
	}
	if f.Kind != nil {
		l.And("d.kind = ANY(" + l.Args.Add(pq.Array(f.Kind)) + ")")
	}
	if f.Status != nil {
		l.And(overdue + " = ANY(" + l.Args.Add(pq.Array(f.Status)) + ")")
	}
	if f.Number != "" {
		l.And("d.number = " + l.Args.Add(f.Number))
	}
	if f.Order != "" {
		l.And("EXISTS (SELECT FROM invoice_lines y WHERE y.invoice_id = d.id AND y.order_id = " + l.Args.Add(f.Order) + ")")
	}
	l.Within("d.issued_on", f.Issued, false)
	l.Within("d.due_on", f.Due, false)
	l.Since("d.received_at", f.ChangedSince)
	return l
}

type invoiceLineRow struct {
	trade.InvoiceLine
	Currency        string
	Price, PricePer store.NullDecimal
	Net             store.NullDecimal
}

func (r *invoiceLineRow) trade() *trade.InvoiceLine {
	r.UnitPrice, r.Amount = store.UnitPrice(r.Price, r.PricePer, r.Quantity.Unit, r.Currency), *r.Net.Money(r.Currency)
	return &r.InvoiceLine
}

var invoiceLines = store.Read(store.Relation[trade.InvoiceLine]{
	Kind: "InvoiceLine", From: "invoice_lines l", Visible: store.OwnAccount("l.account_id"),
	Columns: []store.Columns{
		store.Always(`l.line_number, l.currency, l.quantity AS "quantity.value", l.unit AS "quantity.unit", l.amount AS net`),
		store.When("item", `coalesce(l.item_id, '') AS "item_ref.id"`),
		store.When("description", "l.description"),
		store.When("unitPrice", "l.price, l.price_per"),
		store.When("orderLine", "coalesce(l.order_line_id, '') AS order_line_id"),
		store.When("shipment", "coalesce(l.shipment_id, '') AS shipment_id"),
	},
}, (*invoiceLineRow).trade)

// InvoiceLineList is the lines below invoices, by line number.
func InvoiceLineList(scope trade.Scope) *store.List[trade.InvoiceLine] {
	return &store.List[trade.InvoiceLine]{
		Relation: invoiceLines, Name: "invoice lines", Scope: scope, Parent: "l.invoice_id",
		Order: []store.SortKey{store.Ascending("l.position", "integer"), store.Ascending("l.line_number", "text")},
	}
}

var returns = store.Read(store.Relation[trade.Return]{
	Kind: "Return", From: "returns d", Visible: store.OwnAccount("d.account_id"), Source: (*trade.Return).From,
	Columns: []store.Columns{
		store.Always(`d.id, d.number, d.order_id AS "order_ref.id", d.account_id AS "account_ref.id", d.status, d.send_to,
			coalesce(d.credit_memo_id, '') AS "credit_memo_ref.id", d.requested_at`),
		store.When("externalIds provenance", store.ProvenanceColumns("d")),
	},
}, store.Identity[trade.Return])

// Returns reads returns by id.
func Returns(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Return, error) {
	return returns.By(ctx, s, scope, "d.id", "", ids)
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
func ReturnList(scope trade.Scope, f ReturnFilter, per ShipmentParent) *store.List[trade.Return] {
	l := &store.List[trade.Return]{
		Relation: returns, Name: "returns", Scope: scope,
		Order: []store.SortKey{store.Descending("d.requested_at", "timestamptz"), store.Descending("d.id", "text")},
	}
	switch per {
	case PerAccount:
		l.Parent = "d.account_id"
	case PerOrder:
		l.Parent = "d.order_id"
	}
	if f.Status != nil {
		l.And("d.status = ANY(" + l.Args.Add(pq.Array(f.Status)) + ")")
	}
	if f.Number != "" {
		l.And("d.number = " + l.Args.Add(f.Number))
	}
	if f.Order != "" {
		l.And("d.order_id = " + l.Args.Add(f.Order))
	}
	l.Since("d.received_at", f.ChangedSince)
	return l
}

type returnLineRow struct {
	trade.ReturnLine
	Got store.NullDecimal
}

func (r *returnLineRow) trade() *trade.ReturnLine {
	if r.Got.Valid {
		r.Received = &trade.Quantity{Value: r.Got.Decimal, Unit: r.Quantity.Unit}
	}
	return &r.ReturnLine
}

var returnLines = store.Read(store.Relation[trade.ReturnLine]{
	Kind: "ReturnLine", From: "return_lines l JOIN returns d ON d.id = l.return_id", Visible: store.OwnAccount("d.account_id"),
	Columns: []store.Columns{store.Always(`l.order_line_id, l.quantity AS "quantity.value", l.unit AS "quantity.unit", l.reason, l.comment,
		l.received AS got`)},
}, (*returnLineRow).trade)

// ReturnLines reads the lines of returns, in order.
func ReturnLines(ctx context.Context, s *store.Store, scope trade.Scope, returns []string) (map[string][]*trade.ReturnLine, error) {
	return returnLines.Under(ctx, s, scope, "", "l.return_id", "l.return_id, l.position", returns)
}

var rejected = store.Read(store.Relation[operating.RejectedRecord]{
	Kind: "RejectedRecord", From: "rejected_records r", Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(`r.instance, r.kind, r.source_ref, r.reason, r.at`)},
}, store.Identity[operating.RejectedRecord])

// RejectedList is the records set aside below sources, newest first.
func RejectedList(scope trade.Scope) *store.List[operating.RejectedRecord] {
	return &store.List[operating.RejectedRecord]{
		Relation: rejected, Name: "rejected records", Scope: scope, Parent: "r.instance",
		Order: []store.SortKey{store.Descending("r.at", "timestamptz"), store.Descending("r.id", "bigint")},
	}
}
