// Package replica keeps the store a copy of the sources: it loads them, replicates their feeds,
// compares what is held with what they say, and moves capabilities from one source to another.
package replica

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// Copy keeps the store a copy of the sources: it loads each once, and then
// follows what they say has changed.
type Copy struct {
	store    *store.Store
	sources  *sources.Set
	now      func() time.Time
	log      *slog.Logger
	subjects map[sources.Subject]subject
	routes   []operating.CapabilityRoute // in force
	progress progress
	found    sync.Map   // what the last check of each source found, as text
	loading  sync.Mutex // sources that begin anew together are loaded once, not against each other

	// Rerouted, unless nil, is told that other sources serve from now on. It is set
	// before Run.
	Rerouted func()
}

// New makes a replica; Run sets it to work.
func New(st *store.Store, set *sources.Set, now func() time.Time, log *slog.Logger) *Copy {
	r := &Copy{store: st, sources: set, now: now, log: log}
	r.subjects = map[sources.Subject]subject{
		sources.OfWarehouses: copying(r, sources.OfWarehouses, (*sources.Set).Warehouses, replication.SaveWarehouses,
			func(x *trade.Warehouse) *trade.Provenance { return &x.Provenance }, nil),
		sources.OfCategories: copying(r, sources.OfCategories, (*sources.Set).Categories, replication.SaveCategories,
			func(x *trade.Category) *trade.Provenance { return &x.Provenance }, nil),
		sources.OfSuppliers: copying(r, sources.OfSuppliers, (*sources.Set).Suppliers, replication.SaveSuppliers,
			func(x *procurement.TradingPartner) *trade.Provenance { return &x.Provenance }, nil),
		sources.OfAccounts: copying(r, sources.OfAccounts, (*sources.Set).Accounts, replication.SaveAccounts, (*trade.Account).From,
			func(x *trade.Account) string { return x.Number }),
		sources.OfCalendars: copying(r, sources.OfCalendars, (*sources.Set).Calendars, replication.SaveCalendars,
			func(x *trade.Calendar) *trade.Provenance { return &x.Provenance }, func(x *trade.Calendar) string { return x.AccountRef.Key }),
		sources.OfCredit: copying(r, sources.OfCredit, (*sources.Set).Credit, replication.SaveCredit, (*trade.CreditPosition).From,
			func(x *trade.CreditPosition) string { return x.AccountRef.Key }),
		sources.OfItems: copying(r, sources.OfItems, (*sources.Set).Items, replication.SaveItems, (*trade.Item).From, nil),
		sources.OfContracts: copying(r, sources.OfContracts, (*sources.Set).Contracts, replication.SaveContracts,
			func(x *trade.Contract) *trade.Provenance { return &x.Provenance }, func(x *trade.Contract) string { return x.AccountRef.Key }),
		sources.OfStock: copying(r, sources.OfStock, (*sources.Set).Stock, replication.SaveStock,
			func(x *trade.Stock) *trade.Provenance { return &x.Provenance }, nil),
		sources.OfOrders: copying(r, sources.OfOrders, (*sources.Set).Orders, replication.SaveOrders, (*trade.Order).From,
			func(x *trade.Order) string { return x.AccountRef.Key }),
		sources.OfPurchaseOrders: copying(r, sources.OfPurchaseOrders, (*sources.Set).PurchaseOrders, replication.SavePurchaseOrders,
			(*trade.PurchaseOrder).From, nil),
		sources.OfShipments: copying(r, sources.OfShipments, (*sources.Set).Shipments, replication.SaveShipments, (*trade.Shipment).From,
			nil),
		sources.OfTracking: copying(r, sources.OfTracking, (*sources.Set).Tracking, replication.SaveTracking,
			func(x *trade.Tracking) *trade.Provenance { return &x.Provenance }, nil),
		sources.OfInvoices: copying(r, sources.OfInvoices, (*sources.Set).Invoices, replication.SaveInvoices, (*trade.Invoice).From,
			func(x *trade.Invoice) string { return x.AccountRef.Key }),
		sources.OfReturns: copying(r, sources.OfReturns, (*sources.Set).Returns, replication.SaveReturns, (*trade.Return).From,
			func(x *trade.Return) string { return x.AccountRef.Key }),
	}
	return r
}

// subject is how one kind of record gets from a source into the store.
type subject struct {
	// fetch asks the named source and returns what to do with its answer.
	fetch func(ctx context.Context, source string, q sources.Query) (batch, error)
}

// batch is a source's answer, ready to be saved or compared.
type batch struct {
	rows  int
	next  string
	total int
	// save saves the batch in transactions of its own, the last of which also
	// runs with; it returns the references that name something unknown.
	save func(ctx context.Context, st *store.Store, with func(*store.Tx) error) (unknown []operating.RejectedRecord, err error)
	// told are the records as documents, and unread the references of those that
	// could not be read.
	told   func() ([]told, error)
	unread []string
}

// copying is how records of one type are copied. Where they are shared out, by
// the account that each is of, a source's are those of its accounts.
func copying[T any](
	r *Copy, s sources.Subject,
	fetch func(*sources.Set, context.Context, sources.Query) (sources.Page[T], error),
	save func(context.Context, *store.Tx, []T) ([]operating.RejectedRecord, error),
	from func(*T) *trade.Provenance, account func(*T) string,
) subject {
	return subject{fetch: func(ctx context.Context, source string, q sources.Query) (batch, error) {
		page, err := fetch(r.sources.At(source), ctx, q)
		if err != nil {
			return batch{}, err
		}
		b := batch{rows: len(page.Records) + len(page.Rejected), next: page.Next, total: page.Total}
		records := page.Records
		if account != nil && r.sources.Mixed(s) {
			records = slices.DeleteFunc(records, func(x T) bool { return r.sources.Serving(s, account(&x)) != source })
		}
		b.save = func(ctx context.Context, st *store.Store, with func(*store.Tx) error) ([]operating.RejectedRecord, error) {
			return saveAll(ctx, st, r.now(), records, page.Rejected, save, from, with)
		}
		b.told = func() ([]told, error) { return documents(records, from) }
		for _, bad := range page.Rejected {
			if bad.SourceRef != nil {
				b.unread = append(b.unread, *bad.SourceRef)
			}
		}
		return b, nil
	}}
}

// saveAll saves records together. When the database refuses one of them, it
// halves the batch until the bad one stands alone, sets that one aside and
// keeps the rest.
func saveAll[T any](ctx context.Context, st *store.Store, at time.Time, records []T, rejected []operating.RejectedRecord,
	save func(context.Context, *store.Tx, []T) ([]operating.RejectedRecord, error), from func(*T) *trade.Provenance,
	with func(*store.Tx) error,
) (unknown []operating.RejectedRecord, err error) {
	err = st.InTx(ctx, func(tx *store.Tx) error {
		unknown, err = save(ctx, tx, records)
		if err != nil {
			return err
		}
		refs := make([]string, 0, len(records))
		instance := ""
		for i := range records {
			if p := from(&records[i]); p.SourceRef != nil {
				refs, instance = append(refs, *p.SourceRef), p.Instance
			}
		}
		if err := replication.AcceptRecords(ctx, tx, instance, refs); err != nil {
			return err
		}
		if err := replication.RejectRecords(ctx, tx, rejected); err != nil {
			return err
		}
		return with(tx)
	})
	reason, refused := store.Refused(err)
	if !refused || len(records) == 0 {
		return unknown, err
	}
	if len(records) == 1 {
		p := from(&records[0])
		bad := operating.RejectedRecord{Instance: p.Instance, Kind: "record", SourceRef: p.SourceRef, Reason: reason, At: at}
		return nil, st.InTx(ctx, func(tx *store.Tx) error {
			if err := replication.RejectRecords(ctx, tx, append(rejected, bad)); err != nil {
				return err
			}
			return with(tx)
		})
	}
	half := len(records) / 2
	nothing := func(*store.Tx) error { return nil }
	first, err := saveAll(ctx, st, at, records[:half], rejected, save, from, nothing)
	if err != nil {
		return nil, err
	}
	second, err := saveAll(ctx, st, at, records[half:], nil, save, from, with)
	return append(first, second...), err
}

// Run loads what was not loaded yet and then follows every source, until ctx
// ends.
func (r *Copy) Run(ctx context.Context) {
	r.progress.begin()
	r.check(ctx, r.sources.Names()...)
	r.loadFirst(ctx)
	var all sync.WaitGroup
	for _, name := range r.sources.Names() {
		all.Go(func() { r.follow(ctx, name) })
	}
	all.Go(func() { r.register(ctx) })
	all.Go(func() { r.followRoutes(ctx) })
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
}

func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = clock.Start()
}

func (p *progress) set(s sources.Subject, rows, before, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subject, p.rows, p.before, p.total, p.err = s, rows, before, max(total, rows), nil
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

// left is the time the rest will take at the speed so far.
func (p *progress) left() time.Duration {
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
	return fmt.Sprintf("first load: %s, %d of %d rows, %d %%, %s left", p.subject, p.rows, p.total, 100*p.rows/p.total, p.left()), false
}
