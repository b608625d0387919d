package sources

import (
	"context"
	"fmt"
	"slices"

	"portico/trade"
)

// page asks the source of a subject, in as many calls as its batch limit
// needs, and stamps what it tells with the source's name.
func page[P Adapter, T any](ctx context.Context, s *Set, subject Subject, q Query,
	call func(P, context.Context, Query) (Page[T], error), from func(*T) *trade.Provenance,
) (Page[T], error) {
	g := s.route(subject).primary
	var all Page[T]
	batches := [][]string{nil}
	if len(q.Refs) > 0 {
		batches = slices.Collect(slices.Chunk(q.Refs, g.limits.Batch))
	}
	if q.Limit > g.limits.Batch {
		q.Limit = g.limits.Batch
	}
	for _, refs := range batches {
		part, err := read(ctx, g, string(subject), func(ctx context.Context) (Page[T], error) {
			return call(g.adapter.(P), ctx, Query{Refs: refs, After: q.After, Limit: q.Limit})
		})
		if err != nil {
			return all, fmt.Errorf("%s of %s: %w", subject, g.name, err)
		}
		all.Records, all.Rejected = append(all.Records, part.Records...), append(all.Rejected, part.Rejected...)
		all.Next, all.Total = part.Next, part.Total
	}
	for i := range all.Records {
		p := from(&all.Records[i])
		p.Instance, p.System = g.name, g.adapter.Kind()
	}
	for i := range all.Rejected {
		all.Rejected[i].Instance = g.name
	}
	return all, nil
}

// Warehouses asks the source of warehouses.
func (s *Set) Warehouses(ctx context.Context, q Query) (Page[trade.Warehouse], error) {
	return page(ctx, s, OfWarehouses, q, Warehouses.Warehouses, func(r *trade.Warehouse) *trade.Provenance { return &r.Provenance })
}

// Categories asks the source of categories.
func (s *Set) Categories(ctx context.Context, q Query) (Page[trade.Category], error) {
	return page(ctx, s, OfCategories, q, Categories.Categories, func(r *trade.Category) *trade.Provenance { return &r.Provenance })
}

// Suppliers asks the source of suppliers.
func (s *Set) Suppliers(ctx context.Context, q Query) (Page[trade.TradingPartner], error) {
	return page(ctx, s, OfSuppliers, q, Suppliers.Suppliers, func(r *trade.TradingPartner) *trade.Provenance { return &r.Provenance })
}

// Accounts asks the source of accounts.
func (s *Set) Accounts(ctx context.Context, q Query) (Page[trade.Account], error) {
	return page(ctx, s, OfAccounts, q, Accounts.Accounts, (*trade.Account).From)
}

// Calendars asks the source of calendars.
func (s *Set) Calendars(ctx context.Context, q Query) (Page[trade.Calendar], error) {
	return page(ctx, s, OfCalendars, q, Calendars.Calendars, func(r *trade.Calendar) *trade.Provenance { return &r.Provenance })
}

// Credit asks the source of credit positions.
func (s *Set) Credit(ctx context.Context, q Query) (Page[trade.CreditPosition], error) {
	return page(ctx, s, OfCredit, q, Credit.Credit, (*trade.CreditPosition).From)
}

// Items asks the source of items.
func (s *Set) Items(ctx context.Context, q Query) (Page[trade.Item], error) {
	return page(ctx, s, OfItems, q, Items.Items, (*trade.Item).From)
}

// Contracts asks the source of contracts.
func (s *Set) Contracts(ctx context.Context, q Query) (Page[trade.Contract], error) {
	return page(ctx, s, OfContracts, q, Contracts.Contracts, func(r *trade.Contract) *trade.Provenance { return &r.Provenance })
}

// Stock asks the source of stock.
func (s *Set) Stock(ctx context.Context, q Query) (Page[trade.Stock], error) {
	return page(ctx, s, OfStock, q, Inventory.Stock, func(r *trade.Stock) *trade.Provenance { return &r.Provenance })
}

// Orders asks the source of orders.
func (s *Set) Orders(ctx context.Context, q Query) (Page[trade.Order], error) {
	return page(ctx, s, OfOrders, q, Orders.Orders, (*trade.Order).From)
}

// PurchaseOrders asks the source of purchase orders.
func (s *Set) PurchaseOrders(ctx context.Context, q Query) (Page[trade.PurchaseOrder], error) {
	return page(ctx, s, OfPurchaseOrders, q, PurchaseOrders.PurchaseOrders, (*trade.PurchaseOrder).From)
}

// Shipments asks the source of shipments.
func (s *Set) Shipments(ctx context.Context, q Query) (Page[trade.Shipment], error) {
	return page(ctx, s, OfShipments, q, Shipments.Shipments, (*trade.Shipment).From)
}

// Tracking asks the source of tracking.
func (s *Set) Tracking(ctx context.Context, q Query) (Page[trade.Tracking], error) {
	return page(ctx, s, OfTracking, q, Tracking.Tracking, func(r *trade.Tracking) *trade.Provenance { return &r.Provenance })
}

// Invoices asks the source of invoices.
func (s *Set) Invoices(ctx context.Context, q Query) (Page[trade.Invoice], error) {
	return page(ctx, s, OfInvoices, q, Invoices.Invoices, (*trade.Invoice).From)
}

// Returns asks the source of returns.
func (s *Set) Returns(ctx context.Context, q Query) (Page[trade.Return], error) {
	return page(ctx, s, OfReturns, q, Returns.Returns, (*trade.Return).From)
}
