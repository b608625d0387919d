package process

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"portico/sources"
	"portico/store"
	"portico/trade"
)

const (
	// lookAtSystems is the pause between two looks.
	lookAtSystems = 5 * time.Second
	// stuckAfter is how long an operation may be on its way before somebody should look.
	stuckAfter = 15 * time.Minute
	// downAfter is how long a source may be down before somebody should look.
	downAfter = 10 * time.Second
)

// Watcher raises alerts about systems, operations and objectives, and closes them once their
// reason is gone.
type Watcher struct {
	store   *store.Store
	sources *sources.Set
	log     *slog.Logger
	down    map[string]time.Time // by source, since when
}

// NewWatcher makes a watcher.
func NewWatcher(st *store.Store, set *sources.Set, log *slog.Logger) *Watcher {
	return &Watcher{st, set, log, map[string]time.Time{}}
}

// Run watches, in one process at a time, until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	failed := ""
	for ctx.Err() == nil {
		_, err := w.store.Lead(ctx, "alerts", func(ctx context.Context) error {
			for {
				if err := w.look(ctx); err != nil {
					return err
				}
				if err := pause(ctx, lookAtSystems); err != nil {
					return err
				}
			}
		})
		if err != nil && ctx.Err() == nil && err.Error() != failed {
			failed = err.Error()
			w.log.Warn("alerts cannot be raised", "err", err)
		}
		_ = pause(ctx, lookAtSystems)
	}
}

func (w *Watcher) look(ctx context.Context) error {
	told, err := w.store.SystemAlerts(ctx, stuckAfter)
	if err != nil {
		return err
	}
	kinds := []trade.AlertKind{trade.AlertStuck, trade.AlertDeadLetter, trade.AlertUnmapped, trade.AlertConflict}
	if err := w.store.KeepAlerts(ctx, kinds, told, "It is settled."); err != nil {
		return err
	}
	if err := w.store.KeepAlerts(ctx, []trade.AlertKind{trade.AlertSource}, w.unhealthy(time.Now()), "It answers again."); err != nil {
		return err
	}
	missed, err := w.missed(ctx, time.Now())
	if err != nil {
		return err
	}
	return w.store.KeepAlerts(ctx, []trade.AlertKind{trade.AlertObjective}, missed, "It is kept again.")
}

// atFault is whose a system is.
var atFault = map[trade.SourceKind]trade.Responsible{trade.ERP: trade.ERPAtFault, trade.WMS: trade.WMSAtFault, trade.Logistics: trade.LogisticsAtFault}

// unhealthy are the sources that do not answer and should. What an operator paused, or is in a
// planned window, is left alone.
func (w *Watcher) unhealthy(now time.Time) (all []*trade.Alert) {
	for _, h := range w.sources.Health() {
		if h.State != trade.SourceIsDown {
			delete(w.down, h.Instance)
			continue
		}
		since, known := w.down[h.Instance]
		if !known {
			w.down[h.Instance], since = now, now
		}
		if now.Sub(since) < downAfter {
			continue
		}
		responsible, known := atFault[h.System]
		if !known {
			responsible = trade.ERPAtFault
		}
		action := "Portico shows what it knew, and writes wait in the queue. Look at the system; nothing needs to be done here when it is back."
		message := fmt.Sprintf("%s does not answer.", h.Instance)
		if h.Message != nil {
			message = h.Instance + ": " + *h.Message
		}
		all = append(all, &trade.Alert{
			Kind: trade.AlertSource, Severity: trade.Critical, Message: message, SuggestedAction: &action, Queue: trade.Queues[trade.AlertSource], Responsible: &responsible, Subject: h.Instance,
		})
	}
	return all
}

// missed are the objectives that are not kept over their time.
func (w *Watcher) missed(ctx context.Context, now time.Time) (all []*trade.Alert, err error) {
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
		told := "It is missed."
		if o.Maximum != nil && r.P95 != nil {
			told = fmt.Sprintf("The 95th percentile is %s where %s is the most.", r.P95.Round(time.Second), o.Maximum)
		} else if r.Percent != nil && o.Percent != nil {
			told = fmt.Sprintf("It is %s %% where %s %% is the bound.", r.Percent, o.Percent)
		}
		action := "Look at roi with breakDown for where it comes from; sla has what it was on other days."
		all = append(all, &trade.Alert{
			Kind: trade.AlertObjective, Severity: o.Severity, Message: "Missed: " + o.Name + ". " + told, SuggestedAction: &action, Queue: o.Queue, Subject: o.ID,
		})
	}
	return all, nil
}

// standing are the objectives, with how each measure stands over its time.
func (w *Watcher) standing(ctx context.Context, now time.Time) ([]*trade.Objective, []*trade.MeasureResult, error) {
	scope := trade.OperatorScope(nil)
	objectives, err := w.store.AllObjectives(ctx, scope)
	if err != nil {
		return nil, nil, err
	}
	results := make([]*trade.MeasureResult, len(objectives))
	for i, o := range objectives {
		found, err := w.store.Measured(ctx, scope, store.MeasuredBy{From: now.Add(-o.Window), Until: now.Add(time.Minute), Measures: []trade.BusinessMeasure{o.Measure}})
		if err != nil {
			return nil, nil, err
		}
		if results[i] = (&trade.MeasureResult{Measure: o.Measure}); len(found) > 0 {
			results[i] = found[0]
		}
	}
	return objectives, results, nil
}
