package operating

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

type objectiveRow struct {
	operating.Objective
	Most  *float64
	Bound store.NullDecimal
	Span  float64
}

func (r *objectiveRow) trade() *operating.Objective {
	o := &r.Objective
	if r.Most != nil {
		d := time.Duration(*r.Most * float64(time.Second))
		o.Maximum = &d
	}
	if r.Bound.Valid {
		o.Percent = &r.Bound.Decimal
	}
	o.Window = time.Duration(r.Span * float64(time.Second))
	return o
}

const objectiveColumns = "o.id, o.name, o.measure, o.maximum AS most, o.percent AS bound, o.span, o.queue, o.severity, o.version::text " +
	"AS version"

var objectives = store.Read(store.Relation[operating.Objective]{
	Kind: "Objective", From: "objectives o", Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(objectiveColumns)},
}, (*objectiveRow).trade)

// Objectives reads objectives by id.
func Objectives(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.Objective, error) {
	return objectives.By(ctx, s, scope, "o.id", "", ids)
}

// ObjectiveList are all objectives, by name.
func ObjectiveList(scope trade.Scope) *store.List[operating.Objective] {
	return &store.List[operating.Objective]{
		Relation: objectives, Name: "objectives", Scope: scope,
		Order: []store.SortKey{store.Ascending("o.name", "text"), store.Ascending("o.id", "text")},
	}
}

// AllObjectives reads all objectives.
func AllObjectives(ctx context.Context, s *store.Store, scope trade.Scope) ([]*operating.Objective, error) {
	var a store.Args
	query := "SELECT " + objectiveColumns + " FROM objectives o WHERE " + store.OperatorOnly(scope, &a) + " ORDER BY o.name"
	var rows []objectiveRow
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("objectives: %w", err)
	}
	all := make([]*operating.Objective, len(rows))
	for i := range rows {
		all[i] = rows[i].trade()
	}
	return all, nil
}

// mostObjectives is how many objectives there may be.
const mostObjectives = 100

// SaveObjective makes an objective, or changes one whose version was seen. It tells the version
// there is where that is another, and "" where there is no such objective, another has its
// name, or there are too many.
func SaveObjective(ctx context.Context, tx *store.Tx, o *operating.Objective) (saved bool, current string, err error) {
	var most *float64
	if o.Maximum != nil {
		seconds := o.Maximum.Seconds()
		most = &seconds
	}
	var versions []string
	if o.Version == "" {
		const query = `
			INSERT INTO objectives (id, name, measure, maximum, percent, span, queue, severity) SELECT $1, $2, $3, $4, $5, $6, $7, $8
			WHERE (SELECT count(*) FROM objectives) < $9
			ON CONFLICT (name) DO NOTHING RETURNING version::text`
		err = tx.Select(ctx, &versions, query, o.ID, store.Storable(o.Name), o.Measure, most, o.Percent, o.Window.Seconds(),
			store.Storable(o.Queue), o.Severity, mostObjectives)
		return len(versions) == 1, "", err
	}
	if err := tx.Select(ctx, &versions, `SELECT version::text FROM objectives WHERE id = $1 FOR UPDATE`, o.ID); err != nil ||
		len(versions) == 0 || versions[0] != o.Version {
		return false, slices.Concat(versions, []string{""})[0], err
	}
	const query = `
		UPDATE objectives o SET name = $2, measure = $3, maximum = $4, percent = $5, span = $6, queue = $7, severity = $8, version = version + 1
		WHERE id = $1 AND NOT EXISTS (SELECT FROM objectives x WHERE x.name = $2 AND x.id <> $1) RETURNING version::text`
	versions = nil
	err = tx.Select(ctx, &versions, query, o.ID, store.Storable(o.Name), o.Measure, most, o.Percent, o.Window.Seconds(),
		store.Storable(o.Queue), o.Severity)
	return len(versions) == 1, "", err
}

// Breaches are the alerts that were raised for objectives within some days, newest first, at
// most 100 of each.
func Breaches(ctx context.Context, s *store.Store, scope trade.Scope, from, until time.Time, ids []string) (map[string][]*trade.Alert,
	error,
) {
	r := alerts
	visible := r.Visible
	r.Visible = func(sc trade.Scope, a *store.Args) string {
		return visible(sc, a) + " AND w.kind = 'OBJECTIVE_BREACHED' AND w.raised_at >= " + a.Add(from) + " AND w.raised_at < " + a.Add(until)
	}
	all, err := r.Under(ctx, s, scope, "", "w.subject", "w.raised_at DESC, w.id", ids)
	for id, of := range all {
		all[id] = of[:min(len(of), 100)]
	}
	return all, err
}
