package edge

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"portico/telemetry"
)

// Outcomes of operations, as metrics tell them.
const (
	answered  = "answered"
	partly    = "partly"  // answered, and fields of it failed
	refused   = "refused" // before it ran: the request is at fault, or too much was asked for
	failedOut = "failed"  // ours
)

var (
	operationSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "portico_operation_seconds",
		Help: "Seconds that operations took, from the request read to the answer written, by kind (query, mutation, event) and by what " +
			"became of them.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"kind", "outcome"})
	refusedTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_refused_total", Help: "Operations that did not run, by the code that they were refused with.",
	}, []string{"code"})
	rootFields = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_root_fields_total", Help: "Operations by the root fields that they ask for and by what became of them.",
	}, []string{"field", "outcome"})
)

// tracedRequest is an operation as telemetry follows it: one span, one observation, under one id.
type tracedRequest struct {
	span     trace.Span
	began    time.Time
	refusals *Refusals
}

// trace begins to follow a request by its headers, and names its trace in those of its answer (W3C Trace Context,
// level 2); without any, as over a WebSocket, it is under a new id.
func (s *server) trace(ctx context.Context, answer, request http.Header) (context.Context, tracedRequest) {
	ctx, span := telemetry.Span(telemetry.WithRequest(ctx, request), "request", trace.SpanKindServer)
	if answer != nil {
		answer["Traceresponse"] = []string{traceResponse(span.SpanContext())}
	}
	return ctx, tracedRequest{span, time.Now(), s.Refusals}
}

// traceResponse is a span as the header traceresponse has it.
func traceResponse(span trace.SpanContext) string {
	id, parent, flags := span.TraceID(), span.SpanID(), [1]byte{byte(span.TraceFlags())}
	b := append(make([]byte, 0, 55), "00-"...)
	b = append(hex.AppendEncode(b, id[:]), '-')
	b = append(hex.AppendEncode(b, parent[:]), '-')
	return string(hex.AppendEncode(b, flags[:]))
}

// traceAlone begins to follow what is told to many, or long after who asked for it did.
func traceAlone(ctx context.Context, name string) (context.Context, tracedRequest) {
	ctx, span := telemetry.Span(trace.ContextWithSpan(telemetry.WithRequest(ctx, nil), nil), name, trace.SpanKindProducer)
	return ctx, tracedRequest{span, time.Now(), nil}
}

// refused ends the following of an operation that did not run.
func (f tracedRequest) refused(ctx context.Context, errs gqlerror.List) {
	code := "INVALID"
	if len(errs) > 0 {
		if c, ok := errs[0].Extensions["code"].(string); ok {
			code = c
		}
	}
	refusedTotal.WithLabelValues(code).Inc()
	f.refusals.add(clientOf(ctx), code)
	f.span.SetName("refused")
	f.span.SetAttributes(attribute.String("code", code))
	f.end(ctx, "request", refused)
}

// answered ends the following of an operation that ran.
func (f tracedRequest) answered(ctx context.Context, kind string, op *operation, a *answer) {
	outcome := outcomeOf(a)
	for _, field := range rootsOf(op.Operation.SelectionSet, nil) {
		rootFields.WithLabelValues(field, outcome).Inc()
	}
	if f.span.IsRecording() {
		f.span.SetName(kind)
		f.span.SetAttributes(
			attribute.String("operation", op.Operation.Name[:min(len(op.Operation.Name), 100)]),
			attribute.StringSlice("fields", rootsOf(op.Operation.SelectionSet, nil)), attribute.String("client", clientOf(ctx)),
			attribute.Int64("cost", a.cost), attribute.Int64("statements", a.tally.Statements.Load()),
			attribute.Int64("source_calls", a.tally.SourceCalls.Load()),
		)
	}
	f.end(ctx, kind, outcome)
}

// end observes what an operation took.
func (f tracedRequest) end(ctx context.Context, kind, outcome string) {
	if outcome == failedOut || outcome == partly {
		f.span.SetStatus(codes.Error, outcome)
	}
	telemetry.Observe(ctx, operationSeconds.WithLabelValues(kind, outcome), time.Since(f.began))
	f.span.End()
}

func outcomeOf(a *answer) string {
	outcome := answered
	for _, err := range a.errors {
		outcome = partly
		if code := err.Extensions["code"]; code == internal || code == timedOut || code == away {
			return failedOut
		}
	}
	return outcome
}

// rootsOf are the root fields of an operation, each once.
func rootsOf(set ast.SelectionSet, found []string) []string {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if !slices.Contains(found, s.Name) {
				found = append(found, s.Name)
			}
		case *ast.InlineFragment:
			found = rootsOf(s.SelectionSet, found)
		case *ast.FragmentSpread:
			found = rootsOf(s.Definition.SelectionSet, found)
		}
	}
	return found
}
