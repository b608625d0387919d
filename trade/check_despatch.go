package trade

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quagmt/udecimal"
)

const (
	mostDespatched      = 5000
	mostSerials         = 1000
	longestTradeNumber  = 50
	mostFutureDespatch  = 24 * time.Hour
	mostExpectedFurther = 366 * 24 * time.Hour
)

// CheckDespatchShape refuses of a ship notice what no fact is needed for.
func CheckDespatchShape(r *DespatchRequest, now time.Time) []SupplierError {
	c := &documentChecks{}
	if strings.TrimSpace(r.Number) == "" {
		c.Refuse(CodeInvalidInput, "The number of the notice is missing: with it, sending twice counts once.", "number")
	}
	c.Text(r.Number, longestTradeNumber, "number")
	switch n := len(r.Lines); {
	case n == 0:
		c.Refuse(CodeInvalidInput, "A notice needs a line.", "lines")
	case n > mostDespatched:
		c.Refuse(CodeInvalidInput, fmt.Sprintf("A notice has at most %d lines; this one has %d.", mostDespatched, n), "lines")
	case len(r.Units) > mostDespatched:
		c.Refuse(CodeInvalidInput, fmt.Sprintf("A notice has at most %d units; this one has %d.", mostDespatched, len(r.Units)), "handlingUnits")
	case len(r.References) > 100:
		c.Refuse(CodeInvalidInput, "A notice has at most 100 references.", "references")
	}
	if c.All == nil {
		c.despatchDates(r, now)
		c.units(r)
		c.despatchLines(r, now)
	}
	return c.supplier()
}

func (c *documentChecks) supplier() (all []SupplierError) {
	for _, e := range c.All {
		all = append(all, e.(*InvalidInput))
	}
	return all
}

func (c *documentChecks) despatchDates(r *DespatchRequest, now time.Time) {
	if r.DespatchedAt != nil && r.DespatchedAt.After(now.Add(mostFutureDespatch)) {
		c.Refuse(CodeDate, "It has not left yet: leave the moment out until it has.", "despatchedAt")
	}
	if r.ExpectedAt != nil && (r.DespatchedAt != nil && r.ExpectedAt.Before(*r.DespatchedAt) || r.ExpectedAt.After(now.Add(mostExpectedFurther))) {
		c.Refuse(CodeDate, "It arrives before it leaves, or more than a year ahead.", "expectedAt")
	}
	if s := r.CarrierSCAC; s != nil && (len(*s) < 2 || len(*s) > 4 || strings.ContainsFunc(*s, func(x rune) bool { return x < 'A' || x > 'Z' })) {
		c.Refuse(CodeInvalidInput, "A Standard Carrier Alpha Code has 2 to 4 letters.", "carrierScac")
	}
	for i, x := range r.References {
		c.Text(x.Value, longestTradeNumber, "references", strconv.Itoa(i), "value")
	}
}

// units refuses units whose number is none, that stand twice, or whose parent does not
// stand before them.
func (c *documentChecks) units(r *DespatchRequest) {
	known := map[string]bool{}
	for i, u := range r.Units {
		at := []string{"handlingUnits", strconv.Itoa(i)}
		switch {
		case !ValidSSCC(u.SSCC):
			c.Refuse(CodeInvalidInput, "It is no SSCC: 18 digits, the last of which checks the others.", append(at, "sscc")...)
		case known[u.SSCC]:
			c.Refuse(CodeInvalidInput, "The unit stands twice.", append(at, "sscc")...)
		}
		if u.Parent != nil && !known[*u.Parent] {
			c.Refuse(CodeInvalidInput, "Its parent does not stand before it.", append(at, "parent")...)
		}
		if u.Weight != nil && !u.Weight.Value.IsPos() {
			c.Refuse(CodeInvalidInput, "A weight is more than nothing.", append(at, "weight")...)
		}
		known[u.SSCC] = true
	}
	for i, l := range r.Lines {
		if l.SSCC != nil && !known[*l.SSCC] {
			c.Refuse(CodeInvalidInput, "There is no such unit in the notice.", "lines", strconv.Itoa(i), "sscc")
		}
	}
}

func (c *documentChecks) despatchLines(r *DespatchRequest, now time.Time) {
	serials := map[string]bool{}
	for i, l := range r.Lines {
		at := []string{"lines", strconv.Itoa(i)}
		c.Amount(l.Shipped.Value, append(at, "shipped")...)
		if l.Backordered != nil {
			c.Amount(l.Backordered.Value, append(at, "backordered")...)
		}
		if l.OutstandingReason != nil {
			c.Text(*l.OutstandingReason, LongestText, append(at, "outstandingReason")...)
		}
		if l.Lot != nil {
			c.Text(*l.Lot, longestTradeNumber, append(at, "lot")...)
		}
		if l.ExpiresOn != nil && l.ExpiresOn.Before(DateOf(now)) {
			c.Refuse(CodeDate, "It has expired.", append(at, "expiresOn")...)
		}
		if len(l.Serials) > mostSerials {
			c.Refuse(CodeInvalidInput, fmt.Sprintf("A line has at most %d serial numbers.", mostSerials), append(at, "serials")...)
			continue
		}
		for n, s := range l.Serials {
			if c.Text(s, longestTradeNumber, append(at, "serials", strconv.Itoa(n))...); serials[l.LineID+"\n"+s] {
				c.Refuse(CodeInvalidInput, "The serial number stands twice.", append(at, "serials", strconv.Itoa(n))...)
			}
			serials[l.LineID+"\n"+s] = true
		}
	}
}

// CheckDespatch refuses what does not fit the purchase orders as they are now, by line, and
// completes the lines of r: what is shipped beyond the order, and what is not to come. More
// may be shipped than is open as far as the supplier's tolerance allows it.
func CheckDespatch(r *DespatchRequest, lines map[string]*PurchaseOrderLine, over *udecimal.Decimal) []SupplierError {
	c := &documentChecks{}
	shipped := map[string]udecimal.Decimal{}
	for i := range r.Lines {
		l := &r.Lines[i]
		at := []string{"lines", strconv.Itoa(i)}
		line := lines[l.LineID]
		if line == nil {
			c.Refuse(CodeNotFound, "There is no such line of a purchase order.", append(at, "purchaseOrderLine")...)
			continue
		}
		unit := line.Ordered.Unit
		if l.Shipped.Unit != unit || l.Backordered != nil && l.Backordered.Unit != unit {
			c.Refuse(CodeUnit, "The line is ordered in "+unit+".", append(at, "shipped", "unit")...)
			continue
		}
		open := line.Ordered.Value.Sub(line.Cancelled.Value).Sub(line.Shipped.Value)
		if !open.IsPos() {
			c.Refuse(CodeState, "Line "+line.LineNumber+" is closed: all of it is shipped or cancelled.", append(at, "purchaseOrderLine")...)
			continue
		}
		before := shipped[l.LineID]
		shipped[l.LineID] = before.Add(l.Shipped.Value)
		left := open.Sub(shipped[l.LineID])
		if left.IsNeg() {
			more := percent(open, shipped[l.LineID])
			if !inside(*more, over) {
				c.Refuse(CodeQuantity, fmt.Sprintf("More is shipped than the %s %s that are open.", open, unit), append(at, "shipped")...)
				continue
			}
			l.Oversupplied = &Quantity{udecimal.Min(left.Neg(), l.Shipped.Value), unit}
		}
		if l.Backordered != nil {
			if left = left.Sub(l.Backordered.Value); left.IsNeg() {
				c.Refuse(CodeQuantity, "More is backordered than is left of the line.", append(at, "backordered")...)
				continue
			}
		}
		if left.IsPos() && (l.Backordered != nil || l.OutstandingReason != nil) {
			l.Outstanding = &Quantity{left, unit}
		}
	}
	return c.supplier()
}
