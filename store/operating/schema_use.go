package operating

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// AddSchemaUse adds to what clients asked for today.
func AddSchemaUse(ctx context.Context, s *store.Store, all []operating.SchemaUse) error {
	var coordinates, clients, calls, last store.TextArray
	for _, u := range all {
		coordinates, clients = append(coordinates, u.Coordinate), append(clients, u.Client)
		calls, last = append(calls, strconv.FormatInt(u.Calls, 10)), append(last, u.LastUsedAt.UTC().Format(time.RFC3339Nano))
	}
	const query = `
		INSERT INTO schema_use AS u (day, coordinate, client, calls, last_used_at)
		SELECT (t.last::timestamptz AT TIME ZONE 'UTC')::date, t.coordinate, t.client, t.calls::bigint, t.last::timestamptz
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) t(coordinate, client, calls, last) ORDER BY 2, 3
		ON CONFLICT (day, coordinate, client) DO UPDATE SET calls = u.calls + excluded.calls,
		last_used_at = greatest(u.last_used_at, excluded.last_used_at)`
	return s.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, query, coordinates, clients, calls, last); err != nil {
			return fmt.Errorf("use of the schema: %w", err)
		}
		return nil
	})
}

// SchemaUse is what clients asked for since a moment, by coordinate and client. It is for whoever
// runs this alone.
func SchemaUse(ctx context.Context, s *store.Store, since time.Time) (all []operating.SchemaUse, err error) {
	const query = `SELECT coordinate, client, sum(calls)::bigint AS calls, max(last_used_at) AS last_used_at FROM schema_use
		WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date GROUP BY 1, 2 ORDER BY 1, 2`
	if err := s.Select(ctx, &all, query, since); err != nil {
		return nil, fmt.Errorf("use of the schema: %w", err)
	}
	return all, nil
}

// DeprecatedUse is who asked for elements since a moment, by coordinate: a client is told its own
// use, and everybody's to who sees everything.
func DeprecatedUse(ctx context.Context, s *store.Store, scope trade.Scope, client string, since time.Time,
	coordinates []string,
) (map[string][]*operating.DeprecatedUse, error) {
	var a store.Args
	query := `SELECT coordinate, client, sum(calls)::bigint AS calls, max(last_used_at) AS last_used_at FROM schema_use
		WHERE coordinate = ANY(` + a.AddTexts(coordinates) + `)
		AND day >= (` + a.Add(since) + `::timestamptz AT TIME ZONE 'UTC')::date AND (` + store.OperatorOnly(scope, &a) + ` OR client = ` +
		a.Add(client) + `) GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2`
	var rows []operating.SchemaUse
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("use of the schema: %w", err)
	}
	all := map[string][]*operating.DeprecatedUse{}
	for _, r := range rows {
		all[r.Coordinate] = append(all[r.Coordinate], &operating.DeprecatedUse{Client: r.Client, Calls: int(r.Calls), LastUsedAt: r.LastUsedAt})
	}
	return all, nil
}

// RemoveSchemaUse removes at most limit counts from before a moment, and tells how many.
func RemoveSchemaUse(ctx context.Context, s *store.Store, before time.Time, limit int) (removed int, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const query = `WITH gone AS (DELETE FROM schema_use WHERE (day, coordinate, client) IN (SELECT day, coordinate, client FROM schema_use
			WHERE day < ($1::timestamptz AT TIME ZONE 'UTC')::date ORDER BY day LIMIT $2) RETURNING 1) SELECT count(*) FROM gone`
		return tx.Get(ctx, &removed, query, before, limit)
	})
	if err != nil {
		return 0, fmt.Errorf("use of the schema: %w", err)
	}
	return removed, nil
}
