package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"portico/graph"
	"portico/store"
	"portico/store/postgres"
	"portico/trade/clock"
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
	options := store.Options{Limits: graph.StaleAfter()}
	d, err := ownDatabase(ctx, cfg, options, log)
	if errors.Is(err, postgres.ErrInUse) {
		return connect(ctx, &Database{dsn: func() string { return postgres.Running(cfg.Data) }, stop: func() {}}, options)
	}
	return d, err
}

// ownDatabase is [OpenDatabase] for a server, which shares the embedded one with nobody.
func ownDatabase(ctx context.Context, cfg Config, options store.Options, log *slog.Logger) (*Database, error) {
	switch {
	case cfg.DatabaseFile != "":
		dsn, err := secretIn("DATABASE_URL_FILE", cfg.DatabaseFile, log)
		if err != nil {
			return nil, err
		}
		return connect(ctx, &Database{dsn: dsn, stop: func() {}}, options)
	case cfg.DatabaseURL != "":
		return connect(ctx, &Database{dsn: func() string { return cfg.DatabaseURL }, stop: func() {}}, options)
	}
	repository := postgres.Repository{URL: cfg.Repository, SHA256: cfg.SHA256, Folder: filepath.Join(cfg.Data, "postgresql")}
	if err := postgres.Ensure(ctx, repository, os.Stderr); err != nil {
		return nil, err
	}
	cluster, err := postgres.Start(ctx, cfg.Data, log)
	if err != nil {
		return nil, fmt.Errorf("embedded database: %w", err)
	}
	return connect(ctx, &Database{dsn: cluster.DSN, ended: cluster.Exited(), stop: cluster.Stop}, options)
}

// connect opens the database and brings its tables up to date.
func connect(ctx context.Context, d *Database, options store.Options) (*Database, error) {
	var err error
	if d.Store, err = store.Open(ctx, d.dsn, options); err != nil {
		d.stop()
		return nil, err
	}
	if err := d.Store.Migrate(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// databasePause is the pause between two attempts to start without the database, and stillWaits the one between two lines of the
// log that say so.
const databasePause, stillWaits = 250 * time.Millisecond, time.Minute

// awaitDatabase repeats open, which undoes what it did before it fails, while the database
// cannot be reached: it may be restarting, or start later than we do. It says so once a minute. After within, or on any
// other failure, the start has failed.
func awaitDatabase(ctx context.Context, within time.Duration, log *slog.Logger, open func() error) error {
	began := time.Now()
	for said := (time.Time{}); ; {
		err := open()
		switch {
		case err == nil:
			if !said.IsZero() {
				log.InfoContext(ctx, "the database answers; the start goes on", "took", time.Since(began).Round(time.Millisecond))
			}
			return nil
		case !store.Unreachable(err):
			return err
		case time.Since(began) >= within:
			return fmt.Errorf("%w: start the database, or set DATABASE_URL; PORTICO_DATABASE_WAIT is how long a start waits for it", err)
		case time.Since(said) >= stillWaits:
			log.WarnContext(ctx, "the database cannot be reached; the start waits for it", "err", err)
			said = time.Now()
		}
		if err := clock.Pause(ctx, databasePause); err != nil {
			return err
		}
	}
}
