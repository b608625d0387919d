package operating

import (
	"context"
	"fmt"
	"time"

	"portico/store"
	"portico/trade/operating"
)

// Revoke files a revocation, to be in force until all tokens it may be of have
// expired. The later of two of one subject counts.
func Revoke(ctx context.Context, s *store.Store, r operating.Revocation, until time.Time) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		const query = `
			INSERT INTO revocations (token, subject, revoked_at, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (token, subject) DO UPDATE SET revoked_at = greatest(revocations.revoked_at, excluded.revoked_at),
			until = greatest(revocations.until, excluded.until)`
		if _, err := tx.Exec(ctx, query, store.Storable(r.Token), store.Storable(r.Subject), r.At, until); err != nil {
			return fmt.Errorf("revocation: %w", err)
		}
		_, err := tx.Exec(ctx, `DELETE FROM revocations WHERE until < now()`)
		return err
	})
}

// Revocations are those in force.
func Revocations(ctx context.Context, s *store.Store) ([]operating.Revocation, error) {
	var rows []struct {
		Token, Subject string
		RevokedAt      time.Time
	}
	if err := s.Select(ctx, &rows, `SELECT token, subject, revoked_at FROM revocations WHERE until > now()`); err != nil {
		return nil, fmt.Errorf("revocations: %w", err)
	}
	all := make([]operating.Revocation, len(rows))
	for i, r := range rows {
		all[i] = operating.Revocation{Token: r.Token, Subject: r.Subject, At: r.RevokedAt}
	}
	return all, nil
}

// SaveTicket keeps what a ticket stands for, sealed, under the ticket's digest.
func SaveTicket(ctx context.Context, s *store.Store, digest, encrypted []byte, expires time.Time) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO tickets (digest, sealed, expires_at) VALUES ($1, $2, $3)`,
			digest, encrypted, expires); err != nil {
			return fmt.Errorf("ticket: %w", err)
		}
		_, err := tx.Exec(ctx, `DELETE FROM tickets WHERE expires_at < now()`)
		return err
	})
}

// TakeTicket is what a ticket stands for, once; nil for one that is not there,
// was taken before, or has expired.
func TakeTicket(ctx context.Context, s *store.Store, digest []byte) (encrypted []byte, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		var rows [][]byte
		if err := tx.Select(ctx, &rows, `DELETE FROM tickets WHERE digest = $1 AND expires_at > now() RETURNING sealed`, digest); err != nil {
			return fmt.Errorf("ticket: %w", err)
		}
		if len(rows) > 0 {
			encrypted = rows[0]
		}
		return nil
	})
	return encrypted, err
}

// Tickets keeps tickets in a store.
type Tickets struct{ Store *store.Store }

// SaveTicket is [SaveTicket].
func (t Tickets) SaveTicket(ctx context.Context, digest, encrypted []byte, expires time.Time) error {
	return SaveTicket(ctx, t.Store, digest, encrypted, expires)
}

// TakeTicket is [TakeTicket].
func (t Tickets) TakeTicket(ctx context.Context, digest []byte) ([]byte, error) {
	return TakeTicket(ctx, t.Store, digest)
}
