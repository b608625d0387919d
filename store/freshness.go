package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"portico/trade"
)

// freshness knows until when each source is known to have said nothing new.
type freshness struct {
	limits Limits

	mu        sync.Mutex
	confirmed map[string]time.Time
	readAt    time.Time
}

const (
	freshnessKept    = 500 * time.Millisecond
	freshnessTimeout = 5 * time.Second
)

// Confirm records that a source's feed was followed to its end at a moment.
func (s *Store) Confirm(ctx context.Context, instance, epoch, position string, at time.Time) error {
	return s.InTx(ctx, func(tx *Tx) error {
		const query = `
			INSERT INTO feeds (instance, epoch, position, confirmed_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (instance) DO UPDATE SET epoch = excluded.epoch, position = excluded.position,
			  confirmed_at = greatest(feeds.confirmed_at, excluded.confirmed_at)`
		if _, err := tx.Exec(ctx, query, instance, epoch, position, at); err != nil {
			return fmt.Errorf("feed of %s: %w", instance, err)
		}
		return nil
	})
}

// Confirmed are the moments until which each source was followed. They are at
// most half a second old.
func (s *Store) Confirmed() (map[string]time.Time, error) {
	f := &s.fresh
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.readAt) < freshnessKept {
		return f.confirmed, nil
	}
	// It is read for all requests, and so neither ends with this one nor counts
	// as its own.
	ctx, cancel := context.WithTimeout(context.Background(), freshnessTimeout)
	defer cancel()
	var rows []struct {
		Instance    string
		ConfirmedAt time.Time
	}
	if err := s.Select(ctx, &rows, `SELECT instance, confirmed_at FROM feeds`); err != nil {
		return nil, fmt.Errorf("feeds: %w", err)
	}
	confirmed := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		confirmed[r.Instance] = r.ConfirmedAt
	}
	f.confirmed, f.readAt = confirmed, time.Now()
	return confirmed, nil
}

// age completes what a row says of itself: what its source's feed confirmed
// since, and how old that is now.
func (f *freshness) age(p *trade.Provenance, kind string, confirmed map[string]time.Time, now time.Time) {
	p.Mode = trade.ODS
	if at, ok := confirmed[p.Instance]; ok && (p.AsOf == nil || at.After(*p.AsOf)) {
		p.AsOf = &at
	}
	p.At(now, f.limits[kind])
}

// StaleAfter is the age past which records of a kind are stale; 0 is never.
func (s *Store) StaleAfter(kind string) time.Duration { return s.fresh.limits[kind] }
