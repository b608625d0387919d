package ordering

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// SpendingPeriod is a period that a bound on spending is for.
type SpendingPeriod string

// Periods that bounds on spending are for.
const (
	PerOrder SpendingPeriod = "ORDER"
	PerMonth SpendingPeriod = "MONTH"
)

// SpendingLimit is a bound on what somebody may order without approval. ResetsAt is nil
// for a bound per order.
type SpendingLimit struct {
	Limit    trade.Money    `json:"Limit"`
	Period   SpendingPeriod `json:"Period"`
	Spent    trade.Money    `json:"Spent"`
	ResetsAt *time.Time     `json:"ResetsAt"`
}

// Monthly tells whether one of some limits is for a month.
func Monthly(limits []SpendingLimit) bool {
	return slices.ContainsFunc(limits, func(l SpendingLimit) bool { return l.Period == PerMonth })
}

// ParseLimits reads limits as an issuer tells them: a list of objects with period
// (ORDER or MONTH), amount and currency. Nothing, or null, is no limit.
func ParseLimits(text []byte) ([]SpendingLimit, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var entries []struct {
		Period   SpendingPeriod `json:"period"`
		Amount   json.Number    `json:"amount"`
		Currency string         `json:"currency"`
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	limits := make([]SpendingLimit, len(entries))
	for i, t := range entries {
		amount, err := udecimal.Parse(t.Amount.String())
		if err != nil || amount.IsNeg() || t.Period != PerOrder && t.Period != PerMonth || len(t.Currency) != 3 {
			return nil, fmt.Errorf("limits: %d is none", i)
		}
		limits[i] = SpendingLimit{Limit: trade.Money{Amount: amount, Currency: t.Currency}, Period: t.Period}
	}
	return limits, nil
}

// NoSpending is the limit of somebody whose limits cannot be read: every order needs
// approval.
func NoSpending(currency string) SpendingLimit {
	return SpendingLimit{Limit: trade.Money{Currency: currency}, Period: PerOrder}
}

// MonthOf is the calendar month that a moment is in, in UTC.
func MonthOf(now time.Time) (from, to time.Time) {
	now = now.UTC()
	from = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return from, from.AddDate(0, 1, 0)
}

// Brought is a limit with what was spent of it this month.
func (l SpendingLimit) Brought(spent map[string]trade.Money, now time.Time) SpendingLimit {
	l.Spent = trade.Money{Currency: l.Limit.Currency}
	if l.Period == PerMonth {
		_, end := MonthOf(now)
		l.ResetsAt = &end
		if m, ok := spent[l.Limit.Currency]; ok {
			l.Spent = m
		}
	}
	return l
}

// Exceeded is the first of some limits, brought up to date, that an order of this total
// exceeds; nil where it exceeds none. What is in another currency cannot be compared,
// and exceeds.
func Exceeded(limits []SpendingLimit, total trade.Money) *SpendingLimit {
	for i, l := range limits {
		if l.Limit.Currency != total.Currency || l.Spent.Amount.Add(total.Amount).GreaterThan(l.Limit.Amount) {
			return &limits[i]
		}
	}
	return nil
}

// ApprovalState is a state of an approval.
type ApprovalState string

// States of an approval.
const (
	ApprovalPending  ApprovalState = "PENDING"
	ApprovalGiven    ApprovalState = "APPROVED"
	ApprovalRejected ApprovalState = "REJECTED"
)

// Approval is what became of an order that needed approval.
type Approval struct {
	State       ApprovalState
	Limit       *SpendingLimit
	DecidedByID string
	DecidedAt   *time.Time
	Comment     *string
}

// Notice is whether customers are told that a promise moved. That it did is kept in any case.
type Notice string

// Whether customers are told; always where nothing is said.
const (
	NoticeAlways Notice = "ALWAYS"
	NoticeLater  Notice = "LATER" // where it comes later
	NoticeNever  Notice = "NEVER"
)

// CommitmentChange is a promise to a customer that moved.
type CommitmentChange struct {
	LineID  string
	From    trade.ScheduleLine
	To      trade.ScheduleLine
	Cause   CommitmentCause
	Message *string
	At      time.Time
}
