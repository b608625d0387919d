package watch

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/process/durable"
	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

const (
	measureEvery  = time.Second
	measureAtOnce = 1000           // changes
	measureWhole  = 24 * time.Hour // what is loaded at once is in no log
	tallyEvery    = 10 * time.Second
)

var (
	measureSeconds = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_measure_p95_seconds", Help: "95th percentile of a business measure over its objective's time.",
	}, []string{"measure", "objective"})
	measurePercent = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_measure_percent", Help: "Percentage of a business measure over its objective's time.",
	}, []string{"measure", "objective"})
	measureCases = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_measure_cases", Help: "Cases that a business measure was made of over its objective's time.",
	}, []string{"measure", "objective"})
	objectiveMet = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_objective_met", Help: "1 where an objective is kept, 0 where it is missed.",
	}, []string{"measure", "objective"})
)

func noteMeasure(o *operating.Objective, r *operating.MeasureResult) {
	labels := []string{string(o.Measure), o.Name}
	measureCases.WithLabelValues(labels...).Set(float64(r.Samples))
	if r.P95 != nil {
		measureSeconds.WithLabelValues(labels...).Set(r.P95.Seconds())
	}
	if r.Percent != nil {
		measurePercent.WithLabelValues(labels...).Set(r.Percent.InexactFloat64())
	}
	objectiveMet.WithLabelValues(labels...).Set(number(o.Met(r)))
}

// Measures keep the cases that business measures are made of as they come.
type Measures struct {
	store   *store.Store
	sources *sources.Set
	now     func() time.Time
	log     *slog.Logger
	loaded  func() bool // whether what there is was loaded once
	process string
	counted map[string]sources.Calls // that are kept
}

// NewMeasures makes them.
func NewMeasures(st *store.Store, set *sources.Set, loaded func() bool, now func() time.Time, log *slog.Logger) *Measures {
	return &Measures{st, set, now, log, loaded, durable.NewID(""), nil}
}

// Run measures until ctx ends. Any number of processes may: one looks through the log at a time.
func (m *Measures) Run(ctx context.Context) {
	var tallied time.Time
	loop := clock.Loop{Task: "measures", Every: measureEvery, Late: true, Log: m.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		if err := m.measure(ctx); err != nil || m.now().Sub(tallied) < clock.Paced(tallyEvery) {
			return err
		}
		tallied = m.now()
		return m.tally(ctx, tallied)
	}))
}

// measure looks through what changed since it was done last.
func (m *Measures) measure(ctx context.Context) error {
	if !m.loaded() {
		return nil
	}
	for more := true; more; {
		err := m.store.InTx(ctx, func(tx *store.Tx) error {
			more = false
			at, ok, err := operatingstore.HoldMeasuring(ctx, tx)
			if err != nil || !ok {
				return err
			}
			if at.Place == nil || at.WholeAt == nil || m.now().Sub(*at.WholeAt) > measureWhole {
				end, err := operatingstore.LogEnd(ctx, m.store)
				if err != nil {
					return err
				}
				if err := operatingstore.MeasureCases(ctx, tx, nil); err != nil {
					return err
				}
				return operatingstore.MoveMeasuring(ctx, tx, end, true)
			}
			changes, err := operatingstore.Changes(ctx, m.store, *at.Place, measureAtOnce)
			if err != nil || len(changes) == 0 {
				return err
			}
			more = len(changes) == measureAtOnce
			if err := operatingstore.MeasureCases(ctx, tx, changedOf(changes)); err != nil {
				return err
			}
			return operatingstore.MoveMeasuring(ctx, tx, changes[len(changes)-1].Place, false)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// changedOf are the ids of what changed, by topic; what happens to a shipment happens to its orders
// and purchase orders.
func changedOf(changes []trade.Change) map[trade.Topic][]string {
	all, seen := map[trade.Topic][]string{}, map[string]bool{}
	add := func(t trade.Topic, ids ...string) {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				all[t] = append(all[t], id)
			}
		}
	}
	for _, c := range changes {
		add(c.Topic, c.SubjectID)
		if c.Topic == trade.OfShipments {
			add(trade.OfOrders, c.RelatedOf("ord_")...)
			add(trade.OfPurchaseOrders, c.RelatedOf("pur_")...)
		}
	}
	return all
}

// tally keeps how often calls to sources failed, as this process made them, and how many records
// comparisons found to be the same.
func (m *Measures) tally(ctx context.Context, now time.Time) error {
	var all []operatingstore.Tally
	calls := m.sources.Calls()
	for source, n := range calls {
		if n = n.Since(m.counted[source]); n.Calls == 0 {
			continue
		}
		all = append(all, operatingstore.Tally{
			Measure: operating.IntegrationFailureRate,
			Subject: source + "/" + m.process + "/" + now.UTC().Format(time.RFC3339Nano), Key: source, At: now, Cases: n.Calls, Hits: n.Failed,
		})
	}
	if len(all) == 0 {
		return nil
	}
	err := m.store.InTx(ctx, func(tx *store.Tx) error { return operatingstore.KeepTallies(ctx, tx, all) })
	if err == nil {
		m.counted = calls
	}
	return err
}
