package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
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
func OperationList(scope trade.Scope, f OperationFilter) *store.List[trade.Operation] {
	l := &store.List[trade.Operation]{
		Relation: operations, Name: "operations", Scope: scope,
		Order: []store.SortKey{store.Descending("o.submitted_at", "timestamptz"), store.Descending("o.id", "text")},
	}
	if f.State != nil {
		l.And("o.state = ANY(" + l.Args.Add(pq.Array(f.State)) + ")")
	}
	if f.Kind != nil {
		l.And("o.kind = ANY(" + l.Args.Add(pq.Array(f.Kind)) + ")")
	}
	if f.Subject != "" {
		l.And("o.subject = " + l.Args.Add(f.Subject))
	}
	if f.CorrelationID != "" {
		l.And("o.correlation_id = " + l.Args.Add(f.CorrelationID))
	}
	l.Within("o.submitted_at", f.Submitted, true)
	return l
}

// mostBefore is where counting what is before an operation stops.
const mostBefore = 10000

// Waiting is where an operation stands that waits: how many of its source come before it, at most 10,000, and when it is
// attempted again where that is a while away.
type Waiting struct {
	Before int
	Due    *time.Time
}

// OperationsBefore are where operations stand that wait, by id.
func OperationsBefore(ctx context.Context, s *store.Store, ids []string) (map[string]Waiting, error) {
	const query = `
		SELECT o.id, (SELECT count(*) FROM (SELECT FROM operations b WHERE b.source = o.source AND b.place < o.place AND b.finished_at IS NULL
		AND b.due_at < 'infinity' LIMIT $2) x) AS before,
			CASE WHEN o.due_at > clock_timestamp() AND o.due_at < 'infinity' THEN o.due_at END AS due
		FROM operations o WHERE o.id = ANY($1)`
	var rows []struct {
		ID string
		Waiting
	}
	if err := s.Select(ctx, &rows, query, store.TextArray(ids), mostBefore); err != nil {
		return nil, fmt.Errorf("operations: %w", err)
	}
	all := map[string]Waiting{}
	for _, r := range rows {
		all[r.ID] = r.Waiting
	}
	return all, nil
}

// QueueDepths is how many operations wait for each source.
func QueueDepths(ctx context.Context, s *store.Store) (map[string]int, error) {
	var rows []struct {
		Source string
		N      int
	}
	if err := s.Select(ctx, &rows,
		`SELECT source, count(*) AS n FROM operations WHERE finished_at IS NULL AND due_at < 'infinity' GROUP BY source`); err != nil {
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

var inProgress = store.Read(store.Relation[trade.WorkInState]{
	Kind: "WorkInState",
	From: `(SELECT kind, state, count(*) AS count, extract(epoch FROM clock_timestamp() - min(submitted_at))::float8 AS seconds
		FROM operations WHERE finished_at IS NULL GROUP BY kind, state) w`,
	Visible: store.OperatorOnly, Columns: []store.Columns{store.Always("w.kind, w.state, w.count, w.seconds")},
}, (*workRow).trade)

// WorkList is the operations that have not ended, by kind and state.
func WorkList(scope trade.Scope) *store.List[trade.WorkInState] {
	return &store.List[trade.WorkInState]{
		Relation: inProgress, Name: "work in progress", Scope: scope,
		Order: []store.SortKey{store.Ascending("w.kind", "text"), store.Ascending("w.state", "text")},
	}
}
