package trade

import (
	"slices"
	"time"

	"github.com/quagmt/udecimal"
)

// PriceResult is a Price or a PriceUnavailable.
type PriceResult interface{ priceResult() }

// Price is the net price of an item for an account.
type Price struct {
	SKU         string       `json:"SKU"`
	UnitPrice   UnitPrice    `json:"UnitPrice"`
	Breaks      []PriceBreak `json:"Breaks"`
	Kind        PriceKind    `json:"Kind"`
	ContractKey string       `json:"ContractKey"` // contract number, or empty
	ValidFrom   *Date        `json:"ValidFrom"`
	ValidTo     *Date        `json:"ValidTo"`
	Provenance  Provenance   `json:"Provenance"`
	// Waterfall are the steps from list to net price, in order.
	Waterfall []PriceStep `json:"Waterfall"`
	ItemID    string      `json:"ItemID"`
}

// From is where the price came from.
func (p *Price) From() *Provenance { return &p.Provenance }
func (*Price) priceResult()        {}

// PriceKind is the origin of a price.
type PriceKind string

// Origins of prices.
const (
	ContractPrice     PriceKind = "CONTRACT"
	CustomerListPrice PriceKind = "CUSTOMER_LIST"
	GroupListPrice    PriceKind = "GROUP_LIST"
	BaseListPrice     PriceKind = "BASE_LIST"
	PromotionPrice    PriceKind = "PROMOTION"
)

// PriceBreak is the price from a quantity on.
type PriceBreak struct {
	Minimum   Quantity  `json:"Minimum"`
	UnitPrice UnitPrice `json:"UnitPrice"`
}

// PriceStep is a step from list to net price; Change is for the price's Per.
type PriceStep struct {
	Kind   PriceStepKind `json:"Kind"`
	Label  string        `json:"Label"`
	Change Money         `json:"Change"`
}

// PriceStepKind is a kind of step from list to net price.
type PriceStepKind string

// Kinds of steps from list to net price.
const (
	ListStep     PriceStepKind = "LIST"
	ContractStep PriceStepKind = "CONTRACT"
	VolumeStep   PriceStepKind = "VOLUME"
)

// ChangedSteps are the steps of a price that are otherwise than they were at the price that
// was expected, as they are now, and those that are no more, with no change. They are nil
// where the source tells no steps, or the price before is not the one expected.
func ChangedSteps(before *Price, expected UnitPrice, current *Price, units []*ItemUnit) []PriceStep {
	if before == nil || before.Waterfall == nil || current.Waterfall == nil || before.UnitPrice.Per.Unit != expected.Per.Unit ||
		!PricesEqual(expected, before.UnitPrice, units) {
		return nil
	}
	return movedSteps(before.Waterfall, current.Waterfall)
}

func movedSteps(before, now []PriceStep) []PriceStep {
	moved := []PriceStep{}
	for _, s := range now {
		if !slices.ContainsFunc(before, func(b PriceStep) bool { return b.SameStep(s) && b.Change.Amount.Equal(s.Change.Amount) }) {
			moved = append(moved, s)
		}
	}
	for _, b := range before {
		if !slices.ContainsFunc(now, b.SameStep) {
			b.Change.Amount = udecimal.Zero
			moved = append(moved, b)
		}
	}
	return moved
}

// SameStep tells whether two steps are of one kind and have one label.
func (s PriceStep) SameStep(as PriceStep) bool { return s.Kind == as.Kind && s.Label == as.Label }

// PriceUnavailable says why there is no price now. RetryAfter is nil when
// asking again is of no use.
type PriceUnavailable struct {
	Reason     PriceUnavailableReason
	Message    string
	RetryAfter *time.Duration
	LastKnown  *Price
}

func (*PriceUnavailable) priceResult() {}

// PriceUnavailableReason is a reason for no price.
type PriceUnavailableReason string

// Reasons for no price.
const (
	NotEntitled  PriceUnavailableReason = "NOT_ENTITLED"
	CallForPrice PriceUnavailableReason = "CALL_FOR_PRICE"
	SourceDown   PriceUnavailableReason = "SOURCE_DOWN"
	NoValidPrice PriceUnavailableReason = "NO_VALID_PRICE"
)

// PriceKey is all that a price depends on. It is comparable, so that a cache
// and a loader keyed by it cannot mix up two prices. Quantity is a decimal in
// its shortest form.
type PriceKey struct {
	Account  string // account number
	ShipTo   string // location code, or empty
	SKU      string
	Quantity string
	Unit     string
	Day      Date
}
