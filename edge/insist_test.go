package edge

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// TestAnItemOfAStreamIsMadeAgainOrEndsIt has items that fail for a fault of ours for a while, for ever, and for one of the caller's.
//
// Cases: H21
func TestAnItemOfAStreamIsMadeAgainOrEndsIt(t *testing.T) {
	fault := func(code string) gqlerror.List {
		return gqlerror.List{{Message: "no", Extensions: map[string]any{"code": code}}}
	}
	for name, c := range map[string]struct {
		fails  int
		code   string
		made   int
		ends   bool
		within time.Duration
	}{
		"made at once":                    {0, internal, 1, false, 0},
		"after a locked table":            {2, timedOut, 3, false, 1500 * time.Millisecond},
		"after a restart of the database": {1, away, 2, false, 500 * time.Millisecond},
		"at the last attempt":             {5, internal, 6, false, 15500 * time.Millisecond},
		"never":                           {100, internal, 6, true, 15500 * time.Millisecond},
		"not the server's fault":          {100, "FORBIDDEN", 1, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, made, begun := &server{Options: Options{Stopping: t.Context()}}, 0, time.Now()
				a := s.insist(t.Context(), "event", func(context.Context, any) *answer {
					if made++; made <= c.fails {
						return &answer{data: []byte(`{"orderUpdates":null}`), errors: fault(c.code)}
					}
					return &answer{data: []byte(`{"orderUpdates":{"cursor":"c"}}`)}
				})
				if made != c.made || a.ends != c.ends || time.Since(begun) != c.within {
					t.Errorf("made %d times within %s, ends %v; want %d, %s, %v", made, time.Since(begun), a.ends, c.made, c.within, c.ends)
				}
				if a.ends && (a.data != nil || a.errors[0].Extensions["code"] != "UNAVAILABLE") {
					t.Errorf("the stream ends with %s, %v", a.data, a.errors)
				}
			})
		})
	}
}
