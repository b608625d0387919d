package tryton

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// invoice is one to a customer; one of less than nothing is a credit memo.
type invoice struct {
	row
	numbered
	amounts
	State string      `json:"state"`
	Day   *rpc.Date   `json:"invoice_date"`
	Open  rpc.Decimal `json:"amount_to_pay"`
	ToPay []struct {
		Due *rpc.Date `json:"maturity_date"`
	} `json:"lines_to_pay."`
	Party coded `json:"party."`
}

type invoiceLine struct {
	row
	Invoice     int          `json:"invoice"`
	Quantity    rpc.Number   `json:"quantity"`
	Unit        *int         `json:"unit"`
	Price       *rpc.Decimal `json:"unit_price"`
	Amount      rpc.Decimal  `json:"amount"`
	Description *string      `json:"description"`
	Origin      *string      `json:"origin"`
	Product     *goodsOf     `json:"product."`
	Moves       []struct {
		Shipment *string `json:"shipment"`
	} `json:"stock_moves."`
}

var invoices = mapping[invoice, trade.Invoice]{
	kind: "invoices", model: "account.invoice", field: "number", domain: []any{where("type", "=", "out"), where("number", "!=", nil)},
	key: func(i *invoice) string { return i.number() },
	with: func(ctx context.Context, e *ERP, _ []invoice, ids []int) (func(*invoice) (trade.Invoice, bool, error), error) {
		units, err := e.units(ctx)
		if err != nil {
			return nil, err
		}
		lines, err := partsOf(ctx, e, "account.invoice.line", "invoice", ids, func(l *invoiceLine) int { return l.Invoice },
			where("type", "=", "line"))
		if err != nil {
			return nil, err
		}
		var of, out []int
		for _, all := range lines {
			for _, l := range all {
				if id := leadsTo(l.Origin, "sale.line"); id != 0 {
					of = append(of, id)
				}
				for _, m := range l.Moves {
					if id := leadsTo(m.Shipment, "stock.shipment.out"); id != 0 {
						out = append(out, id)
					}
				}
			}
		}
		sales, err := e.salesOf(ctx, of)
		if err != nil {
			return nil, err
		}
		numbers, err := e.numbersOf(ctx, "stock.shipment.out", out)
		if err != nil {
			return nil, err
		}
		return func(i *invoice) (trade.Invoice, bool, error) { return i.record(lines[i.ID], units, sales, numbers) }, nil
	},
}

func (i *invoice) record(lines []invoiceLine, units units, sales map[int]soldIn, shipments map[int]string) (trade.Invoice, bool, error) {
	status, known := invoiceStates[i.State]
	if !known || i.Day == nil {
		return trade.Invoice{}, false, fmt.Errorf("state: %.20q has no meaning here", i.State)
	}
	// A credit memo is told as what is given back.
	memo := i.Total.IsNeg()
	turned := func(d udecimal.Decimal) udecimal.Decimal {
		if memo {
			return d.Neg()
		}
		return d
	}
	for _, d := range []*rpc.Decimal{&i.Net, &i.Tax, &i.Total, &i.Open} {
		d.Decimal = turned(d.Decimal)
	}
	v := trade.Invoice{
		Number: i.number(), Kind: trade.PlainInvoice, AccountRef: trade.Key(i.Party.Code), IssuedOn: i.Day.Date, Status: status,
		Balance: i.money(i.Open), Totals: i.totals(),
	}
	if memo {
		v.Kind = trade.CreditMemo
	}
	for _, p := range i.ToPay {
		if p.Due != nil && (v.DueOn == nil || v.DueOn.Before(p.Due.Date)) {
			v.DueOn = &p.Due.Date
		}
	}
	if v.Status == trade.InvoiceIssued && !v.Balance.Amount.Equal(v.Totals.Total.Amount) {
		v.Status = trade.InvoicePartiallyPaid
	}
	for _, l := range lines {
		if l.Unit == nil || l.Price == nil {
			return v, false, errors.New("a line of it has no unit or price")
		}
		unit, err := units.code(*l.Unit)
		if err != nil {
			return v, false, err
		}
		line := trade.InvoiceLine{
			LineNumber: strconv.Itoa(l.ID), ItemRef: l.Product.ref(), Description: described(l.Description, l.Product),
			Amount:    i.money(rpc.Decimal{Decimal: turned(l.Amount.Decimal)}),
			Quantity:  trade.Quantity{Value: turned(l.Quantity.Decimal), Unit: unit},
			UnitPrice: i.each(*l.Price, unit),
		}
		id := leadsTo(l.Origin, "sale.line")
		if of, known := sales[id]; known && of.back == 0 {
			line.OrderKey, line.OrderLineNumber = of.number, strconv.Itoa(id)
		}
		for _, m := range l.Moves {
			if n := shipments[leadsTo(m.Shipment, "stock.shipment.out")]; n != "" {
				line.ShipmentKey = isOutgoing + n
			}
		}
		v.LinesKnown = append(v.LinesKnown, line)
	}
	v.Provenance = stamp(i.number(), newest(i.Version, lines))
	return v, false, nil
}

// Invoices are those to customers that have a number, which they get when they are
// posted.
func (e *ERP) Invoices(ctx context.Context, q sources.Query) (sources.Page[trade.Invoice], error) {
	return invoices.read(ctx, e, q)
}
