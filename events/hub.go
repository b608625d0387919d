// Package events hands what has changed to who follows it: the hub feeds the
// subscriptions of this process.
package events

import (
	"context"
	"sync"

	"portico/trade"
)

// maxPending is how many shipments may have changed since a follower last read.
const maxPending = 1000

// Hub hands out changes of shipments. Its zero value is ready.
type Hub struct {
	mu        sync.Mutex
	followers map[*follower]bool
}

// follower is one that follows changes, and those it has not read yet. What
// changes twice in between is told once, as it is now.
type follower struct {
	keep    func(*trade.ShipmentChange) bool
	wake    chan struct{} // has room for one: there is something to read
	mu      sync.Mutex
	pending []trade.ShipmentChange
	places  map[string]int // in pending, by shipment
	lost    bool
}

// Listening tells whether anybody follows.
func (h *Hub) Listening() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.followers) > 0
}

// Publish hands changes that are committed to all that follow. It waits for
// nobody.
func (h *Hub) Publish(changes []trade.ShipmentChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.followers {
		for i := range changes {
			if f.keep(&changes[i]) {
				f.add(changes[i])
			}
		}
	}
}

func (f *follower) add(c trade.ShipmentChange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, twice := f.places[c.ShipmentID]; twice {
		c.PreviousStatus = f.pending[at].PreviousStatus
		f.pending[at] = c
		return
	}
	if len(f.pending) == maxPending {
		f.lost = true
		return
	}
	f.places[c.ShipmentID] = len(f.pending)
	f.pending = append(f.pending, c)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take are the changes not read yet, and whether there were more than are kept.
func (f *follower) take() ([]trade.ShipmentChange, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := f.pending
	f.pending = nil
	clear(f.places)
	return changes, f.lost
}

// Follow hands out, in order, the changes from now on that keep wants, until
// ctx ends. The channel is closed before that when its reader is so slow that
// changes were lost: whoever reads must then ask for the state anew.
func (h *Hub) Follow(ctx context.Context, keep func(*trade.ShipmentChange) bool) <-chan trade.ShipmentChange {
	f := &follower{keep: keep, wake: make(chan struct{}, 1), places: map[string]int{}}
	h.mu.Lock()
	if h.followers == nil {
		h.followers = map[*follower]bool{}
	}
	h.followers[f] = true
	h.mu.Unlock()
	out := make(chan trade.ShipmentChange)
	go func() {
		defer close(out)
		defer func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			delete(h.followers, f)
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-f.wake:
			}
			changes, lost := f.take()
			for _, c := range changes {
				select {
				case out <- c:
				case <-ctx.Done():
					return
				}
			}
			if lost {
				return
			}
		}
	}()
	return out
}
