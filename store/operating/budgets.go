package operating

import (
	"context"
	"fmt"
	"time"

	"portico/store"
)

// LeasePoints takes up to want points of the bucket with a key, which fills by rate
// points a second up to burst: at least need of them, or none. It tells how long
// it takes until need points are there. The time is the database's, for all
// processes.
func LeasePoints(ctx context.Context, s *store.Store, key string, need, want, rate, burst int64) (taken int64, wait time.Duration,
	err error,
) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const full = `INSERT INTO budgets (key, points, refilled_at) VALUES ($1, $2, clock_timestamp()) ON CONFLICT (key) DO NOTHING`
		if _, err := tx.Exec(ctx, full, store.Storable(key), burst); err != nil {
			return fmt.Errorf("budget: %w", err)
		}
		var there struct {
			Points  int64
			Seconds float64
		}
		const look = `SELECT points, extract(epoch FROM clock_timestamp() - refilled_at)::float8 AS seconds FROM budgets WHERE key = $1
			FOR UPDATE`
		if err := tx.Get(ctx, &there, look, store.Storable(key)); err != nil {
			return fmt.Errorf("budget: %w", err)
		}
		points := min(there.Points+int64(min(max(there.Seconds, 0)*float64(rate), float64(burst))), burst)
		if points < need {
			wait = time.Duration(float64(need-points) / float64(max(rate, 1)) * float64(time.Second))
			return nil
		}
		taken = min(points, want)
		const spend = `UPDATE budgets SET points = $2, refilled_at = clock_timestamp() WHERE key = $1`
		if _, err := tx.Exec(ctx, spend, store.Storable(key), points-taken); err != nil {
			return fmt.Errorf("budget: %w", err)
		}
		return nil
	})
	return taken, wait, err
}

// Leases hands out points of the buckets in a store.
type Leases struct{ Store *store.Store }

// Lease is [LeasePoints].
func (l Leases) Lease(ctx context.Context, key string, need, want, rate, burst int64) (taken int64, wait time.Duration, err error) {
	return LeasePoints(ctx, l.Store, key, need, want, rate, burst)
}
