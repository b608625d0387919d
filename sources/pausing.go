package sources

import (
	"context"
	"time"

	"portico/trade/operating"
)

// pollPause is the longest pause before a source that is held is looked at again.
const pollPause = time.Second

// Pause holds the named sources, with the reason of each, and resumes all others. A
// source that is paused is neither read from nor written to: reads come from the store,
// and writes wait.
func (s *Set) Pause(reasons map[string]string) {
	for name, g := range s.byName {
		if reason, paused := reasons[name]; paused {
			g.paused.Store(&reason)
		} else {
			g.paused.Store(nil)
		}
	}
}

// Paused tells whether writes to a source wait, why, and when to look again: while it is
// paused, in a planned window, or while its breaker is open.
func (s *Set) Paused(name string) (why string, wait time.Duration) {
	g := s.byName[name]
	if g == nil {
		return "", 0
	}
	if reason := g.paused.Load(); reason != nil {
		return "The system is paused: " + *reason, pollPause
	}
	if w := g.window(time.Now()); w != nil {
		return "The system is in a planned window until " + w.To.Format(time.RFC3339) + ".", min(time.Until(w.To), pollPause)
	}
	if g.breaker.IsOpen() {
		if rest := g.breaker.RemainingDelay(); rest > 0 {
			return "The system does not answer; Portico retries automatically.", rest
		}
	}
	return "", 0
}

// HeldUntil is the end of the planned window that a source is in; nil where it is in
// none, so that nobody knows.
func (s *Set) HeldUntil(name string, now time.Time) *time.Time {
	if g := s.byName[name]; g != nil && g.paused.Load() == nil {
		if w := g.window(now); w != nil {
			return &w.To
		}
	}
	return nil
}

// window is the planned window that a moment is in; nil where there is none.
func (g *guarded) window(now time.Time) *operating.MaintenanceWindow {
	for i, w := range g.limits.Maintenance {
		if !now.Before(w.From) && now.Before(w.To) {
			return &g.limits.Maintenance[i]
		}
	}
	return nil
}

// planned are the windows of a source that are not over, soonest first.
func (g *guarded) planned(now time.Time) []operating.MaintenanceWindow {
	all := []operating.MaintenanceWindow{}
	for _, w := range g.limits.Maintenance {
		if now.Before(w.To) {
			all = append(all, w)
		}
	}
	return all[:min(len(all), 20)]
}

// closed fails while nothing may be asked of a source.
func (g *guarded) closed(ctx context.Context) error {
	if g.paused.Load() != nil {
		return &Error{Kind: Unavailable, After: pollPause, Err: errPaused}
	}
	return ctx.Err()
}
