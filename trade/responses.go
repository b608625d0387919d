package trade

import (
	"time"
)

// PurchaseOrderResponse is a supplier's answer to a purchase order: X12 855 or 865, UBL
// OrderResponse.
type PurchaseOrderResponse struct {
	ID                  string       `json:"ID"`
	PurchaseOrderID     string       `json:"PurchaseOrderID"`
	SupplierID          string       `json:"SupplierID"`
	ResponseNumber      string       `json:"ResponseNumber"`
	SupplierOrderNumber *string      `json:"SupplierOrderNumber"`
	Kind                ResponseKind `json:"Kind"`
	Revision            int          `json:"Revision"` // of the purchase order that was answered
	ReceivedAt          time.Time    `json:"ReceivedAt"`
	OperationID         string       `json:"OperationID"` // that applies it; empty where nothing is to be
}

// NodeID is the answer's global id.
func (r *PurchaseOrderResponse) NodeID() string { return r.ID }

// ResponseKind is what an answer says as a whole, X12 BAK02.
type ResponseKind string

// What an answer says as a whole.
const (
	ResponseReceived  ResponseKind = "RECEIVED"
	ResponseAccepted  ResponseKind = "ACCEPTED"
	ResponseChanged   ResponseKind = "ACCEPTED_WITH_CHANGES"
	ResponseRejected  ResponseKind = "REJECTED"
	ResponseInProcess ResponseKind = "IN_PROCESS"
)

// LineAcknowledgment is what a supplier says of a line, X12 ACK. Several hold at once.
type LineAcknowledgment struct {
	LineID               string        `json:"LineID"`
	Status               LineAckStatus `json:"Status"`
	Quantity             *Quantity     `json:"Quantity"`
	UnitPrice            *UnitPrice    `json:"UnitPrice"`
	PromisedShipDate     *Date         `json:"PromisedShipDate"`
	PromisedDeliveryDate *Date         `json:"PromisedDeliveryDate"`
	Substitute           *Identifier   `json:"Substitute"`
	Reason               *string       `json:"Reason"`
}

// LineAckStatus is the meaning of an acknowledgment, X12 element 668.
type LineAckStatus string

// Meanings of acknowledgments.
const (
	AckAccepted        LineAckStatus = "ACCEPTED"
	AckChanged         LineAckStatus = "ACCEPTED_CHANGES"
	AckPriceChanged    LineAckStatus = "ACCEPTED_PRICE_CHANGED"
	AckQuantityChanged LineAckStatus = "ACCEPTED_QUANTITY_CHANGED"
	AckRescheduled     LineAckStatus = "ACCEPTED_RESCHEDULED"
	AckSubstituted     LineAckStatus = "ACCEPTED_SUBSTITUTION"
	AckPartial         LineAckStatus = "ACCEPTED_PARTIAL_BALANCE_BACKORDERED"
	AckPricePending    LineAckStatus = "ACCEPTED_PRICE_PENDING"
	AckSchedulePending LineAckStatus = "ACCEPTED_SCHEDULE_PENDING"
	AckShipped         LineAckStatus = "ACCEPTED_SHIPPED"
	AckReleased        LineAckStatus = "ACCEPTED_RELEASED"
	AckForwarded       LineAckStatus = "ACCEPTED_FORWARDED"
	AckBackordered     LineAckStatus = "BACKORDERED"
	AckOnHold          LineAckStatus = "ON_HOLD"
	AckDeleted         LineAckStatus = "DELETED"
	AckRejected        LineAckStatus = "REJECTED"
)

// Refuses tells whether a supplier says that the goods do not come.
func (s LineAckStatus) Refuses() bool { return s == AckRejected || s == AckDeleted }

// Waits tells whether a supplier says that the goods come, and not when.
func (s LineAckStatus) Waits() bool {
	return s == AckBackordered || s == AckOnHold || s == AckSchedulePending
}

// ResponseRequest is an answer as a supplier sends it. Nothing in it is trusted.
type ResponseRequest struct {
	PurchaseOrderID     string               `json:"PurchaseOrderID"`
	Revision            int                  `json:"Revision"`
	ResponseNumber      string               `json:"ResponseNumber"`
	SupplierOrderNumber *string              `json:"SupplierOrderNumber"`
	Kind                ResponseKind         `json:"Kind"`
	Lines               []LineAcknowledgment `json:"Lines"`
}

// PurchaseConfirmation is a supplier's answer as it is handed to an ERP.
type PurchaseConfirmation struct {
	Number              string
	Revision            int
	SupplierOrderNumber *string
	Lines               []ConfirmedLine
}

// ConfirmedLine is what a supplier confirms of a line: the parts that come, in order. A
// nil UnitPrice is as ordered, an empty SubstituteSKU the item ordered. Cancelled does not
// come.
type ConfirmedLine struct {
	LineNumber    string          `json:"LineNumber"`
	Parts         []ConfirmedPart `json:"Parts"`
	Cancelled     Quantity        `json:"Cancelled"`
	UnitPrice     *UnitPrice      `json:"UnitPrice"`
	SubstituteSKU string          `json:"SubstituteSKU"`
}

// ConfirmedPart is a part that comes. Nil dates stay as they were.
type ConfirmedPart struct {
	Quantity     Quantity `json:"Quantity"`
	ShipDate     *Date    `json:"ShipDate"`
	DeliveryDate *Date    `json:"DeliveryDate"`
}
