package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

type requestKey struct{}

type request struct {
	correlation string
	wait        *time.Duration
}

var (
	traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}`)
	noTrace     = strings.Repeat("0", 32)
)

// WithRequest keeps what a request's headers say of how it is followed: the trace id
// of traceparent (W3C Trace Context), and how long its answer may wait (Prefer:
// wait=N, RFC 7240).
func WithRequest(ctx context.Context, h http.Header) context.Context {
	r := request{}
	if m := traceparent.FindStringSubmatch(h.Get("traceparent")); m != nil && m[1] != noTrace {
		r.correlation = m[1]
	}
	for _, line := range h.Values("Prefer") {
		for _, p := range strings.Split(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil && strings.EqualFold(name, "wait") && r.wait == nil {
				wait := time.Duration(n) * time.Second
				r.wait = &wait
			}
		}
	}
	return context.WithValue(ctx, requestKey{}, r)
}

// WithCorrelation is a context under the correlation id of a request that came before, as
// when its work is taken up again from a queue.
func WithCorrelation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, request{correlation: id})
}

// Traceparent is what a call tells of the trace that it is part of (W3C Trace Context),
// as a span of its own; empty where it is part of none.
func Traceparent(ctx context.Context) string {
	r, _ := ctx.Value(requestKey{}).(request)
	if len(r.correlation) != len(noTrace) {
		return ""
	}
	span := make([]byte, 8)
	_, _ = rand.Read(span)
	return "00-" + r.correlation + "-" + hex.EncodeToString(span) + "-01"
}

// CorrelationID is the trace id of the request under ctx, or a new one.
func CorrelationID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(request); ok && r.correlation != "" {
		return r.correlation
	}
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// Wait is how long the request under ctx lets its answer wait: what it says, but at
// most so long.
func Wait(ctx context.Context, most time.Duration) time.Duration {
	if r, ok := ctx.Value(requestKey{}).(request); ok && r.wait != nil {
		return min(*r.wait, most)
	}
	return most
}
