package store

import (
	"context"
	"sync"
	"time"
)

// Snapshot is what one read makes of a table that is small and seldom changes. Each store
// keeps the last one for all its requests.
type Snapshot[T any] struct {
	read func(ctx context.Context, s *Store) (T, error)
}

// NewSnapshot makes a snapshot that is read by a function.
func NewSnapshot[T any](read func(ctx context.Context, s *Store) (T, error)) *Snapshot[T] {
	return &Snapshot[T]{read}
}

// keptSnapshot is the last one of a store.
type keptSnapshot[T any] struct {
	mu     sync.Mutex
	value  T
	readAt time.Time
}

// snapshotTimeout is what a read for all requests may take.
const snapshotTimeout = 5 * time.Second

// AsOf is the snapshot as of at most oldest ago. It is read for all requests, and so
// neither ends with this one nor counts as its own.
func (c *Snapshot[T]) AsOf(s *Store, oldest time.Duration) (T, error) {
	kept, _ := s.snapshots.LoadOrStore(c, &keptSnapshot[T]{})
	k := kept.(*keptSnapshot[T]) //nolint:errcheck // only these are put in
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.readAt) < oldest {
		return k.value, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), snapshotTimeout)
	defer cancel()
	value, err := c.read(ctx, s)
	if err != nil {
		var none T
		return none, err
	}
	k.value, k.readAt = value, time.Now()
	return value, nil
}
