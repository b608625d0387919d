package trade

import "time"

// UserError is a refusal of a write that the caller can act on.
type UserError interface{ refusal() *Refusal }

// Refusal is what every refusal tells: a stable code, a sentence to show, and the
// place in the arguments, which is nil for the whole.
type Refusal struct {
	Code    ErrorCode
	Message string
	Path    []string
}

func (r *Refusal) refusal() *Refusal { return r }

// ErrorCode is the code of a refusal.
type ErrorCode string

// Codes of refusals.
const (
	CodeInvalidInput    ErrorCode = "INVALID_INPUT"
	CodeNotFound        ErrorCode = "NOT_FOUND"
	CodePriceChanged    ErrorCode = "PRICE_CHANGED"
	CodeInsufficient    ErrorCode = "INSUFFICIENT_AVAILABILITY"
	CodeCreditBlocked   ErrorCode = "CREDIT_BLOCKED"
	CodeNotOrderable    ErrorCode = "ITEM_NOT_ORDERABLE"
	CodeUnit            ErrorCode = "UNIT_NOT_ORDERABLE"
	CodeMinimum         ErrorCode = "MINIMUM_NOT_MET"
	CodeMultiple        ErrorCode = "MULTIPLE_NOT_MET"
	CodeMaximum         ErrorCode = "MAXIMUM_EXCEEDED"
	CodeDate            ErrorCode = "DATE_NOT_POSSIBLE"
	CodeDuplicateNumber ErrorCode = "DUPLICATE_PO_NUMBER"
	CodeState           ErrorCode = "STATE_NOT_ALLOWED"
	CodeUnavailable     ErrorCode = "SOURCE_UNAVAILABLE"
	CodeKeyConflict     ErrorCode = "IDEMPOTENCY_CONFLICT"
)

// SubmitOrderError is a refusal of a new order.
type SubmitOrderError interface {
	UserError
	submitOrderError()
}

// InvalidInput breaks a rule; its code says which.
type InvalidInput struct{ Refusal }

// PriceChanged tells a price that differs from the one expected. ChangedSteps are
// nil where the source tells none.
type PriceChanged struct {
	Refusal
	Expected     UnitPrice
	Current      *Price
	ChangedSteps []PriceStep
}

// InsufficientAvailability tells what could be had instead.
type InsufficientAvailability struct {
	Refusal
	Promise *OrderPromise
}

// CreditBlocked tells how much is missing; nil where the account is on hold.
type CreditBlocked struct {
	Refusal
	ShortBy *Money
}

// SourceUnavailable is a write that cannot wait for a source that does not answer.
type SourceUnavailable struct {
	Refusal
	System     SourceKind
	RetryAfter *time.Duration
}

// IdempotencyConflict is a key that was used for another input.
type IdempotencyConflict struct {
	Refusal
	FirstUsedAt time.Time
	OperationID string
}

func (*IdempotencyConflict) submitOrderError()      {}
func (*InvalidInput) submitOrderError()             {}
func (*PriceChanged) submitOrderError()             {}
func (*InsufficientAvailability) submitOrderError() {}
func (*CreditBlocked) submitOrderError()            {}
func (*SourceUnavailable) submitOrderError()        {}
