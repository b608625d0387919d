package orders

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/ordering"
)

// Submission is what became of an order that was submitted: refusals, or an operation
// with the order that it is about.
type Submission struct {
	Errors      []trade.UserError
	Replayed    bool
	OperationID string
	OrderID     string
	Provisional []ordering.OrderCheck
}

// Submit places an order under a key. It is acknowledged once it is durable; wait is
// how long its end is waited for, where its source takes writes now. The same key with
// the same input gives the same answer.
func (o *Flows) Submit(ctx context.Context, scope trade.Scope, by process.Submitter, key string, r *ordering.OrderRequest,
	wait time.Duration,
) (*Submission, error) {
	if bad := process.CheckKey(key); bad != nil {
		return &Submission{Errors: []trade.UserError{bad}}, nil
	}
	print, err := process.Fingerprint(r)
	if err != nil {
		return nil, err
	}
	if s, err := o.replayed(ctx, by, key, print); s != nil || err != nil {
		return s, err
	}
	if errors := ordering.CheckOrderShape(r); len(errors) > 0 {
		return &Submission{Errors: errors}, nil
	}
	facts, err := o.checking.Do(ctx, scope.Key(), checked{scope, r})
	if err != nil {
		return nil, err
	}
	if err := o.priced(ctx, []*ordering.OrderRequest{r}, []*ordering.OrderFacts{facts}); err != nil {
		return nil, err
	}
	p, spent := o.prepare(by, key, print, r, facts), false
	if p.errors == nil {
		limits, err := o.limitsOf(ctx, scope, by, []string{r.AccountID})
		if err != nil {
			return nil, err
		}
		p.limits = limits[r.AccountID]
		_, err = o.placing.Do(ctx, "", p)
		if spent = errors.Is(err, ledger.ErrSpent); err != nil && !spent {
			return nil, err
		}
	}
	if p.errors != nil || spent {
		// A twin may have been faster, and what stands against this one is its order.
		if s, err := o.replayed(ctx, by, key, print); s != nil || err != nil {
			return s, err
		}
		return &Submission{Errors: p.errors}, nil
	}
	o.desk.Engine.Wake(p.operation.Source)
	if _, held := o.desk.Sources.Paused(p.operation.Source); held > 0 || p.operation.Awaiting != nil {
		wait = 0
	}
	if wait > 0 {
		if err := o.desk.Engine.Wait(ctx, p.operation.ID, wait); err != nil {
			return nil, err
		}
	}
	return p.submission(), nil
}

// replayed is the answer that a key was given before; nil where it is new.
func (o *Flows) replayed(ctx context.Context, by process.Submitter, key, print string) (*Submission, error) {
	kept, err := ledger.OperationByKey(ctx, o.desk.Store, by.Principal, trade.SubmitOrder, key)
	if err != nil || kept == nil {
		return nil, err
	}
	if kept.Fingerprint != print {
		return &Submission{Errors: []trade.UserError{process.KeyConflict(kept.SubmittedAt, kept.ID)}}, nil
	}
	s := &Submission{Replayed: true, OperationID: kept.ID, Provisional: []ordering.OrderCheck{}}
	if kept.Subject != nil {
		s.OrderID = *kept.Subject
	}
	return s, nil
}

// placing is an order about to be placed: refusals, or all that is to be written.
type placing struct {
	by          process.Submitter
	limits      []ordering.SpendingLimit // of who submits it, for its account
	exceeded    *ordering.SpendingLimit
	errors      []trade.UserError
	operation   ledger.NewOperation
	work        submitWork
	pending     *trade.Order
	provisional []ordering.OrderCheck
}

func (p *placing) submission() *Submission {
	if p.errors != nil {
		return &Submission{Errors: p.errors}
	}
	return &Submission{OperationID: p.operation.ID, OrderID: p.pending.ID, Provisional: p.provisional}
}

// prepare checks an order and makes what is written when it is placed.
func (o *Flows) prepare(by process.Submitter, key, print string, r *ordering.OrderRequest, f *ordering.OrderFacts) *placing {
	v := ordering.CheckOrder(r, f)
	if !v.Valid {
		return &placing{errors: v.Errors}
	}
	source := o.desk.Sources.Serving(sources.OfOrders, f.Account.Number)
	// Without a price that is known there is none to hold to.
	if v.Totals == nil || !o.desk.Sources.TakesOrders(source) {
		return &placing{errors: []trade.UserError{&trade.SourceUnavailable{
			Refusal: trade.Refusal{Code: trade.CodeUnavailable, Message: "The order cannot be priced or accepted at the moment. Retry later."},
			System:  o.desk.Sources.KindOf(source),
		}}}
	}
	id, order := durable.NewID("opr_"), durable.NewID("ord_")
	ref := "PORTICO-" + id[len("opr_"):]
	return &placing{
		by: by,
		work: submitWork{
			Draft: draftOf(r, f), Ref: ref, Total: v.Totals.Total,
			CheckCredit: slices.Contains(v.Provisional, ordering.CreditCheck),
		},
		pending:     pendingOrder(order, ref, by.Principal, r, f, v),
		provisional: v.Provisional,
		operation: ledger.NewOperation{
			Lane: f.Account.ID, Fingerprint: print, After: map[string]any{"status": trade.OrderQueued, "lines": len(r.Lines), "input": print},
			Operation: trade.Operation{
				ID: id, CorrelationID: by.CorrelationID, Key: key, Principal: by.Principal, Subject: &order,
				AccountID: f.Account.ID, Source: source,
			},
		},
	}
}

// place writes orders that were prepared, with their operations, in one transaction. What
// it finds against one by now is in its errors.
func (o *Flows) place(ctx context.Context, all []*placing) error {
	return o.desk.Store.InTx(ctx, func(tx *store.Tx) error { return o.placeIn(ctx, tx, all) })
}

// placeIn writes orders that were prepared, with their operations: together, but for those
// that count what was written before them. It fails with [store.ErrSpent] when the key of
// one is spent; then nothing may stay.
func (o *Flows) placeIn(ctx context.Context, tx *store.Tx, all []*placing) error {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *placing) int { // as all do, so that nobody waits in a circle
		return cmp.Or(cmp.Compare(a.by.Principal, b.by.Principal), cmp.Compare(a.operation.AccountID, b.operation.AccountID))
	})
	var together []*placing
	numbers := map[records.PoNumber]bool{}
	for _, p := range all {
		number := records.PoNumber{AccountID: p.operation.AccountID}
		if p.pending.CustomerPoNumber != nil {
			number.Number = *p.pending.CustomerPoNumber
		}
		if numbers[number] || ordering.Monthly(p.limits) {
			if err := o.placeTogether(ctx, tx, together); err != nil {
				return err
			}
			together = nil
			clear(numbers)
		}
		if ordering.Monthly(p.limits) { // nothing else is spent until this ends
			if err := ledger.LockSpending(ctx, tx, p.by.Principal); err != nil {
				return err
			}
		}
		limit, err := o.exceeded(ctx, tx, p.by, p.limits, p.work.Total)
		if err != nil {
			return err
		}
		p.errors, p.exceeded, p.operation.Awaiting, p.pending.Status = nil, limit, nil, trade.OrderQueued // whatever an attempt before has left
		if limit != nil {
			p.pending.Status = trade.OrderPendingApproval
			p.operation.Awaiting = &trade.AwaitedDecision{
				By:      trade.ForCustomer,
				Message: "The order is beyond what its buyer may order alone: somebody else of the account approves it.", Since: o.desk.Now().UTC(),
			}
		}
		p.operation.After["status"] = p.pending.Status
		together, numbers[number] = append(together, p), number.Number != ""
	}
	return o.placeTogether(ctx, tx, together)
}

func (o *Flows) placeTogether(ctx context.Context, tx *store.Tx, all []*placing) error {
	if len(all) == 0 {
		return nil
	}
	pending := make([]*trade.Order, len(all))
	for i, p := range all {
		pending[i] = p.pending
	}
	placed, err := records.PlaceOrders(ctx, tx, pending)
	if err != nil {
		return err
	}
	var kept []durable.Beginning[submitWork]
	for _, p := range all {
		if !slices.Contains(placed, p.pending.ID) {
			p.errors = []trade.UserError{poInUse()}
			continue
		}
		if p.exceeded != nil {
			if err := ledger.AskApproval(ctx, tx, p.pending.ID, p.operation.AccountID, *p.exceeded); err != nil {
				return err
			}
		}
		kept = append(kept, durable.Beginning[submitWork]{Operation: p.operation, Work: p.work, Ref: p.work.Ref})
	}
	if kept == nil {
		return nil
	}
	begun, err := durable.Begin(ctx, o.desk.Engine, tx, o.submitOrder(), kept...)
	if err == nil && len(begun) < len(kept) {
		return ledger.ErrSpent
	}
	return err
}

func poInUse() *trade.InvalidInput {
	return &trade.InvalidInput{Refusal: trade.Refusal{
		Code:    trade.CodeDuplicateNumber,
		Message: "An open order has this purchase order number.", Path: []string{"input", "customerPoNumber"},
	}}
}
