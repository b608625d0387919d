package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"portico/trade"
)

// NewOperation is an operation to be kept. Lane is what it must not be overtaken on,
// and Fingerprint stands for its input.
type NewOperation struct {
	trade.Operation
	Lane, Source, Fingerprint string
	Work                      json.RawMessage
}

// KeptOperation is an operation found by its key.
type KeptOperation struct {
	ID, Fingerprint string
	Subject         *string
	SubmittedAt     time.Time
}

// BeginOperation keeps an operation with its steps. ok is false when its key is spent.
func (s *Store) BeginOperation(ctx context.Context, tx *sqlx.Tx, n *NewOperation) (ok bool, err error) {
	o := &n.Operation
	const query = `
		INSERT INTO operations (id, kind, state, lane, source, principal, account_id, subject, idempotency_key, fingerprint, correlation_id, work)
		VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, $9, $10, $11, $12) ON CONFLICT (principal, kind, idempotency_key) DO NOTHING`
	result, err := tx.ExecContext(ctx, query, n.ID, o.Kind, trade.OperationAccepted, n.Lane, n.Source, o.Principal, o.AccountID, o.Subject, o.Key, n.Fingerprint, o.CorrelationID, string(n.Work))
	if err != nil {
		return false, fmt.Errorf("operation: %w", err)
	}
	if made, err := result.RowsAffected(); err != nil || made == 0 {
		return false, err
	}
	for i, step := range o.Steps {
		const query = `INSERT INTO operation_steps (operation_id, position, name, system, state, external_ref) VALUES ($1, $2, $3, $4, 'PENDING', $5)`
		if _, err := tx.ExecContext(ctx, query, n.ID, i, step.Name, step.System, step.ExternalRef); err != nil {
			return false, fmt.Errorf("operation: %w", err)
		}
	}
	return true, nil
}

// OperationByKey finds the operation that a principal's key started; nil where it
// started none.
func (s *Store) OperationByKey(ctx context.Context, principal string, kind trade.OperationKind, key string) (*KeptOperation, error) {
	var rows []KeptOperation
	const query = `SELECT id, fingerprint, subject, submitted_at FROM operations WHERE principal = $1 AND kind = $2 AND idempotency_key = $3`
	if err := s.db.SelectContext(ctx, &rows, query, principal, kind, key); err != nil {
		return nil, fmt.Errorf("operation: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// Claimed is an operation that a process has taken on.
type Claimed struct {
	ID, Source string
	Kind       trade.OperationKind
	Subject    *string
	Work       json.RawMessage
	Steps      []trade.OperationStep
}

// ClaimOperation takes an operation on for so long, under a token that nobody had
// before. When its turn has not come, or another process is at it, it is not taken,
// and wait is when to try again; 0 when it has ended.
func (s *Store) ClaimOperation(ctx context.Context, id, token string, lease time.Duration) (claimed *Claimed, wait time.Duration, err error) {
	err = s.InTx(ctx, func(tx *sqlx.Tx) error {
		var row struct {
			Claimed
			Finished bool
			Wait     float64
			Behind   bool
		}
		const query = `
			SELECT o.id, o.source, o.kind, o.subject, o.work, o.finished_at IS NOT NULL AS finished,
				extract(epoch FROM greatest(o.claimed_until, o.due_at, '1970-01-01') - clock_timestamp())::float8 AS wait,
				EXISTS (SELECT FROM operations b WHERE b.lane = o.lane AND b.place < o.place AND b.finished_at IS NULL) AS behind
			FROM operations o WHERE o.id = $1 FOR UPDATE`
		if err := tx.GetContext(ctx, &row, query, id); err != nil {
			return err
		}
		switch {
		case row.Finished:
			return nil
		case row.Behind:
			wait = behindWait
			return nil
		case row.Wait > 0:
			wait = time.Duration(row.Wait*float64(time.Second)) + time.Millisecond
			return nil
		}
		const take = `UPDATE operations SET claim = $2, claimed_until = clock_timestamp() + $3 * interval '1 second' WHERE id = $1`
		if _, err := tx.ExecContext(ctx, take, id, token, lease.Seconds()); err != nil {
			return err
		}
		c := row.Claimed
		const steps = `SELECT name, system, state, attempts, started_at, finished_at, external_ref, error FROM operation_steps WHERE operation_id = $1 ORDER BY position`
		if err := tx.SelectContext(ctx, &c.Steps, steps, id); err != nil {
			return err
		}
		claimed = &c
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("operation: %w", err)
	}
	return claimed, wait, nil
}

// behindWait is when an operation that is not first in its lane is looked at again.
const behindWait = 200 * time.Millisecond

// ErrClaimLost tells a process that another one has taken its operation on: nothing
// that it does to it counts any more.
var ErrClaimLost = errors.New("another process has taken the operation on")

// RenewClaim holds a claim for so long from now.
func (s *Store) RenewClaim(ctx context.Context, id, token string, lease time.Duration) error {
	return s.InTx(ctx, func(tx *sqlx.Tx) error {
		return held(tx.ExecContext(ctx, `UPDATE operations SET claimed_until = clock_timestamp() + $3 * interval '1 second' WHERE id = $1 AND claim = $2`, id, token, lease.Seconds()))
	})
}

type result interface{ RowsAffected() (int64, error) }

// held fails when a write changed nothing, because its claim is another's now.
func held(r result, err error) error {
	if err != nil {
		return fmt.Errorf("operation: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrClaimLost, err)
	}
	return nil
}

// SaveOperation records what became of an operation under a claim: its state and
// work, and one of its steps. free gives the claim back, to be due again after a
// while.
func (s *Store) SaveOperation(ctx context.Context, tx *sqlx.Tx, id, token string, state trade.OperationState, work json.RawMessage, position int, step trade.OperationStep, free *time.Duration) error {
	due, freed := 0.0, free != nil
	if freed {
		due = free.Seconds()
	}
	const query = `
		UPDATE operations SET state = $3, work = $4, due_at = CASE WHEN $5 THEN clock_timestamp() + $6 * interval '1 second' ELSE due_at END,
			claimed_until = CASE WHEN $5 THEN '-infinity' ELSE claimed_until END, claim = CASE WHEN $5 THEN NULL ELSE claim END
		WHERE id = $1 AND claim = $2`
	if err := held(tx.ExecContext(ctx, query, id, token, state, string(work), freed, due)); err != nil {
		return err
	}
	const save = `UPDATE operation_steps SET state = $3, attempts = $4, started_at = $5, finished_at = $6, error = $7 WHERE operation_id = $1 AND position = $2`
	if _, err := tx.ExecContext(ctx, save, id, position, step.State, step.Attempts, step.StartedAt, step.FinishedAt, step.Error); err != nil {
		return fmt.Errorf("operation: %w", err)
	}
	return nil
}

// EndOperation ends an operation under a claim; failure is nil when it was done.
func (s *Store) EndOperation(ctx context.Context, tx *sqlx.Tx, id, token string, state trade.OperationState, failure *trade.OperationFailure) error {
	var text *string
	if failure != nil {
		b, err := json.Marshal(failure)
		if err != nil {
			return fmt.Errorf("operation: %w", err)
		}
		v := string(b)
		text = &v
	}
	const query = `UPDATE operations SET state = $3, failure = $4, finished_at = clock_timestamp(), claim = NULL, claimed_until = '-infinity' WHERE id = $1 AND claim = $2`
	return held(tx.ExecContext(ctx, query, id, token, state, text))
}

// Orphan is an operation that is due and that nobody is at.
type Orphan struct{ ID, Source string }

// Orphans are operations that have been due for a while with nobody at them, as after
// a crash; each is told once in a while.
func (s *Store) Orphans(ctx context.Context, tx *sqlx.Tx) (all []Orphan, err error) {
	const query = `
		UPDATE operations o SET swept_at = clock_timestamp() FROM (
			SELECT id FROM operations WHERE finished_at IS NULL AND due_at < clock_timestamp() - interval '2 seconds' AND claimed_until < clock_timestamp()
				AND swept_at < clock_timestamp() - interval '5 seconds' ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED) x
		WHERE o.id = x.id RETURNING o.id, o.source`
	if err := tx.SelectContext(ctx, &all, query); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	return all, nil
}

type operationRow struct {
	trade.Operation
	StepsJSON   jsonOf[[]trade.OperationStep]
	FailureJSON jsonOf[*trade.OperationFailure]
}

func (r *operationRow) trade() *trade.Operation {
	r.Steps, r.Failure = r.StepsJSON.value, r.FailureJSON.value
	return &r.Operation
}

var operations = read(relation[trade.Operation]{
	kind: "Operation", from: "operations o", visible: ownAccount("o.account_id"),
	columns: []columns{
		always(`o.id, o.kind, o.state, o.correlation_id, o.idempotency_key AS key, o.principal, o.subject, coalesce(o.account_id, '') AS account_id, o.submitted_at, o.finished_at, o.failure AS failure_json`),
		when("steps", `(SELECT jsonb_agg(jsonb_build_object('Name', x.name, 'System', x.system, 'State', x.state, 'Attempts', x.attempts, 'StartedAt', x.started_at,
			'FinishedAt', x.finished_at, 'ExternalRef', x.external_ref, 'Error', x.error) ORDER BY x.position) FROM operation_steps x WHERE x.operation_id = o.id) AS steps_json`),
	},
}, (*operationRow).trade)

// Operations reads operations by id.
func (s *Store) Operations(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Operation, error) {
	return operations.by(ctx, s, scope, "o.id", "", ids)
}

// Ended tells whether an operation has ended; it is asked for by whoever started it.
func (s *Store) Ended(ctx context.Context, id string) (ended bool, err error) {
	if err := s.db.GetContext(ctx, &ended, `SELECT finished_at IS NOT NULL FROM operations WHERE id = $1`, id); err != nil {
		return false, fmt.Errorf("operation: %w", err)
	}
	return ended, nil
}

// PlaceOrder keeps an order that no source knows yet, with its lines.
func (s *Store) PlaceOrder(ctx context.Context, tx *sqlx.Tx, o *trade.Order) error {
	document, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	const order = `
		INSERT INTO orders (id, customer_po_number, account_id, ship_to_id, bill_to_id, ship_to_address, status, currency, subtotal, discount, total, delivery_terms, payment_terms,
			requested_delivery_date, placed_at, comment, external_ref, system, instance, source_ref, source_version, sequence, as_of)
		SELECT j ->> 'ID', j ->> 'CustomerPoNumber', a.id, nullif(j #>> '{ShipToRef,id}', ''),
			(SELECT l.id FROM account_locations l WHERE l.account_id = a.id AND 'BILL_TO' = ANY (l.roles) ORDER BY l.code LIMIT 1), j -> 'ShipToAddress', j ->> 'Status',
			j #>> '{Totals,total,currency}', (j #>> '{Totals,subtotal,amount}')::numeric, 0, (j #>> '{Totals,total,amount}')::numeric, a.delivery_terms, a.payment_terms,
			(j ->> 'RequestedDeliveryDate')::date, (j ->> 'PlacedAt')::timestamptz, j ->> 'Comment', j ->> 'ExternalRef', 'PORTICO', 'portico', j ->> 'ExternalRef', '0', -1, now()
		FROM (SELECT $1::jsonb AS j) d JOIN accounts a ON a.id = j #>> '{AccountRef,id}'`
	if _, err := tx.ExecContext(ctx, order, string(document)); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	const lines = `
		INSERT INTO order_lines (order_id, account_id, line_number, position, item_id, sku, description, currency, price, price_per, amount, status, unit, ordered, confirmed, allocated,
			backordered, shipped, delivered, invoiced, cancelled, returned)
		SELECT j ->> 'ID', j #>> '{AccountRef,id}', l ->> 'LineNumber', p, l #>> '{ItemRef,id}', l ->> 'SKU', l ->> 'Description', j #>> '{Totals,total,currency}',
			(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, (l #>> '{Amount,amount}')::numeric, 'OPEN', l #>> '{Ordered,unit}',
			(l #>> '{Ordered,value}')::numeric, 0, 0, 0, 0, 0, 0, 0, 0
		FROM (SELECT $1::jsonb AS j) d, jsonb_array_elements(j -> 'LinesKnown') WITH ORDINALITY AS x(l, p)`
	if _, err := tx.ExecContext(ctx, lines, string(document)); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}

// SetOrderStatus sets where an order of ours stands that no source knows yet.
func (s *Store) SetOrderStatus(ctx context.Context, tx *sqlx.Tx, id string, status trade.OrderStatus) error {
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET status = $2, received_at = now() WHERE id = $1 AND number IS NULL`, id, status); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}
