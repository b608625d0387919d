// Package events hands what has changed to who follows it: the hub feeds the
// subscriptions of this process.
package events

import (
	"context"
	"sync"

	"portico/trade"
)

// maxPending is how many subjects may have changed since a follower last read.
const maxPending = 1000

// Hub hands out what this process commits. Its zero value is ready.
type Hub struct {
	OfShipments  Topic[trade.ShipmentChange]
	OfOperations Topic[trade.OperationChange]
}

// Listening tells whether anybody follows anything.
func (h *Hub) Listening() bool { return h.OfShipments.listening() || h.OfOperations.listening() }

// Shipments hands out changes of shipments.
func (h *Hub) Shipments(changes []trade.ShipmentChange) { h.OfShipments.Publish(changes) }

// Operations hands out changes of operations.
func (h *Hub) Operations(changes []trade.OperationChange) { h.OfOperations.Publish(changes) }

// Change is a change of a subject; After is this one told in one with an earlier one.
type Change[C any] interface {
	SubjectID() string
	After(earlier C) C
}

// Topic hands out changes of one kind. Its zero value is ready.
type Topic[C Change[C]] struct {
	mu        sync.Mutex
	followers map[*follower[C]]bool
}

// follower is one that follows changes, and those it has not read yet. What
// changes twice in between is told once, as it is now.
type follower[C Change[C]] struct {
	keep    func(*C) bool
	wake    chan struct{} // has room for one: there is something to read
	mu      sync.Mutex
	pending []C
	places  map[string]int // in pending, by subject
	lost    bool
}

func (h *Topic[C]) listening() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.followers) > 0
}

// Publish hands changes that are committed to all that follow. It waits for
// nobody.
func (h *Topic[C]) Publish(changes []C) {
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

func (f *follower[C]) add(c C) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, twice := f.places[c.SubjectID()]; twice {
		f.pending[at] = c.After(f.pending[at])
		return
	}
	if len(f.pending) == maxPending {
		f.lost = true
		return
	}
	f.places[c.SubjectID()] = len(f.pending)
	f.pending = append(f.pending, c)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take are the changes not read yet, and whether there were more than are kept.
func (f *follower[C]) take() ([]C, bool) {
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
func (h *Topic[C]) Follow(ctx context.Context, keep func(*C) bool) <-chan C {
	f := &follower[C]{keep: keep, wake: make(chan struct{}, 1), places: map[string]int{}}
	h.mu.Lock()
	if h.followers == nil {
		h.followers = map[*follower[C]]bool{}
	}
	h.followers[f] = true
	h.mu.Unlock()
	out := make(chan C)
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
