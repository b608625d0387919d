package resolvers

import (
	"context"
	"time"

	"portico/events"
	"portico/graph/execution"
	"portico/store"
	"portico/store/operating"
	"portico/trade"
)

// following is what a stream follows, and how it tells that.
type following[I any] struct {
	topic   trade.Topic
	after   *string
	requery string // the list that has what a gap hides
	keep    func(scope trade.Scope, c *trade.Change) bool
	update  func(u trade.Update) I
	// wanted is asked besides, where there is one, of what has to be read to know it.
	wanted func(ctx context.Context, scope trade.Scope, c *trade.Change) (bool, error)
}

// replayAtOnce is how many missed changes are read at a time.
const replayAtOnce = 500

// follow tells what was missed since a cursor, that this is all of it, and then what
// happens. A stream ends by itself only when it cannot go on, or its reader is too slow: it
// is resumed from the last cursor then.
func follow[I any](ctx context.Context, r *Resolver, f following[I]) (<-chan I, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	s := &stream[I]{following: f, scope: l.Scope(), store: l.Store, cursors: r.Cursors}
	if f.after != nil {
		place, ok := r.Cursors.Open(f.topic, s.scope, *f.after)
		if !ok {
			return nil, badInput("after is no cursor of this stream that this caller was given: leave it out, and ask for the state anew")
		}
		s.since = &place
	}
	if alone, ok := events.AloneOf(ctx); ok {
		s.alone(alone)
		return execution.Pull(ctx, s.next), nil
	}
	if s.live, err = r.Hub.Follow(ctx, s.wants); err != nil {
		return nil, err
	}
	s.at, s.phase = s.live.From, catching
	if s.since != nil {
		s.phase = resuming
	}
	return execution.Pull(ctx, s.next), nil
}

// stream is what one caller follows: what is told next, and what comes after that.
type stream[I any] struct {
	following[I]
	scope   trade.Scope
	store   *store.Store
	cursors *events.Cursors
	live    *events.Following
	since   *trade.Place

	phase phase
	at    trade.Place // up to which it was told
	ready []I
	told  int // of what was missed
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
			s.tell(&trade.StreamCaughtUp{Cursor: s.cursor(s.at), At: time.Now().UTC(), Replayed: s.told})
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

func (s *stream[I]) wants(c *trade.Change) bool { return c.Topic == s.topic && s.keep(s.scope, c) }

func (s *stream[I]) cursor(p trade.Place) string { return s.cursors.Seal(s.topic, s.scope, p) }

func (s *stream[I]) tell(item any) { s.ready = append(s.ready, item.(I)) } //nolint:errcheck // only these are put in

func (s *stream[I]) update(ctx context.Context, c *trade.Change) error {
	if s.wanted != nil {
		if yes, err := s.wanted(ctx, s.scope, c); err != nil || !yes {
			return err
		}
	}
	s.tell(s.following.update(trade.Update{Change: *c, Sealed: s.cursor}))
	return nil
}

// resume finds out where the stream goes on, and tells where something is missing.
func (s *stream[I]) resume(ctx context.Context) error {
	s.phase = missing
	gap, err := s.gap(ctx, s.store, *s.since, &s.at)
	if err == nil && gap {
		s.tell(&trade.StreamGap{
			Cursor: s.cursor(s.at), From: *s.after, At: time.Now().UTC(),
			Requery: "Changes of " + s.requery + " are missing here: ask for " + s.requery + " anew.",
		})
	}
	return err
}

// miss tells the next of what was missed.
func (s *stream[I]) miss(ctx context.Context) error {
	missed, err := operating.ChangesOf(ctx, s.store, s.scope, s.topic, s.at, s.live.From, replayAtOnce)
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
	s.told += len(s.ready) - before
	if len(missed) < replayAtOnce {
		if s.phase = catching; s.at.Before(s.live.From) {
			s.at = s.live.From
		}
	}
	return nil
}

// alone tells of one change, or that there is nothing to tell yet.
func (s *stream[I]) alone(one events.Alone) {
	if one.Change == nil {
		s.tell(&trade.StreamCaughtUp{Cursor: s.cursor(one.At), At: time.Now().UTC()})
	} else if s.wants(one.Change) {
		s.tell(s.following.update(trade.Update{Change: *one.Change, Sealed: s.cursor}))
	}
}

// gap sets where a stream goes on that is resumed from a place, and tells whether what comes
// after that place is kept no longer, or was never here.
func (following[I]) gap(ctx context.Context, st *store.Store, since trade.Place, at *trade.Place) (bool, error) {
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
