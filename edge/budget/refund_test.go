package budget

import (
	"testing"
	"time"
)

// TestARefundFillsNoBucketOverItsBrim gives back more than a bucket holds, as who asks dearly and reads little.
func TestARefundFillsNoBucketOverItsBrim(t *testing.T) {
	s := &shared{}
	b := open(t, s)
	for range 10 {
		b.Refund("a", 3000, limits)
	}
	if wait := b.Spend(t.Context(), "a", limits.Burst, limits); wait > 0 {
		t.Errorf("a full bucket does not hold its burst: wait %v", wait)
	}
	if wait := b.Spend(t.Context(), "a", 1, limits); wait <= 0 {
		t.Error("after its burst is spent a bucket holds more, that nobody paid for")
	}
	if wait := b.Spend(t.Context(), "b", 1, limits); wait <= 0 {
		t.Error("what one is given back another spends")
	}
}

func TestWhatWasRefundedIsSpentBeforeMoreIsLeased(t *testing.T) {
	s := &shared{points: 1000}
	b := open(t, s)
	if wait := b.Spend(t.Context(), "a", 1000, limits); wait > 0 || s.asked != 1 {
		t.Fatalf("wait %v, asked %d times", wait, s.asked)
	}
	b.Refund("a", 400, limits)
	if wait := b.Spend(t.Context(), "a", 400, limits); wait > 0 || s.asked != 1 {
		t.Errorf("wait %v, asked %d times; want that what came back is spent", wait, s.asked)
	}
	if wait := b.Spend(t.Context(), "a", 500, limits); wait < 400*time.Millisecond || wait > 600*time.Millisecond {
		t.Errorf("for 500 points at 1000 a second: wait %v", wait)
	}
}
