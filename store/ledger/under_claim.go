package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"portico/store"
	"portico/trade"
)

// ErrClaimLost tells a process that another one has taken its operation on: nothing
// that it does to it counts any more.
var ErrClaimLost = errors.New("another process has taken the operation on")

// RenewClaim holds a claim for so long from now.
func RenewClaim(ctx context.Context, s *store.Store, id, token string, lease time.Duration) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		return requireClaim(tx.Exec(ctx, `UPDATE operations SET claimed_until = clock_timestamp() + $3 * interval '1 second' WHERE id = $1
			AND claim = $2`, id, token, lease.Seconds()))
	})
}

// NoteStarved counts an attempt of the running step of an operation that a process lost, because it was too slow to renew its claim.
func NoteStarved(ctx context.Context, s *store.Store, id string) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		const query = `UPDATE operation_steps SET starved = starved + 1 WHERE operation_id = $1 AND state = 'RUNNING'`
		if _, err := tx.Exec(ctx, query, id); err != nil {
			return fmt.Errorf("operation: %w", err)
		}
		return nil
	})
}

// requireClaim fails when a write changed nothing, because its claim is another's now.
func requireClaim(r sql.Result, err error) error {
	if err != nil {
		return fmt.Errorf("operation: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrClaimLost, err)
	}
	return nil
}

// SaveOperation records what became of an operation under a claim: its state and work,
// and one of its steps. free gives the claim back, to be due again after a while.
func SaveOperation(ctx context.Context, tx *store.Tx, c *Claimed, token string, position int, free *time.Duration) error {
	due, freed := 0.0, free != nil
	if freed {
		due = free.Seconds()
	}
	const query = `
		WITH step AS (UPDATE operation_steps SET state = $8, attempts = $9, started_at = $10, finished_at = $11, error = $12,
			under_way_since = $13 WHERE operation_id = $1 AND position = $7
			AND EXISTS (SELECT FROM operations WHERE id = $1 AND claim = $2))
		UPDATE operations SET state = $3, work = $4, due_at = CASE WHEN $5 THEN clock_timestamp() + $6 * interval '1 second' ELSE due_at END,
			claimed_until = CASE WHEN $5 THEN '-infinity' ELSE claimed_until END, claim = CASE WHEN $5 THEN NULL ELSE claim END
		WHERE id = $1 AND claim = $2`
	step := c.Steps[position]
	return requireClaim(tx.Exec(ctx, query, c.ID, token, c.State, string(c.Work), freed, due, position, step.State,
		step.Attempts, step.StartedAt,
		step.FinishedAt, step.Error, step.UnderWaySince))
}

// BeginUndoing records, under a claim, that an operation is undone from now on, and why.
func BeginUndoing(ctx context.Context, tx *store.Tx, c *Claimed, token string) error {
	failure, err := jsonText(c.Failure)
	if err != nil {
		return err
	}
	return requireClaim(tx.Exec(ctx, `UPDATE operations SET state = $3, failure = $4 WHERE id = $1 AND claim = $2`,
		c.ID, token, c.State, failure))
}

// EndOperation ends an operation under a claim, or lets it rest, and writes that to the
// audit log; its state is the one to be.
func EndOperation(ctx context.Context, tx *store.Tx, c *Claimed, token, action string, before trade.OperationState) error {
	failure, err := jsonText(c.Failure)
	if err != nil {
		return err
	}
	awaiting, err := jsonText(c.Awaiting)
	if err != nil {
		return err
	}
	const query = `
		WITH entry AS (INSERT INTO audit_entries (action, subject, correlation_id, before, after)
			SELECT $7, coalesce(subject, id), correlation_id, jsonb_build_object('state', $8::text),
			jsonb_build_object('state', $3::text, 'code', $4::jsonb -> 'code')
			FROM operations WHERE id = $1 AND claim = $2),
		told AS (` + operationMoved + `$8 FROM operations WHERE id = $1 AND claim = $2)
		UPDATE operations SET state = $3, failure = $4, awaiting = $5, finished_at = CASE WHEN $6 THEN NULL ELSE clock_timestamp() END,
			due_at = CASE WHEN $6 THEN 'infinity' ELSE due_at END, claim = NULL, claimed_until = '-infinity' WHERE id = $1 AND claim = $2`
	if err := requireClaim(tx.Exec(ctx, query, c.ID, token, c.State, failure, awaiting, c.State.Rests(), action, before)); err != nil {
		return err
	}
	tx.MarkChanged()
	return nil
}

// operationMoved writes into the log that an operation moved, from the state that follows.
const operationMoved = `INSERT INTO changes (topic, subject, account_id, supplier_id, principal, previous)
	SELECT 'OPERATION', id, account_id, supplier_id, principal, `
