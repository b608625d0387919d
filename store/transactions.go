package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// InTx runs fn in one transaction, and is the only way to a write. When COMMIT
// fails, the outcome is not known: whoever needs to know reads back by key.
func (s *Store) InTx(ctx context.Context, fn func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer s.logging.Delete(tx)
	begun := func(tx *sqlx.Tx) error {
		if quiet(ctx) {
			if _, err := s.Exec(ctx, tx, `SELECT set_config('portico.quiet', 'on', TRUE)`); err != nil {
				return fmt.Errorf("begin: %w", err)
			}
		}
		return fn(tx)
	}
	if err := begun(tx); err != nil {
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, fmt.Errorf("rollback: %w", back))
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if _, told := s.logging.Load(tx); told && s.committed != nil {
		s.committed()
	}
	return nil
}

// told notes that a transaction writes into the log of changes, or may: who follows it is
// woken. What is written and not noted is told half a second later.
func (s *Store) told(tx *sqlx.Tx) { s.logging.Store(tx, nil) }
