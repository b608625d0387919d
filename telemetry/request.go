package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type requestKey struct{}

// request is what is known of how a request is followed. Its correlation id is the trace id of
// all that is done for it, here and in other processes, now and when its work is taken up again.
type request struct {
	correlation trace.TraceID
	outside     trace.SpanContext // the caller's span: linked, never our parent
	wait        *time.Duration
}

// WithRequest keeps what a request's headers say of how it is followed: the trace id of traceparent
// (W3C Trace Context), or a new one, and how long its answer may wait (Prefer: wait=N, RFC 7240).
//
// What comes from outside is linked and not trusted: the id is a name to search by, and neither
// the caller's span nor whether it is sampled decides anything here.
func WithRequest(ctx context.Context, h http.Header) context.Context {
	r := request{}
	if len(h["Traceparent"]) > 0 {
		r.outside = trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(h)))
		r.correlation = r.outside.TraceID()
	}
	if !r.correlation.IsValid() {
		r.correlation = newTraceID()
	}
	for _, line := range h["Prefer"] {
		for _, p := range strings.Split(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil && strings.EqualFold(name, "wait") && r.wait == nil {
				wait := time.Duration(n) * time.Second
				r.wait = &wait
			}
		}
	}
	return context.WithValue(ctx, requestKey{}, r)
}

// WithCorrelation is a context under the correlation id of a request that came before, as
// when its work is taken up again from a queue. What is no such id begins a new one.
func WithCorrelation(ctx context.Context, id string) context.Context {
	of, err := trace.TraceIDFromHex(id)
	if err != nil {
		of = newTraceID()
	}
	return context.WithValue(ctx, requestKey{}, request{correlation: of})
}

func newTraceID() (id trace.TraceID) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())   //nolint:gosec // no secret: it only has to differ
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()|1) //nolint:gosec // no secret: it only has to differ; all zeros are no id
	return id
}

func newSpanID() (id trace.SpanID) {
	binary.NativeEndian.PutUint64(id[:], rand.Uint64()|1) //nolint:gosec // no secret: it only has to differ
	return id
}

// Traceparent is what a call tells of the trace that it is part of (W3C Trace Context): the
// span under ctx, or where none is recorded a span of its own; empty where it is part of none.
func Traceparent(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		r, ok := ctx.Value(requestKey{}).(request)
		if !ok {
			return ""
		}
		span = trace.NewSpanContext(trace.SpanContextConfig{TraceID: r.correlation, SpanID: newSpanID()})
	}
	id, of := span.SpanID(), span.TraceID()
	return "00-" + hex.EncodeToString(of[:]) + "-" + hex.EncodeToString(id[:]) + "-01"
}

// CorrelationID is the trace id of the request under ctx; a new one where there is none.
func CorrelationID(ctx context.Context) string {
	r, ok := ctx.Value(requestKey{}).(request)
	if !ok {
		r.correlation = newTraceID()
	}
	return r.correlation.String()
}

// Wait is how long the request under ctx lets its answer wait: what it says, but at
// most so long.
func Wait(ctx context.Context, most time.Duration) time.Duration {
	if r, ok := ctx.Value(requestKey{}).(request); ok && r.wait != nil {
		return min(*r.wait, most)
	}
	return most
}
