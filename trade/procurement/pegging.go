package procurement

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// OpenDemand is what a line of a customer's order still needs of an item from a
// warehouse.
type OpenDemand struct {
	OrderLineID string
	OrderID     string
	Quantity    udecimal.Decimal
	Needed      *trade.Date // the day it must be there to ship
	Promised    *trade.Date // delivery promised to the customer
	PlacedAt    time.Time
}

// SupplyPart is a part of an item's supply in a warehouse. A nil day is not in sight;
// Line is the purchase order line it comes by, empty for what is there.
type SupplyPart struct {
	Line     string
	Quantity udecimal.Decimal
	Day      *trade.Date
}

// peg is a part of a demand that counts on a part of supply.
type peg struct {
	demand   int // place
	quantity udecimal.Decimal
	day      *trade.Date // nil: nothing in sight
	line     string
}

// pegged gives supply to demand: the earliest need first, from the earliest supply. Where
// two need it the same day, the order that was placed first counts, then the line's id, so
// that the same facts always give the same.
func pegged(demands []OpenDemand, supply []SupplyPart) []peg {
	supply = slices.Clone(supply)
	slices.SortStableFunc(supply, func(a, b SupplyPart) int {
		return cmp.Or(sight(a.Day).Compare(sight(b.Day)), cmp.Compare(a.Line, b.Line))
	})
	var all []peg
	at := 0
	for i, d := range demands {
		for need := d.Quantity; need.IsPos(); {
			for at < len(supply) && !supply[at].Quantity.IsPos() {
				at++
			}
			if at == len(supply) {
				all = append(all, peg{demand: i, quantity: need})
				break
			}
			q := udecimal.Min(need, supply[at].Quantity)
			all = append(all, peg{i, q, supply[at].Day, supply[at].Line})
			need, supply[at].Quantity = need.Sub(q), supply[at].Quantity.Sub(q)
		}
	}
	return all
}

func sight(d *trade.Date) trade.Date {
	if d == nil {
		return never
	}
	return *d
}

const mostCommitments = 500

// Review says which customers' commitments a change of supply is behind: those whose last
// part would come later than by the supply before. Demand and supply are of one item in
// one warehouse, in one unit; line is the purchase order line that changes. What is
// expected of a customer's delivery moves by as many days as its supply does; where none
// is in sight any more, none is.
func Review(demands []OpenDemand, before, after []SupplyPart, line, unit string) *trade.CommitmentReview {
	demands = slices.Clone(demands)
	slices.SortStableFunc(demands, func(a, b OpenDemand) int {
		return cmp.Or(sight(a.Needed).Compare(sight(b.Needed)), a.PlacedAt.Compare(b.PlacedAt), cmp.Compare(a.OrderLineID, b.OrderLineID))
	})
	was, is := byDemand(pegged(demands, before), len(demands)), byDemand(pegged(demands, after), len(demands))
	r := &trade.CommitmentReview{AtRisk: trade.Quantity{Value: udecimal.Decimal{}, Unit: unit}, Commitments: []trade.CommitmentImpact{}}
	for i, d := range demands {
		then, now := last(was[i]), last(is[i])
		if !sight(then).Before(sight(now)) {
			continue
		}
		late := lateThan(is[i], then)
		r.AtRisk.Value = r.AtRisk.Value.Add(late)
		if len(r.Commitments) == mostCommitments {
			continue
		}
		c := trade.CommitmentImpact{
			OrderLineID: d.OrderLineID, OrderID: d.OrderID, Quantity: trade.Quantity{Value: late, Unit: unit},
			PromisedDeliveryDate: d.Promised, Reasons: []trade.PromiseReason{},
		}
		switch {
		case now == nil:
		case d.Promised == nil:
			c.ExpectedDeliveryDate = new(now.AddDays(1))
		default:
			late := now.Time().Sub(orElse(d.Needed, d.Promised).Time()).Hours() / 24
			c.ExpectedDeliveryDate = new(d.Promised.AddDays(max(int(late), 0)))
		}
		for _, p := range is[i] {
			c.Reasons = append(c.Reasons, reasonOf(p, line, unit))
		}
		r.Commitments = append(r.Commitments, c)
	}
	return r
}

// Replaced is supply with other parts of a purchase order line. A part with a day of
// shipping alone arrives a day after it; one without any is not in sight.
func Replaced(supply []SupplyPart, line string, parts []trade.ConfirmedPart, today trade.Date) []SupplyPart {
	after := slices.DeleteFunc(slices.Clone(supply), func(s SupplyPart) bool { return s.Line == line })
	for _, p := range parts {
		day := p.DeliveryDate
		if day == nil && p.ShipDate != nil {
			day = new(p.ShipDate.AddDays(1))
		}
		if day != nil && day.Before(today) {
			day = &today
		}
		after = append(after, SupplyPart{Line: line, Quantity: p.Quantity.Value, Day: day})
	}
	return after
}

func byDemand(all []peg, demands int) [][]peg {
	found := make([][]peg, demands)
	for _, p := range all {
		found[p.demand] = append(found[p.demand], p)
	}
	return found
}

// last is the day of the last part; nil where a part is not in sight.
func last(parts []peg) *trade.Date {
	var day *trade.Date
	for _, p := range parts {
		if p.day == nil {
			return nil
		}
		if day == nil || day.Before(*p.day) {
			day = p.day
		}
	}
	return day
}

// lateThan is how much comes later than a day.
func lateThan(parts []peg, day *trade.Date) (sum udecimal.Decimal) {
	for _, p := range parts {
		if sight(day).Before(sight(p.day)) {
			sum = sum.Add(p.quantity)
		}
	}
	return sum
}

func reasonOf(p peg, line, unit string) trade.PromiseReason {
	q := &trade.Quantity{Value: p.quantity, Unit: unit}
	switch {
	case p.day == nil:
		return trade.PromiseReason{
			Code: trade.ByLateInbound, Message: fmt.Sprintf("No supply is in sight for %s %s.", p.quantity, unit),
			Quantity: q,
		}
	case p.line == "":
		return trade.PromiseReason{Code: trade.ByStock, Message: fmt.Sprintf("%s %s are there.", p.quantity, unit), Date: p.day, Quantity: q}
	case p.line == line:
		return trade.PromiseReason{
			Code:    trade.ByLateInbound,
			Message: fmt.Sprintf("%s %s come by the purchase in question, on %s.", p.quantity, unit, p.day), Date: p.day, Quantity: q,
		}
	}
	return trade.PromiseReason{
		Code: trade.ByInbound, Message: fmt.Sprintf("%s %s come by another purchase, on %s.", p.quantity, unit, p.day),
		Date: p.day, Quantity: q,
	}
}
