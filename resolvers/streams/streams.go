// Package streams delivers changes to one subscriber: what it missed since a cursor, that this is all of it, and
// then what happens.
package streams

import (
	"context"
	"errors"
	"time"

	"portico/events"
	"portico/graph/execution"
	"portico/store"
	"portico/store/operating"
	"portico/trade"
)

// Feed is where changes come from, and who is to see them.
type Feed struct {
	Hub     *events.Hub
	Cursors *events.Cursors
	Store   *store.Store
	Scope   trade.Scope
}

// Subscription is what a subscriber asks for, and how it is delivered. I are the items of the stream: updates,
// [trade.StreamCaughtUp] and [trade.StreamGap].
type Subscription[I any] struct {
	Topic   trade.Topic
	After   *string // the cursor to go on from
	Requery string  // the list that has what a gap hides
	Keep    func(scope trade.Scope, c *trade.Change) bool
	Update  func(u trade.Update) I
	// Wanted is asked besides, where there is one, of what has to be read to know it.
	Wanted func(ctx context.Context, scope trade.Scope, c *trade.Change) (bool, error)
}

// ErrCursor tells that a cursor is none of the stream's that the caller was given.
var ErrCursor = errors.New("after is no cursor of this stream that this caller was given: leave it out, and query the current state")

// replayAtOnce is how many missed changes are read at a time.
const replayAtOnce = 500

// Subscribe delivers what was missed since the cursor, that this is all of it, and then what
// happens. A stream ends by itself only when it cannot go on, or its reader is too slow: it
// is resumed from the last cursor then. It fails with [ErrCursor].
func Subscribe[I any](ctx context.Context, from Feed, to Subscription[I]) (<-chan I, error) {
	s := &stream[I]{Subscription: to, Feed: from}
	if to.After != nil {
		place, ok := from.Cursors.Open(to.Topic, from.Scope, *to.After)
		if !ok {
			return nil, ErrCursor
		}
		s.since = &place
	}
	if pushAlone, ok := events.AloneOf(ctx); ok {
		s.pushAlone(pushAlone)
		return execution.Pull(ctx, s.next), nil
	}
	var err error
	if s.live, err = from.Hub.Subscribe(ctx, s.wants); err != nil {
		return nil, err
	}
	s.at, s.phase = s.live.From, catching
	if s.since != nil {
		s.phase = resuming
	}
	return execution.Pull(ctx, s.next), nil
}

// stream is what one subscriber is delivered next, and what comes after that.
type stream[I any] struct {
	Subscription[I]
	Feed

	live  *events.Subscription
	since *trade.Place

	phase     phase
	at        trade.Place // up to which it was told
	ready     []I
	delivered int // of what was missed
}

// phase is how far a stream is.
type phase int

const (
	over     phase = iota // nothing comes any more
	resuming              // it is to be found out whether what was missed is there still
	missing               // what was missed is told
	catching              // it is to be told that this was all
	living                // what happens is told
)

// next is what is told next. It waits until there is something to tell.
func (s *stream[I]) next(ctx context.Context) (item I, ok bool) {
	for len(s.ready) == 0 {
		var err error
		switch s.phase {
		case over:
			return item, false
		case resuming:
			err = s.resume(ctx)
		case missing:
			err = s.miss(ctx)
		case catching:
			s.push(&trade.StreamCaughtUp{Cursor: s.cursor(s.at), At: time.Now().UTC(), Replayed: s.delivered})
			s.phase = living
		case living:
			c, ok := s.live.Next(ctx)
			if !ok {
				return item, false
			}
			if s.at.Before(c.Place) { // another process may have told of it before the stream was resumed here
				err = s.update(ctx, &c)
			}
		}
		if err != nil { // it is resumed from the last cursor
			return item, false
		}
	}
	item, s.ready = s.ready[0], s.ready[1:]
	return item, true
}

func (s *stream[I]) wants(c *trade.Change) bool { return c.Topic == s.Topic && s.Keep(s.Scope, c) }

func (s *stream[I]) cursor(p trade.Place) string { return s.Cursors.Sign(s.Topic, s.Scope, p) }

func (s *stream[I]) push(item any) { s.ready = append(s.ready, item.(I)) } //nolint:errcheck // only these are put in

func (s *stream[I]) update(ctx context.Context, c *trade.Change) error {
	if s.Wanted != nil {
		if yes, err := s.Wanted(ctx, s.Scope, c); err != nil || !yes {
			return err
		}
	}
	s.push(s.Update(trade.Update{Change: *c, Sign: s.cursor}))
	return nil
}

// resume finds out where the stream goes on, and tells where something is missing.
func (s *stream[I]) resume(ctx context.Context) error {
	s.phase = missing
	gap, err := gap(ctx, s.Store, *s.since, &s.at)
	if err == nil && gap {
		s.push(&trade.StreamGap{
			Cursor: s.cursor(s.at), From: *s.After, At: time.Now().UTC(),
			Requery: "Changes of " + s.Requery + " are missing here: query " + s.Requery + " again.",
		})
	}
	return err
}

// miss tells the next of what was missed.
func (s *stream[I]) miss(ctx context.Context) error {
	missed, err := operating.ChangesOf(ctx, s.Store, s.Scope, s.Topic, s.at, s.live.From, replayAtOnce)
	if err != nil {
		return err
	}
	before := len(s.ready)
	for i := range missed {
		if s.at = missed[i].Place; s.wants(&missed[i]) {
			if err := s.update(ctx, &missed[i]); err != nil {
				return err
			}
		}
	}
	s.delivered += len(s.ready) - before
	if len(missed) < replayAtOnce {
		if s.phase = catching; s.at.Before(s.live.From) {
			s.at = s.live.From
		}
	}
	return nil
}

// pushAlone tells of one change, or that there is nothing to tell yet.
func (s *stream[I]) pushAlone(one events.Alone) {
	if one.Change == nil {
		s.push(&trade.StreamCaughtUp{Cursor: s.cursor(one.At), At: time.Now().UTC()})
	} else if s.wants(one.Change) {
		s.push(s.Update(trade.Update{Change: *one.Change, Sign: s.cursor}))
	}
}

// gap sets where a stream goes on that is resumed from a place, and tells whether what comes
// after that place is kept no longer, or was never here.
func gap(ctx context.Context, st *store.Store, since trade.Place, at *trade.Place) (bool, error) {
	start, err := operating.LogStart(ctx, st)
	if err != nil {
		return false, err
	}
	end, err := operating.LogEnd(ctx, st)
	switch {
	case err != nil:
		return false, err
	case end.Before(since): // of another database
		return true, nil
	case since.Before(start):
		*at = start
		return true, nil
	}
	*at = since
	return false, nil
}
