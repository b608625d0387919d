package trade

import (
	"encoding/json"
	"time"
)

// Operation is a durable piece of work behind a write.
type Operation struct {
	ID            string            `json:"ID"`
	Kind          OperationKind     `json:"Kind"`
	State         OperationState    `json:"State"`
	CorrelationID string            `json:"CorrelationID"`
	Key           string            `json:"Key"`       // it was submitted with
	Principal     string            `json:"Principal"` // who submitted it
	Subject       *string           `json:"Subject"`   // id of what it works on
	AccountID     string            `json:"AccountID"`
	SupplierID    string            `json:"SupplierID"`
	SubmittedAt   time.Time         `json:"SubmittedAt"`
	FinishedAt    *time.Time        `json:"FinishedAt"`
	Steps         []OperationStep   `json:"Steps"`
	Awaiting      *AwaitedDecision  `json:"Awaiting"`
	Failure       *OperationFailure `json:"Failure"`
	Source        string            `json:"Source"` // that it writes to
	Place         int64             `json:"Place"`  // among all operations
	// Progress is how far one is that is done in parts; nil of others.
	Progress *OperationProgress `json:"Progress,omitzero"`
}

// OperationProgress is how far an operation is that is done in parts: what it has read so far, and what of that changed a record, or would.
type OperationProgress struct {
	Found   int `json:"Found"`
	Changes int `json:"Changes"`
}

// NodeID is the operation's global id.
func (o *Operation) NodeID() string { return o.ID }

// OperationKind is a kind of operation.
type OperationKind string

// Kinds of operations.
const (
	SubmitOrder    OperationKind = "SUBMIT_ORDER"
	AmendOrder     OperationKind = "AMEND_ORDER"
	CancelOrder    OperationKind = "CANCEL_ORDER"
	RequestReturn  OperationKind = "REQUEST_RETURN"
	Respond        OperationKind = "RESPOND_TO_PURCHASE_ORDER"
	SubmitDespatch OperationKind = "SUBMIT_DESPATCH_ADVICE"
	Unannounce     OperationKind = "CANCEL_DESPATCH_ADVICE"
	SetLeadTime    OperationKind = "CHANGE_LEAD_TIME"
	Correct        OperationKind = "RESOLVE_MASTER_DATA"
	Replay         OperationKind = "REPLAY"
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
	Differences []UserError
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
	By          Audience  `json:"By"`
	Message     string    `json:"Message"`
	Since       time.Time `json:"Since"`
	Differences Refusals  `json:"Differences"`
	ResponseID  string    `json:"ResponseID,omitempty"`
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
	Name      string      `json:"Name"`
	System    *SourceKind `json:"System"`
	State     StepState   `json:"State"`
	Attempts  int         `json:"Attempts"`
	Starved   int         `json:"-"` // attempts that were taken from a process that ran, and was too slow to say so
	StartedAt *time.Time  `json:"StartedAt"`
	// UnderWaySince is since when an attempt may be under way at the source, although nobody waits for it any more; nil where none is.
	UnderWaySince *time.Time `json:"-"`
	FinishedAt    *time.Time `json:"FinishedAt"`
	ExternalRef   *string    `json:"ExternalRef"`
	Error         *string    `json:"Error"`
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
	Account               string      `json:"Account"` // number
	ShipTo                string      `json:"ShipTo"`  // location's code; empty with ShipToAddress
	ShipToAddress         *Address    `json:"ShipToAddress"`
	CustomerPoNumber      string      `json:"CustomerPoNumber"`
	RequestedDeliveryDate *Date       `json:"RequestedDeliveryDate"`
	Comment               *string     `json:"Comment"`
	Lines                 []DraftLine `json:"Lines"`
}

// DraftLine is a line of a draft.
type DraftLine struct {
	LineNumber            string    `json:"LineNumber"`
	SKU                   string    `json:"SKU"`
	Quantity              Quantity  `json:"Quantity"`
	UnitPrice             UnitPrice `json:"UnitPrice"`
	RequestedDeliveryDate *Date     `json:"RequestedDeliveryDate"`
}

// OrderChange is a change of an order as it is handed to an ERP: Lines by their numbers
// there, of which a quantity of nothing cancels what is open, and new ones.
type OrderChange struct {
	Number                string        `json:"Number"`
	RequestedDeliveryDate *Date         `json:"RequestedDeliveryDate"`
	Lines                 []ChangedLine `json:"Lines"`
	Added                 []DraftLine   `json:"Added"`
}

// ChangedLine is a line that is changed; what is nil stays.
type ChangedLine struct {
	LineNumber            string     `json:"LineNumber"`
	SKU                   string     `json:"SKU"`
	Quantity              *Quantity  `json:"Quantity"`
	UnitPrice             *UnitPrice `json:"UnitPrice"` // that the quantity is ordered at
	RequestedDeliveryDate *Date      `json:"RequestedDeliveryDate"`
}

// ReturnDraft is a return as it is asked for at an ERP.
type ReturnDraft struct {
	Account     string            `json:"Account"`
	OrderNumber string            `json:"OrderNumber"`
	Lines       []ReturnDraftLine `json:"Lines"`
}

// ReturnDraftLine is a line of it.
type ReturnDraftLine struct {
	LineNumber string       `json:"LineNumber"` // of the order
	SKU        string       `json:"SKU"`
	Quantity   Quantity     `json:"Quantity"`
	Reason     ReturnReason `json:"Reason"`
	Comment    *string      `json:"Comment"`
}
