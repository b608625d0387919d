package durable

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"portico/store"
	"portico/store/ledger"
)

// jobOf is the job that wakes the engine for an operation.
func jobOf(operation, source string) (ledger.Job, error) {
	args, err := json.Marshal(job{operation, source})
	return ledger.Job{Queue: queueOf(source), Kind: job{}.Kind(), Args: string(args)}, err
}

// enqueue puts a job that wakes the engine into River's table, in the transaction of
// what it is about; [TestAJobOfOursIsAsRiversOwn] holds it to River's own.
func (e *Engine) enqueue(ctx context.Context, tx *store.Tx, operation, source string) error {
	j, err := jobOf(operation, source)
	if err != nil {
		return err
	}
	return ledger.Enqueue(ctx, tx, j)
}

// next puts to work whose turn it is in a lane, which is locked, and on a subject.
func (e *Engine) next(ctx context.Context, tx *store.Tx, lane string, subject *string) error {
	turns, err := ledger.Turns(ctx, tx, lane, subject)
	if err != nil {
		return err
	}
	for _, t := range turns {
		if err := e.enqueue(ctx, tx, t.ID, t.Source); err != nil {
			return err
		}
	}
	return nil
}

// Hasten puts to work what waits for its next attempt at a source, at most 500 operations: an operator says that the source
// is well.
func (e *Engine) Hasten(ctx context.Context, tx *store.Tx, source string) error {
	turns, err := ledger.HastenWaiting(ctx, tx, source)
	if err != nil {
		return err
	}
	for _, t := range turns {
		if err := e.enqueue(ctx, tx, t.ID, t.Source); err != nil {
			return err
		}
	}
	return nil
}

// NewID is an id of a kind of thing, such as opr_.
func NewID(prefix string) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return prefix + hex.EncodeToString(b)
}

// Beginning is an operation of a flow to be kept. Ref is the reference under which its
// effect is known at its source.
type Beginning[W any] struct {
	Operation ledger.NewOperation
	Work      W
	Ref       string
}

// Begin keeps operations of a flow in a transaction, after what they depend on, and tells
// which by id. Of what depends on one whose key is spent, and which is not kept, nothing
// may stay. [Engine.Wake] is for after.
func Begin[W any](ctx context.Context, _ *Engine, tx *store.Tx, f Flow[W], all ...Beginning[W]) (begun []string, err error) {
	kept := make([]ledger.NewOperation, len(all))
	for i, b := range all {
		n := b.Operation
		if n.Work, err = json.Marshal(b.Work); err != nil {
			return nil, fmt.Errorf("work: %w", err)
		}
		n.Kind, n.Steps, n.Action = f.Kind, f.steps(b.Ref), f.Action
		if n.Job, err = jobOf(n.ID, n.Source); err != nil {
			return nil, err
		}
		kept[i] = n
	}
	return ledger.BeginOperations(ctx, tx, kept)
}
