package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"portico/edge"
	"portico/graph/governance"
	"portico/process/watch"
	"portico/telemetry"
	"portico/trade/clock"
)

// gcPercent trades memory, of which an answer leaves little, for the CPU that
// collecting it takes.
const gcPercent = 400

// Serve opens everything, serves portals until ctx ends or a part fails, and drains.
func Serve(ctx context.Context, cfg Config, log *slog.Logger) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	clock.SetPace(cfg.Pace)
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("%w: stop what listens there, or set PORTICO_ADDR", err)
	}
	if cfg.TLSCert != "" {
		if listener, err = secured(listener, cfg, log); err != nil {
			return err
		}
	}
	adminListener, err := net.Listen("tcp", cfg.AdminAddr)
	if err != nil {
		return fmt.Errorf("%w: stop what listens there, or set PORTICO_ADMIN_ADDR", err)
	}
	recent, stopTracing, err := telemetry.Start(ctx, cfg.tracing(log))
	if err != nil {
		return err
	}
	p := &server{now: time.Now, log: log, use: &governance.Counter{}, refusals: &edge.Refusals{}}
	p.ends = append(p.ends, func() { flush(stopTracing, log) }) //nolint:contextcheck // traces are sent after the server has ended
	defer p.close()
	stopping, stop := context.WithCancel(ctx) // streams end as the portal begins to drain
	defer stop()
	var portal http.Handler
	err = awaitDatabase(ctx, cfg.DatabaseWait, log, func() (err error) {
		kept := len(p.ends)
		if err = p.open(ctx, cfg); err == nil {
			portal, err = p.portal(stopping, cfg)
		}
		if err != nil {
			p.closeTo(kept)
		}
		return err
	})
	if err != nil {
		return err
	}
	parts := append([]part{{name: "portal", run: func(ctx context.Context) error {
		defer context.AfterFunc(ctx, stop)()
		return ServeUntil(ctx, listener, portal)
	}}}, p.background(cfg)...)
	parts = append(parts, part{name: "admin", outlives: []string{"portal", "operations"}, run: func(ctx context.Context) error {
		return ServeUntil(ctx, adminListener, admin(log, recent))
	}})
	err = runAll(ctx, log, parts)
	log.InfoContext(ctx, "stopped")
	return err
}

// background are the parts beside what is served, in the order in which they are told to end.
// What writes for portals ends after they are served, and what keeps a record of that after it.
func (p *server) background(cfg Config) []part {
	log := p.log
	loaded := func() bool { _, done := p.replica.Progress(); return done }
	parts := []part{
		{name: "operations", run: p.engine.Run, outlives: []string{"portal"}},
		{name: "replica", run: until(p.replica.Run)},
		{name: "intake", run: until(p.intake.Run), outlives: []string{"portal"}},
		{name: "webhooks", run: until(p.sendWebhooks)},
		{name: "receipts", run: until(func(ctx context.Context) { p.purchasing.Receipt(ctx, log) }), outlives: []string{"operations"}},
		{
			name: "audit log", run: until(func(ctx context.Context) { p.audit.Run(ctx, log) }),
			outlives: []string{"portal", "operations", "replica", "intake", "webhooks"},
		},
		{name: "pauses", run: until(func(ctx context.Context) { p.operating.Watch(ctx, log) })},
		{name: "codes", run: until(func(ctx context.Context) { p.codes.Watch(ctx, log) })},
		{name: "purchase orders", run: until(func(ctx context.Context) { p.purchasing.Watch(ctx, log) })},
		{name: "systems", run: until(watch.NewSystems(p.store, p.sources, p.now, log).Run)},
		{name: "measures", run: until(watch.NewMeasures(p.store, p.sources, loaded, p.now, log).Run)},
		{name: "Alertmanager", run: until(func(ctx context.Context) { p.notifyAlertmanager(ctx, cfg) })},
		{name: "revocations", run: until(func(ctx context.Context) { p.auth.Watch(ctx, log) }), outlives: []string{"portal"}},
		{name: "feed", run: until(p.feed.Run), outlives: []string{"portal", "operations"}},
		{name: "signals", run: until(watch.NewSignals(p.store, p.sources, p.refused, p.now, log).Run), outlives: []string{"portal"}},
		{name: "schema use", run: until(p.keepSchemaUse), outlives: []string{"portal"}},
		{name: "encryption", run: until(p.reencrypt)},
		{name: "announcement", run: until(func(ctx context.Context) { p.printAddresses(ctx, cfg) })},
	}
	parts = append(parts, p.retention(cfg)...)
	if p.database.ended != nil {
		parts = append(parts, part{name: "embedded database", run: p.watchDatabase})
	}
	return parts
}

// watchDatabase fails when our own PostgreSQL ends by itself.
func (p *server) watchDatabase(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.database.ended:
		return errors.New("it has ended; its log is in the data folder")
	}
}

// refused are the requests refused since it was called last, by client and code.
func (p *server) refused() map[[2]string]int {
	all := map[[2]string]int{}
	for of, n := range p.refusals.Take() {
		all[[2]string{of.Client, of.Code}] = n
	}
	return all
}

// flush sends the traces that are not sent yet, for a while.
func flush(stop func(context.Context) error, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := stop(ctx); err != nil {
		log.Warn("the last traces could not be sent", "err", err)
	}
}

// printAddresses says where to look, once there is something to see.
func (p *server) printAddresses(ctx context.Context, cfg Config) {
	for ctx.Err() == nil {
		if _, done := p.replica.Progress(); done {
			p.log.InfoContext(ctx, "ready", "graphql", cfg.PublicURL+"/graphql", "admin", "http://"+cfg.AdminAddr+"/metrics")
			if cfg.tracing(p.log).Memory {
				p.log.InfoContext(ctx, "traces are shown", "traces", "http://"+cfg.AdminAddr+"/debug/traces")
			}
			if cfg.Profile != Production {
				fmt.Printf("\nPortico is ready. Open %s/graphiql\nOperators look at    %[1]s/console\n\n", cfg.PublicURL) //nolint:forbidigo // the one line that says where to look
			}
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

const (
	headerTimeout = 10 * time.Second
	answerTimeout = time.Minute // to be read whole; streams, downloads and WebSockets have deadlines of their own
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 8 * time.Second

	mostHeaders = 256 << 10 // bytes, with the URL: a query by GET is at most 64 KiB, and three times that when it is escaped
)

// limited is a server of which no connection stays open without getting on.
func limited(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: edge.Deadlines(handler), ReadHeaderTimeout: headerTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: mostHeaders,
	}
}

// ServeUntil serves until ctx ends, and then lets what runs finish, for a while.
func ServeUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	srv := limited(handler)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		_ = srv.Close()
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
