package watch

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"portico/sources"
	"portico/store"
	"portico/store/operating"
	"portico/trade/clock"
)

const (
	signalEvery = 3 * time.Second
	aMinute     = 20 // signals
	aWhile      = 7
	// slowSource and slowDatabase are the seconds from which one answers slowly, and fewCalls how many calls say nothing.
	slowSource, slowDatabase, fewCalls = 1.0, 0.5, 5
)

// Signals say, again and again, what only the process itself knows: that it runs, whose requests it
// refused, and what was slow.
type Signals struct {
	store    *store.Store
	sources  *sources.Set
	refusals func() map[[2]string]int // since it was called last, by client and code
	log      *slog.Logger
	process  string

	refused  []map[[2]string]int // of the last minute, oldest first
	calls    []map[string]sources.Calls
	answered []float64 // seconds of the database, of the last few
}

// NewSignals makes them.
func NewSignals(st *store.Store, set *sources.Set, refusals func() map[[2]string]int, log *slog.Logger) *Signals {
	host, err := os.Hostname()
	if err != nil {
		host = "portico"
	}
	return &Signals{store: st, sources: set, refusals: refusals, log: log, process: fmt.Sprintf("%s/%d", host, os.Getpid())}
}

// Run says it until ctx ends, and then that it ended.
func (s *Signals) Run(ctx context.Context) {
	loop := clock.Loop{Task: "signals of this process", Every: signalEvery, Log: s.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error { return operating.KeepSignals(ctx, s.store, s.process, s.now(ctx)) }))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := operating.RemoveSignals(ctx, s.store, s.process); err != nil {
		s.log.WarnContext(ctx, "signals are not removed: this process is taken for silent", "err", err)
	}
}

// last keeps the last few.
func last[T any](all []T, one T, most int) []T {
	if all = append(all, one); len(all) > most {
		all = all[1:]
	}
	return all
}

func (s *Signals) now(ctx context.Context) (all []operating.Signal) {
	all = append(all, operating.Signal{Kind: operating.Alive, Value: 1})
	s.refused = last(s.refused, s.refusals(), aMinute)
	refused := map[[2]string]int{}
	for _, some := range s.refused {
		for of, n := range some {
			refused[of] += n
		}
	}
	for of, n := range refused {
		if n >= refusedOften/aMinute { // others may have refused it too
			all = append(all, operating.Signal{Kind: operating.ManyRefused, Subject: of[0] + "\n" + of[1], Value: float64(n)})
		}
	}
	s.calls = last(s.calls, s.sources.Calls(), aWhile)
	for source, n := range s.calls[len(s.calls)-1] {
		if n = n.Since(s.calls[0][source]); n.Calls >= fewCalls && n.Seconds/float64(n.Calls) >= slowSource {
			all = append(all, operating.Signal{Kind: operating.SlowSource, Subject: source, Value: n.Seconds / float64(n.Calls)})
		}
	}
	ping := clock.Start()
	if err := s.store.Ping(ctx); err == nil {
		s.answered = last(s.answered, ping.Elapsed().Seconds(), 3)
		if least := min(s.answered[0], s.answered[len(s.answered)/2], s.answered[len(s.answered)-1]); least >= slowDatabase &&
			len(s.answered) == 3 {
			all = append(all, operating.Signal{Kind: operating.SlowDatabase, Value: least})
		}
	}
	return all
}
