package trade

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/quagmt/udecimal"
)

// Money is an exact amount in a currency (ISO 4217).
type Money struct {
	Amount   udecimal.Decimal `json:"amount"`
	Currency string           `json:"currency"`
}

// Quantity is an exact number of units; Unit is a code of UN/ECE
// Recommendation 20 or 21.
type Quantity struct {
	Value udecimal.Decimal `json:"value"`
	Unit  string           `json:"unit"`
}

// UnitPrice is a price and the quantity it buys, as X12 PO104 with PO105 or UBL
// Price with BaseQuantity.
type UnitPrice struct {
	Price Money    `json:"price"`
	Per   Quantity `json:"per"`
}

// Times is the amount of qty at this price, rounded half to even to cents. The
// unit of qty must be the unit of Per.
func (p UnitPrice) Times(qty udecimal.Decimal) Money {
	return Money{Amount: p.Price.Amount.Mul(qty).MustDiv(p.Per.Value).RoundBank(2), Currency: p.Price.Currency}
}

// Totals are the sums of a document: total = subtotal - discount + freight +
// tax, with what is not yet known counted as nothing.
type Totals struct {
	Subtotal Money  `json:"subtotal"`
	Discount Money  `json:"discount"`
	Freight  *Money `json:"freight,omitempty"`
	Tax      *Money `json:"tax,omitempty"`
	Total    Money  `json:"total"`
}

// Date is a calendar day. The zero Date is the first of January of the year 1.
type Date struct{ t time.Time }

// DateOf is the day that it is at t in a zone: that of the party or the warehouse whose day
// it is where that is known, and UTC otherwise.
func DateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
}

// ParseDate reads an ISO 8601 day such as 2026-03-01; a day the calendar does
// not have is an error.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no day of the calendar in the form 2026-03-01", s)
	}
	return Date{t}, nil
}

// String is the day in ISO 8601.
func (d Date) String() string { return d.t.Format(time.DateOnly) }

// Time is the start of the day in UTC.
func (d Date) Time() time.Time { return d.t }

// AddDays is the day n days on.
func (d Date) AddDays(n int) Date { return Date{d.t.AddDate(0, 0, n)} }

// Before tells whether d comes before o.
func (d Date) Before(o Date) bool { return d.t.Before(o.t) }

// Compare is -1, 0 or 1 as d is before, on or after o.
func (d Date) Compare(o Date) int { return d.t.Compare(o.t) }

// MarshalText writes the day in ISO 8601.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a day in ISO 8601.
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDate(string(b))
	return err
}

// Scan reads a day as the database driver gives it.
func (d *Date) Scan(src any) (err error) {
	switch v := src.(type) {
	case time.Time:
		*d = DateOf(v, v.Location())
	case []byte:
		*d, err = ParseDate(string(v))
	case string:
		*d, err = ParseDate(v)
	default:
		err = fmt.Errorf("day: cannot read %T", src)
	}
	return err
}

// DateRange is a span of days; a nil end is open.
type DateRange struct{ From, To *Date }

// Address is a postal address.
type Address struct {
	Name       *string `json:"name,omitempty"`
	Line1      *string `json:"line1,omitempty"`
	Line2      *string `json:"line2,omitempty"`
	City       *string `json:"city,omitempty"`
	Region     *string `json:"region,omitempty"`
	PostalCode *string `json:"postalCode,omitempty"`
	Country    string  `json:"country"`
	GLN        *string `json:"gln,omitempty"`
}

// Location is a place in a transport or supply chain.
type Location struct {
	Name      *string  `json:"name,omitempty"`
	GLN       *string  `json:"gln,omitempty"`
	Unlocode  *string  `json:"unlocode,omitempty"`
	City      *string  `json:"city,omitempty"`
	Region    *string  `json:"region,omitempty"`
	Country   *string  `json:"country,omitempty"`
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
	TimeZone  *string  `json:"timeZone,omitempty"`

	Street     *string `json:"street,omitempty"`
	PostalCode *string `json:"postalCode,omitempty"`
}

// DeliveryTerms say who bears carriage and risk: an Incoterms 2020 rule, the
// place it names, and who pays the carrier.
type DeliveryTerms struct {
	Incoterm     *Incoterm     `json:"incoterm,omitempty"`
	NamedPlace   *string       `json:"namedPlace,omitempty"`
	FreightTerms *FreightTerms `json:"freightTerms,omitempty"`
}

// Incoterm is a rule of Incoterms 2020.
type Incoterm string

// FreightTerms say who pays the carrier, X12 146.
type FreightTerms string

// PaymentTerms are terms of payment, X12 ITD. DiscountPercent is a percentage:
// 2.5 is 2.5 %.
type PaymentTerms struct {
	Description     string            `json:"description"`
	NetDays         *int              `json:"netDays,omitempty"`
	DiscountPercent *udecimal.Decimal `json:"discountPercent,omitempty"`
	DiscountDays    *int              `json:"discountDays,omitempty"`
}

// RawCode is a code as its owner wrote it, kept so that a mapping can be
// corrected and replayed.
type RawCode struct {
	Standard CodeStandard `json:"standard"`
	List     string       `json:"list"`
	Code     string       `json:"code"`
	Text     *string      `json:"text,omitempty"`
}

// CodeStandard names the owner of a code.
type CodeStandard string

// Owners of codes that adapters of this project name.
const (
	ERPCodes     CodeStandard = "ERP"
	CarrierCodes CodeStandard = "CARRIER"
)

// Identifier is a value and the scheme that gives it meaning.
type Identifier struct {
	Scheme IdScheme `json:"scheme"`
	Value  string   `json:"value"`
}

// IdScheme is a scheme of identifiers in trade and transport.
type IdScheme string

// Schemes that Portico itself gives a meaning to.
const (
	SchemeTracking     IdScheme = "TRACKING_NUMBER"
	SchemeSSCC         IdScheme = "SSCC"
	SchemeManufacturer IdScheme = "MANUFACTURER_PART_NUMBER"
	SchemeBOL          IdScheme = "BOL"
	SchemeContainer    IdScheme = "CONTAINER"
	SchemeMBL          IdScheme = "MBL"
	SchemeBooking      IdScheme = "BOOKING"
	// These name a shipment by a document of ours: its own, and that which ordered it.
	SchemeDespatch      IdScheme = "DESPATCH_ADVICE"
	SchemePurchaseOrder IdScheme = "PO_NUMBER"
)

// DocumentLink leads to a document that a source keeps. It works until
// ExpiresAt.
type DocumentLink struct {
	URL       string
	MediaType string
	FileName  string
	ExpiresAt *time.Time
}

// DocumentRef names a document in the source that keeps it.
type DocumentRef struct {
	Instance  string `json:"instance"`
	Ref       string `json:"ref"`
	MediaType string `json:"mediaType"`
	FileName  string `json:"fileName"`
}

// These values are stored whole, as JSON; each reads itself back.

// Scan reads an address from JSON.
func (a *Address) Scan(src any) error { return ScanJSON(src, a) }

// Scan reads a location from JSON.
func (l *Location) Scan(src any) error { return ScanJSON(src, l) }

// Scan reads delivery terms from JSON.
func (t *DeliveryTerms) Scan(src any) error { return ScanJSON(src, t) }

// Scan reads payment terms from JSON.
func (t *PaymentTerms) Scan(src any) error { return ScanJSON(src, t) }

// Scan reads a raw code from JSON.
func (c *RawCode) Scan(src any) error { return ScanJSON(src, c) }

// Scan reads a document's name from JSON.
func (r *DocumentRef) Scan(src any) error { return ScanJSON(src, r) }

// ScanJSON reads a value from a column of JSON.
func ScanJSON(src, dst any) error {
	switch v := src.(type) {
	case []byte:
		return json.Unmarshal(v, dst, json.MatchCaseInsensitiveNames(true))
	case string:
		return json.Unmarshal([]byte(v), dst, json.MatchCaseInsensitiveNames(true))
	}
	return fmt.Errorf("cannot read %T as JSON", src)
}
