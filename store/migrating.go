package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"portico/migrations"
	"portico/trade/clock"
)

// Migrate brings the tables up to date, and sets the limits of sessions where nobody has set others. Several processes may call it
// at once. A migration waits for a lock as long as it sets itself, so that nobody queues behind it for longer; then it is tried
// again, for some minutes, as it is when it and somebody else waited for each other.
func (s *Store) Migrate(ctx context.Context) error {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	db := sql.OpenDB(unlimited{current{s.dsn}})
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files, goose.WithSessionLocker(locker),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	for began := time.Now(); ; {
		_, err := provider.Up(ctx)
		if err == nil {
			break
		}
		if !passes(err) || time.Since(began) > migrationPatience {
			return fmt.Errorf("migrations: %w", err)
		}
		if err := clock.Pause(ctx, migrationPause); err != nil {
			return fmt.Errorf("migrations: %w", err)
		}
	}
	if err := s.RunAlone(ctx, func() error { return s.limitSessions(ctx) }); err != nil {
		return err
	}
	// Connections have the limits that were in force when they were opened.
	s.db.SetMaxIdleConns(0)
	s.db.SetMaxIdleConns(s.options.Connections)
	return nil
}

// migrationPatience is how long a migration is tried again whose tables are in use, and migrationPause the time between.
const migrationPatience, migrationPause = 5 * time.Minute, time.Second

// passes tells whether a migration failed for what others did at that moment: a lock was not to be had within lock_timeout, or two waited
// for each other. Processes of the release before lock tables in the order of their work, which is not that of a migration.
func passes(err error) bool {
	e, is := errors.AsType[*pq.Error](err)
	return is && (e.Code == lockNotAvailable || e.Code.Class() == transactionRollback)
}

// What PostgreSQL calls conditions that pass: a lock that was not to be had, a transaction that was left open for too long
// (idle_in_transaction_session_timeout), and the class with deadlocks in it.
const lockNotAvailable, leftOpen, transactionRollback = "55P03", "25P03", "40"

// unlimited opens connections on which a statement takes the time that it takes: an index of a large table takes long.
type unlimited struct{ driver.Connector }

// Connect opens a connection.
func (u unlimited) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := u.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, `SET statement_timeout = 0`, nil); err != nil { //nolint:errcheck // lib/pq's connections are
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// The limits of a first load and of other work on whole tables, which sets them in its transactions.
const (
	loadLock      = "30s"
	loadStatement = "10min"
)

// sessionLimits are the limits of all other work. What waits longer than a client or a lease does is of no use to anybody, and
// holds up others.
var sessionLimits = []struct{ setting, value string }{
	{"lock_timeout", "5s"},
	{"statement_timeout", "60s"},
	{"idle_in_transaction_session_timeout", "60s"},
}

// limitSessions makes [sessionLimits] the defaults of our role in this database: they cost no round trip so, and hold behind a
// pooler of connections too. What the role was given by somebody else stays.
func (s *Store) limitSessions(ctx context.Context) error {
	var role, database string
	var set []string
	const query = `SELECT current_user, current_database(), ARRAY(SELECT split_part(c, '=', 1)
		FROM pg_db_role_setting r, unnest(r.setconfig) c WHERE r.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
		AND r.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))`
	if err := s.db.QueryRowContext(ctx, query).Scan(&role, &database, pq.Array(&set)); err != nil {
		return fmt.Errorf("limits of sessions: %w", err)
	}
	for _, l := range sessionLimits {
		if slices.Contains(set, l.setting) {
			continue
		}
		statement := fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET %s = '%s'", pq.QuoteIdentifier(role), pq.QuoteIdentifier(database),
			l.setting, l.value)
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("limits of sessions: %w", err)
		}
	}
	return nil
}

// alone is the key of the lock that [Store.RunAlone] takes; nobody else has it.
const alone = 7_208_141_103

// alonePause is the pause between two looks whether another process has ended what it runs alone.
const alonePause = 100 * time.Millisecond

// RunAlone runs fn while no other process runs one so. It waits for them for as long as ctx lasts.
func (s *Store) RunAlone(ctx context.Context, fn func() error) error {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { _ = conn.Close() }()
	for {
		var ours bool
		if err := conn.GetContext(ctx, &ours, `SELECT pg_try_advisory_lock($1)`, alone); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if ours {
			break
		}
		if err := clock.Pause(ctx, alonePause); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, alone) }()
	return fn()
}
