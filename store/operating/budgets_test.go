package operating_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	operatingstore "portico/store/operating"
	"portico/store/storetest"
)

func TestPointsAreSharedAndComeBackWithTime(t *testing.T) {
	s := storetest.New(t)
	lease := func(need, want int64) int64 {
		t.Helper()
		taken, wait, err := operatingstore.LeasePoints(t.Context(), s, "client", need, want, 1000, 500)
		if err != nil || (taken == 0) != (wait > 0) {
			t.Fatalf("took %d, wait %v, %v", taken, wait, err)
		}
		return taken
	}
	begun := time.Now()
	if a, b := lease(100, 300), lease(100, 300); a != 300 || b < 200 || b > 300 {
		t.Errorf("took %d and %d of 500", a, b)
	}
	if n := lease(400, 400); n != 0 {
		t.Errorf("took %d of an empty bucket", n)
	}
	if taken, _, err := operatingstore.LeasePoints(t.Context(), s, "another", 500, 500, 1000, 500); err != nil || taken != 500 {
		t.Errorf("another client took %d, %v", taken, err)
	}
	for deadline := time.Now().Add(5 * time.Second); lease(400, 400) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("points do not come back")
		}
		time.Sleep(10 * time.Millisecond)
	}
	// 500 there were, and 900 are taken.
	if took := time.Since(begun); took < 400*time.Millisecond {
		t.Errorf("400 points came back in %v, at 1000 a second", took)
	}
	// Of many at once, nobody gets what another has.
	var total atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			taken, _, err := operatingstore.LeasePoints(t.Context(), s, "crowd", 10, 50, 0, 200)
			if err != nil {
				t.Error(err)
			}
			total.Add(taken)
		})
	}
	all.Wait()
	if total.Load() != 200 {
		t.Errorf("16 at once took %d of 200", total.Load())
	}
}
