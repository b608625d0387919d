package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"portico/edge/auth"
	"portico/edge/guard"
	"portico/graph/execution"
	"portico/graph/governance"
	"portico/resolvers/loaders"
	"portico/trade"
)

var streams = prometheus.NewGauge(prometheus.GaugeOpts{Name: "portico_edge_streams", Help: "Open WebSocket and SSE connections."})

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector {
	return []prometheus.Collector{streams, shed, operationSeconds, refusedTotal, rootFields}
}

// Options are what the GraphQL handler runs on.
type Options struct {
	Bindings  *execution.Bindings
	Scalars   map[string]guard.Scalar // read what clients write
	EntityKey func(representation map[string]any) (name, value string, ok bool)
	Auth      *auth.Authenticator
	Loaders   loaders.Shared
	Tickets   Tickets
	Budgets   Budgets
	Known     *guard.Known
	Use       *governance.Counter // of what clients ask for
	KnownOnly []trade.Role        // roles whose callers may send documents of their client's manifest alone
	BrownOuts []BrownOut
	Refusals  *Refusals // of requests, for alerts
	Log       *slog.Logger
	Origins   Origins          // of pages that may open WebSockets
	Authority string           // of our URL, as signatures of requests cover it (RFC 9421, section 2.2.3)
	Away      func(error) bool // whether an error says that the database does not serve us now: a retry helps
	Stopping  context.Context  // its end tells streams to connect elsewhere
}

// server runs operations, however they come in: accept makes one of a request,
// or tells why not, and run or stream answers it.
type server struct {
	Options
	schema  *execution.Executor
	guard   *guard.Guard
	load    *load
	sharing sharing
	sunset  *goneSoon
}

// Serving is how operations are answered.
type Serving struct {
	// GraphQL answers them over POST, GET, WebSocket and SSE.
	GraphQL http.Handler
	// Ticket gives the tickets with which browsers sign in to SSE.
	Ticket http.Handler
	// Render answers the first event of a subscription of our own, for the caller in ctx.
	Render func(ctx context.Context, document string, variables map[string]any) (*Rendered, error)
}

// GraphQL serves operations.
func GraphQL(o Options) (*Serving, error) {
	boundEntities(o.Bindings, o.EntityKey)
	guardIntrospection(o.Bindings)
	schema, err := execution.New(o.Bindings)
	if err != nil {
		return nil, err
	}
	schema.Rights = newRights(o.Bindings.Schema)
	documents, err := guard.New(o.Bindings.Schema, guard.Default, o.Scalars)
	if err != nil {
		return nil, err
	}
	s := &server{Options: o, schema: schema, guard: documents, load: newLoad(), sunset: newGoneSoon(o.Bindings.Schema, o.BrownOuts)}
	return &Serving{s, http.HandlerFunc(s.ticket), s.render}, nil
}

// ServeHTTP answers by whichever way a client chose. What panics here is a
// mistake of ours, and no more of the answer than its status is known.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() { //nolint:contextcheck // it ends with the request
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // net/http panics with this very value
			s.Log.ErrorContext(r.Context(), "panic in a request", "panic", p, "stack", string(debug.Stack()))
			refuse(w, http.StatusInternalServerError, "INTERNAL", "internal error")
		}
	}()
	if len(r.Header["Authorization"]) == 0 {
		r = addressed(r)
	}
	switch {
	case len(r.Header["Upgrade"]) > 0:
		s.websocket(w, r)
	case len(r.Header["Accept"]) > 0 && wanted(r.Header["Accept"], eventStream).exactly:
		s.sse(w, r)
	default:
		s.http(w, r)
	}
}

// SignIn authenticates the bearer of a request. A request without a token goes
// on as nobody's; one with a token that is not accepted ends here.
func SignIn(a *auth.Authenticator, log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, given := bearer(r.Header.Get("Authorization"))
		if !given {
			next.ServeHTTP(w, r)
			return
		}
		caller, err := a.Authenticate(r.Context(), token)
		switch {
		case errors.Is(err, auth.ErrToken):
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "The token is not accepted. Sign in again.")
		case err != nil:
			log.ErrorContext(r.Context(), "sign-in failed", "err", err)
			w.Header().Set("Retry-After", "5")
			refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "Sign-in is not possible at the moment. Retry soon.")
		default:
			next.ServeHTTP(w, r.WithContext(auth.WithCaller(r.Context(), caller)))
		}
	})
}

func bearer(header string) (token string, given bool) {
	scheme, token, _ := strings.Cut(header, " ")
	if header == "" {
		return "", false
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}
	return strings.TrimSpace(token), true
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"errors":[{"message":"` + message + `","extensions":{"code":"` + code + `"}}]}`))
}
