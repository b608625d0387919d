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

// SubmitDespatchAdvice announces a shipment.
func (r mutation) SubmitDespatchAdvice(ctx context.Context, idempotencyKey string,
	input graph.DespatchAdviceInput,
) (*graph.DespatchAdvicePayload, error) {
	return r.despatched(ctx, idempotencyKey, input.Signature, r.Purchasing.DespatchAdvice(inputs.DespatchRequest(&input)))
}

// CancelDespatchAdvice withdraws a ship notice.
func (r mutation) CancelDespatchAdvice(ctx context.Context, idempotencyKey string,
	input graph.CancelDespatchAdviceInput,
) (*graph.DespatchAdvicePayload, error) {
	return r.despatched(ctx, idempotencyKey, input.Signature,
		r.Purchasing.DespatchWithdrawal(purchasing.Withdrawal{DespatchID: input.DespatchAdvice, Reason: input.Reason}))
}

func (r mutation) despatched(ctx context.Context, key string, signature *string, d purchasing.Document) (*graph.DespatchAdvicePayload,
	error,
) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	by.Envelope = envelope(ctx, signature)
	a, err := r.Purchasing.Receive(ctx, purchasing.Origin{Scope: l.Scope(), By: by, Key: key}, d, telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.SupplierError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.DespatchAdvicePayload{Errors: refusals, Replayed: a.Replayed, Receipt: a.Receipt}
	p.Operation, p.DespatchAdvice, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Despatches, a.SubjectID)
	return p, err
}

// DespatchAdvice are the resolvers of DespatchAdvice.
func (r *Resolver) DespatchAdvice() graph.DespatchAdviceResolver { return despatchAdvice{r} }

type despatchAdvice struct{ *Resolver }

func (r despatchAdvice) Supplier(ctx context.Context, objs []*trade.DespatchAdvice) ([]*procurement.TradingPartner, error) {
	return related(ctx, objs, func(o *trade.DespatchAdvice) string { return o.SupplierID }, loaders.Partners)
}

func (r despatchAdvice) Message(ctx context.Context, objs []*trade.DespatchAdvice) ([]*procurement.SignedMessage, error) {
	return related(ctx, objs, (*trade.DespatchAdvice).NodeID, loaders.MessagesBehind)
}

func (r despatchAdvice) PurchaseOrders(ctx context.Context, objs []*trade.DespatchAdvice) ([][]*trade.PurchaseOrder, error) {
	return lists(related(ctx, objs, (*trade.DespatchAdvice).NodeID, loaders.PurchaseOrdersInDespatches))
}

func (r despatchAdvice) HandlingUnits(ctx context.Context, objs []*trade.DespatchAdvice) ([][]*trade.HandlingUnit, error) {
	return lists(related(ctx, objs, (*trade.DespatchAdvice).NodeID, loaders.HandlingUnits))
}

func (r despatchAdvice) Lines(ctx context.Context, objs []*trade.DespatchAdvice) ([][]*trade.DespatchLine, error) {
	return lists(related(ctx, objs, (*trade.DespatchAdvice).NodeID, loaders.DespatchLines))
}

func (r despatchAdvice) Shipment(ctx context.Context, objs []*trade.DespatchAdvice) ([]*trade.Shipment, error) {
	return related(ctx, objs, func(o *trade.DespatchAdvice) string { return o.ShipmentNumber }, loaders.ShipmentsByNumber)
}

func (r despatchAdvice) Operation(ctx context.Context, objs []*trade.DespatchAdvice) ([]*trade.Operation, error) {
	return related(ctx, objs, (*trade.DespatchAdvice).NodeID, loaders.LatestOperations)
}

// DespatchLine are the resolvers of DespatchLine.
func (r *Resolver) DespatchLine() graph.DespatchLineResolver { return despatchLine{r} }

type despatchLine struct{ *Resolver }

func (r despatchLine) PurchaseOrderLine(ctx context.Context, objs []*trade.DespatchLine) ([]*trade.PurchaseOrderLine, error) {
	return related(ctx, objs, func(o *trade.DespatchLine) string { return o.LineID }, loaders.PurchaseOrderLines)
}
