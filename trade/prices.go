package trade

import "time"

// PriceResult is a Price or a PriceUnavailable.
type PriceResult interface{ priceResult() }

// Price is the net price of an item for an account.
type Price struct {
	SKU         string
	UnitPrice   UnitPrice
	Breaks      []PriceBreak
	Kind        PriceKind
	ContractKey string // contract number, or empty
	ValidFrom   *Date
	ValidTo     *Date
	Provenance  Provenance
	// Waterfall are the steps from list to net price, in order.
	Waterfall []PriceStep
	ItemID    string
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
	Minimum   Quantity
	UnitPrice UnitPrice
}

// PriceStep is a step from list to net price; Change is for the price's Per.
type PriceStep struct {
	Kind   string
	Label  string
	Change Money
}

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
