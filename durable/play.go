package durable

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"portico/sources"
	"portico/store"
	"portico/trade"
)

// claim is an operation that this process is at.
type claim struct {
	*store.Claimed
	token string
}

// play takes an operation on and plays it to its end, or as far as it goes now. wait
// is when to go on; 0 is never.
func (e *Engine) play(ctx context.Context, id string) (wait time.Duration, err error) {
	token := NewID("")
	claimed, wait, err := e.store.ClaimOperation(ctx, id, token, lease)
	if err != nil || claimed == nil {
		return wait, err
	}
	c := &claim{claimed, token}
	ctx, lost := context.WithCancel(ctx)
	defer lost()
	go e.hold(ctx, c, lost)
	flow := e.flows[c.Kind]
	if flow == nil || flow.length() != len(c.Steps) {
		e.log.Error("an operation of a kind that this version does not play", "operation_id", id, "kind", c.Kind)
		return longestPause, e.free(ctx, c, longestPause)
	}
	for position := range c.Steps {
		if c.Steps[position].State == trade.StepSucceeded {
			continue
		}
		if wait, err = e.step(ctx, flow, c, position); wait > 0 || err != nil {
			if errors.Is(err, store.ErrClaimLost) {
				return 0, nil // it is another's now
			}
			return wait, err
		}
		if c.Steps[position].State == trade.StepFailed {
			return 0, nil
		}
	}
	err = e.store.InTx(ctx, func(tx *sqlx.Tx) error {
		return e.store.EndOperation(ctx, tx, c.ID, c.token, trade.OperationCommitted, nil)
	})
	if errors.Is(err, store.ErrClaimLost) {
		return 0, nil
	}
	if err == nil {
		e.ended(c.ID)
	}
	return 0, err
}

// hold gives signs of life for a claim, until ctx ends. Once the claim is lost, what
// runs is cancelled: nothing that it writes would count.
func (e *Engine) hold(ctx context.Context, c *claim, lost func()) {
	for tick := time.NewTicker(heartbeat); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			if err := e.store.RenewClaim(ctx, c.ID, c.token, lease); errors.Is(err, store.ErrClaimLost) {
				e.log.Warn("an operation was taken over", "operation_id", c.ID)
				lost()
			}
		}
	}
}

// free gives a claim back.
func (e *Engine) free(ctx context.Context, c *claim, after time.Duration) error {
	last := len(c.Steps) - 1
	return e.store.InTx(ctx, func(tx *sqlx.Tx) error {
		return e.store.SaveOperation(ctx, tx, c.ID, c.token, trade.OperationQueued, c.Work, last, c.Steps[last], &after)
	})
}

// step plays one step. wait is when to try it again; 0 when it has ended, well or not.
func (e *Engine) step(ctx context.Context, flow player, c *claim, position int) (wait time.Duration, err error) {
	s := &c.Steps[position]
	begun := time.Now()
	s.State, s.StartedAt = trade.StepRunning, or(s.StartedAt, begun)
	s.Attempts++ // before it begins, so that an attempt that crashes has counted
	if err := e.save(ctx, c, position, trade.OperationCommitting, nil); err != nil {
		return 0, err
	}
	work, saves, failed := flow.play(ctx, c, position, s.Attempts)
	now := time.Now()
	if failed == nil {
		c.Work, s.State, s.FinishedAt, s.Error = work, trade.StepSucceeded, &now, nil
		return 0, e.store.InTx(ctx, func(tx *sqlx.Tx) error {
			for _, write := range saves {
				if err := write(tx); err != nil {
					return err
				}
			}
			return e.store.SaveOperation(ctx, tx, c.ID, c.token, trade.OperationCommitting, c.Work, position, *s, nil)
		})
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	text := failed.Error()
	s.Error = &text
	failure, state := refusal(failed), trade.OperationFailed
	if kind := sources.KindOf(failed); failure == nil && (kind == sources.Garbled || kind == sources.Denied) && s.Attempts >= patience {
		failure, state = &trade.OperationFailure{Responsible: trade.ERPAtFault, Code: "NOT_TAKEN", Message: "The system does not take it; somebody is looking at it."}, trade.OperationParked
	}
	if failure == nil {
		wait = max(pauseAfter(s.Attempts), sources.RetryAfter(failed))
		s.State = trade.StepRetrying
		e.log.Info("step failed, trying again", "operation_id", c.ID, "step", s.Name, "attempt", s.Attempts, "kind", sources.KindOf(failed).String(), "in", wait.Round(time.Millisecond).String(), "err", failed)
		return wait, e.save(ctx, c, position, trade.OperationQueued, &wait)
	}
	s.State, s.FinishedAt = trade.StepFailed, &now
	e.log.Warn("operation ended without its effect", "operation_id", c.ID, "step", s.Name, "state", state, "code", failure.Code)
	err = e.store.InTx(ctx, func(tx *sqlx.Tx) error {
		if err := e.store.SaveOperation(ctx, tx, c.ID, c.token, state, c.Work, position, *s, nil); err != nil {
			return err
		}
		if state == trade.OperationFailed {
			if err := flow.refused(ctx, tx, c, *failure); err != nil {
				return err
			}
		}
		return e.store.EndOperation(ctx, tx, c.ID, c.token, state, failure)
	})
	if err == nil {
		e.ended(c.ID)
	}
	return 0, err
}

func (e *Engine) save(ctx context.Context, c *claim, position int, state trade.OperationState, free *time.Duration) error {
	return e.store.InTx(ctx, func(tx *sqlx.Tx) error {
		return e.store.SaveOperation(ctx, tx, c.ID, c.token, state, c.Work, position, c.Steps[position], free)
	})
}

func or(at *time.Time, now time.Time) *time.Time {
	if at != nil {
		return at
	}
	return &now
}
