package store

import (
	"context"
	"database/sql/driver"

	"github.com/lib/pq"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"

	"portico/telemetry"
)

var statements = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "portico_store_statements_total", Help: "Statements sent to the database.",
})

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector { return []prometheus.Collector{statements, unreadable} }

// counting counts a statement, and follows it where its operation is followed.
func counting[T any](ctx context.Context, query string, run func() (T, error)) (T, error) {
	statements.Inc()
	telemetry.Statement(ctx)
	if !telemetry.Recording(ctx) {
		return run()
	}
	// The text is ours and names no value: those are arguments.
	_, span := telemetry.Part(ctx, "sql", attribute.String("statement", query[:min(len(query), longestShown)]))
	result, err := run()
	telemetry.End(span, err, "statement failed")
	return result, err
}

// longestShown is how much of a statement a trace shows, in bytes.
const longestShown = 300

// current opens each connection as the connection string says then: a password
// that was changed is used from the next connection on.
type current struct{ dsn func() string }

// Connect opens a connection.
func (c current) Connect(ctx context.Context) (driver.Conn, error) {
	connector, err := pq.NewConnector(c.dsn())
	if err != nil {
		return nil, errDSN
	}
	return connector.Connect(ctx)
}

// Driver is lib/pq's.
func (current) Driver() driver.Driver { return &pq.Driver{} }

// counted counts statements at the driver, where none can be missed.
type counted struct{ driver.Connector }

func (c counted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	// A read's keys are arrays, for which PostgreSQL would plan anew each time;
	// our plans do not depend on how many there are. It saves more than half of
	// the database's work for one order. Days and months are those of UTC, whatever
	// zone the server is set to.
	const settings = "SET plan_cache_mode = force_generic_plan; SET timezone = 'UTC'"
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, settings, nil); err != nil { //nolint:errcheck // lib/pq's connections and statements are
		_ = conn.Close()
		return nil, err
	}
	return &countedConn{conn}, nil
}

// countedConn forwards to lib/pq's connection, which has all of these.
type countedConn struct{ driver.Conn }

func (c *countedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return counting(ctx, query, func() (driver.Rows, error) { return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args) }) //nolint:errcheck // lib/pq's connections and statements are
}

func (c *countedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return counting(ctx, query, func() (driver.Result, error) { return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args) }) //nolint:errcheck // lib/pq's connections and statements are
}

// PrepareContext prepares a statement, which counts each time it runs.
func (c *countedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query) //nolint:errcheck // lib/pq's connections and statements are
	if err != nil {
		return nil, err
	}
	return &countedStmt{stmt, query}, nil
}

type countedStmt struct {
	driver.Stmt
	query string
}

func (s *countedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return counting(ctx, s.query, func() (driver.Rows, error) { return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) }) //nolint:errcheck // lib/pq's connections and statements are
}

func (s *countedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return counting(ctx, s.query, func() (driver.Result, error) { return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) }) //nolint:errcheck // lib/pq's connections and statements are
}

func (c *countedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts) //nolint:errcheck // lib/pq's connections and statements are
}

func (c *countedConn) Ping(ctx context.Context) error { return c.Conn.(driver.Pinger).Ping(ctx) } //nolint:errcheck // lib/pq's connections and statements are

func (c *countedConn) ResetSession(ctx context.Context) error {
	return c.Conn.(driver.SessionResetter).ResetSession(ctx) //nolint:errcheck // lib/pq's connections and statements are
}

func (c *countedConn) IsValid() bool { return c.Conn.(driver.Validator).IsValid() } //nolint:errcheck // lib/pq's connections and statements are

func (c *countedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
