package resolvers

import (
	"context"
	"slices"

	"portico/edge/auth"
	"portico/graph"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
	"portico/trade/procurement"
)

// Query are the resolvers of the roots.
func (r *Resolver) Query() graph.QueryResolver { return query{r} }

type query struct{ *Resolver }

const maxKeys = 100

// Node finds anything by its id, the caller included.
func (r query) Node(ctx context.Context, id string) (trade.Node, error) {
	nodes, err := r.Nodes(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

func (r query) Nodes(ctx context.Context, ids []string) ([]trade.Node, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	if len(ids) > maxKeys {
		return nil, badInput("ids must be at most %d", maxKeys)
	}
	nodes, err := l.Nodes(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if user := userOf(auth.CallerOf(ctx)); user.ID == id {
			nodes[i] = user
		}
	}
	return nodes, nil
}

func (r query) Account(ctx context.Context, by graph.AccountBy) (*trade.Account, error) {
	return find(ctx, by.ID, by.Number, loaders.Accounts, loaders.AccountsByNumber)
}

// find loads one record by its id or its number, whichever is given.
func find[V any](ctx context.Context, id, number *string, byID, byNumber *loaders.Loader[string, V]) (V, error) {
	var none V
	if err := signedIn(ctx); err != nil {
		return none, err
	}
	place, value, err := chosen(id, number)
	if err != nil {
		return none, err
	}
	return []*loaders.Loader[string, V]{byID, byNumber}[place].One(ctx, value)
}

func (r query) Accounts(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.AccountFilter,
) (*trade.AccountConnection, error) {
	return page(ctx, func(s trade.Scope) *store.List[trade.Account] {
		return records.AccountList(s, inputs.AccountFilter(filter))
	}, first, after,
		last, before)
}

func (r query) Items(ctx context.Context, first *int, after *string, last *int, before, search *string, filter *graph.ItemFilter,
	orderBy trade.ItemSort,
) (*trade.ItemConnection, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	if filter != nil {
		if err := knownAccount(ctx, filter.Account, "filter", "account"); err != nil {
			return nil, err
		}
	}
	return page(ctx, func(s trade.Scope) *store.List[trade.Item] {
		f := inputs.ItemFilter(search, filter)
		f.StockFrom = l.StockFrom()
		return records.ItemList(s, f, orderBy)
	}, first, after, last, before)
}

func (r query) Item(ctx context.Context, by graph.ItemBy) (*trade.Item, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	kind, value, err := chosen(by.ID, by.Sku, by.Gtin, by.CustomerPartNumber)
	if err != nil {
		return nil, err
	}
	return itemLoaders[kind].One(ctx, value)
}

func (r query) ItemsByKey(ctx context.Context, keys []*graph.ItemBy) ([]*trade.Item, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	if len(keys) > maxKeys {
		return nil, badInput("keys must be at most %d", maxKeys)
	}
	return itemsBy(ctx, keys)
}

func (r query) Categories(ctx context.Context) ([]*trade.Category, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	found, err := records.SubCategories(ctx, l.Store, l.Scope(), []string{""})
	return found[""], err
}

func (r query) Order(ctx context.Context, by graph.OrderBy) (*trade.Order, error) {
	return find(ctx, by.ID, by.Number, loaders.Orders, loaders.OrdersByNumber)
}

func (r query) Orders(ctx context.Context, first *int, after *string, last *int, before *string, filter *graph.OrderFilter,
	orderBy trade.OrderSort,
) (*trade.OrderConnection, error) {
	f, err := orderFilter(ctx, filter)
	if err != nil {
		return nil, err
	}
	return page(ctx, func(s trade.Scope) *store.List[trade.Order] { return records.OrderList(s, f, orderBy, false) }, first, after, last,
		before)
}

func (r query) Returns(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.ReturnFilter,
) (*trade.ReturnConnection, error) {
	return page(ctx, func(s trade.Scope) *store.List[trade.Return] {
		return records.ReturnList(s, inputs.ReturnFilter(filter), records.NoParent)
	}, first, after, last, before)
}

func (r query) Invoice(ctx context.Context, by graph.InvoiceBy) (*trade.Invoice, error) {
	return find(ctx, by.ID, by.Number, loaders.Invoices, loaders.InvoicesByNumber)
}

func (r query) Invoices(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.InvoiceFilter,
) (*trade.InvoiceConnection, error) {
	return page(ctx, func(s trade.Scope) *store.List[trade.Invoice] {
		return records.InvoiceList(s, inputs.InvoiceFilter(filter), records.NoParent)
	}, first, after, last, before)
}

func (r query) PurchaseOrder(ctx context.Context, by graph.PurchaseOrderBy) (*trade.PurchaseOrder, error) {
	return find(ctx, by.ID, by.Number, loaders.PurchaseOrders, loaders.PurchaseOrdersByNumber)
}

func (r query) PurchaseOrders(ctx context.Context, first *int, after *string, last *int, before *string, filter *graph.PurchaseOrderFilter,
	orderBy trade.PurchaseOrderSort,
) (*trade.PurchaseOrderConnection, error) {
	f, err := purchaseOrderFilter(ctx, filter)
	if err != nil {
		return nil, err
	}
	return page(ctx, func(s trade.Scope) *store.List[trade.PurchaseOrder] { return records.PurchaseOrderList(s, f, orderBy) }, first, after,
		last, before)
}

func (r query) Shipment(ctx context.Context, by graph.ShipmentBy) (*trade.Shipment, error) {
	return find(ctx, by.ID, by.Number, loaders.Shipments, loaders.ShipmentsByNumber)
}

func (r query) Shipments(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.ShipmentFilter,
) (*trade.ShipmentConnection, error) {
	return page(ctx, func(s trade.Scope) *store.List[trade.Shipment] {
		return records.ShipmentList(s, inputs.ShipmentFilter(filter), records.NoParent)
	}, first, after, last, before)
}

// SourceHealth tells every signed-in caller how the sources are; what is wrong
// with single records is for operators.
func (r query) SourceHealth(ctx context.Context) ([]*operating.SourceHealth, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return l.SourceHealth(ctx)
}

// SourceHealth are the resolvers of SourceHealth.
func (r *Resolver) SourceHealth() graph.SourceHealthResolver { return sourceHealth{r} }

type sourceHealth struct{ *Resolver }

func (r sourceHealth) RejectedRecords(ctx context.Context, objs []*operating.SourceHealth, first *int, after *string, last *int,
	before *string,
) ([]*operating.RejectedRecordConnection, error) {
	return pages(ctx, keysOf(objs, func(o *operating.SourceHealth) string { return o.Instance }), records.RejectedList, first, after, last,
		before)
}

func (r sourceHealth) UnusedFields(ctx context.Context, objs []*operating.SourceHealth, first *int, after *string, last *int,
	before *string,
) ([]*operating.UnusedFieldConnection, error) {
	return pages(ctx, keysOf(objs, func(o *operating.SourceHealth) string { return o.Instance }), operatingstore.UnusedFieldList, first, after,
		last, before)
}

func (r query) Viewer(ctx context.Context) (graph.Viewer, error) {
	caller := auth.CallerOf(ctx)
	if caller.Principal == nil {
		return nil, nil
	}
	user, rights := userOf(caller), caller.Scope.Rights()
	if rights == nil {
		rights = []string{}
	}
	switch caller.Scope.Role() {
	case trade.Customer:
		return &graph.CustomerViewer{User: user, Scopes: rights}, nil
	case trade.Supplier:
		return &graph.SupplierViewer{User: user, Scopes: rights}, nil
	case trade.Operator:
		return &graph.OperatorViewer{User: user, Scopes: rights}, nil
	}
	return &graph.GuestViewer{
		User: user, Scopes: rights,
		Message: "You are signed in, but your sign-in is mapped to no account, supplier or role. Ask the operator of this portal to map it.",
	}, nil
}

func userOf(c auth.Caller) *trade.User {
	p := c.Principal
	u := &trade.User{ID: auth.UserID(p), DisplayName: p.Name, Issuer: trade.Restricted(p.Issuer), Subject: trade.Restricted(p.Subject)}
	if p.Email != "" {
		email := trade.Restricted(p.Email)
		u.Email = &email
	}
	return u
}

// CustomerViewer are the resolvers of CustomerViewer.
func (r *Resolver) CustomerViewer() graph.CustomerViewerResolver { return customerViewer{r} }

type customerViewer struct{ *Resolver }

func (r customerViewer) Account(ctx context.Context, objs []*graph.CustomerViewer) ([]*trade.Account, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	first, err := firstAccount(ctx, l)
	return slices.Repeat([]*trade.Account{first}, len(objs)), err
}

func (r customerViewer) Accounts(ctx context.Context, objs []*graph.CustomerViewer) ([][]*trade.Account, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	mine, err := l.OwnAccounts(ctx)
	return slices.Repeat([][]*trade.Account{mine}, len(objs)), err
}

// SpendingLimits are what the caller may order without approval, for the account that is
// acted for where a field names none.
func (r customerViewer) SpendingLimits(ctx context.Context, objs []*graph.CustomerViewer) ([][]*ordering.SpendingLimit, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	found, err := r.Ordering.Limits(ctx, l.Scope(), submitter(ctx), l.Scope().Buyer().ID)
	limits := make([]*ordering.SpendingLimit, len(found))
	for i := range found {
		limits[i] = &found[i]
	}
	return slices.Repeat([][]*ordering.SpendingLimit{limits}, len(objs)), err
}

// firstAccount is the account a customer acts for when a field names none: the
// first by number.
func firstAccount(ctx context.Context, l *loaders.Loaders) (*trade.Account, error) {
	mine, err := l.OwnAccounts(ctx)
	if err != nil || len(mine) == 0 {
		return nil, err
	}
	return mine[0], nil
}

// SupplierViewer are the resolvers of SupplierViewer.
func (r *Resolver) SupplierViewer() graph.SupplierViewerResolver { return supplierViewer{r} }

type supplierViewer struct{ *Resolver }

func (r supplierViewer) Supplier(ctx context.Context, objs []*graph.SupplierViewer) ([]*procurement.TradingPartner, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	own, err := loaders.Partners.One(ctx, l.Scope().Supplier())
	return slices.Repeat([]*procurement.TradingPartner{own}, len(objs)), err
}
