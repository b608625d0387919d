package tryton

import (
	"context"
	"fmt"

	"portico/sources/tryton/rpc"
)

// move is goods that go from one place to another, or will.
type move struct {
	row
	Origin    *string    `json:"origin"`
	Shipment  *string    `json:"shipment"`
	Package   *int       `json:"package"`
	Quantity  rpc.Number `json:"quantity"`
	Unit      int        `json:"uom"`
	State     string     `json:"state"`
	Planned   *rpc.Date  `json:"planned_date"`
	Effective *rpc.Date  `json:"effective_date"`
}

// movesOf are the moves that lines of documents have caused, by line.
func (e *ERP) movesOf(ctx context.Context, model string, lines []int) (parts[move], error) {
	if len(lines) == 0 {
		return parts[move]{}, nil
	}
	return partsOf(ctx, e, "stock.move", "origin", references(model, lines), func(m *move) int { return leadsTo(m.Origin, model) })
}

// statesOf are the states of the customer shipments that moves are of.
func (e *ERP) statesOf(ctx context.Context, moves parts[move]) (map[int]string, error) {
	var ids []int
	for _, all := range moves {
		for _, m := range all {
			if id := leadsTo(m.Shipment, "stock.shipment.out"); id != 0 {
				ids = append(ids, id)
			}
		}
	}
	states := map[int]string{}
	if len(ids) == 0 {
		return states, nil
	}
	rows, err := search[struct {
		ID    int    `json:"id"`
		State string `json:"state"`
	}](ctx, e, "stock.shipment.out", []any{where("id", "in", ids)}, 0, nil)
	for _, r := range rows {
		states[r.ID] = r.State
	}
	return states, err
}

// in is a quantity of one unit as one of another.
func (u units) in(q rpc.Number, from, to int) (rpc.Number, error) {
	if from == to {
		return q, nil
	}
	if u[from].Category != u[to].Category {
		return q, fmt.Errorf("a move is in a unit of another kind than its line")
	}
	each, err := u[from].Factor.Div(u[to].Factor.Decimal)
	return rpc.Number{Decimal: q.Mul(each).RoundBank(6)}, err
}
