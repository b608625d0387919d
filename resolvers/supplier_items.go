package resolvers

import (
	"context"

	"portico/graph"
	"portico/process/purchasing"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/operating"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/procurement"
)

// ChangeLeadTime announces a lead time.
func (r mutation) ChangeLeadTime(ctx context.Context, idempotencyKey string, input graph.ChangeLeadTimeInput) (*graph.SupplierItemPayload,
	error,
) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	by.Envelope = envelope(ctx, input.Signature)
	a, err := r.Purchasing.Receive(ctx, purchasing.Origin{Scope: l.Scope(), By: by, Key: idempotencyKey},
		r.Purchasing.LeadTimeChange(&trade.LeadTimeRequest{
			SupplierItemID: input.SupplierItem, LeadTimeDays: input.LeadTimeDays, EffectiveFrom: input.EffectiveFrom, Reason: input.Reason,
		}), telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.SupplierError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.SupplierItemPayload{Errors: refusals, Replayed: a.Replayed, Receipt: a.Receipt}
	if p.Operation, p.SupplierItem, err = about(ctx, r.Resolver, l, a.OperationID, loaders.SupplierItems, a.SubjectID); err != nil ||
		p.SupplierItem == nil {
		return p, err
	}
	open := operating.AlertList(l.Scope(), operating.AlertFilter{Kind: []trade.AlertKind{trade.AlertLeadTime}, Subject: p.SupplierItem.ID})
	history, err := loaders.Pages(ctx, l, open, []string{""}, store.PageArgs{First: 1})
	if err == nil && len(history[0].Edges) > 0 {
		p.Alert = history[0].Edges[0].Node
	}
	return p, err
}

// SupplierItem are the resolvers of SupplierItem.
func (r *Resolver) SupplierItem() graph.SupplierItemResolver { return supplierItem{r} }

type supplierItem struct{ *Resolver }

func (r supplierItem) Supplier(ctx context.Context, objs []*trade.SupplierItem) ([]*procurement.TradingPartner, error) {
	return related(ctx, objs, func(o *trade.SupplierItem) string { return o.SupplierRef.ID }, loaders.Partners)
}

func (r supplierItem) Item(ctx context.Context, objs []*trade.SupplierItem) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.SupplierItem) string { return o.ItemRef.ID }, loaders.Items)
}
