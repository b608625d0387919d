// Package loaded has databases that hold a company already, for the tests of flows.
package loaded

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"portico/process/processtest"
	"portico/process/replica"
	"portico/store"
	"portico/store/storetest"
)

// Database has loaded what the company of a [processtest.New] world has: a test that loads it itself takes most of its time for that.
var Database = storetest.NewTemplate(func(t *testing.T, st *store.Store) {
	now := time.Now //nolint:forbidigo // what is loaded now is as fresh as what a test loads
	r := replica.New(st, processtest.New(t).Set(t), now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx) }()
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	cancel()
	<-ended
})
