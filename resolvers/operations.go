package resolvers

import (
	"context"
	"time"

	"portico/auth"
	"portico/graph"
	"portico/loaders"
	"portico/process"
	"portico/telemetry"
	"portico/trade"
)

// Mutation are the resolvers of Mutation.
func (r *Resolver) Mutation() graph.MutationResolver { return mutation{r} }

type mutation struct{ *Resolver }

// mostWait is how long an answer waits for the ERP, unless the request says less.
const mostWait = 2 * time.Second

// SubmitOrder places an order.
func (r mutation) SubmitOrder(ctx context.Context, idempotencyKey string, input graph.OrderInput) (*graph.SubmitOrderPayload, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	by := process.Submitter{Principal: auth.UserID(auth.CallerOf(ctx).Principal), CorrelationID: telemetry.CorrelationID(ctx)}
	s, err := r.Ordering.Submit(ctx, l.Scope(), by, idempotencyKey, orderRequest(&input), telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	p := &graph.SubmitOrderPayload{Errors: s.Errors, Replayed: s.Replayed, Provisional: s.Provisional}
	if p.Errors == nil {
		p.Errors = []trade.SubmitOrderError{}
	}
	if p.Provisional == nil {
		p.Provisional = []trade.OrderCheck{}
	}
	if s.OperationID == "" {
		return p, nil
	}
	if p.Operation, err = l.Operations.One(ctx, s.OperationID); err != nil {
		return nil, err
	}
	p.Order, err = l.Orders.One(ctx, s.OrderID)
	return p, err
}

// Operation is one durable operation.
func (r query) Operation(ctx context.Context, by graph.OperationBy) (*trade.Operation, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	if by.ID != nil {
		return l.Operations.One(ctx, *by.ID)
	}
	id, err := r.Ordering.OperationOf(ctx, auth.UserID(auth.CallerOf(ctx).Principal), text(by.IdempotencyKey))
	if err != nil || id == "" {
		return nil, err
	}
	return l.Operations.One(ctx, id)
}

// IdempotencyConflict are the resolvers of IdempotencyConflict.
func (r *Resolver) IdempotencyConflict() graph.IdempotencyConflictResolver {
	return idempotencyConflict{r}
}

type idempotencyConflict struct{ *Resolver }

func (r idempotencyConflict) Operation(ctx context.Context, objs []*trade.IdempotencyConflict) ([]*trade.Operation, error) {
	return related(ctx, objs, func(o *trade.IdempotencyConflict) string { return o.OperationID }, func(l *loaders.Loaders) all[*trade.Operation] { return &l.Operations })
}

// Operation are the resolvers of Operation.
func (r *Resolver) Operation() graph.OperationResolver { return operation{r} }

type operation struct{ *Resolver }

func (r operation) IdempotencyKey(ctx context.Context, objs []*trade.Operation) ([]*string, error) {
	me := auth.UserID(auth.CallerOf(ctx).Principal)
	keys := make([]*string, len(objs))
	for i, o := range objs {
		if o.Principal == me {
			keys[i] = &o.Key
		}
	}
	return keys, nil
}
