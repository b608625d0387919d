package edge

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"portico/edge/auth"
)

// GraphQL over server-sent events, as the distinct connections mode of
// https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md says: one
// operation a request, by POST or GET.

const (
	eventStream = "text/event-stream"
	keepAlive   = 12 * time.Second
)

// events is one stream: its answers and its signs of life are written by two.
type events struct {
	w          http.ResponseWriter
	connection *http.ResponseController
	mu         sync.Mutex
	failed     error
	ended      atomic.Bool
}

// end ends a write that is under way, and whatever would be written after it.
func (e *events) end() {
	e.ended.Store(true)
	_ = e.connection.SetWriteDeadline(time.Now())
}

// write writes whole events, within their time.
func (e *events) write(b []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed != nil {
		return e.failed
	}
	_ = e.connection.SetWriteDeadline(time.Now().Add(writeTimeout))
	if e.ended.Load() { // it ended between the two
		_ = e.connection.SetWriteDeadline(time.Now())
	}
	if _, e.failed = e.w.Write(b); e.failed == nil {
		e.failed = e.connection.Flush()
	}
	return e.failed
}

func (s *server) sse(w http.ResponseWriter, r *http.Request) {
	params, no := s.params(w, r)
	if no != nil {
		s.refuse(w, r, plainJSON, *no)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ctx, ok := s.ticketed(ctx, w, r, params)
	if !ok {
		return
	}
	ctx, tracedRequest := s.trace(ctx, w.Header(), r.Header)
	op, errs := s.accept(ctx, params)
	if errs != nil {
		tracedRequest.refused(ctx, errs)
		s.answer(w, r, plainJSON, refusedAs(w, errs, http.StatusBadRequest), s.failed(ctx, errs))
		return
	}
	if r.Method == http.MethodGet && op.mutation() {
		tracedRequest.refused(ctx, nil)
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, r, plainJSON, refusal{
			http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED",
			"GET is for queries and subscriptions. Send mutations by POST.",
		})
		return
	}
	next, failed := s.events(ctx, op, tracedRequest)
	if failed != nil {
		s.answer(w, r, plainJSON, http.StatusBadRequest, failed)
		return
	}
	streams.Inc()
	defer streams.Dec()
	e := &events{w: w, connection: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"], h["Vary"] = noSniff, vary
	h.Set("X-Accel-Buffering", "no") // proxies that gather answers would keep events back
	w.WriteHeader(http.StatusOK)
	if e.write([]byte(":\n\n")) != nil {
		return
	}
	defer func() { _ = e.connection.SetWriteDeadline(time.Time{}) }() // the connection may serve more requests
	var alive sync.WaitGroup
	defer alive.Wait()
	defer cancel()
	alive.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(keepAlive):
				if e.write([]byte(":\n\n")) != nil {
					cancel()
					return
				}
			}
		}
	})
	// Whatever ends the stream must also end a write to who does not read.
	lasting := ctx
	if caller := auth.CallerOf(ctx); caller.Principal != nil {
		lasting = s.Auth.Hold(ctx, caller)
	}
	for _, until := range []context.Context{lasting, s.Stopping} {
		stop := context.AfterFunc(until, func() { //nolint:contextcheck // it ends with the server
			cancel()
			e.end()
		})
		defer stop()
	}
	var b []byte
	for a := next(); a != nil; a = next() {
		b = append(a.append(append(b[:0], "event: next\ndata: "...)), "\n\n"...)
		a.recycle()
		if e.write(b) != nil {
			return
		}
	}
	if ctx.Err() == nil {
		_ = e.write([]byte("event: complete\ndata:\n\n"))
	}
}

// events are an operation's answers: those of a subscription, or the one of any
// other.
func (s *server) events(ctx context.Context, op *operation, f tracedRequest) (next func() *answer, failed *answer) {
	if op.subscription() {
		return s.opened(ctx, op, f)
	}
	done := false
	return func() *answer {
		if done {
			return nil
		}
		done = true
		a := s.run(ctx, op)
		f.answered(ctx, string(op.Operation.Operation), op, a)
		return a
	}, nil
}
