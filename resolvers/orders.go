package resolvers

import (
	"context"

	"portico/graph"
	"portico/loaders"
	"portico/store"
	"portico/trade"
)

// Order are the resolvers of Order.
func (r *Resolver) Order() graph.OrderResolver { return order{r} }

type order struct{ *Resolver }

func (r order) Account(ctx context.Context, objs []*trade.Order) ([]*trade.Account, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.AccountRef.ID }, func(l *loaders.Loaders) all[*trade.Account] { return &l.Accounts })
}

func (r order) ShipTo(ctx context.Context, objs []*trade.Order) ([]*trade.AccountLocation, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.ShipToRef.ID }, func(l *loaders.Loaders) all[*trade.AccountLocation] { return &l.Locations })
}

func (r order) BillTo(ctx context.Context, objs []*trade.Order) ([]*trade.AccountLocation, error) {
	return related(ctx, objs, func(o *trade.Order) string { return o.BillToRef.ID }, func(l *loaders.Loaders) all[*trade.AccountLocation] { return &l.Locations })
}

func (r order) Lines(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int, before *string) ([]*trade.OrderLineConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), func(s trade.Scope) *store.List[trade.OrderLine] { return store.OrderLineList(s) }, first, after, last, before)
}

func (r order) Shipments(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int, before *string) ([]*trade.ShipmentConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), func(s trade.Scope) *store.List[trade.Shipment] {
		return store.ShipmentList(s, store.ShipmentFilter{}, store.PerOrder)
	}, first, after, last, before)
}

func (r order) Invoices(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int, before *string) ([]*trade.InvoiceConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), func(s trade.Scope) *store.List[trade.Invoice] {
		return store.InvoiceList(s, store.InvoiceFilter{}, store.PerOrder)
	}, first, after, last, before)
}

func (r order) Returns(ctx context.Context, objs []*trade.Order, first *int, after *string, last *int, before *string) ([]*trade.ReturnConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Order) string { return o.ID }), func(s trade.Scope) *store.List[trade.Return] {
		return store.ReturnList(s, store.ReturnFilter{}, store.PerOrder)
	}, first, after, last, before)
}

// OrderConnection are the resolvers of OrderConnection.
func (r *Resolver) OrderConnection() graph.OrderConnectionResolver { return orderConnection{r} }

type orderConnection struct{ *Resolver }

func (r orderConnection) TotalCount(ctx context.Context, objs []*trade.OrderConnection) ([]*trade.TotalCount, error) {
	return counts(ctx, objs)
}

// OrderLine are the resolvers of OrderLine.
func (r *Resolver) OrderLine() graph.OrderLineResolver { return orderLine{r} }

type orderLine struct{ *Resolver }

func (r orderLine) Order(ctx context.Context, objs []*trade.OrderLine) ([]*trade.Order, error) {
	return related(ctx, objs, func(o *trade.OrderLine) string { return o.OrderID }, func(l *loaders.Loaders) all[*trade.Order] { return &l.Orders })
}

func (r orderLine) Item(ctx context.Context, objs []*trade.OrderLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.OrderLine) string { return o.ItemRef.ID }, func(l *loaders.Loaders) all[*trade.Item] { return &l.Items })
}

func (r orderLine) Schedule(ctx context.Context, objs []*trade.OrderLine) ([][]*trade.ScheduleLine, error) {
	return lists(related(ctx, objs, func(o *trade.OrderLine) string { return o.ID }, func(l *loaders.Loaders) all[[]*trade.ScheduleLine] { return &l.Schedules }))
}

func (r orderLine) SubstitutedFor(ctx context.Context, objs []*trade.OrderLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.OrderLine) string { return o.SubstitutedForRef.ID }, func(l *loaders.Loaders) all[*trade.Item] { return &l.Items })
}

// OrderLineConnection are the resolvers of OrderLineConnection.
func (r *Resolver) OrderLineConnection() graph.OrderLineConnectionResolver {
	return orderLineConnection{r}
}

type orderLineConnection struct{ *Resolver }

func (r orderLineConnection) TotalCount(ctx context.Context, objs []*trade.OrderLineConnection) ([]*trade.TotalCount, error) {
	return counts(ctx, objs)
}

// ScheduleLine are the resolvers of ScheduleLine.
func (r *Resolver) ScheduleLine() graph.ScheduleLineResolver { return scheduleLine{r} }

type scheduleLine struct{ *Resolver }

func (r scheduleLine) Warehouse(ctx context.Context, objs []*trade.ScheduleLine) ([]*trade.Warehouse, error) {
	return related(ctx, objs, func(o *trade.ScheduleLine) string { return o.WarehouseRef.ID }, func(l *loaders.Loaders) all[*trade.Warehouse] { return &l.Warehouses })
}
