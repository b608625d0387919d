package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
	"portico/trade/tracking"
)

// PurchaseOrder are the resolvers of PurchaseOrder.
func (r *Resolver) PurchaseOrder() graph.PurchaseOrderResolver { return purchaseOrder{r} }

type purchaseOrder struct{ *Resolver }

func (r purchaseOrder) Supplier(ctx context.Context, objs []*trade.PurchaseOrder) ([]*procurement.TradingPartner, error) {
	return related(ctx, objs, func(o *trade.PurchaseOrder) string { return o.SupplierRef.ID }, loaders.Partners)
}

func (r purchaseOrder) Lines(ctx context.Context, objs []*trade.PurchaseOrder, first *int, after *string, last *int,
	before *string,
) ([]*trade.PurchaseOrderLineConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.PurchaseOrder) string { return o.ID }),
		records.PurchaseOrderLineList, first, after, last, before)
}

func (r purchaseOrder) Shipments(ctx context.Context, objs []*trade.PurchaseOrder, first *int, after *string, last *int,
	before *string,
) ([]*trade.ShipmentConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.PurchaseOrder) string { return o.ID }), func(s trade.Scope) *store.List[trade.Shipment] {
		return records.ShipmentList(s, records.ShipmentFilter{}, records.PerPurchaseOrder)
	}, first, after, last, before)
}

func (r purchaseOrder) Responses(ctx context.Context, objs []*trade.PurchaseOrder) ([][]*trade.PurchaseOrderResponse, error) {
	return lists(related(ctx, objs, (*trade.PurchaseOrder).NodeID, loaders.ResponsesTo))
}

func (r purchaseOrder) StatusExplanation(ctx context.Context, objs []*trade.PurchaseOrder) ([]*tracking.StatusExplanation, error) {
	found, err := related(ctx, objs, (*trade.PurchaseOrder).NodeID, loaders.ResponsesTo)
	if err != nil {
		return nil, err
	}
	out := make([]*tracking.StatusExplanation, len(objs))
	for i, p := range objs {
		out[i] = tracking.ExplainPurchaseOrder(p, plain(found[i]))
	}
	return out, nil
}

func (r purchaseOrder) DespatchAdvices(ctx context.Context, objs []*trade.PurchaseOrder) ([][]*trade.DespatchAdvice, error) {
	return lists(related(ctx, objs, (*trade.PurchaseOrder).NodeID, loaders.DespatchesOf))
}

func (r purchaseOrder) Tolerance(ctx context.Context, objs []*trade.PurchaseOrder) ([]*trade.ToleranceProfile, error) {
	return related(ctx, objs, func(o *trade.PurchaseOrder) string { return o.SupplierRef.ID }, loaders.TolerancesOf)
}

// AllowedActions are what the rules allow the caller, as every write is held to them.
func (r purchaseOrder) AllowedActions(ctx context.Context, objs []*trade.PurchaseOrder) ([][]trade.PurchaseOrderAction, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	actions := make([][]trade.PurchaseOrderAction, len(objs))
	for i, o := range objs {
		actions[i] = trade.AllowedOnPurchase(l.Scope().ToAct(false), o.Status)
	}
	return actions, nil
}

func (r purchaseOrder) Evidence(ctx context.Context, objs []*trade.PurchaseOrder) ([][]*procurement.SignedMessage, error) {
	return lists(related(ctx, objs, (*trade.PurchaseOrder).NodeID, loaders.MessagesAbout))
}

// EvidenceBundle is a link to all evidence about it, as the link is followed.
func (r purchaseOrder) EvidenceBundle(_ context.Context, objs []*trade.PurchaseOrder) ([]*trade.DocumentLink, error) {
	links := make([]*trade.DocumentLink, len(objs))
	for i, o := range objs {
		links[i] = r.Links.To(&trade.DocumentRef{
			Instance: procurement.EvidenceInstance, Ref: o.ID, MediaType: "application/json",
			FileName: "evidence-" + o.Number + ".json",
		})
	}
	return links, nil
}

func (r purchaseOrder) Timeline(ctx context.Context, objs []*trade.PurchaseOrder, first *int, after *string, last *int,
	before *string,
) ([]*operating.TimelineConnection, error) {
	return pages(ctx, keysOf(objs, (*trade.PurchaseOrder).NodeID), ledger.TimelineList, first, after, last, before)
}

func (r purchaseOrder) Operation(ctx context.Context, objs []*trade.PurchaseOrder) ([]*trade.Operation, error) {
	return related(ctx, objs, (*trade.PurchaseOrder).NodeID, loaders.LatestOperations)
}

// PurchaseOrderLine are the resolvers of PurchaseOrderLine.
func (r *Resolver) PurchaseOrderLine() graph.PurchaseOrderLineResolver { return purchaseOrderLine{r} }

type purchaseOrderLine struct{ *Resolver }

func (r purchaseOrderLine) PurchaseOrder(ctx context.Context, objs []*trade.PurchaseOrderLine) ([]*trade.PurchaseOrder, error) {
	return related(ctx, objs, func(o *trade.PurchaseOrderLine) string { return o.PurchaseOrderID }, loaders.PurchaseOrders)
}

func (r purchaseOrderLine) Item(ctx context.Context, objs []*trade.PurchaseOrderLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.PurchaseOrderLine) string { return o.ItemRef.ID }, loaders.Items)
}

func (r purchaseOrderLine) Schedule(ctx context.Context, objs []*trade.PurchaseOrderLine) ([][]*trade.PurchaseScheduleLine, error) {
	return lists(related(ctx, objs, func(o *trade.PurchaseOrderLine) string { return o.ID }, loaders.PurchaseSchedules))
}

func (r purchaseOrderLine) Acknowledgments(ctx context.Context, objs []*trade.PurchaseOrderLine) ([][]*trade.LineAcknowledgment, error) {
	return lists(related(ctx, objs, (*trade.PurchaseOrderLine).NodeID, loaders.AcknowledgmentsOf))
}
