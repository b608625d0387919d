package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"portico/graph"
	"portico/store"
	"portico/store/postgres"
)

// Database is the store, and the PostgreSQL under it where that is our own.
type Database struct {
	Store *store.Store
	dsn   func() string
	ended <-chan struct{} // our own PostgreSQL has ended by itself; nil where it is not ours
	stop  func()
}

// Close ends all connections, and then the PostgreSQL that was started for them.
func (d *Database) Close() {
	_ = d.Store.Close()
	d.stop()
}

// OpenDatabase connects to the database that is set, or to the embedded one, which it
// starts unless a server of this data folder has. The tables are up to date then.
func OpenDatabase(ctx context.Context, cfg Config, log *slog.Logger) (*Database, error) {
	d, err := ownDatabase(ctx, cfg, log)
	if errors.Is(err, postgres.ErrInUse) {
		return connect(ctx, &Database{dsn: func() string { return postgres.Running(cfg.Data) }, stop: func() {}})
	}
	return d, err
}

// ownDatabase is [OpenDatabase] for a server, which shares the embedded one with nobody.
func ownDatabase(ctx context.Context, cfg Config, log *slog.Logger) (*Database, error) {
	switch {
	case cfg.DatabaseFile != "":
		dsn, err := secretIn("DATABASE_URL_FILE", cfg.DatabaseFile, log)
		if err != nil {
			return nil, err
		}
		return connect(ctx, &Database{dsn: dsn, stop: func() {}})
	case cfg.DatabaseURL != "":
		return connect(ctx, &Database{dsn: func() string { return cfg.DatabaseURL }, stop: func() {}})
	}
	repository := postgres.Repository{URL: cfg.Repository, SHA256: cfg.SHA256, Folder: filepath.Join(cfg.Data, "postgresql")}
	if err := postgres.Ensure(ctx, repository, os.Stderr); err != nil {
		return nil, err
	}
	cluster, err := postgres.Start(ctx, cfg.Data, log)
	if err != nil {
		return nil, fmt.Errorf("embedded database: %w", err)
	}
	return connect(ctx, &Database{dsn: cluster.DSN, ended: cluster.Exited(), stop: cluster.Stop})
}

// connect opens the database and brings its tables up to date.
func connect(ctx context.Context, d *Database) (*Database, error) {
	var err error
	if d.Store, err = store.Open(ctx, d.dsn, graph.StaleAfter()); err != nil {
		d.stop()
		return nil, err
	}
	if err := d.Store.Migrate(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}
