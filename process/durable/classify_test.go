package durable

import (
	"context"
	"errors"
	"net"
	"testing"

	"portico/sources"
	"portico/trade"
)

// TestWhatFollowsFromAnAttempt holds each way in which an attempt can end to what the operation does then.
func TestWhatFollowsFromAnAttempt(t *testing.T) {
	fail := func(k sources.Kind) error { return sources.Fail(k, "no") }
	for name, c := range map[string]struct {
		of   attempt
		move move
		step trade.StepState
		rest trade.OperationState
		code string
	}{
		"it is done":   {attempt{nil, 1, false}, goOn, trade.StepSucceeded, "", ""},
		"it is undone": {attempt{nil, 1, true}, goOn, trade.StepUndone, "", ""},
		"it asks":      {attempt{&Question{}, 1, false}, rest, trade.StepPending, trade.OperationAwaiting, ""},
		"nobody knows": {
			attempt{&Doubt{}, 1, false},
			rest, trade.StepRunning, trade.OperationUnknown,
			"OUTCOME_UNKNOWN",
		},
		"it is somebody's to do": {attempt{&Chore{}, 1, false}, rest, trade.StepFailed, trade.OperationParked, "BY_HAND"},
		"it is refused":          {attempt{Refuse(trade.ERPAtFault, "NO", "no"), 1, false}, refuse, trade.StepFailed, "", "NO"},
		"its undoing is refused": {
			attempt{Refuse(trade.ERPAtFault, "NO", "no"), 1, true},
			rest, trade.StepFailed,
			trade.OperationParked, "NOT_DONE",
		},
		"no answer, however often":                 {attempt{fail(sources.Unavailable), 10 * patience, false}, retry, trade.StepRetrying, "", ""},
		"too many requests, however often":         {attempt{fail(sources.Throttled), 10 * patience, false}, retry, trade.StepRetrying, "", ""},
		"a lost answer, however often":             {attempt{fail(sources.Uncertain), 10 * patience, false}, retry, trade.StepRetrying, "", ""},
		"credentials are bad, before it is tiring": {attempt{fail(sources.Denied), patience - 1, false}, retry, trade.StepRetrying, "", ""},
		"credentials are bad, often": {
			attempt{fail(sources.Denied), patience, false},
			rest, trade.StepFailed,
			trade.OperationParked, "NOT_TAKEN",
		},
		"undoing is not taken, often": {
			attempt{fail(sources.Garbled), patience, true},
			rest, trade.StepFailed,
			trade.OperationParked, "NOT_TAKEN",
		},
		"a defect of ours, once": {attempt{errors.New("defect"), 1, false}, retry, trade.StepRetrying, "", ""},
		"a defect of ours, often": {
			attempt{errors.New("defect"), patience, false},
			rest, trade.StepFailed,
			trade.OperationParked, "NOT_DONE",
		},
		"a network that breaks, however often": {
			attempt{&net.OpError{Err: errors.New("reset")}, patience, false},
			retry, trade.StepRetrying,
			"", "",
		},
		"a deadline, however often": {attempt{context.DeadlineExceeded, patience, false}, retry, trade.StepRetrying, "", ""},
	} {
		got, code := classify(c.of), ""
		if got.failure != nil {
			code = got.failure.Code
		}
		if got.move != c.move || got.step != c.step || got.state != c.rest || code != c.code {
			t.Errorf("%s: %+v with the code %q, want %+v", name, got, code, c)
		}
		if keeps := c.of.err == nil || got.awaiting != nil; got.keeps != keeps {
			t.Errorf("%s: what the step left is kept: %v", name, got.keeps)
		}
	}
	for attempts := 1; attempts <= 3*patience; attempts++ {
		if crashesAlways(true, attempts) != (attempts == 3*patience) || crashesAlways(false, attempts) {
			t.Errorf("after %d attempts that crashed", attempts)
		}
	}
}
