package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"portico/edge"
	"portico/edge/auth"
	"portico/edge/budget"
	"portico/edge/intake"
	"portico/evidence/signatures"
	"portico/examples/tracking"
	"portico/graph"
	"portico/process/durable"
	"portico/process/purchasing"
	"portico/process/replica"
	"portico/process/watch"
	"portico/resolvers"
	"portico/resolvers/loaders"
	"portico/sources"
	"portico/store"
	"portico/store/operating"
	"portico/telemetry"
	"portico/web"
)

// trackingPath is where the example of a portal is served, in development.
const trackingPath = "/examples/tracking"

// consolePath is where the operator's console is served.
const consolePath = "/console"

// portal are all paths that portals reach.
func (p *server) portal(ctx context.Context, cfg Config) (http.Handler, error) {
	development := cfg.Profile != Production
	points, err := budget.New(operating.Leases{Store: p.store}, p.log)
	if err != nil {
		return nil, err
	}
	known, err := knownDocuments(cfg.File, p.log)
	if err != nil {
		return nil, err
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	serving, err := edge.GraphQL(edge.Options{
		BrownOuts: cfg.File.BrownOuts, Refusals: p.refusals,
		Bindings: graph.NewBindings(graph.Config{Resolvers: &resolvers.Resolver{
			Links: p.links, Hub: p.hub, Cursors: p.cursors, Desk: p.desk,
			Ordering: p.ordering, Operating: p.operating, Purchasing: p.purchasing, Stewarding: p.stewards, Alerting: p.alerting,
			Partners: p.partners, CostPerMinute: perMinute(cfg.AccountRate), Webhooks: p.webhooks,
			Codes: p.codes, Deprecations: deprecations(graph.NewBindings(graph.Config{}).Schema),
		}}), Scalars: graph.InputScalars, EntityKey: resolvers.EntityKey, Auth: p.auth,
		Log:     p.log,
		Loaders: loaders.Shared{Store: p.store, Sources: p.sources, Prices: p.prices}, Tickets: operating.Tickets{Store: p.store},
		Budgets: edge.Budgets{
			Budget: points, Client: budget.Limits{Rate: cfg.ClientRate, Burst: cfg.ClientBurst},
			Account: budget.Limits{Rate: cfg.AccountRate, Burst: cfg.AccountBurst},
		}, Known: known, Use: p.use, KnownOnly: cfg.File.Documents.Required, Origins: cfg.Origins, Authority: signatures.Authority(public),
		Away: store.Unreachable, Stopping: ctx,
	})
	if err != nil {
		return nil, err
	}
	p.fillOutbox(serving)
	mux := http.NewServeMux()
	pages := edge.Origins(cfg.Origins)
	mux.Handle("/graphql", pages.CrossOrigin([]string{http.MethodGet, http.MethodPost}, edge.SignIn(p.auth, p.log, serving.GraphQL)))
	mux.Handle("/graphql/ticket", pages.CrossOrigin([]string{http.MethodPost}, edge.SignIn(p.auth, p.log, serving.Ticket)))
	river, err := p.riverPages(ctx)
	if err != nil {
		return nil, err
	}
	mux.Handle(riverPath+"/", river)
	mux.Handle("GET "+riverPath, http.RedirectHandler(riverPath+"/", http.StatusMovedPermanently))
	mux.Handle("/documents/{token}", pages.CrossOrigin([]string{http.MethodGet}, p.links.Handler(documentSource{p}, p.log)))
	mux.HandleFunc("POST /webhooks/{source}", intake.Handler(p.intake))
	mux.HandleFunc("GET /.well-known/jwks.json", p.receiptKeys)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", p.readyz)
	mux.Handle("GET "+consolePath+"/", web.Console())
	mux.Handle("GET "+consolePath, http.RedirectHandler(consolePath+"/", http.StatusMovedPermanently))
	if development {
		mux.Handle("GET /graphiql/", web.GraphiQL())
		mux.Handle("GET "+trackingPath+"/", web.Page(trackingPath, tracking.Files, "dist"))
		mux.Handle("GET "+trackingPath, http.RedirectHandler(trackingPath+"/", http.StatusMovedPermanently))
		mux.Handle("GET /graphiql", http.RedirectHandler("/graphiql/", http.StatusMovedPermanently))
		mux.Handle("GET /{$}", http.RedirectHandler("/graphiql/", http.StatusFound))
		mux.HandleFunc("GET /dev/personas", ownHost(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, auth.Personas) }))
		mux.HandleFunc("POST /dev/personas/{name}", ownHost(p.signIn))
	}
	if strings.HasPrefix(cfg.PublicURL, "https://") {
		return strictTransport(mux), nil
	}
	return mux, nil
}

// strictTransport tells browsers to come by TLS alone from now on.
func strictTransport(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}

// ownHost keeps pages elsewhere, whose names were made to lead here, from
// signing in as a persona.
func ownHost(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !loopback(net.JoinHostPort(host, "0")) {
			http.NotFound(w, r)
			return
		}
		next(w, r)
	}
}

const personaTTL = 12 * time.Hour

func (p *server) signIn(w http.ResponseWriter, r *http.Request) {
	persona, err := auth.FindPersona(r.PathValue("name"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	token, expires, err := p.dev.Token(persona, nil, personaTTL)
	if err != nil {
		p.log.ErrorContext(r.Context(), "signing in a persona", "err", err)
		http.Error(w, "The token could not be signed.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, http.StatusOK, map[string]any{"token": token, "expiresAt": expires})
}

// readyz tells which part is not ready yet.
func (p *server) readyz(w http.ResponseWriter, r *http.Request) {
	body := map[string]string{"database": "ok"}
	status := http.StatusOK
	if err := p.store.Ping(r.Context()); err != nil {
		body["database"], status = "does not answer", http.StatusServiceUnavailable
	}
	text, done := p.replica.Progress()
	body["load"] = text
	if !done {
		status = http.StatusServiceUnavailable
	}
	for _, h := range p.sources.Health() {
		body["source "+h.Instance] = string(h.State) // for information: a source that is down stops no reads
	}
	answer(w, status, body)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// admin are metrics, profiles and recent traces, for this machine only.
func admin(log *slog.Logger, recent *telemetry.Recent) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(slices.Concat(sources.Metrics(), store.Metrics(), replica.Metrics(), purchasing.Metrics(), durable.Metrics(),
		watch.Metrics(), loaders.Metrics(), edge.Metrics())...)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics",
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}))
	if recent != nil {
		mux.Handle("GET /debug/traces", recent)
	}
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
