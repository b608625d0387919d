package durable

import (
	"context"
	"maps"
	"slices"

	"portico/store"
	"portico/store/ledger"
)

// sweep wakes workers for operations that are due and that nobody is at or about to be. Where all
// workers of a source are busy, more would be of no use.
func (e *Engine) sweep(ctx context.Context) error {
	var idle []string
	for _, s := range e.sources {
		if _, wait := e.paused(s); e.busy[s].Load() < workers && wait <= 0 {
			idle = append(idle, s)
		}
	}
	if idle == nil {
		return nil
	}
	e.mu.Lock()
	taken := slices.Collect(maps.Keys(e.taken))
	e.mu.Unlock()
	var orphans []ledger.Turn
	err := e.store.InTx(ctx, func(tx *store.Tx) (err error) {
		if orphans, err = ledger.Orphans(ctx, tx, idle, taken); err != nil {
			return err
		}
		for _, o := range orphans {
			if err := e.enqueue(ctx, tx, o.ID, o.Source); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Others are merely next, and their job has not come yet.
	if abandoned := slices.DeleteFunc(orphans, func(o ledger.Turn) bool { return !o.Abandoned }); len(abandoned) > 0 {
		e.log.InfoContext(ctx, "operations taken up again", "operations", len(abandoned))
	}
	return nil
}

// remove removes what is kept no longer.
func (e *Engine) remove(ctx context.Context) error {
	now, err := e.store.Now(ctx) // the database's clock, by which they ended: a process whose clock is wrong removes nothing too early
	if err != nil {
		return err
	}
	removed := 0
	defer func() {
		if removed > 0 {
			e.log.InfoContext(ctx, "operations and keys that are kept no longer were removed", "records", removed)
		}
	}()
	for more := true; more; {
		n, left, err := ledger.RemoveOperations(ctx, e.store, now.Add(-e.keep), removeAtOnce)
		if removed, more = removed+n, left; err != nil {
			return err
		}
	}
	return nil
}
