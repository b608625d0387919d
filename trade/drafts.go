package trade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/quagmt/udecimal"
)

// OrderRequest is an order as a buyer asks for it. Nothing in it is trusted.
type OrderRequest struct {
	AccountID             string
	ShipToID              string   // location; empty with ShipToAddress, or for the account's first
	ShipToAddress         *Address // one-time address
	CustomerPoNumber      string
	RequestedDeliveryDate *Date
	AllowPartial          bool
	Lines                 []OrderRequestLine
	Comment               *string
}

// OrderRequestLine is a line as a buyer asks for it.
type OrderRequestLine struct {
	LineNumber            *string
	Item                  ItemKey
	Quantity              Quantity
	ExpectedUnitPrice     *UnitPrice
	RequestedDeliveryDate *Date
	AllowSubstitute       bool
}

// ItemKey names an item by one of its keys.
type ItemKey struct{ ID, SKU, GTIN, PartNumber string }

const (
	mostOrderLines  = 1000
	longestPoNumber = 35 // UBL and X12 take 22 to 35
	longestText     = 2000
	longestLine     = 6
)

// mostOrdered is more than any warehouse holds of anything.
var mostOrdered = udecimal.MustFromInt64(10_000_000, 0)

// OrderFacts are what an order is checked against. Lines are those of the request,
// in its order.
type OrderFacts struct {
	Account    *Account // nil when it is not there, or not the caller's
	Credit     *CreditPosition
	ShipTo     *AccountLocation // nil when it is not there, or for a one-time address
	PoInUse    bool
	Lines      []LineFacts
	Warehouses map[string]*Warehouse
	Now        time.Time
}

// LineFacts are what a line is checked against. Item is nil when it is not there.
type LineFacts struct {
	Item        *Item
	Units       []*ItemUnit
	Price       PriceResult
	Supply      Supply
	Substitutes []Supply
}

// OrderCheck is a check whose facts only the ERP has.
type OrderCheck string

// Checks whose facts only the ERP has.
const (
	PriceCheck        OrderCheck = "PRICE"
	CreditCheck       OrderCheck = "CREDIT"
	AvailabilityCheck OrderCheck = "AVAILABILITY"
)

// OrderValidation is what submitting an order would say.
type OrderValidation struct {
	Valid       bool
	Lines       []ValidatedLine
	Totals      *Totals
	Provisional []OrderCheck
	Errors      []SubmitOrderError
}

// ValidatedLine is a line of a validated order.
type ValidatedLine struct {
	Index   int
	ItemID  string
	Price   PriceResult
	Promise *OrderPromise
}

// CheckOrderShape refuses what no fact is needed for: too many lines, texts that are
// too long or hold what no system takes, quantities that are none. When it finds
// anything, nothing else is looked at.
func CheckOrderShape(r *OrderRequest) []SubmitOrderError {
	c := &checking{}
	switch n := len(r.Lines); {
	case n == 0:
		c.refuse(CodeInvalidInput, "An order needs a line.", "lines")
		return c.errors
	case n > mostOrderLines:
		c.refuse(CodeInvalidInput, fmt.Sprintf("An order has at most %d lines; this one has %d.", mostOrderLines, n), "lines")
		return c.errors
	}
	if strings.TrimSpace(r.CustomerPoNumber) == "" {
		c.refuse(CodeInvalidInput, "The customer's purchase order number is missing.", "customerPoNumber")
	}
	c.text(r.CustomerPoNumber, longestPoNumber, "customerPoNumber")
	if r.Comment != nil {
		c.text(*r.Comment, longestText, "comment")
	}
	numbers := map[string]bool{}
	for i, l := range r.Lines {
		at := []string{"lines", strconv.Itoa(i)}
		if l.LineNumber != nil {
			c.text(*l.LineNumber, longestLine, append(at, "lineNumber")...)
			if numbers[*l.LineNumber] || *l.LineNumber == "" {
				c.refuse(CodeInvalidInput, "The line number is empty or stands twice.", append(at, "lineNumber")...)
			}
			numbers[*l.LineNumber] = true
		}
		q := l.Quantity.Value
		switch {
		case !q.IsPos():
			c.refuse(CodeInvalidInput, "The quantity must be more than nothing.", append(at, "quantity")...)
		case q.GreaterThan(mostOrdered):
			c.refuse(CodeMaximum, "The quantity is more than anybody has.", append(at, "quantity")...)
		case !q.RoundBank(6).Equal(q):
			c.refuse(CodeInvalidInput, "The quantity has more than 6 decimals.", append(at, "quantity")...)
		}
	}
	return c.errors
}

type checking struct{ errors []SubmitOrderError }

func (c *checking) refuse(code ErrorCode, message string, path ...string) {
	c.errors = append(c.errors, &InvalidInput{Refusal{code, message, place(path)}})
}

// place is a path into the input as the caller gave it.
func place(path []string) []string { return append([]string{"input"}, path...) }

func (c *checking) text(s string, longest int, path ...string) {
	if utf8.RuneCountInString(s) > longest {
		c.refuse(CodeInvalidInput, fmt.Sprintf("It is longer than %d characters.", longest), path...)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		c.refuse(CodeInvalidInput, "It holds characters that cannot be printed.", path...)
	}
}

// CheckOrder says what stands against an order, all at once, and what it would
// cost and when it would come.
func CheckOrder(r *OrderRequest, f *OrderFacts) *OrderValidation {
	c := &checking{}
	v := &OrderValidation{Lines: make([]ValidatedLine, len(r.Lines)), Provisional: []OrderCheck{}, Errors: []SubmitOrderError{}}
	if f.Account == nil {
		c.refuse(CodeNotFound, "There is no such account.", "account")
	} else {
		c.account(r, f, v)
	}
	sum, known, currency := udecimal.Zero, true, ""
	for i := range r.Lines {
		line := c.line(r, f, i, v)
		v.Lines[i] = line
		amount, ok := LineAmount(line.Price, f.Lines[i].Units, r.Lines[i].Quantity)
		ok = ok && line.Promise != nil // of what cannot be ordered there is no sum
		if known = known && ok; ok {
			sum, currency = sum.Add(amount.Amount), amount.Currency
		}
	}
	if known {
		none := Money{Currency: currency}
		total := Money{Amount: sum, Currency: currency}
		v.Totals = &Totals{Subtotal: total, Discount: none, Total: total}
		c.credit(f, total, v)
	}
	v.Errors = append(v.Errors, c.errors...)
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
	case AccountClosed:
		c.refuse(CodeState, "The account is closed.", "account")
	case AccountOrderBlock:
		c.refuse(CodeState, "The account may not order at the moment.", "account")
	case AccountCreditHold:
		c.errors = append(c.errors, &CreditBlocked{Refusal{CodeCreditBlocked, "The account is on credit hold.", place([]string{"account"})}, nil})
	}
	switch {
	case r.ShipToAddress != nil:
		if r.ShipToAddress.Country == "" {
			c.refuse(CodeInvalidInput, "The country is missing.", "shipTo", "address", "country")
		}
	case f.ShipTo == nil && r.ShipToID != "":
		c.refuse(CodeNotFound, "The account has no such location.", "shipTo", "location")
	case f.ShipTo == nil:
		c.refuse(CodeInvalidInput, "The account has no location to ship to: name an address.", "shipTo")
	case !slices.Contains(f.ShipTo.Roles, ShipTo):
		c.refuse(CodeInvalidInput, "Nothing is shipped to this location.", "shipTo", "location")
	}
	if f.PoInUse {
		c.refuse(CodeDuplicateNumber, "An open order has this purchase order number.", "customerPoNumber")
	}
	if r.RequestedDeliveryDate != nil {
		c.day(*r.RequestedDeliveryDate, f, "requestedDeliveryDate")
	}
}

func (c *checking) day(day Date, f *OrderFacts, path ...string) {
	today := DateOf(f.Now)
	switch {
	case day.Before(today):
		c.refuse(CodeDate, "The day is past.", path...)
	case f.ShipTo != nil && !f.ShipTo.Receives(day) || f.ShipTo == nil && !working(day):
		c.refuse(CodeDate, "Nothing is received on this day.", path...)
	case today.AddDays(2 * 366).Before(day):
		c.refuse(CodeDate, "The day is more than two years away.", path...)
	}
}

func (c *checking) line(r *OrderRequest, f *OrderFacts, i int, v *OrderValidation) ValidatedLine {
	asked, facts, at := r.Lines[i], f.Lines[i], []string{"lines", strconv.Itoa(i)}
	line := ValidatedLine{Index: i, Price: facts.Price}
	if facts.Item == nil {
		c.refuse(CodeNotFound, "There is no such item.", append(at, "item")...)
		return line
	}
	line.ItemID = facts.Item.ID
	switch facts.Item.Status {
	case ItemOnHold:
		c.refuse(CodeNotOrderable, "The item is not sold at the moment.", append(at, "item")...)
	case ItemReplaced:
		c.refuse(CodeNotOrderable, "The item is replaced by another one.", append(at, "item")...)
	}
	if asked.RequestedDeliveryDate != nil {
		c.day(*asked.RequestedDeliveryDate, f, append(at, "requestedDeliveryDate")...)
	}
	unit := unitOf(facts.Units, asked.Quantity.Unit)
	if unit == nil || !unit.Orderable {
		c.refuse(CodeUnit, "It cannot be ordered in "+asked.Quantity.Unit+": "+orderable(facts.Units)+".", append(at, "quantity", "unit")...)
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
		c.errors = append(c.errors, &InsufficientAvailability{
			Refusal{CodeInsufficient, "The item is not made any more, and there is less of it.", place(append(at, "quantity"))}, line.Promise,
		})
	}
	return line
}

func unitOf(units []*ItemUnit, code string) *ItemUnit {
	for _, u := range units {
		if u.Unit == code {
			return u
		}
	}
	return nil
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
		c.refuse(CodeMinimum, fmt.Sprintf("At least %s %s are ordered.", unit.Minimum, q.Unit), path...)
	case unit.Maximum != nil && q.Value.GreaterThan(*unit.Maximum):
		c.refuse(CodeMaximum, fmt.Sprintf("At most %s %s are ordered at a time.", unit.Maximum, q.Unit), path...)
	case multiple != nil && multiple.IsPos():
		if rest, err := q.Value.Mod(*multiple); err != nil || !rest.IsZero() {
			c.refuse(CodeMultiple, fmt.Sprintf("It is ordered in multiples of %s %s.", multiple, q.Unit), path...)
		}
	}
}

func (c *checking) price(asked OrderRequestLine, facts LineFacts, v *OrderValidation, at []string) {
	current, ok := facts.Price.(*Price)
	if gap, unavailable := facts.Price.(*PriceUnavailable); unavailable {
		switch gap.Reason {
		case NotEntitled:
			c.refuse(CodeNotOrderable, "The item is not sold to this account.", append(at, "item")...)
			return
		case SourceDown:
			v.provisional(PriceCheck)
			current, ok = gap.LastKnown, gap.LastKnown != nil
		}
	}
	if !ok || asked.ExpectedUnitPrice == nil || samePrice(*asked.ExpectedUnitPrice, current.UnitPrice, facts.Units) {
		return
	}
	c.errors = append(c.errors, &PriceChanged{
		Refusal:  Refusal{CodePriceChanged, "The price is another one now.", place(append(at, "expectedUnitPrice"))},
		Expected: *asked.ExpectedUnitPrice, Current: current,
	})
}

// samePrice tells whether two prices are the same for one piece.
func samePrice(a, b UnitPrice, units []*ItemUnit) bool {
	x, err := perPiece(a, units)
	y, err2 := perPiece(b, units)
	return err == nil && err2 == nil && a.Price.Currency == b.Price.Currency && x.Equal(y)
}

// SamePrice tells whether two prices for quantities of one unit are the same.
func SamePrice(a, b UnitPrice) bool { return a.Per.Unit == b.Per.Unit && samePrice(a, b, nil) }

func perPiece(p UnitPrice, units []*ItemUnit) (udecimal.Decimal, error) {
	each := udecimal.One
	if u := unitOf(units, p.Per.Unit); u != nil {
		each = u.BaseQuantity
	}
	piece, err := p.Price.Amount.Div(p.Per.Value.Mul(each))
	return piece.RoundBank(8), err
}

// KnownPrice is a price, or the last one known; nil where there is none.
func KnownPrice(r PriceResult) *Price {
	if gap, ok := r.(*PriceUnavailable); ok {
		return gap.LastKnown
	}
	p, _ := r.(*Price)
	return p
}

// LineAmount is what a quantity costs at a price, in cents of its currency. ok is
// false while there is no price, not even a last known one.
func LineAmount(price PriceResult, units []*ItemUnit, q Quantity) (amount Money, ok bool) {
	p := KnownPrice(price)
	if p == nil {
		return Money{}, false
	}
	each, per := udecimal.One, udecimal.One
	if p.UnitPrice.Per.Unit != q.Unit {
		from, to := unitOf(units, q.Unit), unitOf(units, p.UnitPrice.Per.Unit)
		if from == nil || to == nil {
			return Money{}, false
		}
		each, per = from.BaseQuantity, to.BaseQuantity
	}
	sum, err := p.UnitPrice.Price.Amount.Mul(q.Value).Mul(each).Div(p.UnitPrice.Per.Value.Mul(per))
	return Money{Amount: sum.RoundBank(2), Currency: p.UnitPrice.Price.Currency}, err == nil
}

func (c *checking) credit(f *OrderFacts, total Money, v *OrderValidation) {
	if f.Credit == nil || f.Account == nil {
		return
	}
	if f.Credit.Provenance.Stale {
		v.provisional(CreditCheck)
	}
	if f.Credit.OnHold && f.Account.Status != AccountCreditHold {
		c.errors = append(c.errors, &CreditBlocked{Refusal{CodeCreditBlocked, "The account is on credit hold.", place([]string{"account"})}, nil})
		return
	}
	if f.Credit.Limit == nil || f.Credit.Limit.Currency != total.Currency {
		return
	}
	short := f.Credit.Exposure.Amount.Add(total.Amount).Sub(f.Credit.Limit.Amount)
	if short.IsPos() {
		c.errors = append(c.errors, &CreditBlocked{
			Refusal{CodeCreditBlocked, "The order is more than the account's credit allows.", place([]string{"account"})}, &Money{Amount: short, Currency: total.Currency},
		})
	}
}
