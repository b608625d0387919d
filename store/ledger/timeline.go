package ledger

import (
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

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

var timeline = store.Read(store.Relation[operating.TimelineEntry]{
	Kind: "TimelineEntry", From: "timeline t", Visible: store.OwnEither("t.account_id", "t.supplier_id"),
	Columns: []store.Columns{store.Always(`t.at, t.kind, t.what, t.before, t.after, t.system, coalesce(t.actor, '') AS actor_id, t.subject,
		t.correlation_id, extract(epoch FROM t.took)::float8 AS seconds, t.responsible`)},
}, (*timelineRow).trade)

// TimelineList is what happened to orders and purchase orders, newest first, one list below each.
func TimelineList(scope trade.Scope) *store.List[operating.TimelineEntry] {
	return &store.List[operating.TimelineEntry]{
		Relation: timeline, Name: "timeline", Scope: scope, Parent: "t.order_id",
		Order: []store.SortKey{store.Descending("t.at", "timestamptz"), store.Descending("t.key", "text")},
	}
}

// TraceList is every hop of a correlation id, oldest first: what was asked for under it,
// and what came of it in the systems.
func TraceList(scope trade.Scope, correlation string) *store.List[operating.TimelineEntry] {
	l := &store.List[operating.TimelineEntry]{
		Relation: timeline, Name: "trace", Scope: scope,
		Order: []store.SortKey{store.Ascending("t.at", "timestamptz"), store.Ascending("t.key", "text")},
	}
	id := l.Args.Add(correlation)
	// What happened to an order before it was asked for under this id is of another one.
	l.And(`t.order_id IN (SELECT coalesce(r.order_id, p.subject) FROM operations p LEFT JOIN returns r ON r.id = p.subject
		WHERE p.correlation_id = ` + id + `)
		AND (t.correlation_id = ` + id +
		` OR t.correlation_id IS NULL AND t.at >= (SELECT min(submitted_at) FROM operations p WHERE p.correlation_id = ` + id + `))`)
	return l
}
