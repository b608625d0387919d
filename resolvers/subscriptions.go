package resolvers

import (
	"context"
	"slices"

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
	changes := r.Hub.Follow(ctx, func(c *trade.ShipmentChange) bool {
		return scope.Decide(nil, &c.Whose) == nil && (shipments == nil || slices.Contains(shipments, c.ShipmentID)) &&
			(orders == nil || slices.ContainsFunc(c.OrderIDs, func(o string) bool { return slices.Contains(orders, o) }))
	})
	items := make(chan trade.ShipmentStream)
	go func() {
		defer close(items)
		for c := range changes {
			select {
			case items <- &trade.ShipmentUpdate{ShipmentChange: c}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return items, nil
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
