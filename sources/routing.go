package sources

import (
	"fmt"
	"slices"

	"portico/trade"
)

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

// Named tells whether a capability is named for a subject.
func Named(s Subject) bool { return slices.Contains(mains, s) }

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
