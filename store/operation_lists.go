package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

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
func OperationList(scope trade.Scope, f OperationFilter) *List[trade.Operation] {
	l := &List[trade.Operation]{relation: operations, name: "operations", scope: scope, order: []sortKey{descending("o.submitted_at", "timestamptz"), descending("o.id", "text")}}
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
	l.within("o.submitted_at", f.Submitted, true)
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
	return &List[trade.WorkInState]{relation: inProgress, name: "work in progress", scope: scope, order: []sortKey{ascending("w.kind", "text"), ascending("w.state", "text")}}
}
