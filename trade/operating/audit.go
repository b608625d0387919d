package operating

import (
	"cmp"
	"strings"
	"time"

	"portico/trade"
)

// AuditRecord is something that was done, as it is written to the audit log. Before and
// After hold what changed, without what is classified.
type AuditRecord struct {
	Actor         string // user id; empty for the system itself
	Action        string // such as order.amend
	Subject       string
	CorrelationID string
	Before, After map[string]any
}

// AuditEntry is an entry of the audit log that is sealed.
type AuditEntry struct {
	ID            string
	Index         int
	At            time.Time
	ActorID       string
	Action        string
	Subject       string
	CorrelationID string
	Before, After trade.JSON
	Digest        string
}

// NodeID is the entry's global id.
func (e *AuditEntry) NodeID() string { return e.ID }

// TimelineKind is a kind of entry of a timeline.
type TimelineKind string

// TimelineEntry is one entry of a history or trace, for people.
type TimelineEntry struct {
	At            time.Time
	Kind          TimelineKind
	Message       string
	System        trade.SourceKind
	ActorID       string
	Subject       *string
	CorrelationID *string
	Took          *time.Duration
	Responsible   *trade.Responsible
}

// Kinds of entries of a timeline.
const (
	RequestEntry   TimelineKind = "REQUEST"
	StepEntry      TimelineKind = "STEP"
	CallEntry      TimelineKind = "SOURCE_CALL"
	MessageInEntry TimelineKind = "NEWS_IN"
	StatusEntry    TimelineKind = "STATUS_CHANGE"
	DecisionEntry  TimelineKind = "DECISION"
)

var saidOf = map[string]string{
	string(trade.SubmitOrder): "The order was submitted.", string(trade.AmendOrder): "A change was submitted.",
	string(trade.CancelOrder):   "A cancellation was submitted.",
	string(trade.RequestReturn): "A return was asked for.", "order.approve": "The order was approved.",
	"order.reject":               "The order was rejected.",
	"order.accept":               "The buyer accepted what was found different.",
	string(trade.Respond):        "The supplier responded to the purchase order.",
	string(trade.SubmitDespatch): "A despatch advice was submitted.",
	string(trade.Unannounce):     "A despatch advice was withdrawn.",
	string(trade.SetLeadTime):    "A change of the lead time was submitted.",
	string(trade.Correct):        "A conflict of master data was resolved.",
	"deviation.accept":           "A deviation of the supplier's response was accepted.",
	"deviation.reject":           "A deviation of the supplier's response was rejected: the order stands.",
	"deviation.counter":          "A deviation of the supplier's response was answered with another proposal.",
}

// revisionEntry is what an entry about a revision of a purchase order is of.
const revisionEntry = "revision"

// Say writes the sentence of an entry: what it is of, from and to which state.
func (e *TimelineEntry) Say(what, before, after string) {
	switch e.Kind {
	case StatusEntry:
		e.Message = "It went from " + words(before) + " to " + words(after) + "."
	case MessageInEntry:
		if what == revisionEntry {
			e.Message = "The buyer published revision " + before + ": " + cmp.Or(after, "it says what the one before said") + "."
			return
		}
		e.Message = "The carrier reported: " + words(what) + "."
	case StepEntry, CallEntry:
		e.Message = "Step " + what + ": " + words(after)
		if before != "1" {
			e.Message += " at attempt " + before
		}
		e.Message += "."
	default:
		if e.Message = saidOf[what]; e.Message == "" { // better a code than nothing
			e.Message = words(what) + "."
		}
	}
}

// words are a code in words.
func words(code string) string { return strings.ToLower(strings.ReplaceAll(code, "_", " ")) }

// DeadLetter is an operation that is parked, with its history. Payload is what its steps
// work on.
type DeadLetter struct {
	ID            string
	OperationID   string
	Stream        string
	Payload       trade.JSON
	Error         string
	Responsible   trade.Responsible
	Attempts      int
	FirstFailedAt time.Time
	LastFailedAt  time.Time
	CorrelationID *string
}

// NodeID is the dead letter's global id.
func (d *DeadLetter) NodeID() string { return d.ID }
