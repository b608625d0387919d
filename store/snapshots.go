package store

import (
	"context"
	"sync"
	"time"
)

// snapshot is what one read makes of a table that is small and seldom changes. Each store
// keeps the last one for all its requests.
type snapshot[T any] struct {
	read func(ctx context.Context, s *Store) (T, error)
}

// newSnapshot makes a snapshot that is read by a function.
func newSnapshot[T any](read func(ctx context.Context, s *Store) (T, error)) *snapshot[T] {
	return &snapshot[T]{read}
}

// keptSnapshot is the last one of a store.
type keptSnapshot[T any] struct {
	mu     sync.Mutex
	value  T
	readAt time.Time
}

// snapshotTimeout is what a read for all requests may take.
const snapshotTimeout = 5 * time.Second

// asOf is the snapshot as of at most oldest ago. It is read for all requests, and so
// neither ends with this one nor counts as its own.
func (c *snapshot[T]) asOf(s *Store, oldest time.Duration) (T, error) {
	kept, _ := s.snapshots.LoadOrStore(c, &keptSnapshot[T]{})
	k := kept.(*keptSnapshot[T])
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
