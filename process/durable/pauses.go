package durable

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/trade/clock"
)

// takeovers counts operations that changed hands: told by who takes one that gave no sign of life, and by who lost one because it was
// too slow to give one. The difference are those whose process ended.
var takeovers = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "portico_operation_takeovers_total",
	Help: "Operations of a process that gave no sign of life: taken by another one, and lost by one that runs and was too slow to give one.",
}, []string{"side"})

// Metrics are what operations say of changing hands.
func Metrics() []prometheus.Collector {
	for _, side := range []string{"taken", "lost"} {
		takeovers.WithLabelValues(side)
	}
	return []prometheus.Collector{takeovers}
}

const (
	// longestLease bounds what a machine with long pauses makes others wait for.
	longestLease = 30 * time.Second
	// pausesKept is how many looks at the clock are remembered: a few minutes.
	pausesKept = 180
)

// pauses are how much longer than asked for this process has slept lately: on a machine that lacks processors, or stands still for a
// while, its signs of life come as late.
type pauses struct {
	mu    sync.Mutex
	late  [pausesKept]time.Duration
	place int
}

// watch measures until ctx ends.
func (p *pauses) watch(ctx context.Context) {
	for {
		slept := clock.Start()
		if clock.Pause(ctx, heartbeat) != nil {
			return
		}
		p.add(slept.Elapsed() - heartbeat)
	}
}

func (p *pauses) add(late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late[p.place] = late
	p.place = (p.place + 1) % pausesKept
}

// lease is for how long an operation is this process's, from its last sign of life. A process whose machine has pauses holds its
// operations longer, so that they are not taken from it again and again, each time with an attempt that nobody knows the end of.
func (p *pauses) lease() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := time.Duration(0)
	for _, late := range p.late {
		longest = max(longest, late)
	}
	return min(max(lease, heartbeat+2*longest), longestLease)
}
