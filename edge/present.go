package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"
)

// recovered logs a panic and makes an error of it.
func (s *server) recovered(ctx context.Context, panicked any) error {
	s.Log.ErrorContext(ctx, "panic in a field", "panic", panicked, "stack", string(debug.Stack()))
	return errors.New("panic")
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
