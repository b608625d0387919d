// Package watch looks after the product itself: alerts about systems, measures and objectives,
// what processes say of themselves, and what operators do about operations and sources.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

const (
	// lookAtSystems is the pause between two looks.
	lookAtSystems = 5 * time.Second
	// stuckAfter is how long an operation may be on its way before somebody should look.
	stuckAfter = 15 * time.Minute
	// mostCounted is how many alerts are counted.
	mostCounted = 10_000
	// silentAfter is how long a carrier may say nothing of a shipment that it has.
	silentAfter = 72 * time.Hour
	// forgottenAfter is when a process that says nothing is counted no more.
	forgottenAfter = time.Hour
	// refusedOften is how many requests of a client that are refused in a minute somebody should look at.
	refusedOften = 30
	// downAfter is how long a source may be down before somebody should look.
	downAfter = 10 * time.Second
)

// Systems raises alerts about systems, operations and objectives, and closes them once their
// reason is gone.
type Systems struct {
	store   *store.Store
	sources *sources.Set
	now     func() time.Time
	log     *slog.Logger
	began   time.Time
	down    map[string]time.Time // by source, since when
	looks   int
}

// NewSystems makes it.
func NewSystems(st *store.Store, set *sources.Set, now func() time.Time, log *slog.Logger) *Systems {
	return &Systems{store: st, sources: set, now: now, log: log, began: now(), down: map[string]time.Time{}}
}

// Run watches, in one process at a time, until ctx ends.
func (w *Systems) Run(ctx context.Context) {
	lead := clock.Loop{Task: "leading of alerts about systems", Every: lookAtSystems, Log: w.log}
	lead.Run(ctx, clock.Pass(func(ctx context.Context) error {
		_, err := w.store.Lead(ctx, "alerts", func(ctx context.Context) error {
			defer forgetCounts() // another process tells them then
			look := clock.Loop{Task: "alerts about systems", Every: lookAtSystems, Log: w.log}
			look.Run(ctx, clock.Pass(w.look))
			return nil
		})
		return err
	}))
}

// look looks at everything whose turn it is: at what processes say each time, at what tables tell every third time, and at
// objectives, whose cases may be many, every sixth.
func (w *Systems) look(ctx context.Context) error {
	turn := w.looks
	w.looks++
	signals, now, err := operatingstore.Signals(ctx, w.store)
	if err != nil {
		return err
	}
	seen, err := operatingstore.ObservedSources(ctx, w.store)
	if err != nil {
		return err
	}
	unhealthy := w.unhealthy(w.now(), seen)
	if err := operatingstore.KeepAlerts(ctx, w.store, []trade.AlertKind{trade.AlertSource}, unhealthy, "It answers again."); err != nil {
		return err
	}
	compose, err := w.compose(ctx, signals, now)
	if err != nil {
		return err
	}
	if err := operatingstore.KeepAlerts(ctx, w.store, []trade.AlertKind{trade.AlertProcess, trade.AlertClient}, compose,
		"It is over."); err != nil {
		return err
	}
	if turn%3 == 0 {
		raised, err := operatingstore.SystemAlerts(ctx, w.store, stuckAfter, silentAfter)
		if err != nil {
			return err
		}
		for _, a := range raised {
			if a.Responsible == nil { // about a source, whose system the store does not know
				tier := tier(w.sources.KindOf(a.Subject))
				a.Responsible = &tier
			}
		}
		kinds := []trade.AlertKind{
			trade.AlertStuck, trade.AlertDeadLetter, trade.AlertUnmapped, trade.AlertConflict, trade.AlertRefused,
			trade.AlertSilent, trade.AlertForgotten, trade.AlertForeign,
		}
		if err := operatingstore.KeepAlerts(ctx, w.store, kinds, raised, "It is settled."); err != nil {
			return err
		}
	}
	if turn%6 == 0 {
		missed, err := w.missed(ctx, w.now())
		if err != nil {
			return err
		}
		if err := operatingstore.KeepAlerts(ctx, w.store, []trade.AlertKind{trade.AlertObjective}, missed, "It is kept again."); err != nil {
			return err
		}
	}
	return w.count(ctx)
}

var (
	operationsNow = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_operations",
		Help: "Operations that have not ended, by kind and state.",
	}, []string{"kind", "state"})
	operationsAge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_operations_oldest_seconds",
		Help: "Age of the oldest operation that has not ended, by kind and state.",
	}, []string{"kind", "state"})
	alertsNow = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_alerts",
		Help: "Alerts that are not resolved, by kind, severity and queue.",
	}, []string{"kind", "severity", "queue"})
	sourceReason = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_source_reason",
		Help: "1 for each reason for which a source that answers is not simply up: STALE, FLAPPING, SLOW. Every process has it, of what all see.",
	}, []string{"source", "reason"})
	sourceUp = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_source_up",
		Help: "1 while a source answers this process, is paused or in a planned window; 0 while it is down.",
	}, []string{"source", "system"})
)

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector {
	return []prometheus.Collector{
		measureSeconds, measurePercent, measureCases, objectiveMet, operationsNow, operationsAge, alertsNow,
		sourceUp, sourceReason,
	}
}

func forgetCounts() {
	for _, v := range []*prometheus.GaugeVec{operationsNow, operationsAge, alertsNow} {
		v.Reset()
	}
}

// count tells in metrics what is on its way and what stands.
func (w *Systems) count(ctx context.Context) error {
	scope, all := trade.OperatorScope(nil), []string{""}
	work, err := ledger.WorkList(scope).Page(ctx, w.store, all, store.PageArgs{First: mostCounted})
	if err != nil {
		return err
	}
	alerts, err := operatingstore.AlertList(scope, operatingstore.AlertFilter{}).Page(ctx, w.store, all, store.PageArgs{First: mostCounted})
	if err != nil {
		return err
	}
	forgetCounts()
	for _, n := range work[""].Nodes {
		operationsNow.WithLabelValues(string(n.Kind), string(n.State)).Set(float64(n.Count))
		operationsAge.WithLabelValues(string(n.Kind), string(n.State)).Set(n.Oldest.Seconds())
	}
	for _, a := range alerts[""].Nodes {
		alertsNow.WithLabelValues(string(a.Kind), string(a.Severity), a.Queue).Inc()
	}
	return nil
}

// atFault is whose a system is.
var atFault = map[trade.SourceKind]trade.Responsible{
	trade.ERP: trade.ERPAtFault, trade.WMS: trade.WMSAtFault,
	trade.Logistics: trade.LogisticsAtFault,
}

// tier is who answers for a system; the ERP for those that stand behind it.
func tier(of trade.SourceKind) trade.Responsible {
	if tier, known := atFault[of]; known {
		return tier
	}
	return trade.ERPAtFault
}

// unhealthy are the sources that do not answer and should, or whose answers are of little use. What an operator paused, or is in a
// planned window, is left alone.
func (w *Systems) unhealthy(now time.Time, seen map[string]operating.Observed) (all []*trade.Alert) {
	for _, h := range w.sources.Health() {
		responsible := tier(h.System)
		since, known := w.down[h.Instance]
		switch {
		case h.State != operating.SourceIsDown:
			delete(w.down, h.Instance)
		case !known:
			w.down[h.Instance], since = now, now
		}
		if h.State != operating.SourceIsDown || now.Sub(since) < clock.Paced(downAfter) {
			// One that flaps does so while it is away for a moment, too: its alert does not end with each of its outages.
			observed := seen[h.Instance].Since(w.began)
			if h.Judge(observed, now); len(h.Reasons) > 0 {
				severity := trade.Warning
				if h.State == operating.SourceIsStale {
					severity = trade.Critical
				}
				message, action := observed.Explain(h.Reasons[0])
				all = append(all, &trade.Alert{
					Kind: trade.AlertSource, Severity: severity, Message: message, SuggestedAction: &action, Queue: trade.Queues[trade.AlertSource],
					Responsible: &responsible, Subject: h.Instance,
				})
			}
			continue
		}
		action := "Portico shows what it knew, and writes wait in the queue. Look at the system; nothing needs to be done here when it is back."
		message := fmt.Sprintf("%s does not answer.", h.Instance)
		if h.Message != nil {
			message = h.Instance + ": " + *h.Message
		}
		all = append(all, &trade.Alert{
			Kind: trade.AlertSource, Severity: trade.Critical, Message: message, SuggestedAction: &action, Queue: trade.Queues[trade.AlertSource],
			Responsible: &responsible, Subject: h.Instance,
		})
	}
	return all
}

// refusals are whose turn it is where requests of a client are refused, and what to do.
var refusals = map[string]struct {
	tier   trade.Responsible
	action string
}{
	"RATE_LIMITED": {
		trade.GatewayAtFault,
		"It spends its budget. Have it ask for less at a time or more rarely, or raise PORTICO_CLIENT_RATE: docs/clients.md.",
	},
	"OVERLOADED":           {trade.GatewayAtFault, "Too much is asked for at once. Start more processes: docs/runbook.md."},
	"DOCUMENT_TOO_LARGE":   {trade.GatewayAtFault, "The guard refuses its documents. Have its developers split them: docs/clients.md."},
	"DOCUMENT_TOO_COMPLEX": {trade.GatewayAtFault, "The guard refuses its documents. Have its developers split them: docs/clients.md."},
	"OPERATION_TOO_COSTLY": {
		trade.GatewayAtFault,
		"The guard refuses its documents. Have its developers ask for fewer at a time: docs/clients.md.",
	},
	"": {
		trade.PortalAtFault,
		"It sends what is no valid request. Show its developers the schema and the error: the errors say what and where.",
	},
}

// compose are the alerts about what processes say, and about those that say nothing any more.
func (w *Systems) compose(ctx context.Context, signals []operatingstore.Signal, now time.Time) (all []*trade.Alert, err error) {
	add := func(kind trade.AlertKind, severity trade.Severity, tier trade.Responsible, subject, message, action string) {
		all = append(all, &trade.Alert{
			Kind: kind, Severity: severity, Message: message, SuggestedAction: &action, Queue: trade.Queues[kind],
			Responsible: &tier, Subject: subject,
		})
	}
	refused := map[[2]string]float64{}
	for _, s := range signals {
		age := now.Sub(s.At)
		switch {
		case s.Kind == operatingstore.Alive && age > forgottenAfter:
			if err := operatingstore.RemoveSignals(ctx, w.store, s.Process); err != nil {
				return nil, err
			}
		case s.Kind == operatingstore.Alive && age > clock.Paced(operatingstore.SaidFor):
			add(trade.AlertProcess, trade.Critical, trade.OrchestrationAtFault, s.Process, "The process "+s.Process+" ended without saying so.",
				"Look at its log and start it again; what it was at is taken up by the others.")
		case age > clock.Paced(operatingstore.SaidFor):
		case s.Kind == operatingstore.SlowDatabase:
			add(trade.AlertProcess, trade.Critical, trade.OrchestrationAtFault, "database "+s.Process,
				fmt.Sprintf("The database takes %.1f s to answer %s.", s.Value, s.Process),
				"Look at the database's load, locks (pg_stat_activity) and disk: docs/runbook.md.")
		case s.Kind == operatingstore.ManyRefused:
			client, code, _ := strings.Cut(s.Subject, "\n")
			refused[[2]string{client, code}] += s.Value
		}
	}
	for key, n := range refused {
		if n < refusedOften {
			continue
		}
		r, known := refusals[key[1]]
		if !known {
			r = refusals[""]
		}
		add(trade.AlertClient, trade.Warning, r.tier, key[0]+" "+key[1],
			fmt.Sprintf("Requests of %s are refused with %s repeatedly.", key[0], key[1]), r.action)
	}
	return all, nil
}

// missed are the objectives that are not kept over their time.
func (w *Systems) missed(ctx context.Context, now time.Time) (all []*trade.Alert, err error) {
	objectives, results, err := w.standing(ctx, now)
	if err != nil {
		return nil, err
	}
	for i, o := range objectives {
		r := results[i]
		noteMeasure(o, r)
		if o.Met(r) {
			continue
		}
		raised := "It is missed."
		if o.Maximum != nil && r.P95 != nil {
			raised = fmt.Sprintf("The 95th percentile is %s where %s is the most.", r.P95.Round(time.Second), o.Maximum)
		} else if r.Percent != nil && o.Percent != nil {
			raised = fmt.Sprintf("It is %s %% where %s %% is the bound.", r.Percent, o.Percent)
		}
		action := "Look at roi with breakDown for where it comes from; sla has what it was on other days."
		all = append(all, &trade.Alert{
			Kind: trade.AlertObjective, Severity: o.Severity, Message: "Missed: " + o.Name + ". " + raised, SuggestedAction: &action, Queue: o.Queue,
			Subject: o.ID,
		})
	}
	return all, nil
}

// standing are the objectives, with how each measure stands over its time.
func (w *Systems) standing(ctx context.Context, now time.Time) ([]*operating.Objective, []*operating.MeasureResult, error) {
	scope := trade.OperatorScope(nil)
	objectives, err := operatingstore.AllObjectives(ctx, w.store, scope)
	if err != nil {
		return nil, nil, err
	}
	results := make([]*operating.MeasureResult, len(objectives))
	for i, o := range objectives {
		found, err := operatingstore.MeasureResults(ctx, w.store, scope,
			operatingstore.MeasuredBy{From: now.Add(-o.Window), Until: now.Add(time.Minute), Measures: []operating.BusinessMeasure{o.Measure}})
		if err != nil {
			return nil, nil, err
		}
		if results[i] = (&operating.MeasureResult{Measure: o.Measure}); len(found) > 0 {
			results[i] = found[0]
		}
	}
	return objectives, results, nil
}
