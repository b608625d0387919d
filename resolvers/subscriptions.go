package resolvers

import (
	"context"
	"slices"

	"portico/auth"
	"portico/graph"
	"portico/loaders"
	"portico/trade"
)

// Subscription are the resolvers of the streams.
func (r *Resolver) Subscription() graph.SubscriptionResolver { return subscription{r} }

type subscription struct{ *Resolver }

// ShipmentUpdates follows what changes from now on. Whose a change is, is asked
// of the change itself; the shipment is then read as by any query.
func (r subscription) ShipmentUpdates(ctx context.Context, shipments, orders []string) (<-chan trade.ShipmentStream, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	if len(shipments) > maxKeys || len(orders) > maxKeys {
		return nil, badInput("shipments and orders must be at most %d each", maxKeys)
	}
	scope := l.Scope()
	changes := r.Hub.OfShipments.Follow(ctx, func(c *trade.ShipmentChange) bool {
		return scope.Decide(nil, &c.Whose) == nil && (shipments == nil || slices.Contains(shipments, c.ShipmentID)) &&
			(orders == nil || slices.ContainsFunc(c.OrderIDs, func(o string) bool { return slices.Contains(orders, o) }))
	})
	return stream(ctx, changes, func(c trade.ShipmentChange) trade.ShipmentStream { return &trade.ShipmentUpdate{ShipmentChange: c} }), nil
}

// OperationUpdates follows what changes from now on: the named operations, or the
// caller's own.
func (r subscription) OperationUpdates(ctx context.Context, operations []string) (<-chan trade.OperationStream, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	if len(operations) > maxKeys {
		return nil, badInput("operations must be at most %d", maxKeys)
	}
	scope, me := l.Scope(), auth.UserID(auth.CallerOf(ctx).Principal)
	changes := r.Hub.OfOperations.Follow(ctx, func(c *trade.OperationChange) bool {
		if operations == nil {
			return c.Principal == me
		}
		return slices.Contains(operations, c.OperationID) && scope.Decide(nil, &c.Whose) == nil
	})
	return stream(ctx, changes, func(c trade.OperationChange) trade.OperationStream { return &trade.OperationUpdate{OperationChange: c} }), nil
}

// stream tells changes as items.
func stream[C, I any](ctx context.Context, changes <-chan C, item func(C) I) <-chan I {
	items := make(chan I)
	go func() {
		defer close(items)
		for c := range changes {
			select {
			case items <- item(c):
			case <-ctx.Done():
				return
			}
		}
	}()
	return items
}

// ShipmentUpdate are the resolvers of ShipmentUpdate.
func (r *Resolver) ShipmentUpdate() graph.ShipmentUpdateResolver { return shipmentUpdate{r} }

type shipmentUpdate struct{ *Resolver }

func (r shipmentUpdate) Shipment(ctx context.Context, objs []*trade.ShipmentUpdate) ([]*trade.Shipment, error) {
	return related(ctx, objs, func(o *trade.ShipmentUpdate) string { return o.ShipmentID }, func(l *loaders.Loaders) all[*trade.Shipment] { return &l.Shipments })
}

func (r shipmentUpdate) Event(ctx context.Context, objs []*trade.ShipmentUpdate) ([]*trade.ShipmentEvent, error) {
	return related(ctx, objs, func(o *trade.ShipmentUpdate) string { return o.EventID }, func(l *loaders.Loaders) all[*trade.ShipmentEvent] { return &l.Events })
}
