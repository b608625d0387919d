package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing says which traces are kept, and where.
type Tracing struct {
	Memory  bool          // for the page of /debug/traces
	Export  bool          // over OTLP, to where OTEL_EXPORTER_OTLP_ENDPOINT and its siblings say
	Share   float64       // of the traces that are neither slow nor failed, from 0 to 1
	Slow    time.Duration // what takes as long is always kept
	Version string
	Log     *slog.Logger
}

var (
	tracer    = otel.Tracer("portico")
	recording atomic.Bool // whether anything is
)

// Start begins to record traces. stop sends what is not sent yet; recent is nil unless they are kept
// in memory. Where they go nowhere, none is recorded.
func Start(ctx context.Context, t Tracing) (recent *Recent, stop func(context.Context) error, err error) {
	stop = func(context.Context) error { return nil }
	if !t.Memory && !t.Export {
		return nil, stop, nil
	}
	var to []sdk.SpanProcessor
	if t.Memory {
		recent = &Recent{}
		to = append(to, recent)
	}
	if t.Export {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, stop, fmt.Errorf("traces: OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
		}
		to = append(to, sdk.NewBatchSpanProcessor(exporter))
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "portico"), attribute.String("service.version", t.Version)),
		resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, stop, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithIDGenerator(ids{}), sdk.WithSampler(sdk.AlwaysSample()),
		sdk.WithSpanProcessor(&keeper{slow: t.Slow, share: t.Share, to: to, open: map[trace.TraceID]*pending{}}))
	otel.SetTracerProvider(provider)
	recording.Store(true)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		t.Log.WarnContext(ctx, "traces could not be sent; they are lost", "err",
			err)
	}))
	return recent, provider.Shutdown, nil
}

// ids makes a trace's id the correlation id of its request.
type ids struct{}

// NewIDs are those of a span without a parent.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if r, ok := ctx.Value(requestKey{}).(request); ok {
		return r.correlation, newSpanID()
	}
	return newTraceID(), newSpanID()
}

// NewSpanID is that of a span with one.
func (ids) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return newSpanID() }

// Span begins the span of something that begins a trace of its own in this process: a request, or
// work from a queue. It is of the trace that ctx is correlated with, and linked with the caller's.
func Span(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if !recording.Load() {
		return ctx, nothing
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
	if r, ok := ctx.Value(requestKey{}).(request); ok && r.outside.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: r.outside}))
	}
	return tracer.Start(ctx, name, options...)
}

var nothing = trace.SpanFromContext(context.Background())

// Part begins the span of a part of something that is recorded; of anything else it begins none.
func Part(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nothing
	}
	return tracer.Start(ctx, name, trace.WithAttributes(attributes...))
}

// Traces tells whether traces are recorded at all.
func Traces() bool { return recording.Load() }

// Happened notes in the trace of an earlier request, by its correlation id, what came of it
// later, linked with the span under which that became known.
func Happened(ctx context.Context, correlation, what string, attributes ...attribute.KeyValue) {
	if !recording.Load() {
		return
	}
	_, span := tracer.Start(WithCorrelation(context.Background(), correlation), what, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attributes...),
		trace.WithLinks(trace.Link{SpanContext: trace.SpanContextFromContext(ctx)}))
	span.End()
}

// Recording tells whether what is done under ctx is recorded: what it would take to say more of it
// is spent only then.
func Recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Observe notes how long something took, with the trace that shows why where there is one.
func Observe(ctx context.Context, in prometheus.Observer, took time.Duration) {
	if e, ok := in.(prometheus.ExemplarObserver); ok && Recording(ctx) {
		e.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": CorrelationID(ctx)})
		return
	}
	in.Observe(took.Seconds())
}

// End ends a span, as failed where err is one. What the error says stays out of it: it may tell
// what is somebody's, and stands in the log under the same id.
func End(span trace.Span, err error, failure string) {
	if err != nil {
		span.SetStatus(codes.Error, failure)
	}
	span.End()
}
