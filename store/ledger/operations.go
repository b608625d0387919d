package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"portico/store"
	"portico/trade"
)

// NewOperation is an operation to be kept. Fingerprint stands for its input. It is not
// begun before those that were there before it in its lane, unless they rest, or on its
// subject. Action is what the audit log calls it, with After as what is to become.
type NewOperation struct {
	trade.Operation
	Lane        string          `json:"Lane"`
	Fingerprint string          `json:"Fingerprint"`
	Work        json.RawMessage `json:"Work"`
	Action      string          `json:"Action"`
	After       map[string]any  `json:"After"`
	Job         Job             `json:"Job"`
}

// KeptOperation is an operation found by its key.
type KeptOperation struct {
	ID, Fingerprint string
	Subject         *string
	SubmittedAt     time.Time
}

// Job is a job of the queue's that wakes a worker for an operation.
type Job struct {
	Queue string `json:"Queue"`
	Kind  string `json:"Kind"`
	Args  string `json:"Args"`
}

// BeginOperations keeps operations with their steps, writes them to the audit log and puts
// their jobs into the queue, and tells which by id: not those whose key is spent. Where
// much is before one in its lane it has no job: whoever ends what is before it wakes it. No
// lane is locked here, so that accepting an order waits for no other's commit; a claim that
// finds its turn not come looks again under the lock. One that awaits a decision rests
// until that is made.
func BeginOperations(ctx context.Context, tx *store.Tx, all []NewOperation) (begun []string, err error) {
	type document struct {
		NewOperation
		State trade.OperationState `json:"State"`
		Due   string               `json:"Due"`
	}
	documents := make([]document, len(all))
	for i, n := range all {
		documents[i] = document{n, trade.OperationAccepted, "now"}
		if n.Awaiting != nil {
			documents[i].State, documents[i].Due = trade.OperationAwaiting, "infinity"
		}
	}
	text, err := json.Marshal(documents)
	if err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	const query = `
		WITH asked AS (SELECT j ->> 'ID' AS id, j FROM jsonb_array_elements($1::jsonb) AS j),
		begun AS (
			INSERT INTO operations (id, kind, state, lane, source, principal, account_id, supplier_id, subject, idempotency_key, fingerprint,
			correlation_id, work, awaiting, due_at)
			SELECT id, j ->> 'Kind', j ->> 'State', j ->> 'Lane', j ->> 'Source', j ->> 'Principal', nullif(j ->> 'AccountID', ''),
			nullif(j ->> 'SupplierID', ''), j ->> 'Subject', j ->> 'Key', j ->> 'Fingerprint',
				j ->> 'CorrelationID', j -> 'Work', nullif(j -> 'Awaiting', 'null'), (j ->> 'Due')::timestamptz FROM asked
			ON CONFLICT (principal, kind, idempotency_key) DO NOTHING RETURNING id, due_at),
		steps AS (
			INSERT INTO operation_steps (operation_id, position, name, system, state, external_ref)
			SELECT b.id, p - 1, x ->> 'Name', x ->> 'System', 'PENDING', x ->> 'ExternalRef' FROM begun b
			JOIN asked a USING (id), jsonb_array_elements(j -> 'Steps') WITH ORDINALITY AS s(x, p)),
		entry AS (
			INSERT INTO audit_entries (actor, action, subject, correlation_id, after)
			SELECT j ->> 'Principal', j ->> 'Action', coalesce(j ->> 'Subject', id), j ->> 'CorrelationID', nullif(j -> 'After', 'null') FROM begun
			JOIN asked USING (id)),
		told AS (
			INSERT INTO changes (topic, subject, account_id, supplier_id, principal)
			SELECT 'OPERATION', id, nullif(j ->> 'AccountID', ''), nullif(j ->> 'SupplierID', ''), j ->> 'Principal' FROM begun
			JOIN asked USING (id)),
		job AS (
			INSERT INTO river_job (state, queue, kind, args, max_attempts, priority)
			SELECT 'available', j #>> '{Job,Queue}', j #>> '{Job,Kind}', (j #>> '{Job,Args}')::jsonb, 25, 1 FROM begun b JOIN asked USING (id)
			WHERE b.due_at < 'infinity' AND (SELECT count(*) FROM (SELECT FROM operations b WHERE b.lane = j ->> 'Lane' AND ` + inTurn +
		` LIMIT 8) x) < 8)
		SELECT id FROM begun`
	if err := tx.Select(ctx, &begun, query, string(text)); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	tx.MarkChanged()
	return begun, nil
}

// jsonText is a value as a statement takes it; nil for none.
func jsonText[T any](v T) (*string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	if text := string(b); text != "null" {
		return &text, nil
	}
	return nil, nil
}

// OperationByKey finds the operation that a principal's key started; nil where it
// started none.
func OperationByKey(ctx context.Context, s *store.Store, principal string, kind trade.OperationKind, key string) (*KeptOperation, error) {
	var rows []KeptOperation
	const query = `SELECT id, fingerprint, subject, submitted_at FROM operations WHERE principal = $1 AND kind = $2 AND idempotency_key = $3`
	if err := s.Select(ctx, &rows, query, principal, kind, key); err != nil {
		return nil, fmt.Errorf("operation: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// OperationByAnyKey is the id of the operation that a principal's key started or acted
// on, whatever kind it was used for; empty where it did neither.
func OperationByAnyKey(ctx context.Context, s *store.Store, principal, key string) (string, error) {
	const query = `
		SELECT id FROM operations WHERE principal = $1 AND idempotency_key = $2
		UNION SELECT operation_id FROM spent_keys WHERE principal = $1 AND idempotency_key = $2 AND operation_id IS NOT NULL ORDER BY 1 LIMIT 1`
	var ids []string
	if err := s.Select(ctx, &ids, query, principal, key); err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

type operationRow struct {
	trade.Operation
	StepsJSON    store.JSON[[]trade.OperationStep]
	FailureJSON  store.JSON[*trade.OperationFailure]
	AwaitingJSON store.JSON[*trade.AwaitedDecision]
	Found        *int
	Changed      *int
}

func (r *operationRow) trade() *trade.Operation {
	r.Steps, r.Failure, r.Awaiting = r.StepsJSON.Value, r.FailureJSON.Value, r.AwaitingJSON.Value
	if r.Found != nil && r.Changed != nil {
		r.Progress = &trade.OperationProgress{Found: *r.Found, Changes: *r.Changed}
	}
	return &r.Operation
}

// SaveProgress records how far an operation is that is done in parts, and reports it to those who follow it.
func SaveProgress(ctx context.Context, tx *store.Tx, operation string, p trade.OperationProgress) error {
	const query = `
		WITH told AS (` + operationMoved + `state FROM operations WHERE id = $1)
		UPDATE operations SET found = $2, changed = $3 WHERE id = $1`
	if _, err := tx.Exec(ctx, query, operation, p.Found, p.Changes); err != nil {
		return fmt.Errorf("operation: %w", err)
	}
	tx.MarkChanged()
	return nil
}

var operations = store.Read(store.Relation[trade.Operation]{
	Kind: "Operation", From: "operations o", Visible: store.OwnEither("o.account_id", "o.supplier_id"),
	Columns: []store.Columns{
		store.Always(`o.id, o.kind, o.state, o.correlation_id, o.idempotency_key AS key, o.principal, o.subject,
			coalesce(o.account_id, '') AS account_id, coalesce(o.supplier_id, '') AS supplier_id, o.submitted_at, o.finished_at,
			o.failure AS failure_json, o.source, o.place, o.found, o.changed`),
		store.When("awaiting", "o.awaiting AS awaiting_json"),
		store.When("steps", `(SELECT jsonb_agg(jsonb_build_object('Name', x.name, 'System', x.system, 'State', x.state, 'Attempts', x.attempts,
			'StartedAt', x.started_at,
			'FinishedAt', x.finished_at, 'ExternalRef', x.external_ref, 'Error', x.error) ORDER BY x.position) FROM operation_steps x
			WHERE x.operation_id = o.id) AS steps_json`),
	},
}, (*operationRow).trade)

// Operations reads operations by id.
func Operations(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Operation, error) {
	return operations.By(ctx, s, scope, "o.id", "", ids)
}

// IsSettled tells whether an operation has ended or rests; it is asked for by whoever
// started it.
func IsSettled(ctx context.Context, s *store.Store, id string) (settled bool, err error) {
	if err := s.Get(ctx, &settled, `SELECT finished_at IS NOT NULL OR due_at = 'infinity' FROM operations WHERE id = $1`, id); err != nil {
		return false, fmt.Errorf("operation: %w", err)
	}
	return settled, nil
}

// RemoveOperations removes operations that ended before a moment, with their steps, keys
// that were spent and alerts that were resolved before it, at most so many of each. It tells whether there may be more.
func RemoveOperations(ctx context.Context, s *store.Store, before time.Time, most int) (removed int, more bool, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const operations = `DELETE FROM operations WHERE id IN (SELECT id FROM operations WHERE submitted_at < $1 AND finished_at < $1
			ORDER BY submitted_at LIMIT $2 FOR UPDATE SKIP LOCKED)`
		const keys = `
			DELETE FROM spent_keys k USING (SELECT principal, mutation, idempotency_key FROM spent_keys WHERE spent_at < $1 ORDER BY spent_at
			LIMIT $2 FOR UPDATE SKIP LOCKED) o
			WHERE (k.principal, k.mutation, k.idempotency_key) = (o.principal, o.mutation, o.idempotency_key)`
		const alerts = `DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE state = 'RESOLVED' AND resolved_at < $1 ORDER BY resolved_at
			LIMIT $2 FOR UPDATE SKIP LOCKED)`
		for _, query := range []string{operations, keys, alerts} {
			result, err := tx.Exec(ctx, query, before, most)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			removed, more = removed+int(n), more || int(n) == most
		}
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("old operations: %w", err)
	}
	return removed, more, nil
}

// LatestOperations reads the latest operation on each of some subjects.
func LatestOperations(ctx context.Context, s *store.Store, scope trade.Scope, subjects []string) (map[string]*trade.Operation, error) {
	return operations.By(ctx, s, scope, "o.subject", "o.place DESC", subjects)
}
