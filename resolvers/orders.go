package resolvers

import (
	"context"

	"portico/edge/auth"
	"portico/graph"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
	"portico/trade/tracking"
)

// Order are the resolvers of Order.
func (r *Resolver) Order() graph.OrderResolver { return order{r} }

type order struct{ *Resolver }

func (r order) Account(ctx context.Context, objs []*trade.Order) ([]*trade.Account, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.AccountRef.ID }, loaders.Accounts)
}

func (r order) ShipTo(ctx context.Context, objs []*trade.Order) ([]*trade.AccountLocation, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.ShipToRef.ID }, loaders.Locations)
}

func (r order) BillTo(ctx context.Context, objs []*trade.Order) ([]*trade.AccountLocation, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.BillToRef.ID }, loaders.Locations)
}

func (r order) Lines(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int,
	before *string,
) ([]*trade.OrderLineConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }),
		records.OrderLineList, first, after, last, before)
}

func (r order) Shipments(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int,
	before *string,
) ([]*trade.ShipmentConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), func(s trade.Scope) *store.List[trade.Shipment] {
		return records.ShipmentList(s, records.ShipmentFilter{}, records.PerOrder)
	}, first, after, last, before)
}

func (r order) Invoices(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int,
	before *string,
) ([]*trade.InvoiceConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), func(s trade.Scope) *store.List[trade.Invoice] {
		return records.InvoiceList(s, records.InvoiceFilter{}, records.PerOrder)
	}, first, after, last, before)
}

func (r order) Returns(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int,
	before *string,
) ([]*trade.ReturnConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), func(s trade.Scope) *store.List[trade.Return] {
		return records.ReturnList(s, records.ReturnFilter{}, records.PerOrder)
	}, first, after, last, before)
}

func (r order) PlacedBy(ctx context.Context, objs []*trade.Order) ([]*trade.User, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.PlacedBy }, loaders.Users)
}

// AllowedActions are what the rules allow the caller, as every write is held to them.
func (r order) AllowedActions(ctx context.Context, objs []*trade.Order) ([][]trade.OrderAction, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	latest, err := loaders.LatestOperations.All(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }))
	if err != nil {
		return nil, err
	}
	me, s := auth.UserID(auth.CallerOf(ctx).Principal), l.Scope()
	actions := make([][]trade.OrderAction, len(objs))
	for i, o := range objs {
		asked := latest[i] != nil && latest[i].State == trade.OperationAwaiting && o.Status != trade.OrderPendingApproval
		actions[i] = trade.AllowedActions(s.ToAct(o.PlacedBy == me), o.Status, asked)
	}
	return actions, nil
}

func (r order) Operation(ctx context.Context, objs []*trade.Order) ([]*trade.Operation, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.ID }, loaders.LatestOperations)
}

func (r order) Approval(ctx context.Context, objs []*trade.Order) ([]*ordering.Approval, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.ID }, loaders.Approvals)
}

func (r order) CommitmentChanges(ctx context.Context, objs []*trade.Order) ([][]*ordering.CommitmentChange, error) {
	return lists(related(ctx, objs, func(o *trade.Order) string { return o.ID }, loaders.CommitmentChanges))
}

func (r order) StatusExplanation(ctx context.Context, objs []*trade.Order) ([]*tracking.StatusExplanation, error) {
	found, err := related(ctx, objs, func(o *trade.Order) string { return o.ID }, loaders.LinesOf)
	if err != nil {
		return nil, err
	}
	out := make([]*tracking.StatusExplanation, len(objs))
	for i, o := range objs {
		out[i] = tracking.ExplainOrder(o, plain(found[i]))
	}
	return out, nil
}

func (r order) Timeline(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int,
	before *string,
) ([]*operating.TimelineConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), ledger.TimelineList, first, after, last, before)
}

// Approval are the resolvers of Approval.
func (r *Resolver) Approval() graph.ApprovalResolver { return approval{r} }

type approval struct{ *Resolver }

func (r approval) DecidedBy(ctx context.Context, objs []*ordering.Approval) ([]*trade.User, error) {
	return related(ctx, objs, func(o *ordering.Approval) string { return o.DecidedByID }, loaders.Users)
}

// CommitmentChange are the resolvers of CommitmentChange.
func (r *Resolver) CommitmentChange() graph.CommitmentChangeResolver { return commitmentChange{r} }

type commitmentChange struct{ *Resolver }

func (r commitmentChange) Line(ctx context.Context, objs []*ordering.CommitmentChange) ([]*trade.OrderLine, error) {
	return related(ctx, objs, func(o *ordering.CommitmentChange) string { return o.LineID }, loaders.OrderLines)
}

// OrderLine are the resolvers of OrderLine.
func (r *Resolver) OrderLine() graph.OrderLineResolver { return orderLine{r} }

type orderLine struct{ *Resolver }

func (r orderLine) Order(ctx context.Context, objs []*trade.OrderLine) ([]*trade.Order, error) {
	return related(ctx, objs, func(o *trade.OrderLine) string { return o.OrderID }, loaders.Orders)
}

func (r orderLine) Item(ctx context.Context, objs []*trade.OrderLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.OrderLine) string { return o.ItemRef.ID }, loaders.Items)
}

func (r orderLine) Schedule(ctx context.Context, objs []*trade.OrderLine) ([][]*trade.ScheduleLine, error) {
	return lists(related(ctx, objs, func(o *trade.OrderLine) string { return o.ID }, loaders.Schedules))
}

func (r orderLine) SubstitutedFor(ctx context.Context, objs []*trade.OrderLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.OrderLine) string { return o.SubstitutedForRef.ID }, loaders.Items)
}

// ScheduleLine are the resolvers of ScheduleLine.
func (r *Resolver) ScheduleLine() graph.ScheduleLineResolver { return scheduleLine{r} }

type scheduleLine struct{ *Resolver }

func (r scheduleLine) Warehouse(ctx context.Context, objs []*trade.ScheduleLine) ([]*trade.Warehouse, error) {
	return related(ctx, objs, func(o *trade.ScheduleLine) string { return o.WarehouseRef.ID }, loaders.Warehouses)
}
