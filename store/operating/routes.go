package operating

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

const routeColumns = `r.capability, r.primary_source AS "primary", r.shadow, r.percent_to_primary, r.since, r.changed_by`

// Routes are the routes in force, by capability.
func Routes(ctx context.Context, s *store.Store) ([]operating.CapabilityRoute, error) {
	var rows []operating.CapabilityRoute
	if err := s.Select(ctx, &rows, `SELECT `+routeColumns+` FROM capability_routes r ORDER BY capability`); err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	return rows, nil
}

// BeginRoutes puts routes in force for capabilities that have none yet, and follows
// the configuration where nobody has changed a route by hand.
func BeginRoutes(ctx context.Context, tx *store.Tx, routes []operating.CapabilityRoute) error {
	for _, r := range routes {
		const query = `
			WITH made AS (INSERT INTO capability_routes AS t (capability, primary_source, shadow, percent_to_primary, changed_by)
			VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (capability) DO UPDATE SET primary_source = excluded.primary_source, shadow = excluded.shadow,
					percent_to_primary = excluded.percent_to_primary, since = clock_timestamp()
				WHERE t.changed_by = excluded.changed_by AND (t.primary_source, t.shadow, t.percent_to_primary)
					IS DISTINCT FROM (excluded.primary_source, excluded.shadow, excluded.percent_to_primary) RETURNING *)
			INSERT INTO route_changes SELECT * FROM made`
		if _, err := tx.Exec(ctx, query, r.Capability, r.Primary, r.Shadow, r.PercentToPrimary, r.ChangedBy); err != nil {
			return fmt.Errorf("routes: %w", err)
		}
	}
	return nil
}

// SetRoute puts a route in force, and records it. What was found to differ between
// other sources is forgotten, and so is, by source, how far the subjects named in
// anew were loaded.
func SetRoute(ctx context.Context, tx *store.Tx, r operating.CapabilityRoute, reload map[string][]string) error {
	for instance, subjects := range reload {
		if _, err := tx.Exec(ctx, `DELETE FROM loads WHERE instance = $1 AND subject = ANY($2)`, instance, pq.Array(subjects)); err != nil {
			return fmt.Errorf("routes: %w", err)
		}
	}
	const forget = `
		DELETE FROM differences d USING capability_routes c WHERE d.capability = $1 AND c.capability = $1
			AND (c.primary_source <> $2 OR c.shadow IS DISTINCT FROM $3)`
	if _, err := tx.Exec(ctx, forget, r.Capability, r.Primary, r.Shadow); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	const query = `
		WITH made AS (INSERT INTO capability_routes (capability, primary_source, shadow, percent_to_primary, changed_by)
		VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (capability) DO UPDATE SET primary_source = excluded.primary_source, shadow = excluded.shadow,
				percent_to_primary = excluded.percent_to_primary, since = clock_timestamp(), changed_by = excluded.changed_by RETURNING *)
		INSERT INTO route_changes SELECT * FROM made`
	if _, err := tx.Exec(ctx, query, r.Capability, r.Primary, r.Shadow, r.PercentToPrimary, r.ChangedBy); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	return nil
}

// CapabilityMovedAway tells whether a source served a capability until that moved elsewhere, longer ago
// than lately.
func CapabilityMovedAway(ctx context.Context, s *store.Store, c operating.Capability, instance string, lately time.Duration) (away bool,
	err error,
) {
	const query = `
		SELECT EXISTS (SELECT FROM route_changes h WHERE h.capability = $1 AND h.primary_source = $2)
			AND EXISTS (SELECT FROM capability_routes r WHERE r.capability = $1 AND r.primary_source <> $2
			AND r.since < clock_timestamp() - $3 * interval '1 second')`
	if err := s.Get(ctx, &away, query, c, instance, lately.Seconds()); err != nil {
		return false, fmt.Errorf("routes: %w", err)
	}
	return away, nil
}

var routes = store.Read(store.Relation[operating.CapabilityRoute]{
	Kind: "CapabilityRoute", From: "capability_routes r", Visible: store.OperatorOnly, Columns: []store.Columns{store.Always(routeColumns)},
}, store.Identity[operating.CapabilityRoute])

// RouteList is where each capability is served.
func RouteList(scope trade.Scope) *store.List[operating.CapabilityRoute] {
	return &store.List[operating.CapabilityRoute]{
		Relation: routes, Name: "routes", Scope: scope,
		Order: []store.SortKey{store.Ascending("r.capability", "text")},
	}
}

var mismatches = store.Read(store.Relation[operating.RouteMismatch]{
	Kind: "RouteMismatch", From: "differences d JOIN capability_routes r ON r.capability = d.capability AND r.shadow = d.instance",
	Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(`d.key, coalesce(nullif(d.field, ''), 'record') AS field, d.value AS "primary",
		d.source_value AS shadow, d.since AS at`)},
}, store.Identity[operating.RouteMismatch])

// MismatchList is the differences found below capabilities, newest first.
func MismatchList(scope trade.Scope) *store.List[operating.RouteMismatch] {
	return &store.List[operating.RouteMismatch]{Relation: mismatches, Name: "mismatches", Scope: scope, Parent: "d.capability", Order: newest}
}
