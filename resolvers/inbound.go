package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/inputs"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
)

// InboundDeliveries are what other systems pushed to us, newest first.
func (r query) InboundDeliveries(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.InboundDeliveryFilter,
) (*operating.InboundDeliveryConnection, error) {
	f := operatingstore.InboundFilter{}
	if filter != nil {
		f = operatingstore.InboundFilter{
			Instance: inputs.Text(filter.Instance), State: filter.State, Subject: inputs.Text(filter.Subject),
			Received: inputs.Span(filter.Received),
		}
	}
	return page(ctx, func(s trade.Scope) *store.List[operating.InboundDelivery] { return operatingstore.InboundList(s, f) }, first, after,
		last, before)
}
