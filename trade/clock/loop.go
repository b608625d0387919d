// Package clock is what the product knows of time: the loop that everything runs in
// which is done again and again.
package clock

import (
	"context"
	"log/slog"
	"time"
)

// Loop repeats a task until its context ends.
type Loop struct {
	// Task names it in the log.
	Task string
	// Every is the pause after a pass that left nothing to do, or that failed, at the pace of
	// the process.
	Every time.Duration
	// Wake ends a pause early, if it is set.
	Wake <-chan struct{}
	// Late has the first pass wait for a pause, too.
	Late bool
	// Log is told of the first failure of several alike, and once that they are over.
	Log *slog.Logger
}

// Run repeats pass. A pass that says that there is more to do is followed by the next
// one without a pause. A failure stops nothing: it is logged unless the pass before
// failed with the same text, and the next success is logged as the recovery.
func (l Loop) Run(ctx context.Context, pass func(ctx context.Context) (more bool, err error)) {
	failure := ""
	if l.Late && !l.pause(ctx) {
		return
	}
	for ctx.Err() == nil {
		more, err := pass(ctx)
		switch {
		case ctx.Err() != nil: // what failed since was cut short
			return
		case err != nil && err.Error() != failure:
			l.Log.WarnContext(ctx, "background task fails; it is retried", "task", l.Task, "err", err)
			failure = err.Error()
		case err == nil && failure != "":
			l.Log.InfoContext(ctx, "background task works again", "task", l.Task)
			failure = ""
		}
		if (err != nil || !more) && !l.pause(ctx) {
			return
		}
	}
}

// pause waits, and says whether to go on.
func (l Loop) pause(ctx context.Context) bool {
	timer := time.NewTimer(Paced(l.Every))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-l.Wake:
	}
	return true
}

// Pass is a pass that never leaves more to do.
func Pass(do func(ctx context.Context) error) func(ctx context.Context) (more bool, err error) {
	return func(ctx context.Context) (bool, error) { return false, do(ctx) }
}

// Pause waits for d, and fails when ctx ends before.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
