// Package storetest gives each test a fresh, migrated database.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portico/graph"
	"portico/store"
	"portico/store/postgres"
)

var (
	once    sync.Once
	cluster *postgres.Cluster
	admin   *sql.DB // of the cluster: to connect takes longer than most statements
	release int     // of PostgreSQL, such as 150004
	dir     string
	failed  error
	number  atomic.Int64
)

// Main runs a package's tests and then ends the cluster they used. Call it
// from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if admin != nil {
		_ = admin.Close()
	}
	if cluster != nil {
		cluster.Stop()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// begin starts a cluster of the package's own, with one migrated database to
// copy.
func begin() {
	dir, failed = os.MkdirTemp("", "portico-store-")
	if failed != nil {
		return
	}
	if failed = os.Chmod(dir, 0o755); failed != nil { //nolint:gosec // it is there to be read
		return
	}
	cluster, failed = postgres.Start(context.Background(), dir, slog.New(slog.DiscardHandler))
	if failed != nil {
		return
	}
	var template *store.Store
	if template, failed = store.Open(context.Background(), cluster.DSN, store.Options{}); failed != nil {
		return
	}
	defer func() { _ = template.Close() }()
	if admin, failed = sql.Open("postgres", inDatabase("postgres")); failed != nil {
		return
	}
	if failed = unsafe(); failed != nil {
		return
	}
	if failed = admin.QueryRow("SELECT current_setting('server_version_num')::int").Scan(&release); failed != nil {
		return
	}
	failed = template.Migrate(context.Background())
}

// inDatabase is the connection string of a database of the cluster.
func inDatabase(name string) string {
	return strings.Replace(cluster.DSN(), "dbname=portico", "dbname="+name, 1)
}

// unsafe has the cluster write without waiting for the disk, which is all that most of making
// and removing a database is: no test has the machine itself crash.
func unsafe() error {
	for _, statement := range []string{"ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"} {
		if _, err := admin.ExecContext(context.Background(), statement); err != nil {
			return fmt.Errorf("settings of the cluster for tests: %w", err)
		}
	}
	return nil
}

// DSN is the connection string of a fresh copy of the migrated database.
func DSN(t testing.TB) string {
	t.Helper()
	return copyOf(t, "portico")
}

// copyOf makes a copy of a database for a test, and says how to connect to it.
func copyOf(t testing.TB, template string) string {
	t.Helper()
	once.Do(begin)
	if failed != nil {
		t.Fatalf("a database for tests: %v", failed)
	}
	name := fmt.Sprintf("t%d", number.Add(1))
	create(t, name, template)
	// A disk has not room for what hundreds of tests leave.
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("the test's database stays: %v", err)
		}
	})
	return inDatabase(name)
}

// create copies files. Since release 15 PostgreSQL writes the copy to its log by default, which takes twice as long.
func create(t testing.TB, name, template string) {
	t.Helper()
	query := "CREATE DATABASE " + name + " TEMPLATE " + template //nolint:gosec // names of its own
	if release >= 150000 {
		query += " STRATEGY FILE_COPY"
	}
	if _, err := admin.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// Template is a database that is filled once for the tests of a package, each of which begins with a copy of it.
type Template struct {
	fill func(*testing.T, *store.Store)
	once sync.Once
	full bool
}

const filled = "filled" // the name of a package's one

// NewTemplate is filled when the first test asks for a copy. When fill returns, it must have ended what it began. A package has one.
func NewTemplate(fill func(*testing.T, *store.Store)) *Template { return &Template{fill: fill} }

// At is a store on a fresh copy, and where that is.
func (p *Template) At(t *testing.T) (*store.Store, string) {
	t.Helper()
	return p.Under(t, graph.StaleAfter())
}

// Under is a store on a fresh copy whose records are stale past these limits, and where that is.
func (p *Template) Under(t *testing.T, limits store.Limits) (*store.Store, string) {
	t.Helper()
	p.once.Do(func() {
		s, dsn := Under(t, limits)
		p.fill(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(dsn, "dbname=")
		name, _, _ = strings.Cut(name, " ")
		create(t, filled, name)
		p.full = true
	})
	if !p.full {
		t.Fatal("the database that all begin with could not be filled")
	}
	return openAt(t, copyOf(t, filled), store.Options{Limits: limits})
}

// Open connects to a fresh database, past the store.
func Open(t testing.TB) *sql.DB {
	t.Helper()
	return Connect(t, DSN(t))
}

// Connect connects to a database, past the store.
func Connect(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// New is a store on a fresh database.
func New(t testing.TB) *store.Store {
	t.Helper()
	s, _ := Pair(t)
	return s
}

// Pair is a store on a fresh database, and a way past it.
func Pair(t testing.TB) (*store.Store, *sql.DB) {
	t.Helper()
	s, dsn := At(t)
	return s, Connect(t, dsn)
}

// At is a store on a fresh database, and where that is.
func At(t testing.TB) (*store.Store, string) { t.Helper(); return Under(t, graph.StaleAfter()) }

// Under is a store on a fresh database whose records are stale past these limits, and where
// that is.
func Under(t testing.TB, limits store.Limits) (*store.Store, string) {
	t.Helper()
	return open(t, store.Options{Limits: limits})
}

// With is a store on a fresh database that is opened with options, and a way past it. Where
// they say nothing of limits and keys, it has those of [New].
func With(t testing.TB, options store.Options) (*store.Store, *sql.DB) {
	t.Helper()
	if options.Limits == nil {
		options.Limits = graph.StaleAfter()
	}
	s, dsn := open(t, options)
	return s, Connect(t, dsn)
}

func open(t testing.TB, options store.Options) (*store.Store, string) {
	t.Helper()
	return openAt(t, DSN(t), options)
}

func openAt(t testing.TB, dsn string, options store.Options) (*store.Store, string) {
	t.Helper()
	if options.Keyring == nil {
		options.Keyring = &store.Keyring{
			Keys: func() [][]byte { return [][]byte{[]byte("a key of tests, which is long enough")} },
			Log:  slog.New(slog.DiscardHandler),
		}
	}
	s, err := store.Open(t.Context(), func() string { return dsn }, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, dsn
}
