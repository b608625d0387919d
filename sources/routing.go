package sources

import (
	"fmt"
	"slices"

	"portico/trade/operating"
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

// IsMain tells whether a capability is named for a subject.
func IsMain(s Subject) bool { return slices.Contains(mains, s) }

// mains are the subjects that capabilities are named for.
var mains = []Subject{OfAccounts, OfItems, OfPrices, OfStock, OfOrders, OfPurchaseOrders, OfShipments, OfInvoices, OfReturns}

func portOf(subject Subject) Port {
	return ports[slices.IndexFunc(ports, func(p Port) bool { return p.Subject == subject })]
}

// Subjects are all subjects, in the order of a first load.
func Subjects() []Subject {
	all := make([]Subject, len(ports))
	for i, p := range ports {
		all[i] = p.Subject
	}
	return all
}

// Serves are the subjects that an adapter serves, in the order of [Subjects].
func Serves(a Adapter) (all []Subject) {
	for _, p := range ports {
		if p.serves(a) {
			all = append(all, p.Subject)
		}
	}
	return all
}

func (s *Set) route(subject Subject) route { return (*s.routes.Load())[subject] }

// Begin puts routes in force as configured, over those that the set was made with.
func (s *Set) Begin(routes []operating.CapabilityRoute) error {
	if err := s.Apply(routes); err != nil {
		return err
	}
	s.begin = routes
	s.Settle()
	return nil
}

// Configured are the routes as configured: every capability with the source that
// serves what it is named for.
func (s *Set) Configured() []operating.CapabilityRoute {
	all := make([]operating.CapabilityRoute, len(mains))
	for i, m := range mains {
		all[i] = operating.CapabilityRoute{Capability: portOf(m).Capability, Primary: s.base[m].name, PercentToPrimary: 100}
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
func (s *Set) Apply(routes []operating.CapabilityRoute) error {
	all := map[Subject]route{}
	for _, p := range ports {
		all[p.Subject] = route{primary: s.base[p.Subject], percent: 100}
	}
	for _, r := range routes {
		if err := s.check(r); err != nil {
			return err
		}
		for _, p := range ports {
			if p.Capability != r.Capability {
				continue
			}
			to := all[p.Subject]
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
			all[p.Subject] = to
		}
	}
	s.routes.Store(&all)
	return nil
}

// from is where a route to the named source leads for one subject: to that source;
// where it was, if the source is the configured one of the capability; to other
// otherwise.
func (s *Set) from(p Port, name string, other *guarded) *guarded {
	main := mains[slices.IndexFunc(mains, func(m Subject) bool { return portOf(m).Capability == p.Capability })]
	switch g := s.byName[name]; {
	case s.base[main].name == name:
		return s.base[p.Subject]
	case p.serves(g.adapter):
		return g
	}
	return other
}

func (s *Set) check(r operating.CapabilityRoute) error {
	if err := s.serves(r.Primary, r.Capability); err != nil {
		return err
	}
	if r.Shadow != nil {
		if err := s.serves(*r.Shadow, r.Capability); err != nil {
			return err
		}
	}
	if r.PercentToPrimary < 100 && !slices.ContainsFunc(ports, func(p Port) bool { return p.Capability == r.Capability && p.split != whole }) {
		return fmt.Errorf("%s cannot be shared out: its records are the same for all accounts, so that 100 percent are served by one source",
			r.Capability)
	}
	return nil
}

// serves fails when the named source serves nothing of a capability.
func (s *Set) serves(name string, capability operating.Capability) error {
	g := s.byName[name]
	if g == nil {
		return fmt.Errorf("%s cannot be served by %q, which is not one of the sources %v", capability, name, s.names)
	}
	known := false
	for _, p := range ports {
		known = known || p.Capability == capability
		if p.Capability == capability && p.serves(g.adapter) {
			return nil
		}
	}
	if !known {
		return fmt.Errorf("%q is no capability", capability)
	}
	return fmt.Errorf("%s cannot be served by %s: its adapter does not", capability, name)
}

// SubjectsOf are the subjects of a capability.
func SubjectsOf(capability operating.Capability) (all []Subject) {
	for _, p := range ports {
		if p.Capability == capability {
			all = append(all, p.Subject)
		}
	}
	return all
}

// CapabilityOf is the capability that a subject belongs to.
func CapabilityOf(subject Subject) operating.Capability { return portOf(subject).Capability }

// At is the set in which every subject is asked of the named source.
func (s *Set) At(name string) *Set {
	at := &Set{names: s.names, byName: s.byName, base: s.base}
	all := map[Subject]route{}
	for _, p := range ports {
		all[p.Subject] = route{primary: s.byName[name], percent: 100}
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
