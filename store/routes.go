package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/trade"
	"portico/trade/operating"
)

const routeColumns = `r.capability, r.primary_source AS "primary", r.shadow, r.percent_to_primary, r.since, r.changed_by`

// Routes are the routes in force, by capability.
func (s *Store) Routes(ctx context.Context) ([]operating.CapabilityRoute, error) {
	var rows []operating.CapabilityRoute
	if err := s.sel(ctx, nil, &rows, `SELECT `+routeColumns+` FROM capability_routes r ORDER BY capability`); err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	return rows, nil
}

// BeginRoutes puts routes in force for capabilities that have none yet, and follows
// the configuration where nobody has changed a route by hand.
func (s *Store) BeginRoutes(ctx context.Context, tx *Tx, routes []operating.CapabilityRoute) error {
	for _, r := range routes {
		const query = `
			WITH made AS (INSERT INTO capability_routes AS t (capability, primary_source, shadow, percent_to_primary, changed_by) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (capability) DO UPDATE SET primary_source = excluded.primary_source, shadow = excluded.shadow,
					percent_to_primary = excluded.percent_to_primary, since = clock_timestamp()
				WHERE t.changed_by = excluded.changed_by AND (t.primary_source, t.shadow, t.percent_to_primary)
					IS DISTINCT FROM (excluded.primary_source, excluded.shadow, excluded.percent_to_primary) RETURNING *)
			INSERT INTO route_changes SELECT * FROM made`
		if _, err := s.Exec(ctx, tx, query, r.Capability, r.Primary, r.Shadow, r.PercentToPrimary, r.ChangedBy); err != nil {
			return fmt.Errorf("routes: %w", err)
		}
	}
	return nil
}

// SetRoute puts a route in force, and records it. What was found to differ between
// other sources is forgotten, and so is, by source, how far the subjects named in
// anew were loaded.
func (s *Store) SetRoute(ctx context.Context, tx *Tx, r operating.CapabilityRoute, anew map[string][]string) error {
	for instance, subjects := range anew {
		if _, err := s.Exec(ctx, tx, `DELETE FROM loads WHERE instance = $1 AND subject = ANY($2)`, instance, pq.Array(subjects)); err != nil {
			return fmt.Errorf("routes: %w", err)
		}
	}
	const forget = `
		DELETE FROM differences d USING capability_routes c WHERE d.capability = $1 AND c.capability = $1
			AND (c.primary_source <> $2 OR c.shadow IS DISTINCT FROM $3)`
	if _, err := s.Exec(ctx, tx, forget, r.Capability, r.Primary, r.Shadow); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	const query = `
		WITH made AS (INSERT INTO capability_routes (capability, primary_source, shadow, percent_to_primary, changed_by) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (capability) DO UPDATE SET primary_source = excluded.primary_source, shadow = excluded.shadow,
				percent_to_primary = excluded.percent_to_primary, since = clock_timestamp(), changed_by = excluded.changed_by RETURNING *)
		INSERT INTO route_changes SELECT * FROM made`
	if _, err := s.Exec(ctx, tx, query, r.Capability, r.Primary, r.Shadow, r.PercentToPrimary, r.ChangedBy); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	return nil
}

// MovedAway tells whether a source served a capability until that moved elsewhere, longer ago
// than lately.
func (s *Store) MovedAway(ctx context.Context, c operating.Capability, instance string, lately time.Duration) (away bool, err error) {
	const query = `
		SELECT EXISTS (SELECT FROM route_changes h WHERE h.capability = $1 AND h.primary_source = $2)
			AND EXISTS (SELECT FROM capability_routes r WHERE r.capability = $1 AND r.primary_source <> $2 AND r.since < clock_timestamp() - $3 * interval '1 second')`
	if err := s.get(ctx, nil, &away, query, c, instance, lately.Seconds()); err != nil {
		return false, fmt.Errorf("routes: %w", err)
	}
	return away, nil
}

var routes = read(relation[operating.CapabilityRoute]{
	kind: "CapabilityRoute", from: "capability_routes r", visible: operatorOnly, columns: []columns{always(routeColumns)},
}, same[operating.CapabilityRoute])

// RouteList is where each capability is served.
func RouteList(scope trade.Scope) *List[operating.CapabilityRoute] {
	return &List[operating.CapabilityRoute]{relation: routes, name: "routes", scope: scope, order: []sortKey{{"r.capability", "text", false}}}
}

// newest is the order of differences.
var newest = []sortKey{{"d.since", "timestamptz", true}, {"d.id", "text", false}}

var mismatches = read(relation[operating.RouteMismatch]{
	kind: "RouteMismatch", from: "differences d JOIN capability_routes r ON r.capability = d.capability AND r.shadow = d.instance", visible: operatorOnly,
	columns: []columns{always(`d.key, coalesce(nullif(d.field, ''), 'record') AS field, d.value AS "primary", d.source_value AS shadow, d.since AS at`)},
}, same[operating.RouteMismatch])

// MismatchList is the differences found below capabilities, newest first.
func MismatchList(scope trade.Scope) *List[operating.RouteMismatch] {
	return &List[operating.RouteMismatch]{relation: mismatches, name: "mismatches", scope: scope, parent: "d.capability", order: newest}
}
