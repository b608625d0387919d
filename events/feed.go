package events

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"portico/trade/clock"
)

// Committing is the log of changes as this process writes it and hears of it.
type Committing interface {
	Log
	// Committed sets what is called when a transaction has committed that wrote into the log.
	Committed(call func())
	// NotifyOfChanges notifies other processes that there is something to read.
	NotifyOfChanges(ctx context.Context) error
	// ListenForChanges calls heard whenever another process notifies this one, until ctx ends or the
	// connection breaks.
	ListenForChanges(ctx context.Context, dsn string, notify func()) error
	// Lead runs fn while no other process runs one of that name.
	Lead(ctx context.Context, name string, fn func(ctx context.Context) error) (led bool, err error)
}

// Carrier carries the log to all processes, so that one of them reads it for all.
type Carrier interface {
	// Committed tells whoever relays that there is something to read.
	Committed() error
	// Relay carries the log from its end on, until ctx ends or it fails.
	Relay(ctx context.Context, of Log) error
	// Listen hands what is carried to a hub, until ctx ends.
	Listen(ctx context.Context, hub *Hub)
}

// Feed feeds a hub: it reads the log of changes, notifies other processes of what this one
// commits and hears of theirs.
type Feed struct {
	hub       *Hub
	of        Committing
	dsn       func() string
	carrier   Carrier // nil where processes notify each other by the database
	log       *slog.Logger
	committed chan struct{} // has room for one: this process has committed changes
}

const (
	notifyAtMost = 5 * time.Millisecond // the least time between two notices of one process
	connectEvery = time.Second
)

// NewFeed makes the feed of a hub; carrier is nil where processes notify each other by the
// database. It is called before the first write.
func NewFeed(hub *Hub, of Committing, dsn func() string, carrier Carrier, log *slog.Logger) *Feed {
	f := &Feed{hub, of, dsn, carrier, log, make(chan struct{}, 1)}
	of.Committed(func() {
		if !hub.Offered() {
			hub.Wake()
		}
		select {
		case f.committed <- struct{}{}:
		default:
		}
	})
	return f
}

// Run does all of it until ctx ends.
func (f *Feed) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { f.notify(ctx) })
	all.Go(func() { f.hear(ctx) })
	if f.carrier != nil {
		all.Go(func() { f.relay(ctx) })
		all.Go(func() { f.carrier.Listen(ctx, f.hub) })
	}
	f.hub.Run(ctx, f.of, f.log)
	all.Wait()
}

// relay carries the log of changes to all processes while no other one does.
func (f *Feed) relay(ctx context.Context) {
	loop := clock.Loop{Task: "relay of the log of changes", Every: connectEvery, Log: f.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		_, err := f.of.Lead(ctx, "the log of changes", func(ctx context.Context) error { return f.carrier.Relay(ctx, f.of) })
		return err
	}))
}

// notify notifies other processes, once for all that was committed in between. Where it fails
// they read the log by themselves.
func (f *Feed) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.committed:
		}
		if f.carrier == nil || !f.hub.Offered() || f.carrier.Committed() != nil {
			if err := f.of.NotifyOfChanges(ctx); err != nil && ctx.Err() == nil {
				f.log.DebugContext(ctx, "other processes are not notified of changes: they read the log by themselves", "err", err)
			}
		}
		if clock.Pause(ctx, notifyAtMost) != nil {
			return
		}
	}
}

// hear wakes the hub when other processes commit.
func (f *Feed) hear(ctx context.Context) {
	for {
		if err := f.of.ListenForChanges(ctx, f.dsn(), f.hub.Wake); err != nil && ctx.Err() == nil {
			f.log.DebugContext(ctx, "changes of other processes are not heard of: they are looked for", "err", err)
		}
		if clock.Pause(ctx, connectEvery) != nil {
			return
		}
	}
}
