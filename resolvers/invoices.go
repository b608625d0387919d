package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/loaders"
	"portico/store/records"
	"portico/trade"
)

// Invoice are the resolvers of Invoice.
func (r *Resolver) Invoice() graph.InvoiceResolver { return invoice{r} }

type invoice struct{ *Resolver }

func (r invoice) Account(ctx context.Context, objs []*trade.Invoice) ([]*trade.Account, error) {
	return related(ctx, objs, func(o *trade.Invoice) string { return o.AccountRef.ID }, loaders.Accounts)
}

func (r invoice) Orders(ctx context.Context, objs []*trade.Invoice) ([][]*trade.Order, error) {
	return lists(related(ctx, objs, func(o *trade.Invoice) string { return o.ID }, loaders.OrdersInInvoices))
}

func (r invoice) Lines(ctx context.Context, objs []*trade.Invoice, first *int, after *string, last *int,
	before *string,
) ([]*trade.InvoiceLineConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Invoice) string { return o.ID }),
		records.InvoiceLineList, first, after, last, before)
}

func (r invoice) Document(_ context.Context, objs []*trade.Invoice) ([]*trade.DocumentLink, error) {
	links := make([]*trade.DocumentLink, len(objs))
	for i, o := range objs {
		links[i] = r.Links.To(o.DocumentRef)
	}
	return links, nil
}

// InvoiceLine are the resolvers of InvoiceLine.
func (r *Resolver) InvoiceLine() graph.InvoiceLineResolver { return invoiceLine{r} }

type invoiceLine struct{ *Resolver }

func (r invoiceLine) Item(ctx context.Context, objs []*trade.InvoiceLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.InvoiceLine) string { return o.ItemRef.ID }, loaders.Items)
}

func (r invoiceLine) OrderLine(ctx context.Context, objs []*trade.InvoiceLine) ([]*trade.OrderLine, error) {
	return related(ctx, objs, func(o *trade.InvoiceLine) string { return o.OrderLineID }, loaders.OrderLines)
}

func (r invoiceLine) Shipment(ctx context.Context, objs []*trade.InvoiceLine) ([]*trade.Shipment, error) {
	return related(ctx, objs, func(o *trade.InvoiceLine) string { return o.ShipmentID }, loaders.Shipments)
}

// Return are the resolvers of Return.
func (r *Resolver) Return() graph.ReturnResolver { return returned{r} }

type returned struct{ *Resolver }

func (r returned) Operation(ctx context.Context, objs []*trade.Return) ([]*trade.Operation, error) {
	return related(ctx, objs, func(o *trade.Return) string { return o.ID }, loaders.LatestOperations)
}

func (r returned) Order(ctx context.Context, objs []*trade.Return) ([]*trade.Order, error) {
	return related(ctx, objs, func(o *trade.Return) string { return o.OrderRef.ID }, loaders.Orders)
}

func (r returned) Lines(ctx context.Context, objs []*trade.Return) ([][]*trade.ReturnLine, error) {
	return lists(related(ctx, objs, func(o *trade.Return) string { return o.ID }, loaders.ReturnLines))
}

func (r returned) Shipments(ctx context.Context, objs []*trade.Return) ([][]*trade.Shipment, error) {
	return lists(related(ctx, objs, func(o *trade.Return) string { return o.ID }, loaders.ShipmentsOfReturns))
}

func (r returned) CreditMemo(ctx context.Context, objs []*trade.Return) ([]*trade.Invoice, error) {
	return related(ctx, objs, func(o *trade.Return) string { return o.CreditMemoRef.ID }, loaders.Invoices)
}

// ReturnLine are the resolvers of ReturnLine.
func (r *Resolver) ReturnLine() graph.ReturnLineResolver { return returnLine{r} }

type returnLine struct{ *Resolver }

func (r returnLine) OrderLine(ctx context.Context, objs []*trade.ReturnLine) ([]*trade.OrderLine, error) {
	return related(ctx, objs, func(o *trade.ReturnLine) string { return o.OrderLineID }, loaders.OrderLines)
}
