package operating

import (
	"time"

	"portico/trade"
)

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
	System        trade.SourceKind
	Instance      string
	State         SourceState
	Reasons       []SourceReason // why it is not simply up, though it answers
	Message       *string
	Circuit       CircuitState
	Capabilities  []Capability
	Lag           *time.Duration
	LastSuccessAt *time.Time
	Guarantee     EffectGuarantee
	QueueDepth    int // operations that wait for it
	PausedReason  *string
	Maintenance   []MaintenanceWindow
}

// EffectGuarantee is what a source promises for a write that is repeated.
type EffectGuarantee string

// Promises for a write that is repeated.
const (
	KeyHonoured         EffectGuarantee = "KEY_HONOURED"         // exactly one effect per key
	ReferenceSearchable EffectGuarantee = "REFERENCE_SEARCHABLE" // our reference is found: exactly one effect
	AtMostOnce          EffectGuarantee = "AT_MOST_ONCE"         // never two effects; unknown where the answer is lost
	ReadOnly            EffectGuarantee = "READ_ONLY"            // only read from
)

// MaintenanceWindow is a planned time without service.
type MaintenanceWindow struct {
	From time.Time `yaml:"from"`
	To   time.Time `yaml:"to"`
}

// SourceState is a source in one word.
type SourceState string

// Sources in one word.
const (
	SourceUp          SourceState = "UP"
	SourceDegraded    SourceState = "DEGRADED"
	SourceIsStale     SourceState = "STALE" // it answers, and its changes do not arrive
	SourceMaintenance SourceState = "MAINTENANCE"
	SourcePaused      SourceState = "PAUSED"
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

// UnusedField is a value that came with records of a source and is used for nothing.
type UnusedField struct {
	Instance                string
	Kind                    string // of the records, as Portico calls it
	Path                    string // with # for the elements of a list
	SourceRef               string // of a record that had it
	FirstSeenAt, LastSeenAt time.Time
}

// RejectedRecord is a record of a source that could not be read and was set
// aside.
type RejectedRecord struct {
	Instance  string
	Kind      string // in the source
	Subject   string // the kind as Portico calls it; empty where it is not one of a page
	SourceRef *string
	Reason    string
	At        time.Time
	// Kept tells that it was read and saved, without what it names or says of what is not known.
	Kept bool
}
