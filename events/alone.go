package events

import (
	"context"

	"portico/trade"
)

// Alone is one change that a stream is opened for, by who keeps no connection: the stream tells
// of it as it would have, and ends. Without a change it tells that there is nothing to tell yet.
type Alone struct {
	Change *trade.Change
	At     trade.Place
}

type aloneKey struct{}

// WithAlone has streams that are opened in ctx tell of one change alone.
func WithAlone(ctx context.Context, a Alone) context.Context {
	return context.WithValue(ctx, aloneKey{}, a)
}

// AloneOf is the one change that streams in ctx tell of.
func AloneOf(ctx context.Context) (a Alone, ok bool) {
	a, ok = ctx.Value(aloneKey{}).(Alone)
	return a, ok
}
