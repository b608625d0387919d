package trade

import "time"

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
	SubmittedAt   time.Time
	FinishedAt    *time.Time
	Steps         []OperationStep
	Failure       *OperationFailure
}

// NodeID is the operation's global id.
func (o *Operation) NodeID() string { return o.ID }

// OperationKind is a kind of operation.
type OperationKind string

// Kinds of operations.
const (
	SubmitOrder OperationKind = "SUBMIT_ORDER"
)

// OperationState is a state of an operation.
type OperationState string

// States of an operation.
const (
	OperationAccepted   OperationState = "ACCEPTED"
	OperationQueued     OperationState = "QUEUED"
	OperationCommitting OperationState = "COMMITTING"
	OperationCommitted  OperationState = "COMMITTED"
	OperationUnknown    OperationState = "OUTCOME_UNKNOWN"
	OperationFailed     OperationState = "FAILED"
	OperationParked     OperationState = "DEAD_LETTERED"
)

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
