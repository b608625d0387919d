// Package events tells what has changed to who follows it: it reads the log of changes in
// its order and hands each change to the streams of this process that may see it.
package events

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"portico/trade"
	"portico/trade/clock"
)

// Log is where changes are read from.
type Log interface {
	// LogEnd is the place up to which all changes are settled now.
	LogEnd(ctx context.Context) (trade.Place, error)
	// Changes reads the log after a place, in order, at most limit.
	Changes(ctx context.Context, from trade.Place, limit int) ([]trade.Change, error)
	// LogWaits tells whether there are changes after a place that cannot be read yet.
	LogWaits(ctx context.Context, from trade.Place) (bool, error)
}

const (
	readAtOnce  = 2000
	lookAlways  = 500 * time.Millisecond // whatever nobody has told
	pollPause   = 2 * time.Millisecond   // for what cannot be read yet; twice as long each time
	lookSlowest = 100 * time.Millisecond
	lookAnyway  = 5 * time.Second // where changes are offered
	offersEnd   = 3 * time.Second // without any, and they are looked for again
	mostPending = 10_000          // changes that a follower has not taken
)

// Hub hands the changes of the log to those who follow, from a place that all of them have
// in common.
type Hub struct {
	wake    chan struct{}
	woken   atomic.Bool // since it was looked at last
	started chan struct{}

	mu          sync.Mutex
	place       trade.Place // up to which all have been told
	offered     time.Time   // when somebody offered changes last
	subscribers map[*subscriber]bool
}

// New makes a hub.
func New() *Hub {
	return &Hub{wake: make(chan struct{}, 1), started: make(chan struct{}), subscribers: map[*subscriber]bool{}}
}

// Wake tells that there may be something to read. It waits for nobody.
func (h *Hub) Wake() {
	h.woken.Store(true)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Offer tells of changes of the log that somebody else has read: all that come after a place,
// in order, or none, by which they say that there are none. What is missing before them is
// read from the log.
func (h *Hub) Offer(after trade.Place, changes []trade.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.offered = time.Now()
	if h.place.Before(after) {
		h.Wake()
		return
	}
	h.deliver(changes)
}

// Offered tells whether changes are offered, so that nobody needs to look for them.
func (h *Hub) Offered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.offered) < offersEnd
}

// Run reads the log until ctx ends. While it cannot be read nothing is told, and nothing is
// lost.
func (h *Hub) Run(ctx context.Context, of Log, log *slog.Logger) {
	begun, looked := false, time.Time{}
	loop := clock.Loop{Task: "log of changes", Every: lookAlways, Wake: h.wake, Log: log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		woken := h.woken.Swap(false)
		if !begun {
			end, err := of.LogEnd(ctx)
			if err != nil {
				return err
			}
			begun = true
			h.begin(end)
		}
		if !woken && h.Offered() && time.Since(looked) <= lookAnyway {
			return nil
		}
		looked = time.Now()
		return h.read(ctx, of)
	}))
}

func (h *Hub) begin(at trade.Place) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.place = at
	close(h.started)
}

// read tells what there is, until nothing waits any more.
func (h *Hub) read(ctx context.Context, of Log) error {
	for pause := pollPause; ; pause = min(2*pause, lookSlowest) {
		changes, err := of.Changes(ctx, h.at(), readAtOnce)
		if err != nil {
			return err
		}
		h.mu.Lock()
		h.deliver(changes)
		h.mu.Unlock()
		if len(changes) == readAtOnce {
			continue
		}
		waits, err := of.LogWaits(ctx, h.at())
		if err != nil || !waits {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (h *Hub) at() trade.Place {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.place
}

// deliver tells of changes, but for those that were told: they may come twice, as they are read
// and as they are offered.
func (h *Hub) deliver(changes []trade.Change) {
	for len(changes) > 0 && !h.place.Before(changes[0].Place) {
		changes = changes[1:]
	}
	if len(changes) == 0 {
		return
	}
	h.place = changes[len(changes)-1].Place
	for f := range h.subscribers {
		for i := range changes {
			if f.keep(&changes[i]) {
				f.add(&changes[i])
			}
		}
	}
}

// subscriber is one that follows changes, and those it has not taken yet.
type subscriber struct {
	keep    func(*trade.Change) bool
	wake    chan struct{} // has room for one: there is something to take
	mu      sync.Mutex
	pending []trade.Change
	lost    bool
}

func (f *subscriber) add(c *trade.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.pending) == mostPending {
		f.lost = true
	}
	if !f.lost {
		f.pending = append(f.pending, *c)
	}
	f.retry()
}

// retry has what is to be taken looked at once more.
func (f *subscriber) retry() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *subscriber) take() ([]trade.Change, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := f.pending
	f.pending = nil
	return changes, f.lost
}

// Subscription is a way to take changes as they are told.
type Subscription struct {
	// From is the place after which they are told. What is before it is read from the log by
	// whoever wants it, so that nothing is missed and nothing told twice.
	From  trade.Place
	f     *subscriber
	taken []trade.Change
}

// Subscribe has the changes told that keep wants, in order, until ctx ends.
func (h *Hub) Subscribe(ctx context.Context, keep func(*trade.Change) bool) (*Subscription, error) {
	select {
	case <-h.started:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f := &subscriber{keep: keep, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[f] = true
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subscribers, f)
	})
	return &Subscription{From: h.place, f: f}, nil
}

// Next waits for the next change. ok is false when ctx ends, and where whoever takes them is
// so slow that changes were dropped: it goes on from the last that it has.
func (l *Subscription) Next(ctx context.Context) (c trade.Change, ok bool) {
	for len(l.taken) == 0 {
		select {
		case <-ctx.Done():
			return c, false
		case <-l.f.wake:
		}
		changes, lost := l.f.take()
		if l.taken = changes; lost && len(changes) == 0 {
			return c, false
		}
		if lost { // what is kept is told first
			l.f.retry()
		}
	}
	c, l.taken = l.taken[0], l.taken[1:]
	return c, true
}
