package tryton

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

var returns = mapping[sale, trade.Return]{
	kind: "returns", model: "sale.sale", field: "number", key: func(s *sale) string { return s.number() },
	domain: []any{where("number", "!=", nil), where("origin", "like", ofSale)},
	with: func(ctx context.Context, e *ERP, rows []sale, ids []int) (func(*sale) (trade.Return, bool, error), error) {
		s, err := e.sold(ctx, ids)
		if err != nil {
			return nil, err
		}
		var originals []int
		for _, r := range rows {
			originals = append(originals, leadsTo(r.Origin, "sale.sale"))
		}
		numbers, err := e.numbersOf(ctx, "sale.sale", originals)
		lines, err2 := partsOf(ctx, e, "sale.line", "sale", originals, func(l *saleLine) int { return l.Sale }, where("type", "=", "line"))
		memos, err3 := s.memos(ctx)
		return func(x *sale) (trade.Return, bool, error) { return s.back(x, numbers, lines, memos) }, errors.Join(err, err2, err3)
	},
}

// numbersOf are the numbers of records of a model, by id; drafts have none.
func (e *ERP) numbersOf(ctx context.Context, model string, ids []int) (map[int]string, error) {
	all := map[int]string{}
	if len(ids) == 0 {
		return all, nil
	}
	rows, err := search[struct {
		ID int `json:"id"`
		numbered
	}](ctx, e, model, []any{where("id", "in", ids)}, 0, nil)
	for _, r := range rows {
		if r.Number != nil {
			all[r.ID] = *r.Number
		}
	}
	return all, err
}

// soldIn is the sale that a line is of: its number, and, of a return, the id of the
// sale that it takes back.
type soldIn struct {
	number string
	back   int
}

// salesOf are the sales of lines, by line; those of drafts are left out.
func (e *ERP) salesOf(ctx context.Context, lines []int) (map[int]soldIn, error) {
	all := map[int]soldIn{}
	if len(lines) == 0 {
		return all, nil
	}
	rows, err := search[struct {
		ID   int `json:"id"`
		Sale struct {
			numbered
			Origin *string `json:"origin"`
		} `json:"sale."`
	}](ctx, e, "sale.line", []any{where("id", "in", lines)}, 0, nil)
	for _, r := range rows {
		if r.Sale.Number != nil {
			all[r.ID] = soldIn{*r.Sale.Number, leadsTo(r.Sale.Origin, "sale.sale")}
		}
	}
	return all, err
}

// memos are the numbers of the invoices that charge lines, by line.
func (s *sold) memos(ctx context.Context) (map[int]string, error) {
	rows, err := search[struct {
		ID      int     `json:"id"`
		Origin  *string `json:"origin"`
		Invoice struct {
			Number string `json:"number"`
		} `json:"invoice."`
	}](ctx, s.e, "account.invoice.line", []any{
		where("origin", "in", references("sale.line", s.lineIDs())),
		where("invoice.state", "in", []string{"posted", "paid"}),
	}, 0, nil)
	all := map[int]string{}
	for _, r := range rows {
		all[leadsTo(r.Origin, "sale.line")] = r.Invoice.Number
	}
	return all, err
}

// Returns are the sales that take another back.
func (e *ERP) Returns(ctx context.Context, q sources.Query) (sources.Page[trade.Return], error) {
	return returns.read(ctx, e, q)
}

func (s *sold) back(x *sale, numbers map[int]string, before parts[saleLine], memos map[int]string) (trade.Return, bool, error) {
	original := leadsTo(x.Origin, "sale.sale")
	status, known := returnStates[x.State]
	if !known {
		return trade.Return{}, false, fmt.Errorf("state: %.20q has no meaning here", x.State)
	}
	r := trade.Return{
		ExternalRef: referenceOf(x.Ours), Number: x.Number, OrderRef: trade.Key(numbers[original]), AccountRef: trade.Key(x.Party.Code),
		Status: status, RequestedAt: s.e.placed(x.Day, x.Written),
		Provenance: stamp(x.number(), newest(x.Version, s.lines[x.ID])),
	}
	whole := len(s.lines[x.ID]) > 0
	for _, l := range s.lines[x.ID] {
		if l.Unit == nil || l.Product == nil {
			continue
		}
		unit, err := s.units.code(*l.Unit)
		if err != nil {
			return r, false, err
		}
		i := slices.IndexFunc(before[original], func(b saleLine) bool { return b.Product != nil && b.Product.Code == l.Product.Code })
		if i < 0 {
			return r, false, errors.New("it takes back what its order does not have")
		}
		line := trade.ReturnLine{
			// Tryton has no reasons
			OrderLineNumber: strconv.Itoa(before[original][i].ID), Quantity: trade.Quantity{Value: l.Quantity.Abs(), Unit: unit},
			Reason:  trade.ReturnOther,
			Comment: l.Description,
		}
		var received udecimal.Decimal
		for _, m := range s.moves[l.ID] {
			if m.State == "done" {
				received = received.Add(m.Quantity.Decimal)
			}
			r.Provenance = stamp(x.number(), max(rpc.Timestamp(r.Provenance.Sequence), m.Version))
		}
		line.Received = &trade.Quantity{Value: received, Unit: unit}
		whole = whole && received.GreaterThanOrEqual(line.Quantity.Value)
		if memo := memos[l.ID]; memo != "" {
			r.CreditMemoRef = trade.Key(memo)
		}
		r.LinesKnown = append(r.LinesKnown, line)
	}
	switch {
	case r.CreditMemoRef.Key != "" && r.Status != trade.ReturnCancelled:
		r.Status = trade.ReturnCredited
	case whole && r.Status == trade.ReturnAuthorized:
		r.Status = trade.ReturnReceived
	}
	return r, false, nil
}
