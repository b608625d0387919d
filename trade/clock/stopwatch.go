package clock

import "time"

// Stopwatch measures how long something takes. What the moment itself matters to, takes the
// moment from the clock that was handed in.
type Stopwatch struct{ began time.Time }

// Start begins to measure.
func Start() Stopwatch {
	return Stopwatch{time.Now()} //nolint:forbidigo // the moment is only measured from
}

// Elapsed is the time since the start.
func (s Stopwatch) Elapsed() time.Duration { return time.Since(s.began) }
