package budget

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shared is a store of points that counts how often it is asked.
type shared struct {
	mu     sync.Mutex
	points int64
	asked  int
	down   bool
}

func (s *shared) Lease(_ context.Context, _ string, need, want, rate, _ int64) (int64, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.down {
		return 0, 0, errors.New("down")
	}
	if s.points < need {
		return 0, time.Duration(float64(need-s.points) / float64(rate) * float64(time.Second)), nil
	}
	taken := min(want, s.points)
	s.points -= taken
	return taken, 0, nil
}

var limits = Limits{Rate: 1000, Burst: 5000}

func open(t *testing.T, s *shared) *Budget {
	t.Helper()
	b, err := New(s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestARequestCostsNoStatement(t *testing.T) {
	s := &shared{points: 5000}
	b := open(t, s)
	for range 1000 {
		if wait := b.Spend(t.Context(), "a", 1, limits); wait > 0 {
			t.Fatal("there were points")
		}
	}
	if s.asked != 1 {
		t.Errorf("1000 requests asked the store %d times", s.asked)
	}
}

func TestWhoIsOverBudgetIsToldHowLongAndDoesNotAskTheStoreAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shared{points: 500}
		b := open(t, s)
		if wait := b.Spend(t.Context(), "a", 900, limits); wait != 400*time.Millisecond {
			t.Errorf("wait %v, want 400 ms", wait)
		}
		for range 100 {
			if b.Spend(t.Context(), "a", 900, limits) == 0 {
				t.Fatal("there were no points")
			}
		}
		if s.asked != 1 {
			t.Errorf("the store was asked %d times", s.asked)
		}
		time.Sleep(500 * time.Millisecond)
		s.points = 1000
		if wait := b.Spend(t.Context(), "a", 900, limits); wait != 0 {
			t.Errorf("wait %v after it", wait)
		}
	})
}

func TestWhoAsksForTooMuchKeepsNobodyFromAskingForLittle(t *testing.T) {
	s := &shared{points: 500}
	b := open(t, s)
	if b.Spend(t.Context(), "account", 4000, limits) == 0 {
		t.Fatal("there were no such points")
	}
	if wait := b.Spend(t.Context(), "account", 10, limits); wait > 0 {
		t.Errorf("there are 500 points, and 10 must wait %v", wait)
	}
}

func TestTwoProcessesTogetherSpendWhatThereIs(t *testing.T) {
	s := &shared{points: 10_000}
	one, two := open(t, s), open(t, s)
	spent := 0
	for range 300 {
		for _, b := range []*Budget{one, two} {
			if b.Spend(t.Context(), "a", 100, limits) == 0 {
				spent += 100
			}
		}
	}
	if spent > 10_000 || spent < 9000 {
		t.Errorf("two processes spent %d of 10000", spent)
	}
}

func TestWhatWasNotNeededComesBack(t *testing.T) {
	s := &shared{points: 1000}
	b := open(t, s)
	for range 50 {
		if b.Spend(t.Context(), "a", 1000, limits) > 0 {
			t.Fatal("what was given back is not there")
		}
		b.Refund("a", 1000, limits)
	}
	if s.asked != 1 {
		t.Errorf("the store was asked %d times", s.asked)
	}
}

func TestWithoutTheStoreRequestsGoOn(t *testing.T) {
	b := open(t, &shared{down: true})
	if wait := b.Spend(t.Context(), "a", 100, limits); wait > 0 {
		t.Errorf("wait %v", wait)
	}
}

// Cases: H6
func TestALowerBudgetIsInForceAtOnce(t *testing.T) {
	s := &shared{points: 100_000}
	b := open(t, s)
	large, small := Limits{Rate: 16_666, Burst: 1_000_000}, Limits{Rate: 1, Burst: 40}
	if wait := b.Spend(t.Context(), "a", 10, large); wait > 0 {
		t.Fatal("there were points")
	}
	s.points = 40 // a bucket of the store holds no more than its burst
	if wait := b.Spend(t.Context(), "a", 40, small); wait > 0 {
		t.Errorf("the new budget cannot be spent: wait %v", wait)
	}
	b.Refund("a", 500, large) // of an operation that began before
	if wait := b.Spend(t.Context(), "a", 41, small); wait <= 0 {
		t.Error("points that were leased under the larger budget are spent")
	}
	s.points = 1000
	if wait := b.Spend(t.Context(), "a", 500, large); wait > 0 {
		t.Errorf("a budget that was raised is not in force: wait %v", wait)
	}
}
