// Package store is Portico's operational data store in PostgreSQL: connections, transactions,
// prepared statements, lists and who sees which rows. The statements themselves are in its
// rooms, one file per topic. Every read takes the caller's scope and joins it in the
// statement, so that what is not the caller's is not there.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"
	"github.com/lib/pq"
)

// Store is the operational data store.
type Store struct {
	db        *sqlx.DB
	dsn       func() string
	options   Options
	prepared  *lru.Cache[string, *sqlx.Stmt]
	fresh     freshness
	snapshots sync.Map // the last one of each, by what reads it
	committed func()
}

// Options are what a store is opened with. They stay as they are.
type Options struct {
	Limits Limits
	// Keyring are what restricted columns are encrypted with. Without them none is written or read.
	Keyring *Keyring
	// Matching is by which key, beside the natural one, records are known again when another
	// source reports them, by subject.
	Matching map[string]string
	// Hidden are the conditions of rows that only those see who see everything, by the kind of
	// record.
	Hidden map[string][]string
	// Connections are how many there are at most, of which each transaction needs one; [DefaultConnections] where it is 0.
	Connections int
}

// Matching is the key, beside the natural one, by which records of a subject are known again;
// empty where there is none.
func (s *Store) Matching(subject string) string { return s.options.Matching[subject] }

// Committed sets what is called when a transaction has committed that wrote into the log of
// changes. It must not wait, and is set before the first write.
func (s *Store) Committed(call func()) { s.committed = call }

// Limits are the ages past which records of a kind are stale, by the name of
// their type; a kind without one never is.
type Limits map[string]time.Duration

// DefaultConnections are how many connections a store has at most where its options name no number.
const DefaultConnections = 24

// connectionLifetime is how long a connection is kept at most, and so how long
// one lives that was opened with a password since changed.
const connectionLifetime = 10 * time.Minute

var errDSN = errors.New("DATABASE_URL is no connection string for PostgreSQL")

// Open connects to the database, each time as dsn says then. It does not
// migrate.
func Open(ctx context.Context, dsn func() string, options Options) (*Store, error) {
	if _, err := pq.NewConnector(dsn()); err != nil {
		return nil, errDSN
	}
	db := sqlx.NewDb(sql.OpenDB(counted{current{dsn}}), "postgres")
	db.SetConnMaxLifetime(connectionLifetime)
	db.Mapper = reflectx.NewMapperFunc("db", snake)
	if options.Connections == 0 {
		options.Connections = DefaultConnections
	}
	db.SetMaxOpenConns(options.Connections)
	db.SetMaxIdleConns(options.Connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	prepared, err := lru.NewWithEvict(keptStatements, func(_ string, s *sqlx.Stmt) { discard(s) })
	if err != nil {
		return nil, err
	}
	return &Store{db: db, dsn: dsn, options: options, prepared: prepared, fresh: freshness{limits: options.Limits}}, nil
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
	if err := s.Get(ctx, &durable, query); err != nil {
		return false, fmt.Errorf("database: %w", err)
	}
	return durable, nil
}

// Now is the time by the clock of the database, which is the same for all processes.
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	if err := s.Get(ctx, &now, `SELECT clock_timestamp()`); err != nil {
		return now, fmt.Errorf("clock: %w", err)
	}
	return now, nil
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

// Analyze tells the planner what the tables hold now.
func (s *Store) Analyze(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `SET LOCAL statement_timeout = '`+loadStatement+`'; ANALYZE`); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}
