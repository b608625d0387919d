package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/trade"
	"portico/trade/operating"
)

// OperationFilter narrows a list of operations.
type OperationFilter struct {
	State         []trade.OperationState
	Kind          []trade.OperationKind
	Subject       string
	CorrelationID string
	Submitted     trade.DateRange
}

// OperationList is the operations the scope sees, newest first.
func OperationList(scope trade.Scope, f OperationFilter) *List[trade.Operation] {
	l := &List[trade.Operation]{relation: operations, name: "operations", scope: scope, order: []sortKey{{"o.submitted_at", "timestamptz", true}, {"o.id", "text", true}}}
	if f.State != nil {
		l.and("o.state = ANY(" + l.args.add(pq.Array(f.State)) + ")")
	}
	if f.Kind != nil {
		l.and("o.kind = ANY(" + l.args.add(pq.Array(f.Kind)) + ")")
	}
	if f.Subject != "" {
		l.and("o.subject = " + l.args.add(f.Subject))
	}
	if f.CorrelationID != "" {
		l.and("o.correlation_id = " + l.args.add(f.CorrelationID))
	}
	within(l, "o.submitted_at", f.Submitted, true)
	return l
}

// mostBefore is where counting what is before an operation stops.
const mostBefore = 10000

// Before is how many operations of a source are to be worked on before each of some
// that wait, by id; at most 10,000.
func (s *Store) Before(ctx context.Context, ids []string) (map[string]int, error) {
	const query = `
		SELECT o.id, (SELECT count(*) FROM (SELECT FROM operations b WHERE b.source = o.source AND b.place < o.place AND b.finished_at IS NULL AND b.due_at < 'infinity' LIMIT $2) x) AS before
		FROM operations o WHERE o.id = ANY($1)`
	var rows []struct {
		ID     string
		Before int
	}
	if err := s.sel(ctx, nil, &rows, query, textArray(ids), mostBefore); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	all := map[string]int{}
	for _, r := range rows {
		all[r.ID] = r.Before
	}
	return all, nil
}

// QueueDepths is how many operations wait for each source.
func (s *Store) QueueDepths(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		Source string
		N      int
	}
	if err := s.sel(ctx, nil, &rows, `SELECT source, count(*) AS n FROM operations WHERE finished_at IS NULL AND due_at < 'infinity' GROUP BY source`); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	all := map[string]int{}
	for _, r := range rows {
		all[r.Source] = r.N
	}
	return all, nil
}

type workRow struct {
	trade.WorkInState
	Seconds float64
}

func (r *workRow) trade() *trade.WorkInState {
	r.Oldest = time.Duration(r.Seconds * float64(time.Second)).Truncate(time.Millisecond)
	return &r.WorkInState
}

var inProgress = read(relation[trade.WorkInState]{
	kind:    "WorkInState",
	from:    `(SELECT kind, state, count(*) AS count, extract(epoch FROM clock_timestamp() - min(submitted_at))::float8 AS seconds FROM operations WHERE finished_at IS NULL GROUP BY kind, state) w`,
	visible: operatorOnly, columns: []columns{always("w.kind, w.state, w.count, w.seconds")},
}, (*workRow).trade)

// WorkList is the operations that have not ended, by kind and state.
func WorkList(scope trade.Scope) *List[trade.WorkInState] {
	return &List[trade.WorkInState]{relation: inProgress, name: "work in progress", scope: scope, order: []sortKey{{"w.kind", "text", false}, {"w.state", "text", false}}}
}

type deadLetterRow struct {
	operating.DeadLetter
	FailureJSON jsonOf[*trade.OperationFailure]
}

func (r *deadLetterRow) trade() *operating.DeadLetter {
	r.Responsible = trade.OrchestrationAtFault
	if f := r.FailureJSON.value; f != nil {
		r.Responsible = f.Responsible
	}
	return &r.DeadLetter
}

var deadLetters = read(relation[operating.DeadLetter]{
	kind: "DeadLetter", visible: operatorOnly,
	from: `operations o JOIN LATERAL (SELECT error, attempts, started_at, finished_at FROM operation_steps s WHERE s.operation_id = o.id AND s.error IS NOT NULL ORDER BY position DESC LIMIT 1) x
		ON o.state = 'DEAD_LETTERED'`,
	columns: []columns{always(`'dlr_' || substr(o.id, 5) AS id, o.id AS operation_id, o.source AS stream, o.work AS payload, x.error, x.attempts, coalesce(x.started_at, o.submitted_at) AS first_failed_at,
		coalesce(x.finished_at, x.started_at, o.submitted_at) AS last_failed_at, o.correlation_id, o.failure AS failure_json`)},
}, (*deadLetterRow).trade)

// DeadLetters reads dead letters by id.
func (s *Store) DeadLetters(ctx context.Context, scope trade.Scope, ids []string) (map[string]*operating.DeadLetter, error) {
	return deadLetters.by(ctx, s, scope, "'dlr_' || substr(o.id, 5)", "", ids)
}

// DeadLetterList is the dead letters of a stream, or of all, newest first.
func DeadLetterList(scope trade.Scope, stream string) *List[operating.DeadLetter] {
	l := &List[operating.DeadLetter]{relation: deadLetters, name: "dead letters", scope: scope, order: []sortKey{{"o.submitted_at", "timestamptz", true}, {"o.id", "text", true}}}
	if stream != "" {
		l.and("o.source = " + l.args.add(stream))
	}
	return l
}

type timelineRow struct {
	operating.TimelineEntry
	What, Before, After *string
	Seconds             *float64
}

func (r *timelineRow) trade() *operating.TimelineEntry {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	r.Say(text(r.What), text(r.Before), text(r.After))
	if r.Seconds != nil {
		took := time.Duration(*r.Seconds * float64(time.Second)).Truncate(time.Millisecond)
		r.Took = &took
	}
	return &r.TimelineEntry
}

var timeline = read(relation[operating.TimelineEntry]{
	kind: "TimelineEntry", from: "timeline t", visible: ownEither("t.account_id", "t.supplier_id"),
	columns: []columns{always(`t.at, t.kind, t.what, t.before, t.after, t.system, coalesce(t.actor, '') AS actor_id, t.subject, t.correlation_id, extract(epoch FROM t.took)::float8 AS seconds, t.responsible`)},
}, (*timelineRow).trade)

// TimelineList is what happened to orders and purchase orders, newest first, one list below each.
func TimelineList(scope trade.Scope) *List[operating.TimelineEntry] {
	return &List[operating.TimelineEntry]{relation: timeline, name: "timeline", scope: scope, parent: "t.order_id", order: []sortKey{{"t.at", "timestamptz", true}, {"t.key", "text", true}}}
}

// TraceList is every hop of a correlation id, oldest first: what was asked for under it,
// and what came of it in the systems.
func TraceList(scope trade.Scope, correlation string) *List[operating.TimelineEntry] {
	l := &List[operating.TimelineEntry]{relation: timeline, name: "trace", scope: scope, order: []sortKey{{"t.at", "timestamptz", false}, {"t.key", "text", false}}}
	id := l.args.add(correlation)
	// What happened to an order before it was asked for under this id is of another one.
	l.and(`t.order_id IN (SELECT coalesce(r.order_id, p.subject) FROM operations p LEFT JOIN returns r ON r.id = p.subject WHERE p.correlation_id = ` + id + `)
		AND (t.correlation_id = ` + id + ` OR t.correlation_id IS NULL AND t.at >= (SELECT min(submitted_at) FROM operations p WHERE p.correlation_id = ` + id + `))`)
	return l
}

// PauseSource holds a source on all processes; an empty reason resumes it. changed is
// false where it was so before.
func (s *Store) PauseSource(ctx context.Context, tx *Tx, instance, reason, actor string) (changed bool, err error) {
	query, args := `DELETE FROM paused_sources WHERE instance = $1`, []any{instance}
	if reason != "" {
		query = `INSERT INTO paused_sources (instance, reason, actor) VALUES ($1, $2, $3) ON CONFLICT (instance) DO NOTHING`
		args = append(args, storable(reason), actor)
	}
	result, err := s.Exec(ctx, tx, query, args...)
	if err != nil {
		return false, fmt.Errorf("pause: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// Paused are the sources that are paused, with the reason of each.
func (s *Store) Paused(ctx context.Context) (map[string]string, error) {
	var rows []struct{ Instance, Reason string }
	if err := s.sel(ctx, nil, &rows, `SELECT instance, reason FROM paused_sources`); err != nil {
		return nil, fmt.Errorf("paused sources: %w", err)
	}
	all := map[string]string{}
	for _, r := range rows {
		all[r.Instance] = r.Reason
	}
	return all, nil
}
