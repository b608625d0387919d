package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/trade"
	"portico/trade/ordering"
)

// ValidateOrder says what submitting an order would say.
func (r query) ValidateOrder(ctx context.Context, input graph.OrderInput) (*ordering.OrderValidation, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return r.Ordering.Validate(ctx, l.Scope(), submitter(ctx), inputs.OrderRequest(&input))
}

// OrderValidation are the resolvers of OrderValidation.
func (r *Resolver) OrderValidation() graph.OrderValidationResolver { return orderValidation{r} }

type orderValidation struct{ *Resolver }

func (r orderValidation) Errors(_ context.Context, objs []*ordering.OrderValidation) ([][]trade.SubmitOrderError, error) {
	return unions[trade.SubmitOrderError](objs, func(o *ordering.OrderValidation) []trade.UserError { return o.Errors })
}

// ValidatedLine are the resolvers of ValidatedLine.
func (r *Resolver) ValidatedLine() graph.ValidatedLineResolver { return validatedLine{r} }

type validatedLine struct{ *Resolver }

func (r validatedLine) Item(ctx context.Context, objs []*ordering.ValidatedLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *ordering.ValidatedLine) string { return o.ItemID }, loaders.Items)
}

// OrderPromise are the resolvers of OrderPromise.
func (r *Resolver) OrderPromise() graph.OrderPromiseResolver { return orderPromise{r} }

type orderPromise struct{ *Resolver }

func (r orderPromise) Item(ctx context.Context, objs []*trade.OrderPromise) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.OrderPromise) string { return o.ItemID }, loaders.Items)
}

// PromiseLine are the resolvers of PromiseLine.
func (r *Resolver) PromiseLine() graph.PromiseLineResolver { return promiseLine{r} }

type promiseLine struct{ *Resolver }

func (r promiseLine) Warehouse(ctx context.Context, objs []*trade.PromiseLine) ([]*trade.Warehouse, error) {
	return related(ctx, objs, func(o *trade.PromiseLine) string { return o.WarehouseID }, loaders.Warehouses)
}

func (r promiseLine) Substitute(ctx context.Context, objs []*trade.PromiseLine) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.PromiseLine) string { return o.SubstituteID }, loaders.Items)
}

// Promise says when a quantity could be shipped and delivered.
func (r item) Promise(ctx context.Context, objs []*trade.Item, quantity graph.QuantityInput, shipTo string,
	requestedDeliveryDate *trade.Date, allowPartial, allowSubstitute bool,
) ([]*trade.OrderPromise, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	place, err := loaders.Locations.One(ctx, shipTo)
	if err != nil {
		return nil, err
	}
	switch {
	case place == nil:
		return nil, badInput("no such location")
	case !quantity.Value.IsPos():
		return nil, badInput("the quantity must be more than nothing")
	case requestedDeliveryDate != nil && ordering.FarOff(*requestedDeliveryDate, r.Desk.Now()):
		return nil, badInput("requestedDeliveryDate must be at most two years away")
	}
	return l.PromiseOf(ctx, objs, loaders.PromiseArgs{
		Quantity: trade.Quantity(quantity), ShipTo: place, Wished: requestedDeliveryDate, AllowPartial: allowPartial,
		AllowSubstitute: allowSubstitute,
	})
}
