package replica

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
)

const (
	loadPage    = 500
	reportEvery = 2 * time.Second
)

// load copies every subject from its source once, in the order in which they
// refer to each other. The place in the source's change feed is taken before
// its first record, so that what changes meanwhile is followed afterwards; the
// place in each subject is saved with its rows, so that a killed load goes on.
func (r *Copy) load(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	if _, done := r.Progress(); !done {
		ctx = store.Quiet(ctx)
	}
	for _, name := range r.sources.Names() {
		if err := r.takePlace(ctx, name); err != nil {
			return err
		}
	}
	var parts []*part
	r.progress.recount()
	for _, k := range kinds {
		s := k.Subject
		for _, name := range r.sources.Copies(s) {
			loads, err := replication.Loads(ctx, r.store, name)
			if err != nil {
				return err
			}
			p := &part{subject: s, source: name, load: loads[string(s)]}
			if p.load.Subject, p.of = string(s), p.load.Rows; !p.load.Done {
				first, err := r.read(ctx, s, name, sources.Query{Limit: 1})
				if err != nil {
					return err
				}
				p.of = max(first.total, p.load.Rows)
			}
			r.progress.expect(p.load.Rows, p.of)
			parts = append(parts, p)
		}
	}
	loaded := false
	for _, wave := range waves {
		side, ctx := errgroup.WithContext(ctx)
		for _, p := range parts {
			if !p.load.Done && slices.ContainsFunc(wave, func(k kind) bool { return k.Subject == p.subject }) {
				loaded = true
				side.Go(func() error { return r.loadPart(ctx, p) })
			}
		}
		if err := side.Wait(); err != nil {
			return err
		}
	}
	if loaded {
		if err := r.store.Analyze(ctx); err != nil {
			return err
		}
		rows, took := r.progress.loaded()
		r.log.InfoContext(ctx, "first load complete", "rows", rows, "took", took.Round(time.Millisecond).String())
	}
	r.progress.finish()
	return nil
}

// part is what a first load takes of one subject from one source.
type part struct {
	subject sources.Subject
	source  string
	load    replication.Load
	of      int // rows, as far as is known
}

// loadPart loads what is left of a part, page by page: the next one is read while one is saved.
func (r *Copy) loadPart(ctx context.Context, p *part) error {
	type answer struct {
		batch
		err error
	}
	read := func(after string) <-chan answer {
		come := make(chan answer, 1)
		go func() {
			b, err := r.read(ctx, p.subject, p.source, sources.Query{After: after, Limit: loadPage})
			come <- answer{b, err}
		}()
		return come
	}
	for next := read(p.load.After); !p.load.Done; {
		b := <-next
		if b.err != nil {
			return b.err
		}
		if p.load.After, p.load.Rows, p.load.Done = b.next, p.load.Rows+b.rows, b.next == ""; !p.load.Done {
			next = read(p.load.After)
		}
		unknown, err := b.save(ctx, r.store, func(tx *store.Tx) error { return replication.SaveLoad(ctx, tx, p.source, p.load) })
		if err != nil {
			return fmt.Errorf("first load: %w", err)
		}
		if len(unknown) > 0 {
			if err := r.store.InTx(ctx, func(tx *store.Tx) error { return replication.RejectRecords(ctx, tx, unknown) }); err != nil {
				return err
			}
		}
		more := max(p.load.Rows-p.of, 0) // a source may count by item what is held by item and warehouse
		p.of += more
		if far, of, left, due := r.progress.add(p.subject, b.rows, more); due {
			r.log.InfoContext(ctx, "first load", "subject", p.subject, "rows", far, "of", of, "percent", 100*far/max(of, 1), "left", left.String())
		}
	}
	return nil
}

// takePlace notes where a source's feed stands, unless it is being followed
// already. A source whose feed has begun anew is loaded anew.
func (r *Copy) takePlace(ctx context.Context, name string) error {
	epoch, position, err := replication.Position(ctx, r.store, name)
	if err != nil {
		return err
	}
	feed, serves, err := r.sources.Changes(ctx, name, position, 1)
	if sources.KindOf(err) == sources.Rejected && position != "" { // a place that the feed does not have
		feed, serves, err = r.sources.Changes(ctx, name, "", 1)
	}
	if err != nil && position != "" {
		return nil // it was loaded before; what it tells comes when it is back
	}
	if err != nil || !serves {
		return err
	}
	if epoch == feed.Epoch {
		return nil
	}
	if epoch != "" {
		r.log.WarnContext(ctx, "the source has a new epoch, loading it again", "source", name)
		if err := replication.BeginReload(ctx, r.store, name); err != nil {
			return err
		}
		if feed, _, err = r.sources.Changes(ctx, name, "", 1); err != nil {
			return err
		}
	}
	return r.store.Confirm(ctx, name, feed.Epoch, feed.Next, time.Unix(0, 0))
}
