package clock

import (
	"testing"
	"time"
)

// TestThePaceDividesWhatIsPaced holds the default to leave every value as it is, and a pace to
// divide it without ever making a loop that does not pause.
func TestThePaceDividesWhatIsPaced(t *testing.T) {
	t.Cleanup(func() { pace.Store(0) })
	for _, c := range []struct {
		times       float64
		d, expected time.Duration
	}{
		{0, 10 * time.Second, 10 * time.Second},
		{1, 10 * time.Second, 10 * time.Second},
		{5, 10 * time.Second, 2 * time.Second},
		{2.5, 2 * time.Second, 800 * time.Millisecond},
		{5, time.Second, 500 * time.Millisecond},
		{1000, 20 * time.Millisecond, 20 * time.Millisecond},
		{0.1, 20 * time.Millisecond, 200 * time.Millisecond},
	} {
		if SetPace(c.times); Paced(c.d) != c.expected {
			t.Errorf("%v at pace %v is %v, want %v", c.d, c.times, Paced(c.d), c.expected)
		}
	}
}
