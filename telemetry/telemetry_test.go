package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// recorded is a provider of its own whose decisions can be looked at.
func recorded(share float64, slow time.Duration) (trace.Tracer, *Recent) {
	recent := &Recent{}
	k := &keeper{slow: slow, share: share, to: []sdk.SpanProcessor{recent}, open: map[trace.TraceID]*pending{}}
	return sdk.NewTracerProvider(sdk.WithIDGenerator(ids{}), sdk.WithSpanProcessor(k)).Tracer("test"), recent
}

func TestWhatFailedOrWasSlowIsAlwaysKept(t *testing.T) {
	tracer, recent := recorded(0, 20*time.Millisecond)
	begin := func() (context.Context, trace.Span) {
		return tracer.Start(WithRequest(context.Background(), nil), "root")
	}
	_, fine := begin()
	fine.End()
	if len(recent.traces) != 0 {
		t.Fatal("a trace was kept that is neither slow nor failed, of a share of 0")
	}
	ctx, root := begin()
	_, part := tracer.Start(ctx, "part")
	part.SetStatus(codes.Error, "failed")
	part.End()
	root.End()
	if got := recent.traces[root.SpanContext().TraceID()]; got == nil || len(got.spans) != 2 {
		t.Fatal("of a trace whose part failed not every span was kept")
	}
	ctx, root = begin()
	_, part = tracer.Start(ctx, "part", trace.WithTimestamp(time.Now().Add(-time.Second)))
	part.End()
	root.End()
	if got := recent.traces[root.SpanContext().TraceID()]; got == nil || len(got.spans) != 2 {
		t.Fatal("of a trace whose part was slow not every span was kept")
	}
}

func TestTheShareIsTheSameInEveryProcess(t *testing.T) {
	tracer, one := recorded(0.3, time.Hour)
	again, two := recorded(0.3, time.Hour)
	for range 300 {
		ctx := WithRequest(context.Background(), nil)
		for _, in := range []trace.Tracer{tracer, again} {
			_, s := in.Start(ctx, "root")
			s.End()
		}
	}
	if n := len(one.traces); n < 45 || n > 135 {
		t.Errorf("%d of 300 traces kept of a share of 0.3", n)
	}
	for id := range one.traces {
		if two.traces[id] == nil {
			t.Fatal("a trace was kept in one process and not in the other")
		}
	}
}

func TestWhatComesFromOutsideIsLinkedAndNotTrusted(t *testing.T) {
	recent, stop, err := Start(t.Context(), Tracing{Memory: true, Share: 1, Slow: time.Hour, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop(context.Background()) }()
	const id, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	ctx := WithRequest(context.Background(), http.Header{"Traceparent": {"00-" + id + "-" + parent + "-00"}})
	if CorrelationID(ctx) != id {
		t.Errorf("the correlation id is %s", CorrelationID(ctx))
	}
	ctx, span := Span(ctx, "request", trace.SpanKindServer)
	if got := Traceparent(ctx); got != "00-"+id+"-"+span.SpanContext().SpanID().String()+"-01" {
		t.Errorf("the next system is told %s", got)
	}
	span.End()
	of, _ := trace.TraceIDFromHex(id)
	kept := recent.traces[of]
	if kept == nil {
		t.Fatal("a caller's flag decided that the trace is not recorded")
	}
	s := kept.spans[0]
	if s.Parent().IsValid() || len(s.Links()) != 1 || s.Links()[0].SpanContext.SpanID().String() != parent {
		t.Errorf("parent %v, links %v: the caller's span must be linked, and be no parent", s.Parent(), s.Links())
	}
}

func TestABadTraceparentBeginsATrace(t *testing.T) {
	for _, text := range []string{
		"", "x", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "00-\r\nx", strings.Repeat("0", 100000),
	} {
		id := CorrelationID(WithRequest(context.Background(), http.Header{"Traceparent": {text}}))
		if _, err := trace.TraceIDFromHex(id); err != nil || strings.HasPrefix(id, "4bf92f") {
			t.Errorf("%.40q: got the id %q", text, id)
		}
	}
}

func TestTheLogTellsOnlyWhatHasAKey(t *testing.T) {
	var out bytes.Buffer
	log := NewLog(&out)
	ctx := WithRequest(context.Background(), nil)
	log.InfoContext(ctx, "step failed", "operation_id", "op_1", "customer", "ACME", slog.Group("body", "err", "secret"))
	line := out.String()
	if strings.Contains(line, "ACME") || strings.Contains(line, "secret") {
		t.Errorf("the log tells what it must not: %s", line)
	}
	if !strings.Contains(line, "operation_id=op_1") || !strings.Contains(line, "trace_id="+CorrelationID(ctx)) {
		t.Errorf("the log does not tell what it should: %s", line)
	}
}

// BenchmarkSpansOfTheOrderPage is what recording adds to the order page of the bench: a request, 8 calls of resolvers, 8 batches of
// loaders and 8 statements with their attributes, decided on and kept in memory.
func BenchmarkSpansOfTheOrderPage(b *testing.B) {
	tracer, _ := recorded(1, time.Second)
	b.ReportAllocs()
	for b.Loop() {
		ctx, root := tracer.Start(WithRequest(context.Background(), nil), "request",
			trace.WithAttributes(attribute.String("client", "portal"), attribute.Int64("cost", 3000)))
		for range 8 {
			ctx, call := tracer.Start(ctx, "Order.lines", trace.WithAttributes(attribute.Int("level", 2)))
			ctx, load := tracer.Start(ctx, "load", trace.WithAttributes(attribute.String("of", "*trade.Order"), attribute.Int("keys", 20)))
			_, sql := tracer.Start(ctx, "sql", trace.WithAttributes(attribute.String("statement", "SELECT")))
			sql.End()
			load.End()
			call.End()
		}
		root.End()
	}
}
