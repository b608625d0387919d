package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"portico/store"
)

// SpentKey is a key of a write that started no operation of its own, and what its
// answer was about.
type SpentKey struct {
	Fingerprint, Subject, OperationID string
	Answer                            json.RawMessage
	SpentAt                           time.Time
}

// FindSpentKey finds a key that was spent; nil where it was not.
func FindSpentKey(ctx context.Context, s *store.Store, principal, mutation, key string) (*SpentKey, error) {
	var rows []SpentKey
	const query = `SELECT fingerprint, subject, coalesce(operation_id, '') AS operation_id, coalesce(answer, 'null') AS answer, spent_at
		FROM spent_keys WHERE principal = $1 AND mutation = $2 AND idempotency_key = $3`
	if err := s.Select(ctx, &rows, query, principal, mutation, key); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// ErrSpent tells that a key was spent by another write, just now.
var ErrSpent = errors.New("the key is spent")

// SpendKey spends a key; it fails with [ErrSpent] where it is spent, once the other
// write is done.
func SpendKey(ctx context.Context, tx *store.Tx, principal, mutation, key string, k SpentKey) error {
	answer, err := jsonText(k.Answer)
	if err != nil {
		return err
	}
	const query = `
		INSERT INTO spent_keys (principal, mutation, idempotency_key, fingerprint, subject, operation_id, answer)
		VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7)
		ON CONFLICT (principal, mutation, idempotency_key) DO NOTHING`
	result, err := tx.Exec(ctx, query, principal, mutation, key, k.Fingerprint, k.Subject, k.OperationID, answer)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrSpent, err)
	}
	return nil
}
