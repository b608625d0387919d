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

	unprepared []string // statements that it was the first to run
}

// InTx runs fn in one transaction, and is the only way to a write. When COMMIT
// fails, the outcome is not known: whoever needs to know reads back by key.
func (s *Store) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.end(ctx)
	if err := s.run(ctx, tx, fn); err != nil {
		return tx.rollback(err)
	}
	if err := tx.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if tx.logged && s.committed != nil {
		s.committed()
	}
	return nil
}

// Rehearse runs fn in a transaction of which nothing stays, whatever fn returns.
func (s *Store) Rehearse(ctx context.Context, fn func(tx *Tx) error) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.end(ctx)
	return tx.rollback(s.run(ctx, tx, fn))
}

// end gives the connection back also where fn panicked, and prepares what the transaction was the first to run.
func (tx *Tx) end(ctx context.Context) {
	_ = tx.tx.Rollback() // which does nothing after the end
	if tx.unprepared != nil {
		tx.store.prepareNext(ctx, tx.unprepared)
	}
}

func (s *Store) begin(ctx context.Context) (*Tx, error) {
	begun, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return &Tx{store: s, tx: begun}, nil
}

// rollback takes back what was done in a transaction, because of err or of none, unless it has ended by itself.
func (tx *Tx) rollback(err error) error {
	if back := tx.tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
		return errors.Join(err, fmt.Errorf("rollback: %w", back))
	}
	return err
}

func (s *Store) run(ctx context.Context, tx *Tx, fn func(tx *Tx) error) error {
	if IsQuiet(ctx) {
		const query = `SELECT set_config('portico.quiet', 'on', TRUE), set_config('lock_timeout', '` + loadLock + `', TRUE),
			set_config('statement_timeout', '` + loadStatement + `', TRUE)`
		if _, err := tx.Exec(ctx, query); err != nil {
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
