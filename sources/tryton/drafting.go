package tryton

import (
	"context"
	"slices"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// terms of a sale that Tryton chooses by the customer.
type chosen struct {
	Invoice  *int `json:"invoice_address"`
	Shipment *int `json:"shipment_address"`
	Term     *int `json:"payment_term"`
	List     *int `json:"price_list"`
}

// taxed is a product as a line of a sale needs it.
type taxed struct {
	good
	Category *struct {
		Taxes []int `json:"customer_taxes_used"`
	} `json:"account_category."`
}

type taxRule struct {
	row
	Rule *int `json:"customer_tax_rule"`
}

// saleOf is a sale to be made: `create` fills in nothing that depends on the customer or
// the product, so that all of it is asked for before.
func (e *ERP) saleOf(ctx context.Context, key string, d trade.Draft) (values, error) {
	own, err := e.own(ctx)
	if err != nil {
		return nil, err
	}
	buyers, err := lookUp(ctx, e, e.known.buyers, "party.party", customers.domain, []string{d.Account}, func(b buyer) string { return b.Code })
	if err != nil {
		return nil, err
	}
	b, known := buyers[d.Account]
	if !known || !b.Active {
		return nil, sources.Fail(sources.Rejected, "The ERP does not know the account.")
	}
	place, err := e.addressOf(ctx, b.ID, d.ShipTo)
	if err != nil {
		return nil, err
	}
	currency, err := e.currency(ctx, own.Currency.Code)
	if err != nil {
		return nil, err
	}
	warehouse, err := e.warehouse(ctx)
	if err != nil {
		return nil, err
	}
	var rows []chosen
	head := values{"party": b.ID, "company": own.ID, "currency": currency, "lines": []any{}}
	if err := e.client.Call(ctx, "model.sale.sale.on_change", []any{head, []string{"party"}}, nil, &rows); err != nil || len(rows) != 1 {
		return nil, cmpError(shown(err), sources.Fail(sources.Garbled, "the customer's terms are not to be read"))
	}
	c := rows[0]
	lines, err := e.saleLines(ctx, d.Lines, b, own.ID, currency)
	if err != nil {
		return nil, err
	}
	row := values{
		"party": b.ID, "company": own.ID, "currency": currency, "reference": d.CustomerPoNumber, "description": key,
		"invoice_address": c.Invoice, "shipment_address": place,
		"payment_term": c.Term, "price_list": c.List, "warehouse": warehouse, "invoice_method": "shipment", "shipment_method": "order",
		"lines": []any{[]any{"create", lines}},
	}
	if c.Invoice == nil {
		row["invoice_address"] = place
	}
	if d.RequestedDeliveryDate != nil {
		row["shipping_date"] = rpc.Date{Date: *d.RequestedDeliveryDate}
	}
	if d.Comment != nil {
		row["comment"] = *d.Comment
	}
	return row, nil
}

// saleLines are lines of a sale to be made, at the prices that the buyer was shown.
func (e *ERP) saleLines(ctx context.Context, all []trade.DraftLine, b buyer, company, currency int) ([]values, error) {
	var skus []string
	for _, l := range all {
		skus = append(skus, l.SKU)
	}
	found, err := search[taxed](ctx, e, "product.product", append(slices.Clone(goods), where("code", "in", skus)), 0, nil)
	if err != nil {
		return nil, err
	}
	products := map[string]taxed{}
	for _, p := range found {
		products[p.Code] = p
	}
	units, err := e.units(ctx)
	if err != nil {
		return nil, err
	}
	ruled, err := search[taxRule](ctx, e, "party.party", []any{where("id", "=", b.ID)}, 0, nil)
	if err != nil {
		return nil, err
	}
	lines := make([]values, len(all))
	for i, l := range all {
		p, known := products[l.SKU]
		if !known || !p.Active || !p.Salable {
			return nil, sources.Fail(sources.Rejected, "An item is not sold any more.")
		}
		unit, price, err := unitAndPrice(units, p.good, l.Quantity, l.UnitPrice)
		if err != nil {
			return nil, err
		}
		var taxes []int
		if p.Category != nil {
			taxes = p.Category.Taxes
		}
		if len(ruled) > 0 && ruled[0].Rule != nil { // which replaces taxes by others
			if taxes, err = e.taxesBy(ctx, p.ID, l.Quantity, b, company, currency); err != nil {
				return nil, err
			}
		}
		lines[i] = values{
			"type": "line", "product": p.ID, "quantity": rpc.Number{Decimal: l.Quantity.Value}, "unit": unit, "unit_price": price,
			"taxes": []any{[]any{"add", taxes}},
		}
	}
	return lines, nil
}

// unitAndPrice are Tryton's unit of a quantity, and its price for one of it.
func unitAndPrice(units units, p good, q trade.Quantity, price trade.UnitPrice) (unit int, each rpc.Decimal, err error) {
	if p.Sale != nil && unitCodes[units[*p.Sale].Symbol] == q.Unit {
		unit = *p.Sale
	} else if unit = units.of(units[p.Base].Category, q.Unit); unit == 0 {
		return 0, each, sources.Fail(sources.Rejected, "An item is not sold in this unit.")
	}
	if price.Per.Unit != q.Unit {
		return 0, each, sources.Fail(sources.Rejected, "A price is for another unit than the quantity.")
	}
	one, err := price.Price.Amount.Div(price.Per.Value)
	if err != nil {
		return 0, each, sources.Fail(sources.Rejected, "A price is for no quantity.")
	}
	return unit, rpc.Decimal{Decimal: one.RoundBank(4)}, nil
}

// taxesBy asks for the taxes of a line as the customer's rule has them.
func (e *ERP) taxesBy(ctx context.Context, product int, q trade.Quantity, b buyer, company, currency int) ([]int, error) {
	line := values{
		"product": product, "quantity": rpc.Number{Decimal: q.Value}, "taxes": []int{}, "type": "line", "unit": nil,
		"_parent_sale.party": b.ID, "_parent_sale.price_list": b.List, "_parent_sale.currency": currency, "_parent_sale.company": company,
	}
	var rows []struct {
		Taxes struct {
			Add [][]any `json:"add"`
		} `json:"taxes"`
	}
	if err := e.client.Call(ctx, "model.sale.line.on_change", []any{line, []string{"product"}}, nil, &rows); err != nil {
		return nil, shown(err)
	}
	var taxes []int
	if len(rows) != 1 {
		return nil, sources.Fail(sources.Garbled, "the taxes of a line are not to be read")
	}
	for _, a := range rows[0].Taxes.Add {
		if len(a) == 2 {
			if t, ok := a[1].(map[string]any); ok {
				if id, ok := t["id"].(float64); ok {
					taxes = append(taxes, int(id))
				}
			}
		}
	}
	return taxes, nil
}

// addressOf is the address that a location's code stands for.
func (e *ERP) addressOf(ctx context.Context, party int, code string) (int, error) {
	all, err := search[placeID](ctx, e, "party.address", []any{where("party", "=", party)}, 0, nil)
	if err != nil {
		return 0, err
	}
	for _, a := range all {
		if codeOf(a.ID, a.Sequence) == code {
			return a.ID, nil
		}
	}
	return 0, sources.Fail(sources.Rejected, "The ERP does not know the location.")
}

func (e *ERP) currency(ctx context.Context, code string) (int, error) {
	return table(ctx, e, "currency "+code, func(ctx context.Context) (int, error) {
		return idOf(ctx, e, "currency.currency", []any{where("code", "=", code)}, "the company's currency is not to be found")
	})
}

// warehouse is what sales are sent from: the configured one, or the first.
func (e *ERP) warehouse(ctx context.Context) (int, error) {
	return table(ctx, e, "warehouse", func(ctx context.Context) (int, error) {
		domain := []any{where("type", "=", "warehouse")}
		if e.from != "" {
			domain = append(domain, where("code", "=", e.from))
		}
		return idOf(ctx, e, "stock.location", domain, "there is no warehouse to sell from")
	})
}

// idOf is the id of the first row of a domain, which Tryton cannot do without.
func idOf(ctx context.Context, e *ERP, model string, domain []any, missing string) (int, error) {
	r, err := first[row](ctx, e, model, domain, sources.Fail(sources.Garbled, "%s", missing))
	if err != nil {
		return 0, err
	}
	return r.ID, nil
}
