package trade

import "time"

// Topic is a kind of thing whose changes are told as they happen.
type Topic string

// Topics.
const (
	OfShipments  Topic = "SHIPMENT"
	OfOperations Topic = "OPERATION"
)

// Place is a place in the log of changes: a transaction, and a change in it. Changes are
// told in the order of their places.
type Place struct {
	Transaction uint64
	Seq         int64
}

// Before tells whether this place comes before another one.
func (p Place) Before(o Place) bool {
	return p.Transaction < o.Transaction || p.Transaction == o.Transaction && p.Seq < o.Seq
}

// Change is an entry of the log of changes: what changed, and whose it is.
type Change struct {
	Place
	Topic     Topic
	SubjectID string
	Whose
	Principal string   // whose operation it is
	OrderIDs  []string // sales orders that a shipment carries
	Previous  *string  // status before; nil where it is new or did not change
	CauseID   string   // the event behind it, if there is one
	EtaShift  *time.Duration
	At        time.Time
}

// StreamItem is anything that comes over a stream.
type StreamItem interface{ IsStreamItem() }

// ShipmentStream is an item of the stream of shipments.
type ShipmentStream interface{ IsShipmentStream() }

// OperationStream is an item of the stream of operations.
type OperationStream interface{ IsOperationStream() }

// What items come over which streams is said by what they embed.
type (
	overAny        struct{}
	overShipments  struct{}
	overOperations struct{}
)

func (overAny) IsStreamItem()             {}
func (overShipments) IsShipmentStream()   {}
func (overOperations) IsOperationStream() {}

// StreamCaughtUp says that all that was missed was told.
type StreamCaughtUp struct {
	overAny
	overShipments
	overOperations
	Cursor   string
	At       time.Time
	Replayed int
}

// StreamGap says that changes are missing, which are kept no longer.
type StreamGap struct {
	overAny
	overShipments
	overOperations
	Cursor  string
	At      time.Time
	From    string
	Requery string
}

// ShipmentUpdate is a change of a shipment as a portal is told of it.
type ShipmentUpdate struct {
	overAny
	overShipments
	Change
	Cursor string
}

// PreviousStatus is the status before.
func (u *ShipmentUpdate) PreviousStatus() *ShipmentStatus { return (*ShipmentStatus)(u.Previous) }

// OperationUpdate is a change of an operation as a portal is told of it.
type OperationUpdate struct {
	overAny
	overOperations
	Change
	Cursor string
}

// PreviousState is the state before.
func (u *OperationUpdate) PreviousState() *OperationState { return (*OperationState)(u.Previous) }
