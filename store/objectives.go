package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portico/trade"
	"portico/trade/operating"
)

type objectiveRow struct {
	operating.Objective
	Most  *float64
	Bound nullDecimal
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

const objectiveColumns = "o.id, o.name, o.measure, o.maximum AS most, o.percent AS bound, o.span, o.queue, o.severity, o.version::text AS version"

var objectives = read(relation[operating.Objective]{
	kind: "Objective", from: "objectives o", visible: operatorOnly,
	columns: []columns{always(objectiveColumns)},
}, (*objectiveRow).trade)

// Objectives reads objectives by id.
func (s *Store) Objectives(ctx context.Context, scope trade.Scope, ids []string) (map[string]*operating.Objective, error) {
	return objectives.by(ctx, s, scope, "o.id", "", ids)
}

// ObjectiveList are all objectives, by name.
func ObjectiveList(scope trade.Scope) *List[operating.Objective] {
	return &List[operating.Objective]{relation: objectives, name: "objectives", scope: scope, order: []sortKey{{"o.name", "text", false}, {"o.id", "text", false}}}
}

// AllObjectives reads all objectives.
func (s *Store) AllObjectives(ctx context.Context, scope trade.Scope) ([]*operating.Objective, error) {
	var a args
	query := "SELECT " + objectiveColumns + " FROM objectives o WHERE " + operatorOnly(scope, &a) + " ORDER BY o.name"
	var rows []objectiveRow
	if err := s.sel(ctx, nil, &rows, query, a.list...); err != nil {
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
func (s *Store) SaveObjective(ctx context.Context, tx *Tx, o *operating.Objective) (saved bool, current string, err error) {
	var most *float64
	if o.Maximum != nil {
		seconds := o.Maximum.Seconds()
		most = &seconds
	}
	var versions []string
	if o.Version == "" {
		const query = `
			INSERT INTO objectives (id, name, measure, maximum, percent, span, queue, severity) SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE (SELECT count(*) FROM objectives) < $9
			ON CONFLICT (name) DO NOTHING RETURNING version::text`
		err = s.sel(ctx, tx, &versions, query, o.ID, storable(o.Name), o.Measure, most, o.Percent, o.Window.Seconds(), storable(o.Queue), o.Severity, mostObjectives)
		return len(versions) == 1, "", err
	}
	if err := s.sel(ctx, tx, &versions, `SELECT version::text FROM objectives WHERE id = $1 FOR UPDATE`, o.ID); err != nil || len(versions) == 0 || versions[0] != o.Version {
		return false, slices.Concat(versions, []string{""})[0], err
	}
	const query = `
		UPDATE objectives o SET name = $2, measure = $3, maximum = $4, percent = $5, span = $6, queue = $7, severity = $8, version = version + 1
		WHERE id = $1 AND NOT EXISTS (SELECT FROM objectives x WHERE x.name = $2 AND x.id <> $1) RETURNING version::text`
	versions = nil
	err = s.sel(ctx, tx, &versions, query, o.ID, storable(o.Name), o.Measure, most, o.Percent, o.Window.Seconds(), storable(o.Queue), o.Severity)
	return len(versions) == 1, "", err
}

// Breaches are the alerts that were raised for objectives within some days, newest first, at
// most 100 of each.
func (s *Store) Breaches(ctx context.Context, scope trade.Scope, from, until time.Time, ids []string) (map[string][]*trade.Alert, error) {
	r := alerts
	visible := r.visible
	r.visible = func(sc trade.Scope, a *args) string {
		return visible(sc, a) + " AND w.kind = 'OBJECTIVE_BREACHED' AND w.raised_at >= " + a.add(from) + " AND w.raised_at < " + a.add(until)
	}
	all, err := r.under(ctx, s, scope, "", "w.subject", "w.raised_at DESC, w.id", ids)
	for id, of := range all {
		all[id] = of[:min(len(of), 100)]
	}
	return all, err
}
