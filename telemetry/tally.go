// Package telemetry is how the layers say what they do.
package telemetry

import (
	"context"
	"sync/atomic"
)

// Tally counts what one operation costs, wherever it is spent.
type Tally struct{ Statements, SourceCalls atomic.Int64 }

type tallyKey struct{}

// WithTally makes what is done under ctx count in t.
func WithTally(ctx context.Context, t *Tally) context.Context {
	return context.WithValue(ctx, tallyKey{}, t)
}

// Statement counts a statement sent to the database.
func Statement(ctx context.Context) {
	if t, ok := ctx.Value(tallyKey{}).(*Tally); ok {
		t.Statements.Add(1)
	}
}

// SourceCall counts a call to a source, retries included.
func SourceCall(ctx context.Context) {
	if t, ok := ctx.Value(tallyKey{}).(*Tally); ok {
		t.SourceCalls.Add(1)
	}
}
