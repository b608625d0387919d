package ledger

import (
	"context"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

type deadLetterRow struct {
	operating.DeadLetter
	FailureJSON store.JSON[*trade.OperationFailure]
}

func (r *deadLetterRow) trade() *operating.DeadLetter {
	r.Responsible = trade.OrchestrationAtFault
	if f := r.FailureJSON.Value; f != nil {
		r.Responsible = f.Responsible
	}
	return &r.DeadLetter
}

var deadLetters = store.Read(store.Relation[operating.DeadLetter]{
	Kind: "DeadLetter", Visible: store.OperatorOnly,
	From: `operations o JOIN LATERAL (SELECT error, attempts, started_at, finished_at FROM operation_steps s WHERE s.operation_id = o.id
		AND s.error IS NOT NULL ORDER BY position DESC LIMIT 1) x
		ON o.state = 'DEAD_LETTERED'`,
	Columns: []store.Columns{store.Always(`'dlr_' || substr(o.id, 5) AS id, o.id AS operation_id, o.source AS stream, o.work AS payload,
		x.error, x.attempts, coalesce(x.started_at, o.submitted_at) AS first_failed_at,
		coalesce(x.finished_at, x.started_at, o.submitted_at) AS last_failed_at, o.correlation_id, o.failure AS failure_json`)},
}, (*deadLetterRow).trade)

// DeadLetters reads dead letters by id.
func DeadLetters(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.DeadLetter, error) {
	return deadLetters.By(ctx, s, scope, "'dlr_' || substr(o.id, 5)", "", ids)
}

// DeadLetterList is the dead letters of a stream, or of all, newest first.
func DeadLetterList(scope trade.Scope, stream string) *store.List[operating.DeadLetter] {
	l := &store.List[operating.DeadLetter]{
		Relation: deadLetters, Name: "dead letters", Scope: scope,
		Order: []store.SortKey{store.Descending("o.submitted_at", "timestamptz"), store.Descending("o.id", "text")},
	}
	if stream != "" {
		l.And("o.source = " + l.Args.Add(stream))
	}
	return l
}
