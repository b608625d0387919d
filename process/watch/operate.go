package watch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

// pausesEvery is the pause between two looks at which sources are paused.
const pausesEvery = 500 * time.Millisecond

// Operators is what operators do about operations and sources.
type Operators struct {
	desk      *process.Desk
	replayers []process.Replayer
}

// NewOperators makes what operators do, and registers the flow of a replay with the engine that plays it.
func NewOperators(d *process.Desk, replayers ...process.Replayer) *Operators {
	o := &Operators{d, replayers}
	if d.Engine != nil {
		durable.Register(d.Engine, o.replay())
	}
	return o
}

// Tables are the flows for people.
func (o *Operators) Tables() []durable.Table { return []durable.Table{o.replay().Table()} }

// deed is something that an operator does about an operation.
type deed struct {
	mutation, action string
	operation        string
	reason           string
	field            string // of the input that names the operation
	do               func(ctx context.Context, tx *store.Tx) error
	after            map[string]any
}

// act does it under a key, and writes it to the audit log. An operation that is in
// another state is a refusal.
func (o *Operators) act(ctx context.Context, by process.Submitter, key string, input any, d deed) (*process.Acted, error) {
	if errs := process.RequireText(d.reason, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	source := ""
	done, err := process.Once(ctx, o.desk.Store, by, d.mutation, key, input,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			now, err := ledger.OperationNow(ctx, tx, d.operation)
			if err != nil {
				return spent, nil, err
			}
			if now == nil {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such operation.", d.field)}, nil
			}
			source = now.Source
			if err := d.do(ctx, tx); err != nil {
				if errors.Is(err, durable.ErrState) {
					return spent, []trade.UserError{&trade.StateNotAllowed{
						Refusal: trade.Refusal{
							Code: trade.CodeState, Message: "The operation is in a state in which this is not possible, or is worked on.",
							Path: []string{"input", d.field},
						},
						State: string(now.State), Allowed: o.deedsIn(now),
					}}, nil
				}
				return spent, nil, err
			}
			after := map[string]any{"reason": d.reason}
			for k, v := range d.after {
				after[k] = v
			}
			err = ledger.Audit(ctx, tx,
				operating.AuditRecord{
					Actor: by.Principal, Action: d.action, Subject: d.operation, CorrelationID: by.CorrelationID,
					Before: map[string]any{"state": now.State}, After: after,
				})
			return ledger.SpentKey{OperationID: d.operation, Subject: d.operation}, nil, err
		})
	if err == nil && source != "" {
		o.desk.Engine.Wake(source)
	}
	return done, err
}

// deedsIn are what an operator can do about an operation as it is.
func (o *Operators) deedsIn(c *ledger.Claimed) []string {
	switch c.State {
	case trade.OperationParked:
		return []string{"retryDeadLetter", "discardDeadLetter", "settleOperation"}
	case trade.OperationUnknown:
		return []string{"settleOperation"}
	case trade.OperationCommitted:
		if o.desk.Engine.Undoes(c.Kind) {
			return []string{"compensate"}
		}
	}
	return []string{}
}

// DeadLetter names a dead letter, and why something is done about it.
type DeadLetter struct {
	ID     string `json:"ID"`
	Reason string `json:"Reason"`
}

// operationOf is the operation that a dead letter is of.
func (d DeadLetter) operation() string { return "opr_" + strings.TrimPrefix(d.ID, "dlr_") }

// Retry lets a dead letter be tried again.
func (o *Operators) Retry(ctx context.Context, by process.Submitter, key string, d DeadLetter) (*process.Acted, error) {
	return o.act(ctx, by, key, d,
		deed{
			mutation: "retryDeadLetter", action: "dead-letter.retry", operation: d.operation(), reason: d.Reason, field: "deadLetter",
			do: func(ctx context.Context, tx *store.Tx) error {
				return o.desk.Engine.Retry(ctx, tx, d.operation())
			},
		})
}

// Discard gives a dead letter up; its history stays.
func (o *Operators) Discard(ctx context.Context, by process.Submitter, key string, d DeadLetter) (*process.Acted, error) {
	return o.act(ctx, by, key, d,
		deed{
			mutation: "discardDeadLetter", action: "dead-letter.discard", operation: d.operation(), reason: d.Reason, field: "deadLetter",
			do: func(ctx context.Context, tx *store.Tx) error {
				return o.desk.Engine.Discard(ctx, tx, d.operation())
			},
		})
}

// Compensate undoes an operation, last step first.
func (o *Operators) Compensate(ctx context.Context, by process.Submitter, key, operation,
	reason string,
) (*process.Acted, error) {
	return o.act(ctx, by, key, []string{operation, reason},
		deed{
			mutation: "compensate", action: "operation.compensate", operation: operation, reason: reason, field: "operation",
			do: func(ctx context.Context, tx *store.Tx) error {
				return o.desk.Engine.Compensate(ctx, tx, operation)
			},
		})
}

// Settlement is what an operator found out about an operation of unknown outcome.
type Settlement struct {
	Operation   string `json:"Operation"`
	ExternalRef string `json:"ExternalRef"`
	Reason      string `json:"Reason"`
	Happened    bool   `json:"Happened"`
}

// Settle settles an operation of unknown outcome.
func (o *Operators) Settle(ctx context.Context, by process.Submitter, key string, s Settlement) (*process.Acted, error) {
	if s.Happened && s.ExternalRef == "" {
		return &process.Acted{Errors: []trade.UserError{process.Invalid(trade.CodeInvalidInput,
			"Give the source's reference of what it did.", "externalRef")}}, nil
	}
	return o.act(ctx, by, key, s, deed{
		mutation: "settleOperation", action: "operation.settle", operation: s.Operation, reason: s.Reason, field: "operation",
		after: map[string]any{"happened": s.Happened, "externalRef": s.ExternalRef},
		do: func(ctx context.Context, tx *store.Tx) error {
			return o.desk.Engine.Settle(ctx, tx, s.Operation, s.Happened, s.ExternalRef)
		},
	})
}

// Pause holds a source on all processes: writes to it queue, and reads come from the
// store. Resume lets it run again.
func (o *Operators) Pause(ctx context.Context, by process.Submitter, key, instance, reason string) (*process.Acted, error) {
	return o.control(ctx, by, "pauseSource", "source.pause", key, instance, reason, reason)
}

// Resume lets a source run that was paused. What waits for its next attempt there is attempted at once, as after a source has
// asked to be left alone for minutes.
func (o *Operators) Resume(ctx context.Context, by process.Submitter, key, instance, reason string) (*process.Acted, error) {
	return o.control(ctx, by, "resumeSource", "source.resume", key, instance, reason, "")
}

func (o *Operators) control(ctx context.Context, by process.Submitter, mutation, action, key, instance, why,
	pause string,
) (*process.Acted, error) {
	if errs := process.RequireText(why, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	done, err := process.Once(ctx, o.desk.Store, by, mutation, key, []string{instance, why},
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			if !slices.Contains(o.desk.Sources.Names(), instance) {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such source.", "instance")}, nil
			}
			changed, err := operatingstore.PauseSource(ctx, tx, instance, pause, by.Principal)
			if err != nil {
				return spent, nil, err
			}
			if pause == "" {
				if err := o.desk.Engine.Hasten(ctx, tx, instance); err != nil {
					return spent, nil, err
				}
			}
			if changed {
				err = ledger.Audit(ctx, tx,
					operating.AuditRecord{
						Actor: by.Principal, Action: action, Subject: instance, CorrelationID: by.CorrelationID,
						After: map[string]any{"reason": why},
					})
			}
			return ledger.SpentKey{Subject: instance}, nil, err
		})
	if err != nil || len(done.Errors) > 0 {
		return done, err
	}
	return done, takePauses(ctx, o.desk.Store, o.desk.Sources)
}

// Watch holds the sources that are paused on any process, until ctx ends.
func (o *Operators) Watch(ctx context.Context, log *slog.Logger) {
	loop := clock.Loop{Task: "pauses of sources", Every: pausesEvery, Log: log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error { return takePauses(ctx, o.desk.Store, o.desk.Sources) }))
}

// takePauses holds the sources that are paused, and resumes the others.
func takePauses(ctx context.Context, st *store.Store, set *sources.Set) error {
	paused, err := operatingstore.PausedSources(ctx, st)
	if err == nil {
		set.Pause(paused)
	}
	return err
}
