package operating

import (
	"context"

	"portico/store"
	"portico/trade"
)

// Log is the log of changes of a store as one value: the store, and the functions about its
// log.
type Log struct{ *store.Store }

// LogEnd is [LogEnd].
func (l Log) LogEnd(ctx context.Context) (trade.Place, error) { return LogEnd(ctx, l.Store) }

// Changes is [Changes].
func (l Log) Changes(ctx context.Context, from trade.Place, limit int) ([]trade.Change, error) {
	return Changes(ctx, l.Store, from, limit)
}

// LogWaits is [LogWaits].
func (l Log) LogWaits(ctx context.Context, from trade.Place) (bool, error) {
	return LogWaits(ctx, l.Store, from)
}

// NotifyOfChanges is [NotifyOfChanges].
func (l Log) NotifyOfChanges(ctx context.Context) error { return NotifyOfChanges(ctx, l.Store) }

// ListenForChanges is [ListenForChanges].
func (l Log) ListenForChanges(ctx context.Context, dsn string, notify func()) error {
	return ListenForChanges(ctx, dsn, notify)
}
