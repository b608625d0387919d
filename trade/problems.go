package trade

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// UserError is a refusal of a write that the caller can act on.
type UserError interface{ refusal() *Refusal }

// Refusal is what every refusal tells: a stable code, a sentence to show, and the
// place in the arguments, which is nil for the whole.
type Refusal struct {
	Code    ErrorCode `json:"Code"`
	Message string    `json:"Message"`
	Path    []string  `json:"Path"`
}

func (r *Refusal) refusal() *Refusal { return r }

// RefusalOf is what a refusal tells.
func RefusalOf(e UserError) *Refusal { return e.refusal() }

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
	CodeForbidden       ErrorCode = "FORBIDDEN"
	CodeVersionConflict ErrorCode = "VERSION_CONFLICT"
	CodeQuantity        ErrorCode = "QUANTITY_EXCEEDED"
	CodeTolerance       ErrorCode = "TOLERANCE_EXCEEDED"
	CodeLinesMissing    ErrorCode = "LINES_MISSING"
	CodeDuplicate       ErrorCode = "DUPLICATE_DOCUMENT"
	CodeSignature       ErrorCode = "SIGNATURE_INVALID"
)

// SubmitOrderError is a refusal of a new order.
type SubmitOrderError interface {
	UserError
	submitOrderError()
}

// AmendOrderError is a refusal of a change to an order.
type AmendOrderError interface {
	UserError
	amendOrderError()
}

// CommonError is a refusal of any write.
type CommonError interface {
	UserError
	commonError()
}

// SupplierError is a refusal of a supplier's document.
type SupplierError interface {
	UserError
	supplierError()
}

// InvalidInput breaks a rule; its code says which.
type InvalidInput struct{ Refusal }

// PriceChanged tells a price that differs from the one expected. ChangedSteps are
// nil where the source tells none.
type PriceChanged struct {
	Refusal
	Expected     UnitPrice   `json:"Expected"`
	Current      *Price      `json:"Current"`
	ChangedSteps []PriceStep `json:"ChangedSteps"`
}

// InsufficientAvailability tells what could be had instead.
type InsufficientAvailability struct {
	Refusal
	Promise *OrderPromise `json:"Promise"`
}

// CreditBlocked tells how much is missing; nil where the account is on hold.
type CreditBlocked struct {
	Refusal
	ShortBy *Money `json:"ShortBy"`
}

// SourceUnavailable is a write that cannot wait for a source that does not answer.
type SourceUnavailable struct {
	Refusal
	System     SourceKind     `json:"System"`
	RetryAfter *time.Duration `json:"RetryAfter"`
}

// IdempotencyConflict is a key that was used for another input.
type IdempotencyConflict struct {
	Refusal
	FirstUsedAt time.Time `json:"FirstUsedAt"`
	OperationID string    `json:"OperationID"`
}

// Forbidden tells a right that is missing; empty where no scope would be enough.
type Forbidden struct {
	Refusal
	MissingScope *string `json:"MissingScope"`
}

// VersionConflict is a change made against a version that is not the current one.
type VersionConflict struct {
	Refusal
	CurrentVersion string   `json:"CurrentVersion"`
	ChangedFields  []string `json:"ChangedFields"`
}

// StateNotAllowed is an act that the state does not allow, with those that it does.
type StateNotAllowed struct {
	Refusal
	State   string   `json:"State"`
	Allowed []string `json:"Allowed"`
}

// ToleranceExceeded is an answer beyond a tolerance whose profile refuses such.
type ToleranceExceeded struct {
	Refusal
	Deviation *Deviation `json:"Deviation"`
}

// SignatureInvalid is a signature that is missing, wrong, old or of an unknown key; KeyID
// is the key that it names.
type SignatureInvalid struct {
	Refusal
	KeyID *string `json:"KeyID"`
}

// DuplicateDocument is a document that was received before; Existing is the id of what
// came of it.
type DuplicateDocument struct {
	Refusal
	Existing string `json:"Existing"`
}

func (*Forbidden) submitOrderError()                {}
func (*IdempotencyConflict) submitOrderError()      {}
func (*InvalidInput) submitOrderError()             {}
func (*PriceChanged) submitOrderError()             {}
func (*InsufficientAvailability) submitOrderError() {}
func (*CreditBlocked) submitOrderError()            {}
func (*SourceUnavailable) submitOrderError()        {}

func (*Forbidden) amendOrderError()                {}
func (*IdempotencyConflict) amendOrderError()      {}
func (*InvalidInput) amendOrderError()             {}
func (*VersionConflict) amendOrderError()          {}
func (*StateNotAllowed) amendOrderError()          {}
func (*PriceChanged) amendOrderError()             {}
func (*InsufficientAvailability) amendOrderError() {}
func (*CreditBlocked) amendOrderError()            {}
func (*SourceUnavailable) amendOrderError()        {}

func (*Forbidden) commonError()           {}
func (*IdempotencyConflict) commonError() {}
func (*InvalidInput) commonError()        {}
func (*VersionConflict) commonError()     {}
func (*StateNotAllowed) commonError()     {}
func (*SourceUnavailable) commonError()   {}

func (*Forbidden) supplierError()           {}
func (*IdempotencyConflict) supplierError() {}
func (*InvalidInput) supplierError()        {}
func (*VersionConflict) supplierError()     {}
func (*StateNotAllowed) supplierError()     {}
func (*ToleranceExceeded) supplierError()   {}
func (*SignatureInvalid) supplierError()    {}
func (*DuplicateDocument) supplierError()   {}
func (*SourceUnavailable) supplierError()   {}

// keptRefusal is a refusal as it is kept, under the name of its type.
type keptRefusal struct {
	Type string          `json:"Type"`
	Body json.RawMessage `json:"Body"`
}

var refusalTypes = map[string]func() UserError{
	"Forbidden":                func() UserError { return &Forbidden{} },
	"IdempotencyConflict":      func() UserError { return &IdempotencyConflict{} },
	"InvalidInput":             func() UserError { return &InvalidInput{} },
	"PriceChanged":             func() UserError { return &PriceChanged{} },
	"InsufficientAvailability": func() UserError { return &InsufficientAvailability{} },
	"CreditBlocked":            func() UserError { return &CreditBlocked{} },
	"SourceUnavailable":        func() UserError { return &SourceUnavailable{} },
}

// Refusals are refusals of orders as they are kept.
type Refusals []UserError

// MarshalJSON writes each under the name of its type. It fails on one that could not be read again.
func (r Refusals) MarshalJSON() ([]byte, error) {
	kept := make([]keptRefusal, len(r))
	for i, e := range r {
		body, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(fmt.Sprintf("%T", e), "*trade.")
		if refusalTypes[name] == nil {
			return nil, fmt.Errorf("a refusal of the type %q is none of an order", name)
		}
		kept[i] = keptRefusal{name, body}
	}
	return json.Marshal(kept)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Refusals) UnmarshalJSON(text []byte) error {
	var kept []keptRefusal
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	all := make(Refusals, len(kept))
	for i, k := range kept {
		made := refusalTypes[k.Type]
		if made == nil {
			return fmt.Errorf("a refusal of the unknown type %q", k.Type)
		}
		all[i] = made()
		if err := json.Unmarshal(k.Body, all[i]); err != nil {
			return fmt.Errorf("refusal: %w", err)
		}
	}
	*r = all
	return nil
}
