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

// Exec runs a statement in a transaction, prepared: planning a write that is run for
// every order costs more than running it.
func (s *Store) Exec(ctx context.Context, tx *Tx, query string, args ...any) (sql.Result, error) {
	stmt, err := s.preparedIn(ctx, tx, query) //nolint:sqlclosecheck // closed by its transaction
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// get and sel read prepared, in a transaction unless it is nil.
func (s *Store) get(ctx context.Context, tx *Tx, into any, query string, args ...any) error {
	stmt, err := s.preparedIn(ctx, tx, query) //nolint:sqlclosecheck // kept, or closed by its transaction
	if err != nil {
		return err
	}
	return stmt.GetContext(ctx, into, args...)
}

func (s *Store) sel(ctx context.Context, tx *Tx, into any, query string, args ...any) error {
	stmt, err := s.preparedIn(ctx, tx, query) //nolint:sqlclosecheck // kept, or closed by its transaction
	if err != nil {
		return err
	}
	return stmt.SelectContext(ctx, into, args...)
}

func (s *Store) preparedIn(ctx context.Context, tx *Tx, query string) (*sqlx.Stmt, error) {
	stmt, err := s.prepare(ctx, query) //nolint:sqlclosecheck // kept for the next one
	if err != nil || tx == nil {
		return stmt, err
	}
	return tx.tx.StmtxContext(ctx, stmt), nil
}

// Statements are the texts of the statements that are kept prepared now.
func (s *Store) Statements() []string { return s.prepared.Keys() }
