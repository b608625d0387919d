package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ends is a part that notes when it ends, some time after it was told to.
type ends struct {
	mu    sync.Mutex
	order []string
}

// ended are the parts that have ended, in order.
func (e *ends) ended() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

func (e *ends) part(name string, after time.Duration, outlives ...string) part {
	return part{name, until(func(ctx context.Context) {
		<-ctx.Done()
		time.Sleep(after)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.order = append(e.order, name)
	}), outlives}
}

func TestPartsEndAfterThoseThatTheyOutlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		var e ends
		err := runAll(ctx, slog.New(slog.DiscardHandler), []part{
			e.part("portal", 3*time.Second), e.part("engine", time.Second, "portal"), e.part("watch", 2*time.Second),
			e.part("audit", 0, "portal", "engine", "watch"),
		})
		if want := []string{"watch", "portal", "engine", "audit"}; !slices.Equal(e.ended(), want) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, %v, want %v", e.ended(), err, want)
		}
	})
}

func TestAPartThatFailsEndsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e ends
		lost := errors.New("the database has ended")
		err := runAll(t.Context(), slog.New(slog.DiscardHandler), []part{
			e.part("portal", time.Second),
			{name: "load", run: until(func(context.Context) {})}, // is done at once, which ends nothing
			{name: "database", run: func(context.Context) error { time.Sleep(time.Minute); return lost }},
		})
		if !errors.Is(err, lost) || !slices.Equal(e.ended(), []string{"portal"}) {
			t.Errorf("got %v after %v, want the failure after the portal has ended", err, e.ended())
		}
	})
}

func TestAPartThatDoesNotEndIsNamedAndLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var e ends
		var log bytes.Buffer
		began := time.Now()
		_ = runAll(ctx, slog.New(slog.NewTextHandler(&log, nil)), []part{e.part("stuck", patience+time.Minute), e.part("audit", 0, "stuck")})
		if took := time.Since(began); took != patience || !strings.Contains(log.String(), "part=stuck") ||
			!slices.Equal(e.ended(), []string{"audit"}) {
			t.Errorf("ended after %v with %v, want after %v:\n%s", took, e.ended(), patience, log.String())
		}
		time.Sleep(time.Hour) // it ends at last
	})
}

func TestAPartOutlivesOnlyWhatIsBeforeIt(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a part that outlives none that there is is accepted")
		}
	}()
	_ = runAll(t.Context(), slog.New(slog.DiscardHandler),
		[]part{{name: "audit", run: until(func(context.Context) {}), outlives: []string{"engine"}}})
}
