package clock

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFailureRecoveryFailureLogsThreeLines holds the loop to tell of a second outage that
// reads like the first, and to tell of each once, however long it lasts.
func TestFailureRecoveryFailureLogsThreeLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		outcomes := []error{down, down, down, nil, nil, down, down}
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		loop := Loop{Task: "purchase orders", Every: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}
		began, passes := time.Now(), 0
		loop.Run(ctx, Pass(func(context.Context) error {
			if passes++; passes == len(outcomes) {
				time.AfterFunc(time.Millisecond, cancel)
			}
			return outcomes[passes-1]
		}))
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "connection refused") || !strings.Contains(lines[1], "works again") ||
			!strings.Contains(lines[2], "connection refused") {
			t.Errorf("got %d lines, want failure, recovery, failure:\n%s", len(lines), log.String())
		}
		if took := time.Since(began); took != 6*time.Second+time.Millisecond {
			t.Errorf("seven passes took %v, want six pauses of a second", took)
		}
	})
}

func TestAPassThatLeavesMoreIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began, passes := time.Now(), 0
		Loop{Every: time.Hour, Log: slog.New(slog.DiscardHandler)}.Run(ctx, func(context.Context) (bool, error) {
			if passes++; passes == 4 {
				cancel()
			}
			return true, nil
		})
		if passes != 4 || time.Since(began) != 0 {
			t.Errorf("%d passes in %v, want 4 without a pause", passes, time.Since(began))
		}
	})
}

func TestAFailingPassWaitsThoughItSaysThereIsMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		passes := 0
		Loop{Every: time.Minute, Log: slog.New(slog.DiscardHandler)}.Run(ctx, func(context.Context) (bool, error) {
			passes++
			return true, errors.New("down")
		})
		if passes != 2 {
			t.Errorf("%d passes in 90 s, want one a minute", passes)
		}
	})
}

func TestAPauseEndsWhenTheLoopIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		wake := make(chan struct{}, 1)
		began, passes := time.Now(), 0
		time.AfterFunc(time.Minute, func() { wake <- struct{}{} })
		Loop{Every: time.Hour, Wake: wake, Late: true, Log: slog.New(slog.DiscardHandler)}.Run(ctx, Pass(func(context.Context) error {
			passes++
			cancel()
			return nil
		}))
		if passes != 1 || time.Since(began) != time.Minute {
			t.Errorf("%d passes after %v, want the first when woken", passes, time.Since(began))
		}
	})
}

func TestWhatFailsAsTheLoopEndsIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	Loop{Every: time.Hour, Log: slog.New(slog.NewTextHandler(&log, nil))}.Run(ctx, Pass(func(context.Context) error {
		cancel()
		return ctx.Err()
	}))
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}
