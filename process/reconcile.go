package process

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"portico/sources"
	"portico/store"
	"portico/trade"
)

const (
	// compareEvery is the pause between two comparisons of a capability with its
	// shadow, and comparePage for how many references they are made at a time.
	compareEvery = 10 * time.Second
	comparePage  = 100
	// settle is for how long a process runs before it looks what a source has that
	// its feed did not tell: by then the feed has been read on.
	settle = 30 * time.Second
	// lookAgain is the longest pause between two looks whether a comparison is due.
	lookAgain = 30 * time.Second
	// pace is how many times as long as a page took the pause after it is, for a source
	// has other things to do; at least leastPause, and at most a hundredth of the time
	// between two comparisons or mostPause.
	pace                  = 3
	leastPause, mostPause = 20 * time.Millisecond, 2 * time.Second
)

var (
	comparedRecords = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_reconciliation_records", Help: "Records in the latest comparison, by side: held by Portico, or told by the source.",
	}, []string{"subject", "held_from", "source", "side"})
	comparedDifferences = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_reconciliation_differences", Help: "Differences found by the latest comparison.",
	}, []string{"subject", "held_from", "source"})
)

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector {
	return []prometheus.Collector{comparedRecords, comparedDifferences}
}

// run is how far a comparison has come. It is kept with every page, so that
// another process can go on with it.
type run struct {
	Began      time.Time
	Held, Told tally
	Missing    map[string]string // references by the keys of what the source has no more
	Mended     int               // records that were older here than in their source
}

// reconcile compares what is held with what its own sources say, or else with the
// shadows of capabilities that move, until ctx ends.
func (r *Replica) reconcile(ctx context.Context, own bool) {
	began, next := time.Now(), map[store.Comparison]time.Time{}
	rest := map[string]time.Time{} // a source that fails is left alone for a while
	for pause(ctx, time.Second) == nil {
		for _, s := range sources.Subjects() {
			for _, c := range r.comparisons(s) {
				every := compareEvery
				if own {
					every = r.sources.Reconcile(c.Instance)
				}
				if own != (c.Held == c.Instance) || time.Now().Before(rest[c.Instance]) || time.Now().Before(next[c]) || own && time.Since(began) < min(settle, every) {
					continue
				}
				err := r.compare(ctx, s, c, every)
				if kind := sources.KindOf(err); err != nil && ctx.Err() == nil {
					rest[c.Instance] = time.Now().Add(lookAgain)
					r.log.Warn("a comparison was cut short, and goes on later", "subject", s, "source", c.Instance, "kind", kind.String(), "err", err)
				}
				next[c] = time.Now().Add(min(every/4, lookAgain))
			}
		}
	}
}

// comparisons are what a subject is compared with: each copy with its own source,
// and what is shown with the shadow, unless the two share the records out.
func (r *Replica) comparisons(s sources.Subject) (all []store.Comparison) {
	if !store.Holds(string(s)) {
		return nil
	}
	c := store.Comparison{Capability: sources.CapabilityOf(s), Subject: string(s)}
	for _, name := range r.sources.Copies(s) {
		c.Held, c.Instance = name, name
		all = append(all, c)
	}
	if shadow := r.sources.Shadow(s); shadow != "" && !r.sources.Mixed(s) {
		c.Held, c.Instance = r.sources.Serving(s, ""), shadow
		all = append(all, c)
	}
	return all
}

// compare makes one comparison, page by page, if it is due.
func (r *Replica) compare(ctx context.Context, s sources.Subject, c store.Comparison, every time.Duration) error {
	loads, err := r.store.Loads(ctx, c.Held)
	if err != nil || !loads[c.Subject].Done {
		return err
	}
	after, saved, began, due, err := r.store.ClaimComparison(ctx, c, every)
	if err != nil || !due {
		return err
	}
	now := run{Began: began}
	if after != "" {
		if err := json.Unmarshal(saved, &now); err != nil {
			return fmt.Errorf("comparison: %w", err)
		}
	}
	for {
		began := time.Now()
		held, next, err := r.store.Held(ctx, c.Subject, c.Held, after, comparePage)
		if err != nil {
			return err
		}
		if err := r.comparePage(ctx, s, c, &now, held, next); err != nil {
			return err
		}
		if after = next; next == "" {
			break
		}
		if err := pause(ctx, max(min(pace*time.Since(began), every/100, mostPause), leastPause)); err != nil {
			return err
		}
	}
	if err := r.findUnknown(ctx, s, c, &now); err != nil {
		return err
	}
	if err := r.removeMissing(ctx, s, c, &now); err != nil {
		return err
	}
	var left int
	err = r.store.InTx(ctx, func(tx *sqlx.Tx) (err error) {
		left, err = r.store.EndComparison(ctx, tx, c, now.Began, now.report())
		return err
	})
	if err != nil {
		return err
	}
	comparedRecords.WithLabelValues(c.Subject, c.Held, c.Instance, "portico").Set(float64(now.Held.Count))
	comparedRecords.WithLabelValues(c.Subject, c.Held, c.Instance, "source").Set(float64(now.Told.Count))
	comparedDifferences.WithLabelValues(c.Subject, c.Held, c.Instance).Set(float64(left))
	if now.Mended > 0 {
		r.log.Info("records that the feed did not tell were read again", "subject", c.Subject, "source", c.Instance, "records", now.Mended)
	}
	return nil
}

// comparePage compares records that are held with what the source says of them.
// What is older here than in its own source is not a difference but news: it is
// read again, and so is what differs.
func (r *Replica) comparePage(ctx context.Context, s sources.Subject, c store.Comparison, now *run, held []store.Held, next string) error {
	var refs, keys, again []string
	for _, h := range held {
		refs = append(refs, h.Ref)
	}
	slices.Sort(refs)
	answer, theirs, err := r.ask(ctx, s, c, slices.Compact(refs))
	if err != nil {
		return err
	}
	own := c.Held == c.Instance
	var found []trade.Difference
	for _, h := range held {
		ours, err := says(h.Says)
		if err != nil {
			return fmt.Errorf("%s %s: %w", c.Subject, h.Key, err)
		}
		now.Held.add(s, ours)
		keys = append(keys, h.Key)
		t, there := theirs[h.Key]
		switch {
		case !there && slices.Contains(answer.unread, h.Ref):
		case !there:
			found = append(found, trade.Difference{Key: h.Key, Value: &isThere})
			now.miss(h.Key, h.Ref)
		default:
			now.Told.add(s, t.says)
			different := differences(h.Key, flat(ours), flat(t.says), own)
			switch {
			case !own || t.sequence == h.Sequence:
				found = append(found, different...)
			case t.sequence > h.Sequence && len(different) > 0:
				now.Mended++
			}
			if own && t.sequence >= h.Sequence && len(different) > 0 {
				again = append(again, h.Ref)
			}
		}
	}
	if len(again) > 0 {
		if err := r.readAgain(ctx, s, c.Instance, again); err != nil {
			return err
		}
	}
	sums, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("comparison: %w", err)
	}
	return r.store.InTx(ctx, func(tx *sqlx.Tx) error {
		if err := r.store.FileDifferences(ctx, tx, c, keys, found); err != nil {
			return err
		}
		return r.store.SaveComparison(ctx, tx, c, next, sums)
	})
}

// isThere is the value of a record that is missing on the other side.
var isThere = "there"

// ask reads what a source says under references, by natural key.
func (r *Replica) ask(ctx context.Context, s sources.Subject, c store.Comparison, refs []string) (batch, map[string]told, error) {
	if len(refs) == 0 {
		return batch{}, nil, nil
	}
	answer, err := r.subjects[s].fetch(ctx, c.Instance, sources.Query{Refs: refs})
	if err != nil {
		return answer, nil, err
	}
	byKey, err := keyed(answer)
	return answer, byKey, err
}

func keyed(b batch) (map[string]told, error) {
	all, err := b.told()
	byKey := make(map[string]told, len(all))
	for _, t := range all {
		byKey[t.key] = t
	}
	return byKey, err
}

// readAgain reads records and saves them.
func (r *Replica) readAgain(ctx context.Context, s sources.Subject, source string, refs []string) error {
	b, err := r.subjects[s].fetch(ctx, source, sources.Query{Refs: refs})
	if err != nil {
		return err
	}
	unknown, err := b.save(ctx, r.store, func(*sqlx.Tx) error { return nil })
	if err != nil || len(unknown) == 0 {
		return err
	}
	return r.store.InTx(ctx, func(tx *sqlx.Tx) error { return r.store.Reject(ctx, tx, unknown) })
}

// findUnknown looks for records that only the source has, where it says that it
// has another number of them than was compared. Those of a copy's own source are
// read; what stays unknown, or is a shadow's, is a difference.
func (r *Replica) findUnknown(ctx context.Context, s sources.Subject, c store.Comparison, now *run) error {
	first, err := r.subjects[s].fetch(ctx, c.Instance, sources.Query{Limit: 1})
	if err != nil || first.total == now.Told.Count {
		return err
	}
	for q := (sources.Query{Limit: comparePage}); ; {
		b, err := r.subjects[s].fetch(ctx, c.Instance, q)
		if err != nil {
			return err
		}
		theirs, err := keyed(b)
		if err != nil {
			return err
		}
		unknown, err := r.unheld(ctx, c, theirs)
		if err == nil && len(unknown) > 0 && c.Held == c.Instance {
			now.Mended += len(unknown)
			if err = r.readAgain(ctx, s, c.Instance, refsOf(unknown)); err == nil {
				unknown, err = r.unheld(ctx, c, unknown)
				now.Mended -= len(unknown)
			}
		}
		if err != nil {
			return err
		}
		var found []trade.Difference
		for key, t := range unknown {
			now.Told.add(s, t.says)
			found = append(found, trade.Difference{Key: key, SourceValue: &isThere})
		}
		if err := r.store.InTx(ctx, func(tx *sqlx.Tx) error { return r.store.FileDifferences(ctx, tx, c, nil, found) }); err != nil {
			return err
		}
		if q.After = b.next; q.After == "" {
			return nil
		}
		if err := pause(ctx, leastPause); err != nil {
			return err
		}
	}
}

// unheld are those records that are not held.
func (r *Replica) unheld(ctx context.Context, c store.Comparison, theirs map[string]told) (map[string]told, error) {
	held, err := r.store.HeldOf(ctx, c.Subject, c.Held, refsOf(theirs))
	rest := make(map[string]told, len(theirs))
	for key, t := range theirs {
		if !slices.ContainsFunc(held, func(h store.Held) bool { return h.Key == key }) {
			rest[key] = t
		}
	}
	return rest, err
}

func refsOf(all map[string]told) (refs []string) {
	for _, t := range all {
		refs = append(refs, t.ref)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// removeMissing removes records that their own source has no more, after it was
// asked once more. Where these are too many at once it is more likely that we are
// shown too little: then they stay, and are differences.
func (r *Replica) removeMissing(ctx context.Context, s sources.Subject, c store.Comparison, now *run) error {
	if c.Held != c.Instance || len(now.Missing) == 0 {
		return nil
	}
	if most := r.sources.Removable(c.Instance); len(now.Missing)*100 > now.Held.Count*most && len(now.Missing) > fewMissing {
		r.log.Error("a source has lost many records at once: none is removed. Look what it shows the user that Portico signs in as; to let them go, raise limits.remove of this source",
			"source", c.Instance, "subject", c.Subject, "records", len(now.Missing), "of", now.Held.Count, "limits.remove", most)
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
		gone, err := r.store.Remove(ctx, c.Subject, c.Instance, refs, some)
		if err != nil {
			return err
		}
		if gone > 0 {
			r.log.Info("records that their source has no more were removed", "subject", c.Subject, "source", c.Instance, "records", gone, "referred to and kept", len(some)-gone)
		}
		held, err := r.store.HeldOf(ctx, c.Subject, c.Held, refs)
		if err != nil {
			return err
		}
		some = slices.DeleteFunc(some, func(key string) bool {
			return slices.ContainsFunc(held, func(h store.Held) bool { return h.Key == key })
		})
		if err := r.store.InTx(ctx, func(tx *sqlx.Tx) error { return r.store.FileDifferences(ctx, tx, c, some, nil) }); err != nil {
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
func (n *run) report() trade.Reconciliation {
	return trade.Reconciliation{
		Count: n.Held.Count, SourceCount: n.Told.Count, Totals: n.Held.totals(), SourceTotals: n.Told.totals(),
		Quantities: n.Held.quantities(), SourceQuantities: n.Told.quantities(),
	}
}
