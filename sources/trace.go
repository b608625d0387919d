package sources

import (
	"context"
	"net/http"

	"portico/telemetry"
)

// Trace tells a system in a call's headers which trace the call is part of (W3C Trace
// Context), so that its own log can be followed from the portal's click.
func Trace(ctx context.Context, h http.Header) {
	if parent := telemetry.Traceparent(ctx); parent != "" {
		h.Set("Traceparent", parent)
	}
}
