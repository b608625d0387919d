// Command portico serves one GraphQL graph over a distributor's ERP and
// logistics systems.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"portico/audit"
	"portico/auth"
	"portico/bus"
	"portico/documents"
	"portico/durable"
	"portico/edge"
	"portico/events"
	"portico/governance"
	"portico/graph"
	"portico/postgres"
	"portico/process"
	company "portico/sandbox"
	"portico/sources"
	"portico/store"
	"portico/telemetry"
)

// cli are the commands; the settings stand beside them.
type cli struct {
	Config

	Serve   serveCmd      `cmd:"" default:"1" help:"Serve portals. In development this starts the sandbox company too."`
	Migrate migrateCmd    `cmd:"" help:"Bring the database's tables up to date."`
	Sandbox sandboxCmd    `cmd:"" help:"Run the sandbox company alone."`
	Token   tokenCmd      `cmd:"" help:"Print a bearer token of the development issuer."`
	Revoke  revokeCmd     `cmd:"" help:"End sign-ins before their time, on all processes and within a second."`
	Audit   auditCmd      `cmd:"" help:"Look after the audit log."`
	Proof   evidenceCmd   `cmd:"" name:"evidence" help:"Export and verify what proves what suppliers said."`
	Limit   limitCmd      `cmd:"" help:"Set what each buyer of an account may order without approval."`
	Route   routeCmd      `cmd:"" help:"Change where a capability is served, on all processes and within a second."`
	Reset   resetCmd      `cmd:"" help:"Remove the embedded database, the sandbox company and the keys, to begin anew."`
	Show    configCmd     `cmd:"" name:"config" help:"Print the settings in force, without secrets."`
	Govern  policiesCmd   `cmd:"" name:"policies" help:"Print who owns what, and how it is kept the same."`
	Schema  governanceCmd `cmd:"" name:"governance" help:"Print how the schema stands to what was published, to its rules and to its clients."`
	Flows   flowsCmd      `cmd:"" help:"Print the steps of every operation, who may do what, and how each workflow answers."`
	List    adaptersCmd   `cmd:"" name:"adapters" help:"Print what every adapter serves."`
	Map     mapCmd        `cmd:"" help:"Map documents of carriers, and print what each becomes or what of it is refused and where."`
	Version versionCmd    `cmd:"" help:"Print the version."`
}

func main() {
	var c cli
	k := kong.Parse(&c, kong.Name("portico"), kong.Description("One graph over ERP and logistics systems."), kong.Vars{"data": defaultData()}, kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := telemetry.NewLog(os.Stderr)
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(c.Config, log); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "portico:", err)
		stop()
		os.Exit(1)
	}
}

type serveCmd struct{}

// gcPercent trades memory, of which an answer leaves little, for the CPU that
// collecting it takes.
const gcPercent = 400

// keepMeasured is how long cases of business measures are kept.
const keepMeasured = 400 * 24 * time.Hour

// parts are what the server is made of; close ends them in reverse.
type parts struct {
	log         *slog.Logger
	dsn         func() string
	store       *store.Store
	sources     *sources.Set
	prices      *sources.PriceCache
	auth        *auth.Authenticator
	dev         *auth.DevIssuer
	links       *documents.Links
	dataKeys    func() [][]byte
	hub         *events.Hub
	cursors     *events.Cursors
	streaming   *streaming
	bus         *bus.Bus // nil where processes tell each other by the database
	replica     *process.Replica
	intake      *process.Intake
	engine      *durable.Engine
	ordering    *process.Orders
	operating   *process.Operators
	purchasing  *process.Purchasing
	stewards    *process.Stewards
	partners    *process.Partners
	webhooks    *process.Webhooks
	codes       *process.Codes
	audit       *audit.Log
	auditFolder string
	use         *governance.Counter
	refusals    *edge.Refusals
	fatal       chan error // a part that ended by itself
	ends        []func()
}

func (p *parts) close() {
	for i := len(p.ends) - 1; i >= 0; i-- {
		p.ends[i]()
	}
	p.ends = nil
}

// Run loads, opens, serves and drains.
func (serveCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
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
	p := &parts{log: log, fatal: make(chan error, 2), use: &governance.Counter{}, refusals: &edge.Refusals{}}
	p.ends = append(p.ends, func() { flush(stopTracing, log) })
	defer p.close()
	if err := p.open(ctx, cfg); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	portal, err := p.portal(ctx, cfg)
	if err != nil {
		return err
	}
	go func() {
		select {
		case err := <-p.fatal:
			cancel(err)
		case <-ctx.Done():
		}
	}()
	replicated := make(chan struct{})
	go func() { defer close(replicated); p.replica.Run(ctx) }()
	taken := make(chan struct{})
	go func() { defer close(taken); p.intake.Run(ctx) }()
	sent := make(chan struct{})
	go func() { defer close(sent); p.sendWebhooks(ctx) }()
	played := make(chan struct{})
	go func() {
		defer close(played)
		if err := p.engine.Run(ctx); err != nil {
			cancel(err)
		}
	}()
	go func() { cancel(serveUntil(ctx, adminListener, admin(log, recent))) }()
	sealing := make(chan struct{})
	go func() { defer close(sealing); p.audit.Run(ctx, log) }()
	go p.operating.Follow(ctx, log)
	go p.codes.Follow(ctx, log)
	go p.purchasing.Watch(ctx, log)
	signalled := make(chan struct{})
	go func() { defer close(signalled); p.signal(ctx) }()
	go process.NewWatcher(p.store, p.sources, log).Run(ctx)
	go process.NewMeasuring(p.store, p.sources, func() bool { _, done := p.replica.Progress(); return done }, log).Run(ctx)
	go p.tellAlertmanager(ctx, cfg)
	go p.forget(ctx, "measured cases", keepMeasured, p.store.RemoveMeasured)
	go p.purchasing.Receipt(ctx, log)
	go p.auth.Watch(ctx, log)
	go p.streaming.run(ctx)
	go p.forget(ctx, "changes", cfg.KeepChanges, p.store.RemoveChanges)
	go p.forget(ctx, "inbound deliveries", cfg.KeepDeliveries, p.store.RemoveDeliveries)
	counted := make(chan struct{})
	go func() { defer close(counted); p.keepUse(ctx) }()
	go p.forget(ctx, "use of the schema", keepUse, p.store.RemoveSchemaUse)
	go p.forget(ctx, "webhook deliveries", keepWebhooks, p.store.RemoveWebhookDeliveries)
	go p.reseal(ctx)
	go p.announce(ctx, cfg)
	err = serveUntil(ctx, listener, portal)
	cancel(err)
	<-replicated
	<-taken
	<-sent
	<-counted
	<-signalled
	<-played
	<-sealing
	log.Info("stopped")
	return err
}

// signal says what this process knows of itself, until ctx ends.
func (p *parts) signal(ctx context.Context) {
	process.NewSignalling(p.store, p.sources, func() map[[2]string]int {
		all := map[[2]string]int{}
		for of, n := range p.refusals.Take() {
			all[[2]string{of.Client, of.Code}] = n
		}
		return all
	}, p.log).Run(ctx)
}

// flush sends the traces that are not sent yet, for a while.
func flush(stop func(context.Context) error, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := stop(ctx); err != nil {
		log.Warn("the last traces could not be sent", "err", err)
	}
}

func (p *parts) open(ctx context.Context, cfg Config) error {
	if err := p.openStore(ctx, cfg); err != nil {
		return err
	}
	if safe, err := p.store.Durable(ctx); err != nil {
		return err
	} else if !safe && cfg.Profile == production {
		return errors.New("DATABASE_URL: the database runs with fsync, full_page_writes or synchronous_commit off, so that what is acknowledged may be lost: turn them on in its configuration")
	}
	if cfg.File.Sandbox {
		if err := p.startSandbox(ctx, cfg); err != nil {
			return err
		}
	}
	var err error
	if p.sources, err = openSources(cfg.File, p.log); err != nil {
		return err
	}
	if cfg.Profile != production {
		if p.dev, err = auth.OpenDevIssuer(cfg.Data); err != nil {
			return err
		}
	}
	if p.auth, err = auth.New(cfg.File.Issuers, p.dev, p.store); err != nil {
		return err
	}
	if err := p.auth.Refresh(ctx); err != nil {
		return err
	}
	if p.prices, err = p.sources.CachePrices(100_000, p.store.StaleAfter("Price")); err != nil {
		return err
	}
	keys, err := linkKeys(cfg, p.log)
	if err != nil {
		return err
	}
	base, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return err
	}
	p.links = documents.NewLinks(base, keys)
	if p.dataKeys, err = dataKeys(cfg, p.log); err != nil {
		return err
	}
	if err := p.store.Match(cfg.File.Match); err != nil {
		return fmt.Errorf("PORTICO_CONFIG: %w", err)
	}
	if err := p.store.Tell(cfg.File.Tell); err != nil {
		return fmt.Errorf("PORTICO_CONFIG: %w", err)
	}
	p.store.Seal(&store.Seals{Keys: p.dataKeys, Log: p.log})
	p.hub, p.cursors = events.New(), events.NewCursors(keys)
	if cfg.NATS != "" {
		if p.bus, err = bus.Open(cfg.NATS, cfg.NATSPrefix, p.log); err != nil {
			return err
		}
		p.ends = append(p.ends, p.bus.Close)
	}
	p.streaming = newStreaming(p)
	if err := p.store.RestartLog(ctx); err != nil {
		return err
	}
	p.replica = process.NewReplica(p.store, p.sources, p.log)
	p.replica.Rerouted = p.prices.Purge
	p.intake = process.NewIntake(p.store, p.sources, p.log)
	if err := p.replica.TakeRoutes(ctx); err != nil {
		return err
	}
	if p.engine, err = durable.Open(ctx, p.dsn, p.store, p.sources.Names(), p.sources.Held, cfg.KeepOperations, p.log); err != nil {
		return err
	}
	p.ends = append(p.ends, p.engine.Close)
	signing, err := receiptKey(ctx, cfg, p.store)
	if err != nil {
		return err
	}
	desk := process.NewDesk(p.store, p.sources, p.engine)
	p.ordering, p.operating, p.purchasing, p.stewards = process.NewOrders(desk, p.prices), process.NewOperators(desk), process.NewPurchasing(desk, signing), process.NewStewards(desk)
	p.partners = process.NewPartners(desk)
	p.webhooks, p.codes = p.outgoing(cfg, desk), process.NewCodes(desk)
	if err := p.codes.Begin(ctx); err != nil {
		return err
	}
	p.auditFolder = filepath.Join(cfg.Data, auditFolder)
	p.audit, err = audit.Open(p.store, p.auditFolder)
	return err
}

func (p *parts) openStore(ctx context.Context, cfg Config) error {
	switch {
	case cfg.DatabaseFile != "":
		dsn, err := secretIn("DATABASE_URL_FILE", cfg.DatabaseFile, p.log)
		if err != nil {
			return err
		}
		return p.connect(ctx, dsn)
	case cfg.DatabaseURL != "":
		return p.connect(ctx, func() string { return cfg.DatabaseURL })
	}
	if err := postgres.Ensure(ctx, postgres.Repository{URL: cfg.Repository, SHA256: cfg.SHA256, Folder: filepath.Join(cfg.Data, "postgresql")}, os.Stderr); err != nil {
		return err
	}
	cluster, err := postgres.Start(ctx, cfg.Data, p.log)
	if errors.Is(err, postgres.ErrInUse) && p.fatal == nil { // a command beside a server: its database is ours too
		return p.connect(ctx, func() string { return postgres.Running(cfg.Data) })
	}
	if err != nil {
		return fmt.Errorf("embedded database: %w", err)
	}
	p.ends = append(p.ends, cluster.Stop)
	if p.fatal != nil {
		go func() {
			<-cluster.Exited()
			p.fatal <- errors.New("the embedded database has ended")
		}()
	}
	return p.connect(ctx, cluster.DSN)
}

// connect opens the database and brings its tables up to date.
func (p *parts) connect(ctx context.Context, dsn func() string) error {
	st, err := store.Open(ctx, dsn, graph.StaleAfter())
	if err != nil {
		return err
	}
	p.store, p.dsn = st, dsn
	p.ends = append(p.ends, func() { _ = st.Close() })
	return st.Migrate(ctx)
}

// startSandbox runs the sandbox company as a process of its own, which ends
// when this one does, however it ends: its standard input is a pipe from here.
func (p *parts) startSandbox(ctx context.Context, cfg Config) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	cmd := exec.Command(self, "sandbox", "--owned", "--data", cfg.Data, "--sandbox-addr", cfg.SandboxAddr, "--scale", fmt.Sprint(cfg.Scale))
	if cfg.File.Sources["carrier"].Webhook.Secret == company.PushSecret && cfg.TLSCert == "" {
		cmd.Args = append(cmd.Args, "--push", "http://"+cfg.Addr+"/webhooks/carrier")
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us, and we stop it
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	p.ends = append(p.ends, func() { _ = stdin.Close(); <-exited })
	// Bounded, for who answers at that address may be somebody else, or nobody: a
	// connection to a port that is not listened on yet can even meet itself.
	client := &http.Client{Timeout: time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cfg.SandboxAddr+"/control/calls", nil)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-exited:
			return errors.New("the sandbox company did not start; its reason stands above")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// resealEvery is how often restricted columns are looked through for what is not
// encrypted with the first key, besides whenever that is another.
const resealEvery = time.Hour

// reseal encrypts anew, in the background, what was encrypted with another key
// than the first or with none.
func (p *parts) reseal(ctx context.Context) {
	var with string
	var at time.Time
	for ctx.Err() == nil {
		if first := string(p.dataKeys()[0]); first != with || time.Since(at) > resealEvery {
			n, err := p.store.Reseal(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				p.log.Error("restricted columns could not be encrypted anew; it is tried again", "err", err)
			case err == nil:
				with, at = first, time.Now()
			}
			if n > 0 {
				p.log.Info("restricted columns encrypted with the first key", "values", n)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// announce says where to look, once there is something to see.
func (p *parts) announce(ctx context.Context, cfg Config) {
	for ctx.Err() == nil {
		if _, done := p.replica.Progress(); done {
			p.log.Info("ready", "graphql", cfg.PublicURL+"/graphql", "admin", "http://"+cfg.AdminAddr+"/metrics")
			if cfg.tracing(p.log).Memory {
				p.log.Info("traces are shown", "traces", "http://"+cfg.AdminAddr+"/debug/traces")
			}
			if cfg.Profile != production {
				fmt.Printf("\nPortico is ready. Open %s/graphiql\nOperators look at    %[1]s/console\n\n", cfg.PublicURL)
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
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 8 * time.Second
)

// serveUntil serves until ctx ends, and then lets what runs finish.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout}
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
