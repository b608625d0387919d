package resolvers

import (
	"fmt"
	"testing"
	"time"

	"portico/graph"
	"portico/trade"
)

func p[T any](v T) *T { return &v }

func between(t *testing.T, from, to string) *graph.DateRangeInput {
	t.Helper()
	a, err := trade.ParseDate(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := trade.ParseDate(to)
	if err != nil {
		t.Fatal(err)
	}
	return &graph.DateRangeInput{From: &a, To: &b}
}

func TestAPageIsAskedForFromOneEnd(t *testing.T) {
	for name, c := range map[string]struct {
		first, last   *int
		after, before *string
		want          string
		good          bool
	}{
		"nothing said":         {nil, nil, nil, nil, "{25 0  }", true},
		"from the beginning":   {p(1), nil, nil, nil, "{1 0  }", true},
		"as many as there may": {p(100), nil, p("a"), nil, "{100 0 a }", true},
		"from the end":         {nil, p(100), nil, p("b"), "{0 100  b}", true},
		"between two":          {p(3), nil, p("a"), p("b"), "{3 0 a b}", true},
		"from both":            {p(1), p(1), nil, nil, "", false},
		"none":                 {p(0), nil, nil, nil, "", false},
		"less than none":       {p(-1), nil, nil, nil, "", false},
		"one too many":         {p(101), nil, nil, nil, "", false},
		"none from the end":    {nil, p(0), nil, nil, "", false},
		"too many of the end":  {nil, p(101), nil, nil, "", false},
	} {
		got, err := pageArgs(c.first, c.after, c.last, c.before)
		if (err == nil) != c.good || c.good && fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestExactlyOneKeyIsChosen(t *testing.T) {
	if place, value, err := chosen(nil, p("b"), nil); place != 1 || value != "b" || err != nil {
		t.Errorf("%d, %q, %v", place, value, err)
	}
	for _, fields := range [][]*string{{nil, nil}, {p("a"), p("b")}, {}} {
		if _, _, err := chosen(fields...); err == nil {
			t.Errorf("of %d fields one is chosen", len(fields))
		}
	}
}

// TestAPeriodHasItsLastDay asks for measures over days at the ends of months and at the bounds.
func TestAPeriodHasItsLastDay(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"one day":                {"2026-02-28", "2026-02-28", "2026-02-28 2026-03-01"},
		"a leap day":             {"2028-02-29", "2028-02-29", "2028-02-29 2028-03-01"},
		"as long as it may be":   {"2025-01-01", "2026-02-05", "2025-01-01 2026-02-06"},
		"a day too long":         {"2024-12-31", "2026-02-05", ""},
		"its end before its end": {"2026-03-02", "2026-03-01", ""},
	} {
		from, until, err := days(between(t, c.from, c.to), 30)
		got := from.Format(time.DateOnly) + " " + until.Format(time.DateOnly)
		if (err == nil) != (c.want != "") || err == nil && got != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
	to, err := trade.ParseDate("2026-03-31")
	if err != nil {
		t.Fatal(err)
	}
	from, until, err := days(&graph.DateRangeInput{To: &to}, 30)
	if err != nil || from.Format(time.DateOnly) != "2026-03-02" || until.Format(time.DateOnly) != "2026-04-01" {
		t.Errorf("thirty days to the end of March: %s to %s, %v", from, until, err)
	}
}
