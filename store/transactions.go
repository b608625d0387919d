package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"portico/trade"
)

// InTx runs fn in one transaction, and is the only way to a write. When COMMIT
// fails, the outcome is not known: whoever needs to know reads back by key.
func (s *Store) InTx(ctx context.Context, fn func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer s.changes.Delete(tx)
	if err := fn(tx); err != nil {
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, fmt.Errorf("rollback: %w", back))
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if c, any := s.changes.Load(tx); any {
		c := c.(*changes)
		if len(c.shipments) > 0 {
			s.watcher.Shipments(c.shipments)
		}
		if len(c.operations) > 0 {
			s.watcher.Operations(c.operations)
		}
	}
	return nil
}

// changes are what a transaction changes, to be told when it is committed.
type changes struct {
	shipments  []trade.ShipmentChange
	operations []trade.OperationChange
}

func (s *Store) noted(tx *sqlx.Tx) *changes {
	c, _ := s.changes.LoadOrStore(tx, &changes{})
	return c.(*changes)
}

func (s *Store) changed(tx *sqlx.Tx, all []trade.ShipmentChange) {
	if len(all) > 0 {
		c := s.noted(tx)
		c.shipments = append(c.shipments, all...)
	}
}

func (s *Store) moved(tx *sqlx.Tx, change trade.OperationChange) {
	if s.listening() {
		c := s.noted(tx)
		c.operations = append(c.operations, change)
	}
}
