package procurement

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// documentChecks collects what stands against a document of a supplier.
type documentChecks struct{ trade.InputErrors }

const mostAcknowledgments = 1000

// CheckResponse refuses an answer that cannot be meant, or that does not fit the purchase
// order as it is now. Where the answer by itself is refused, nothing else is looked at.
func CheckResponse(r *trade.ResponseRequest, po *trade.PurchaseOrder, today trade.Date) []trade.UserError {
	c := &documentChecks{}
	if c.responseShape(r); c.All == nil {
		c.responseLines(r, po, today)
	}
	return c.All
}

func (c *documentChecks) responseShape(r *trade.ResponseRequest) {
	if trade.Blank(r.ResponseNumber) {
		c.Refuse(trade.CodeInvalidInput, "The number of the answer is missing: with it, sending twice counts once.", "responseNumber")
	}
	c.Identifier(r.ResponseNumber, longestTradeNumber, "responseNumber")
	if r.SupplierOrderNumber != nil {
		c.Identifier(*r.SupplierOrderNumber, longestTradeNumber, "supplierOrderNumber")
	}
	switch n := len(r.Lines); {
	case n > mostAcknowledgments:
		c.Refuse(trade.CodeInvalidInput, fmt.Sprintf("An answer has at most %d acknowledgments; this one has %d.", mostAcknowledgments, n),
			"lines")
		return
	case n > 0 && (r.Kind == trade.ResponseReceived || r.Kind == trade.ResponseInProcess):
		c.Refuse(trade.CodeInvalidInput, "An answer of this kind says nothing of lines yet: leave them out, or say ACCEPTED_WITH_CHANGES.",
			"lines")
	}
	for i, l := range r.Lines {
		at := []string{"lines", strconv.Itoa(i)}
		if l.Reason != nil {
			c.Text(*l.Reason, trade.LongestText, append(at, "reason")...)
		}
		if l.Substitute != nil {
			c.Identifier(l.Substitute.Value, longestTradeNumber, append(at, "substitute", "value")...)
		}
		if l.Quantity != nil {
			c.Amount(l.Quantity.Value, append(at, "quantity")...)
		}
		if p := l.UnitPrice; p != nil &&
			(p.Price.Amount.IsNeg() || !p.Per.Value.IsPos() || p.Price.Amount.GreaterThan(trade.MostOrdered) ||
				!p.Price.Amount.RoundBank(6).Equal(p.Price.Amount)) {
			c.Refuse(trade.CodeInvalidInput, "A price is not less than nothing, has at most 6 decimals, and is for more than nothing.",
				append(at, "unitPrice")...)
		}
		for _, n := range needs(l) {
			c.Refuse(trade.CodeInvalidInput, "An acknowledgment "+string(l.Status)+" needs its "+n+".", append(at, n)...)
		}
		if r.Kind == trade.ResponseAccepted && l.Status != trade.AckAccepted || r.Kind == trade.ResponseRejected && !l.Status.Refuses() {
			c.Refuse(trade.CodeInvalidInput, "The line differs from the response as a whole, which is "+string(r.Kind)+".",
				append(at, "status")...)
		}
	}
}

// needs are the fields without which an acknowledgment says nothing.
func needs(l trade.LineAcknowledgment) (missing []string) {
	switch l.Status {
	case trade.AckQuantityChanged, trade.AckPartial:
		if l.Quantity == nil {
			missing = append(missing, "quantity")
		}
	case trade.AckPriceChanged:
		if l.UnitPrice == nil {
			missing = append(missing, "unitPrice")
		}
	case trade.AckRescheduled:
		if l.PromisedShipDate == nil && l.PromisedDeliveryDate == nil {
			missing = append(missing, "promisedDeliveryDate")
		}
	case trade.AckSubstituted:
		if l.Substitute == nil {
			missing = append(missing, "substitute")
		}
	}
	return missing
}

func (c *documentChecks) responseLines(r *trade.ResponseRequest, po *trade.PurchaseOrder, today trade.Date) {
	lines := map[string]*trade.PurchaseOrderLine{}
	for i := range po.LinesKnown {
		lines[po.LinesKnown[i].ID] = &po.LinesKnown[i]
	}
	count := map[string]int{}
	for _, l := range r.Lines {
		count[l.LineID]++
	}
	said := map[string]udecimal.Decimal{}
	for i, l := range r.Lines {
		at := []string{"lines", strconv.Itoa(i)}
		line := lines[l.LineID]
		if line == nil {
			c.Refuse(trade.CodeNotFound, "The purchase order has no such line.", append(at, "line")...)
			continue
		}
		if !line.Open().Value.IsPos() {
			c.Refuse(trade.CodeState, "Line "+line.LineNumber+" is closed: nothing of it is open.", append(at, "line")...)
			continue
		}
		if l.Quantity == nil && count[l.LineID] > 1 && !only(l) {
			c.Refuse(trade.CodeInvalidInput, "The line is acknowledged more than once: say how much each speaks of.", append(at, "quantity")...)
		}
		if l.Quantity != nil && l.Quantity.Unit != line.Ordered.Unit {
			c.Refuse(trade.CodeUnit, "The line is ordered in "+line.Ordered.Unit+".", append(at, "quantity", "unit")...)
		} else if l.Quantity != nil {
			said[l.LineID] = said[l.LineID].Add(l.Quantity.Value)
			if before := said[l.LineID].Sub(l.Quantity.Value); before.IsPos() && said[l.LineID].GreaterThan(line.Open().Value) {
				c.Refuse(trade.CodeQuantity,
					"Together the acknowledgments speak of more than is open: "+line.Open().Value.String()+" "+line.Ordered.Unit+".",
					append(at, "quantity")...)
			}
		}
		if p := l.UnitPrice; p != nil && p.Per.Unit != line.Ordered.Unit {
			c.Refuse(trade.CodeUnit, "The line is ordered in "+line.Ordered.Unit+".", append(at, "unitPrice", "per", "unit")...)
		} else if p != nil && line.UnitPrice != nil && p.Price.Currency != line.UnitPrice.Price.Currency {
			c.Refuse(trade.CodeInvalidInput, "The purchase order is in "+line.UnitPrice.Price.Currency+".",
				append(at, "unitPrice", "price", "currency")...)
		}
		c.promisedDays(l, today, at)
	}
	if r.Kind != trade.ResponseChanged && len(r.Lines) == 0 || r.Kind == trade.ResponseReceived || r.Kind == trade.ResponseInProcess {
		return
	}
	var missing []string
	for _, l := range po.LinesKnown {
		if l.Open().Value.IsPos() && count[l.ID] == 0 {
			missing = append(missing, l.LineNumber)
		}
	}
	if missing != nil {
		c.Refuse(trade.CodeLinesMissing, "Every open line must be answered; missing: "+strings.Join(missing, ", ")+".", "lines")
	}
}

func (c *documentChecks) promisedDays(l trade.LineAcknowledgment, today trade.Date, at []string) {
	for _, d := range []struct {
		day  *trade.Date
		name string
	}{{l.PromisedShipDate, "promisedShipDate"}, {l.PromisedDeliveryDate, "promisedDeliveryDate"}} {
		switch {
		case d.day == nil:
		case l.Status.Refuses():
			c.Refuse(trade.CodeInvalidInput, "What is refused has no day.", append(at, d.name)...)
		case d.day.Before(today):
			c.Refuse(trade.CodeDate, "The day is past.", append(at, d.name)...)
		case today.AddDays(mostDaysAhead).Before(*d.day):
			c.Refuse(trade.CodeDate, "The day is more than five years ahead.", append(at, d.name)...)
		}
	}
	if l.PromisedShipDate != nil && l.PromisedDeliveryDate != nil && l.PromisedDeliveryDate.Before(*l.PromisedShipDate) {
		c.Refuse(trade.CodeDate, "It arrives before it is shipped.", append(at, "promisedDeliveryDate")...)
	}
}

const mostDaysAhead = 5 * 366

// only tells whether an acknowledgment speaks of the price or the item alone, so that it
// needs no quantity beside others of its line.
func only(l trade.LineAcknowledgment) bool {
	return l.PromisedShipDate == nil && l.PromisedDeliveryDate == nil &&
		slices.Contains([]trade.LineAckStatus{trade.AckPriceChanged, trade.AckPricePending, trade.AckSubstituted}, l.Status)
}
