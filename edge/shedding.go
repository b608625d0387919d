package edge

import (
	"net/http"
	"runtime"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// overloaded is the code of an operation that was turned away because too much runs.
const overloaded = "OVERLOADED"

var shed = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "portico_shed_total", Help: "Operations turned away because too much ran, by class.",
}, []string{"class"})

// load is what runs now. Past what processors can do, each further page makes all of them
// later, so that browsing is turned away; a write is given room long after that, for it
// is what browsing is for, and what it waits for is mostly not here.
type load struct {
	queries, writes atomic.Int64
	most            int64 // queries at a time
}

const (
	queriesPerProcessor = 64
	writesPerQuery      = 8
)

func newLoad() *load { return &load{most: int64(queriesPerProcessor * runtime.GOMAXPROCS(0))} }

// full tells whether an operation is to be turned away.
func (l *load) full(mutation bool) bool {
	if mutation {
		return l.writes.Load() >= writesPerQuery*l.most
	}
	return l.queries.Load() >= l.most
}

// enter counts an operation until it leaves.
func (l *load) enter(mutation bool) (leave func()) {
	running := &l.queries
	if mutation {
		running = &l.writes
	}
	running.Add(1)
	return func() { running.Add(-1) }
}

// turnedAway is the refusal of an operation because too much runs; nil where there is
// room. What streams is not counted: each of its events is short.
func (s *server) turnedAway(op *operation) gqlerror.List {
	if op.subscription() || !s.load.full(op.mutation()) {
		return nil
	}
	class := "query"
	if op.mutation() {
		class = "mutation"
	}
	shed.WithLabelValues(class).Inc()
	return gqlerror.List{{
		Message:    "Too much is asked for at the moment. Retry after retryAfter seconds.",
		Extensions: map[string]any{"code": overloaded, "retryAfter": 1.0},
	}}
}

// refusedAs is the status of a request whose operation is not run, with what its headers
// say; otherwise is that of one that is not valid.
func refusedAs(w http.ResponseWriter, errs gqlerror.List, otherwise int) int {
	switch {
	case limited(w, errs):
		return http.StatusTooManyRequests
	case len(errs) > 0 && errs[0].Extensions["code"] == overloaded:
		w.Header().Set("Retry-After", "1")
		return http.StatusServiceUnavailable
	}
	return otherwise
}
