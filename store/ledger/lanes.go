package ledger

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"portico/store"
)

// heldUp tells whether an operation b waits for one on its subject that rests, which may be
// long: it holds up nobody else in its lane.
const heldUp = `EXISTS (SELECT FROM operations r WHERE r.subject = b.subject AND r.place < b.place AND r.finished_at IS NULL
	AND r.due_at = 'infinity')`

// inTurn are operations b that others of their lane wait for: those that have not ended,
// do not rest and are not held up.
const inTurn = `b.finished_at IS NULL AND b.due_at < 'infinity' AND NOT ` + heldUp

// behind tells whether an operation must wait for another one: for any that was before
// it on its subject, and for those before it in its lane whose turn can come.
const behind = `(EXISTS (SELECT FROM operations b WHERE b.subject = o.subject AND b.place < o.place AND b.finished_at IS NULL)
	OR EXISTS (SELECT FROM operations b WHERE b.lane = o.lane AND b.place < o.place AND ` + inTurn + `))`

// Turn is an operation whose turn it is.
type Turn struct {
	ID, Source string
	// Abandoned tells that somebody was at it whose claim has run out.
	Abandoned bool
}

// LockLane makes what is before what in a lane, and on a subject, certain until the
// transaction ends.
func LockLane(ctx context.Context, tx *store.Tx, lane string, subject *string) error {
	const query = `SELECT pg_advisory_xact_lock(hashtextextended($1, 5)), pg_advisory_xact_lock(hashtextextended(coalesce($2, $1), 5))`
	if _, err := tx.Exec(ctx, query, lane, subject); err != nil {
		return fmt.Errorf("lane: %w", err)
	}
	return nil
}

// Enqueue puts a job into the queue.
func Enqueue(ctx context.Context, tx *store.Tx, j Job) error {
	const query = `INSERT INTO river_job (state, queue, kind, args, max_attempts, priority) VALUES ('available', $1, $2, $3, 25, 1)`
	if _, err := tx.Exec(ctx, query, j.Queue, j.Kind, j.Args); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	return nil
}

// Turns are the operations of a lane, and on a subject, that are next and that nobody
// is at. The lane is locked.
func Turns(ctx context.Context, tx *store.Tx, lane string, subject *string) (all []Turn, err error) {
	const query = `
		SELECT o.id, o.source FROM operations o WHERE o.id IN (
			(SELECT id FROM operations b WHERE b.lane = $1 AND ` + inTurn + ` ORDER BY b.place LIMIT 1)
			UNION (SELECT id FROM operations WHERE subject = $2 AND finished_at IS NULL ORDER BY place LIMIT 1))
		AND o.due_at <= clock_timestamp() AND o.claimed_until < clock_timestamp() AND NOT ` + behind
	if err := tx.Select(ctx, &all, query, lane, subject); err != nil {
		return nil, fmt.Errorf("lane: %w", err)
	}
	return all, nil
}

// HastenWaiting makes operations of a source due that wait for their next attempt, 500 at most, and returns them.
func HastenWaiting(ctx context.Context, tx *store.Tx, source string) (all []Turn, err error) {
	const query = `
		UPDATE operations o SET due_at = clock_timestamp() FROM (
			SELECT id FROM operations o WHERE finished_at IS NULL AND source = $1 AND due_at > clock_timestamp() AND due_at < 'infinity'
			AND claimed_until < clock_timestamp() ORDER BY place LIMIT 500 FOR UPDATE SKIP LOCKED) x
		WHERE o.id = x.id RETURNING o.id, o.source`
	if err := tx.Select(ctx, &all, query, source); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	return all, nil
}

// Orphans are operations of some sources whose turn it has been for a while with nobody
// at them, as after a crash; each is told once in a while, and those that are taken never.
func Orphans(ctx context.Context, tx *store.Tx, sources, taken []string) (all []Turn, err error) {
	const query = `
		UPDATE operations o SET swept_at = clock_timestamp() FROM (
			SELECT id FROM operations o WHERE finished_at IS NULL AND source = ANY($1) AND due_at < clock_timestamp() - interval '2 seconds'
			AND claimed_until < clock_timestamp()
				AND swept_at < clock_timestamp() - interval '5 seconds' AND id <> ALL($2) AND NOT ` + behind +
		` ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED) x
		WHERE o.id = x.id RETURNING o.id, o.source, o.claim IS NOT NULL AS abandoned`
	if err := tx.Select(ctx, &all, query, pq.Array(sources), store.TextArray(taken)); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	return all, nil
}
