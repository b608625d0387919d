package store

import (
	"context"
	"fmt"
	"time"
)

// stillLeading is how often a leader looks whether it is one still: where its connection is
// lost, another one may be.
const stillLeading = time.Second

// Lead runs something that one process does at a time, until ctx ends or it does, and tells
// whether this process did. Its ctx ends where the database takes the lead away, soon after
// another process may have it: nothing may go wrong where two do it for a while.
func (s *Store) Lead(ctx context.Context, what string, run func(ctx context.Context) error) (led bool, err error) {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return false, fmt.Errorf("leading: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.GetContext(ctx, &led, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, "portico leads "+what); err != nil || !led {
		return false, err
	}
	defer func() {
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), stillLeading)
		defer cancel()
		_, _ = conn.ExecContext(free, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, "portico leads "+what)
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(stillLeading):
			}
			ping, done := context.WithTimeout(ctx, stillLeading)
			if conn.PingContext(ping) != nil {
				cancel()
			}
			done()
		}
	}()
	return true, run(ctx)
}
