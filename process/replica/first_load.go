package replica

import (
	"context"
	"fmt"
	"time"

	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/trade/clock"
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
	type todo struct {
		subject sources.Subject
		source  string
		load    replication.Load
		of      int // rows, as far as is known
	}
	var list []todo
	rows, total := 0, 0
	for _, k := range kinds {
		s := k.Subject
		for _, name := range r.sources.Copies(s) {
			loads, err := replication.Loads(ctx, r.store, name)
			if err != nil {
				return err
			}
			l := loads[string(s)]
			l.Subject = string(s)
			rows += l.Rows
			if l.Done {
				total += l.Rows
				continue
			}
			first, err := r.read(ctx, s, name, sources.Query{Limit: 1})
			if err != nil {
				return err
			}
			t := todo{s, name, l, max(first.total, l.Rows)}
			total += t.of
			list = append(list, t)
		}
	}
	before, reported := rows, clock.Start()
	for _, t := range list {
		for !t.load.Done {
			b, err := r.read(ctx, t.subject, t.source, sources.Query{After: t.load.After, Limit: loadPage})
			if err != nil {
				return err
			}
			t.load.After, t.load.Rows, t.load.Done = b.next, t.load.Rows+b.rows, b.next == ""
			unknown, err := b.save(ctx, r.store, func(tx *store.Tx) error { return replication.SaveLoad(ctx, tx, t.source, t.load) })
			if err != nil {
				return fmt.Errorf("first load: %w", err)
			}
			if err := r.store.InTx(ctx, func(tx *store.Tx) error { return replication.RejectRecords(ctx, tx, unknown) }); err != nil {
				return err
			}
			rows += b.rows
			if more := t.load.Rows - t.of; more > 0 { // a source may count by item what is held by item and warehouse
				t.of, total = t.load.Rows, total+more
			}
			r.progress.set(t.subject, rows, before, total)
			if reported.Elapsed() > reportEvery {
				reported = clock.Start()
				r.log.InfoContext(ctx, "first load", "subject", t.subject, "rows", rows, "of", total, "percent", 100*rows/max(total, 1), "left",
					r.progress.remaining().String())
			}
		}
	}
	if len(list) > 0 {
		if err := r.store.Analyze(ctx); err != nil {
			return err
		}
		r.log.InfoContext(ctx, "first load complete", "rows", rows, "took", r.progress.running.Elapsed().Round(time.Millisecond).String())
	}
	r.progress.finish()
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
