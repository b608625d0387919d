package trade

import (
	"slices"
	"strings"
	"time"
)

// Account is a customer: a company, branch or department that buys.
type Account struct {
	ID            string         `json:"ID"`
	Number        string         `json:"Number"`
	Name          string         `json:"Name"`
	Status        AccountStatus  `json:"Status"`
	ParentRef     Ref            `json:"ParentRef"`
	Currency      string         `json:"Currency"`
	PaymentTerms  *PaymentTerms  `json:"PaymentTerms"`
	DeliveryTerms *DeliveryTerms `json:"DeliveryTerms"`
	TaxCategory   *TaxCategory   `json:"TaxCategory"`
	Provenance    Provenance     `json:"Provenance"`
	// Locations are set on an account as a source tells it.
	Locations []AccountLocation `json:"Locations"`
	// PartNumbers are the account's own part numbers by sku, set as a source
	// tells it.
	PartNumbers map[string]string `json:"PartNumbers"`
}

// NodeID is the account's global id.
func (a *Account) NodeID() string { return a.ID }

// From is where the account's values came from.
func (a *Account) From() *Provenance { return &a.Provenance }

// ExternalIds are the account's ids in source systems.
func (a *Account) ExternalIds() []ExternalId { return a.Provenance.external("account") }

// AccountStatus tells whether an account may order.
type AccountStatus string

// Whether an account may order.
const (
	AccountActive     AccountStatus = "ACTIVE"
	AccountCreditHold AccountStatus = "CREDIT_HOLD"
	AccountOrderBlock AccountStatus = "ORDER_BLOCK"
	AccountClosed     AccountStatus = "CLOSED"
)

// TaxCategory is a tax treatment, UN/CEFACT 5305.
type TaxCategory string

// AccountLocation is a place of an account. Code is unique in the account.
type AccountLocation struct {
	ID           string         `json:"ID"`
	AccountRef   Ref            `json:"AccountRef"`
	Code         string         `json:"Code"`
	Roles        []LocationRole `json:"Roles"`
	Address      Address        `json:"Address"`
	WarehouseRef Ref            `json:"WarehouseRef"`
	DeliveryDays []Weekday      `json:"DeliveryDays"`
	ClosedOn     []Date         `json:"ClosedOn"`
}

// NodeID is the location's global id.
func (l *AccountLocation) NodeID() string { return l.ID }

// LocationRole is a use of a location, X12 98.
type LocationRole string

// Uses of a location.
const (
	ShipTo LocationRole = "SHIP_TO"
	BillTo LocationRole = "BILL_TO"
	SoldTo LocationRole = "SOLD_TO"
	Payer  LocationRole = "PAYER"
)

// Weekday is a day of the week by its English name in capitals.
type Weekday string

// Calendar is when a location of an account receives goods. Key of the Ref is
// the location's code.
type Calendar struct {
	AccountRef   Ref        `json:"AccountRef"`
	Location     string     `json:"Location"`
	DeliveryDays []Weekday  `json:"DeliveryDays"`
	ClosedOn     []Date     `json:"ClosedOn"`
	Provenance   Provenance `json:"Provenance"`
}

// CreditPosition is an account's credit limit and use. Available is the limit
// less the exposure, never negative, and nil without a limit.
type CreditPosition struct {
	AccountRef Ref        `json:"AccountRef"`
	Limit      *Money     `json:"Limit"`
	Exposure   Money      `json:"Exposure"`
	OnHold     bool       `json:"OnHold"`
	HoldReason *string    `json:"HoldReason"`
	Provenance Provenance `json:"Provenance"`
}

// From is where the position's values came from.
func (c *CreditPosition) From() *Provenance { return &c.Provenance }

// Available is what may still be ordered on credit; nil without a limit.
func (c *CreditPosition) Available() *Money {
	if c.Limit == nil {
		return nil
	}
	left := c.Limit.Amount.Sub(c.Exposure.Amount)
	if left.IsNeg() {
		left = left.Sub(left)
	}
	return &Money{Amount: left, Currency: c.Limit.Currency}
}

// Contract is a price agreement with an account.
type Contract struct {
	ID         string `json:"ID"`
	Number     string `json:"Number"`
	AccountRef Ref    `json:"AccountRef"`
	ValidFrom  Date   `json:"ValidFrom"`
	ValidTo    *Date  `json:"ValidTo"`
	// Items are the skus it names, set as a source tells it.
	Items      []string   `json:"Items"`
	Provenance Provenance `json:"Provenance"`
}

// NodeID is the contract's global id.
func (c *Contract) NodeID() string { return c.ID }

// User is a person or client known from a token.
type User struct {
	ID          string
	DisplayName string
	Email       *Restricted
	Issuer      Restricted
	Subject     Restricted
}

// NodeID is the user's global id.
func (u *User) NodeID() string { return u.ID }

// WeekdayOf is the day of the week of a day.
func WeekdayOf(d Date) Weekday { return Weekday(strings.ToUpper(d.Time().Weekday().String())) }

// Receives tells whether a location takes goods on a day: on its days of the week,
// or Monday to Friday where it names none, unless it is closed.
func (l *AccountLocation) Receives(day Date) bool {
	if slices.Contains(l.ClosedOn, day) {
		return false
	}
	if len(l.DeliveryDays) == 0 {
		return WorkingDay(day)
	}
	return slices.Contains(l.DeliveryDays, WeekdayOf(day))
}

// WorkingDay tells whether a day is one of Monday to Friday.
func WorkingDay(day Date) bool {
	w := day.Time().Weekday()
	return w != time.Saturday && w != time.Sunday
}
