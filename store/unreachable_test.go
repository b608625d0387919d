package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"portico/store"
	"portico/store/storetest"
)

// TestADatabaseThatIsAwayIsToldFromOneThatRefuses holds both drivers' errors to the question
// whether waiting helps.
func TestADatabaseThatIsAwayIsToldFromOneThatRefuses(t *testing.T) {
	dsn := storetest.DSN(t)
	at := func(old, replacement string) string { return strings.Replace(dsn, old, replacement, 1) }
	name := dsn[strings.Index(dsn, "dbname=")+len("dbname="):]
	name, _, _ = strings.Cut(name, " ")
	ask := func(dsn string) error {
		db := storetest.Connect(t, dsn)
		return db.PingContext(t.Context())
	}
	askPgx := func(dsn string) error {
		conn, err := pgx.Connect(t.Context(), strings.ReplaceAll(dsn, " binary_parameters=yes", ""))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err
	}
	cut := func() error { // an administrator ends the connection of a statement that runs
		conn, err := storetest.Connect(t, dsn).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, err = conn.ExecContext(t.Context(), `SELECT pg_terminate_backend(pg_backend_pid())`)
		return err
	}
	for what, c := range map[string]struct {
		err  error
		want bool
	}{
		"nobody listens":                 {ask("host=localhost port=1 user=portico dbname=portico sslmode=disable"), true},
		"nobody listens, pgx":            {askPgx("host=localhost port=1 user=portico dbname=portico sslmode=disable"), true},
		"there is no socket":             {ask("host=/does/not/exist user=portico dbname=portico sslmode=disable"), true},
		"the statement's connection cut": {cut(), true},
		"it is starting":                 {fmt.Errorf("migrations: %w", &pq.Error{Code: "57P03"}), true},
		"it has no memory":               {&pq.Error{Code: "53200"}, true},
		"a lock is not to be had":        {&pq.Error{Code: "55P03"}, true},
		"two waited for each other":      {fmt.Errorf("saving orders: %w", &pq.Error{Code: "40P01"}), true},
		"it was changed meanwhile":       {&pq.Error{Code: "40001"}, true},
		"it was left open for too long":  {&pq.Error{Code: "25P03"}, true},
		"a rule is broken":               {&pq.Error{Code: "23514"}, false},
		"a transaction that has failed":  {&pq.Error{Code: "25P02"}, false},
		"an error without a code":        {&pq.Error{}, false},
		"it is too slow":                 {fmt.Errorf("database: %w", context.DeadlineExceeded), true},
		"it has ended meanwhile":         {fmt.Errorf("lock: %w", io.ErrUnexpectedEOF), true},
		"there is no such database":      {ask(at("dbname="+name, "dbname=nowhere")), false},
		"no such database, pgx":          {askPgx(at("dbname="+name, "dbname=nowhere")), false},
		"there is no such user":          {ask(at("user=portico", "user=nobody")), false},
		"a statement is wrong":           {ignoring(storetest.Connect(t, dsn).ExecContext(t.Context(), `SELECT nothing`)), false},
		"another system is away": {
			fmt.Errorf("keys: %w", &url.Error{Op: "Get", URL: "http://localhost:1/", Err: syscall.ECONNREFUSED}),
			false,
		},
		"the caller gave up": {context.Canceled, false},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", what)
		} else if got := store.Unreachable(c.err); got != c.want {
			t.Errorf("%s: %v counts as unreachable: %t, want %t", what, c.err, got, c.want)
		}
	}
}

func ignoring(_ sql.Result, err error) error { return err }
