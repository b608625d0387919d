package trade

import "time"

// Capability is what can be routed to a source by itself.
type Capability string

// Capabilities of sources.
const (
	Accounts       Capability = "ACCOUNTS"
	Items          Capability = "ITEMS"
	Pricing        Capability = "PRICING"
	Inventory      Capability = "INVENTORY"
	Orders         Capability = "ORDERS"
	PurchaseOrders Capability = "PURCHASE_ORDERS"
	TrackingOf     Capability = "TRACKING"
	Invoices       Capability = "INVOICES"
	Returns        Capability = "RETURNS"
)

// SourceHealth is the state of a source system.
type SourceHealth struct {
	System        SourceKind
	Instance      string
	State         SourceState
	Message       *string
	Circuit       CircuitState
	Capabilities  []Capability
	Lag           *time.Duration
	LastSuccessAt *time.Time
}

// SourceState is a source in one word.
type SourceState string

// Sources in one word.
const (
	SourceUp          SourceState = "UP"
	SourceDegraded    SourceState = "DEGRADED"
	SourceMaintenance SourceState = "MAINTENANCE"
	SourceIsDown      SourceState = "DOWN"
)

// CircuitState is the state of a circuit breaker.
type CircuitState string

// States of a circuit breaker.
const (
	CircuitClosed   CircuitState = "CLOSED"
	CircuitHalfOpen CircuitState = "HALF_OPEN"
	CircuitOpen     CircuitState = "OPEN"
)

// RejectedRecord is a record of a source that could not be read and was set
// aside.
type RejectedRecord struct {
	Instance  string
	Kind      string
	SourceRef *string
	Reason    string
	At        time.Time
}
