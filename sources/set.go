package sources

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"portico/trade"
)

// Set holds the sources in use and routes each subject to the one that serves
// it.
type Set struct {
	names   []string
	byName  map[string]*guarded
	base    map[Subject]*guarded // as configured
	routes  atomic.Pointer[map[Subject]route]
	begin   []trade.CapabilityRoute           // over base, as configured
	settled atomic.Pointer[map[Subject]route] // those whose copies are complete
	beside  chan PricesRead

	policies map[Subject]trade.Stewardship
}

// route is where a subject is served. A percentage of the accounts are served by
// the primary, and the rest by the shadow.
type route struct {
	primary, shadow *guarded
	percent         int
}

// of is the source that serves an account; it is the primary for whoever has none.
func (r route) of(account string) *guarded {
	if r.percent < 100 && account != "" && Share(account) >= r.percent {
		return r.shadow
	}
	return r.primary
}

// PricesRead are prices that were told to a caller, by a primary that has a shadow.
type PricesRead struct {
	Keys    []trade.PriceKey
	Results []trade.PriceResult
}

// besides is how many such answers wait to be compared; more are dropped.
const besides = 32

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
	split      split
}

// split is how a subject is shared out while its capability moves.
type split int

const (
	whole     split = iota // its records are the same for all accounts: it moves at once
	byAccount              // each record, or answer, is of an account, whose share decides
	byReader               // it is copied from both, and who reads decides
)

func serves[P any](a Adapter) bool { _, ok := a.(P); return ok }

// ports lists every subject in the order of a first load, with the capability
// portals know it under and the port an adapter must have to serve it.
var ports = []port{
	{OfWarehouses, trade.Inventory, serves[Warehouses], whole},
	{OfCategories, trade.Items, serves[Categories], whole},
	{OfSuppliers, trade.PurchaseOrders, serves[Suppliers], whole},
	{OfAccounts, trade.Accounts, serves[Accounts], byAccount},
	{OfCalendars, trade.Accounts, serves[Calendars], byAccount},
	{OfCredit, trade.Accounts, serves[Credit], byAccount},
	{OfItems, trade.Items, serves[Items], whole},
	{OfContracts, trade.Pricing, serves[Contracts], byAccount},
	{OfStock, trade.Inventory, serves[Inventory], byReader},
	{OfOrders, trade.Orders, serves[Orders], byAccount},
	{OfPurchaseOrders, trade.PurchaseOrders, serves[PurchaseOrders], whole},
	{OfShipments, trade.TrackingOf, serves[Shipments], whole},
	{OfTracking, trade.TrackingOf, serves[Tracking], whole},
	{OfInvoices, trade.Invoices, serves[Invoices], byAccount},
	{OfReturns, trade.Returns, serves[Returns], byAccount},
	{OfPrices, trade.Pricing, serves[Pricing], byAccount},
}

// mains are the subjects that capabilities are named for.
var mains = []Subject{OfAccounts, OfItems, OfPrices, OfStock, OfOrders, OfPurchaseOrders, OfShipments, OfInvoices, OfReturns}

func portOf(subject Subject) port {
	return ports[slices.IndexFunc(ports, func(p port) bool { return p.subject == subject })]
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
	s := &Set{byName: map[string]*guarded{}, base: map[Subject]*guarded{}, beside: make(chan PricesRead, besides)}
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
		s.base[p.subject] = g
	}
	if err := s.Apply(nil); err != nil {
		return nil, err
	}
	s.Settle()
	return s, nil
}

func (s *Set) route(subject Subject) route { return (*s.routes.Load())[subject] }

// Begin puts routes in force as configured, over those that the set was made with.
func (s *Set) Begin(routes []trade.CapabilityRoute) error {
	if err := s.Apply(routes); err != nil {
		return err
	}
	s.begin = routes
	s.Settle()
	return nil
}

// Configured are the routes as configured: every capability with the source that
// serves what it is named for.
func (s *Set) Configured() []trade.CapabilityRoute {
	all := make([]trade.CapabilityRoute, len(mains))
	for i, m := range mains {
		all[i] = trade.CapabilityRoute{Capability: portOf(m).capability, Primary: s.base[m].name, PercentToPrimary: 100}
		for _, r := range s.begin {
			if r.Capability == all[i].Capability {
				all[i] = r
			}
		}
	}
	return all
}

// Apply puts routes in force. A capability without one, or with its configured
// source, is served as configured. Otherwise what the named sources serve of it
// is theirs, and the rest stays where it is. It fails, and changes nothing, when
// a source is not there or serves nothing of the capability, or when it cannot be
// shared out by account.
func (s *Set) Apply(routes []trade.CapabilityRoute) error {
	all := map[Subject]route{}
	for _, p := range ports {
		all[p.subject] = route{primary: s.base[p.subject], percent: 100}
	}
	for _, r := range routes {
		if err := s.check(r); err != nil {
			return err
		}
		for _, p := range ports {
			if p.capability != r.Capability {
				continue
			}
			to := all[p.subject]
			to.primary = s.from(p, r.Primary, to.primary)
			if r.Shadow != nil {
				to.shadow = s.from(p, *r.Shadow, nil)
			}
			if to.percent = r.PercentToPrimary; to.shadow == to.primary {
				to.shadow = nil
			}
			if to.shadow == nil || p.split == whole {
				to.percent = 100
			}
			all[p.subject] = to
		}
	}
	s.routes.Store(&all)
	return nil
}

// from is where a route to the named source leads for one subject: to that source;
// where it was, if the source is the configured one of the capability; to other
// otherwise.
func (s *Set) from(p port, name string, other *guarded) *guarded {
	main := mains[slices.IndexFunc(mains, func(m Subject) bool { return portOf(m).capability == p.capability })]
	switch g := s.byName[name]; {
	case s.base[main].name == name:
		return s.base[p.subject]
	case p.serves(g.adapter):
		return g
	}
	return other
}

func (s *Set) check(r trade.CapabilityRoute) error {
	if err := s.serves(r.Primary, r.Capability); err != nil {
		return err
	}
	if r.Shadow != nil {
		if err := s.serves(*r.Shadow, r.Capability); err != nil {
			return err
		}
	}
	if r.PercentToPrimary < 100 && !slices.ContainsFunc(ports, func(p port) bool { return p.capability == r.Capability && p.split != whole }) {
		return fmt.Errorf("%s cannot be shared out: its records are the same for all accounts, so that 100 percent are served by one source", r.Capability)
	}
	return nil
}

// serves fails when the named source serves nothing of a capability.
func (s *Set) serves(name string, capability trade.Capability) error {
	g := s.byName[name]
	if g == nil {
		return fmt.Errorf("%s cannot be served by %q, which is not one of the sources %v", capability, name, s.names)
	}
	known := false
	for _, p := range ports {
		known = known || p.capability == capability
		if p.capability == capability && p.serves(g.adapter) {
			return nil
		}
	}
	if !known {
		return fmt.Errorf("%q is no capability", capability)
	}
	return fmt.Errorf("%s cannot be served by %s: its adapter does not", capability, name)
}

// SubjectsOf are the subjects of a capability.
func SubjectsOf(capability trade.Capability) (all []Subject) {
	for _, p := range ports {
		if p.capability == capability {
			all = append(all, p.subject)
		}
	}
	return all
}

// CapabilityOf is the capability that a subject belongs to.
func CapabilityOf(subject Subject) trade.Capability { return portOf(subject).capability }

// At is the set in which every subject is asked of the named source.
func (s *Set) At(name string) *Set {
	at := &Set{names: s.names, byName: s.byName, base: s.base}
	all := map[Subject]route{}
	for _, p := range ports {
		all[p.subject] = route{primary: s.byName[name], percent: 100}
	}
	at.routes.Store(&all)
	return at
}

// Settle says that all is copied from where the routes in force lead: readers of
// what is copied from several sources go by them from now on.
func (s *Set) Settle() { s.settled.Store(s.routes.Load()) }

// Beside tells of prices that were told and can be compared with a shadow's.
func (s *Set) Beside() <-chan PricesRead { return s.beside }

// Names are the names of the sources.
func (s *Set) Names() []string { return s.names }

// Serving is the name of the source that serves a subject to an account; to
// whoever has none, where the account is empty.
func (s *Set) Serving(subject Subject, account string) string {
	return s.route(subject).of(account).name
}

// Showing is the name of the source whose copy of a subject is shown to an
// account: as [Set.Serving], but not before that is complete.
func (s *Set) Showing(subject Subject, account string) string {
	return (*s.settled.Load())[subject].of(account).name
}

// Copies are the names of the sources that a subject is copied from.
func (s *Set) Copies(subject Subject) []string {
	r, p := s.route(subject), portOf(subject)
	if r.shadow != nil && (p.split == byReader || r.percent < 100) {
		return []string{r.primary.name, r.shadow.name}
	}
	return []string{r.primary.name}
}

// Mixed tells whether the records of a subject are now of several sources, each of
// the one that serves its account.
func (s *Set) Mixed(subject Subject) bool {
	return portOf(subject).split == byAccount && s.route(subject).percent < 100
}

// Shadow is the name of the source that a subject is compared with, or empty.
func (s *Set) Shadow(subject Subject) string {
	if r := s.route(subject); r.shadow != nil {
		return r.shadow.name
	}
	return ""
}

// KindOf is the kind of system that a source is; PARTNER for one that is not there
// any more.
func (s *Set) KindOf(name string) trade.SourceKind {
	if g := s.byName[name]; g != nil {
		return g.adapter.Kind()
	}
	return trade.Partner
}

// Health is the state of every source.
func (s *Set) Health() []trade.SourceHealth {
	all := make([]trade.SourceHealth, 0, len(s.names))
	for _, name := range s.names {
		h := s.byName[name].health()
		for _, p := range ports {
			if r := s.route(p.subject); (r.primary.name == name || r.shadow != nil && r.shadow.name == name) && !slices.Contains(h.Capabilities, p.capability) {
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

// Prices asks the source of prices, in as few calls as its batch limit allows.
// While prices move, each account is asked for where it is served, and the answers
// of the primary can be compared: see [Set.Beside].
func (s *Set) Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	r := s.route(OfPrices)
	results := make([]trade.PriceResult, len(keys))
	places := map[*guarded][]int{}
	for i, k := range keys {
		g := r.of(k.Account)
		places[g] = append(places[g], i)
	}
	for _, g := range []*guarded{r.primary, r.shadow} {
		if len(places[g]) == 0 {
			continue
		}
		asked := make([]trade.PriceKey, len(places[g]))
		for i, at := range places[g] {
			asked[i] = keys[at]
		}
		told, err := pricesOf(ctx, g, asked)
		if err != nil {
			return nil, err
		}
		for i, at := range places[g] {
			results[at] = told[i]
		}
		if g == r.primary && r.shadow != nil {
			select {
			case s.beside <- PricesRead{asked, told}:
			default: // the comparing is behind: the caller does not wait for it
			}
		}
	}
	return results, nil
}

// Share is the part of a hundred that an account falls in, always the same.
func Share(account string) int {
	h := sha256.Sum256([]byte(account))
	return int(binary.BigEndian.Uint32(h[:]) % 100)
}

func pricesOf(ctx context.Context, g *guarded, keys []trade.PriceKey) ([]trade.PriceResult, error) {
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

// SubmitOrder hands an order over to the source that serves its account's orders
// under a key, once; see [OrderTaking].
func (s *Set) SubmitOrder(ctx context.Context, source, key string, d trade.Draft) (Receipt, error) {
	return taking(s, source, func(g *guarded, p OrderTaking) (Receipt, error) {
		return write(ctx, g, "submit", func(ctx context.Context) (Receipt, error) { return p.SubmitOrder(ctx, key, d) })
	})
}

// ReceiptByKey asks a source what became of a submission.
func (s *Set) ReceiptByKey(ctx context.Context, source, key string) (Receipt, error) {
	return taking(s, source, func(g *guarded, p OrderTaking) (Receipt, error) {
		return read(ctx, g, "receipt", func(ctx context.Context) (Receipt, error) { return p.ReceiptByKey(ctx, key) })
	})
}

func taking(s *Set, source string, call func(*guarded, OrderTaking) (Receipt, error)) (Receipt, error) {
	g := s.byName[source]
	if g == nil {
		return Receipt{}, Fail(Unavailable, "no such source")
	}
	p, ok := g.adapter.(OrderTaking)
	if !ok {
		return Receipt{}, Fail(Rejected, "Orders cannot be placed in this system.")
	}
	r, err := call(g, p)
	if err != nil {
		return r, fmt.Errorf("order of %s: %w", source, err)
	}
	return r, nil
}

// TakesOrders tells whether orders can be placed in the named source.
func (s *Set) TakesOrders(source string) bool {
	g := s.byName[source]
	return g != nil && serves[OrderTaking](g.adapter)
}

// Register tells the source of tracking of parcels, and names it. ok is false where
// it need not be told.
func (s *Set) Register(ctx context.Context, parcels []trade.Consignment) (name string, ok bool, err error) {
	g := s.route(OfTracking).primary
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

// Reconcile is the pause between two comparisons of what is held of the named source
// with what it says.
func (s *Set) Reconcile(name string) time.Duration { return s.byName[name].limits.Reconcile }

// Removable is how many percent of a kind of record may be removed at once because
// the named source has them no more.
func (s *Set) Removable(name string) int { return s.byName[name].limits.Remove }

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
