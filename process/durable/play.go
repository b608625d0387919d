package durable

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/clock"
)

// claim is an operation that this process is at.
type claim struct {
	*ledger.Claimed
	token string
	// done is a step whose end is not written yet: it is, together with what comes next.
	// Should that never come, the step is one that nobody knows the end of.
	done *ended
}

// ended is a step that is done, with what is written together with that.
type ended struct {
	position int
	saves    []func(*store.Tx) error
}

// play takes an operation on and plays it to its end, or as far as it goes now. wait
// is when to go on; 0 is never, or when it is woken.
func (e *Engine) play(ctx context.Context, id string) (wait time.Duration, err error) {
	token := NewID("")
	claimed, wait, err := ledger.ClaimOperation(ctx, e.store, id, token, e.pauses.lease())
	if err != nil || claimed == nil {
		return wait, err
	}
	c := &claim{Claimed: claimed, token: token}
	ctx, span := telemetry.Span(telemetry.WithCorrelation(ctx, c.CorrelationID), "operation", trace.SpanKindConsumer,
		attribute.String("operation_id", c.ID), attribute.String("kind", string(c.Kind)))
	defer func() {
		span.SetAttributes(attribute.String("state", string(c.State)))
		telemetry.End(span, err, "not played")
	}()
	ctx, lost := context.WithCancel(ctx)
	defer lost()
	go e.hold(ctx, c, lost)
	flow := e.flows[c.Kind]
	if flow == nil || flow.length() != len(c.Steps) {
		e.log.ErrorContext(ctx, "an operation of a kind that this version does not play", "operation_id", id, "kind", c.Kind)
		wait = longestPause
		return wait, e.save(ctx, c, len(c.Steps)-1, &wait)
	}
	if c.State == trade.OperationCompensating {
		wait, err = e.undo(ctx, flow, c)
	} else {
		wait, err = e.do(ctx, flow, c)
	}
	if errors.Is(err, ledger.ErrClaimLost) {
		return 0, nil // it is another's now
	}
	return wait, err
}

// do plays the steps that are not done yet, in their order.
func (e *Engine) do(ctx context.Context, flow player, c *claim) (wait time.Duration, err error) {
	for position := range c.Steps {
		for c.Steps[position].State != trade.StepSucceeded { // one that is done in parts is played until all are
			if on, wait, err := e.step(ctx, flow, c, position); !on || err != nil {
				return wait, err
			}
		}
	}
	return 0, e.end(ctx, flow, c, trade.OperationCommitted)
}

// undo takes back what was done, last step first.
func (e *Engine) undo(ctx context.Context, flow player, c *claim) (wait time.Duration, err error) {
	for position := len(c.Steps) - 1; position >= 0; position-- {
		s := &c.Steps[position]
		switch {
		case s.State == trade.StepPending:
			s.State = trade.StepSkipped
		case s.State == trade.StepFailed || s.State == trade.StepUndone || s.State == trade.StepSkipped || !flow.undoes(position):
			continue
		default:
			if on, wait, err := e.step(ctx, flow, c, position); !on || err != nil {
				return wait, err
			}
			continue
		}
		if err := e.save(ctx, c, position, nil); err != nil {
			return 0, err
		}
	}
	if c.Failure != nil { // it failed, and nothing is left behind
		return 0, e.end(ctx, flow, c, trade.OperationFailed)
	}
	c.Failure = &trade.OperationFailure{
		Responsible: trade.OrchestrationAtFault, Code: "COMPENSATED",
		Message: "It was undone by an operator.", Retryable: true,
	}
	return 0, e.end(ctx, flow, c, trade.OperationCompensated)
}

// hold gives signs of life for a claim, until ctx ends. Once the claim is lost, what
// runs is cancelled: nothing that it writes would count. The attempt is noted as one that
// was not ended by its process, which ran all the while.
func (e *Engine) hold(ctx context.Context, c *claim, lost func()) {
	loop := clock.Loop{Task: "signs of life for an operation", Every: heartbeat, Late: true, Log: e.log.With("operation_id", c.ID)}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		err := ledger.RenewClaim(ctx, e.store, c.ID, c.token, e.pauses.lease())
		if !errors.Is(err, ledger.ErrClaimLost) {
			return err
		}
		takeovers.WithLabelValues("lost").Inc()
		e.log.WarnContext(ctx, "an operation was taken over: this process was too slow to give a sign of life", "operation_id", c.ID)
		err = ledger.NoteStarved(ctx, e.store, c.ID)
		lost()
		return err
	}))
}

// step plays one step, or undoes it. on tells that it is done; wait is when to try it
// again otherwise, and 0 when the operation has ended or rests.
func (e *Engine) step(ctx context.Context, flow player, c *claim, position int) (on bool, wait time.Duration, err error) {
	s := &c.Steps[position]
	undo := c.State == trade.OperationCompensating
	crashed := s.State == trade.StepRunning
	if crashed && c.State != trade.OperationQueued { // not one whose outcome was unknown, and that an operator has tried once more
		takeovers.WithLabelValues("taken").Inc()
	}
	begun, underWay := e.now(), s.UnderWaySince
	s.UnderWaySince = &begun
	s.State, s.StartedAt = trade.StepRunning, or(s.StartedAt, begun)
	s.Attempts++ // before it begins, so that an attempt that crashes has counted
	if crashesAlways(crashed, s.Attempts-s.Starved) {
		d := notDone()
		s.State, c.Failure = d.step, d.failure
		return false, 0, e.rest(ctx, flow, c, position, d.state, nil)
	}
	if !undo {
		c.State = trade.OperationCommitting
	}
	if err := e.save(ctx, c, position, nil); err != nil {
		return false, 0, err
	}
	during, span := telemetry.Part(ctx, "step "+s.Name, attribute.Int("attempt", s.Attempts), attribute.Bool("undo", undo))
	work, saves, failed := flow.play(during, c, position, undo, Attempted{s.Attempts, crashed, underWay})
	wrong := failed
	if errors.Is(failed, ErrMore) {
		wrong = nil
	}
	telemetry.End(span, wrong, "step failed")
	if failed != nil && ctx.Err() != nil {
		return false, 0, ctx.Err()
	}
	if _, quiet := errors.AsType[*Quiet](failed); quiet || sources.KindOf(failed) != sources.Uncertain {
		s.UnderWaySince = underWay // what came to an end is not under way, and what was before it may be
	}
	d := classify(attempt{failed, s.Attempts, undo})
	if d.keeps {
		c.Work = work
	} else {
		saves = nil
	}
	return e.apply(ctx, flow, c, position, d, failed, saves)
}

// apply does what was decided about an attempt of a step.
func (e *Engine) apply(ctx context.Context, flow player, c *claim, position int, d decision, failed error,
	saves []func(*store.Tx) error,
) (on bool, wait time.Duration, err error) {
	s := &c.Steps[position]
	s.State, s.Error = d.step, nil
	if failed != nil && d.move != more {
		text := failed.Error()
		s.Error = &text
	}
	if d.failure != nil {
		c.Failure = d.failure
	}
	now := e.now()
	switch d.move {
	case goOn:
		s.UnderWaySince = nil
		s.FinishedAt, c.done = &now, &ended{position, saves}
		return true, 0, nil
	case more:
		s.UnderWaySince, s.Attempts = nil, s.Starved // the next part has all attempts to itself
		var free *time.Duration
		if _, held := e.paused(c.Source); held > 0 {
			free, c.State = &held, trade.OperationQueued
		}
		err := e.inTx(ctx, c, func(tx *store.Tx) error {
			for _, write := range saves {
				if err := write(tx); err != nil {
					return err
				}
			}
			return ledger.SaveOperation(ctx, tx, c.Claimed, c.token, position, free)
		})
		if free != nil {
			return false, *free, err
		}
		return true, 0, err
	case refuse:
		s.FinishedAt = &now
		return e.fail(ctx, flow, c, position)
	case rest:
		if d.awaiting != nil {
			c.Awaiting = d.awaiting
		}
		return false, 0, e.rest(ctx, flow, c, position, d.state, saves)
	}
	wait = max(pauseAfter(s.Attempts), d.after)
	if c.State != trade.OperationCompensating {
		c.State = trade.OperationQueued
	}
	e.log.InfoContext(ctx, "step failed, will be retried", "operation_id", c.ID, "step", s.Name, "attempt", s.Attempts, "kind",
		sources.KindOf(failed).String(), "in", wait.Round(time.Millisecond).String(), "err", failed)
	return false, wait, e.save(ctx, c, position, &wait)
}

// fail ends an operation whose step was refused, or begins to undo what was done.
func (e *Engine) fail(ctx context.Context, flow player, c *claim, position int) (bool, time.Duration, error) {
	if err := e.save(ctx, c, position, nil); err != nil {
		return false, 0, err
	}
	for before := range position {
		if flow.undoes(before) && c.Steps[before].State == trade.StepSucceeded {
			c.State = trade.OperationCompensating
			err := e.inTx(ctx, c, func(tx *store.Tx) error { return ledger.BeginUndoing(ctx, tx, c.Claimed, c.token) })
			if err != nil {
				return false, 0, err
			}
			wait, err := e.undo(ctx, flow, c)
			return false, wait, err
		}
	}
	return false, 0, e.end(ctx, flow, c, trade.OperationFailed)
}

// rest lets an operation rest in a state, its step being what it is.
func (e *Engine) rest(ctx context.Context, flow player, c *claim, position int, state trade.OperationState,
	saves []func(*store.Tx) error,
) error {
	before := c.State
	c.State = state
	err := e.inTx(ctx, c, func(tx *store.Tx) error {
		for _, write := range saves {
			if err := write(tx); err != nil {
				return err
			}
		}
		if err := ledger.SaveOperation(ctx, tx, c.Claimed, c.token, position, nil); err != nil {
			return err
		}
		return e.ending(ctx, tx, flow, c, before)
	})
	return e.reportStopped(c, state, err)
}

// end ends an operation in a final state.
func (e *Engine) end(ctx context.Context, flow player, c *claim, state trade.OperationState) error {
	before := c.State
	c.State = state
	err := e.inTx(ctx, c, func(tx *store.Tx) error {
		if state == trade.OperationFailed || state == trade.OperationCompensated {
			if err := flow.refused(ctx, tx, c); err != nil {
				return err
			}
		}
		return e.ending(ctx, tx, flow, c, before)
	})
	return e.reportStopped(c, state, err)
}

// ending ends an operation, or lets it rest, and puts to work whose turn it is then.
func (e *Engine) ending(ctx context.Context, tx *store.Tx, flow player, c *claim, before trade.OperationState) error {
	if err := ledger.LockLane(ctx, tx, c.Lane, c.Subject); err != nil {
		return err
	}
	action := flow.action() + "." + endings[c.State]
	if err := ledger.EndOperation(ctx, tx, c.Claimed, c.token, action, before); err != nil {
		return err
	}
	return e.next(ctx, tx, c.Lane, c.Subject)
}

// endings are what the audit log calls states that an operation ends or rests in.
var endings = map[trade.OperationState]string{
	trade.OperationCommitted: "committed", trade.OperationFailed: "failed", trade.OperationCompensated: "undone",
	trade.OperationAwaiting: "asked", trade.OperationUnknown: "unknown", trade.OperationParked: "parked",
}

func (e *Engine) reportStopped(c *claim, state trade.OperationState, err error) error {
	if err != nil {
		return err
	}
	if state != trade.OperationCommitted {
		code := ""
		if c.Failure != nil {
			code = c.Failure.Code
		}
		e.log.Warn("operation without its effect", "operation_id", c.ID, "kind", c.Kind, "state", state, "code", code)
	}
	e.ended(c.ID)
	e.Wake(c.Source)
	return nil
}

func (e *Engine) save(ctx context.Context, c *claim, position int, free *time.Duration) error {
	return e.inTx(ctx, c, func(tx *store.Tx) error { return ledger.SaveOperation(ctx, tx, c.Claimed, c.token, position, free) })
}

// inTx writes under a claim, after the end of the step before, where that is not written.
func (e *Engine) inTx(ctx context.Context, c *claim, write func(tx *store.Tx) error) error {
	err := e.store.InTx(ctx, func(tx *store.Tx) error {
		if c.done != nil {
			for _, save := range c.done.saves {
				if err := save(tx); err != nil {
					return err
				}
			}
			if err := ledger.SaveOperation(ctx, tx, c.Claimed, c.token, c.done.position, nil); err != nil {
				return err
			}
		}
		return write(tx)
	})
	if err == nil {
		c.done = nil
	}
	return err
}

func or(at *time.Time, now time.Time) *time.Time {
	if at != nil {
		return at
	}
	return &now
}
