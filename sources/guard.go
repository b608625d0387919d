package sources

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"

	"portico/telemetry"
	"portico/trade/operating"
)

// Limits bound the calls to one source.
type Limits struct {
	Timeout     time.Duration `yaml:"timeout"`     // of one attempt
	Concurrency int           `yaml:"concurrency"` // calls at a time; more wait up to Timeout
	Retries     int           `yaml:"retries"`     // of a failed read
	Batch       int           `yaml:"batch"`       // most keys in one call
	BreakAfter  int           `yaml:"break_after"` // failures in a row that open the circuit
	BreakFor    time.Duration `yaml:"break_for"`   // until the circuit lets a call try again
	Poll        time.Duration `yaml:"poll"`        // between two looks at what changed
	Reconcile   time.Duration `yaml:"reconcile"`   // between two comparisons of all that is held with all it has
	Remove      int           `yaml:"remove"`      // most percent of a kind of record that may be gone at once

	Maintenance []operating.MaintenanceWindow `yaml:"maintenance"` // planned times without service, soonest first: writes wait
}

// DefaultLimits hold where the configuration says nothing.
var DefaultLimits = Limits{
	Timeout: 3 * time.Second, Concurrency: 16, Retries: 2, Batch: 500, BreakAfter: 5, BreakFor: time.Second,
	Poll: 500 * time.Millisecond, Reconcile: time.Hour, Remove: 50,
}

var (
	callSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "portico_source_call_seconds", Help: "Seconds of calls to sources, by what became of them.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 3, 10},
	}, []string{"source", "op", "kind"})
	circuitOpen = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_source_circuit_open", Help: "1 while calls to a source fail at once.",
	}, []string{"source"})
)

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector {
	return []prometheus.Collector{callSeconds, circuitOpen, unusedTotal}
}

// guarded is an adapter behind deadline, bounded concurrency, retries of reads
// with jitter and a circuit breaker.
type guarded struct {
	name        string
	adapter     Adapter
	limits      Limits
	executor    failsafe.Executor[any]
	background  failsafe.Executor[any] // with room for half as many
	once        failsafe.Executor[any] // without retries
	breaker     circuitbreaker.CircuitBreaker[any]
	lastSuccess atomic.Int64 // unix nanoseconds
	lastFailure atomic.Pointer[failure]
	unfit       atomic.Pointer[failure] // what the last check found, or nil
	paused      atomic.Pointer[string]  // why an operator paused it, or nil
	// calls, those of them that failed, and the nanoseconds of all.
	calls, failed, spent atomic.Int64
}

type failure struct {
	at   time.Time
	kind Kind
	text string
	late bool // the answer did not come in time; else, where its kind is Uncertain, the connection ended without one
}

// backgroundWait is how long a call that nobody waits for stands behind others that nobody waits for.
const backgroundWait = time.Minute

type backgroundKey struct{}

// Background marks what is read with ctx as read for nobody who waits, such as a load or a comparison. Such reads take at most half
// of the calls that a source is asked at a time (the one, where it is asked one at a time), so that who waits finds a place, and a
// source that answers one call after the other has not all the others before theirs.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func guard(name string, adapter Adapter, limits Limits) *guarded {
	g := &guarded{name: name, adapter: adapter, limits: limits}
	g.breaker = circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(uint(limits.BreakAfter)).
		WithDelay(limits.BreakFor).
		WithSuccessThreshold(1).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			open := 0.0
			if e.NewState == circuitbreaker.OpenState {
				open = 1
			}
			circuitOpen.WithLabelValues(name).Set(open)
		}).Build()
	retry := retrypolicy.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return sick(err) && RetryAfter(err) <= limits.Timeout }).
		AbortOnErrors(circuitbreaker.ErrOpen, bulkhead.ErrFull).
		WithMaxRetries(limits.Retries).
		WithBackoff(50*time.Millisecond, time.Second).
		WithJitterFactor(0.5).
		ReturnLastFailure().Build()
	room := bulkhead.NewBuilder[any](uint(limits.Concurrency)).WithMaxWaitTime(limits.Timeout).Build()
	half := bulkhead.NewBuilder[any](uint(max(1, limits.Concurrency/2))).WithMaxWaitTime(backgroundWait).Build()
	g.executor = failsafe.With[any](retry, breaking{g.breaker}, room, timeout.New[any](limits.Timeout))
	g.background = failsafe.With[any](retry, half, breaking{g.breaker}, room, timeout.New[any](limits.Timeout))
	g.once = failsafe.With[any](breaking{g.breaker}, room, timeout.New[any](limits.Timeout))
	return g
}

// sick tells whether err says that the source is in no state to answer, as
// against having answered no.
func sick(err error) bool {
	switch KindOf(err) {
	case Unavailable, Throttled, Uncertain:
		return true
	}
	return false
}

// read runs one read of a source under its guard, again where it fails.
func read[T any](ctx context.Context, g *guarded, op string, call func(context.Context) (T, error)) (T, error) {
	executor := g.executor
	if ctx.Value(backgroundKey{}) != nil {
		executor = g.background
	}
	return guardedly(ctx, g, executor, op, call)
}

// write runs one write of a source under its guard, once: whoever asked for it knows
// what to do when the answer is lost.
func write[T any](ctx context.Context, g *guarded, op string, call func(context.Context) (T, error)) (T, error) {
	return guardedly(ctx, g, g.once, op, call)
}

func guardedly[T any](ctx context.Context, g *guarded, executor failsafe.Executor[any], op string,
	call func(context.Context) (T, error),
) (T, error) {
	if err := g.closed(ctx); err != nil {
		var none T
		return none, err
	}
	ctx, span := telemetry.Part(ctx, op, attribute.String("source", g.name))
	start := time.Now()
	var waited atomic.Int64 // for a place, which says nothing of the source
	var result T
	err := executor.WithContext(ctx).RunWithExecution(func(exec failsafe.Execution[any]) error {
		waited.CompareAndSwap(0, int64(time.Since(start)))
		telemetry.SourceCall(ctx)
		var err error
		result, err = call(exec.Context()) //nolint:contextcheck // the policy hands on its context
		if err != nil && errors.Is(ctx.Err(), context.Canceled) {
			err = errors.Join(context.Canceled, err) // whatever the adapter makes of it, it says nothing of the source
		}
		return err
	})
	late := errors.Is(err, timeout.ErrExceeded)
	switch {
	case errors.Is(err, circuitbreaker.ErrOpen):
		err = &Error{Kind: Unavailable, After: g.breaker.RemainingDelay(), Err: err}
	case errors.Is(err, bulkhead.ErrFull):
		err = &Error{Kind: Unavailable, Err: err}
	case errors.Is(err, timeout.ErrExceeded):
		err = &Error{Kind: Uncertain, Err: err}
	}
	kind := KindOf(err)
	switch {
	case errors.Is(err, circuitbreaker.ErrOpen), errors.Is(err, bulkhead.ErrFull): // no call was made: what the last one said stands
	case kind == Denied:
		g.unfit.Store(&failure{at: time.Now(), kind: kind, text: err.Error()})
	case err == nil || !sick(err) && kind != 0:
		if u := g.unfit.Load(); err == nil && u != nil && u.kind == Denied {
			g.unfit.CompareAndSwap(u, nil) // it lets us in again
		}
		g.lastSuccess.Store(time.Now().UnixNano())
	case kind != 0:
		g.lastFailure.Store(&failure{time.Now(), kind, err.Error(), late})
	}
	if err != nil {
		var none T
		result = none
	}
	g.calls.Add(1)
	took := time.Since(start) - time.Duration(waited.Load())
	g.spent.Add(int64(took))
	if kind != 0 && (sick(err) || kind == Denied || kind == Garbled) {
		g.failed.Add(1)
	}
	telemetry.Observe(ctx, callSeconds.WithLabelValues(g.name, op, kind.String()), took)
	telemetry.End(span, err, kind.String())
	return result, err
}

func (g *guarded) health() operating.SourceHealth {
	h := operating.SourceHealth{
		System: g.adapter.Kind(), Instance: g.name, State: operating.SourceUp, Circuit: operating.CircuitClosed,
		Guarantee: operating.ReadOnly,
	}
	h.Maintenance = g.planned(time.Now())
	if p, takes := g.adapter.(OrderTaking); takes {
		h.Guarantee = p.Guarantee()
	}
	ok := time.Unix(0, g.lastSuccess.Load())
	if g.lastSuccess.Load() > 0 {
		h.LastSuccessAt = &ok
	}
	f := g.lastFailure.Load()
	unfit := g.unfit.Load()
	switch {
	case unfit != nil:
		h.State = operating.SourceIsDown
	case g.breaker.IsOpen():
		h.Circuit, h.State = operating.CircuitOpen, operating.SourceIsDown
	case g.breaker.IsHalfOpen(): // it is down until a call has succeeded
		h.Circuit, h.State = operating.CircuitHalfOpen, operating.SourceIsDown
	case f != nil && f.at.After(ok):
		h.State = operating.SourceDegraded
	}
	paused, window := g.paused.Load(), g.window(time.Now())
	switch {
	case paused != nil:
		h.State, h.PausedReason = operating.SourcePaused, paused
		text := "An operator paused it: resumeSource lets it run again."
		h.Message = &text
		return h
	case window != nil:
		h.State = operating.SourceMaintenance
	}
	switch {
	case unfit != nil && unfit.kind == Denied:
		text := "It does not let us in (" + unfit.text + "). Correct the user or key in its configuration; Portico retries automatically."
		h.Message = &text
	case unfit != nil:
		text := "It cannot be used as it is: " + unfit.text + ". It is looked at again by itself."
		h.Message = &text
	case h.State != operating.SourceUp && f != nil:
		text := ""
		switch {
		case f.kind == Throttled:
			text = "It asks for fewer calls. Lower its concurrency, or wait."
		case f.kind == Uncertain && f.late:
			text = "It does not answer in time. Look at its load and at the network."
		case f.kind == Unavailable, f.kind == Uncertain:
			text = "It refuses connections. Look whether it runs and can be reached."
		}
		h.Message = &text
	}
	return h
}

// check asks whether the source is what its adapter needs. Unless it merely does
// not answer, what it finds stands in its health until the next check.
func (g *guarded) check(ctx context.Context) error {
	_, err := read(ctx, g, "ping", func(ctx context.Context) (struct{}, error) { return struct{}{}, g.adapter.Ping(ctx) })
	switch kind := KindOf(err); {
	case err == nil:
		g.unfit.Store(nil)
	case !sick(err) && kind != 0:
		g.unfit.Store(&failure{at: time.Now(), kind: kind, text: err.Error()})
	}
	return err
}
