package replica

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records/replication"
	"portico/trade/clock"
	"portico/trade/operating"
)

const (
	// compareEvery is the pause between two comparisons of a capability with its
	// shadow, and comparePage for how many references they are made at a time.
	compareEvery = 10 * time.Second
	comparePage  = 100
	// settle is for how long a process runs before it looks what a source has that
	// its feed did not tell: by then the feed has been read on.
	settle = 30 * time.Second
	// comparePause is the longest pause between two looks whether a comparison is due.
	comparePause = 30 * time.Second
	// pace is how many times as long as a page took the pause after it is, for a source
	// has other things to do; at least leastPause, and at most a hundredth of the time
	// between two comparisons or mostPause.
	pace                  = 3
	leastPause, mostPause = 20 * time.Millisecond, 2 * time.Second
)

var (
	comparedRecords = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_reconciliation_records", Help: "Records in the latest comparison, by side: held by Portico, or reported by the source.",
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
	Began     time.Time         `json:"Began"`
	Held      tally             `json:"Held"`
	Reported  tally             `json:"Told"`
	Missing   map[string]string `json:"Missing"` // references by the keys of what the source has no more
	Corrected int               `json:"Mended"`  // records that were older here than in their source
}

// reconcile compares what is held with what its own sources say, or else with the
// shadows of capabilities that move, until ctx ends.
func (r *Copy) reconcile(ctx context.Context, own bool) {
	began, next := r.now(), map[replication.Comparison]time.Time{}
	rest := map[string]time.Time{} // a source that fails is left alone for a while
	loop := clock.Loop{Task: "comparison", Every: time.Second, Late: true, Log: r.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		for _, k := range kinds {
			for _, c := range r.comparisons(k.Subject) {
				every := clock.Paced(compareEvery)
				if own {
					every = r.sources.Reconcile(c.Instance)
				}
				now := r.now()
				if own != (c.Held == c.Instance) || now.Before(rest[c.Instance]) || now.Before(next[c]) || own &&
					now.Sub(began) < min(clock.Paced(settle), every) {
					continue
				}
				err := r.compare(ctx, k.Subject, c, every)
				if kind := sources.KindOf(err); err != nil && ctx.Err() == nil {
					rest[c.Instance] = r.now().Add(clock.Paced(comparePause))
					r.log.WarnContext(ctx, "a comparison was cut short, and goes on later", "subject", k.Subject, "source", c.Instance,
						"kind", kind.String(), "err", err)
				}
				next[c] = r.now().Add(min(every/4, clock.Paced(comparePause)))
			}
		}
		return nil // each source has its own failures
	}))
}

// comparisons are what a subject is compared with: each copy with its own source,
// and what is shown with the shadow, unless the two share the records out.
func (r *Copy) comparisons(s sources.Subject) (all []replication.Comparison) {
	if !replication.Holds(string(s)) {
		return nil
	}
	c := replication.Comparison{Capability: sources.CapabilityOf(s), Subject: string(s)}
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

// consistency is what a comparison says of measures: how many records were the same, and of stock how many
// figures were right as they were shown, those that were mended being wrong until then.
func consistency(c replication.Comparison, now run, different int, at time.Time) (all []operatingstore.Tally) {
	cases := int64(max(now.Held.Count, now.Reported.Count))
	if cases == 0 {
		return nil
	}
	subject := c.Subject + "/" + c.Held + "/" + c.Instance + "/" + now.Began.UTC().Format(time.RFC3339)
	right := max(cases-int64(different)-int64(now.Corrected), 0)
	all = append(all, operatingstore.Tally{
		Measure: operating.CrossSystemConsistency, Subject: subject, Key: c.Subject, At: at, Cases: cases,
		Hits: right,
	})
	if c.Subject == string(sources.OfStock) {
		all = append(all, operatingstore.Tally{
			Measure: operating.InventoryAccuracy, Subject: subject, Key: c.Instance, At: at, Cases: cases,
			Hits: right,
		})
	}
	return all
}

// compare makes one comparison, page by page, if it is due.
func (r *Copy) compare(ctx context.Context, s sources.Subject, c replication.Comparison, every time.Duration) error {
	loads, err := replication.Loads(ctx, r.store, c.Held)
	if err != nil || !loads[c.Subject].Done {
		return err
	}
	after, saved, began, due, err := replication.ClaimComparison(ctx, r.store, c, every)
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
		page := clock.Start()
		held, next, err := replication.HeldAfter(ctx, r.store, c.Subject, c.Held, after, comparePage)
		if err != nil {
			return err
		}
		if err := r.comparePage(ctx, s, c, &now, held, next); err != nil {
			return err
		}
		if after = next; next == "" {
			break
		}
		if err := clock.Pause(ctx, max(min(pace*page.Elapsed(), every/100, mostPause), leastPause)); err != nil {
			return err
		}
	}
	if err := r.findUnknown(ctx, s, c, &now); err != nil {
		return err
	}
	if err := r.removeMissing(ctx, s, c, &now); err != nil {
		return err
	}
	var left, different int
	err = r.store.InTx(ctx, func(tx *store.Tx) (err error) {
		if left, different, err = replication.EndComparison(ctx, tx, c, now.Began, now.report()); err != nil {
			return err
		}
		return operatingstore.KeepTallies(ctx, tx, consistency(c, now, different, r.now()))
	})
	if err != nil {
		return err
	}
	comparedRecords.WithLabelValues(c.Subject, c.Held, c.Instance, "portico").Set(float64(now.Held.Count))
	comparedRecords.WithLabelValues(c.Subject, c.Held, c.Instance, "source").Set(float64(now.Reported.Count))
	comparedDifferences.WithLabelValues(c.Subject, c.Held, c.Instance).Set(float64(left))
	if now.Corrected > 0 {
		r.log.InfoContext(ctx, "records that the feed did not report were reread", "subject", c.Subject, "source", c.Instance, "records",
			now.Corrected)
	}
	return nil
}
