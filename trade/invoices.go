package trade

import "time"

// Invoice is an invoice or memo to a customer, X12 810.
type Invoice struct {
	ID          string        `json:"ID"`
	Number      string        `json:"Number"`
	Kind        InvoiceKind   `json:"Kind"`
	AccountRef  Ref           `json:"AccountRef"`
	IssuedOn    Date          `json:"IssuedOn"`
	DueOn       *Date         `json:"DueOn"`
	Status      InvoiceStatus `json:"Status"`
	Totals      Totals        `json:"Totals"`
	Balance     Money         `json:"Balance"`
	DocumentRef *DocumentRef  `json:"DocumentRef"`
	Provenance  Provenance    `json:"Provenance"`
	// LinesKnown are set on an invoice as a source tells it.
	LinesKnown []InvoiceLine `json:"LinesKnown"`
}

// NodeID is the invoice's global id.
func (i *Invoice) NodeID() string { return i.ID }

// From is where the invoice's values came from.
func (i *Invoice) From() *Provenance { return &i.Provenance }

// ExternalIds are the invoice's ids in source systems.
func (i *Invoice) ExternalIds() []ExternalId { return i.Provenance.external("invoice") }

// InvoiceKind is a kind of invoice.
type InvoiceKind string

// Kinds of invoices.
const (
	PlainInvoice InvoiceKind = "INVOICE"
	CreditMemo   InvoiceKind = "CREDIT_MEMO"
	DebitMemo    InvoiceKind = "DEBIT_MEMO"
)

// InvoiceStatus is a state of an invoice.
type InvoiceStatus string

// States of an invoice.
const (
	InvoiceIssued        InvoiceStatus = "ISSUED"
	InvoicePartiallyPaid InvoiceStatus = "PARTIALLY_PAID"
	InvoicePaid          InvoiceStatus = "PAID"
	InvoiceOverdue       InvoiceStatus = "OVERDUE"
	InvoiceDisputed      InvoiceStatus = "DISPUTED"
	InvoiceVoid          InvoiceStatus = "VOID"
)

// StatusOn is the invoice's status on a day: what is unpaid past its due day
// is overdue, whether or not the source says so.
func (i *Invoice) StatusOn(day Date) InvoiceStatus {
	if (i.Status == InvoiceIssued || i.Status == InvoicePartiallyPaid) && i.DueOn != nil && i.DueOn.Before(day) && i.Balance.Amount.IsPos() {
		return InvoiceOverdue
	}
	return i.Status
}

// InvoiceLine is a line of an invoice. OrderKey and OrderLineNumber name the
// order line it charges, and ShipmentKey the shipment.
type InvoiceLine struct {
	InvoiceID       string     `json:"InvoiceID"`
	LineNumber      string     `json:"LineNumber"`
	ItemRef         Ref        `json:"ItemRef"`
	Description     string     `json:"Description"`
	Quantity        Quantity   `json:"Quantity"`
	UnitPrice       *UnitPrice `json:"UnitPrice"`
	Amount          Money      `json:"Amount"`
	OrderID         string     `json:"OrderID"`
	OrderLineID     string     `json:"OrderLineID"`
	ShipmentID      string     `json:"ShipmentID"`
	OrderKey        string     `json:"OrderKey"`
	OrderLineNumber string     `json:"OrderLineNumber"`
	ShipmentKey     string     `json:"ShipmentKey"`
}

// Return is goods coming back, X12 180.
type Return struct {
	ID            string       `json:"ID"`
	Number        *string      `json:"Number"`
	OrderRef      Ref          `json:"OrderRef"`
	AccountRef    Ref          `json:"AccountRef"`
	Status        ReturnStatus `json:"Status"`
	SendTo        *Address     `json:"SendTo"`
	CreditMemoRef Ref          `json:"CreditMemoRef"`
	RequestedAt   time.Time    `json:"RequestedAt"`
	Provenance    Provenance   `json:"Provenance"`
	// ExternalRef is our reference of a return that was asked for here; LinesKnown are
	// set on a return as a source tells it.
	ExternalRef *string      `json:"ExternalRef"`
	LinesKnown  []ReturnLine `json:"LinesKnown"`
}

// NodeID is the return's global id.
func (r *Return) NodeID() string { return r.ID }

// From is where the return's values came from.
func (r *Return) From() *Provenance { return &r.Provenance }

// ReturnStatus is a state of a return.
type ReturnStatus string

// States of a return.
const (
	ReturnRequested  ReturnStatus = "REQUESTED"
	ReturnAuthorized ReturnStatus = "AUTHORIZED"
	ReturnInTransit  ReturnStatus = "IN_TRANSIT"
	ReturnReceived   ReturnStatus = "RECEIVED"
	ReturnInspected  ReturnStatus = "INSPECTED"
	ReturnCredited   ReturnStatus = "CREDITED"
	ReturnRejected   ReturnStatus = "REJECTED"
	ReturnCancelled  ReturnStatus = "CANCELLED"
)

// ReturnLine is a line of a return.
type ReturnLine struct {
	OrderLineID     string       `json:"OrderLineID"`
	OrderLineNumber string       `json:"OrderLineNumber"`
	Quantity        Quantity     `json:"Quantity"`
	Reason          ReturnReason `json:"Reason"`
	Comment         *string      `json:"Comment"`
	Received        *Quantity    `json:"Received"`
}

// ReturnReason is a reason for a return.
type ReturnReason string

// Reasons for a return.
const (
	ReturnDamaged     ReturnReason = "DAMAGED"
	ReturnDefective   ReturnReason = "DEFECTIVE"
	ReturnWrongItem   ReturnReason = "WRONG_ITEM"
	ReturnOverShipped ReturnReason = "OVER_SHIPPED"
	ReturnLate        ReturnReason = "LATE"
	ReturnNotNeeded   ReturnReason = "NOT_NEEDED"
	ReturnOther       ReturnReason = "OTHER"
)
