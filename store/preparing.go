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

// A transaction needs its own connection and no other: a statement that no transaction has run before runs unprepared there,
// and is prepared once the transaction is over. To prepare it on another connection of the pool meanwhile would wait for
// whoever holds that, or the tables, and they may wait for this very transaction.

// Exec runs a statement in the transaction, prepared: planning a write that is run for
// every order costs more than running it.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := tx.prepared(ctx, query); stmt != nil {
		return stmt.ExecContext(ctx, args...)
	}
	return tx.tx.ExecContext(ctx, query, args...)
}

// Get reads one row in the transaction.
func (tx *Tx) Get(ctx context.Context, into any, query string, args ...any) error {
	if stmt := tx.prepared(ctx, query); stmt != nil { //nolint:sqlclosecheck // closed by its transaction
		return stmt.GetContext(ctx, into, args...)
	}
	return tx.tx.GetContext(ctx, into, query, args...)
}

// Select reads all rows in the transaction.
func (tx *Tx) Select(ctx context.Context, into any, query string, args ...any) error {
	if stmt := tx.prepared(ctx, query); stmt != nil { //nolint:sqlclosecheck // closed by its transaction
		return stmt.SelectContext(ctx, into, args...)
	}
	return tx.tx.SelectContext(ctx, into, query, args...)
}

// prepared is a statement that was prepared before, on the transaction's own connection; nil where it was not.
func (tx *Tx) prepared(ctx context.Context, query string) *sqlx.Stmt {
	stmt, ok := tx.store.prepared.Get(query) //nolint:sqlclosecheck // kept for the next one
	if !ok {
		tx.unprepared = append(tx.unprepared, query)
		return nil
	}
	return tx.tx.StmtxContext(ctx, stmt)
}

// preparePatience is how long a transaction that is over waits until its statements are prepared for the next one.
const preparePatience = time.Second

// prepareNext prepares statements for the next transaction. Where that is not possible now, the next one tries.
func (s *Store) prepareNext(ctx context.Context, queries []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), preparePatience)
	defer cancel()
	for _, query := range queries {
		if _, err := s.prepare(ctx, query); err != nil { //nolint:sqlclosecheck // kept for the next one
			return
		}
	}
}

// Statements are the texts of the statements that are kept prepared now.
func (s *Store) Statements() []string { return s.prepared.Keys() }
