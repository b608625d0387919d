// Package budget bounds what a client and an account may ask for, by cost. Points
// are shared over all processes: each leases some from the store and spends them
// on its own, so that no request costs a statement.
package budget

import (
	"context"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Limits are those of one bucket.
type Limits struct {
	Rate  int64 // points that come back in a second
	Burst int64 // points that a bucket holds
}

// Leases hands out points of shared buckets.
type Leases interface {
	// Lease takes up to want points of the bucket with a key, which fills by rate
	// points a second up to burst: at least need of them, or none. It tells how
	// long it takes until need points are there.
	Lease(ctx context.Context, key string, need, want, rate, burst int64) (taken int64, wait time.Duration, err error)
}

// Budget spends points.
type Budget struct {
	leases  Leases
	log     *slog.Logger
	buckets *lru.Cache[string, *bucket]
}

// bucket are the points of one key that this process has leased.
type bucket struct {
	mu      sync.Mutex
	limits  Limits // by which the points were leased
	points  int64
	empty   time.Time // until when the shared bucket is known to hold less than lacking
	lacking int64
	down    bool
}

const (
	keptBuckets  = 50_000
	leaseTimeout = 2 * time.Second
)

// New makes a budget over leases.
func New(leases Leases, log *slog.Logger) (*Budget, error) {
	buckets, err := lru.New[string, *bucket](keptBuckets)
	if err != nil {
		return nil, err
	}
	return &Budget{leases: leases, log: log, buckets: buckets}, nil
}

// Spend takes cost points from the bucket of a key. Where there are too few it
// takes none and tells how long it is until there are enough. When the store
// does not answer it lets the request go: reads must work then, too.
func (b *Budget) Spend(ctx context.Context, key string, cost int64, l Limits) (wait time.Duration) {
	k := b.bucket(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.limit(l)
	if k.points >= cost {
		k.points -= cost
		return 0
	}
	need := cost - k.points
	if left := time.Until(k.empty); left > 0 && need >= k.lacking { // known: no need to ask again
		return left
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTimeout)
	defer cancel()
	taken, wait, err := b.leases.Lease(ctx, key, need, max(need, l.Rate), l.Rate, l.Burst)
	switch {
	case err != nil:
		if !k.down {
			b.log.WarnContext(ctx, "budgets are not in force: no points can be leased", "err", err)
		}
		k.down = true
		return 0
	case taken < need:
		k.empty, k.lacking = time.Now().Add(min(wait, time.Second)), need
		return max(wait, time.Millisecond)
	}
	k.down = false
	k.points += taken - cost
	return 0
}

// limit holds the points to the limits that are in force now: what was leased under larger
// ones is not spent any more.
func (k *bucket) limit(l Limits) {
	if k.limits == l {
		return
	}
	if l.Burst < k.limits.Burst {
		k.points = 0
	}
	k.limits, k.empty = l, time.Time{}
}

// Refund gives back points that were spent and not needed.
func (b *Budget) Refund(key string, points int64, l Limits) {
	k := b.bucket(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.limits == (Limits{}) {
		k.limits = l
	}
	k.points = min(k.points+points, k.limits.Burst) // the limits may be other ones than when the points were spent
}

func (b *Budget) bucket(key string) *bucket {
	if k, ok := b.buckets.Get(key); ok {
		return k
	}
	fresh := &bucket{}
	if k, ok, _ := b.buckets.PeekOrAdd(key, fresh); ok {
		return k
	}
	return fresh
}
