package operating

import "time"

// InboundDelivery is news that another system pushed to us, or told when asked. It is kept
// with its bytes before it is answered.
type InboundDelivery struct {
	ID         string
	Instance   string
	DeliveryID string // the source's own id of it
	ReceivedAt time.Time
	State      InboundState
	Attempts   int
	Repeats    int // how often it came again
	Error      *string
	Subjects   []string
	Unused     []string // paths of what was read and not used
}

// NodeID is the delivery's global id.
func (d *InboundDelivery) NodeID() string { return d.ID }

// InboundState is where an inbound delivery stands.
type InboundState string

// States of inbound deliveries.
const (
	InboundReceived  InboundState = "RECEIVED"
	InboundApplied   InboundState = "APPLIED"
	InboundInPart    InboundState = "APPLIED_IN_PART"
	InboundWaiting   InboundState = "WAITING_FOR_SUBJECT"
	InboundDuplicate InboundState = "DUPLICATE"
	InboundRefused   InboundState = "REFUSED"
	InboundParked    InboundState = "PARKED"
)
