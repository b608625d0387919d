package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"portico/auth"
	"portico/execution"
	"portico/loaders"
	"portico/telemetry"
)

// Options are what the GraphQL handler runs on.
type Options struct {
	Bindings      *execution.Bindings
	Auth          *auth.Authenticator
	Loaders       loaders.Shared
	Log           *slog.Logger
	Introspection bool
}

const (
	keptDocuments    = 1000
	maxTokens        = 3000
	operationTimeout = 10 * time.Second
	pingInterval     = 20 * time.Second
	initTimeout      = 10 * time.Second
)

// server runs operations, however they come in: accept makes one of a request,
// or tells why not, and run answers it.
type server struct {
	Options
	schema  *execution.Executor
	parsing *executor.Executor // parses, validates and keeps documents
}

var _ graphql.GraphExecutor = (*server)(nil)

// GraphQL serves operations over POST, GET, WebSocket and SSE.
func GraphQL(o Options) (http.Handler, error) {
	schema, err := execution.New(o.Bindings)
	if err != nil {
		return nil, err
	}
	schema.Rights = newRights(o.Bindings.Schema)
	schema.Report = report
	s := &server{Options: o, schema: schema, parsing: executor.New(schema)}
	s.parsing.SetQueryCache(lru.New[*ast.QueryDocument](keptDocuments))
	s.parsing.SetParserTokenLimit(maxTokens)
	s.parsing.SetDisableSuggestion(true)
	streams := []graphql.Transport{
		transport.Websocket{
			PingPongInterval: pingInterval, InitTimeout: initTimeout,
			InitFunc: func(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
				token, given := bearer(payload.Authorization())
				if !given {
					return ctx, nil, nil
				}
				caller, err := o.Auth.Authenticate(ctx, token)
				if err != nil {
					return ctx, nil, auth.ErrToken
				}
				return auth.WithCaller(ctx, caller), nil, nil
			},
		}, transport.SSE{},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Upgrade"]) > 0 || strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			for _, t := range streams {
				if t.Supports(r) {
					t.Do(w, r, s)
					return
				}
			}
		}
		s.http(w, r)
	}), nil
}

// started is a context with what gqlgen wants of one that it parses under: the
// moment of the request, which is nowhere told.
var started = graphql.StartOperationTrace(context.Background())

// accept makes an operation of a request, or tells why it is none.
func (s *server) accept(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op, errs := s.parsing.CreateOperationContext(started, params)
	op.DisableIntrospection = !s.Introspection
	op.RecoverFunc, op.ResolverMiddleware = s.recovered, nil
	if trace.SpanFromContext(ctx).IsRecording() {
		op.ResolverMiddleware = traced
	}
	return op, errs
}

// run answers a query or mutation, under its deadline and with loaders of its
// own.
func (s *server) run(ctx context.Context, op *graphql.OperationContext) *graphql.Response {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	if wanted, _ := op.Extensions[statistics].(bool); wanted {
		var tally *telemetry.Tally
		ctx, tally = telemetry.WithTally(ctx)
		ctx = context.WithValue(ctx, tallyKey{}, tally)
	}
	ctx = graphql.WithOperationContext(ctx, op)
	ctx = loaders.With(ctx, loaders.New(s.Loaders, auth.CallerOf(ctx).Scope))
	ctx = graphql.WithResponseContext(ctx, s.present, s.recovered)
	response := s.schema.Answer(ctx)
	response.Errors = append(response.Errors, graphql.GetErrors(ctx)...)
	response.Extensions = graphql.GetExtensions(ctx)
	return response
}

// CreateOperationContext is accept, for gqlgen's transports.
func (s *server) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	return s.accept(ctx, params)
}

// DispatchOperation is run, for gqlgen's transports.
func (s *server) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	return graphql.OneShot(s.run(ctx, op)), ctx
}

// DispatchError answers a request that does not run, for gqlgen's transports.
func (s *server) DispatchError(ctx context.Context, errs gqlerror.List) *graphql.Response {
	return s.failed(ctx, nil, errs)
}

// recovered logs a panic and makes an error of it.
func (s *server) recovered(ctx context.Context, panicked any) error {
	s.Log.ErrorContext(ctx, "panic in a field", "panic", panicked, "stack", string(debug.Stack()))
	return errors.New("panic")
}

var tracer = otel.Tracer("portico/edge")

// traced makes a span of each call of a resolver, which serves a whole level,
// in requests whose trace is recorded. Spans carry no arguments: they may be
// anybody's data.
func traced(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	ctx, span := tracer.Start(ctx, field.Object+"."+field.Field.Name)
	defer span.End()
	result, err := next(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "field failed")
	}
	return result, err
}

// statistics is the extension of a request that asks what it took, and the one
// of the answer that tells.
const statistics = "statistics"

type tallyKey struct{}

// report tells who asked for it what an operation took, and everybody how many
// errors there were besides those listed.
func report(ctx context.Context, s execution.Statistics) {
	if s.Errors > 0 {
		graphql.RegisterExtension(ctx, "errorsOmitted", s.Errors)
	}
	if tally, ok := ctx.Value(tallyKey{}).(*telemetry.Tally); ok {
		graphql.RegisterExtension(ctx, statistics, map[string]int64{
			"resolverCalls": int64(s.Calls), "callsSaved": int64(s.Saved),
			"statements": tally.Statements.Load(), "sourceCalls": tally.SourceCalls.Load(),
		})
	}
}

// present tells a caller what a typed error says, and of every other only that
// it is ours, with the id under which it is in the log.
func (s *server) present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	typed, ok := errors.AsType[*gqlerror.Error](err)
	if ok && typed.Err == nil {
		return shown
	}
	id := traceID(ctx)
	code, message := "INTERNAL", "internal error"
	if errors.Is(err, context.DeadlineExceeded) {
		code, message = "TIMEOUT", "The operation took too long. Ask for less at a time."
	}
	if !errors.Is(err, context.Canceled) {
		s.Log.ErrorContext(ctx, "field failed", "path", shown.Path.String(), "trace_id", id, "err", err)
	}
	return &gqlerror.Error{
		Message: message, Path: shown.Path, Locations: shown.Locations, Extensions: map[string]any{"code": code, "traceId": id},
	}
}

// traceID is the id under which a failure is found in the log and, where
// traces are on, in them.
func traceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	var id trace.TraceID
	_, _ = rand.Read(id[:])
	return id.String()
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
			refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "Sign-in is not possible at the moment. Try again soon.")
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
