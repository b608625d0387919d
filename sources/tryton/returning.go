package tryton

import (
	"context"
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// RequestReturn makes a sale of less than nothing that names the other as its origin, and
// confirms it: goods come back by it.
func (e *ERP) RequestReturn(ctx context.Context, key string, d trade.ReturnDraft) (sources.Receipt, error) {
	defer e.lockWrites()()
	return e.sell(ctx, key, func() (values, error) { return e.returnOf(ctx, key, d) })
}

func (e *ERP) returnOf(ctx context.Context, key string, d trade.ReturnDraft) (values, error) {
	s, err := e.byNumber(ctx, d.OrderNumber)
	if err != nil {
		return nil, err
	}
	var heads []values
	fields := []string{
		"party", "company", "currency", "reference", "invoice_address", "shipment_address", "price_list", "payment_term",
		"warehouse",
	}
	if err := e.client.Call(ctx, "model.sale.sale.read", []any{[]int{s.ID}, fields}, nil, &heads); err != nil || len(heads) != 1 {
		return nil, cmpError(err, sources.Fail(sources.Garbled, "a sale is not to be read"))
	}
	now, err := search[struct {
		saleLineNow
		Taxes []int `json:"taxes"`
	}](ctx, e, "sale.line", []any{where("sale", "=", s.ID), where("type", "=", "line")}, 0, nil)
	if err != nil {
		return nil, err
	}
	var lines []values
	for _, l := range d.Lines {
		for _, n := range now {
			if strconv.Itoa(n.ID) != l.LineNumber {
				continue
			}
			lines = append(lines, values{
				"type": "line", "product": n.Product, "unit": n.Unit, "unit_price": n.Price,
				"quantity": rpc.Number{Decimal: udecimal.Zero.Sub(l.Quantity.Value)}, "taxes": []any{[]any{"add", n.Taxes}},
				"description": l.Comment,
			})
		}
	}
	if len(lines) != len(d.Lines) {
		return nil, sources.Fail(sources.Rejected, "The ERP does not know a line of the order.")
	}
	row := heads[0]
	delete(row, "id")
	row["description"], row["origin"], row["invoice_method"], row["shipment_method"] = key, "sale.sale,"+strconv.Itoa(s.ID), "shipment",
		"order"
	row["lines"] = []any{[]any{"create", lines}}
	return row, nil
}
