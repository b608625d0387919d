package resolvers

import (
	"context"
	"time"

	"portico/events"
	"portico/store"
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
	scope := l.Scope()
	var since *trade.Place
	if f.after != nil {
		place, ok := r.Cursors.Open(f.topic, scope, *f.after)
		if !ok {
			return nil, badInput("after is no cursor of this stream that this caller was given: leave it out, and ask for the state anew")
		}
		since = &place
	}
	keep := func(c *trade.Change) bool { return c.Topic == f.topic && f.keep(scope, c) }
	cursor := func(p trade.Place) string { return r.Cursors.Seal(f.topic, scope, p) }
	if alone, ok := events.AloneOf(ctx); ok {
		item := make(chan I, 1)
		defer close(item)
		if alone.Change == nil {
			item <- any(&trade.StreamCaughtUp{Cursor: cursor(alone.At), At: time.Now().UTC()}).(I)
		} else if keep(alone.Change) {
			item <- f.update(trade.Update{Change: *alone.Change, Cursor: cursor(alone.At)})
		}
		return item, nil
	}
	live, err := r.Hub.Follow(ctx, keep)
	if err != nil {
		return nil, err
	}
	from, st := live.From, l.Store
	items := make(chan I)
	tell := func(item any) bool {
		select {
		case items <- item.(I):
			return true
		case <-ctx.Done():
			return false
		}
	}
	told := 0
	update := func(c *trade.Change) bool {
		if f.wanted != nil {
			if yes, err := f.wanted(ctx, scope, c); err != nil || !yes {
				return err == nil
			}
		}
		told++
		return tell(f.update(trade.Update{Change: *c, Cursor: cursor(c.Place)}))
	}
	go func() {
		defer close(items)
		at := from
		if since != nil {
			gap, err := f.gap(ctx, st, *since, &at)
			if err != nil || gap && !tell(&trade.StreamGap{Cursor: cursor(at), From: *f.after, At: time.Now().UTC(), Requery: "Changes of " + f.requery + " are missing here: ask for " + f.requery + " anew."}) {
				return
			}
			for {
				missed, err := st.ChangesOf(ctx, scope, f.topic, at, from, replayAtOnce)
				if err != nil {
					return // it is resumed from the last cursor
				}
				for i := range missed {
					if at = missed[i].Place; keep(&missed[i]) && !update(&missed[i]) {
						return
					}
				}
				if len(missed) < replayAtOnce {
					break
				}
			}
			if at.Before(from) {
				at = from
			}
		}
		if !tell(&trade.StreamCaughtUp{Cursor: cursor(at), At: time.Now().UTC(), Replayed: told}) {
			return
		}
		for {
			c, ok := live.Next(ctx)
			// Another process may have told of it before the stream was resumed here.
			if !ok || at.Before(c.Place) && !update(&c) {
				return
			}
		}
	}()
	return items, nil
}

// gap sets where a stream goes on that is resumed from a place, and tells whether what comes
// after that place is kept no longer, or was never here.
func (following[I]) gap(ctx context.Context, st *store.Store, since trade.Place, at *trade.Place) (bool, error) {
	start, err := st.LogStart(ctx)
	if err != nil {
		return false, err
	}
	end, err := st.LogEnd(ctx)
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
