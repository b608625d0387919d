// Package app puts Portico together: settings and secrets, the table of adapters, the parts of a server, what
// it serves under which path, and how it starts, runs and drains.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"portico/edge"
	"portico/edge/auth"
	"portico/edge/documents"
	"portico/events"
	"portico/events/bus"
	"portico/graph"
	"portico/graph/governance"
	"portico/process"
	"portico/process/audit"
	"portico/process/durable"
	"portico/process/notify"
	"portico/process/orders"
	"portico/process/purchasing"
	"portico/process/replica"
	"portico/process/stewards"
	"portico/process/tracking"
	"portico/process/watch"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/operating"
	"portico/store/records/replication"
)

// server is what a server is made of; close ends it in reverse.
type server struct {
	now         func() time.Time // the clock of everything below
	log         *slog.Logger
	database    *Database
	store       *store.Store
	sources     *sources.Set
	prices      *sources.PriceCache
	auth        *auth.Authenticator
	dev         *auth.DevIssuer
	links       *documents.Links
	dataKeys    func() [][]byte
	hub         *events.Hub
	cursors     *events.Cursors
	feed        *events.Feed
	replica     *replica.Copy
	intake      *tracking.Intake
	engine      *durable.Engine
	desk        *process.Desk
	ordering    *orders.Flows
	operating   *watch.Operators
	purchasing  *purchasing.Flows
	stewards    *stewards.Flows
	alerting    *watch.Alerts
	partners    *purchasing.Partners
	webhooks    *notify.Webhooks
	codes       *stewards.Codes
	audit       *audit.Log
	auditFolder string
	use         *governance.Counter
	refusals    *edge.Refusals
	ends        []func()
}

func (p *server) close() { p.closeTo(0) }

// closeTo ends what was opened after the first kept.
func (p *server) closeTo(kept int) {
	for i := len(p.ends) - 1; i >= kept; i-- {
		p.ends[i]()
	}
	p.ends = p.ends[:kept]
}

// storeOptions are what the store is opened with. Its keys are read once the data folder is
// this process's own, and before the first read.
func (p *server) storeOptions(cfg Config) (store.Options, error) {
	hidden, err := ledger.HiddenCommitments(cfg.File.Notify)
	if err != nil {
		return store.Options{}, err
	}
	return store.Options{
		Limits: graph.StaleAfter(), Matching: cfg.File.Match, Hidden: hidden,
		Keyring:     &store.Keyring{Keys: func() [][]byte { return p.dataKeys() }, Log: p.log},
		Connections: cfg.DatabaseConns,
	}, replication.CheckMatching(cfg.File.Match)
}

func (p *server) open(ctx context.Context, cfg Config) error {
	options, err := p.storeOptions(cfg)
	if err != nil {
		return fmt.Errorf("PORTICO_CONFIG: %w", err)
	}
	database, err := ownDatabase(ctx, cfg, options, p.log)
	if err != nil {
		return err
	}
	p.database, p.store = database, database.Store
	p.ends = append(p.ends, database.Close)
	if safe, err := p.store.Durable(ctx); err != nil {
		return err
	} else if !safe && cfg.Profile == Production {
		return errors.New("DATABASE_URL: the database runs with fsync, full_page_writes or synchronous_commit off, so that what is " +
			"acknowledged may be lost: turn them on in its configuration")
	}
	if cfg.File.Sandbox {
		if err := p.startSandbox(ctx, cfg); err != nil {
			return err
		}
	}
	if p.sources, err = OpenSources(cfg.File, p.log); err != nil {
		return err
	}
	if cfg.Profile != Production {
		if p.dev, err = auth.OpenDevIssuer(cfg.Data); err != nil {
			return err
		}
	}
	if p.auth, err = auth.New(cfg.File.Issuers, p.dev, process.Directory{Store: p.store}); err != nil {
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
	p.hub, p.cursors = events.New(), events.NewCursors(keys)
	var carrier events.Carrier // none where processes notify each other by the database
	if cfg.NATS != "" {
		nats, err := bus.Open(cfg.NATS, cfg.NATSPrefix, p.log)
		if err != nil {
			return err
		}
		p.ends = append(p.ends, nats.Close)
		carrier = nats
	}
	p.feed = events.NewFeed(p.hub, operating.Log{Store: p.store}, p.database.dsn, carrier, p.log)
	if err := operating.RestartLog(ctx, p.store); err != nil {
		return err
	}
	p.replica = replica.New(p.store, p.sources, p.now, p.log)
	p.replica.Rerouted = p.prices.Purge
	p.intake = tracking.NewIntake(p.store, p.sources, p.now, p.log)
	if err := p.replica.TakeRoutes(ctx); err != nil {
		return err
	}
	if p.engine, err = durable.Open(ctx, p.database.dsn, p.store, p.sources.Names(), p.sources.Paused, cfg.KeepOperations, p.now,
		p.log); err != nil {
		return err
	}
	p.ends = append(p.ends, p.engine.Close)
	signing, err := receiptKey(ctx, cfg, p.store)
	if err != nil {
		return err
	}
	p.desk = process.NewDesk(p.store, p.sources, p.engine, p.now)
	p.ordering, p.operating, p.purchasing, p.stewards = orders.New(p.desk, p.prices), watch.NewOperators(p.desk, p.replica, p.intake),
		purchasing.New(p.desk, signing), stewards.New(p.desk)
	p.alerting, p.partners = watch.NewAlerts(p.desk), purchasing.NewPartners(p.desk)
	p.webhooks, p.codes = p.outgoing(cfg, p.desk), stewards.NewCodes(p.desk)
	if err := p.codes.Begin(ctx); err != nil {
		return err
	}
	p.auditFolder = cfg.AuditFolder
	p.audit, err = audit.Open(ctx, p.store, cfg.AuditFolder, cfg.AuditKeyFile)
	return err
}
