package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAnAnswerWaitsAsAskedButNoLongerThanItMay holds Prefer to RFC 7240.
func TestAnAnswerWaitsAsAskedButNoLongerThanItMay(t *testing.T) {
	const most = 10 * time.Second
	for name, c := range map[string]struct {
		prefer []string
		want   time.Duration
	}{
		"nothing said":                       {nil, most},
		"less than the most":                 {[]string{"wait=3"}, 3 * time.Second},
		"nothing":                            {[]string{"wait=0"}, 0},
		"as long as the most":                {[]string{"wait=10"}, most},
		"a day":                              {[]string{"wait=86400"}, most},
		"among others":                       {[]string{"respond-async, wait=4"}, 4 * time.Second},
		"on another line":                    {[]string{"respond-async", "wait=5"}, 5 * time.Second},
		"twice: the first counts":            {[]string{"wait=2, wait=9"}, 2 * time.Second},
		"in quotes, in capitals":             {[]string{`Wait="6"`}, 6 * time.Second},
		"less than nothing":                  {[]string{"wait=-1"}, most},
		"no number":                          {[]string{"wait=soon"}, most},
		"more than there is":                 {[]string{"wait=99999999999999999999"}, most},
		"something else":                     {[]string{"waiting=3"}, most},
		"what is wrong before what is right": {[]string{"wait=x, wait=7"}, 7 * time.Second},
	} {
		ctx := WithRequest(t.Context(), http.Header{"Prefer": c.prefer})
		if got := Wait(ctx, most); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := Wait(t.Context(), most); got != most {
		t.Errorf("outside of a request: %v", got)
	}
}

func TestACorrelationIsTheCallersOrANewOne(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for parent, kept := range map[string]bool{
		"00-" + id + "-00f067aa0ba902b7-01": true, "00-" + id + "-00f067aa0ba902b7-00": true, "": false, "nonsense": false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false, "00-" + id + "-0000000000000000-01": false,
	} {
		ctx := WithRequest(t.Context(), http.Header{"Traceparent": {parent}})
		if got := CorrelationID(ctx); (got == id) != kept || len(got) != 32 {
			t.Errorf("%q becomes %s", parent, got)
		}
		if first, second := CorrelationID(ctx), CorrelationID(ctx); first != second {
			t.Errorf("%q becomes another id each time", parent)
		}
	}
	if CorrelationID(WithCorrelation(t.Context(), id)) != id {
		t.Error("work that is taken up again is under another id")
	}
	for _, no := range []string{"", "x", strings.Repeat("0", 32)} {
		if got := CorrelationID(WithCorrelation(t.Context(), no)); len(got) != 32 || got == strings.Repeat("0", 32) {
			t.Errorf("%q becomes %q", no, got)
		}
	}
	if Traceparent(t.Context()) != "" {
		t.Error("what is part of no trace tells of one")
	}
	if got := Traceparent(WithCorrelation(t.Context(), id)); !strings.HasPrefix(got, "00-"+id+"-") || len(got) != 55 {
		t.Errorf("the next system is told %s", got)
	}
}

// TestTheLogTellsNoFactUnderAKeyOfItsOwn holds what is logged to the vocabulary.
func TestTheLogTellsNoFactUnderAKeyOfItsOwn(t *testing.T) {
	var b bytes.Buffer
	log := NewLog(&b)
	log.InfoContext(
		WithCorrelation(t.Context(), "4bf92f3577b34da6a3ce929d0e0e4736"),
		"order placed",
		"operation_id",
		"opr_1",
		"email",
		"a@example.com",
		slog.Group("of", "code", "secret"),
	)
	log.With("token", "t0ken").WithGroup("g").Warn("again", "step", "hidden")
	for _, no := range []string{"a@example.com", "secret", "t0ken", "hidden"} {
		if strings.Contains(b.String(), no) {
			t.Errorf("%q is logged: %s", no, b.String())
		}
	}
	for _, yes := range []string{"operation_id=opr_1", "trace_id=4bf92f3577b34da6a3ce929d0e0e4736", "email=(withheld)"} {
		if !strings.Contains(b.String(), yes) {
			t.Errorf("%q is not logged: %s", yes, b.String())
		}
	}
	b.Reset()
	log.InfoContext(WithCorrelation(t.Context(), "4bf92f3577b34da6a3ce929d0e0e4736"), "twice", "trace_id", "other")
	if strings.Count(b.String(), "trace_id") != 1 {
		t.Errorf("one entry has two ids: %s", b.String())
	}
}

func TestATallyCountsWhatIsDoneUnderIt(t *testing.T) {
	var one, other Tally
	ctx := WithTally(t.Context(), &one)
	Statement(ctx)
	SourceCall(ctx)
	Statement(WithTally(ctx, &other))
	Statement(context.Background())
	if one.Statements.Load() != 1 || one.SourceCalls.Load() != 1 || other.Statements.Load() != 1 {
		t.Errorf("%d statements, %d calls, %d of another", one.Statements.Load(), one.SourceCalls.Load(), other.Statements.Load())
	}
}
