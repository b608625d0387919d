package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/loaders"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// connection are the resolvers of a page of a list, whatever the list is of.
type connection[T any] struct{}

func (connection[T]) TotalCount(ctx context.Context, objs []*trade.Connection[T]) ([]*trade.TotalCount, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return loaders.Counts(ctx, l, objs)
}

// connections are the resolvers of all pages.
type connections struct{}

func (connections) AccountConnection() graph.AccountConnectionResolver {
	return connection[trade.Account]{}
}

func (connections) AccountLocationConnection() graph.AccountLocationConnectionResolver {
	return connection[trade.AccountLocation]{}
}

func (connections) AlertConnection() graph.AlertConnectionResolver { return connection[trade.Alert]{} }

func (connections) AuditEntryConnection() graph.AuditEntryConnectionResolver {
	return connection[operating.AuditEntry]{}
}

func (connections) DeadLetterConnection() graph.DeadLetterConnectionResolver {
	return connection[operating.DeadLetter]{}
}

func (connections) InboundDeliveryConnection() graph.InboundDeliveryConnectionResolver {
	return connection[operating.InboundDelivery]{}
}

func (connections) InvoiceConnection() graph.InvoiceConnectionResolver {
	return connection[trade.Invoice]{}
}

func (connections) InvoiceLineConnection() graph.InvoiceLineConnectionResolver {
	return connection[trade.InvoiceLine]{}
}

func (connections) MasterDataConflictConnection() graph.MasterDataConflictConnectionResolver {
	return connection[operating.MasterDataConflict]{}
}

func (connections) OperationConnection() graph.OperationConnectionResolver {
	return connection[trade.Operation]{}
}

func (connections) OrderConnection() graph.OrderConnectionResolver { return connection[trade.Order]{} }

func (connections) OrderLineConnection() graph.OrderLineConnectionResolver {
	return connection[trade.OrderLine]{}
}

func (connections) PurchaseOrderConnection() graph.PurchaseOrderConnectionResolver {
	return connection[trade.PurchaseOrder]{}
}

func (connections) PurchaseOrderLineConnection() graph.PurchaseOrderLineConnectionResolver {
	return connection[trade.PurchaseOrderLine]{}
}

func (connections) RecordDifferenceConnection() graph.RecordDifferenceConnectionResolver {
	return connection[operating.RecordDifference]{}
}

func (connections) RejectedRecordConnection() graph.RejectedRecordConnectionResolver {
	return connection[operating.RejectedRecord]{}
}

func (connections) ReturnConnection() graph.ReturnConnectionResolver {
	return connection[trade.Return]{}
}

func (connections) RouteMismatchConnection() graph.RouteMismatchConnectionResolver {
	return connection[operating.RouteMismatch]{}
}

func (connections) ShipmentConnection() graph.ShipmentConnectionResolver {
	return connection[trade.Shipment]{}
}

func (connections) ShipmentEventConnection() graph.ShipmentEventConnectionResolver {
	return connection[trade.ShipmentEvent]{}
}

func (connections) SupplierItemConnection() graph.SupplierItemConnectionResolver {
	return connection[trade.SupplierItem]{}
}

func (connections) TimelineConnection() graph.TimelineConnectionResolver {
	return connection[operating.TimelineEntry]{}
}

func (connections) TradingPartnerConnection() graph.TradingPartnerConnectionResolver {
	return connection[procurement.TradingPartner]{}
}

func (connections) UnusedFieldConnection() graph.UnusedFieldConnectionResolver {
	return connection[operating.UnusedField]{}
}

func (connections) WebhookDeliveryConnection() graph.WebhookDeliveryConnectionResolver {
	return connection[operating.WebhookDelivery]{}
}
