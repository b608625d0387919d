// Package store is Portico's operational data store in PostgreSQL: all SQL is
// here, one file per topic. Every read takes the caller's scope and joins it in
// the statement, so that what is not the caller's is not there.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"portico/migrations"
	"portico/trade"
)

// Store is the operational data store.
type Store struct {
	db       *sqlx.DB
	prepared *lru.Cache[string, *sqlx.Stmt]
	fresh    freshness
	places   places
	watcher  Watcher
	seals    *Seals
	matching map[string]string
	changes  sync.Map // what a transaction has changed, by its *sqlx.Tx: []trade.ShipmentChange
}

// Watcher is told of changes once they are committed.
type Watcher interface {
	// Listening tells whether anybody wants to know.
	Listening() bool
	Publish(changes []trade.ShipmentChange)
}

// Watch sets who is told of changes. It is called before the first write.
func (s *Store) Watch(w Watcher) { s.watcher = w }

// Limits are the ages past which records of a kind are stale, by the name of
// their type; a kind without one never is.
type Limits map[string]time.Duration

const maxConnections = 24

// connectionLifetime is how long a connection is kept at most, and so how long
// one lives that was opened with a password since changed.
const connectionLifetime = 10 * time.Minute

var errDSN = errors.New("DATABASE_URL is no connection string for PostgreSQL")

// Open connects to the database, each time as dsn says then. It does not
// migrate.
func Open(ctx context.Context, dsn func() string, limits Limits) (*Store, error) {
	if _, err := pq.NewConnector(dsn()); err != nil {
		return nil, errDSN
	}
	db := sqlx.NewDb(sql.OpenDB(counted{current{dsn}}), "postgres")
	db.SetConnMaxLifetime(connectionLifetime)
	db.Mapper = reflectx.NewMapperFunc("db", snake)
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	prepared, err := lru.NewWithEvict(keptStatements, func(_ string, s *sqlx.Stmt) { _ = s.Close() })
	if err != nil {
		return nil, err
	}
	return &Store{db: db, prepared: prepared, fresh: freshness{limits: limits}}, nil
}

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
		return kept, stmt.Close() //nolint:sqlclosecheck // only what was prepared twice
	}
	return stmt, nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }

// Ping fails when the database does not answer.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Durable tells whether what the database has committed survives a crash of its
// machine.
func (s *Store) Durable(ctx context.Context) (bool, error) {
	var durable bool
	const query = `SELECT bool_and(setting <> 'off') FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')`
	if err := s.db.GetContext(ctx, &durable, query); err != nil {
		return false, fmt.Errorf("database: %w", err)
	}
	return durable, nil
}

// Migrate brings the tables up to date. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) error {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, s.db.DB, migrations.Files, goose.WithSessionLocker(locker), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

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
	if changes, any := s.changes.Load(tx); any {
		s.watcher.Publish(changes.([]trade.ShipmentChange))
	}
	return nil
}

// changed notes what a transaction changes, to be told when it is committed.
func (s *Store) changed(tx *sqlx.Tx, changes []trade.ShipmentChange) {
	if len(changes) == 0 {
		return
	}
	before, _ := s.changes.Load(tx)
	all, _ := before.([]trade.ShipmentChange)
	s.changes.Store(tx, append(all, changes...))
}

// Refused tells whether err is the database refusing values: a constraint or a
// number out of range. The reason names the rule and no value.
func Refused(err error) (reason string, ok bool) {
	e, is := errors.AsType[*pq.Error](err)
	if !is {
		return "", false
	}
	switch e.Code.Class() {
	case "23", "22":
		if e.Constraint != "" {
			return "it breaks the rule " + e.Constraint, true
		}
		return e.Code.Name(), true
	}
	return "", false
}

// snake turns a field's name into its column's: CustomerPoNumber into
// customer_po_number, SKU into sku.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// freshness knows until when each source is known to have said nothing new.
type freshness struct {
	limits Limits

	mu        sync.Mutex
	confirmed map[string]time.Time
	readAt    time.Time
}

const (
	freshnessKept    = 500 * time.Millisecond
	freshnessTimeout = 5 * time.Second
)

// Confirm records that a source's feed was followed to its end at a moment.
func (s *Store) Confirm(ctx context.Context, instance, epoch, position string, at time.Time) error {
	return s.InTx(ctx, func(tx *sqlx.Tx) error {
		const query = `
			INSERT INTO feeds (instance, epoch, position, confirmed_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (instance) DO UPDATE SET epoch = excluded.epoch, position = excluded.position,
			  confirmed_at = greatest(feeds.confirmed_at, excluded.confirmed_at)`
		if _, err := tx.ExecContext(ctx, query, instance, epoch, position, at); err != nil {
			return fmt.Errorf("feed of %s: %w", instance, err)
		}
		return nil
	})
}

// Confirmed are the moments until which each source was followed. They are at
// most half a second old.
func (s *Store) Confirmed() (map[string]time.Time, error) {
	f := &s.fresh
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.readAt) < freshnessKept {
		return f.confirmed, nil
	}
	// It is read for all requests, and so neither ends with this one nor counts
	// as its own.
	ctx, cancel := context.WithTimeout(context.Background(), freshnessTimeout)
	defer cancel()
	var rows []struct {
		Instance    string
		ConfirmedAt time.Time
	}
	if err := s.db.SelectContext(ctx, &rows, `SELECT instance, confirmed_at FROM feeds`); err != nil {
		return nil, fmt.Errorf("feeds: %w", err)
	}
	confirmed := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		confirmed[r.Instance] = r.ConfirmedAt
	}
	f.confirmed, f.readAt = confirmed, time.Now()
	return confirmed, nil
}

// age completes what a row says of itself: what its source's feed confirmed
// since, and how old that is now.
func (f *freshness) age(p *trade.Provenance, kind string, confirmed map[string]time.Time, now time.Time) {
	p.Mode = trade.ODS
	if at, ok := confirmed[p.Instance]; ok && (p.AsOf == nil || at.After(*p.AsOf)) {
		p.AsOf = &at
	}
	p.At(now, f.limits[kind])
}

// StaleAfter is the age past which records of a kind are stale; 0 is never.
func (s *Store) StaleAfter(kind string) time.Duration { return s.fresh.limits[kind] }

// alone is the key of the lock that [Store.Alone] takes; nobody else has it.
const alone = 7_208_141_103

// Alone runs fn while no other process runs one so.
func (s *Store) Alone(ctx context.Context, fn func() error) error {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, alone); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, alone) }()
	return fn()
}
