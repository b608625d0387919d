package resolvers

import (
	"context"
	"strings"
	"time"

	"portico/edge/auth"
	"portico/graph"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/ledger"
	"portico/trade"
)

// Operation is one durable operation.
func (r query) Operation(ctx context.Context, by graph.OperationBy) (*trade.Operation, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	if by.ID != nil {
		return loaders.Operations.One(ctx, *by.ID)
	}
	id, err := r.Desk.OperationOf(ctx, auth.UserID(auth.CallerOf(ctx).Principal), inputs.Text(by.IdempotencyKey))
	if err != nil || id == "" {
		return nil, err
	}
	return loaders.Operations.One(ctx, id)
}

// Operations are those that the caller may see, newest first.
func (r query) Operations(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.OperationFilter,
) (*trade.OperationConnection, error) {
	return page(ctx, func(s trade.Scope) *store.List[trade.Operation] {
		return ledger.OperationList(s, inputs.OperationFilter(filter))
	}, first, after, last, before)
}

// IdempotencyConflict are the resolvers of IdempotencyConflict.
func (r *Resolver) IdempotencyConflict() graph.IdempotencyConflictResolver {
	return idempotencyConflict{r}
}

type idempotencyConflict struct{ *Resolver }

func (r idempotencyConflict) Operation(ctx context.Context, objs []*trade.IdempotencyConflict) ([]*trade.Operation, error) {
	return related(ctx, objs, func(o *trade.IdempotencyConflict) string { return o.OperationID }, loaders.Operations)
}

// Operation are the resolvers of Operation.
func (r *Resolver) Operation() graph.OperationResolver { return operation{r} }

type operation struct{ *Resolver }

func (r operation) IdempotencyKey(ctx context.Context, objs []*trade.Operation) ([]*string, error) {
	me := auth.UserID(auth.CallerOf(ctx).Principal)
	keys := make([]*string, len(objs))
	for i, o := range objs {
		if o.Principal == me {
			key, _, _ := strings.Cut(o.Key, "\n") // of a batch, which has one for all
			keys[i] = &key
		}
	}
	return keys, nil
}

// Queue tells where operations that wait stand, and why nothing happens.
func (r operation) Queue(ctx context.Context, objs []*trade.Operation) ([]*trade.QueuePosition, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	var waiting []string
	for _, o := range objs {
		if o.State.Queued() {
			waiting = append(waiting, o.ID)
		}
	}
	places := make([]*trade.QueuePosition, len(objs))
	if waiting == nil {
		return places, nil
	}
	before, err := ledger.OperationsBefore(ctx, l.Store, waiting)
	if err != nil {
		return nil, err
	}
	for i, o := range objs {
		if !o.State.Queued() {
			continue
		}
		p := &trade.QueuePosition{Position: before[o.ID].Before + 1, Reason: "It waits for its turn."}
		if due := before[o.ID].Due; due != nil {
			p.Reason, p.EstimatedStart = "The system did not take it, or asked to be left alone: it is attempted again then.", due
		}
		if why, wait := l.Sources.Paused(o.Source); wait > 0 {
			p.Reason = why
			if end := l.Sources.HeldUntil(o.Source, time.Now()); end != nil {
				p.EstimatedStart = end
			}
		}
		places[i] = p
	}
	return places, nil
}
