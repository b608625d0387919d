package trade

import (
	"time"

	"github.com/quagmt/udecimal"
)

// PurchaseOrder is a purchase order to a supplier, X12 850.
type PurchaseOrder struct {
	ID            string              `json:"ID"`
	Number        string              `json:"Number"`
	Revision      int                 `json:"Revision"`
	SupplierRef   Ref                 `json:"SupplierRef"`
	Buyer         Location            `json:"Buyer"`
	ShipTo        *Location           `json:"ShipTo"`
	WarehouseRef  Ref                 `json:"WarehouseRef"`
	Status        PurchaseOrderStatus `json:"Status"`
	Raw           *RawCode            `json:"Raw"`
	Currency      string              `json:"Currency"`
	Totals        *Totals             `json:"Totals"`
	DeliveryTerms *DeliveryTerms      `json:"DeliveryTerms"`
	PaymentTerms  *PaymentTerms       `json:"PaymentTerms"`
	IssuedAt      time.Time           `json:"IssuedAt"`
	AcknowledgeBy *time.Time          `json:"AcknowledgeBy"`
	Provenance    Provenance          `json:"Provenance"`
	SourceStatus  PurchaseOrderStatus `json:"SourceStatus"` // as the source says, whatever was answered
	// LinesKnown are set on a purchase order as a source tells it.
	LinesKnown []PurchaseOrderLine `json:"LinesKnown"`
}

// NodeID is the purchase order's global id.
func (p *PurchaseOrder) NodeID() string { return p.ID }

// From is where the purchase order's values came from.
func (p *PurchaseOrder) From() *Provenance { return &p.Provenance }

// ExternalIds are the purchase order's ids in source systems.
func (p *PurchaseOrder) ExternalIds() []ExternalId { return p.Provenance.external("purchase-order") }

// PurchaseOrderStatus is a state of a purchase order.
type PurchaseOrderStatus string

// States of a purchase order.
const (
	POIssued             PurchaseOrderStatus = "ISSUED"
	POSent               PurchaseOrderStatus = "SENT"
	POReceivedBySupplier PurchaseOrderStatus = "RECEIVED_BY_SUPPLIER"
	POAcknowledged       PurchaseOrderStatus = "ACKNOWLEDGED"
	POChanged            PurchaseOrderStatus = "ACKNOWLEDGED_WITH_CHANGES"
	POPendingReview      PurchaseOrderStatus = "PENDING_REVIEW"
	POPartiallyShipped   PurchaseOrderStatus = "PARTIALLY_SHIPPED"
	POShipped            PurchaseOrderStatus = "SHIPPED"
	POPartiallyReceived  PurchaseOrderStatus = "PARTIALLY_RECEIVED"
	POReceived           PurchaseOrderStatus = "RECEIVED"
	POClosed             PurchaseOrderStatus = "CLOSED"
	PORejected           PurchaseOrderStatus = "REJECTED"
	POCancelled          PurchaseOrderStatus = "CANCELLED"
)

// ShippedStatus is where an acknowledged purchase order stands by what of its lines is
// announced as shipped, for sources that have no word for it.
func ShippedStatus(lines []PurchaseOrderLine) PurchaseOrderStatus {
	some, all := false, len(lines) > 0
	for _, l := range lines {
		some = some || l.Shipped.Value.IsPos()
		all = all && !l.Shipped.Value.LessThan(l.Ordered.Value.Sub(l.Cancelled.Value))
	}
	switch {
	case some && all:
		return POShipped
	case some:
		return POPartiallyShipped
	}
	return POAcknowledged
}

// PurchaseOrderSort is an order of purchase orders.
type PurchaseOrderSort string

// Orders of purchase orders.
const (
	PurchaseOrdersNewest     PurchaseOrderSort = "ISSUED_AT_DESC"
	PurchaseOrdersByDue      PurchaseOrderSort = "ACKNOWLEDGE_BY_ASC"
	PurchaseOrdersByDelivery PurchaseOrderSort = "DELIVERY_DATE_ASC"
	PurchaseOrdersByNumber   PurchaseOrderSort = "NUMBER_ASC"
)

// PurchaseOrderLine is a line of a purchase order. All quantities are in one
// unit.
type PurchaseOrderLine struct {
	ID                 string     `json:"ID"`
	PurchaseOrderID    string     `json:"PurchaseOrderID"`
	LineNumber         string     `json:"LineNumber"`
	ItemRef            Ref        `json:"ItemRef"`
	SKU                *string    `json:"SKU"`
	SupplierPartNumber *string    `json:"SupplierPartNumber"`
	Description        string     `json:"Description"`
	UnitPrice          *UnitPrice `json:"UnitPrice"`
	Ordered            Quantity   `json:"Ordered"`
	Acknowledged       Quantity   `json:"Acknowledged"`
	Shipped            Quantity   `json:"Shipped"`
	Received           Quantity   `json:"Received"`
	Cancelled          Quantity   `json:"Cancelled"`
	// ScheduleKnown is set on a line as a source tells it.
	ScheduleKnown []PurchaseScheduleLine `json:"ScheduleKnown"`
}

// NodeID is the line's global id.
func (l *PurchaseOrderLine) NodeID() string { return l.ID }

// Open is what is still to come: ordered less received less cancelled; nothing where more was received than ordered.
func (l *PurchaseOrderLine) Open() *Quantity {
	return &Quantity{Value: udecimal.Max(l.Ordered.Value.Sub(l.Received.Value).Sub(l.Cancelled.Value), udecimal.Zero), Unit: l.Ordered.Unit}
}

// PurchaseScheduleLine is a part of a purchase order line with its dates.
type PurchaseScheduleLine struct {
	Number                string   `json:"Number"`
	Quantity              Quantity `json:"Quantity"`
	RequestedShipDate     *Date    `json:"RequestedShipDate"`
	RequestedDeliveryDate *Date    `json:"RequestedDeliveryDate"`
	PromisedShipDate      *Date    `json:"PromisedShipDate"`
	PromisedDeliveryDate  *Date    `json:"PromisedDeliveryDate"`
}
