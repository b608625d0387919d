package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Tx is a transaction, from when [Store.InTx] begins it until it ends. What is done in it
// is done by the functions of the store.
type Tx struct {
	store  *Store
	tx     *sqlx.Tx
	logged bool // it writes into the log of changes, or may
}

// InTx runs fn in one transaction, and is the only way to a write. When COMMIT
// fails, the outcome is not known: whoever needs to know reads back by key.
func (s *Store) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	begun, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{store: s, tx: begun}
	if err := s.run(ctx, tx, fn); err != nil {
		if back := begun.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, fmt.Errorf("rollback: %w", back))
		}
		return err
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if tx.logged && s.committed != nil {
		s.committed()
	}
	return nil
}

func (s *Store) run(ctx context.Context, tx *Tx, fn func(tx *Tx) error) error {
	if IsQuiet(ctx) {
		if _, err := tx.Exec(ctx, `SELECT set_config('portico.quiet', 'on', TRUE)`); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
	}
	return fn(tx)
}

// MarkChanged notes that a transaction writes into the log of changes, or may: its subscribers are
// woken. What is written and not noted is delivered half a second later.
func (tx *Tx) MarkChanged() { tx.logged = true }

type quietKey struct{}

// Quiet is a context under which what is saved is not told as changed: a first load is no
// news.
func Quiet(ctx context.Context) context.Context { return context.WithValue(ctx, quietKey{}, true) }

// IsQuiet tells whether what is saved within ctx is no change to report.
func IsQuiet(ctx context.Context) bool { return ctx.Value(quietKey{}) != nil }

// Script runs several statements at once, which take no arguments.
func (tx *Tx) Script(ctx context.Context, text string) error {
	_, err := tx.tx.ExecContext(ctx, text)
	return err
}

// Store is where the transaction was begun: what is read from it by itself is read outside.
func (tx *Tx) Store() *Store { return tx.store }
