package ordering

import (
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// CheckOrder says what stands against an order, all at once, and what it would
// cost and when it would come.
func CheckOrder(r *OrderRequest, f *OrderFacts) *OrderValidation {
	c := &checking{}
	v := &OrderValidation{Lines: make([]ValidatedLine, len(r.Lines)), Provisional: []OrderCheck{}, Errors: []trade.UserError{}}
	if f.Account == nil {
		c.Refuse(trade.CodeNotFound, "There is no such account.", "account")
	} else {
		c.account(r, f, v)
	}
	sum, known, currency := udecimal.Zero, true, ""
	for i := range r.Lines {
		line := c.line(r, f, i, v)
		v.Lines[i] = line
		amount, ok := trade.LineAmount(line.Price, f.Lines[i].Units, r.Lines[i].Quantity)
		ok = ok && line.Promise != nil // of what cannot be ordered there is no sum
		if known = known && ok; ok {
			sum, currency = sum.Add(amount.Amount), amount.Currency
		}
	}
	if known {
		none := trade.Money{Currency: currency}
		total := trade.Money{Amount: sum, Currency: currency}
		v.Totals = &trade.Totals{Subtotal: total, Discount: none, Total: total}
		c.credit(f, total, v)
	}
	v.Errors = append(v.Errors, c.All...)
	v.Valid = len(v.Errors) == 0
	return v
}

func (v *OrderValidation) provisional(check OrderCheck) {
	if !slices.Contains(v.Provisional, check) {
		v.Provisional = append(v.Provisional, check)
	}
}

func (c *checking) account(r *OrderRequest, f *OrderFacts, _ *OrderValidation) {
	switch f.Account.Status {
	case trade.AccountClosed:
		c.Refuse(trade.CodeState, "The account is closed.", "account")
	case trade.AccountOrderBlock:
		c.Refuse(trade.CodeState, "The account may not order at the moment.", "account")
	case trade.AccountCreditHold:
		c.All = append(c.All, &trade.CreditBlocked{Refusal: trade.Refusal{
			Code:    trade.CodeCreditBlocked,
			Message: "The account is on credit hold.", Path: trade.InputPath("account"),
		}, ShortBy: nil})
	}
	switch {
	case r.ShipToAddress != nil:
		c.Address(r.ShipToAddress, "shipTo", "address")
	case f.ShipTo == nil && r.ShipToID != "":
		c.Refuse(trade.CodeNotFound, "The account has no such location.", "shipTo", "location")
	case f.ShipTo == nil:
		c.Refuse(trade.CodeInvalidInput, "The account has no location to ship to: name an address.", "shipTo")
	case !slices.Contains(f.ShipTo.Roles, trade.ShipTo):
		c.Refuse(trade.CodeInvalidInput, "Nothing is shipped to this location.", "shipTo", "location")
	}
	if f.PoInUse {
		c.Refuse(trade.CodeDuplicateNumber, "An open order has this purchase order number.", "customerPoNumber")
	}
	if r.RequestedDeliveryDate != nil {
		c.day(*r.RequestedDeliveryDate, f, "requestedDeliveryDate")
	}
}

func (c *checking) day(day trade.Date, f *OrderFacts, path ...string) {
	today := trade.DateOf(f.Now, time.UTC)
	switch {
	case day.Before(today):
		c.Refuse(trade.CodeDate, "The day is past.", path...)
	case f.ShipTo != nil && !f.ShipTo.Receives(day) || f.ShipTo == nil && !trade.WorkingDay(day):
		c.Refuse(trade.CodeDate, "Nothing is received on this day.", path...)
	case FarOff(day, f.Now):
		c.Refuse(trade.CodeDate, "The day is more than two years away.", path...)
	}
}

// FarOff reports whether a day is more than two years away: nothing is promised for it.
func FarOff(day trade.Date, now time.Time) bool {
	return trade.DateOf(now, time.UTC).AddDays(2 * 366).Before(day)
}
