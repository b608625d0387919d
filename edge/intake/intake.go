// Package intake receives what source systems push: POST /webhooks/{source}.
package intake

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"portico/process/tracking"
	"portico/sources"
	"portico/telemetry"
	"portico/trade/operating"
)

const (
	mostPushed = 1 << 20 // bytes of one delivery
	mostAtOnce = 512     // deliveries that are being received
)

// Handler receives what source systems push. What is answered with 2xx is
// durable; what came before is answered so too, so that a sender that is in doubt can send it
// again. Errors are problems as RFC 9457 writes them.
func Handler(intake *tracking.Intake) http.HandlerFunc {
	room := make(chan struct{}, mostAtOnce)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			w.Header().Set("Retry-After", "1")
			problem(w, http.StatusServiceUnavailable, "Too many deliveries at once. Resend it later.")
			return
		}
		source := r.PathValue("source")
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostPushed))
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			if intake.Receives(source) {
				intake.Refuse(source, "it is larger than "+strconv.Itoa(mostPushed)+" bytes")
			}
			problem(w, http.StatusRequestEntityTooLarge,
				"A delivery must be at most "+strconv.Itoa(mostPushed)+" bytes: send what it says in several.")
			return
		}
		if err != nil {
			problem(w, http.StatusBadRequest, "The body could not be read.")
			return
		}
		ctx, span := telemetry.Span(telemetry.WithRequest(r.Context(), r.Header), "webhook", trace.SpanKindServer,
			attribute.Bool("known source", intake.Receives(source)))
		id, known, err := intake.Receive(ctx, source, r.Header, body)
		span.SetAttributes(attribute.String("delivery_id", id), attribute.Bool("known", known))
		telemetry.End(span, err, "not taken")
		switch {
		case errors.Is(err, tracking.ErrNoReceiver):
			problem(w, http.StatusNotFound, "There is no source of that name that pushes.")
		case sources.KindOf(err) == sources.Denied:
			denied, _ := errors.AsType[*sources.Error](err)
			problem(w, http.StatusUnauthorized, "Not taken: "+denied.Err.Error()+".")
		case err != nil:
			w.Header().Set("Retry-After", "5")
			problem(w, http.StatusServiceUnavailable, "It could not be stored. Resend it later.")
		case known:
			answer(w, http.StatusOK, id, operating.InboundDuplicate)
		default:
			answer(w, http.StatusAccepted, id, operating.InboundReceived)
		}
	}
}

// problem answers with a problem of RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}

func answer(w http.ResponseWriter, status int, id string, state operating.InboundState) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"delivery": id, "state": string(state)})
}
