package sources

import (
	"context"
	"fmt"
	"slices"

	"portico/trade"
	"portico/trade/procurement"
)

// Fetch asks the source that serves the kind in a set, in as many calls as its batch limit
// needs, and stamps what it tells with the source's name.
func (r Records[P, T]) Fetch(ctx context.Context, s *Set, q Query) (Page[T], error) {
	g := s.route(r.Subject).primary
	var all Page[T]
	batches := [][]string{nil}
	if len(q.Refs) > 0 {
		batches = slices.Collect(slices.Chunk(q.Refs, g.limits.Batch))
	}
	if q.Limit > g.limits.Batch {
		q.Limit = g.limits.Batch
	}
	for _, refs := range batches {
		part, err := read(ctx, g, string(r.Subject), func(ctx context.Context) (Page[T], error) {
			return r.Read(g.adapter.(P), ctx, Query{Refs: refs, After: q.After, Limit: q.Limit}) //nolint:errcheck // asked of those alone that claim it
		})
		if err != nil {
			return all, fmt.Errorf("%s of %s: %w", r.Subject, g.name, err)
		}
		all.Records, all.Rejected = append(all.Records, part.Records...), append(all.Rejected, part.Rejected...)
		all.Next, all.Total = part.Next, part.Total
	}
	for i := range all.Records {
		p := r.From(&all.Records[i])
		p.Instance, p.System = g.name, g.adapter.Kind()
	}
	for i := range all.Rejected {
		all.Rejected[i].Instance = g.name
	}
	return all, nil
}

// Warehouses asks the source of warehouses.
func (s *Set) Warehouses(ctx context.Context, q Query) (Page[trade.Warehouse], error) {
	return WarehouseRecords.Fetch(ctx, s, q)
}

// Categories asks the source of categories.
func (s *Set) Categories(ctx context.Context, q Query) (Page[trade.Category], error) {
	return CategoryRecords.Fetch(ctx, s, q)
}

// Suppliers asks the source of suppliers.
func (s *Set) Suppliers(ctx context.Context, q Query) (Page[procurement.TradingPartner], error) {
	return SupplierRecords.Fetch(ctx, s, q)
}

// Accounts asks the source of accounts.
func (s *Set) Accounts(ctx context.Context, q Query) (Page[trade.Account], error) {
	return AccountRecords.Fetch(ctx, s, q)
}

// Calendars asks the source of calendars.
func (s *Set) Calendars(ctx context.Context, q Query) (Page[trade.Calendar], error) {
	return CalendarRecords.Fetch(ctx, s, q)
}

// Credit asks the source of credit positions.
func (s *Set) Credit(ctx context.Context, q Query) (Page[trade.CreditPosition], error) {
	return CreditRecords.Fetch(ctx, s, q)
}

// Items asks the source of items.
func (s *Set) Items(ctx context.Context, q Query) (Page[trade.Item], error) {
	return ItemRecords.Fetch(ctx, s, q)
}

// Contracts asks the source of contracts.
func (s *Set) Contracts(ctx context.Context, q Query) (Page[trade.Contract], error) {
	return ContractRecords.Fetch(ctx, s, q)
}

// Stock asks the source of stock.
func (s *Set) Stock(ctx context.Context, q Query) (Page[trade.Stock], error) {
	return StockRecords.Fetch(ctx, s, q)
}

// Orders asks the source of orders.
func (s *Set) Orders(ctx context.Context, q Query) (Page[trade.Order], error) {
	return OrderRecords.Fetch(ctx, s, q)
}

// PurchaseOrders asks the source of purchase orders.
func (s *Set) PurchaseOrders(ctx context.Context, q Query) (Page[trade.PurchaseOrder], error) {
	return PurchaseOrderRecords.Fetch(ctx, s, q)
}

// Shipments asks the source of shipments.
func (s *Set) Shipments(ctx context.Context, q Query) (Page[trade.Shipment], error) {
	return ShipmentRecords.Fetch(ctx, s, q)
}

// Tracking asks the source of tracking.
func (s *Set) Tracking(ctx context.Context, q Query) (Page[trade.Tracking], error) {
	return TrackingRecords.Fetch(ctx, s, q)
}

// Invoices asks the source of invoices.
func (s *Set) Invoices(ctx context.Context, q Query) (Page[trade.Invoice], error) {
	return InvoiceRecords.Fetch(ctx, s, q)
}

// Returns asks the source of returns.
func (s *Set) Returns(ctx context.Context, q Query) (Page[trade.Return], error) {
	return ReturnRecords.Fetch(ctx, s, q)
}
