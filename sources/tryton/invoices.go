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
	Number *string     `json:"number"`
	State  string      `json:"state"`
	Day    *rpc.Date   `json:"invoice_date"`
	Net    rpc.Decimal `json:"untaxed_amount"`
	Tax    rpc.Decimal `json:"tax_amount"`
	Total  rpc.Decimal `json:"total_amount"`
	Open   rpc.Decimal `json:"amount_to_pay"`
	ToPay  []struct {
		Due *rpc.Date `json:"maturity_date"`
	} `json:"lines_to_pay."`
	Party struct {
		Code string `json:"code"`
	} `json:"party."`
	Currency struct {
		Code string `json:"code"`
	} `json:"currency."`
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
	key: func(i *invoice) string {
		if i.Number == nil {
			return ""
		}
		return *i.Number
	},
	with: func(ctx context.Context, e *ERP, _ []invoice, ids []int) (func(*invoice) (trade.Invoice, bool, error), error) {
		units, err := e.units(ctx)
		if err != nil {
			return nil, err
		}
		lines, err := partsOf(ctx, e, "account.invoice.line", "invoice", ids, func(l *invoiceLine) int { return l.Invoice }, where("type", "=", "line"))
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
		origins := map[int]string{} // the order of each line, unless that is a return
		if len(of) > 0 {
			rows, err := search[struct {
				ID   int `json:"id"`
				Sale struct {
					Number *string `json:"number"`
					Origin *string `json:"origin"`
				} `json:"sale."`
			}](ctx, e, "sale.line", []any{where("id", "in", of)}, 0, nil)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				if r.Sale.Number != nil && leadsTo(r.Sale.Origin, "sale.sale") == 0 {
					origins[r.ID] = *r.Sale.Number
				}
			}
		}
		numbers := map[int]string{}
		if len(out) > 0 {
			rows, err := search[saleNumber](ctx, e, "stock.shipment.out", []any{where("id", "in", out)}, 0, nil)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				numbers[r.ID] = isOutgoing + r.Number
			}
		}
		return func(i *invoice) (trade.Invoice, bool, error) { return i.told(lines[i.ID], units, origins, numbers) }, nil
	},
}

func (i *invoice) told(lines []invoiceLine, units units, origins, shipments map[int]string) (trade.Invoice, bool, error) {
	status, known := invoiceStates[i.State]
	if !known || i.Day == nil {
		return trade.Invoice{}, false, fmt.Errorf("state: %.20q has no meaning here", i.State)
	}
	memo := i.Total.IsNeg()
	money := func(d udecimal.Decimal) trade.Money {
		if memo {
			d = d.Neg()
		}
		return trade.Money{Amount: d, Currency: i.Currency.Code}
	}
	tax := money(i.Tax.Decimal)
	v := trade.Invoice{
		Number: *i.Number, Kind: trade.PlainInvoice, AccountRef: trade.Key(i.Party.Code), IssuedOn: i.Day.Date, Status: status, Balance: money(i.Open.Decimal),
		Totals: trade.Totals{Subtotal: money(i.Net.Decimal), Discount: trade.Money{Currency: i.Currency.Code}, Tax: &tax, Total: money(i.Total.Decimal)},
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
		quantity := l.Quantity.Decimal
		if memo {
			quantity = quantity.Neg()
		}
		line := trade.InvoiceLine{
			LineNumber: strconv.Itoa(l.ID), ItemRef: l.Product.ref(), Description: described(l.Description, l.Product), Amount: money(l.Amount.Decimal),
			Quantity:  trade.Quantity{Value: quantity, Unit: unit},
			UnitPrice: &trade.UnitPrice{Price: trade.Money{Amount: l.Price.Decimal, Currency: i.Currency.Code}, Per: trade.Quantity{Value: udecimal.One, Unit: unit}},
		}
		if id := leadsTo(l.Origin, "sale.line"); origins[id] != "" {
			line.OrderKey, line.OrderLineNumber = origins[id], strconv.Itoa(id)
		}
		for _, m := range l.Moves {
			if n := shipments[leadsTo(m.Shipment, "stock.shipment.out")]; n != "" {
				line.ShipmentKey = n
			}
		}
		v.LinesKnown = append(v.LinesKnown, line)
	}
	v.Provenance = stamp(*i.Number, newest(i.Version, lines))
	return v, false, nil
}

// Invoices are those to customers that have a number, which they get when they are
// posted.
func (e *ERP) Invoices(ctx context.Context, q sources.Query) (sources.Page[trade.Invoice], error) {
	return invoices.read(ctx, e, q)
}
