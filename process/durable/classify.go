package durable

import (
	"context"
	"errors"
	"net"
	"time"

	"portico/sources"
	"portico/trade"
)

// attempt is how an attempt of a step, or of undoing it, ended.
type attempt struct {
	err      error
	attempts int // with this one
	undo     bool
}

// move is what an operation does after an attempt.
type move int

const (
	goOn   move = iota + 1 // to the next step
	rest                   // in a state, until somebody decides or looks
	refuse                 // the operation fails, and what was done is undone
	retry                  // the step, after a pause
	more                   // the step at once, for a part of it is done
)

// decision is what follows from an attempt.
type decision struct {
	move     move
	step     trade.StepState
	state    trade.OperationState    // where it rests
	failure  *trade.OperationFailure // nil where it keeps the one it has
	awaiting *trade.AwaitedDecision
	keeps    bool          // the work as the step left it, and what it saves
	after    time.Duration // the least pause before it is tried again
}

// classify decides what follows from an attempt.
func classify(a attempt) decision {
	if a.err == nil {
		if a.undo {
			return decision{move: goOn, step: trade.StepUndone, keeps: true}
		}
		return decision{move: goOn, step: trade.StepSucceeded, keeps: true}
	}
	if errors.Is(a.err, ErrMore) {
		return decision{move: more, step: trade.StepPending, keeps: true}
	}
	if question, ok := errors.AsType[*Question](a.err); ok {
		return decision{move: rest, step: trade.StepPending, state: trade.OperationAwaiting, awaiting: &question.Awaiting, keeps: true}
	}
	if _, ok := errors.AsType[*Doubt](a.err); ok { // whether the step was done is not known, so that it still runs
		return decision{
			move: rest, step: trade.StepRunning, state: trade.OperationUnknown,
			failure: &trade.OperationFailure{Responsible: trade.ERPAtFault, Code: "OUTCOME_UNKNOWN", Message: a.err.Error()},
		}
	}
	if _, ok := errors.AsType[*Quiet](a.err); ok {
		return decision{move: retry, step: trade.StepRetrying}
	}
	if _, ok := errors.AsType[*Chore](a.err); ok {
		return parked(trade.ERPAtFault, "BY_HAND", a.err.Error())
	}
	if refusal, ok := errors.AsType[*Refusal](a.err); ok && !a.undo {
		return decision{move: refuse, step: trade.StepFailed, failure: &refusal.Failure}
	}
	if hopeless(a) {
		if _, answered := errors.AsType[*sources.Error](a.err); answered {
			return parked(trade.ERPAtFault, "NOT_TAKEN", "The system does not take it; somebody is looking at it.")
		}
		return notDone()
	}
	return decision{move: retry, step: trade.StepRetrying, after: sources.RetryAfter(a.err)}
}

func parked(by trade.Responsible, code, message string) decision {
	return decision{
		move: rest, step: trade.StepFailed, state: trade.OperationParked,
		failure: &trade.OperationFailure{Responsible: by, Code: code, Message: message},
	}
}

func notDone() decision {
	return parked(trade.OrchestrationAtFault, "NOT_DONE", "It cannot be done at the moment; somebody is looking at it.")
}

// crashesAlways tells whether a step that was begun so often, and whose last attempt ended with
// its process, is not to be begun once more.
func crashesAlways(crashed bool, attempts int) bool { return crashed && attempts%(3*patience) == 0 }

// hopeless tells whether trying again is of no use until somebody has looked: what
// passes by itself is that a source does not answer.
func hopeless(a attempt) bool {
	if _, refused := errors.AsType[*Refusal](a.err); refused && a.undo {
		return true
	}
	if _, answered := errors.AsType[*sources.Error](a.err); answered {
		switch sources.KindOf(a.err) {
		case sources.Unavailable, sources.Throttled, sources.Uncertain:
			return false
		}
	} else if _, network := errors.AsType[*net.OpError](a.err); network || errors.Is(a.err, context.DeadlineExceeded) {
		return false
	}
	return a.attempts%patience == 0
}
