package trade

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Topic is a kind of thing whose changes are told as they happen.
type Topic string

// Topics.
const (
	OfShipments      Topic = "SHIPMENT"
	OfOperations     Topic = "OPERATION"
	OfOrders         Topic = "ORDER"
	OfPurchaseOrders Topic = "PURCHASE_ORDER"
	OfAvailability   Topic = "AVAILABILITY"
	OfInvoices       Topic = "INVOICE"
	OfAlerts         Topic = "ALERT"
)

// Place is a place in the log of changes: a transaction, and a change in it. Changes are
// told in the order of their places.
type Place struct {
	Transaction uint64 `json:"Transaction"`
	Seq         int64  `json:"Seq"`
}

// Before tells whether this place comes before another one.
func (p Place) Before(o Place) bool {
	return p.Transaction < o.Transaction || p.Transaction == o.Transaction && p.Seq < o.Seq
}

// Change is an entry of the log of changes: what changed, and whose it is.
type Change struct {
	Place
	Topic     Topic  `json:"Topic"`
	SubjectID string `json:"SubjectID"`
	Party
	Principal string `json:"Principal"` // whose operation it is
	// Related are ids of what goes with it: a shipment's orders, an order's changed lines and
	// promises that moved, a purchase order's deviations, the warehouses of stock.
	Related  []string       `json:"Related"`
	Previous *string        `json:"Previous"` // status before; nil where it is new or did not change
	CauseID  string         `json:"CauseID"`  // the event behind it, if there is one
	EtaShift *time.Duration `json:"EtaShift,format:nano"`
	At       time.Time      `json:"At"`
}

// RelatedOf are the ids of one kind among those that go with the change, by their prefix.
func (c *Change) RelatedOf(prefix string) (ids []string) {
	for _, id := range c.Related {
		if strings.HasPrefix(id, prefix) {
			ids = append(ids, id)
		}
	}
	return ids
}

// StreamItem is anything that comes over a stream.
type StreamItem interface{ IsStreamItem() }

// Items of streams, by what they are about.
type (
	// ShipmentStream is an item of the stream of shipments.
	ShipmentStream interface{ IsShipmentStream() }
	// OperationStream is an item of the stream of operations.
	OperationStream interface{ IsOperationStream() }
	// OrderStream is an item of the stream of orders.
	OrderStream interface{ IsOrderStream() }
	// PurchaseOrderStream is an item of the stream of purchase orders.
	PurchaseOrderStream interface{ IsPurchaseOrderStream() }
	// AvailabilityStream is an item of the stream of stock.
	AvailabilityStream interface{ IsAvailabilityStream() }
	// InvoiceStream is an item of the stream of invoices.
	InvoiceStream interface{ IsInvoiceStream() }
	// AlertStream is an item of the stream of alerts.
	AlertStream interface{ IsAlertStream() }
)

// What items come over which streams is said by what they embed.
type (
	overAny            struct{}
	overShipments      struct{}
	overOperations     struct{}
	overOrders         struct{}
	overPurchaseOrders struct{}
	overAvailability   struct{}
	overInvoices       struct{}
	overAlerts         struct{}
	overAll            struct {
		overAny
		overShipments
		overOperations
		overOrders
		overPurchaseOrders
		overAvailability
		overInvoices
		overAlerts
	}
)

func (overAny) IsStreamItem()                     {}
func (overShipments) IsShipmentStream()           {}
func (overOperations) IsOperationStream()         {}
func (overOrders) IsOrderStream()                 {}
func (overPurchaseOrders) IsPurchaseOrderStream() {}
func (overAvailability) IsAvailabilityStream()    {}
func (overInvoices) IsInvoiceStream()             {}
func (overAlerts) IsAlertStream()                 {}

// StreamCaughtUp says that all that was missed was told.
type StreamCaughtUp struct {
	overAll
	Cursor   string
	At       time.Time
	Replayed int
}

// StreamGap says that changes are missing, which are kept no longer.
type StreamGap struct {
	overAll
	Cursor  string
	At      time.Time
	From    string
	Requery string
}

// Update is a change as a portal is told of it. Sealed makes a cursor of a place.
type Update struct {
	overAny
	Change
	Sign func(Place) string
}

// Cursor is where to go on after it.
func (u *Update) Cursor() string { return u.Sign(u.Place) }

// SharedAs names the change: all who may see the same are told the same of it.
func (u *Update) SharedAs() string {
	b := append(make([]byte, 0, 48), u.Topic...)
	b = strconv.AppendUint(append(b, '/'), u.Transaction, 10)
	return string(strconv.AppendInt(append(b, '/'), u.Seq, 10))
}

// ShipmentUpdate is a change of a shipment.
type ShipmentUpdate struct {
	overShipments
	Update
}

// PreviousStatus is the status before.
func (u *ShipmentUpdate) PreviousStatus() *ShipmentStatus { return (*ShipmentStatus)(u.Previous) }

// OperationUpdate is a change of an operation.
type OperationUpdate struct {
	overOperations
	Update
}

// PreviousState is the state before.
func (u *OperationUpdate) PreviousState() *OperationState { return (*OperationState)(u.Previous) }

// OrderUpdate is a change of an order.
type OrderUpdate struct {
	overOrders
	Update
}

// PreviousStatus is the status before.
func (u *OrderUpdate) PreviousStatus() *OrderStatus { return (*OrderStatus)(u.Previous) }

// PurchaseOrderUpdate is a change of a purchase order.
type PurchaseOrderUpdate struct {
	overPurchaseOrders
	Update
}

// PreviousStatus is the status before.
func (u *PurchaseOrderUpdate) PreviousStatus() *PurchaseOrderStatus {
	return (*PurchaseOrderStatus)(u.Previous)
}

// AvailabilityUpdate is a change of an item's stock. Warehouses are those that it is asked
// of; nil is all.
type AvailabilityUpdate struct {
	overAvailability
	Update
	Warehouses []string
}

// SharedAs names the change, and which warehouses are told of.
func (u *AvailabilityUpdate) SharedAs() string {
	return fmt.Sprintf("%s/%q", u.Update.SharedAs(), u.Warehouses)
}

// PreviousStatus is the status before, of all warehouses together.
func (u *AvailabilityUpdate) PreviousStatus() *StockStatus { return (*StockStatus)(u.Previous) }

// InvoiceUpdate is a change of an invoice.
type InvoiceUpdate struct {
	overInvoices
	Update
}

// PreviousStatus is the status before.
func (u *InvoiceUpdate) PreviousStatus() *InvoiceStatus { return (*InvoiceStatus)(u.Previous) }

// AlertUpdate is a change of an alert.
type AlertUpdate struct {
	overAlerts
	Update
}

// PreviousState is the state before.
func (u *AlertUpdate) PreviousState() *AlertState { return (*AlertState)(u.Previous) }

// WebhookTopic is what an endpoint is sent: the changes of a topic.
type WebhookTopic string

const updated = "_UPDATED"

// Webhook is how a topic is called where it is sent.
func (t Topic) Webhook() WebhookTopic { return WebhookTopic(t) + updated }

// Topic is the topic of changes that are sent.
func (t WebhookTopic) Topic() Topic { return Topic(strings.TrimSuffix(string(t), updated)) }

// topicScopes are the rights by which the changes of a topic are told.
var topicScopes = map[Topic]string{
	OfShipments: "shipment:read", OfOperations: "operation:read", OfOrders: "order:read", OfPurchaseOrders: "po:read",
	OfAvailability: "inventory:read", OfInvoices: "invoice:read", OfAlerts: "alert:read",
}

// MaySubscribe tells why a scope may not be told of a topic; nil where it may.
func (s Scope) MaySubscribe(t Topic) error { return s.Decide([][]string{{topicScopes[t]}}, nil) }

// Sees tells whether a change is told to a scope that may follow its topic.
func (s Scope) Sees(c *Change) bool {
	if c.Topic == OfAvailability { // stock is everybody's who may see stock
		return true
	}
	return s.Decide(nil, &c.Party) == nil
}
