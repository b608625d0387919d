package resolvers

import (
	"context"

	"portico/graph"
	"portico/process/purchasing"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/procurement"
)

// RespondToPurchaseOrder answers a purchase order.
func (r mutation) RespondToPurchaseOrder(ctx context.Context, idempotencyKey string,
	input graph.PurchaseOrderResponseInput,
) (*graph.PurchaseOrderResponsePayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	by.Envelope = envelope(ctx, input.Signature)
	a, err := r.Purchasing.Receive(ctx, purchasing.Origin{Scope: l.Scope(), By: by, Key: idempotencyKey},
		r.Purchasing.OrderResponse(inputs.ResponseRequest(&input)), telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.SupplierError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.PurchaseOrderResponsePayload{Errors: refusals, Replayed: a.Replayed, Receipt: a.Receipt}
	if p.Operation, p.Response, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Responses, a.SubjectID); err == nil &&
		p.Response != nil {
		p.Deviations, err = loaders.DeviationsIn.One(ctx, a.SubjectID)
		p.Deviations = orNone(p.Deviations)
	}
	return p, err
}

// PurchaseOrderResponse are the resolvers of PurchaseOrderResponse.
func (r *Resolver) PurchaseOrderResponse() graph.PurchaseOrderResponseResolver { return response{r} }

type response struct{ *Resolver }

func (r response) PurchaseOrder(ctx context.Context, objs []*trade.PurchaseOrderResponse) ([]*trade.PurchaseOrder, error) {
	return related(ctx, objs, func(o *trade.PurchaseOrderResponse) string { return o.PurchaseOrderID }, loaders.PurchaseOrders)
}

func (r response) Lines(ctx context.Context, objs []*trade.PurchaseOrderResponse) ([][]*trade.LineAcknowledgment, error) {
	return lists(related(ctx, objs, (*trade.PurchaseOrderResponse).NodeID, loaders.AcknowledgmentsIn))
}

func (r response) Deviations(ctx context.Context, objs []*trade.PurchaseOrderResponse) ([][]*trade.Deviation, error) {
	return lists(related(ctx, objs, (*trade.PurchaseOrderResponse).NodeID, loaders.DeviationsIn))
}

func (r response) Message(ctx context.Context, objs []*trade.PurchaseOrderResponse) ([]*procurement.SignedMessage, error) {
	return related(ctx, objs, (*trade.PurchaseOrderResponse).NodeID, loaders.MessagesBehind)
}

func (r response) Operation(ctx context.Context, objs []*trade.PurchaseOrderResponse) ([]*trade.Operation, error) {
	return related(ctx, objs, func(o *trade.PurchaseOrderResponse) string { return o.OperationID }, loaders.Operations)
}

// LineAcknowledgment are the resolvers of LineAcknowledgment.
func (r *Resolver) LineAcknowledgment() graph.LineAcknowledgmentResolver {
	return lineAcknowledgment{r}
}

type lineAcknowledgment struct{ *Resolver }

func (r lineAcknowledgment) Line(ctx context.Context, objs []*trade.LineAcknowledgment) ([]*trade.PurchaseOrderLine, error) {
	return related(ctx, objs, func(o *trade.LineAcknowledgment) string { return o.LineID }, loaders.PurchaseOrderLines)
}
