package edge

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/telemetry"
)

// recovered logs a panic and makes an error of it.
func (s *server) recovered(ctx context.Context, panicked any) error {
	s.Log.ErrorContext(ctx, "panic in a field", "panic", panicked, "stack", string(debug.Stack()))
	return errors.New("panic")
}

// Codes of failures that are ours.
const (
	internal = "INTERNAL"
	timedOut = "TIMEOUT"
	away     = "UNAVAILABLE"
)

// present tells a caller what a typed error says, and of every other only that
// it is ours, with the correlation id, under which it is in the log and in traces.
func (s *server) present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	typed, ok := errors.AsType[*gqlerror.Error](err)
	if ok && typed.Err == nil {
		return shown
	}
	id := telemetry.CorrelationID(ctx)
	code, message := internal, "internal error"
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		code, message = timedOut, "The operation took too long. Ask for less at a time."
	case s.Away(err):
		code, message = away, "The database does not answer at the moment. Retry soon."
	}
	if !errors.Is(err, context.Canceled) {
		s.Log.ErrorContext(ctx, "field failed", "path", shown.Path.String(), "trace_id", id, "err", err)
	}
	return &gqlerror.Error{
		Message: message, Path: shown.Path, Locations: shown.Locations, Extensions: map[string]any{"code": code, "traceId": id},
	}
}
