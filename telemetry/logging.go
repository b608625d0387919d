package telemetry

import (
	"context"
	"io"
	"log/slog"
)

// Keys are the facts that the log tells, the only ones: what is somebody's (names, addresses,
// prices, tokens, bodies) has no key, and a value under any other key is withheld.
var Keys = map[string]string{
	"admin": "URL of metrics", "attempt": "how often a step began", "code": "code of an end or a refusal", "delivery": "id of a delivery",
	"err": "what failed, in our words or the database's", "files": "names of configuration files", "folder": "folder on this machine",
	"graphql": "URL of the graph", "in": "when it is retried",
	"kept": "a number", "kind": "kind of operation, record or failure", "left": "a number", "most_percent": "a setting", "of": "a number",
	"operation_id": "id of an operation",
	"operations":   "a number", "orders": "a number", "panic": "what code panicked with", "path": "path of a field", "percent": "a number",
	"pid":     "process",
	"records": "a number", "rows": "a number", "signal": "what ended a process", "source": "name of a source", "stack": "where it panicked",
	"state": "state of an operation or delivery",
	"part":  "part of a server that runs in the background", "step": "name of a step", "subject": "what is being loaded",
	"task": "what is done repeatedly", "took": "a duration", "trace_id": "correlation id", "url": "URL of the sandbox",
	"values": "a number",
	"traces": "where traces are shown",
}

// NewLog writes a log as text, one line an entry, with the correlation id of what it is about.
func NewLog(w io.Writer) *slog.Logger {
	text := slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, slog.LevelKey, slog.MessageKey:
			return a
		}
		if _, known := Keys[a.Key]; !known || len(groups) > 0 {
			a.Value = slog.StringValue("(withheld)")
		}
		return a
	}})
	return slog.New(correlated{text})
}

// correlated adds the correlation id of what an entry is about.
type correlated struct{ slog.Handler }

func (c correlated) Handle(ctx context.Context, r slog.Record) error {
	of, ok := ctx.Value(requestKey{}).(request)
	first := !ok
	r.Attrs(func(a slog.Attr) bool { first = first || a.Key == "trace_id"; return !first })
	if !first {
		r.AddAttrs(slog.String("trace_id", of.correlation.String()))
	}
	return c.Handler.Handle(ctx, r)
}

func (c correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{c.Handler.WithAttrs(attrs)}
}

func (c correlated) WithGroup(name string) slog.Handler { return correlated{c.Handler.WithGroup(name)} }
