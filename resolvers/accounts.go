package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/records"
	"portico/trade"
)

// Account are the resolvers of Account.
func (r *Resolver) Account() graph.AccountResolver { return account{r} }

type account struct{ *Resolver }

func (r account) Parent(ctx context.Context, objs []*trade.Account) ([]*trade.Account, error) {
	return related(ctx, objs, func(o *trade.Account) string { return o.ParentRef.ID }, loaders.Accounts)
}

func (r account) Children(ctx context.Context, objs []*trade.Account) ([][]*trade.Account, error) {
	return lists(related(ctx, objs, func(o *trade.Account) string { return o.ID }, loaders.Branches))
}

func (r account) Credit(ctx context.Context, objs []*trade.Account) ([]*trade.CreditPosition, error) {
	return related(ctx, objs, func(o *trade.Account) string { return o.ID }, loaders.Credit)
}

func (r account) Locations(ctx context.Context, objs []*trade.Account, first *int, after *string, last *int, before *string,
	role *trade.LocationRole,
) ([]*trade.AccountLocationConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Account) string { return o.ID }),
		func(s trade.Scope) *store.List[trade.AccountLocation] { return records.LocationList(s, role) }, first, after, last, before)
}

func (r account) Orders(ctx context.Context, objs []*trade.Account, first *int, after *string, last *int, before *string,
	filter *graph.OrderFilter, orderBy trade.OrderSort,
) ([]*trade.OrderConnection, error) {
	f, err := orderFilter(ctx, filter)
	if err != nil {
		return nil, err
	}
	return pages(ctx, keysOf(objs, func(o *trade.Account) string { return o.ID }),
		func(s trade.Scope) *store.List[trade.Order] { return records.OrderList(s, f, orderBy, true) }, first, after, last, before)
}

func (r account) Shipments(ctx context.Context, objs []*trade.Account, first *int, after *string, last *int, before *string,
	filter *graph.ShipmentFilter,
) ([]*trade.ShipmentConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Account) string { return o.ID }), func(s trade.Scope) *store.List[trade.Shipment] {
		return records.ShipmentList(s, inputs.ShipmentFilter(filter), records.PerAccount)
	}, first, after, last, before)
}

func (r account) Invoices(ctx context.Context, objs []*trade.Account, first *int, after *string, last *int, before *string,
	filter *graph.InvoiceFilter,
) ([]*trade.InvoiceConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Account) string { return o.ID }), func(s trade.Scope) *store.List[trade.Invoice] {
		return records.InvoiceList(s, inputs.InvoiceFilter(filter), records.PerAccount)
	}, first, after, last, before)
}

func (r account) Returns(ctx context.Context, objs []*trade.Account, first *int, after *string, last *int, before *string,
	filter *graph.ReturnFilter,
) ([]*trade.ReturnConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Account) string { return o.ID }), func(s trade.Scope) *store.List[trade.Return] {
		return records.ReturnList(s, inputs.ReturnFilter(filter), records.PerAccount)
	}, first, after, last, before)
}

func (r account) Contracts(ctx context.Context, objs []*trade.Account) ([][]*trade.Contract, error) {
	return lists(related(ctx, objs, func(o *trade.Account) string { return o.ID }, loaders.ContractsOf))
}

// AccountLocation are the resolvers of AccountLocation.
func (r *Resolver) AccountLocation() graph.AccountLocationResolver { return accountLocation{r} }

type accountLocation struct{ *Resolver }

func (r accountLocation) Account(ctx context.Context, objs []*trade.AccountLocation) ([]*trade.Account, error) {
	return related(ctx, objs, func(o *trade.AccountLocation) string { return o.AccountRef.ID }, loaders.Accounts)
}

func (r accountLocation) DefaultWarehouse(ctx context.Context, objs []*trade.AccountLocation) ([]*trade.Warehouse, error) {
	return related(ctx, objs, func(o *trade.AccountLocation) string { return o.WarehouseRef.ID }, loaders.Warehouses)
}
