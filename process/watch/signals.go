package watch

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/trade/clock"
	"portico/trade/operating"
)

const (
	signalEvery = 3 * time.Second
	aMinute     = 20 // signals
	aWhile      = 7
	// slowSource and slowDatabase are the seconds from which one answers slowly, and fewCalls how many calls say nothing.
	slowSource, slowDatabase, fewCalls = 1.0, 0.5, 5
	// flapping is how many outages in a minute are one that goes on.
	flapping = 2
)

// Signals say, again and again, what only the process itself knows: that it runs, whose requests it
// refused, and what was slow.
type Signals struct {
	store    *store.Store
	sources  *sources.Set
	refusals func() map[[2]string]int // since it was called last, by client and code
	now      func() time.Time
	log      *slog.Logger
	process  string
	began    time.Time

	refused  []map[[2]string]int // of the last minute, oldest first
	calls    []map[string]sources.Calls
	answered []float64 // seconds of the database, of the last few
}

// NewSignals makes them.
func NewSignals(st *store.Store, set *sources.Set, refusals func() map[[2]string]int, now func() time.Time, log *slog.Logger) *Signals {
	host, err := os.Hostname()
	if err != nil {
		host = "portico"
	}
	return &Signals{
		store: st, sources: set, refusals: refusals, now: now, log: log, process: fmt.Sprintf("%s/%d", host, os.Getpid()), began: now(),
	}
}

// Run says it until ctx ends, and then that it ended.
func (s *Signals) Run(ctx context.Context) {
	loop := clock.Loop{Task: "signals of this process", Every: signalEvery, Log: s.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		return operatingstore.KeepSignals(ctx, s.store, s.process, s.all(ctx))
	}))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := operatingstore.RemoveSignals(ctx, s.store, s.process); err != nil {
		s.log.WarnContext(ctx, "signals are not removed: this process is taken for silent", "err", err)
	}
}

// called says how sources answered this process: slowly over the last while, or in turns over the last minute.
func (s *Signals) called() (all []operatingstore.Signal) {
	s.calls = last(s.calls, s.sources.Calls(), aMinute)
	lately := s.calls[max(len(s.calls)-aWhile, 0)]
	for source, now := range s.calls[len(s.calls)-1] {
		if n := now.Since(lately[source]); n.Calls >= fewCalls && n.Seconds/float64(n.Calls) >= slowSource {
			all = append(all, operatingstore.Signal{Kind: operatingstore.SlowSource, Subject: source, Value: n.Seconds / float64(n.Calls)})
		}
		if n := outages(s.calls, source); n >= flapping {
			all = append(all, operatingstore.Signal{Kind: operatingstore.FlappingSource, Subject: source, Value: float64(n)})
		}
	}
	return all
}

// noteSources puts into metrics how sources are, by what alerts are raised by too: as this process finds them where it calls them,
// and as all have seen them else. While the database does not answer, what was known stays.
func (s *Signals) noteSources(ctx context.Context) {
	seen, err := operatingstore.ObservedSources(ctx, s.store)
	for _, h := range s.sources.Health() {
		sourceUp.WithLabelValues(h.Instance, string(h.System)).Set(number(h.State != operating.SourceIsDown))
		if err != nil {
			continue
		}
		h.Judge(seen[h.Instance].Since(s.began), s.now())
		for _, why := range operating.SourceReasons {
			sourceReason.WithLabelValues(h.Instance, string(why)).Set(number(slices.Contains(h.Reasons, why)))
		}
	}
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// outages counts how often a source began to fail over some counts of its calls. Times without a call end no outage.
func outages(counts []map[string]sources.Calls, source string) (n int) {
	failing := false
	for i := 1; i < len(counts); i++ {
		calls := counts[i][source].Since(counts[i-1][source])
		if calls.Calls == 0 {
			continue
		}
		if now := calls.Failed > 0; now != failing {
			if failing = now; failing {
				n++
			}
		}
	}
	return n
}

// last keeps the last few.
func last[T any](all []T, one T, most int) []T {
	if all = append(all, one); len(all) > most {
		all = all[1:]
	}
	return all
}

func (s *Signals) all(ctx context.Context) (all []operatingstore.Signal) {
	all = append(all, operatingstore.Signal{Kind: operatingstore.Alive, Value: 1})
	s.refused = last(s.refused, s.refusals(), aMinute)
	refused := map[[2]string]int{}
	for _, some := range s.refused {
		for of, n := range some {
			refused[of] += n
		}
	}
	for of, n := range refused {
		if n >= refusedOften/aMinute { // others may have refused it too
			all = append(all, operatingstore.Signal{Kind: operatingstore.ManyRefused, Subject: of[0] + "\n" + of[1], Value: float64(n)})
		}
	}
	all = append(all, s.called()...)
	s.noteSources(ctx)
	ping := clock.Start()
	if err := s.store.Ping(ctx); err == nil {
		s.answered = last(s.answered, ping.Elapsed().Seconds(), 3)
		if least := min(s.answered[0], s.answered[len(s.answered)/2], s.answered[len(s.answered)-1]); least >= slowDatabase &&
			len(s.answered) == 3 {
			all = append(all, operatingstore.Signal{Kind: operatingstore.SlowDatabase, Value: least})
		}
	}
	return all
}
