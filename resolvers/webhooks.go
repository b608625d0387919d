package resolvers

import (
	"context"
	"encoding/json"

	"portico/edge/auth"
	"portico/graph"
	"portico/process/notify"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// WebhookEndpoints are the endpoints of the caller, newest first; all of them for an operator.
func (r query) WebhookEndpoints(ctx context.Context) ([]*operating.WebhookEndpoint, error) {
	return whole(ctx, operatingstore.EndpointList)
}

func (r tradingPartner) WebhookEndpoints(ctx context.Context, objs []*procurement.TradingPartner) ([][]*operating.WebhookEndpoint, error) {
	return lists(related(ctx, objs, (*procurement.TradingPartner).NodeID, loaders.WebhookEndpointsOf))
}

// WebhookEndpoint are the resolvers of WebhookEndpoint.
func (r *Resolver) WebhookEndpoint() graph.WebhookEndpointResolver { return webhookEndpoint{} }

type webhookEndpoint struct{}

func (webhookEndpoint) Deliveries(ctx context.Context, objs []*operating.WebhookEndpoint, first *int, after *string, last *int,
	before *string, state []operating.DeliveryState,
) ([]*operating.WebhookDeliveryConnection, error) {
	return pages(ctx, keysOf(objs, (*operating.WebhookEndpoint).NodeID), func(s trade.Scope) *store.List[operating.WebhookDelivery] {
		return operatingstore.DeliveriesTo(s, state)
	}, first, after, last, before)
}

// SaveWebhookEndpoint creates or changes an endpoint.
func (r mutation) SaveWebhookEndpoint(ctx context.Context, idempotencyKey string,
	input graph.WebhookEndpointInput,
) (*operating.WebhookEndpointPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	owner, err := json.Marshal(auth.CallerOf(ctx).Principal.Standing())
	if err != nil {
		return nil, err
	}
	e, err := r.Webhooks.Save(ctx, l.Scope(), by, owner, idempotencyKey,
		notify.NewEndpoint{ID: inputs.Text(input.ID), URL: input.URL, Topics: input.Topics, Active: input.Active})
	return r.endpoint(ctx, l, e, err)
}

// DeleteWebhookEndpoint deletes an endpoint.
func (r mutation) DeleteWebhookEndpoint(ctx context.Context, idempotencyKey string,
	input graph.WebhookEndpointRef,
) (*operating.WebhookEndpointPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.Webhooks.Delete(ctx, l.Scope(), by, idempotencyKey, input.Endpoint)
	return r.endpoint(ctx, l, &notify.Endpoint{Acted: a}, err)
}

// RotateWebhookSecret replaces the secret of an endpoint.
func (r mutation) RotateWebhookSecret(ctx context.Context, idempotencyKey string,
	input graph.WebhookEndpointRef,
) (*operating.WebhookEndpointPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	e, err := r.Webhooks.Rotate(ctx, l.Scope(), by, idempotencyKey, input.Endpoint)
	return r.endpoint(ctx, l, e, err)
}

func (r mutation) endpoint(ctx context.Context, l *loaders.Loaders, e *notify.Endpoint, err error) (*operating.WebhookEndpointPayload,
	error,
) {
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](e.Errors)
	if err != nil {
		return nil, err
	}
	p := &operating.WebhookEndpointPayload{Errors: refusals, Replayed: e.Replayed, Secret: e.Secret}
	_, p.Endpoint, err = about(ctx, r.Resolver, l, "", loaders.WebhookEndpoints, e.SubjectID)
	return p, err
}

// RedeliverWebhook sends a delivery again.
func (r mutation) RedeliverWebhook(ctx context.Context, idempotencyKey string,
	input graph.RedeliverWebhookInput,
) (*graph.WebhookDeliveryPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.Webhooks.Redeliver(ctx, l.Scope(), by, idempotencyKey, input.Delivery)
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.WebhookDeliveryPayload{Errors: refusals, Replayed: a.Replayed}
	_, p.Delivery, err = about(ctx, r.Resolver, l, "", loaders.WebhookDeliveries, a.SubjectID)
	return p, err
}
