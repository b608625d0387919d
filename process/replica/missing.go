package replica

import (
	"context"
	"slices"

	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/trade/clock"
	"portico/trade/operating"
)

// findUnknown looks for records that only the source has, where it says that it
// has another number of them than was compared. Those of a copy's own source are
// read; what stays unknown, or is a shadow's, is a difference.
func (r *Copy) findUnknown(ctx context.Context, s sources.Subject, c replication.Comparison, now *run) error {
	first, err := r.read(ctx, s, c.Instance, sources.Query{Limit: 1})
	if err != nil || first.total == now.Reported.Count {
		return err
	}
	for q := (sources.Query{Limit: comparePage}); ; {
		b, err := r.read(ctx, s, c.Instance, q)
		if err != nil {
			return err
		}
		theirs, err := keyed(b)
		if err != nil {
			return err
		}
		unknown, err := r.unheld(ctx, c, theirs)
		if err == nil && len(unknown) > 0 && c.Held == c.Instance {
			now.Corrected += len(unknown)
			if err = r.rereadRecords(ctx, s, c.Instance, refsOf(unknown)); err == nil {
				unknown, err = r.unheld(ctx, c, unknown)
				now.Corrected -= len(unknown)
			}
		}
		if err != nil {
			return err
		}
		var found []operating.Difference
		for key, t := range unknown {
			now.Reported.add(s, t.says)
			found = append(found, operating.Difference{Key: key, SourceValue: &isThere})
		}
		if err := r.store.InTx(ctx, func(tx *store.Tx) error { return replication.FileDifferences(ctx, tx, c, nil, found) }); err != nil {
			return err
		}
		if q.After = b.next; q.After == "" {
			return nil
		}
		if err := clock.Pause(ctx, leastPause); err != nil {
			return err
		}
	}
}

// unheld are those records that are not held.
func (r *Copy) unheld(ctx context.Context, c replication.Comparison, theirs map[string]reportedRecord) (map[string]reportedRecord, error) {
	held, err := replication.HeldOf(ctx, r.store, c.Subject, c.Held, refsOf(theirs))
	rest := make(map[string]reportedRecord, len(theirs))
	for key, t := range theirs {
		if !slices.ContainsFunc(held, func(h replication.Held) bool { return h.Key == key }) {
			rest[key] = t
		}
	}
	return rest, err
}

func refsOf(all map[string]reportedRecord) (refs []string) {
	for _, t := range all {
		refs = append(refs, t.ref)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// removeMissing removes records that their own source has no more, after it was
// asked once more. Where these are too many at once it is more likely that we are
// shown too little: then they stay, and are differences.
func (r *Copy) removeMissing(ctx context.Context, s sources.Subject, c replication.Comparison, now *run) error {
	if c.Held != c.Instance || len(now.Missing) == 0 {
		return nil
	}
	if most := r.sources.Removable(c.Instance); len(now.Missing)*100 > now.Held.Count*most && len(now.Missing) > fewMissing {
		r.log.ErrorContext(ctx, "a source has lost many records at once: none is removed. Look what it shows the user that Portico signs in "+
			"as; to let "+
			"them go, raise limits.remove of this source",
			"source", c.Instance, "subject", c.Subject, "records", len(now.Missing), "of", now.Held.Count, "most_percent", most)
		return nil
	}
	keys := make([]string, 0, len(now.Missing))
	for key := range now.Missing {
		keys = append(keys, key)
	}
	for some := range slices.Chunk(keys, comparePage) {
		refs := make([]string, len(some))
		for i, key := range some {
			refs[i] = now.Missing[key]
		}
		answer, theirs, err := r.ask(ctx, s, c, refs)
		if err != nil {
			return err
		}
		some = slices.DeleteFunc(some, func(key string) bool {
			_, there := theirs[key]
			return there || slices.Contains(answer.unread, now.Missing[key])
		})
		gone, err := replication.RemoveHeld(ctx, r.store, c.Subject, c.Instance, refs, some)
		if err != nil {
			return err
		}
		if gone > 0 {
			r.log.InfoContext(ctx, "records that their source has no more were removed", "subject", c.Subject, "source", c.Instance, "records",
				gone, "kept",
				len(some)-gone)
		}
		held, err := replication.HeldOf(ctx, r.store, c.Subject, c.Held, refs)
		if err != nil {
			return err
		}
		some = slices.DeleteFunc(some, func(key string) bool {
			return slices.ContainsFunc(held, func(h replication.Held) bool { return h.Key == key })
		})
		if err := r.store.InTx(ctx, func(tx *store.Tx) error { return replication.FileDifferences(ctx, tx, c, some, nil) }); err != nil {
			return err
		}
		now.Held.Count -= gone
	}
	return nil
}

const (
	fewMissing  = 10     // that may always be removed
	mostMissing = 10_000 // that are removed by one comparison; the next one finds the rest
)

func (n *run) miss(key, ref string) {
	if n.Missing == nil {
		n.Missing = map[string]string{}
	}
	if len(n.Missing) < mostMissing {
		n.Missing[key] = ref
	}
}

// report is what is told of a comparison.
func (n *run) report() operating.Reconciliation {
	return operating.Reconciliation{
		Count: n.Held.Count, SourceCount: n.Reported.Count, Totals: n.Held.totals(), SourceTotals: n.Reported.totals(),
		Quantities: n.Held.quantities(), SourceQuantities: n.Reported.quantities(),
	}
}
