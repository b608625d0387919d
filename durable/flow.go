// Package durable makes flows survive: an operation is kept before it is
// acknowledged, its steps are saved as they end, and whatever crashes, another
// process goes on with it.
package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"portico/trade"
)

// Flow is a table of steps that are played one after the other. W is what the steps
// work on; it is saved with every step.
type Flow[W any] struct {
	Kind  trade.OperationKind
	Steps []Step[W]
	// Refused, unless nil, is called in the transaction that ends an operation
	// without its effect.
	Refused func(ctx context.Context, tx *sqlx.Tx, r *Run[W], failure trade.OperationFailure) error
}

// Step is one step of a flow, with one effect. It may be played twice, so that it asks
// before it acts: Run says how often it was begun.
type Step[W any] struct {
	Name   string
	System *trade.SourceKind // that it touches
	Do     func(ctx context.Context, r *Run[W]) error
}

// Run is one operation as a step sees it.
type Run[W any] struct {
	ID      string
	Source  string
	Subject string
	// Attempt is which attempt of the step this is, from 1; those that crashed count.
	Attempt int
	Work    W
	saves   []func(tx *sqlx.Tx) error
}

// Save runs a write in the transaction that records that the step is done.
func (r *Run[W]) Save(write func(tx *sqlx.Tx) error) { r.saves = append(r.saves, write) }

// Refusal ends an operation without its effect: trying again is of no use.
type Refusal struct{ Failure trade.OperationFailure }

func (r *Refusal) Error() string { return r.Failure.Message }

// Refuse is such an end, with whose turn it is.
func Refuse(responsible trade.Responsible, code, message string) error {
	return &Refusal{trade.OperationFailure{Responsible: responsible, Code: code, Message: message, Retryable: true}}
}

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
	play(ctx context.Context, c *claim, position int, attempt int) (work json.RawMessage, saves []func(*sqlx.Tx) error, err error)
	refused(ctx context.Context, tx *sqlx.Tx, c *claim, failure trade.OperationFailure) error
	length() int
}

type flowPlayer[W any] struct{ Flow[W] }

func (p flowPlayer[W]) length() int { return len(p.Steps) }

func (p flowPlayer[W]) run(c *claim, attempt int) (*Run[W], error) {
	r := &Run[W]{ID: c.ID, Source: c.Source, Attempt: attempt}
	if c.Subject != nil {
		r.Subject = *c.Subject
	}
	if err := json.Unmarshal(c.Work, &r.Work); err != nil {
		return nil, fmt.Errorf("work: %w", err)
	}
	return r, nil
}

func (p flowPlayer[W]) play(ctx context.Context, c *claim, position, attempt int) (json.RawMessage, []func(*sqlx.Tx) error, error) {
	r, err := p.run(c, attempt)
	if err != nil {
		return nil, nil, err
	}
	if err := p.Steps[position].Do(ctx, r); err != nil {
		return nil, nil, err
	}
	work, err := json.Marshal(r.Work)
	return work, r.saves, err
}

func (p flowPlayer[W]) refused(ctx context.Context, tx *sqlx.Tx, c *claim, failure trade.OperationFailure) error {
	if p.Refused == nil {
		return nil
	}
	r, err := p.run(c, 0)
	if err != nil {
		return err
	}
	return p.Refused(ctx, tx, r, failure)
}

// refusal is the failure that an error stands for, if it ends an operation.
func refusal(err error) *trade.OperationFailure {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return &r.Failure
	}
	return nil
}
