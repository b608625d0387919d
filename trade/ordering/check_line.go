package ordering

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

func (c *checking) line(r *OrderRequest, f *OrderFacts, i int, v *OrderValidation) ValidatedLine {
	asked, facts, at := r.Lines[i], f.Lines[i], []string{"lines", strconv.Itoa(i)}
	line := ValidatedLine{Index: i, Price: facts.Price}
	if facts.Item == nil {
		c.Refuse(trade.CodeNotFound, "There is no such item.", append(at, "item")...)
		return line
	}
	line.ItemID = facts.Item.ID
	switch facts.Item.Status {
	case trade.ItemOnHold:
		c.Refuse(trade.CodeNotOrderable, "The item is not sold at the moment.", append(at, "item")...)
	case trade.ItemReplaced:
		c.Refuse(trade.CodeNotOrderable, "The item is replaced by another one.", append(at, "item")...)
	}
	if asked.RequestedDeliveryDate != nil {
		c.day(*asked.RequestedDeliveryDate, f, append(at, "requestedDeliveryDate")...)
	}
	unit := trade.UnitOf(facts.Units, asked.Quantity.Unit)
	if unit == nil || !unit.Orderable {
		c.Refuse(trade.CodeUnit, "It cannot be ordered in "+asked.Quantity.Unit+": "+orderable(facts.Units)+".",
			append(at, "quantity", "unit")...)
		return line
	}
	c.quantity(asked.Quantity, unit, append(at, "quantity")...)
	c.price(asked, facts, v, at)
	wished := asked.RequestedDeliveryDate
	if wished == nil {
		wished = r.RequestedDeliveryDate
	}
	d := Demand{
		Quantity: asked.Quantity, Each: unit.BaseQuantity, ShipTo: f.ShipTo, Wished: wished, AllowPartial: r.AllowPartial,
		AllowSubstitute: asked.AllowSubstitute,
	}
	switch {
	case r.ShipToAddress != nil:
		d.Country = r.ShipToAddress.Country
	case f.ShipTo != nil:
		d.Country = f.ShipTo.Address.Country
	}
	line.Promise = Promise(d, facts.Supply, facts.Substitutes, f.Warehouses, f.Now)
	// The unread version of an item may say that it is not sold any more.
	if facts.Item.Provenance.UnreadSince != nil ||
		slices.ContainsFunc(facts.Supply.Stock, func(s *trade.Stock) bool { return s.Provenance.Stale }) {
		v.provisional(AvailabilityCheck)
	}
	// What is still made comes later; what is not, comes never.
	if facts.Item.Status == trade.ItemDiscontinued && line.Promise.Unpromised.Value.IsPos() {
		c.All = append(c.All, &trade.InsufficientAvailability{
			Refusal: trade.Refusal{
				Code: trade.CodeInsufficient, Message: "The item is not made any more, and there is less of it.",
				Path: trade.InputPath(append(at, "quantity")...),
			}, Promise: line.Promise,
		})
	}
	return line
}

func orderable(units []*trade.ItemUnit) string {
	var codes []string
	for _, u := range units {
		if u.Orderable {
			codes = append(codes, u.Unit)
		}
	}
	if codes == nil {
		return "it is ordered in none"
	}
	return "it is ordered in " + strings.Join(codes, ", ")
}

// measures are units of UN/ECE Recommendation 20 that can be divided; what is
// counted cannot.
var measures = []string{"MTR", "CMT", "MMT", "MTK", "MTQ", "LTR", "MLT", "KGM", "GRM", "TNE", "HUR"}

// Counted tells whether what is counted in a unit cannot be divided: pieces, boxes and all
// that is no measure.
func Counted(unit string) bool { return !slices.Contains(measures, unit) }

func (c *checking) quantity(q trade.Quantity, unit *trade.ItemUnit, path ...string) {
	multiple := unit.Multiple
	if multiple == nil && Counted(q.Unit) {
		one := udecimal.One
		multiple = &one
	}
	switch {
	case unit.Minimum != nil && q.Value.LessThan(*unit.Minimum):
		c.Refuse(trade.CodeMinimum, fmt.Sprintf("At least %s %s are ordered.", unit.Minimum, q.Unit), path...)
	case unit.Maximum != nil && q.Value.GreaterThan(*unit.Maximum):
		c.Refuse(trade.CodeMaximum, fmt.Sprintf("At most %s %s are ordered at a time.", unit.Maximum, q.Unit), path...)
	case multiple != nil && multiple.IsPos():
		if rest, err := q.Value.Mod(*multiple); err != nil || !rest.IsZero() {
			c.Refuse(trade.CodeMultiple, fmt.Sprintf("It is ordered in multiples of %s %s.", multiple, q.Unit), path...)
		}
	}
}

func (c *checking) price(asked OrderRequestLine, facts LineFacts, v *OrderValidation, at []string) {
	current, ok := facts.Price.(*trade.Price)
	if gap, unavailable := facts.Price.(*trade.PriceUnavailable); unavailable {
		switch gap.Reason {
		case trade.NotEntitled:
			c.Refuse(trade.CodeNotOrderable, "The item is not sold to this account.", append(at, "item")...)
			return
		case trade.SourceDown:
			v.provisional(PriceCheck)
			current, ok = gap.LastKnown, gap.LastKnown != nil
		}
	}
	if !ok || asked.ExpectedUnitPrice == nil || trade.PricesEqual(*asked.ExpectedUnitPrice, current.UnitPrice, facts.Units) {
		return
	}
	c.All = append(c.All, &trade.PriceChanged{
		Refusal: trade.Refusal{
			Code: trade.CodePriceChanged, Message: "The price is another one now.",
			Path: trade.InputPath(append(at, "expectedUnitPrice")...),
		},
		Expected: *asked.ExpectedUnitPrice, Current: current,
		ChangedSteps: trade.ChangedSteps(facts.Before, *asked.ExpectedUnitPrice, current, facts.Units),
	})
}
