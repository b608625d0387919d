package trade

import (
	"encoding/json"
	"time"
)

// Operation is a durable piece of work behind a write.
type Operation struct {
	ID            string
	Kind          OperationKind
	State         OperationState
	CorrelationID string
	Key           string  // it was submitted with
	Principal     string  // who submitted it
	Subject       *string // id of what it works on
	AccountID     string
	SupplierID    string
	SubmittedAt   time.Time
	FinishedAt    *time.Time
	Steps         []OperationStep
	Awaiting      *AwaitedDecision
	Failure       *OperationFailure
	Source        string // that it writes to
	Place         int64  // among all operations
}

// NodeID is the operation's global id.
func (o *Operation) NodeID() string { return o.ID }

// OperationKind is a kind of operation.
type OperationKind string

// Kinds of operations.
const (
	SubmitOrder   OperationKind = "SUBMIT_ORDER"
	AmendOrder    OperationKind = "AMEND_ORDER"
	CancelOrder   OperationKind = "CANCEL_ORDER"
	RequestReturn OperationKind = "REQUEST_RETURN"
	Respond       OperationKind = "RESPOND_TO_PURCHASE_ORDER"
	Announce      OperationKind = "SUBMIT_DESPATCH_ADVICE"
	Unannounce    OperationKind = "CANCEL_DESPATCH_ADVICE"
	SetLeadTime   OperationKind = "CHANGE_LEAD_TIME"
	Correct       OperationKind = "RESOLVE_MASTER_DATA"
)

// OperationState is a state of an operation.
type OperationState string

// States of an operation.
const (
	OperationAccepted     OperationState = "ACCEPTED"
	OperationValidating   OperationState = "VALIDATING"
	OperationQueued       OperationState = "QUEUED"
	OperationCommitting   OperationState = "COMMITTING"
	OperationCommitted    OperationState = "COMMITTED"
	OperationAwaiting     OperationState = "AWAITING_DECISION"
	OperationUnknown      OperationState = "OUTCOME_UNKNOWN"
	OperationCompensating OperationState = "COMPENSATING"
	OperationCompensated  OperationState = "COMPENSATED"
	OperationFailed       OperationState = "FAILED"
	OperationParked       OperationState = "DEAD_LETTERED"
)

// Rests tells whether nothing happens to an operation until somebody acts.
func (s OperationState) Rests() bool {
	return s == OperationAwaiting || s == OperationUnknown || s == OperationParked
}

// Queued tells whether an operation waits for its turn.
func (s OperationState) Queued() bool { return s == OperationAccepted || s == OperationQueued }

// AwaitedDecision is what an operation waits for. Differences are what its source
// found otherwise than it was shown, and ResponseID is the answer of a supplier that is
// decided about.
type AwaitedDecision struct {
	By          Audience
	Message     string
	Since       time.Time
	Differences []SubmitOrderError
	ResponseID  string
}

// MarshalJSON writes a decision as it is kept.
func (a AwaitedDecision) MarshalJSON() ([]byte, error) {
	return json.Marshal(awaitedJSON{a.By, a.Message, a.Since, a.Differences, a.ResponseID})
}

// UnmarshalJSON reads a decision as it is kept.
func (a *AwaitedDecision) UnmarshalJSON(text []byte) error {
	var kept awaitedJSON
	err := json.Unmarshal(text, &kept)
	*a = AwaitedDecision{kept.By, kept.Message, kept.Since, kept.Differences, kept.ResponseID}
	return err
}

type awaitedJSON struct {
	By          Audience
	Message     string
	Since       time.Time
	Differences Refusals
	ResponseID  string `json:",omitempty"`
}

// Audience is a side of the trade.
type Audience string

// Sides of the trade.
const (
	ForCustomer Audience = "CUSTOMER"
	ForSupplier Audience = "SUPPLIER"
	ForOperator Audience = "OPERATOR"
)

// QueuePosition is a place in a queue, from 1.
type QueuePosition struct {
	Position       int
	Reason         string
	EstimatedStart *time.Time
}

// WorkInState is how many operations of a kind are in a state.
type WorkInState struct {
	Kind   OperationKind
	State  OperationState
	Count  int
	Oldest time.Duration
}

// OperationStep is a step of an operation.
type OperationStep struct {
	Name        string
	System      *SourceKind
	State       StepState
	Attempts    int
	StartedAt   *time.Time
	FinishedAt  *time.Time
	ExternalRef *string
	Error       *string
}

// StepState is a state of a step.
type StepState string

// States of a step.
const (
	StepPending   StepState = "PENDING"
	StepRunning   StepState = "RUNNING"
	StepSucceeded StepState = "SUCCEEDED"
	StepRetrying  StepState = "RETRYING"
	StepFailed    StepState = "FAILED"
	StepUndone    StepState = "COMPENSATED"
	StepSkipped   StepState = "SKIPPED"
)

// OperationFailure is why an operation failed, and whose turn it is.
type OperationFailure struct {
	Responsible Responsible `json:"responsible"`
	Code        string      `json:"code"`
	Message     string      `json:"message"`
	Retryable   bool        `json:"retryable"`
}

// Responsible is whose fault something is.
type Responsible string

// Whose fault something is.
const (
	CallerAtFault        Responsible = "CALLER"
	OrchestrationAtFault Responsible = "ORCHESTRATION"
	ERPAtFault           Responsible = "ERP"
	PartnerAtFault       Responsible = "PARTNER"
	PortalAtFault        Responsible = "PORTAL"
	GatewayAtFault       Responsible = "GATEWAY"
	WMSAtFault           Responsible = "WMS"
	LogisticsAtFault     Responsible = "LOGISTICS"
)

// Draft is an order as it is handed to an ERP: checked, and by the numbers that the
// ERP knows.
type Draft struct {
	Account               string // number
	ShipTo                string // location's code; empty with ShipToAddress
	ShipToAddress         *Address
	CustomerPoNumber      string
	RequestedDeliveryDate *Date
	Comment               *string
	Lines                 []DraftLine
}

// DraftLine is a line of a draft.
type DraftLine struct {
	LineNumber            string
	SKU                   string
	Quantity              Quantity
	UnitPrice             UnitPrice
	RequestedDeliveryDate *Date
}

// OrderChange is a change of an order as it is handed to an ERP: Lines by their numbers
// there, of which a quantity of nothing cancels what is open, and new ones.
type OrderChange struct {
	Number                string
	RequestedDeliveryDate *Date
	Lines                 []ChangedLine
	Added                 []DraftLine
}

// ChangedLine is a line that is changed; what is nil stays.
type ChangedLine struct {
	LineNumber            string
	SKU                   string
	Quantity              *Quantity
	UnitPrice             *UnitPrice // that the quantity is ordered at
	RequestedDeliveryDate *Date
}

// ReturnDraft is a return as it is asked for at an ERP.
type ReturnDraft struct {
	Account, OrderNumber string
	Lines                []ReturnDraftLine
}

// ReturnDraftLine is a line of it.
type ReturnDraftLine struct {
	LineNumber string // of the order
	SKU        string
	Quantity   Quantity
	Reason     ReturnReason
	Comment    *string
}
