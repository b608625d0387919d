package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"portico/process"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/ordering"
)

// Batch is what became of orders that were submitted together, in their order.
type Batch struct {
	Errors   []trade.UserError
	Replayed bool
	Results  []Submission
}

// keptResult is what became of one order of a batch, as it is kept.
type keptResult struct {
	Operation string         `json:"Operation"`
	Order     string         `json:"Order"`
	Errors    trade.Refusals `json:"Errors"`
}

// batchInput is what a key of orders that are submitted together stands for.
type batchInput struct {
	Orders []*ordering.OrderRequest `json:"Orders"`
	Whole  bool                     `json:"Whole"`
}

// mostTogether is how many orders may be submitted together.
const mostTogether = 100

// SubmitAll places orders together under a key: all of those that nothing stands
// against, or, with whole, all or none. What is accepted is acknowledged in one
// transaction.
func (o *Flows) SubmitAll(ctx context.Context, scope trade.Scope, by process.Submitter, key string, requests []*ordering.OrderRequest,
	whole bool,
) (*Batch, error) {
	if n := len(requests); n == 0 || n > mostTogether {
		return &Batch{Errors: []trade.UserError{&trade.InvalidInput{Refusal: trade.Refusal{
			Code: trade.CodeInvalidInput, Message: fmt.Sprintf("1 to %d orders are submitted together; these are %d.", mostTogether, n),
			Path: []string{"input", "orders"},
		}}}}, nil
	}
	const mutation = "submitOrders"
	batch := &Batch{}
	var all []*placing
	a, err := process.Once(ctx, o.desk.Store, by, mutation, key, batchInput{requests, whole},
		func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			if all, err = o.prepareAll(ctx, scope, by, key, print, requests); err != nil {
				return spent, nil, err
			}
			if err := o.placeAll(ctx, tx, all, whole); err != nil {
				return spent, nil, err
			}
			kept := make([]keptResult, len(all))
			accepted := 0
			for i, p := range all {
				s := p.submission()
				kept[i] = keptResult{s.OperationID, s.OrderID, s.Errors}
				if s.OperationID != "" {
					accepted++
				}
			}
			if accepted == 0 {
				return spent, nil, errNone
			}
			spent.Subject = "batch"
			spent.Answer, err = json.Marshal(kept)
			return spent, nil, err
		})
	switch {
	case errors.Is(err, errNone):
	case err != nil:
		return nil, err
	case len(a.Errors) > 0:
		batch.Errors = a.Errors
		return batch, nil
	default:
		var kept []keptResult
		if err := json.Unmarshal(a.Answer, &kept); err != nil {
			return nil, fmt.Errorf("batch: %w", err)
		}
		batch.Replayed = a.Replayed
		for _, k := range kept {
			batch.Results = append(batch.Results, Submission{Errors: k.Errors, OperationID: k.Operation, OrderID: k.Order})
		}
		o.desk.Engine.Wake(o.wakeable())
		return batch, nil
	}
	for _, p := range all { // nothing of which stays
		batch.Results = append(batch.Results, Submission{Errors: p.errors})
	}
	return batch, nil
}

var errNone = errors.New("none of the orders is accepted")

// prepareAll prepares orders, each knowing of those before it.
func (o *Flows) prepareAll(ctx context.Context, scope trade.Scope, by process.Submitter, key, print string,
	requests []*ordering.OrderRequest,
) ([]*placing, error) {
	all := make([]*placing, len(requests))
	var well []*ordering.OrderRequest
	for i, r := range requests {
		if errors := ordering.CheckOrderShape(r); len(errors) > 0 {
			all[i] = &placing{errors: errors}
			continue
		}
		well = append(well, r)
	}
	facts, err := o.facts(ctx, scope, well)
	if err != nil {
		return nil, err
	}
	accounts := make([]string, len(well))
	for i, r := range well {
		accounts[i] = r.AccountID
	}
	limits, err := o.limitsOf(ctx, scope, by, process.Distinct(accounts))
	if err != nil {
		return nil, err
	}
	numbers, exposure := map[records.PoNumber]bool{}, map[string]trade.Money{}
	n := 0
	for i, r := range requests {
		if all[i] != nil {
			continue
		}
		f := facts[n]
		n++
		number := records.PoNumber{AccountID: r.AccountID, Number: r.CustomerPoNumber}
		f.PoInUse = f.PoInUse || numbers[number]
		if sum, before := exposure[r.AccountID]; before && f.Credit != nil && f.Credit.Exposure.Currency == sum.Currency {
			c := *f.Credit
			c.Exposure.Amount = c.Exposure.Amount.Add(sum.Amount)
			f.Credit = &c
		}
		// A key that no caller can send, so that the orders of a batch have their own.
		all[i] = o.prepare(by, key+"\n"+strconv.Itoa(i), print, r, f)
		if all[i].errors == nil {
			all[i].limits = limits[r.AccountID]
			numbers[number] = true
			sum := exposure[r.AccountID]
			exposure[r.AccountID] = trade.Money{Amount: sum.Amount.Add(all[i].work.Total.Amount), Currency: all[i].work.Total.Currency}
		}
	}
	return all, nil
}

func (o *Flows) placeAll(ctx context.Context, tx *store.Tx, all []*placing, whole bool) error {
	refused := func(p *placing) bool { return p.errors != nil }
	if whole && slices.ContainsFunc(all, refused) {
		return errNone
	}
	if err := o.placeIn(ctx, tx, slices.DeleteFunc(slices.Clone(all), refused)); err != nil {
		return err
	}
	if whole && slices.ContainsFunc(all, refused) {
		return errNone
	}
	return nil
}
