package operating

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"portico/store"
	"portico/trade/clock"
	"portico/trade/operating"
)

// SignalKind is what a process says of itself.
type SignalKind string

// Signals.
const (
	Alive          SignalKind = "ALIVE"
	ManyRefused    SignalKind = "REFUSED"         // of a client and a code: requests in the last minute
	FlappingSource SignalKind = "FLAPPING_SOURCE" // of a source: how often it began to fail in the last minute
	SlowSource     SignalKind = "SLOW_SOURCE"     // of a source: mean seconds of its calls in the last twenty seconds
	SlowDatabase   SignalKind = "SLOW_DATABASE"   // mean seconds until it answers
)

// Signal is what a process says of the last minute.
type Signal struct {
	Process string     `json:"Process"`
	Kind    SignalKind `json:"Kind"`
	Subject string     `json:"Subject"`
	Value   float64    `json:"Value"`
	At      time.Time  `json:"At"`
}

// KeepSignals keeps what a process says now, in the place of all that it said before.
func KeepSignals(ctx context.Context, s *store.Store, process string, all []Signal) error {
	for i := range all {
		all[i].Subject = store.Storable(all[i].Subject) // clients are named by whoever signs their tokens
	}
	document, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("signals: %w", err)
	}
	return s.InTx(ctx, func(tx *store.Tx) error {
		const query = `
			WITH said AS (SELECT j ->> 'Kind' AS kind, j ->> 'Subject' AS subject, (j ->> 'Value')::float8 AS value
			FROM jsonb_array_elements($2::jsonb) j),
				gone AS (DELETE FROM signals w WHERE w.process = $1 AND NOT EXISTS (SELECT FROM said n WHERE n.kind = w.kind AND n.subject = w.subject))
			INSERT INTO signals AS w (process, kind, subject, value) SELECT $1, kind, subject, value FROM said
			ON CONFLICT (process, kind, subject) DO UPDATE SET value = excluded.value, at = clock_timestamp()`
		if _, err := tx.Exec(ctx, query, process, string(document)); err != nil {
			return fmt.Errorf("signals: %w", err)
		}
		return nil
	})
}

// RemoveSignals removes what a process said: it ends, or has been dead for long.
func RemoveSignals(ctx context.Context, s *store.Store, process string) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM signals WHERE process = $1`, process); err != nil {
			return fmt.Errorf("signals: %w", err)
		}
		return nil
	})
}

// Signals is what all processes said last, with how old it is by the database's clock. It is for
// whoever runs this.
func Signals(ctx context.Context, s *store.Store) (all []Signal, now time.Time, err error) {
	var rows []struct {
		Signal
		Now time.Time
	}
	if err := s.Select(ctx, &rows,
		`SELECT process, kind, subject, value, at, clock_timestamp() AS now FROM signals ORDER BY process, kind, subject`); err != nil {
		return nil, now, fmt.Errorf("signals: %w", err)
	}
	for _, r := range rows {
		all, now = append(all, r.Signal), r.Now
	}
	return all, now, nil
}

// SaidFor is how long counts what a process says: it says it again every few seconds.
const SaidFor = 20 * time.Second

// ObservedSources is what processes have seen of sources lately, by source. It is for whoever runs this.
func ObservedSources(ctx context.Context, s *store.Store) (map[string]operating.Observed, error) {
	const query = `
		SELECT coalesce(f.instance, w.subject) AS instance, coalesce(f.position, '') AS position, f.confirmed_at, w.outages, w.seconds
		FROM (SELECT * FROM feeds WHERE confirmed_at > 'epoch') f
		FULL JOIN (SELECT subject, max(value) FILTER (WHERE kind = 'FLAPPING_SOURCE') AS outages,
			max(value) FILTER (WHERE kind = 'SLOW_SOURCE') AS seconds
			FROM signals WHERE kind IN ('FLAPPING_SOURCE', 'SLOW_SOURCE') AND at > clock_timestamp() - make_interval(secs => $1)
			GROUP BY subject) w ON w.subject = f.instance`
	var rows []operating.Observed
	if err := s.Select(ctx, &rows, query, clock.Paced(SaidFor).Seconds()); err != nil {
		return nil, fmt.Errorf("sources: %w", err)
	}
	all := make(map[string]operating.Observed, len(rows))
	for _, r := range rows {
		all[r.Instance] = r
	}
	return all, nil
}
