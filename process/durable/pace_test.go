package durable_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"portico/process/durable"
	"portico/sources"
	"portico/trade"
)

// TestASourceThatAsksForAPauseIsLeftAloneForSoLong has a source throttle, and looks when it is asked again.
func TestASourceThatAsksForAPauseIsLeftAloneForSoLong(t *testing.T) {
	const pause = 1200 * time.Millisecond
	w := newWorld(t)
	var asked []time.Time
	w.do = func(*durable.Run[work]) error {
		if asked = append(asked, time.Now()); len(asked) == 1 {
			return &sources.Error{Kind: sources.Throttled, After: pause, Err: errors.New("slow down")}
		}
		return nil
	}
	w.run(t)
	if o := w.wait(t, w.begin(t, "lane", "one")); o.State != trade.OperationCommitted || len(asked) != 2 {
		t.Fatalf("%s after %d attempts, want committed after 2", o.State, len(asked))
	}
	if waited := asked[1].Sub(asked[0]); waited < pause {
		t.Errorf("it was asked again after %v, and wanted %v", waited, pause)
	}
}

// TestAStepFindsWhatTheOneBeforeLeft hands on what a step found, though the next one fails at first.
func TestAStepFindsWhatTheOneBeforeLeft(t *testing.T) {
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		r.Work.Name = "4711"
		return nil
	}
	failures := 0
	w.second = func(*durable.Run[work]) error {
		if failures++; failures < 3 {
			return sources.Fail(sources.Unavailable, "not yet")
		}
		return nil
	}
	w.run(t)
	if o := w.wait(t, w.begin(t, "lane", "one")); o.State != trade.OperationCommitted || !slices.Equal(w.done, []string{"4711"}) {
		t.Errorf("%s, and the second step found %q", o.State, w.done)
	}
}
