package durable

import (
	"testing"
	"time"
)

// Cases: H27
func TestALeaseFollowsThePausesOfItsMachine(t *testing.T) {
	p := &pauses{}
	for _, c := range []struct {
		late time.Duration
		want time.Duration
	}{{20 * time.Millisecond, lease}, {time.Second, lease}, {5 * time.Second, 11 * time.Second}, {time.Minute, longestLease}} {
		p.add(c.late)
		if got := p.lease(); got != c.want {
			t.Errorf("after a pause that was %s too long: a lease of %s, want %s", c.late, got, c.want)
		}
	}
	for range pausesKept {
		p.add(time.Millisecond)
	}
	if got := p.lease(); got != lease {
		t.Errorf("a few minutes later: %s, want %s", got, lease)
	}
}
