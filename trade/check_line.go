package trade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quagmt/udecimal"
)

func (c *checking) line(r *OrderRequest, f *OrderFacts, i int, v *OrderValidation) ValidatedLine {
	asked, facts, at := r.Lines[i], f.Lines[i], []string{"lines", strconv.Itoa(i)}
	line := ValidatedLine{Index: i, Price: facts.Price}
	if facts.Item == nil {
		c.Refuse(CodeNotFound, "There is no such item.", append(at, "item")...)
		return line
	}
	line.ItemID = facts.Item.ID
	switch facts.Item.Status {
	case ItemOnHold:
		c.Refuse(CodeNotOrderable, "The item is not sold at the moment.", append(at, "item")...)
	case ItemReplaced:
		c.Refuse(CodeNotOrderable, "The item is replaced by another one.", append(at, "item")...)
	}
	if asked.RequestedDeliveryDate != nil {
		c.day(*asked.RequestedDeliveryDate, f, append(at, "requestedDeliveryDate")...)
	}
	unit := UnitOf(facts.Units, asked.Quantity.Unit)
	if unit == nil || !unit.Orderable {
		c.Refuse(CodeUnit, "It cannot be ordered in "+asked.Quantity.Unit+": "+orderable(facts.Units)+".", append(at, "quantity", "unit")...)
		return line
	}
	c.quantity(asked.Quantity, unit, append(at, "quantity")...)
	c.price(asked, facts, v, at)
	wished := asked.RequestedDeliveryDate
	if wished == nil {
		wished = r.RequestedDeliveryDate
	}
	d := Demand{Quantity: asked.Quantity, Each: unit.BaseQuantity, ShipTo: f.ShipTo, Wished: wished, AllowPartial: r.AllowPartial, AllowSubstitute: asked.AllowSubstitute}
	switch {
	case r.ShipToAddress != nil:
		d.Country = r.ShipToAddress.Country
	case f.ShipTo != nil:
		d.Country = f.ShipTo.Address.Country
	}
	line.Promise = Promise(d, facts.Supply, facts.Substitutes, f.Warehouses, f.Now)
	if slices.ContainsFunc(facts.Supply.Stock, func(s *Stock) bool { return s.Provenance.Stale }) {
		v.provisional(AvailabilityCheck)
	}
	// What is still made comes later; what is not, comes never.
	if facts.Item.Status == ItemDiscontinued && line.Promise.Unpromised.Value.IsPos() {
		c.All = append(c.All, &InsufficientAvailability{
			Refusal{CodeInsufficient, "The item is not made any more, and there is less of it.", InputPath(append(at, "quantity")...)}, line.Promise,
		})
	}
	return line
}

func orderable(units []*ItemUnit) string {
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

func (c *checking) quantity(q Quantity, unit *ItemUnit, path ...string) {
	multiple := unit.Multiple
	if multiple == nil && !slices.Contains(measures, q.Unit) {
		one := udecimal.One
		multiple = &one
	}
	switch {
	case unit.Minimum != nil && q.Value.LessThan(*unit.Minimum):
		c.Refuse(CodeMinimum, fmt.Sprintf("At least %s %s are ordered.", unit.Minimum, q.Unit), path...)
	case unit.Maximum != nil && q.Value.GreaterThan(*unit.Maximum):
		c.Refuse(CodeMaximum, fmt.Sprintf("At most %s %s are ordered at a time.", unit.Maximum, q.Unit), path...)
	case multiple != nil && multiple.IsPos():
		if rest, err := q.Value.Mod(*multiple); err != nil || !rest.IsZero() {
			c.Refuse(CodeMultiple, fmt.Sprintf("It is ordered in multiples of %s %s.", multiple, q.Unit), path...)
		}
	}
}

func (c *checking) price(asked OrderRequestLine, facts LineFacts, v *OrderValidation, at []string) {
	current, ok := facts.Price.(*Price)
	if gap, unavailable := facts.Price.(*PriceUnavailable); unavailable {
		switch gap.Reason {
		case NotEntitled:
			c.Refuse(CodeNotOrderable, "The item is not sold to this account.", append(at, "item")...)
			return
		case SourceDown:
			v.provisional(PriceCheck)
			current, ok = gap.LastKnown, gap.LastKnown != nil
		}
	}
	if !ok || asked.ExpectedUnitPrice == nil || PricesEqual(*asked.ExpectedUnitPrice, current.UnitPrice, facts.Units) {
		return
	}
	c.All = append(c.All, &PriceChanged{
		Refusal:  Refusal{CodePriceChanged, "The price is another one now.", InputPath(append(at, "expectedUnitPrice")...)},
		Expected: *asked.ExpectedUnitPrice, Current: current, ChangedSteps: ChangedSteps(facts.Before, *asked.ExpectedUnitPrice, current, facts.Units),
	})
}
