package trade

import (
	"time"

	"github.com/quagmt/udecimal"
)

// Order is a customer's order. Its status is derived from its lines by rule;
// the source's own header status is kept in Raw.
type Order struct {
	ID                    string         `json:"ID"`
	Number                *string        `json:"Number"`
	CustomerPoNumber      *string        `json:"CustomerPoNumber"`
	AccountRef            Ref            `json:"AccountRef"`
	ShipToRef             Ref            `json:"ShipToRef"` // Key is the location's code
	ShipToAddress         Address        `json:"ShipToAddress"`
	BillToRef             Ref            `json:"BillToRef"` // Key is the location's code
	Status                OrderStatus    `json:"Status"`
	Raw                   *RawCode       `json:"Raw"`
	Holds                 []OrderHold    `json:"Holds"`
	Totals                *Totals        `json:"Totals"`
	DeliveryTerms         *DeliveryTerms `json:"DeliveryTerms"`
	PaymentTerms          *PaymentTerms  `json:"PaymentTerms"`
	RequestedDeliveryDate *Date          `json:"RequestedDeliveryDate"`
	PromisedDeliveryDate  *Date          `json:"PromisedDeliveryDate"`
	PlacedAt              time.Time      `json:"PlacedAt"`
	Comment               *string        `json:"Comment"`
	Version               string         `json:"Version"`  // for changes; see order_version in migrations
	PlacedBy              string         `json:"PlacedBy"` // user id; empty where a source told the order
	Provenance            Provenance     `json:"Provenance"`
	// ExternalRef is our reference of an order that was placed here; LinesKnown are set
	// on an order as a source tells it.
	ExternalRef *string     `json:"ExternalRef"`
	LinesKnown  []OrderLine `json:"LinesKnown"`
}

// NodeID is the order's global id.
func (o *Order) NodeID() string { return o.ID }

// From is where the order's values came from.
func (o *Order) From() *Provenance { return &o.Provenance }

// ExternalIds are the order's ids in source systems.
func (o *Order) ExternalIds() []ExternalId { return o.Provenance.external("order") }

// OrderStatus is a state of an order.
type OrderStatus string

// States of an order.
const (
	OrderReceived             OrderStatus = "RECEIVED"
	OrderValidating           OrderStatus = "VALIDATING"
	OrderQueued               OrderStatus = "QUEUED"
	OrderPendingApproval      OrderStatus = "PENDING_APPROVAL"
	OrderOnHold               OrderStatus = "ON_HOLD"
	OrderConfirmed            OrderStatus = "CONFIRMED"
	OrderPartiallyBackordered OrderStatus = "PARTIALLY_BACKORDERED"
	OrderBackordered          OrderStatus = "BACKORDERED"
	OrderInFulfillment        OrderStatus = "IN_FULFILLMENT"
	OrderPartiallyShipped     OrderStatus = "PARTIALLY_SHIPPED"
	OrderShipped              OrderStatus = "SHIPPED"
	OrderPartiallyDelivered   OrderStatus = "PARTIALLY_DELIVERED"
	OrderDelivered            OrderStatus = "DELIVERED"
	OrderInvoiced             OrderStatus = "INVOICED"
	OrderClosed               OrderStatus = "CLOSED"
	OrderCancelled            OrderStatus = "CANCELLED"
	OrderRejected             OrderStatus = "REJECTED"
)

// OrderHold keeps an order from moving.
type OrderHold struct {
	Kind   HoldKind  `json:"kind"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// HoldKind is a kind of hold.
type HoldKind string

// Kinds of holds.
const (
	HoldCredit     HoldKind = "CREDIT"
	HoldPrice      HoldKind = "PRICE"
	HoldCompliance HoldKind = "COMPLIANCE"
	HoldAllocation HoldKind = "ALLOCATION"
	HoldManual     HoldKind = "MANUAL"
)

// OrderSort is an order of orders.
type OrderSort string

// Orders of orders.
const (
	OrdersNewest      OrderSort = "PLACED_AT_DESC"
	OrdersOldest      OrderSort = "PLACED_AT_ASC"
	OrdersByRequested OrderSort = "REQUESTED_DATE_ASC"
	OrdersByNumber    OrderSort = "NUMBER_ASC"
)

// OrderLine is a line of an order: ordered = cancelled + shipped + open, and
// what is backordered is part of what is open. All quantities are in one unit.
type OrderLine struct {
	ID                 string          `json:"ID"`
	OrderID            string          `json:"OrderID"`
	LineNumber         string          `json:"LineNumber"`
	ItemRef            Ref             `json:"ItemRef"`
	SKU                *string         `json:"SKU"`
	CustomerPartNumber *string         `json:"CustomerPartNumber"`
	Description        string          `json:"Description"`
	UnitPrice          *UnitPrice      `json:"UnitPrice"`
	Amount             *Money          `json:"Amount"`
	Status             OrderLineStatus `json:"Status"`
	Ordered            Quantity        `json:"Ordered"`
	Confirmed          Quantity        `json:"Confirmed"`
	Allocated          Quantity        `json:"Allocated"`
	Backordered        Quantity        `json:"Backordered"`
	Shipped            Quantity        `json:"Shipped"`
	Delivered          Quantity        `json:"Delivered"`
	Invoiced           Quantity        `json:"Invoiced"`
	Cancelled          Quantity        `json:"Cancelled"`
	Returned           Quantity        `json:"Returned"`
	SubstitutedForRef  Ref             `json:"SubstitutedForRef"`
	// DeliveredBasis is whose word Delivered is.
	DeliveredBasis DeliveredBasis `json:"-"`
	// ScheduleKnown is set on a line as a source tells it.
	ScheduleKnown []ScheduleLine `json:"ScheduleKnown"`
}

// NodeID is the line's global id.
func (l *OrderLine) NodeID() string { return l.ID }

// DeliveredBasis is whose word it is how much of a line was delivered.
type DeliveredBasis string

// Whose word it can be.
const (
	DeliveredBySource   DeliveredBasis = "SOURCE"
	DeliveredByPackages DeliveredBasis = "PACKAGES"
)

// OrderLineStatus is a state of an order line.
type OrderLineStatus string

// States of an order line.
const (
	LineOpen        OrderLineStatus = "OPEN"
	LineConfirmed   OrderLineStatus = "CONFIRMED"
	LineBackordered OrderLineStatus = "BACKORDERED"
	LineAllocated   OrderLineStatus = "ALLOCATED"
	LinePicked      OrderLineStatus = "PICKED"
	LineShipped     OrderLineStatus = "SHIPPED"
	LineDelivered   OrderLineStatus = "DELIVERED"
	LineCancelled   OrderLineStatus = "CANCELLED"
	LineSubstituted OrderLineStatus = "SUBSTITUTED"
	LineOnHold      OrderLineStatus = "ON_HOLD"
)

// ScheduleLine is a part of an order line with its dates. Requested, promised
// and actual never share a field.
type ScheduleLine struct {
	Quantity              Quantity `json:"Quantity"`
	WarehouseRef          Ref      `json:"WarehouseRef"`
	RequestedShipDate     *Date    `json:"RequestedShipDate"`
	RequestedDeliveryDate *Date    `json:"RequestedDeliveryDate"`
	PromisedShipDate      *Date    `json:"PromisedShipDate"`
	PromisedDeliveryDate  *Date    `json:"PromisedDeliveryDate"`
	ActualShipDate        *Date    `json:"ActualShipDate"`
	ActualDeliveryDate    *Date    `json:"ActualDeliveryDate"`
}

// Derive sets the status of every line, the order's own and its promised
// delivery, from quantities, dates and holds. A status that only Portico or
// the source's header can know (rejected, queued and the like) is kept.
func (o *Order) Derive() {
	for i := range o.LinesKnown {
		o.LinesKnown[i].derive(len(o.Holds) > 0)
	}
	switch o.Status {
	case OrderRejected, OrderClosed, OrderQueued, OrderReceived, OrderValidating, OrderPendingApproval:
	default:
		o.Status = o.DerivedStatus()
	}
	o.PromisedDeliveryDate = o.promised()
}

// Deliver sets what was delivered of each line to what carriers report of its packages where that is more than what the source
// says, derives the order anew if it is of any, and tells whether it is.
func (o *Order) Deliver(packages []udecimal.Decimal) (further bool) {
	for i := range o.LinesKnown {
		if l := &o.LinesKnown[i]; packages[i].GreaterThan(l.Delivered.Value) {
			l.Delivered.Value, l.DeliveredBasis, further = packages[i], DeliveredByPackages, true
		}
	}
	if further {
		o.Derive()
	}
	return further
}

func (l *OrderLine) derive(held bool) {
	live := l.Ordered.Value.Sub(l.Cancelled.Value)
	switch {
	case live.Sign() <= 0:
		l.Status = LineCancelled
	case l.Delivered.Value.GreaterThanOrEqual(live):
		l.Status = LineDelivered
	case l.Shipped.Value.GreaterThanOrEqual(live):
		l.Status = LineShipped
	case l.Status == LinePicked:
	case held:
		l.Status = LineOnHold
	case l.Backordered.Value.IsPos():
		l.Status = LineBackordered
	case l.Allocated.Value.IsPos():
		l.Status = LineAllocated
	case l.Confirmed.Value.IsPos():
		l.Status = LineConfirmed
	default:
		l.Status = LineOpen
	}
}

// DerivedStatus is the status that the lines of an order make together.
func (o *Order) DerivedStatus() OrderStatus {
	var live, shipped, delivered, invoiced, backordered, moving udecimal.Decimal
	for _, l := range o.LinesKnown {
		// What was delivered above the order of one line stands for no other line; and what was delivered has left.
		ofLine := udecimal.Max(l.Ordered.Value.Sub(l.Cancelled.Value), udecimal.Zero)
		live = live.Add(ofLine)
		delivered = delivered.Add(udecimal.Min(l.Delivered.Value, ofLine))
		shipped = shipped.Add(udecimal.Min(udecimal.Max(l.Shipped.Value, l.Delivered.Value), ofLine))
		invoiced = invoiced.Add(udecimal.Min(l.Invoiced.Value, ofLine))
		backordered = backordered.Add(udecimal.Max(l.Backordered.Value, udecimal.Zero))
		if l.Status == LinePicked {
			moving = moving.Add(l.Ordered.Value)
		}
	}
	open := live.Sub(shipped)
	switch {
	case live.Sign() <= 0:
		return OrderCancelled
	case invoiced.GreaterThanOrEqual(live) && delivered.GreaterThanOrEqual(live):
		return OrderInvoiced
	case delivered.GreaterThanOrEqual(live):
		return OrderDelivered
	case shipped.GreaterThanOrEqual(live) && delivered.IsPos():
		return OrderPartiallyDelivered
	case shipped.GreaterThanOrEqual(live):
		return OrderShipped
	case len(o.Holds) > 0:
		return OrderOnHold
	case shipped.IsPos():
		return OrderPartiallyShipped
	case moving.IsPos():
		return OrderInFulfillment
	case backordered.IsPos() && backordered.GreaterThanOrEqual(open):
		return OrderBackordered
	case backordered.IsPos():
		return OrderPartiallyBackordered
	}
	return OrderConfirmed
}

// promised is the latest promised delivery of the open lines; nil when one of
// them has no promise or none is open.
func (o *Order) promised() *Date {
	var latest *Date
	for _, l := range o.LinesKnown {
		if l.Shipped.Value.Add(l.Cancelled.Value).GreaterThanOrEqual(l.Ordered.Value) {
			continue
		}
		for _, s := range l.ScheduleKnown {
			if s.ActualShipDate != nil {
				continue
			}
			if s.PromisedDeliveryDate == nil {
				return nil
			}
			if latest == nil || latest.Before(*s.PromisedDeliveryDate) {
				latest = s.PromisedDeliveryDate
			}
		}
	}
	return latest
}
