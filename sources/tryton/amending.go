package tryton

import (
	"context"
	"slices"
	"strconv"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

type amendment struct {
	row
	State string   `json:"state"`
	Sale  numbered `json:"sale."`
}

// byNumber is the sale with a number.
func (e *ERP) byNumber(ctx context.Context, number string) (*taken, error) {
	unknown := sources.Fail(sources.Rejected, "The ERP does not know the order.")
	return first[taken](ctx, e, "sale.sale", []any{where("number", "=", number)}, unknown)
}

type outgoingState struct {
	row
	State string `json:"state"`
}

// unsent are the shipments of a sale that have not left, and those of them for which goods are set aside. It
// fails where goods are on their way out.
func (e *ERP) unsent(ctx context.Context, sale int) (open, assigned []int, err error) {
	out, err := search[outgoingState](ctx, e, "stock.shipment.out", []any{[]any{"moves.origin.sale.id", "=", sale, "sale.line"}}, 0, nil)
	for _, o := range out {
		switch {
		case handled[o.State]:
			return nil, nil, sources.Fail(sources.Rejected, "The goods are being picked, or have left already.")
		case o.State == "assigned":
			assigned, open = append(assigned, o.ID), append(open, o.ID)
		case o.State != "done" && o.State != "cancelled":
			open = append(open, o.ID)
		}
	}
	return open, assigned, err
}

// ChangeOrder changes quantities by an amendment, which Tryton takes all or nothing. It
// has no lines to add, and no days to change, once a sale is confirmed.
func (e *ERP) ChangeOrder(ctx context.Context, key string, c trade.OrderChange) (sources.Receipt, error) {
	defer e.lockWrites()()
	if len(c.Added) > 0 || c.RequestedDeliveryDate != nil || slices.ContainsFunc(c.Lines,
		func(l trade.ChangedLine) bool { return l.RequestedDeliveryDate != nil }) {
		return sources.Receipt{}, sources.Fail(sources.Rejected, "The ERP changes quantities of orders alone: order what is new by itself.")
	}
	s, err := e.byNumber(ctx, c.Number)
	if err != nil {
		return sources.Receipt{}, err
	}
	_, assigned, err := e.unsent(ctx, s.ID)
	if err != nil {
		return sources.Receipt{}, err
	}
	pending, err := made(ctx, e, "sale.amendment", func() (*amendment, error) {
		return first[amendment](ctx, e, "sale.amendment", []any{where("description", "=", key)}, nil)
	}, func() (values, error) { return e.amendmentOf(ctx, key, s, c) })
	if err != nil {
		return sources.Receipt{}, err
	}
	if pending.State == "draft" {
		// What is set aside is given back first: an amendment makes the shipment anew.
		if err := e.press(ctx, "stock.shipment.out", "wait", assigned...); err != nil {
			return sources.Receipt{}, err
		}
		if err := e.press(ctx, "sale.amendment", "validate_amendment", pending.ID); err != nil {
			return sources.Receipt{}, err
		}
	}
	return sources.Receipt{Number: c.Number}, nil
}

// saleLineNow is a line as an amendment of it needs it.
type saleLineNow struct {
	row
	Product  *int        `json:"product"`
	Unit     *int        `json:"unit"`
	Quantity rpc.Number  `json:"quantity"`
	Price    rpc.Decimal `json:"unit_price"`
	Text     *string     `json:"description"`
	Goods    *good       `json:"product."`
}

func (e *ERP) amendmentOf(ctx context.Context, key string, s *taken, c trade.OrderChange) (values, error) {
	now, err := search[saleLineNow](ctx, e, "sale.line", []any{where("sale", "=", s.ID), where("type", "=", "line")}, 0, nil)
	if err != nil {
		return nil, err
	}
	units, err := e.units(ctx)
	if err != nil {
		return nil, err
	}
	var lines []values
	for _, l := range c.Lines {
		i := slices.IndexFunc(now, func(n saleLineNow) bool { return strconv.Itoa(n.ID) == l.LineNumber })
		if i < 0 || now[i].Product == nil || now[i].Goods == nil {
			return nil, sources.Fail(sources.Rejected, "The ERP does not know a line of the order.")
		}
		n := now[i]
		row := values{
			"action": "line", "line": n.ID, "product": *n.Product, "quantity": n.Quantity, "unit": n.Unit, "unit_price": n.Price,
			"description": n.Text,
		}
		if l.Quantity != nil {
			row["quantity"] = rpc.Number{Decimal: l.Quantity.Value}
			if l.UnitPrice != nil {
				unit, price, err := unitAndPrice(units, *n.Goods, *l.Quantity, *l.UnitPrice)
				if err != nil {
					return nil, err
				}
				row["unit"], row["unit_price"] = unit, price
			}
		}
		lines = append(lines, row)
	}
	return values{"sale": s.ID, "description": key, "lines": []any{[]any{"create", lines}}}, nil
}

// CancelOrder cancels the shipments that have not left, and closes the sale over them.
func (e *ERP) CancelOrder(ctx context.Context, _, number, _ string) (sources.Receipt, error) {
	defer e.lockWrites()()
	s, err := e.byNumber(ctx, number)
	if err != nil {
		return sources.Receipt{}, err
	}
	if s.State == "draft" || s.State == "quotation" {
		return sources.Receipt{Number: number}, e.press(ctx, "sale.sale", "cancel", s.ID)
	}
	open, assigned, err := e.unsent(ctx, s.ID)
	if err != nil {
		return sources.Receipt{}, err
	}
	if err := e.press(ctx, "stock.shipment.out", "wait", assigned...); err != nil {
		return sources.Receipt{}, err
	}
	if err := e.press(ctx, "stock.shipment.out", "cancel", open...); err != nil {
		return sources.Receipt{}, err
	}
	return sources.Receipt{Number: number}, e.closeOver(ctx, s.ID)
}

// closeOver answers the question that a sale asks whose shipments were cancelled: not to
// send the goods again.
func (e *ERP) closeOver(ctx context.Context, sale int) error {
	var states []struct {
		Shipment string `json:"shipment_state"`
	}
	if err := e.client.Call(ctx, "model.sale.sale.read", []any{[]int{sale}, []string{"shipment_state"}}, nil, &states); err != nil {
		return err
	}
	if len(states) != 1 || states[0].Shipment != "exception" {
		return nil
	}
	active := values{"active_model": "sale.sale", "active_id": sale, "active_ids": []int{sale}}
	var opened []any
	if err := e.client.Call(ctx, "wizard.sale.handle.shipment.exception.create", []any{}, nil, &opened); err != nil {
		return shown(err)
	}
	var asked struct {
		View struct {
			Defaults struct {
				Moves []int `json:"domain_moves"`
			} `json:"defaults"`
		} `json:"view"`
	}
	if err := e.client.Call(ctx, "wizard.sale.handle.shipment.exception.execute", []any{opened[0], values{}, "ask"}, active,
		&asked); err != nil {
		return shown(err)
	}
	answer := values{"ask": values{"recreate_moves": []int{}, "domain_moves": asked.View.Defaults.Moves}}
	return shown(e.client.Call(ctx, "wizard.sale.handle.shipment.exception.execute", []any{opened[0], answer, "handle"}, active, nil))
}
