package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/jmoiron/sqlx"
)

// keptStatements is how many statements stay prepared, on each connection that
// ran them. A read has few texts: its filters are what varies.
const keptStatements = 300

// prepare is the prepared statement of a read.
func (s *Store) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if stmt, ok := s.prepared.Get(query); ok {
		return stmt, nil
	}
	stmt, err := s.db.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if kept, ok, _ := s.prepared.PeekOrAdd(query, stmt); ok { // another request was faster
		discard(stmt)
		return kept, nil
	}
	return stmt, nil
}

// discardAfter is longer than anybody who took a statement can be about to run it.
const discardAfter = time.Minute

// discard closes a statement later, and waits for nobody: to close it waits for every connection that it was prepared
// on, and one of them may be in a transaction that waits for the very one that would wait here.
func discard(stmt *sqlx.Stmt) { time.AfterFunc(discardAfter, func() { _ = stmt.Close() }) }

// Reader is where records are read: the store, or a transaction of it.
type Reader interface {
	// Get reads one row, and Select all of them.
	Get(ctx context.Context, into any, query string, args ...any) error
	Select(ctx context.Context, into any, query string, args ...any) error
}

// Get reads one row.
func (s *Store) Get(ctx context.Context, into any, query string, args ...any) error {
	stmt, err := s.prepare(ctx, query) //nolint:sqlclosecheck // kept for the next one
	if err != nil {
		return err
	}
	return stmt.GetContext(ctx, into, args...)
}

// Select reads all rows.
func (s *Store) Select(ctx context.Context, into any, query string, args ...any) error {
	stmt, err := s.prepare(ctx, query) //nolint:sqlclosecheck // kept for the next one
	if err != nil {
		return err
	}
	return stmt.SelectContext(ctx, into, args...)
}

// Exec runs a statement in the transaction, prepared: planning a write that is run for
// every order costs more than running it.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := tx.prepare(ctx, query) //nolint:sqlclosecheck // closed by its transaction
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// Get reads one row in the transaction.
func (tx *Tx) Get(ctx context.Context, into any, query string, args ...any) error {
	stmt, err := tx.prepare(ctx, query) //nolint:sqlclosecheck // closed by its transaction
	if err != nil {
		return err
	}
	return stmt.GetContext(ctx, into, args...)
}

// Select reads all rows in the transaction.
func (tx *Tx) Select(ctx context.Context, into any, query string, args ...any) error {
	stmt, err := tx.prepare(ctx, query) //nolint:sqlclosecheck // closed by its transaction
	if err != nil {
		return err
	}
	return stmt.SelectContext(ctx, into, args...)
}

func (tx *Tx) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	stmt, err := tx.store.prepare(ctx, query) //nolint:sqlclosecheck // kept for the next one
	if err != nil {
		return nil, err
	}
	return tx.tx.StmtxContext(ctx, stmt), nil
}

// Statements are the texts of the statements that are kept prepared now.
func (s *Store) Statements() []string { return s.prepared.Keys() }
