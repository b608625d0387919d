package telemetry

import (
	"cmp"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	mostRecent = 500  // traces
	mostKept   = 1000 // spans of one
)

// Recent are the traces of the last while, in memory, with a page to look at them.
type Recent struct {
	mu     sync.Mutex
	traces map[trace.TraceID]*kept
	order  []trace.TraceID // oldest first
}

type kept struct {
	spans []sdk.ReadOnlySpan
	more  int // spans that there was no room for
}

// OnStart does nothing: what is kept has ended.
func (*Recent) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd keeps a span, in the place of the oldest trace where there is no room.
func (r *Recent) OnEnd(s sdk.ReadOnlySpan) {
	id := s.SpanContext().TraceID()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.traces == nil {
		r.traces = map[trace.TraceID]*kept{}
	}
	t := r.traces[id]
	if t == nil {
		if len(r.order) == mostRecent {
			delete(r.traces, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		t = &kept{}
		r.traces[id] = t
		r.order = append(r.order, id)
	}
	if len(t.spans) == mostKept {
		t.more++
		return
	}
	t.spans = append(t.spans, s)
}

// Shutdown has nothing to end.
func (*Recent) Shutdown(context.Context) error { return nil }

// ForceFlush has nothing to send.
func (*Recent) ForceFlush(context.Context) error { return nil }

//go:embed recent.html
var recentPage string

var page = template.Must(template.New("traces").Parse(recentPage))

// ServeHTTP is the page: the traces of the last while, newest first, or one of them with its
// spans where ?trace= names it.
func (r *Recent) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	id, err := trace.TraceIDFromHex(strings.TrimSpace(req.FormValue("trace")))
	shown := struct {
		Asked  string
		One    *shownTrace
		Traces []*shownTrace
	}{Asked: req.FormValue("trace")}
	if err == nil {
		shown.One = r.one(id)
	}
	if shown.One == nil {
		shown.Traces = r.all()
	}
	_ = page.Execute(w, shown)
}

// shownTrace is a trace as the page shows it.
type shownTrace struct {
	ID      string
	Name    string
	Began   string
	Took    string
	Failed  bool
	Parts   int
	More    int
	Spans   []shownSpan
	started time.Time
}

type shownSpan struct {
	Depth           int
	Name            string
	Took, After     string
	From, Width     float64 // percent of the trace
	Failure         string
	Attributes      []string
	LinkedElsewhere string
}

func (r *Recent) all() (all []*shownTrace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.traces {
		all = append(all, t.show())
	}
	slices.SortFunc(all, func(a, b *shownTrace) int { return b.started.Compare(a.started) })
	return all
}

func (r *Recent) one(id trace.TraceID) *shownTrace {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.traces[id]
	if t == nil {
		return nil
	}
	one := t.show()
	t.tree(one)
	return one
}

func (t *kept) span() (from, to time.Time) {
	from = t.spans[0].StartTime()
	for _, s := range t.spans {
		if s.StartTime().Before(from) {
			from = s.StartTime()
		}
		if s.EndTime().After(to) {
			to = s.EndTime()
		}
	}
	return from, to
}

func (t *kept) show() *shownTrace {
	from, to := t.span()
	one := &shownTrace{
		ID: t.spans[0].SpanContext().TraceID().String(), Began: from.Format("15:04:05.000"), Took: brief(to.Sub(from)),
		Parts: len(t.spans), More: t.more, started: from,
	}
	first := slices.MinFunc(t.spans, func(a, b sdk.ReadOnlySpan) int {
		return cmp.Or(a.StartTime().Compare(b.StartTime()), b.EndTime().Compare(a.EndTime()))
	})
	one.Name = first.Name()
	one.Failed = slices.ContainsFunc(t.spans, func(s sdk.ReadOnlySpan) bool { return s.Status().Code == codes.Error })
	return one
}

// tree puts the spans of a trace under one another, in the order in which they began.
func (t *kept) tree(one *shownTrace) {
	from, to := t.span()
	whole := max(to.Sub(from).Seconds(), 1e-9)
	here := map[trace.SpanID]bool{}
	for _, s := range t.spans {
		here[s.SpanContext().SpanID()] = true
	}
	under := map[trace.SpanID][]sdk.ReadOnlySpan{}
	for _, s := range t.spans {
		parent := s.Parent().SpanID()
		if !here[parent] {
			parent = trace.SpanID{}
		}
		under[parent] = append(under[parent], s)
	}
	var write func(parent trace.SpanID, depth int)
	write = func(parent trace.SpanID, depth int) {
		parts := under[parent]
		slices.SortStableFunc(parts, func(a, b sdk.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
		for _, s := range parts {
			took := s.EndTime().Sub(s.StartTime())
			shown := shownSpan{
				Depth: depth, Name: s.Name(), Took: brief(took), After: brief(s.StartTime().Sub(from)),
				From: 100 * s.StartTime().Sub(from).Seconds() / whole, Width: max(100*took.Seconds()/whole, 0.3), Failure: s.Status().Description,
			}
			if s.Status().Code == codes.Error && shown.Failure == "" {
				shown.Failure = "failed"
			}
			for _, a := range s.Attributes() {
				shown.Attributes = append(shown.Attributes, string(a.Key)+" = "+a.Value.String())
			}
			for _, l := range s.Links() {
				shown.LinkedElsewhere = l.SpanContext.SpanID().String()
			}
			one.Spans = append(one.Spans, shown)
			write(s.SpanContext().SpanID(), depth+1)
		}
	}
	write(trace.SpanID{}, 0)
}

func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
