// Package durable makes flows survive: an operation is kept before it is
// acknowledged, its steps are saved as they end, and whatever crashes, another
// process goes on with it.
package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"portico/store"
	"portico/store/ledger"
	"portico/trade"
)

// Flow is a table of steps that are played one after the other. W is what the steps
// work on; it is saved with every step.
type Flow[W any] struct {
	Kind trade.OperationKind
	// Action is what the audit log calls it, such as order.submit.
	Action string
	Steps  []Step[W]
	// Refused, unless nil, is called in the transaction that ends an operation
	// without its effect, or once that is undone.
	Refused func(ctx context.Context, tx *store.Tx, r *Run[W], failure trade.OperationFailure) error
}

// Step is one step of a flow, with one effect. It may be played twice, so that it asks
// before it acts: Run says how often it was begun.
type Step[W any] struct {
	Name   string
	System *trade.SourceKind // that it touches
	What   string            // it does, for people
	Do     func(ctx context.Context, r *Run[W]) error
	// Undo takes its effect back; nil where it has none. It may be played twice too.
	Undo   func(ctx context.Context, r *Run[W]) error
	Undoes string // what Undo does, for people
	// Settle, unless nil, takes over what an operator found out about an outcome that was
	// unknown: the reference of what the source did.
	Settle func(w *W, ref string)
}

// Run is one operation as a step sees it.
type Run[W any] struct {
	ID      string
	Source  string
	Subject string
	Attempted
	Work  W
	saves []func(tx *store.Tx) error
}

// Attempted is what is known of earlier attempts of a step.
type Attempted struct {
	// Attempt is which attempt of the step this is, from 1; those that crashed count.
	Attempt int
	// Crashed tells that nobody knows how far the attempt before came.
	Crashed bool
	// UnderWaySince is since when an earlier attempt may be under way at the source, although nobody waits for it any more; nil where
	// none can be.
	UnderWaySince *time.Time
}

// Save runs a write in the transaction that records that the step is done, or that it
// waits for a decision.
func (r *Run[W]) Save(write func(tx *store.Tx) error) { r.saves = append(r.saves, write) }

// Refusal ends an operation without its effect: trying again is of no use. What steps
// before it did is undone first.
type Refusal struct{ Failure trade.OperationFailure }

func (r *Refusal) Error() string { return r.Failure.Message }

// Refuse is such an end, with whose turn it is.
func Refuse(responsible trade.Responsible, code, message string) error {
	return &Refusal{trade.OperationFailure{Responsible: responsible, Code: code, Message: message, Retryable: true}}
}

// Question lets an operation rest until somebody has decided; the step is then played
// again.
type Question struct{ Awaiting trade.AwaitedDecision }

func (q *Question) Error() string { return q.Awaiting.Message }

// Doubt lets an operation rest because nobody can know whether its step had its effect:
// an operator settles it.
type Doubt struct{ Message string }

func (d *Doubt) Error() string { return d.Message }

// Quiet has a step tried again because an earlier attempt may still be under way: what it is about to do is looked up again before
// it is sent.
type Quiet struct{ Until time.Time }

func (q *Quiet) Error() string {
	return "An earlier attempt may be under way: it is looked up until " + q.Until.UTC().Format(time.TimeOnly) + ", and resent then."
}

// ErrMore has a step played again at once, for a part of it is done: what it left in its work and what it saves is kept. So a step that
// takes long survives a crash, is paused with its source, and tells how far it is.
var ErrMore = errors.New("a part of the step is done, and more is to do")

// Chore parks an operation whose step no program can do: an operator does it, and settles
// the operation.
type Chore struct{ Message string }

func (c *Chore) Error() string { return c.Message }

// steps are a flow's steps before they begin, with the reference that an effect is
// known by at its source.
func (f Flow[W]) steps(ref string) []trade.OperationStep {
	all := make([]trade.OperationStep, len(f.Steps))
	for i, s := range f.Steps {
		all[i] = trade.OperationStep{Name: s.Name, System: s.System, State: trade.StepPending}
		if s.System != nil {
			all[i].ExternalRef = &ref
		}
	}
	return all
}

// player plays a flow whose type of work is not known to the engine.
type player interface {
	play(ctx context.Context, c *claim, position int, undo bool, before Attempted) (work json.RawMessage, saves []func(*store.Tx) error,
		err error)
	refused(ctx context.Context, tx *store.Tx, c *claim) error
	settle(c *ledger.Claimed, position int, ref string) error
	undoes(position int) bool
	undoesAny() bool
	length() int
	action() string
}

type flowPlayer[W any] struct{ Flow[W] }

func (p flowPlayer[W]) length() int              { return len(p.Steps) }
func (p flowPlayer[W]) action() string           { return p.Action }
func (p flowPlayer[W]) undoes(position int) bool { return p.Steps[position].Undo != nil }

func (p flowPlayer[W]) undoesAny() bool {
	return slices.ContainsFunc(p.Steps, func(s Step[W]) bool { return s.Undo != nil })
}

func (p flowPlayer[W]) run(c *claim) (*Run[W], error) {
	r := &Run[W]{ID: c.ID, Source: c.Source}
	if c.Subject != nil {
		r.Subject = *c.Subject
	}
	if err := json.Unmarshal(c.Work, &r.Work); err != nil {
		return nil, fmt.Errorf("work: %w", err)
	}
	return r, nil
}

func (p flowPlayer[W]) play(ctx context.Context, c *claim, position int, undo bool, before Attempted) (json.RawMessage,
	[]func(*store.Tx) error, error,
) {
	r, err := p.run(c)
	if err != nil {
		return nil, nil, err
	}
	r.Attempted = before
	do := p.Steps[position].Do
	if undo {
		do = p.Steps[position].Undo
	}
	failed := do(ctx, r)
	work, err := json.Marshal(r.Work)
	if err != nil {
		return nil, nil, fmt.Errorf("work: %w", err)
	}
	return work, r.saves, failed
}

func (p flowPlayer[W]) refused(ctx context.Context, tx *store.Tx, c *claim) error {
	if p.Refused == nil {
		return nil
	}
	r, err := p.run(c)
	if err != nil {
		return err
	}
	return p.Refused(ctx, tx, r, *c.Failure)
}

func (p flowPlayer[W]) settle(c *ledger.Claimed, position int, ref string) error {
	if p.Steps[position].Settle == nil {
		return nil
	}
	var w W
	if err := json.Unmarshal(c.Work, &w); err != nil {
		return fmt.Errorf("work: %w", err)
	}
	p.Steps[position].Settle(&w, ref)
	var err error
	c.Work, err = json.Marshal(w)
	return err
}

// Table is a flow as a table, for people.
type Table struct {
	Kind, Action string
	Steps        []Row
}

// Row is one step of a [Table].
type Row struct{ Name, What, Undoes string }

// Table is the flow for people.
func (f Flow[W]) Table() Table {
	t := Table{Kind: string(f.Kind), Action: f.Action}
	for _, s := range f.Steps {
		t.Steps = append(t.Steps, Row{s.Name, s.What, s.Undoes})
	}
	return t
}
