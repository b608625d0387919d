package procurement

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"portico/trade"
)

const mostChanges = 50

// RevisionChanges says what the buyer changed from one revision of a purchase order to a later one, in phrases for people. What
// follows from what others do, such as acknowledged quantities, is left out; prices are named and not told, for not everybody who
// reads this may see them.
func RevisionChanges(before, after *trade.PurchaseOrder) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if before.Currency != after.Currency {
		say("the currency is %s instead of %s", after.Currency, before.Currency)
	}
	if from, to := before.WarehouseRef.Key, after.WarehouseRef.Key; from != to {
		say("the goods go to warehouse %s instead of %s", orNone(to), orNone(from))
	}
	if otherTerms(before.DeliveryTerms, after.DeliveryTerms) {
		say("the terms of delivery are others")
	}
	if otherTerms(before.PaymentTerms, after.PaymentTerms) {
		say("the terms of payment are others")
	}
	lineOf := func(o *trade.PurchaseOrder, number string) *trade.PurchaseOrderLine {
		i := slices.IndexFunc(o.LinesKnown, func(l trade.PurchaseOrderLine) bool { return l.LineNumber == number })
		if i < 0 {
			return nil
		}
		return &o.LinesKnown[i]
	}
	for i := range after.LinesKnown {
		now := &after.LinesKnown[i]
		if old := lineOf(before, now.LineNumber); old != nil {
			all = append(all, lineChanges(old, now)...)
		} else {
			say("line %s is new: %s of %s%s", now.LineNumber, quantity(now.Ordered), goods(now), wanted(" for ", now))
		}
	}
	for i := range before.LinesKnown {
		if old := &before.LinesKnown[i]; lineOf(after, old.LineNumber) == nil {
			say("line %s (%s of %s) was removed", old.LineNumber, quantity(old.Ordered), goods(old))
		}
	}
	if n := len(all); n > mostChanges {
		all = append(all[:mostChanges], fmt.Sprintf("and %d more changes", n-mostChanges))
	}
	return all
}

func lineChanges(old, now *trade.PurchaseOrderLine) (all []string) {
	say := func(format string, args ...any) {
		all = append(all, "line "+now.LineNumber+" "+fmt.Sprintf(format, args...))
	}
	if goods(old) != goods(now) {
		say("is for %s instead of %s", goods(now), goods(old))
	}
	if !old.Ordered.Value.Equal(now.Ordered.Value) || old.Ordered.Unit != now.Ordered.Unit {
		say("is for %s instead of %s", quantity(now.Ordered), quantity(old.Ordered))
	}
	if now.Cancelled.Value.GreaterThan(old.Cancelled.Value) {
		say("has %s cancelled", quantity(trade.Quantity{Value: now.Cancelled.Value.Sub(old.Cancelled.Value), Unit: now.Cancelled.Unit}))
	}
	if otherPrice(old.UnitPrice, now.UnitPrice) {
		say("has another price")
	}
	if from, to := wanted("", old), wanted("", now); from != to {
		say("is wanted for %s instead of %s", orNone(to), orNone(from))
	}
	return all
}

// otherTerms compares terms as they are written: one of them was read from the store.
func otherTerms(old, now any) bool {
	before, _ := json.Marshal(old)
	after, _ := json.Marshal(now)
	return string(before) != string(after)
}

func otherPrice(old, now *trade.UnitPrice) bool {
	if old == nil || now == nil {
		return old != now
	}
	// for each unit, so that the same price per another quantity is no change
	return old.Price.Currency != now.Price.Currency ||
		!old.Price.Amount.Mul(now.Per.Value).Equal(now.Price.Amount.Mul(old.Per.Value))
}

func quantity(q trade.Quantity) string { return q.Value.String() + " " + q.Unit }

// goods names what a line is for.
func goods(l *trade.PurchaseOrderLine) string {
	if l.SKU != nil {
		return *l.SKU
	}
	return l.Description
}

// wanted are the days for which a line is requested, after a word; empty where there are none.
func wanted(word string, l *trade.PurchaseOrderLine) string {
	var days []string
	for _, s := range l.ScheduleKnown {
		day := s.RequestedDeliveryDate
		if day == nil {
			day = s.RequestedShipDate
		}
		if day != nil && !slices.Contains(days, day.String()) {
			days = append(days, day.String())
		}
	}
	if days == nil {
		return ""
	}
	return word + strings.Join(days, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
