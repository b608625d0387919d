package sources

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"portico/trade"
)

// Set holds the sources in use and routes each subject to the one that serves
// it.
type Set struct {
	names  []string
	byName map[string]*guarded
	routes map[Subject]*guarded
}

// Source is an adapter under the name the configuration gives it.
type Source struct {
	Name    string
	Adapter Adapter
	Limits  Limits
}

type port struct {
	subject    Subject
	capability trade.Capability
	serves     func(Adapter) bool
}

func serves[P any](a Adapter) bool { _, ok := a.(P); return ok }

// ports lists every subject in the order of a first load, with the capability
// portals know it under and the port an adapter must have to serve it.
var ports = []port{
	{OfWarehouses, trade.Inventory, serves[Warehouses]},
	{OfCategories, trade.Items, serves[Categories]},
	{OfSuppliers, trade.PurchaseOrders, serves[Suppliers]},
	{OfAccounts, trade.Accounts, serves[Accounts]},
	{OfCalendars, trade.Accounts, serves[Calendars]},
	{OfCredit, trade.Accounts, serves[Credit]},
	{OfItems, trade.Items, serves[Items]},
	{OfContracts, trade.Pricing, serves[Contracts]},
	{OfStock, trade.Inventory, serves[Inventory]},
	{OfOrders, trade.Orders, serves[Orders]},
	{OfPurchaseOrders, trade.PurchaseOrders, serves[PurchaseOrders]},
	{OfShipments, trade.TrackingOf, serves[Shipments]},
	{OfTracking, trade.TrackingOf, serves[Tracking]},
	{OfInvoices, trade.Invoices, serves[Invoices]},
	{OfReturns, trade.Returns, serves[Returns]},
	{OfPrices, trade.Pricing, serves[Pricing]},
}

// Subjects are all subjects, in the order of a first load.
func Subjects() []Subject {
	all := make([]Subject, len(ports))
	for i, p := range ports {
		all[i] = p.subject
	}
	return all
}

// Serves are the subjects that an adapter serves, in the order of [Subjects].
func Serves(a Adapter) (all []Subject) {
	for _, p := range ports {
		if p.serves(a) {
			all = append(all, p.subject)
		}
	}
	return all
}

// NewSet guards the sources and checks the routes: every subject must lead to
// a source that serves it.
func NewSet(list []Source, routes map[Subject]string) (*Set, error) {
	s := &Set{byName: map[string]*guarded{}, routes: map[Subject]*guarded{}}
	for _, src := range list {
		if s.byName[src.Name] != nil {
			return nil, fmt.Errorf("two sources are named %q", src.Name)
		}
		s.byName[src.Name] = guard(src.Name, src.Adapter, src.Limits)
		s.names = append(s.names, src.Name)
	}
	for subject := range routes {
		if !slices.Contains(Subjects(), subject) {
			return nil, fmt.Errorf("routes: %q is not one of %v", subject, Subjects())
		}
	}
	for _, p := range ports {
		name, ok := routes[p.subject]
		if !ok {
			return nil, fmt.Errorf("routes: %s leads nowhere; name one of %v", p.subject, s.names)
		}
		g := s.byName[name]
		if g == nil {
			return nil, fmt.Errorf("routes: %s leads to %q, which is not one of %v", p.subject, name, s.names)
		}
		if !p.serves(g.adapter) {
			return nil, fmt.Errorf("routes: %s leads to %q, which does not serve it", p.subject, name)
		}
		s.routes[p.subject] = g
	}
	return s, nil
}

// Names are the names of the sources.
func (s *Set) Names() []string { return s.names }

// Serving is the name of the source that serves a subject.
func (s *Set) Serving(subject Subject) string { return s.routes[subject].name }

// Kind is the kind of system that serves a subject.
func (s *Set) Kind(subject Subject) trade.SourceKind { return s.routes[subject].adapter.Kind() }

// Health is the state of every source.
func (s *Set) Health() []trade.SourceHealth {
	all := make([]trade.SourceHealth, 0, len(s.names))
	for _, name := range s.names {
		h := s.byName[name].health()
		for _, p := range ports {
			if s.routes[p.subject].name == name && !slices.Contains(h.Capabilities, p.capability) {
				h.Capabilities = append(h.Capabilities, p.capability)
			}
		}
		all = append(all, h)
	}
	return all
}

// page asks the source of a subject, in as many calls as its batch limit
// needs, and stamps what it tells with the source's name.
func page[P Adapter, T any](ctx context.Context, s *Set, subject Subject, q Query,
	call func(P, context.Context, Query) (Page[T], error), from func(*T) *trade.Provenance,
) (Page[T], error) {
	g := s.routes[subject]
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

// Prices asks the source of prices, in as few calls as its batch limit allows.
func (s *Set) Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	g := s.routes[OfPrices]
	var all []trade.PriceResult
	for batch := range slices.Chunk(keys, g.limits.Batch) {
		part, err := read(ctx, g, "pricing", func(ctx context.Context) ([]trade.PriceResult, error) {
			return g.adapter.(Pricing).Prices(ctx, batch)
		})
		if err == nil && len(part) != len(batch) {
			err = Fail(Garbled, "%d answers to %d prices", len(part), len(batch))
		}
		if err != nil {
			return nil, fmt.Errorf("prices of %s: %w", g.name, err)
		}
		for _, r := range part {
			if p, ok := r.(*trade.Price); ok {
				p.Provenance.Instance, p.Provenance.System = g.name, g.adapter.Kind()
			}
		}
		all = append(all, part...)
	}
	return all, nil
}

// Register tells the source of tracking of parcels, and names it. ok is false where
// it need not be told.
func (s *Set) Register(ctx context.Context, parcels []trade.Consignment) (name string, ok bool, err error) {
	g := s.routes[OfTracking]
	carrier, ok := g.adapter.(Registering)
	if !ok {
		return g.name, false, nil
	}
	for batch := range slices.Chunk(parcels, g.limits.Batch) {
		// It may be repeated like a read: a parcel that is known stays as it is.
		if _, err := read(ctx, g, "register", func(ctx context.Context) (struct{}, error) { return struct{}{}, carrier.Register(ctx, batch) }); err != nil {
			return g.name, true, fmt.Errorf("registering with %s: %w", g.name, err)
		}
	}
	return g.name, true, nil
}

// Check asks whether the named source is what its adapter needs: that it answers,
// lets us in, is of a known release, and has what is read of it. What is wrong
// stands in its health.
func (s *Set) Check(ctx context.Context, name string) error {
	if err := s.byName[name].check(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Poll is the pause between two looks at what changed in the named source.
func (s *Set) Poll(name string) time.Duration { return s.byName[name].limits.Poll }

// Changes reads on in the feed of the named source. ok is false where the
// source tells no changes.
func (s *Set) Changes(ctx context.Context, name, after string, limit int) (feed Feed, ok bool, err error) {
	g := s.byName[name]
	teller, ok := g.adapter.(Changes)
	if !ok {
		return Feed{}, false, nil
	}
	feed, err = read(ctx, g, "changes", func(ctx context.Context) (Feed, error) { return teller.Changes(ctx, after, limit) })
	if err != nil {
		return feed, true, fmt.Errorf("changes of %s: %w", name, err)
	}
	return feed, true, nil
}

// Document opens a paper kept by the named source. It fails with [NotFound]
// when there is no such source or paper.
func (s *Set) Document(ctx context.Context, name, ref string) (io.ReadCloser, error) {
	g := s.byName[name]
	if g == nil {
		return nil, Fail(NotFound, "no such source")
	}
	keeper, ok := g.adapter.(Documents)
	if !ok {
		return nil, Fail(NotFound, "the source keeps no papers")
	}
	// Not under the attempt's deadline: the body is streamed after the call.
	return keeper.Document(ctx, ref)
}
