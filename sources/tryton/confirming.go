package tryton

import (
	"context"
	"slices"
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// confirming is a purchase as a confirmation of it needs it.
type confirming struct {
	row
	numbered
	State string `json:"state"`
}

type confirmingLine struct {
	row
	Quantity rpc.Number   `json:"quantity"`
	Unit     *int         `json:"unit"`
	Price    *rpc.Decimal `json:"unit_price"`
}

// ConfirmPurchase writes what a supplier confirmed. Until a purchase is confirmed its
// quantities and prices can be changed; then only the days on which its goods are planned
// to come. One line has one day. What is more than that somebody does in Tryton: nothing is
// written then. Doing it twice does nothing more.
func (e *ERP) ConfirmPurchase(ctx context.Context, _ string, c trade.PurchaseConfirmation) (sources.Receipt, error) {
	defer e.lockWrites()()
	over := sources.Fail(sources.Rejected, "The purchase order is received, or cancelled.")
	p, err := first[confirming](ctx, e, "purchase.purchase", []any{where("number", "=", c.Number)}, over)
	if err == nil && (p.State == "done" || p.State == "cancelled") {
		err = over
	}
	if err != nil {
		return sources.Receipt{}, err
	}
	lines, err := search[confirmingLine](ctx, e, "purchase.line", []any{where("purchase", "=", p.ID), where("type", "=", "line")}, 0, nil)
	if err != nil {
		return sources.Receipt{}, err
	}
	firm := p.State == "confirmed" || p.State == "processing"
	changes, err := e.changesOf(ctx, c, lines, firm)
	if err != nil {
		return sources.Receipt{}, err
	}
	if !firm {
		if err := e.offered(ctx, p, c, changes); err != nil {
			return sources.Receipt{}, err
		}
	}
	return sources.Receipt{Number: c.Number}, e.planned(ctx, c, lines)
}

// changesOf are the lines that become otherwise, by id. It fails where somebody must do it.
func (e *ERP) changesOf(ctx context.Context, c trade.PurchaseConfirmation, lines []confirmingLine, firm bool) (map[int]values, error) {
	ids := make([]int, len(lines))
	for i, l := range lines {
		ids[i] = l.ID
	}
	units, err := e.units(ctx)
	if err != nil {
		return nil, err
	}
	moves, err := e.movesOf(ctx, "purchase.line", ids)
	if err != nil {
		return nil, err
	}
	changes := map[int]values{}
	for _, l := range c.Lines {
		at := slices.IndexFunc(lines, func(x confirmingLine) bool { return strconv.Itoa(x.ID) == l.LineNumber })
		if at < 0 || lines[at].Unit == nil {
			return nil, sources.Fail(sources.Rejected, "The ERP does not know a line of the purchase order.")
		}
		line := lines[at]
		open := line.Quantity.Decimal
		for _, m := range moves[line.ID] {
			if m.State != "done" {
				continue
			}
			q, err := units.in(m.Quantity, m.Unit, *line.Unit)
			if err != nil {
				return nil, err
			}
			open = open.Sub(q.Decimal)
		}
		change, err := changeOf(l, line, open)
		switch {
		case err != nil:
			return nil, err
		case len(change) > 0 && firm:
			return nil, sources.Fail(sources.ByHand,
				"Line %s is confirmed with a difference to the order. Tryton changes quantities and prices of a confirmed purchase "+
					"by hand alone: change it "+
					"there as the answer says, then settle this operation.", l.LineNumber)
		case len(change) > 0:
			changes[line.ID] = change
		}
	}
	return changes, nil
}

// changeOf is what becomes otherwise of a line of which so much is open.
func changeOf(l trade.ConfirmedLine, line confirmingLine, open udecimal.Decimal) (values, error) {
	coming := udecimal.Decimal{}
	var days []trade.Date
	for _, p := range l.Parts {
		coming = coming.Add(p.Quantity.Value)
		if p.DeliveryDate != nil && !slices.Contains(days, *p.DeliveryDate) {
			days = append(days, *p.DeliveryDate)
		}
	}
	switch {
	case l.SubstituteSKU != "":
		return nil, sources.Fail(sources.ByHand,
			"Line %s comes as another item. Put that item into the purchase in Tryton, then settle this operation.", l.LineNumber)
	case len(days) > 1:
		return nil, sources.Fail(sources.ByHand,
			"Line %s comes in parts on several days. Split its moves in Tryton and plan each for its day, then settle this operation.", l.LineNumber)
	case !coming.IsPos():
		return nil, sources.Fail(sources.ByHand, "Line %s does not come. Take it off the purchase in Tryton, then settle this operation.",
			l.LineNumber)
	}
	change := values{}
	if !coming.Equal(open) {
		change["quantity"] = rpc.Number{Decimal: line.Quantity.Decimal.Sub(open).Add(coming)}
	}
	if l.UnitPrice != nil {
		each, err := l.UnitPrice.Price.Amount.Div(l.UnitPrice.Per.Value)
		if err != nil {
			return nil, sources.Fail(sources.Rejected, "A price is for no quantity.")
		}
		if each = each.RoundBank(4); line.Price == nil || !line.Price.Equal(each) {
			change["unit_price"] = rpc.Decimal{Decimal: each}
		}
	}
	return change, nil
}

// offered changes a purchase that is not confirmed, and confirms it. It goes on where an
// earlier attempt has stopped.
func (e *ERP) offered(ctx context.Context, p *confirming, c trade.PurchaseConfirmation, changes map[int]values) error {
	if len(changes) > 0 && p.State == "quotation" {
		if err := e.press(ctx, "purchase.purchase", "draft", p.ID); err != nil {
			return err
		}
		p.State = "draft"
	}
	for id, change := range changes {
		if err := e.client.Call(ctx, "model.purchase.line.write", []any{[]int{id}, change}, nil, nil); err != nil {
			return shown(err)
		}
	}
	if c.SupplierOrderNumber != nil {
		if err := e.client.Call(ctx, "model.purchase.purchase.write", []any{[]int{p.ID}, values{"reference": *c.SupplierOrderNumber}}, nil,
			nil); err != nil {
			return shown(err)
		}
	}
	if p.State == "draft" {
		if err := e.press(ctx, "purchase.purchase", "quote", p.ID); err != nil {
			return err
		}
	}
	if err := e.press(ctx, "purchase.purchase", "confirm", p.ID); err != nil {
		return err
	}
	now, err := search[confirming](ctx, e, "purchase.purchase", []any{where("id", "=", p.ID)}, 1, nil)
	if err == nil && (len(now) == 0 || now[0].State != "confirmed" && now[0].State != "processing") {
		err = sources.Fail(sources.Unavailable, "a button did nothing")
	}
	return err
}

// planned writes the days on which goods are planned to come, of what has not come.
func (e *ERP) planned(ctx context.Context, c trade.PurchaseConfirmation, lines []confirmingLine) error {
	ids := make([]int, len(lines))
	for i, l := range lines {
		ids[i] = l.ID
	}
	moves, err := e.movesOf(ctx, "purchase.line", ids)
	if err != nil {
		return err
	}
	for _, l := range c.Lines {
		at := slices.IndexFunc(l.Parts, func(p trade.ConfirmedPart) bool { return p.DeliveryDate != nil })
		id, err := strconv.Atoi(l.LineNumber)
		if err != nil || at < 0 {
			continue
		}
		day := *l.Parts[at].DeliveryDate
		var open []int
		for _, m := range moves[id] {
			if m.State == "draft" && (m.Planned == nil || m.Planned.Date != day) {
				open = append(open, m.ID)
			}
		}
		if open == nil {
			continue
		}
		if err := e.client.Call(ctx, "model.stock.move.write", []any{open, values{"planned_date": rpc.Date{Date: day}}}, nil, nil); err != nil {
			return shown(err)
		}
	}
	return nil
}
