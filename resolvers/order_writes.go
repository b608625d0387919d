package resolvers

import (
	"context"
	"slices"
	"time"

	"portico/edge/auth"
	"portico/graph"
	"portico/process"
	"portico/process/orders"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/ordering"
)

// Mutation are the resolvers of Mutation.
func (r *Resolver) Mutation() graph.MutationResolver { return mutation{r} }

type mutation struct{ *Resolver }

// mostWait is how long an answer waits for the ERP, unless the request says less.
const mostWait = 2 * time.Second

// submitter is the caller as a write knows it.
func submitter(ctx context.Context) process.Submitter {
	p := auth.CallerOf(ctx).Principal
	by := process.Submitter{Principal: auth.UserID(p), CorrelationID: telemetry.CorrelationID(ctx)}
	limits, err := ordering.ParseLimits(p.Limits)
	by.Limits, by.UnreadableLimits = limits, err != nil
	return by
}

// writer is the caller as a write knows it.
func writer(ctx context.Context) (*loaders.Loaders, process.Submitter, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, process.Submitter{}, err
	}
	return l, submitter(ctx), nil
}

// about loads the operation and the record that an answer is about, and keeps the caller
// to be named beside what they wrote.
func about[T any](ctx context.Context, r *Resolver, l *loaders.Loaders, operation string, from *loaders.Loader[string, T],
	subject string,
) (op *trade.Operation, record T, err error) {
	if operation == "" && subject == "" {
		return nil, record, nil
	}
	if err := r.Desk.Know(ctx, userOf(auth.CallerOf(ctx)), l.Scope()); err != nil {
		return nil, record, err
	}
	if operation != "" {
		if op, err = loaders.Operations.One(ctx, operation); err != nil {
			return nil, record, err
		}
	}
	if subject != "" {
		record, err = from.One(ctx, subject)
	}
	return op, record, err
}

// SubmitOrder places an order.
func (r mutation) SubmitOrder(ctx context.Context, idempotencyKey string, input graph.OrderInput) (*graph.SubmitOrderPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	s, err := r.Ordering.Submit(ctx, l.Scope(), by, idempotencyKey, inputs.OrderRequest(&input), telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.SubmitOrderError](s.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.SubmitOrderPayload{Errors: refusals, Replayed: s.Replayed, Provisional: orNone(s.Provisional)}
	p.Operation, p.Order, err = about(ctx, r.Resolver, l, s.OperationID, loaders.Orders, s.OrderID)
	return p, err
}

func orNone[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// SubmitOrders places orders together.
func (r mutation) SubmitOrders(ctx context.Context, idempotencyKey string, input graph.SubmitOrdersInput) (*graph.SubmitOrdersPayload,
	error,
) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	requests := make([]*ordering.OrderRequest, len(input.Orders))
	for i, o := range input.Orders {
		requests[i] = inputs.OrderRequest(o)
	}
	b, err := r.Ordering.SubmitAll(ctx, l.Scope(), by, idempotencyKey, requests, input.Policy == graph.BulkPolicyAllOrNothing)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(b.Results, func(s orders.Submission) bool { return s.OperationID != "" }) {
		if err := r.Desk.Know(ctx, userOf(auth.CallerOf(ctx)), l.Scope()); err != nil {
			return nil, err
		}
	}
	refusals, err := union[trade.CommonError](b.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.SubmitOrdersPayload{Errors: refusals, Replayed: b.Replayed, Results: make([]*graph.SubmitOrdersResult, len(b.Results))}
	operations, placedIDs := make([]string, len(b.Results)), make([]string, len(b.Results))
	for i, s := range b.Results {
		operations[i], placedIDs[i] = s.OperationID, s.OrderID
	}
	found, err := loaders.Operations.All(ctx, operations)
	if err != nil {
		return nil, err
	}
	placed, err := loaders.Orders.All(ctx, placedIDs)
	if err != nil {
		return nil, err
	}
	each, err := unions[trade.SubmitOrderError](b.Results, func(s orders.Submission) []trade.UserError { return s.Errors })
	if err != nil {
		return nil, err
	}
	for i, s := range b.Results {
		p.Results[i] = &graph.SubmitOrdersResult{Index: i, Order: placed[i], Operation: found[i], Errors: each[i]}
		if s.OperationID != "" {
			p.Accepted++
		} else {
			p.Rejected++
		}
	}
	return p, nil
}

// AmendOrder changes an order.
func (r mutation) AmendOrder(ctx context.Context, idempotencyKey string, input graph.AmendOrderInput) (*graph.AmendOrderPayload, error) {
	a := &orders.Amendment{
		OrderID: input.Order, Version: input.ExpectedVersion, RequestedDeliveryDate: input.RequestedDeliveryDate,
		Cancel: input.CancelLines,
	}
	for _, l := range input.AddLines {
		a.Add = append(a.Add, inputs.OrderLineRequest(l))
	}
	for _, l := range input.ChangeLines {
		a.Change = append(a.Change,
			orders.LineChange{LineID: l.Line, Quantity: (*trade.Quantity)(l.Quantity), RequestedDeliveryDate: l.RequestedDeliveryDate})
	}
	return r.changed(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Ordering.Amend(ctx, s, by, idempotencyKey, a, telemetry.Wait(ctx, mostWait))
	})
}

// changed answers a write about an order.
func (r mutation) changed(ctx context.Context,
	write func(trade.Scope, process.Submitter) (*process.Acted, error),
) (*graph.AmendOrderPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := write(l.Scope(), by)
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.AmendOrderError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.AmendOrderPayload{Errors: refusals, Replayed: a.Replayed}
	p.Operation, p.Order, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Orders, a.SubjectID)
	return p, err
}

// CancelOrder cancels an order.
func (r mutation) CancelOrder(ctx context.Context, idempotencyKey string, input graph.CancelOrderInput) (*graph.AmendOrderPayload, error) {
	return r.changed(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Ordering.Cancel(ctx, s, by, idempotencyKey,
			orders.Cancellation{OrderID: input.Order, Version: input.ExpectedVersion, Reason: input.Reason}, telemetry.Wait(ctx, mostWait))
	})
}

// ApproveOrder approves an order of somebody else of the account.
func (r mutation) ApproveOrder(ctx context.Context, idempotencyKey string, input graph.OrderApprovalInput) (*graph.AmendOrderPayload,
	error,
) {
	return r.changed(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Ordering.Approve(ctx, s, by, idempotencyKey,
			orders.Decision{OrderID: input.Order, Version: input.ExpectedVersion, Comment: input.Comment}, telemetry.Wait(ctx, mostWait))
	})
}

// RejectOrder rejects an order of somebody else of the account.
func (r mutation) RejectOrder(ctx context.Context, idempotencyKey string, input graph.OrderApprovalInput) (*graph.AmendOrderPayload,
	error,
) {
	return r.changed(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Ordering.Reject(ctx, s, by, idempotencyKey,
			orders.Decision{OrderID: input.Order, Version: input.ExpectedVersion, Comment: input.Comment})
	})
}

// AcceptOrderChanges accepts what was found different.
func (r mutation) AcceptOrderChanges(ctx context.Context, idempotencyKey string,
	input graph.AcceptOrderChangesInput,
) (*graph.AmendOrderPayload, error) {
	return r.changed(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Ordering.Accept(ctx, s, by, idempotencyKey, orders.Decision{OrderID: input.Order, Version: input.ExpectedVersion},
			telemetry.Wait(ctx, mostWait))
	})
}

// RequestReturn asks to send goods back.
func (r mutation) RequestReturn(ctx context.Context, idempotencyKey string, input graph.RequestReturnInput) (*graph.RequestReturnPayload,
	error,
) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	q := &orders.ReturnRequest{OrderID: input.Order}
	for _, line := range input.Lines {
		q.Lines = append(q.Lines, orders.ReturnRequestLine{
			LineID: line.Line, Quantity: trade.Quantity(*line.Quantity), Reason: line.Reason,
			Comment: line.Comment,
		})
	}
	a, err := r.Ordering.RequestReturn(ctx, l.Scope(), by, idempotencyKey, q, telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.RequestReturnPayload{Errors: refusals, Replayed: a.Replayed}
	p.Operation, p.Return, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Returns, a.SubjectID)
	return p, err
}
