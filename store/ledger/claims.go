package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"portico/store"
	"portico/trade"
)

// Claimed is an operation that a process has taken on, or that is locked.
type Claimed struct {
	ID, Source, Lane, Principal, CorrelationID string
	Kind                                       trade.OperationKind
	State                                      trade.OperationState
	Subject, AccountID, SupplierID             *string
	Work                                       json.RawMessage
	Steps                                      []trade.OperationStep
	Failure                                    *trade.OperationFailure
	Awaiting                                   *trade.AwaitedDecision
}

type claimedRow struct {
	Claimed
	FailureJSON  store.JSON[*trade.OperationFailure]
	AwaitingJSON store.JSON[*trade.AwaitedDecision]
}

const claimedColumns = `o.id, o.source, o.lane, o.principal, o.correlation_id, o.kind, o.state, o.subject, o.account_id, o.supplier_id,
	o.work, o.failure AS failure_json, o.awaiting AS awaiting_json`

// ClaimOperation takes an operation on for so long, under a token that nobody had
// before. It is not taken when it has ended or rests, when its turn has not come (it is
// woken when it has), or while another process is at it or its pause lasts: then wait
// is when to try again.
func ClaimOperation(ctx context.Context, s *store.Store, id, token string, lease time.Duration) (claimed *Claimed, wait time.Duration,
	err error,
) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		var row struct {
			claimedRow
			Finished, Behind bool
			Wait             float64
		}
		const query = `
			SELECT ` + claimedColumns + `, o.finished_at IS NOT NULL OR o.due_at = 'infinity' AS finished,
				extract(epoch FROM greatest(o.claimed_until, CASE WHEN o.due_at < 'infinity' THEN o.due_at END,
				'1970-01-01') - clock_timestamp())::float8 AS wait, ` + behind + ` AS behind
			FROM operations o WHERE o.id = $1 FOR UPDATE`
		if err := tx.Get(ctx, &row, query, id); err != nil {
			return err
		}
		if row.Behind && !row.Finished { // whoever ends what is before it may have looked too early to see it
			if err := LockLane(ctx, tx, row.Lane, row.Subject); err != nil {
				return err
			}
			if err := tx.Get(ctx, &row.Behind, `SELECT `+behind+` FROM operations o WHERE o.id = $1`, id); err != nil {
				return err
			}
		}
		switch {
		case row.Finished || row.Behind:
			return nil
		case row.Wait > 0:
			wait = time.Duration(row.Wait*float64(time.Second)) + time.Millisecond
			return nil
		}
		const take = `UPDATE operations SET claim = $2, claimed_until = clock_timestamp() + $3 * interval '1 second' WHERE id = $1`
		if _, err := tx.Exec(ctx, take, id, token, lease.Seconds()); err != nil {
			return err
		}
		claimed, err = withSteps(ctx, tx, &row.claimedRow)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("operation: %w", err)
	}
	return claimed, wait, nil
}

func withSteps(ctx context.Context, tx *store.Tx, row *claimedRow) (*Claimed, error) {
	c := row.Claimed
	c.Failure, c.Awaiting = row.FailureJSON.Value, row.AwaitingJSON.Value
	const steps = `SELECT name, system, state, attempts, starved, started_at, under_way_since, finished_at, external_ref, error
		FROM operation_steps WHERE operation_id = $1 ORDER BY position`
	return &c, tx.Select(ctx, &c.Steps, steps, c.ID)
}

// LockOperation reads an operation, and holds it until the transaction ends; nil where
// there is none. While a process is at it, it is not found either.
func LockOperation(ctx context.Context, tx *store.Tx, id string) (*Claimed, error) {
	var rows []claimedRow
	const query = `SELECT ` + claimedColumns + ` FROM operations o WHERE o.id = $1 AND o.claimed_until < clock_timestamp() FOR UPDATE`
	if err := tx.Select(ctx, &rows, query, id); err != nil {
		return nil, fmt.Errorf("operation: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	c, err := withSteps(ctx, tx, &rows[0])
	if err != nil {
		return nil, fmt.Errorf("operation: %w", err)
	}
	return c, nil
}

// OperationNow reads where an operation stands, whoever is at it; nil where there is none.
func OperationNow(ctx context.Context, tx *store.Tx, id string) (*Claimed, error) {
	var rows []Claimed
	if err := tx.Select(ctx, &rows, `SELECT id, source, kind, state FROM operations WHERE id = $1`, store.Storable(id)); err != nil {
		return nil, fmt.Errorf("operation: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// MoveOperation records what somebody decided about an operation that is locked: its
// state, its work, its failure and its steps. In a state that is not final it is worked
// on again from now on.
func MoveOperation(ctx context.Context, tx *store.Tx, c *Claimed, before trade.OperationState) error {
	failure, err := jsonText(c.Failure)
	if err != nil {
		return err
	}
	const query = `
		WITH told AS (` + operationMoved + `$5 FROM operations WHERE id = $1)
		UPDATE operations SET state = $2, work = $3, failure = $4, awaiting = NULL, due_at = now(), claim = NULL, claimed_until = '-infinity',
			finished_at = CASE WHEN $2 IN ('COMMITTED', 'COMPENSATED', 'FAILED') THEN clock_timestamp() END WHERE id = $1`
	if _, err := tx.Exec(ctx, query, c.ID, c.State, string(c.Work), failure, before); err != nil {
		return fmt.Errorf("operation: %w", err)
	}
	for i, step := range c.Steps {
		if err := saveStep(ctx, tx, c.ID, i, step); err != nil {
			return err
		}
	}
	tx.MarkChanged()
	return nil
}

func saveStep(ctx context.Context, tx *store.Tx, id string, position int, step trade.OperationStep) error {
	const query = `UPDATE operation_steps SET state = $3, attempts = $4, started_at = $5, finished_at = $6, error = $7,
		under_way_since = $8 WHERE operation_id = $1 AND position = $2`
	if _, err := tx.Exec(ctx, query, id, position, step.State, step.Attempts, step.StartedAt, step.FinishedAt, step.Error,
		step.UnderWaySince); err != nil {
		return fmt.Errorf("operation: %w", err)
	}
	return nil
}
