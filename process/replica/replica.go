// Package replica keeps the store a copy of the sources: it loads them, replicates their feeds,
// compares what is held with what they say, and moves capabilities from one source to another.
package replica

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"portico/sources"
	"portico/store"
	"portico/trade/clock"
	"portico/trade/operating"
)

// Copy keeps the store a copy of the sources: it loads each once, and then
// follows what they say has changed.
type Copy struct {
	store    *store.Store
	sources  *sources.Set
	now      func() time.Time
	log      *slog.Logger
	routes   []operating.CapabilityRoute // in force
	progress progress
	unused   unusedFields
	found    sync.Map   // what the last check of each source found, as text
	loading  sync.Mutex // sources that begin anew together are loaded once, not against each other

	// Rerouted, unless nil, is told that other sources serve from now on. It is set
	// before Run.
	Rerouted func()
}

// New makes a replica; Run sets it to work.
func New(st *store.Store, set *sources.Set, now func() time.Time, log *slog.Logger) *Copy {
	return &Copy{store: st, sources: set, now: now, log: log}
}

// Run loads what was not loaded yet and then follows every source, until ctx
// ends.
func (r *Copy) Run(ctx context.Context) {
	ctx = sources.Background(ctx)
	r.progress.begin()
	r.check(ctx, r.sources.Names()...)
	r.loadFirst(ctx)
	var all sync.WaitGroup
	for _, name := range r.sources.Names() {
		all.Go(func() { r.replicate(ctx, name) })
	}
	all.Go(func() { r.register(ctx) })
	all.Go(func() { r.watchRoutes(ctx) })
	all.Go(func() { r.comparePrices(ctx) })
	all.Go(func() { r.reconcile(ctx, true) })
	all.Go(func() { r.reconcile(ctx, false) })
	all.Wait()
}

// Progress says how the first load stands; done is true when it is complete.
func (r *Copy) Progress() (text string, done bool) { return r.progress.text() }

func (r *Copy) tryLoad(ctx context.Context) error {
	err := r.load(ctx)
	if err != nil && ctx.Err() == nil {
		r.progress.fail(err)
	}
	return err
}

// loadFirst loads what was not loaded yet, however often it takes.
func (r *Copy) loadFirst(ctx context.Context) {
	loading, loaded := context.WithCancel(ctx)
	defer loaded()
	loop := clock.Loop{Task: "first load", Every: time.Second, Log: r.log}
	loop.Run(loading, clock.Pass(func(ctx context.Context) error {
		err := r.tryLoad(ctx)
		if err != nil {
			r.check(ctx, r.unwell()...)
			return err
		}
		loaded()
		return nil
	}))
}

// unwell are the sources that are not up.
func (r *Copy) unwell() (names []string) {
	for _, h := range r.sources.Health() {
		if h.State != operating.SourceUp {
			names = append(names, h.Instance)
		}
	}
	return names
}

// check looks whether sources are fit to be used. What is wrong stands in their
// health, and is logged when it is new.
func (r *Copy) check(ctx context.Context, names ...string) {
	for _, name := range names {
		err := r.sources.Check(ctx, name)
		text := ""
		if err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		if before, _ := r.found.Swap(name, text); text != "" && before != text {
			r.log.WarnContext(ctx, "a source cannot be used", "source", name, "kind", sources.KindOf(err).String(), "err", err)
		}
	}
}

// unfit tells whether the last check of a source found something wrong.
func (r *Copy) unfit(name string) bool {
	text, _ := r.found.Load(name)
	return text != nil && text != ""
}

// progress is the state of the first load.
type progress struct {
	mu          sync.Mutex
	running     clock.Stopwatch
	rows, total int
	before      int // rows that an earlier run had loaded
	subject     sources.Subject
	err         error
	done        bool
	reported    clock.Stopwatch
}

func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = clock.Start()
}

// recount begins to count what there is to load.
func (p *progress) recount() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows, p.before, p.total, p.reported = 0, 0, 0, clock.Start()
}

// expect counts a part of which so many rows were loaded before, of so many.
func (p *progress) expect(before, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows, p.before, p.total = p.rows+before, p.before+before, p.total+max(of, before)
}

// add counts rows that were loaded of a subject, more of them than were expected, and tells how far the load is and whether it is
// time to log that.
func (p *progress) add(s sources.Subject, rows, more int) (far, of int, left time.Duration, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subject, p.rows, p.total, p.err = s, p.rows+rows, p.total+more, nil
	if due = p.reported.Elapsed() > reportEvery; due {
		p.reported = clock.Start()
	}
	return p.rows, p.total, p.remaining(), due
}

// loaded are the rows that are loaded, and the time that took.
func (p *progress) loaded() (rows int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rows, p.running.Elapsed()
}

func (p *progress) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.err = true, nil
}

// remaining is the time the rest will take at the speed so far.
func (p *progress) remaining() time.Duration {
	loaded := p.rows - p.before
	if loaded <= 0 {
		return 0
	}
	return (p.running.Elapsed() / time.Duration(loaded) * time.Duration(p.total-p.rows)).Round(time.Second)
}

func (p *progress) text() (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.done:
		return "first load complete", true
	case p.err != nil:
		return "first load: waiting for a source", false
	case p.total == 0:
		return "first load: beginning", false
	}
	return fmt.Sprintf("first load: %s, %d of %d rows, %d %%, %s left", p.subject, p.rows, p.total, 100*p.rows/p.total, p.remaining()), false
}
