package resolvers

import (
	"context"
	"slices"
	"time"

	"portico/auth"
	"portico/graph"
	"portico/loaders"
	"portico/store"
	"portico/trade"
)

// Subscription are the resolvers of the streams.
func (r *Resolver) Subscription() graph.SubscriptionResolver { return subscription{r} }

type subscription struct{ *Resolver }

// ShipmentUpdates follows shipments. Whose a change is, is asked of the change itself; the
// shipment is then read as by any query.
func (r subscription) ShipmentUpdates(ctx context.Context, shipments, orders []string, after *string) (<-chan trade.ShipmentStream, error) {
	if len(shipments) > maxKeys || len(orders) > maxKeys {
		return nil, badInput("shipments and orders must be at most %d each", maxKeys)
	}
	return follow(ctx, r.Resolver, following[trade.ShipmentStream]{
		topic: trade.OfShipments, after: after, requery: "shipments",
		keep: func(scope trade.Scope, c *trade.Change) bool {
			return scope.Decide(nil, &c.Whose) == nil && (shipments == nil || slices.Contains(shipments, c.SubjectID)) &&
				(orders == nil || slices.ContainsFunc(c.OrderIDs, func(o string) bool { return slices.Contains(orders, o) }))
		},
		update: func(c *trade.Change, cursor string) trade.ShipmentStream {
			return &trade.ShipmentUpdate{Change: *c, Cursor: cursor}
		},
	})
}

// OperationUpdates follows operations: the named ones, or the caller's own.
func (r subscription) OperationUpdates(ctx context.Context, operations []string, after *string) (<-chan trade.OperationStream, error) {
	if len(operations) > maxKeys {
		return nil, badInput("operations must be at most %d", maxKeys)
	}
	me := auth.UserID(auth.CallerOf(ctx).Principal)
	return follow(ctx, r.Resolver, following[trade.OperationStream]{
		topic: trade.OfOperations, after: after, requery: "operations",
		keep: func(scope trade.Scope, c *trade.Change) bool {
			if operations == nil {
				return c.Principal == me
			}
			return slices.Contains(operations, c.SubjectID) && scope.Decide(nil, &c.Whose) == nil
		},
		update: func(c *trade.Change, cursor string) trade.OperationStream {
			return &trade.OperationUpdate{Change: *c, Cursor: cursor}
		},
	})
}

// following is what a stream follows, and how it tells that.
type following[I any] struct {
	topic   trade.Topic
	after   *string
	requery string // the list that has what a gap hides
	keep    func(scope trade.Scope, c *trade.Change) bool
	update  func(c *trade.Change, cursor string) I
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
	from, live, err := r.Hub.Follow(ctx, keep)
	if err != nil {
		return nil, err
	}
	items := make(chan I)
	tell := func(item any) bool {
		select {
		case items <- item.(I):
			return true
		case <-ctx.Done():
			return false
		}
	}
	cursor := func(p trade.Place) string { return r.Cursors.Seal(f.topic, scope, p) }
	told := 0
	update := func(c *trade.Change) bool { told++; return tell(f.update(c, cursor(c.Place))) }
	go func() {
		defer close(items)
		at := from
		if since != nil {
			gap, err := f.gap(ctx, l.Store, *since, &at)
			if err != nil || gap && !tell(&trade.StreamGap{Cursor: cursor(at), From: *f.after, At: time.Now().UTC(), Requery: "Changes of " + f.requery + " are missing here: ask for " + f.requery + " anew."}) {
				return
			}
			for {
				missed, err := l.Store.ChangesOf(ctx, scope, f.topic, at, from, replayAtOnce)
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
		for c := range live {
			// Another process may have told of it before the stream was resumed here.
			if at.Before(c.Place) && !update(&c) {
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

// ShipmentUpdate are the resolvers of ShipmentUpdate.
func (r *Resolver) ShipmentUpdate() graph.ShipmentUpdateResolver { return shipmentUpdate{r} }

type shipmentUpdate struct{ *Resolver }

func (r shipmentUpdate) Shipment(ctx context.Context, objs []*trade.ShipmentUpdate) ([]*trade.Shipment, error) {
	return related(ctx, objs, func(o *trade.ShipmentUpdate) string { return o.SubjectID }, func(l *loaders.Loaders) all[*trade.Shipment] { return &l.Shipments })
}

func (r shipmentUpdate) Event(ctx context.Context, objs []*trade.ShipmentUpdate) ([]*trade.ShipmentEvent, error) {
	return related(ctx, objs, func(o *trade.ShipmentUpdate) string { return o.CauseID }, func(l *loaders.Loaders) all[*trade.ShipmentEvent] { return &l.Events })
}
