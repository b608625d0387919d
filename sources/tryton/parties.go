package tryton

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
	"portico/trade/procurement"
)

// A party is a customer when it has terms of payment as one, and a supplier when
// it has terms as such. Whoever has a code in Tryton has that number here.

type customer struct {
	row
	Name   string       `json:"name"`
	Code   string       `json:"code"`
	Active bool         `json:"active"`
	Term   *int         `json:"customer_payment_term"`
	Limit  *rpc.Decimal `json:"credit_limit_amount"`
	Used   rpc.Decimal  `json:"credit_amount"`
}

type address struct {
	row
	Party      int    `json:"party"`
	Sequence   *int   `json:"sequence"`
	PartyName  string `json:"party_name"`
	Street     string `json:"street"`
	PostalCode string `json:"postal_code"`
	City       string `json:"city"`
	Invoice    bool   `json:"invoice"`
	Delivery   bool   `json:"delivery"`
	Country    *coded `json:"country."`
}

// codeOf is the code of an address among its party's: Tryton has none, but an
// order of them.
func codeOf(id int, sequence *int) string {
	if sequence == nil {
		return strconv.Itoa(id)
	}
	return fmt.Sprintf("%02d", *sequence)
}

type relation struct {
	row
	From int   `json:"from_"`
	To   coded `json:"to."`
}

type partNumber struct {
	row
	Party   int    `json:"party"`
	Code    string `json:"code"`
	Product *coded `json:"product."`
}

var customers = mapping[customer, trade.Account]{
	kind: "accounts", model: "party.party", field: "code",
	domain: []any{where("payment_terms.customer_payment_term", "!=", nil), where("active", "in", []bool{true, false})},
	key:    func(c *customer) string { return c.Code },
	with: func(ctx context.Context, e *ERP, _ []customer, ids []int) (func(*customer) (trade.Account, bool, error), error) {
		own, err := e.own(ctx)
		terms, err2 := e.terms(ctx)
		places, err3 := partsOf(ctx, e, "party.address", "party", ids, func(a *address) int { return a.Party })
		above, err4 := partsOf(ctx, e, "party.relation.all", "from_", ids, func(r *relation) int { return r.From },
			where("type.name", "=", e.branchOf))
		numbers, err5 := partsOf(ctx, e, "sale.product_customer", "party", ids, func(p *partNumber) int { return p.Party })
		return func(c *customer) (trade.Account, bool, error) {
			a := trade.Account{
				Number: c.Code, Name: c.Name, Status: trade.AccountActive, Currency: own.Currency.Code, PaymentTerms: termOf(terms, c.Term),
				PartNumbers: map[string]string{},
				Provenance:  stamp(c.Code, newest(newest(c.Version, places[c.ID]), numbers[c.ID])),
			}
			switch {
			case c.Code == "":
				return a, false, errors.New("it has no code")
			case !c.Active:
				a.Status = trade.AccountClosed
			case c.Limit != nil && c.Used.GreaterThan(c.Limit.Decimal):
				a.Status = trade.AccountCreditHold // Tryton confirms no more of its sales
			}
			for _, r := range above[c.ID] {
				a.ParentRef = trade.Key(r.To.Code)
			}
			for _, n := range numbers[c.ID] {
				if n.Product != nil && n.Code != "" {
					a.PartNumbers[n.Product.Code] = n.Code
				}
			}
			codes := map[string]bool{}
			for _, p := range places[c.ID] {
				l := trade.AccountLocation{Code: codeOf(p.ID, p.Sequence), Roles: []trade.LocationRole{}, Address: p.address(c.Name)}
				if codes[l.Code] {
					l.Code = strconv.Itoa(p.ID)
				}
				codes[l.Code] = true
				if p.Delivery {
					l.Roles = append(l.Roles, trade.ShipTo)
				}
				if p.Invoice {
					l.Roles = append(l.Roles, trade.BillTo)
				}
				if l.Address.Country == "" {
					return a, false, errors.New("an address of it has no country")
				}
				a.Locations = append(a.Locations, l)
			}
			return a, false, nil
		}, errors.Join(err, err2, err3, err4, err5)
	},
}

func (a *address) address(party string) trade.Address {
	name := a.PartyName
	if name == "" {
		name = party
	}
	first, second, _ := strings.Cut(a.Street, "\n")
	to := trade.Address{Name: some(name), Line1: some(first), Line2: some(second), City: some(a.City), PostalCode: some(a.PostalCode)}
	if a.Country != nil {
		to.Country = a.Country.Code
	}
	return to
}

// Accounts are the customers.
func (e *ERP) Accounts(ctx context.Context, q sources.Query) (sources.Page[trade.Account], error) {
	return customers.read(ctx, e, q)
}

var positions = mapping[customer, trade.CreditPosition]{
	kind: "credit", model: customers.model, field: "code", domain: customers.domain, key: customers.key,
	with: func(ctx context.Context, e *ERP, _ []customer, _ []int) (func(*customer) (trade.CreditPosition, bool, error), error) {
		own, err := e.own(ctx)
		return func(c *customer) (trade.CreditPosition, bool, error) {
			// What is used changes with every order, and the party does not.
			p := trade.CreditPosition{
				AccountRef: trade.Key(c.Code), Exposure: trade.Money{Amount: c.Used.Decimal, Currency: own.Currency.Code},
				Provenance: readNow(c.Code),
			}
			if c.Code == "" {
				return p, true, nil
			}
			if c.Limit != nil {
				p.Limit = &trade.Money{Amount: c.Limit.Decimal, Currency: own.Currency.Code}
				if c.Used.GreaterThan(c.Limit.Decimal) {
					why := "The credit limit is reached"
					p.OnHold, p.HoldReason = true, &why
				}
			}
			return p, false, nil
		}, err
	},
}

// Credit are the customers' limits, and what they owe and have ordered.
func (e *ERP) Credit(ctx context.Context, q sources.Query) (sources.Page[trade.CreditPosition], error) {
	return positions.read(ctx, e, q)
}

type supplier struct {
	row
	Name string `json:"name"`
	Code string `json:"code"`
}

var suppliers = mapping[supplier, procurement.TradingPartner]{
	kind: "suppliers", model: "party.party", field: "code",
	domain: []any{where("payment_terms.supplier_payment_term", "!=", nil), where("active", "in", []bool{true, false})},
	key:    func(s *supplier) string { return s.Code },
	with: func(context.Context, *ERP, []supplier, []int) (func(*supplier) (procurement.TradingPartner, bool, error), error) {
		return func(s *supplier) (procurement.TradingPartner, bool, error) {
			if s.Code == "" {
				return procurement.TradingPartner{}, false, errors.New("it has no code")
			}
			return procurement.TradingPartner{Code: s.Code, Name: s.Name, Provenance: stamp(s.Code, s.Version)}, false, nil
		}, nil
	},
}

// Suppliers are the parties that are bought from.
func (e *ERP) Suppliers(ctx context.Context, q sources.Query) (sources.Page[procurement.TradingPartner], error) {
	return suppliers.read(ctx, e, q)
}
