package procurement

import (
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// LineAnswer is what all acknowledgments of a line say together.
type LineAnswer struct {
	Line         *trade.PurchaseOrderLine
	Parts        []trade.ConfirmedPart // that come, those with a day first
	Refused      udecimal.Decimal
	Price        *trade.UnitPrice
	PricePending bool
	Substitute   *trade.Identifier
}

// Coming is how much of the line comes, some day.
func (a *LineAnswer) Coming() (sum udecimal.Decimal) {
	for _, p := range a.Parts {
		sum = sum.Add(p.Quantity.Value)
	}
	return sum
}

// Answers are what an answer that was checked says, line by line. An acknowledgment
// without a quantity speaks of all that is open; a whole answer without lines of every
// open line; a balance that is backordered comes, and nobody knows when.
func Answers(r *trade.ResponseRequest, po *trade.PurchaseOrder) []LineAnswer {
	var all []LineAnswer
	for i := range po.LinesKnown {
		line := &po.LinesKnown[i]
		open := line.Open().Value
		if !open.IsPos() {
			continue
		}
		a := LineAnswer{Line: line}
		said := false
		for _, l := range r.Lines {
			if l.LineID == line.ID {
				said = true
				a.take(l, open)
			}
		}
		if !said {
			switch r.Kind {
			case trade.ResponseAccepted:
				a.Parts = wished(line)
			case trade.ResponseRejected:
				a.Refused = open
			default:
				continue
			}
		}
		slices.SortStableFunc(a.Parts, func(x, y trade.ConfirmedPart) int { return days(x).Compare(days(y)) })
		all = append(all, a)
	}
	return all
}

var never = trade.DateOf(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.UTC)

// days is the day that a part is sorted by.
func days(p trade.ConfirmedPart) trade.Date {
	switch {
	case p.DeliveryDate != nil:
		return *p.DeliveryDate
	case p.ShipDate != nil:
		return *p.ShipDate
	}
	return never
}

func (a *LineAnswer) take(l trade.LineAcknowledgment, open udecimal.Decimal) {
	if l.UnitPrice != nil {
		a.Price = l.UnitPrice
	}
	a.PricePending = a.PricePending || l.Status == trade.AckPricePending
	if l.Substitute != nil {
		a.Substitute = l.Substitute
	}
	q := open
	if l.Quantity != nil {
		q = l.Quantity.Value
	} else if only(l) && (len(a.Parts) > 0 || a.Refused.IsPos()) {
		return
	}
	part := func(q udecimal.Decimal, ship, delivery *trade.Date) {
		if q.IsPos() {
			a.Parts = append(a.Parts, trade.ConfirmedPart{
				Quantity: trade.Quantity{Value: q, Unit: a.Line.Ordered.Unit}, ShipDate: ship,
				DeliveryDate: delivery,
			})
		}
	}
	switch {
	case l.Status.Refuses():
		a.Refused = a.Refused.Add(q)
	case l.PromisedShipDate != nil || l.PromisedDeliveryDate != nil || l.Status.Waits():
		part(q, l.PromisedShipDate, l.PromisedDeliveryDate)
	default: // as it was asked for
		left := q
		for _, p := range wished(a.Line) {
			take := udecimal.Min(left, p.Quantity.Value)
			part(take, p.ShipDate, p.DeliveryDate)
			left = left.Sub(take)
		}
		if parts := wished(a.Line); left.IsPos() { // more than was asked for comes with the last of it
			part(left, parts[len(parts)-1].ShipDate, parts[len(parts)-1].DeliveryDate)
		}
	}
	if l.Status == trade.AckPartial {
		part(open.Sub(q), nil, nil)
	}
}

// wished are the open parts of a line with the days that were asked for, soonest first;
// what was received counts for the soonest.
func wished(line *trade.PurchaseOrderLine) []trade.ConfirmedPart {
	open := line.Open().Value
	schedule := slices.Clone(line.ScheduleKnown)
	slices.SortStableFunc(schedule, func(a, b trade.PurchaseScheduleLine) int { return requestedDay(a).Compare(requestedDay(b)) })
	var parts []trade.ConfirmedPart
	for i := len(schedule) - 1; i >= 0 && open.IsPos(); i-- {
		s := schedule[i]
		q := udecimal.Min(open, s.Quantity.Value)
		open = open.Sub(q)
		parts = append(parts, trade.ConfirmedPart{
			Quantity: trade.Quantity{Value: q, Unit: line.Ordered.Unit}, ShipDate: s.RequestedShipDate,
			DeliveryDate: s.RequestedDeliveryDate,
		})
	}
	if open.IsPos() {
		parts = append(parts, trade.ConfirmedPart{
			Quantity: trade.Quantity{Value: open, Unit: line.Ordered.Unit}, ShipDate: nil,
			DeliveryDate: nil,
		})
	}
	slices.Reverse(parts)
	return parts
}

func requestedDay(s trade.PurchaseScheduleLine) trade.Date {
	switch {
	case s.RequestedDeliveryDate != nil:
		return *s.RequestedDeliveryDate
	case s.PromisedDeliveryDate != nil:
		return *s.PromisedDeliveryDate
	}
	return never
}
