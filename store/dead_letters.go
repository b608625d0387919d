package store

import (
	"context"

	"portico/trade"
)

type deadLetterRow struct {
	trade.DeadLetter
	FailureJSON jsonOf[*trade.OperationFailure]
}

func (r *deadLetterRow) trade() *trade.DeadLetter {
	r.Responsible = trade.OrchestrationAtFault
	if f := r.FailureJSON.value; f != nil {
		r.Responsible = f.Responsible
	}
	return &r.DeadLetter
}

var deadLetters = read(relation[trade.DeadLetter]{
	kind: "DeadLetter", visible: operatorOnly,
	from: `operations o JOIN LATERAL (SELECT error, attempts, started_at, finished_at FROM operation_steps s WHERE s.operation_id = o.id AND s.error IS NOT NULL ORDER BY position DESC LIMIT 1) x
		ON o.state = 'DEAD_LETTERED'`,
	columns: []columns{always(`'dlr_' || substr(o.id, 5) AS id, o.id AS operation_id, o.source AS stream, o.work AS payload, x.error, x.attempts, coalesce(x.started_at, o.submitted_at) AS first_failed_at,
		coalesce(x.finished_at, x.started_at, o.submitted_at) AS last_failed_at, o.correlation_id, o.failure AS failure_json`)},
}, (*deadLetterRow).trade)

// DeadLetters reads dead letters by id.
func (s *Store) DeadLetters(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.DeadLetter, error) {
	return deadLetters.by(ctx, s, scope, "'dlr_' || substr(o.id, 5)", "", ids)
}

// DeadLetterList is the dead letters of a stream, or of all, newest first.
func DeadLetterList(scope trade.Scope, stream string) *List[trade.DeadLetter] {
	l := &List[trade.DeadLetter]{relation: deadLetters, name: "dead letters", scope: scope, order: []sortKey{descending("o.submitted_at", "timestamptz"), descending("o.id", "text")}}
	if stream != "" {
		l.and("o.source = " + l.args.add(stream))
	}
	return l
}
