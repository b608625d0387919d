package resolvers

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/edge/auth"
	"portico/graph"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/resolvers/streams"
	"portico/store/operating"
	"portico/trade"
	"portico/trade/ordering"
)

// Subscription are the resolvers of the streams. Whose a change is, is asked of the change
// itself; what changed is then read as by any query.
func (r *Resolver) Subscription() graph.SubscriptionResolver { return subscription{r} }

type subscription struct{ *Resolver }

// subscribe delivers to the caller what it asks for and may see.
func subscribe[I any](ctx context.Context, r *Resolver, s streams.Subscription[I]) (<-chan I, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	updates, err := streams.Subscribe(ctx, streams.Feed{Hub: r.Hub, Cursors: r.Cursors, Store: l.Store, Scope: l.Scope()}, s)
	if errors.Is(err, streams.ErrCursor) {
		return nil, badInput("%v", err)
	}
	return updates, err
}

// among tells whether a value is one of those asked for; nil asks for all.
func among(value string, of []string) bool { return of == nil || slices.Contains(of, value) }

// few refuses more values than one may ask for.
func few(arguments map[string]int) error {
	for name, n := range arguments {
		if n > maxKeys {
			return badInput("%s must be at most %d", name, maxKeys)
		}
	}
	return nil
}

// OrderUpdates follows orders.
func (r subscription) OrderUpdates(ctx context.Context, orders, accounts []string, after *string) (<-chan trade.OrderStream, error) {
	if err := few(map[string]int{"orders": len(orders), "accounts": len(accounts)}); err != nil {
		return nil, err
	}
	return subscribe(ctx, r.Resolver, streams.Subscription[trade.OrderStream]{
		Topic: trade.OfOrders, After: after, Requery: "orders",
		Keep: func(scope trade.Scope, c *trade.Change) bool {
			return scope.Sees(c) && among(c.SubjectID, orders) && among(c.AccountID, accounts)
		},
		Update: func(u trade.Update) trade.OrderStream { return &trade.OrderUpdate{Update: u} },
	})
}

// ShipmentUpdates follows shipments.
func (r subscription) ShipmentUpdates(ctx context.Context, shipments, orders []string, after *string) (<-chan trade.ShipmentStream, error) {
	if err := few(map[string]int{"shipments": len(shipments), "orders": len(orders)}); err != nil {
		return nil, err
	}
	return subscribe(ctx, r.Resolver, streams.Subscription[trade.ShipmentStream]{
		Topic: trade.OfShipments, After: after, Requery: "shipments",
		Keep: func(scope trade.Scope, c *trade.Change) bool {
			return scope.Sees(c) && among(c.SubjectID, shipments) &&
				(orders == nil || slices.ContainsFunc(c.Related, func(o string) bool { return slices.Contains(orders, o) }))
		},
		Update: func(u trade.Update) trade.ShipmentStream { return &trade.ShipmentUpdate{Update: u} },
	})
}

// PurchaseOrderUpdates follows purchase orders.
func (r subscription) PurchaseOrderUpdates(ctx context.Context, purchaseOrders []string, after *string) (<-chan trade.PurchaseOrderStream,
	error,
) {
	if err := few(map[string]int{"purchaseOrders": len(purchaseOrders)}); err != nil {
		return nil, err
	}
	return subscribe(ctx, r.Resolver, streams.Subscription[trade.PurchaseOrderStream]{
		Topic: trade.OfPurchaseOrders, After: after, Requery: "purchaseOrders",
		Keep: func(scope trade.Scope, c *trade.Change) bool {
			return scope.Sees(c) && among(c.SubjectID, purchaseOrders)
		},
		Update: func(u trade.Update) trade.PurchaseOrderStream { return &trade.PurchaseOrderUpdate{Update: u} },
	})
}

// AvailabilityUpdates follows the stock of items.
func (r subscription) AvailabilityUpdates(ctx context.Context, items []*graph.ItemBy, warehouses []string,
	after *string,
) (<-chan trade.AvailabilityStream, error) {
	if err := few(map[string]int{"items": len(items), "warehouses": len(warehouses)}); err != nil {
		return nil, err
	}
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	found, err := itemsBy(ctx, items)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(found))
	for i, item := range found {
		if item == nil {
			return nil, badInput("items: there is no such item at place %d", i)
		}
		ids[i] = item.ID
	}
	return subscribe(ctx, r.Resolver, streams.Subscription[trade.AvailabilityStream]{
		Topic: trade.OfAvailability, After: after, Requery: "availability of these items",
		Keep: func(_ trade.Scope, c *trade.Change) bool { // stock is everybody's who may see stock
			return slices.Contains(ids, c.SubjectID) &&
				(warehouses == nil || slices.ContainsFunc(c.Related, func(w string) bool { return slices.Contains(warehouses, w) }))
		},
		Update: func(u trade.Update) trade.AvailabilityStream {
			return &trade.AvailabilityUpdate{Update: u, Warehouses: warehouses}
		},
	})
}

// InvoiceUpdates follows invoices.
func (r subscription) InvoiceUpdates(ctx context.Context, accounts []string, after *string) (<-chan trade.InvoiceStream, error) {
	if err := few(map[string]int{"accounts": len(accounts)}); err != nil {
		return nil, err
	}
	return subscribe(ctx, r.Resolver, streams.Subscription[trade.InvoiceStream]{
		Topic: trade.OfInvoices, After: after, Requery: "invoices",
		Keep: func(scope trade.Scope, c *trade.Change) bool {
			return scope.Sees(c) && among(c.AccountID, accounts)
		},
		Update: func(u trade.Update) trade.InvoiceStream { return &trade.InvoiceUpdate{Update: u} },
	})
}

// OperationUpdates follows operations: the named ones, or the caller's own.
func (r subscription) OperationUpdates(ctx context.Context, operations []string, after *string) (<-chan trade.OperationStream, error) {
	if err := few(map[string]int{"operations": len(operations)}); err != nil {
		return nil, err
	}
	me := auth.UserID(auth.CallerOf(ctx).Principal)
	return subscribe(ctx, r.Resolver, streams.Subscription[trade.OperationStream]{
		Topic: trade.OfOperations, After: after, Requery: "operations",
		Keep: func(scope trade.Scope, c *trade.Change) bool {
			if operations == nil {
				return c.Principal == me
			}
			return slices.Contains(operations, c.SubjectID) && scope.Sees(c)
		},
		Update: func(u trade.Update) trade.OperationStream { return &trade.OperationUpdate{Update: u} },
	})
}

// AlertUpdates follows alerts. What a filter lets through is asked of the alert as it is.
func (r subscription) AlertUpdates(ctx context.Context, filter *graph.AlertFilter, after *string) (<-chan trade.AlertStream, error) {
	f := streams.Subscription[trade.AlertStream]{
		Topic: trade.OfAlerts, After: after, Requery: "alerts",
		Keep:   func(scope trade.Scope, c *trade.Change) bool { return scope.Sees(c) },
		Update: func(u trade.Update) trade.AlertStream { return &trade.AlertUpdate{Update: u} },
	}
	if filter != nil {
		l, err := reader(ctx)
		if err != nil {
			return nil, err
		}
		wanted := inputs.AlertFilter(filter)
		if wanted.State == nil { // alerts that are resolved are told here, and are in no list that does not ask for them
			wanted.State = []trade.AlertState{trade.AlertOpen, trade.AlertAcknowledged, trade.AlertResolved}
		}
		st := l.Store
		f.Wanted = func(ctx context.Context, scope trade.Scope, c *trade.Change) (bool, error) {
			return operating.IsAlert(ctx, st, scope, wanted, c.SubjectID)
		}
	}
	return subscribe(ctx, r.Resolver, f)
}

// ShipmentUpdate are the resolvers of ShipmentUpdate.
func (r *Resolver) ShipmentUpdate() graph.ShipmentUpdateResolver { return shipmentUpdate{} }

type shipmentUpdate struct{}

func (shipmentUpdate) Shipment(ctx context.Context, objs []*trade.ShipmentUpdate) ([]*trade.Shipment, error) {
	return related(ctx, objs, func(o *trade.ShipmentUpdate) string { return o.SubjectID }, loaders.Shipments)
}

func (shipmentUpdate) Event(ctx context.Context, objs []*trade.ShipmentUpdate) ([]*trade.ShipmentEvent, error) {
	return related(ctx, objs, func(o *trade.ShipmentUpdate) string { return o.CauseID }, loaders.Events)
}

// OperationUpdate are the resolvers of OperationUpdate.
func (r *Resolver) OperationUpdate() graph.OperationUpdateResolver { return operationUpdate{} }

type operationUpdate struct{}

func (operationUpdate) Operation(ctx context.Context, objs []*trade.OperationUpdate) ([]*trade.Operation, error) {
	return related(ctx, objs, func(o *trade.OperationUpdate) string { return o.SubjectID }, loaders.Operations)
}

// OrderUpdate are the resolvers of OrderUpdate.
func (r *Resolver) OrderUpdate() graph.OrderUpdateResolver { return orderUpdate{} }

type orderUpdate struct{}

func (orderUpdate) Order(ctx context.Context, objs []*trade.OrderUpdate) ([]*trade.Order, error) {
	return related(ctx, objs, func(o *trade.OrderUpdate) string { return o.SubjectID }, loaders.Orders)
}

func (orderUpdate) ChangedLines(ctx context.Context, objs []*trade.OrderUpdate) ([][]*trade.OrderLine, error) {
	return several(ctx, objs, func(o *trade.OrderUpdate) []string { return o.RelatedOf("oln_") }, loaders.OrderLines)
}

func (orderUpdate) CommitmentChanges(ctx context.Context, objs []*trade.OrderUpdate) ([][]*ordering.CommitmentChange, error) {
	return several(ctx, objs, func(o *trade.OrderUpdate) []string { return o.RelatedOf("cmt_") }, loaders.Commitments)
}

// PurchaseOrderUpdate are the resolvers of PurchaseOrderUpdate.
func (r *Resolver) PurchaseOrderUpdate() graph.PurchaseOrderUpdateResolver {
	return purchaseOrderUpdate{}
}

type purchaseOrderUpdate struct{}

func (purchaseOrderUpdate) PurchaseOrder(ctx context.Context, objs []*trade.PurchaseOrderUpdate) ([]*trade.PurchaseOrder, error) {
	return related(ctx, objs, func(o *trade.PurchaseOrderUpdate) string { return o.SubjectID }, loaders.PurchaseOrders)
}

func (purchaseOrderUpdate) Deviations(ctx context.Context, objs []*trade.PurchaseOrderUpdate) ([][]*trade.Deviation, error) {
	return several(ctx, objs, func(o *trade.PurchaseOrderUpdate) []string { return o.Related }, loaders.Deviations)
}

// AvailabilityUpdate are the resolvers of AvailabilityUpdate.
func (r *Resolver) AvailabilityUpdate() graph.AvailabilityUpdateResolver { return availabilityUpdate{} }

type availabilityUpdate struct{}

// lookAhead is how far availability looks ahead where nobody says: the default in the schema.
const lookAhead = 90 * 24 * time.Hour

func (availabilityUpdate) Availability(ctx context.Context, objs []*trade.AvailabilityUpdate) ([]*trade.Availability, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	items, err := loaders.Items.All(ctx, keysOf(objs, func(o *trade.AvailabilityUpdate) string { return o.SubjectID }))
	if err != nil {
		return nil, err
	}
	// All updates of one answer are of one stream.
	return l.AvailabilityOf(ctx, items, loaders.StockArgs{Warehouses: objs[0].Warehouses, Horizon: lookAhead})
}

// InvoiceUpdate are the resolvers of InvoiceUpdate.
func (r *Resolver) InvoiceUpdate() graph.InvoiceUpdateResolver { return invoiceUpdate{} }

type invoiceUpdate struct{}

func (invoiceUpdate) Invoice(ctx context.Context, objs []*trade.InvoiceUpdate) ([]*trade.Invoice, error) {
	return related(ctx, objs, func(o *trade.InvoiceUpdate) string { return o.SubjectID }, loaders.Invoices)
}

// AlertUpdate are the resolvers of AlertUpdate.
func (r *Resolver) AlertUpdate() graph.AlertUpdateResolver { return alertUpdate{} }

type alertUpdate struct{}

func (alertUpdate) Alert(ctx context.Context, objs []*trade.AlertUpdate) ([]*trade.Alert, error) {
	return related(ctx, objs, func(o *trade.AlertUpdate) string { return o.SubjectID }, loaders.Alerts)
}
