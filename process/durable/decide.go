package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"portico/store"
	"portico/store/ledger"
	"portico/trade"
)

// ErrState tells that an operation is in no state for what was decided about it.
var ErrState = errors.New("the operation is in another state now")

// decide locks an operation, lets change it, and puts to work what then has its turn.
func (e *Engine) decide(ctx context.Context, tx *store.Tx, id string, in []trade.OperationState,
	change func(c *ledger.Claimed, flow player) error,
) error {
	c, err := ledger.LockOperation(ctx, tx, id)
	if err != nil {
		return err
	}
	if c == nil || !slices.Contains(in, c.State) {
		return ErrState
	}
	flow := e.flows[c.Kind]
	if flow == nil {
		return fmt.Errorf("operation: no flow of the kind %s", c.Kind)
	}
	before := c.State
	if err := change(c, flow); err != nil {
		return err
	}
	if err := ledger.LockLane(ctx, tx, c.Lane, c.Subject); err != nil {
		return err
	}
	if err := ledger.MoveOperation(ctx, tx, c, before); err != nil {
		return err
	}
	return e.next(ctx, tx, c.Lane, c.Subject)
}

// Answer lets an operation that waits for a decision go on with other work.
func Answer[W any](ctx context.Context, e *Engine, tx *store.Tx, id string, change func(w *W)) error {
	return e.decide(ctx, tx, id, []trade.OperationState{trade.OperationAwaiting}, func(c *ledger.Claimed, _ player) error {
		var w W
		if err := json.Unmarshal(c.Work, &w); err != nil {
			return fmt.Errorf("work: %w", err)
		}
		change(&w)
		work, err := json.Marshal(w)
		c.Work, c.State = work, trade.OperationQueued
		return err
	})
}

// Drop ends an operation that waits for a decision, without its effect. Its flow is
// not asked: whoever drops it says what becomes of its subject.
func (e *Engine) Drop(ctx context.Context, tx *store.Tx, id string, failure trade.OperationFailure) error {
	return e.decide(ctx, tx, id, []trade.OperationState{trade.OperationAwaiting}, func(c *ledger.Claimed, _ player) error {
		c.Failure, c.State = &failure, trade.OperationFailed
		for i := range c.Steps {
			if c.Steps[i].State == trade.StepPending {
				c.Steps[i].State = trade.StepSkipped
			}
		}
		return nil
	})
}

// Retry lets a dead letter be tried again.
func (e *Engine) Retry(ctx context.Context, tx *store.Tx, id string) error {
	return e.decide(ctx, tx, id, []trade.OperationState{trade.OperationParked}, func(c *ledger.Claimed, _ player) error {
		c.Failure, c.State = nil, trade.OperationQueued
		for i := range c.Steps {
			if c.Steps[i].State == trade.StepFailed {
				c.Steps[i].State = trade.StepRetrying
			}
		}
		return nil
	})
}

// Discard gives a dead letter up: what it did is undone, and it ends without its effect.
func (e *Engine) Discard(ctx context.Context, tx *store.Tx, id string) error {
	return e.decide(ctx, tx, id, []trade.OperationState{trade.OperationParked}, func(c *ledger.Claimed, _ player) error {
		c.Failure = &trade.OperationFailure{
			Responsible: trade.ERPAtFault, Code: "DISCARDED", Message: "It could not be done, and was given up.",
			Retryable: true,
		}
		c.State = trade.OperationCompensating
		for i := range c.Steps { // what was tried may have had its effect
			if c.Steps[i].State == trade.StepFailed {
				c.Steps[i].State = trade.StepRetrying
			}
		}
		return nil
	})
}

// Undoes tells whether a flow has a step that can be undone, so that operations of the kind
// can be compensated.
func (e *Engine) Undoes(kind trade.OperationKind) bool {
	flow := e.flows[kind]
	return flow != nil && flow.undoesAny()
}

// Compensate lets a committed operation be undone, last step first.
func (e *Engine) Compensate(ctx context.Context, tx *store.Tx, id string) error {
	return e.decide(ctx, tx, id, []trade.OperationState{trade.OperationCommitted}, func(c *ledger.Claimed, flow player) error {
		if !flow.undoesAny() {
			return ErrState
		}
		c.Failure, c.State = nil, trade.OperationCompensating
		return nil
	})
}

// Settle takes over what an operator found out about an unknown outcome, or did by hand
// for one that is parked: that the source has the work, under a reference of its own, or
// that it has not, and the step is played again.
func (e *Engine) Settle(ctx context.Context, tx *store.Tx, id string, happened bool, ref string) error {
	return e.decide(ctx, tx, id, []trade.OperationState{trade.OperationUnknown, trade.OperationParked},
		func(c *ledger.Claimed, flow player) error {
			for i := range c.Steps {
				s := &c.Steps[i]
				if s.State != trade.StepRunning && s.State != trade.StepFailed {
					continue
				}
				s.State = trade.StepPending
				if happened {
					s.State, s.FinishedAt = trade.StepSucceeded, nil
					if err := flow.settle(c, i, ref); err != nil {
						return err
					}
				}
			}
			c.Failure, c.State = nil, trade.OperationQueued
			return nil
		})
}
