package store

import (
	"context"
	"fmt"
	"time"

	"portico/trade/operating"
)

// Revoke files a revocation, to be in force until all tokens it may be of have
// expired. The later of two of one subject counts.
func (s *Store) Revoke(ctx context.Context, r operating.Revocation, until time.Time) error {
	return s.InTx(ctx, func(tx *Tx) error {
		const query = `
			INSERT INTO revocations (token, subject, revoked_at, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (token, subject) DO UPDATE SET revoked_at = greatest(revocations.revoked_at, excluded.revoked_at), until = greatest(revocations.until, excluded.until)`
		if _, err := s.Exec(ctx, tx, query, storable(r.Token), storable(r.Subject), r.At, until); err != nil {
			return fmt.Errorf("revocation: %w", err)
		}
		_, err := s.Exec(ctx, tx, `DELETE FROM revocations WHERE until < now()`)
		return err
	})
}

// Revocations are those in force.
func (s *Store) Revocations(ctx context.Context) ([]operating.Revocation, error) {
	var rows []struct {
		Token, Subject string
		RevokedAt      time.Time
	}
	if err := s.sel(ctx, nil, &rows, `SELECT token, subject, revoked_at FROM revocations WHERE until > now()`); err != nil {
		return nil, fmt.Errorf("revocations: %w", err)
	}
	all := make([]operating.Revocation, len(rows))
	for i, r := range rows {
		all[i] = operating.Revocation{Token: r.Token, Subject: r.Subject, At: r.RevokedAt}
	}
	return all, nil
}

// SaveTicket keeps what a ticket stands for, sealed, under the ticket's digest.
func (s *Store) SaveTicket(ctx context.Context, digest, sealed []byte, expires time.Time) error {
	return s.InTx(ctx, func(tx *Tx) error {
		if _, err := s.Exec(ctx, tx, `INSERT INTO tickets (digest, sealed, expires_at) VALUES ($1, $2, $3)`, digest, sealed, expires); err != nil {
			return fmt.Errorf("ticket: %w", err)
		}
		_, err := s.Exec(ctx, tx, `DELETE FROM tickets WHERE expires_at < now()`)
		return err
	})
}

// TakeTicket is what a ticket stands for, once; nil for one that is not there,
// was taken before, or has expired.
func (s *Store) TakeTicket(ctx context.Context, digest []byte) (sealed []byte, err error) {
	err = s.InTx(ctx, func(tx *Tx) error {
		var rows [][]byte
		if err := s.sel(ctx, tx, &rows, `DELETE FROM tickets WHERE digest = $1 AND expires_at > now() RETURNING sealed`, digest); err != nil {
			return fmt.Errorf("ticket: %w", err)
		}
		if len(rows) > 0 {
			sealed = rows[0]
		}
		return nil
	})
	return sealed, err
}
