// Command portico serves one GraphQL graph over a distributor's ERP and
// logistics systems.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"portico/auth"
	"portico/documents"
	"portico/durable"
	"portico/events"
	"portico/graph"
	"portico/postgres"
	"portico/process"
	company "portico/sandbox"
	"portico/sources"
	"portico/store"
	"portico/trade"
)

// cli are the commands; the settings stand beside them.
type cli struct {
	Config

	Serve   serveCmd    `cmd:"" default:"1" help:"Serve portals. In development this starts the sandbox company too."`
	Migrate migrateCmd  `cmd:"" help:"Bring the database's tables up to date."`
	Sandbox sandboxCmd  `cmd:"" help:"Run the sandbox company alone."`
	Token   tokenCmd    `cmd:"" help:"Print a bearer token of the development issuer."`
	Revoke  revokeCmd   `cmd:"" help:"End sign-ins before their time, on all processes and within a second."`
	Route   routeCmd    `cmd:"" help:"Change where a capability is served, on all processes and within a second."`
	Reset   resetCmd    `cmd:"" help:"Remove the embedded database, the sandbox company and the keys, to begin anew."`
	Show    configCmd   `cmd:"" name:"config" help:"Print the settings in force, without secrets."`
	Govern  policiesCmd `cmd:"" name:"policies" help:"Print who owns what, and how it is kept the same."`
	List    adaptersCmd `cmd:"" name:"adapters" help:"Print what every adapter serves."`
	Version versionCmd  `cmd:"" help:"Print the version."`
}

func main() {
	var c cli
	k := kong.Parse(&c, kong.Name("portico"), kong.Description("One graph over ERP and logistics systems."), kong.Vars{"data": defaultData()}, kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(c.Config, log); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "portico:", err)
		stop()
		os.Exit(1)
	}
}

type resetCmd struct{}

// Run removes what Portico keeps in its data folder, and nothing else that may
// lie there.
func (resetCmd) Run(cfg Config) error {
	if err := postgres.Remove(cfg.Data); err != nil {
		return err
	}
	for _, name := range []string{"sandbox", "development-issuer.jwk", "link-key", "data-key", "lock"} {
		if err := os.RemoveAll(filepath.Join(cfg.Data, name)); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	fmt.Println("Removed what was in", cfg.Data+". `make run` begins anew.")
	return nil
}

type versionCmd struct{}

// Run prints the version that the build is of.
func (versionCmd) Run() {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	fmt.Println("portico", version)
}

type configCmd struct{}

// Run prints the settings in force.
func (configCmd) Run(cfg Config) error { return cfg.print() }

type tokenCmd struct {
	Persona string        `arg:"" help:"buyer, buyer-child, buyer-other, supplier, supplier-other or operator."`
	Scope   string        `help:"Only these of the persona's scopes, separated by blanks." placeholder:"SCOPES"`
	TTL     time.Duration `name:"ttl" help:"How long the token holds." default:"12h"`
}

// Run prints a token, alone on the last line.
func (t tokenCmd) Run(cfg Config) error {
	if cfg.Profile == production {
		return errors.New("the production profile has no development issuer: get tokens from a configured issuer")
	}
	persona, err := auth.FindPersona(t.Persona)
	if err != nil {
		return err
	}
	if t.TTL <= 0 {
		return wrong("--ttl", t.TTL.String(), "positive")
	}
	issuer, err := auth.OpenDevIssuer(cfg.Data)
	if err != nil {
		return err
	}
	var rights []string
	if t.Scope != "" {
		rights = strings.Fields(t.Scope)
	}
	token, _, err := issuer.Token(persona, rights, t.TTL)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

type revokeCmd struct {
	Subject string        `help:"All tokens of this subject (sub) that were issued until now." placeholder:"SUB" xor:"what" required:""`
	Token   string        `help:"The token with this id (jti)." placeholder:"JTI" xor:"what" required:""`
	Until   time.Duration `name:"for" help:"How long it is kept: as long as the issuer's tokens hold." default:"24h"`
}

// Run files a revocation, which every running server sees at once.
func (c revokeCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	p := &parts{log: log}
	defer p.close()
	if err := p.openStore(ctx, cfg); err != nil {
		return err
	}
	now, subject := time.Now(), ""
	if c.Subject != "" {
		subject = trade.SubjectDigest(c.Subject)
	}
	if err := p.store.Revoke(ctx, trade.Revocation{Token: c.Token, Subject: subject, At: now}, now.Add(c.Until)); err != nil {
		return err
	}
	fmt.Println("Revoked. Connections end within a second, and tokens are refused until", now.Add(c.Until).Format(time.RFC3339)+".")
	return nil
}

type sandboxCmd struct {
	Speed   float64       `help:"Speed of time; 0 stands still." default:"1" env:"PORTICO_SANDBOX_SPEED"`
	Epoch   time.Time     `help:"Day on which the data end, when it is made; today when left out." format:"2006-01-02" env:"PORTICO_SANDBOX_EPOCH"`
	Latency time.Duration `help:"Time that the slowest answers take." default:"40ms"`
	Owned   bool          `hidden:"" help:"End when standard input ends."`
}

// Run serves the sandbox company until it is told to stop.
func (s sandboxCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	if s.Owned {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() { _, _ = io.Copy(io.Discard, os.Stdin); end() }()
	}
	c, err := company.Open(company.Options{Folder: filepath.Join(cfg.Data, "sandbox"), Scale: cfg.Scale, Speed: s.Speed, Latency: s.Latency, Epoch: s.Epoch})
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	defer c.Close()
	listener, err := net.Listen("tcp", cfg.SandboxAddr)
	if err != nil {
		return fmt.Errorf("sandbox: %w: stop what listens there, or set PORTICO_SANDBOX_ADDR", err)
	}
	log.Info("sandbox company open", "url", "http://"+cfg.SandboxAddr)
	ctx, end := context.WithCancelCause(ctx)
	go func() { end(c.Live(ctx)) }()
	return serveUntil(ctx, listener, c.Handler())
}

type migrateCmd struct{}

// Run brings the tables up to date.
func (migrateCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	p := &parts{log: log}
	defer p.close()
	return p.openStore(ctx, cfg)
}

type serveCmd struct{}

// gcPercent trades memory, of which an answer leaves little, for the CPU that
// collecting it takes.
const gcPercent = 400

// parts are what the server is made of; close ends them in reverse.
type parts struct {
	log      *slog.Logger
	dsn      func() string
	store    *store.Store
	sources  *sources.Set
	prices   *sources.PriceCache
	auth     *auth.Authenticator
	dev      *auth.DevIssuer
	links    *documents.Links
	dataKeys func() [][]byte
	hub      events.Hub
	replica  *process.Replica
	engine   *durable.Engine
	ordering *process.Orders
	fatal    chan error // a part that ended by itself
	ends     []func()
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
	p := &parts{log: log, fatal: make(chan error, 2)}
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
	played := make(chan struct{})
	go func() {
		defer close(played)
		if err := p.engine.Run(ctx); err != nil {
			cancel(err)
		}
	}()
	go func() { cancel(serveUntil(ctx, adminListener, admin(log))) }()
	go p.auth.Watch(ctx, log)
	go p.reseal(ctx)
	go p.announce(ctx, cfg)
	err = serveUntil(ctx, listener, portal)
	cancel(err)
	<-replicated
	<-played
	log.Info("stopped")
	return err
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
	p.store.Seal(&store.Seals{Keys: p.dataKeys, Log: p.log})
	p.store.Watch(&p.hub)
	p.replica = process.NewReplica(p.store, p.sources, p.log)
	p.replica.Rerouted = p.prices.Purge
	if err := p.replica.TakeRoutes(ctx); err != nil {
		return err
	}
	if p.engine, err = durable.Open(ctx, p.dsn, p.store, p.sources.Names(), p.log); err != nil {
		return err
	}
	p.ends = append(p.ends, p.engine.Close)
	p.ordering = process.NewOrders(p.store, p.sources, p.prices, p.engine)
	return nil
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
			if cfg.Profile != production {
				fmt.Printf("\nPortico is ready. Open %s/graphiql\n\n", cfg.PublicURL)
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
