// Package process holds what must happen between the systems and the store:
// one file per business flow.
package process

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"portico/sources"
	"portico/store"
	"portico/trade"
)

// Replica keeps the store a copy of the sources: it loads each once, and then
// follows what they say has changed.
type Replica struct {
	store    *store.Store
	sources  *sources.Set
	log      *slog.Logger
	subjects map[sources.Subject]subject
	progress progress
	found    sync.Map   // what the last check of each source found, as text
	loading  sync.Mutex // sources that begin anew together are loaded once, not against each other
}

// NewReplica makes a replica; Run sets it to work.
func NewReplica(st *store.Store, set *sources.Set, log *slog.Logger) *Replica {
	r := &Replica{store: st, sources: set, log: log}
	r.subjects = map[sources.Subject]subject{
		sources.OfWarehouses:     copying(set.Warehouses, st.SaveWarehouses, func(x *trade.Warehouse) *trade.Provenance { return &x.Provenance }),
		sources.OfCategories:     copying(set.Categories, st.SaveCategories, func(x *trade.Category) *trade.Provenance { return &x.Provenance }),
		sources.OfSuppliers:      copying(set.Suppliers, st.SaveSuppliers, func(x *trade.TradingPartner) *trade.Provenance { return &x.Provenance }),
		sources.OfAccounts:       copying(set.Accounts, st.SaveAccounts, (*trade.Account).From),
		sources.OfCalendars:      copying(set.Calendars, st.SaveCalendars, func(x *trade.Calendar) *trade.Provenance { return &x.Provenance }),
		sources.OfCredit:         copying(set.Credit, st.SaveCredit, (*trade.CreditPosition).From),
		sources.OfItems:          copying(set.Items, st.SaveItems, (*trade.Item).From),
		sources.OfContracts:      copying(set.Contracts, st.SaveContracts, func(x *trade.Contract) *trade.Provenance { return &x.Provenance }),
		sources.OfStock:          copying(set.Stock, st.SaveStock, func(x *trade.Stock) *trade.Provenance { return &x.Provenance }),
		sources.OfOrders:         copying(set.Orders, st.SaveOrders, (*trade.Order).From),
		sources.OfPurchaseOrders: copying(set.PurchaseOrders, st.SavePurchaseOrders, (*trade.PurchaseOrder).From),
		sources.OfShipments:      copying(set.Shipments, st.SaveShipments, (*trade.Shipment).From),
		sources.OfTracking:       copying(set.Tracking, st.SaveTracking, func(x *trade.Tracking) *trade.Provenance { return &x.Provenance }),
		sources.OfInvoices:       copying(set.Invoices, st.SaveInvoices, (*trade.Invoice).From),
		sources.OfReturns:        copying(set.Returns, st.SaveReturns, (*trade.Return).From),
	}
	return r
}

// subject is how one kind of record gets from its source into the store.
type subject struct {
	// fetch asks the source and returns what to do with its answer.
	fetch func(ctx context.Context, q sources.Query) (batch, error)
}

// batch is a source's answer, ready to be saved.
type batch struct {
	rows  int
	next  string
	total int
	// save saves the batch in transactions of its own, the last of which also
	// runs with; it returns the references that name something unknown.
	save func(ctx context.Context, st *store.Store, with func(*sqlx.Tx) error) (unknown []trade.RejectedRecord, err error)
}

func copying[T any](
	fetch func(context.Context, sources.Query) (sources.Page[T], error),
	save func(context.Context, *sqlx.Tx, []T) ([]trade.RejectedRecord, error),
	from func(*T) *trade.Provenance,
) subject {
	return subject{fetch: func(ctx context.Context, q sources.Query) (batch, error) {
		page, err := fetch(ctx, q)
		if err != nil {
			return batch{}, err
		}
		b := batch{rows: len(page.Records) + len(page.Rejected), next: page.Next, total: page.Total}
		b.save = func(ctx context.Context, st *store.Store, with func(*sqlx.Tx) error) ([]trade.RejectedRecord, error) {
			return saveAll(ctx, st, page.Records, page.Rejected, save, from, with)
		}
		return b, nil
	}}
}

// saveAll saves records together. When the database refuses one of them, it
// halves the batch until the bad one stands alone, sets that one aside and
// keeps the rest.
func saveAll[T any](ctx context.Context, st *store.Store, records []T, rejected []trade.RejectedRecord,
	save func(context.Context, *sqlx.Tx, []T) ([]trade.RejectedRecord, error), from func(*T) *trade.Provenance, with func(*sqlx.Tx) error,
) (unknown []trade.RejectedRecord, err error) {
	err = st.InTx(ctx, func(tx *sqlx.Tx) error {
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
		if err := st.Accept(ctx, tx, instance, refs); err != nil {
			return err
		}
		if err := st.Reject(ctx, tx, rejected); err != nil {
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
		bad := trade.RejectedRecord{Instance: p.Instance, Kind: "record", SourceRef: p.SourceRef, Reason: reason, At: time.Now()}
		return nil, st.InTx(ctx, func(tx *sqlx.Tx) error {
			if err := st.Reject(ctx, tx, append(rejected, bad)); err != nil {
				return err
			}
			return with(tx)
		})
	}
	half := len(records) / 2
	nothing := func(*sqlx.Tx) error { return nil }
	first, err := saveAll(ctx, st, records[:half], rejected, save, from, nothing)
	if err != nil {
		return nil, err
	}
	second, err := saveAll(ctx, st, records[half:], nil, save, from, with)
	return append(first, second...), err
}

// Run loads what was not loaded yet and then follows every source, until ctx
// ends.
func (r *Replica) Run(ctx context.Context) {
	r.progress.begin()
	r.check(ctx, r.sources.Names()...)
	for !r.tryLoad(ctx) && pause(ctx, time.Second) == nil {
		r.check(ctx, r.unwell()...)
	}
	var all sync.WaitGroup
	for _, name := range r.sources.Names() {
		all.Go(func() { r.follow(ctx, name) })
	}
	all.Go(func() { r.register(ctx) })
	all.Wait()
}

// Progress says how the first load stands; done is true when it is complete.
func (r *Replica) Progress() (text string, done bool) { return r.progress.text() }

func (r *Replica) tryLoad(ctx context.Context) bool {
	err := r.load(ctx)
	if err != nil && ctx.Err() == nil {
		r.progress.fail(err)
		r.log.Warn("first load stopped, trying again", "err", err)
	}
	return err == nil
}

// unwell are the sources that are not up.
func (r *Replica) unwell() (names []string) {
	for _, h := range r.sources.Health() {
		if h.State != trade.SourceUp {
			names = append(names, h.Instance)
		}
	}
	return names
}

// check looks whether sources are fit to be used. What is wrong stands in their
// health, and is logged when it is new.
func (r *Replica) check(ctx context.Context, names ...string) {
	for _, name := range names {
		err := r.sources.Check(ctx, name)
		text := ""
		if err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		if before, _ := r.found.Swap(name, text); text != "" && before != text {
			r.log.Warn("a source cannot be used", "source", name, "kind", sources.KindOf(err).String(), "err", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// progress is the state of the first load.
type progress struct {
	mu          sync.Mutex
	started     time.Time
	rows, total int
	before      int // rows that an earlier run had loaded
	subject     sources.Subject
	err         error
	done        bool
}

func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = time.Now()
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
	return (time.Since(p.started) / time.Duration(loaded) * time.Duration(p.total-p.rows)).Round(time.Second)
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
