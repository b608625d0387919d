package telemetry

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// mostSpans is how many spans of a trace are held until it is decided whether it is kept.
const mostSpans = 2000

// keeper decides, once a trace has no open span in this process, whether it is kept: always where
// something failed or was slow, and a share of the others, the same ones in every process.
type keeper struct {
	slow  time.Duration
	share float64
	to    []sdk.SpanProcessor

	mu   sync.Mutex
	open map[trace.TraceID]*pending
}

type pending struct {
	open  int
	keep  bool
	ended []sdk.ReadOnlySpan
}

// OnStart counts a span that is open.
func (k *keeper) OnStart(_ context.Context, s sdk.ReadWriteSpan) {
	id := s.SpanContext().TraceID()
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.open[id]
	if p == nil {
		p = &pending{keep: k.chosen(id)}
		k.open[id] = p
	}
	p.open++
}

// OnEnd holds a span that has ended, and lets all of its trace go on with the last.
func (k *keeper) OnEnd(s sdk.ReadOnlySpan) {
	whole := k.end(s)
	if whole == nil || !whole.keep {
		return
	}
	for _, to := range k.to {
		for _, s := range whole.ended {
			to.OnEnd(s)
		}
	}
}

func (k *keeper) end(s sdk.ReadOnlySpan) (whole *pending) {
	id := s.SpanContext().TraceID()
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.open[id]
	if p == nil {
		return nil
	}
	if p.keep = p.keep || s.Status().Code == codes.Error || s.EndTime().Sub(s.StartTime()) >= k.slow; len(p.ended) < mostSpans {
		p.ended = append(p.ended, s)
	}
	if p.open--; p.open > 0 {
		return nil
	}
	delete(k.open, id)
	return p
}

// chosen tells whether a trace is of the share that is kept.
func (k *keeper) chosen(id trace.TraceID) bool {
	return float64(binary.BigEndian.Uint64(id[8:]))/math.MaxUint64 < k.share
}

// Shutdown ends what traces are kept in.
func (k *keeper) Shutdown(ctx context.Context) error {
	var errs []error
	for _, to := range k.to {
		errs = append(errs, to.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// ForceFlush sends what was decided on.
func (k *keeper) ForceFlush(ctx context.Context) error {
	var errs []error
	for _, to := range k.to {
		errs = append(errs, to.ForceFlush(ctx))
	}
	return errors.Join(errs...)
}
