package trade

import (
	"time"

	"github.com/quagmt/udecimal"
)

// Deviation is a difference between what was ordered and what a supplier answered.
type Deviation struct {
	ID         string         `json:"ID"`
	ResponseID string         `json:"ResponseID"`
	LineID     string         `json:"LineID"`
	Field      DeviationField `json:"Field"`
	// Expected and Proposed are in words, and tell prices where the price differs.
	Expected Confidential `json:"Expected"`
	Proposed Confidential `json:"Proposed"`
	// Delta is the size: percent for quantity and price, days for dates, late being
	// positive; nil where it has no measure. Limit is the tolerance in the same measure.
	Delta           *udecimal.Decimal `json:"Delta"`
	Limit           *udecimal.Decimal `json:"Limit"`
	WithinTolerance bool              `json:"WithinTolerance"`
	State           DeviationState    `json:"State"`
	DeciderID       string            `json:"DeciderID"` // empty for the rule
	DecidedAt       *time.Time        `json:"DecidedAt"`
	Comment         *string           `json:"Comment"`
	Review          *CommitmentReview `json:"Review"`
}

// NodeID is the deviation's global id.
func (d *Deviation) NodeID() string { return d.ID }

// CommitmentReview is which of customers' commitments it touches, as it was raised.
func (d *Deviation) CommitmentReview() *CommitmentReview { return d.Review }

// DeviationField is what differs.
type DeviationField string

// What can differ.
const (
	QuantityDeviates DeviationField = "QUANTITY"
	PriceDeviates    DeviationField = "UNIT_PRICE"
	ShipDateDeviates DeviationField = "SHIP_DATE"
	DeliveryDeviates DeviationField = "DELIVERY_DATE"
	ItemDeviates     DeviationField = "ITEM"
)

// DeviationState is where a deviation stands.
type DeviationState string

// States of a deviation.
const (
	DeviationAutoAccepted DeviationState = "AUTO_ACCEPTED"
	DeviationPending      DeviationState = "PENDING"
	DeviationAccepted     DeviationState = "ACCEPTED"
	DeviationRejected     DeviationState = "REJECTED"
	DeviationCountered    DeviationState = "COUNTERED"
	DeviationWithdrawn    DeviationState = "WITHDRAWN"
)

// DeviationDecision is what a planner decides about a deviation.
type DeviationDecision string

// Decisions on a deviation.
const (
	AcceptDeviation  DeviationDecision = "ACCEPT"
	RejectDeviation  DeviationDecision = "REJECT"
	CounterDeviation DeviationDecision = "COUNTER"
)

// CounterProposal is what a planner proposes instead.
type CounterProposal struct {
	Quantity     *Quantity  `json:"Quantity"`
	UnitPrice    *UnitPrice `json:"UnitPrice"`
	ShipDate     *Date      `json:"ShipDate"`
	DeliveryDate *Date      `json:"DeliveryDate"`
}

// ToleranceProfile is what may differ without a decision. A nil percentage or number of
// days allows no difference that way.
type ToleranceProfile struct {
	ID                   string               `json:"ID"`
	Name                 string               `json:"Name"`
	OverQuantityPercent  *udecimal.Decimal    `json:"OverQuantityPercent"`
	UnderQuantityPercent *udecimal.Decimal    `json:"UnderQuantityPercent"`
	PricePercent         *udecimal.Decimal    `json:"PricePercent"`
	EarlyDays            *int                 `json:"EarlyDays"`
	LateDays             *int                 `json:"LateDays"`
	AllowSubstitution    bool                 `json:"AllowSubstitution"`
	OutOfTolerance       OutOfTolerancePolicy `json:"OutOfTolerance"`
	Version              string               `json:"Version"`
}

// NodeID is the profile's global id.
func (t *ToleranceProfile) NodeID() string { return t.ID }

// OutOfTolerancePolicy is what happens beyond a tolerance.
type OutOfTolerancePolicy string

// What happens beyond a tolerance.
const (
	RefuseBeyond OutOfTolerancePolicy = "REJECT"
	HoldBeyond   OutOfTolerancePolicy = "HOLD_FOR_BUYER"
	AlertBeyond  OutOfTolerancePolicy = "ACCEPT_AND_ALERT"
)

// CommitmentReview is which of customers' commitments a supply is behind.
type CommitmentReview struct {
	AtRisk      Quantity           `json:"AtRisk"`
	Commitments []CommitmentImpact `json:"Commitments"`
	// DeviationID is whose alerts were raised for it; empty where none were.
	DeviationID string `json:"-"`
}

// CommitmentImpact is what a change of supply does to a line of a customer's order.
type CommitmentImpact struct {
	OrderLineID          string          `json:"OrderLineID"`
	OrderID              string          `json:"OrderID"`
	Quantity             Quantity        `json:"Quantity"`
	PromisedDeliveryDate *Date           `json:"PromisedDeliveryDate"`
	ExpectedDeliveryDate *Date           `json:"ExpectedDeliveryDate"` // nil where none is in sight
	Reasons              []PromiseReason `json:"Reasons"`
}
