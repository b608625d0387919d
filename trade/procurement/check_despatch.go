package procurement

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

const (
	mostDespatched      = 5000
	mostSerials         = 1000
	longestTradeNumber  = 50
	mostFutureDespatch  = 24 * time.Hour
	mostExpectedFurther = 366 * 24 * time.Hour
)

// pieces are units of which each has at most one serial number.
var pieces = []string{"EA", "C62", "H87", "PCE"}

// CheckDespatchShape refuses of a ship notice what no fact is needed for.
func CheckDespatchShape(r *trade.DespatchRequest, now time.Time) []trade.UserError {
	c := &documentChecks{}
	if trade.Blank(r.Number) {
		c.Refuse(trade.CodeInvalidInput, "The number of the notice is missing: with it, sending twice counts once.", "number")
	}
	c.Identifier(r.Number, longestTradeNumber, "number")
	switch n := len(r.Lines); {
	case n == 0:
		c.Refuse(trade.CodeInvalidInput, "A notice needs a line.", "lines")
	case n > mostDespatched:
		c.Refuse(trade.CodeInvalidInput, fmt.Sprintf("A notice has at most %d lines; this one has %d.", mostDespatched, n), "lines")
	case len(r.Units) > mostDespatched:
		c.Refuse(trade.CodeInvalidInput, fmt.Sprintf("A notice has at most %d units; this one has %d.", mostDespatched, len(r.Units)),
			"handlingUnits")
	case len(r.References) > 100:
		c.Refuse(trade.CodeInvalidInput, "A notice has at most 100 references.", "references")
	}
	c.Address(&r.ShipFrom, "shipFrom")
	if c.All == nil {
		c.despatchDates(r, now)
		c.units(r)
		c.despatchLines(r, now)
	}
	return c.All
}

func (c *documentChecks) despatchDates(r *trade.DespatchRequest, now time.Time) {
	if r.DespatchedAt != nil && r.DespatchedAt.After(now.Add(mostFutureDespatch)) {
		c.Refuse(trade.CodeDate, "It has not left yet: leave the moment out until it has.", "despatchedAt")
	}
	if r.ExpectedAt != nil && (r.DespatchedAt != nil && r.ExpectedAt.Before(*r.DespatchedAt) ||
		r.ExpectedAt.After(now.Add(mostExpectedFurther))) {
		c.Refuse(trade.CodeDate, "It arrives before it leaves, or more than a year ahead.", "expectedAt")
	}
	if s := r.CarrierSCAC; s != nil &&
		(len(*s) < 2 || len(*s) > 4 || strings.ContainsFunc(*s, func(x rune) bool { return x < 'A' || x > 'Z' })) {
		c.Refuse(trade.CodeInvalidInput, "A Standard Carrier Alpha Code has 2 to 4 letters.", "carrierScac")
	}
	for i, x := range r.References {
		c.Identifier(x.Value, longestTradeNumber, "references", strconv.Itoa(i), "value")
	}
}

// units refuses units whose number is none, that stand twice, or whose parent does not
// stand before them.
func (c *documentChecks) units(r *trade.DespatchRequest) {
	known := map[string]bool{}
	for i, u := range r.Units {
		at := []string{"handlingUnits", strconv.Itoa(i)}
		switch {
		case !trade.ValidSSCC(u.SSCC):
			c.Refuse(trade.CodeInvalidInput, "It is no SSCC: 18 digits, the last of which checks the others.", append(at, "sscc")...)
		case known[u.SSCC]:
			c.Refuse(trade.CodeInvalidInput, "The unit stands twice.", append(at, "sscc")...)
		}
		if u.Parent != nil && !known[*u.Parent] {
			c.Refuse(trade.CodeInvalidInput, "Its parent does not stand before it.", append(at, "parent")...)
		}
		if u.Weight != nil && !u.Weight.Value.IsPos() {
			c.Refuse(trade.CodeInvalidInput, "A weight is more than nothing.", append(at, "weight")...)
		}
		known[u.SSCC] = true
	}
	for i, l := range r.Lines {
		if l.SSCC != nil && !known[*l.SSCC] {
			c.Refuse(trade.CodeInvalidInput, "There is no such unit in the notice.", "lines", strconv.Itoa(i), "sscc")
		}
	}
}

func (c *documentChecks) despatchLines(r *trade.DespatchRequest, now time.Time) {
	serials := map[string]bool{}
	for i, l := range r.Lines {
		at := []string{"lines", strconv.Itoa(i)}
		c.Amount(l.Shipped.Value, append(at, "shipped")...)
		if l.Backordered != nil {
			c.Amount(l.Backordered.Value, append(at, "backordered")...)
		}
		if l.OutstandingReason != nil {
			c.Text(*l.OutstandingReason, trade.LongestText, append(at, "outstandingReason")...)
		}
		if l.Lot != nil {
			c.Identifier(*l.Lot, longestTradeNumber, append(at, "lot")...)
		}
		if l.ExpiresOn != nil && l.ExpiresOn.Before(trade.DateOf(now, time.UTC)) {
			c.Refuse(trade.CodeDate, "It has expired.", append(at, "expiresOn")...)
		}
		if len(l.Serials) > mostSerials {
			c.Refuse(trade.CodeInvalidInput, fmt.Sprintf("A line has at most %d serial numbers.", mostSerials), append(at, "serials")...)
			continue
		}
		for n, s := range l.Serials {
			if c.Identifier(s, longestTradeNumber, append(at, "serials", strconv.Itoa(n))...); serials[l.LineID+"\n"+s] {
				c.Refuse(trade.CodeInvalidInput, "The serial number stands twice.", append(at, "serials", strconv.Itoa(n))...)
			}
			serials[l.LineID+"\n"+s] = true
		}
	}
}

// CheckDespatch refuses what does not fit the purchase orders as they are now, by line, and
// completes the lines of r: what is shipped beyond the order, and what is not to come. More
// may be shipped than is open as far as the supplier's tolerance allows it.
func CheckDespatch(r *trade.DespatchRequest, lines map[string]*trade.PurchaseOrderLine, over *udecimal.Decimal) []trade.UserError {
	c := &documentChecks{}
	shipped := map[string]udecimal.Decimal{}
	for i := range r.Lines {
		l := &r.Lines[i]
		at := []string{"lines", strconv.Itoa(i)}
		line := lines[l.LineID]
		if line == nil {
			c.Refuse(trade.CodeNotFound, "There is no such line of a purchase order.", append(at, "purchaseOrderLine")...)
			continue
		}
		unit := line.Ordered.Unit
		if l.Shipped.Unit != unit || l.Backordered != nil && l.Backordered.Unit != unit {
			c.Refuse(trade.CodeUnit, "The line is ordered in "+unit+".", append(at, "shipped", "unit")...)
			continue
		}
		if slices.Contains(pieces, unit) && udecimal.MustFromInt64(int64(len(l.Serials)), 0).GreaterThan(l.Shipped.Value) {
			c.Refuse(trade.CodeQuantity, fmt.Sprintf("There are %d serial numbers for %s %s.", len(l.Serials), l.Shipped.Value, unit),
				append(at, "serials")...)
		}
		open := line.Ordered.Value.Sub(line.Cancelled.Value).Sub(line.Shipped.Value)
		if !open.IsPos() {
			c.Refuse(trade.CodeState, "Line "+line.LineNumber+" is closed: all of it is shipped or cancelled.", append(at, "purchaseOrderLine")...)
			continue
		}
		before := shipped[l.LineID]
		shipped[l.LineID] = before.Add(l.Shipped.Value)
		left := open.Sub(shipped[l.LineID])
		if left.IsNeg() {
			more := percent(open, shipped[l.LineID])
			if !inside(*more, over) {
				c.Refuse(trade.CodeQuantity, fmt.Sprintf("More is shipped than the %s %s that are open.", open, unit), append(at, "shipped")...)
				continue
			}
			l.Oversupplied = &trade.Quantity{Value: udecimal.Min(left.Neg(), l.Shipped.Value), Unit: unit}
		}
		if l.Backordered != nil {
			if left = left.Sub(l.Backordered.Value); left.IsNeg() {
				c.Refuse(trade.CodeQuantity, "More is backordered than is left of the line.", append(at, "backordered")...)
				continue
			}
		}
		if left.IsPos() && (l.Backordered != nil || l.OutstandingReason != nil) {
			l.Outstanding = &trade.Quantity{Value: left, Unit: unit}
		}
	}
	return c.All
}
