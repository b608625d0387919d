package sources

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"portico/trade"
	"portico/trade/operating"
)

// Set holds the sources in use and routes each subject to the one that serves
// it.
type Set struct {
	names   []string
	byName  map[string]*guarded
	base    map[Subject]*guarded // as configured
	routes  atomic.Pointer[map[Subject]route]
	begin   []operating.CapabilityRoute       // over base, as configured
	settled atomic.Pointer[map[Subject]route] // those whose copies are complete
	beside  chan PricesRead

	policies map[Subject]operating.Stewardship
}

// Source is an adapter under the name the configuration gives it.
type Source struct {
	Name    string
	Adapter Adapter
	Limits  Limits
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
		name, ok := routes[p.Subject]
		if !ok {
			return nil, fmt.Errorf("routes: %s leads nowhere; name one of %v", p.Subject, s.names)
		}
		g := s.byName[name]
		if g == nil {
			return nil, fmt.Errorf("routes: %s leads to %q, which is not one of %v", p.Subject, name, s.names)
		}
		if !p.serves(g.adapter) {
			return nil, fmt.Errorf("routes: %s leads to %q, which does not serve it", p.Subject, name)
		}
		s.base[p.Subject] = g
	}
	if err := s.Apply(nil); err != nil {
		return nil, err
	}
	s.Settle()
	return s, nil
}

// Names are the names of the sources.
func (s *Set) Names() []string { return s.names }

// KindOf is the kind of system that a source is; PARTNER for one that is not there
// any more.
func (s *Set) KindOf(name string) trade.SourceKind {
	if g := s.byName[name]; g != nil {
		return g.adapter.Kind()
	}
	return trade.Partner
}

// Health is the state of every source.
func (s *Set) Health() []operating.SourceHealth {
	all := make([]operating.SourceHealth, 0, len(s.names))
	for _, name := range s.names {
		h := s.byName[name].health()
		for _, p := range ports {
			if r := s.route(p.Subject); (r.primary.name == name || r.shadow != nil && r.shadow.name == name) &&
				!slices.Contains(h.Capabilities, p.Capability) {
				h.Capabilities = append(h.Capabilities, p.Capability)
			}
		}
		all = append(all, h)
	}
	return all
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
		if _, err := read(ctx, g, "register",
			func(ctx context.Context) (struct{}, error) { return struct{}{}, carrier.Register(ctx, batch) }); err != nil {
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
		return nil, Fail(NotFound, "the source keeps no documents")
	}
	// Not under the attempt's deadline: the body is streamed after the call.
	return keeper.Document(ctx, ref)
}

// Calls are calls to a source since it was opened, how many of them failed, and the seconds of all.
type Calls struct {
	Calls, Failed int64
	Seconds       float64
}

// Since are the calls since an earlier count.
func (c Calls) Since(before Calls) Calls {
	return Calls{c.Calls - before.Calls, c.Failed - before.Failed, c.Seconds - before.Seconds}
}

// Calls are the calls to each source.
func (s *Set) Calls() map[string]Calls {
	all := map[string]Calls{}
	for _, name := range s.names {
		g := s.byName[name]
		all[name] = Calls{g.calls.Load(), g.failed.Load(), time.Duration(g.spent.Load()).Seconds()}
	}
	return all
}
