package ordering

import (
	"fmt"
	"strconv"
	"time"

	"portico/trade"
)

// OrderRequest is an order as a buyer asks for it. Nothing in it is trusted.
type OrderRequest struct {
	AccountID             string             `json:"AccountID"`
	ShipToID              string             `json:"ShipToID"`      // location; empty with ShipToAddress, or for the account's first
	ShipToAddress         *trade.Address     `json:"ShipToAddress"` // one-time address
	CustomerPoNumber      string             `json:"CustomerPoNumber"`
	RequestedDeliveryDate *trade.Date        `json:"RequestedDeliveryDate"`
	AllowPartial          bool               `json:"AllowPartial"`
	Lines                 []OrderRequestLine `json:"Lines"`
	Comment               *string            `json:"Comment"`
}

// OrderRequestLine is a line as a buyer asks for it.
type OrderRequestLine struct {
	LineNumber            *string          `json:"LineNumber"`
	Item                  ItemKey          `json:"Item"`
	Quantity              trade.Quantity   `json:"Quantity"`
	ExpectedUnitPrice     *trade.UnitPrice `json:"ExpectedUnitPrice"`
	RequestedDeliveryDate *trade.Date      `json:"RequestedDeliveryDate"`
	AllowSubstitute       bool             `json:"AllowSubstitute"`
}

// ItemKey names an item by one of its keys.
type ItemKey struct {
	ID         string `json:"ID"`
	SKU        string `json:"SKU"`
	GTIN       string `json:"GTIN"`
	PartNumber string `json:"PartNumber"`
}

const (
	mostOrderLines  = 1000
	longestPoNumber = 35 // UBL and X12 take 22 to 35
	longestLine     = 6
)

// OrderFacts are what an order is checked against. Lines are those of the request,
// in its order.
type OrderFacts struct {
	Account    *trade.Account // nil when it is not there, or not the caller's
	Credit     *trade.CreditPosition
	ShipTo     *trade.AccountLocation // nil when it is not there, or for a one-time address
	PoInUse    bool
	Lines      []LineFacts
	Warehouses map[string]*trade.Warehouse
	Now        time.Time
}

// LineFacts are what a line is checked against. Item is nil when it is not there, and
// Before where it is not known what another price there was before this one.
type LineFacts struct {
	Item        *trade.Item
	Units       []*trade.ItemUnit
	Price       trade.PriceResult
	Before      *trade.Price
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
	Totals      *trade.Totals
	Provisional []OrderCheck
	// NeedsApproval tells that the caller's limits make it wait for approval.
	NeedsApproval bool
	Errors        []trade.UserError
}

// ValidatedLine is a line of a validated order.
type ValidatedLine struct {
	Index   int
	ItemID  string
	Price   trade.PriceResult
	Promise *trade.OrderPromise
}

// CheckOrderShape refuses what no fact is needed for: too many lines, texts that are
// too long or hold what no system takes, quantities that are none. When it finds
// anything, nothing else is looked at.
func CheckOrderShape(r *OrderRequest) []trade.UserError {
	c := &checking{}
	switch n := len(r.Lines); {
	case n == 0:
		c.Refuse(trade.CodeInvalidInput, "An order needs a line.", "lines")
		return c.All
	case n > mostOrderLines:
		c.Refuse(trade.CodeInvalidInput, fmt.Sprintf("An order has at most %d lines; this one has %d.", mostOrderLines, n), "lines")
		return c.All
	}
	if trade.Blank(r.CustomerPoNumber) {
		c.Refuse(trade.CodeInvalidInput, "The customer's purchase order number is missing.", "customerPoNumber")
	} else {
		c.Identifier(r.CustomerPoNumber, longestPoNumber, "customerPoNumber")
	}
	if r.Comment != nil {
		c.Text(*r.Comment, trade.LongestText, "comment")
	}
	c.lines(r.Lines)
	return c.All
}

func (c *checking) lines(lines []OrderRequestLine) {
	numbers := map[string]bool{}
	for i, l := range lines {
		at := []string{"lines", strconv.Itoa(i)}
		if l.LineNumber != nil {
			c.Identifier(*l.LineNumber, longestLine, append(at, "lineNumber")...)
			if numbers[*l.LineNumber] || *l.LineNumber == "" {
				c.Refuse(trade.CodeInvalidInput, "The line number is empty or stands twice.", append(at, "lineNumber")...)
			}
			numbers[*l.LineNumber] = true
		}
		c.Amount(l.Quantity.Value, append(at, "quantity")...)
	}
}

// CheckLines refuses of lines by themselves what [CheckOrderShape] refuses.
func CheckLines(lines []OrderRequestLine) []trade.UserError {
	c := &checking{}
	c.lines(lines)
	return c.All
}

// checking collects what stands against an order.
type checking struct{ trade.InputErrors }
