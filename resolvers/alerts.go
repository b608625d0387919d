package resolvers

import (
	"context"

	"portico/graph"
	"portico/process"
	"portico/process/purchasing"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/operating"
	"portico/store/records"
	"portico/trade"
)

// Alerts are those that the caller may see, most urgent first.
func (r query) Alerts(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.AlertFilter,
) (*trade.AlertConnection, error) {
	f := inputs.AlertFilter(filter)
	return page(ctx, func(s trade.Scope) *store.List[trade.Alert] { return operating.AlertList(s, f) }, first, after, last, before)
}

// ReportException reports something to the other side.
func (r mutation) ReportException(ctx context.Context, idempotencyKey string, input graph.ReportExceptionInput) (*graph.AlertPayload,
	error,
) {
	return r.alerted(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Purchasing.ReportException(ctx, s, by, idempotencyKey,
			purchasing.Report{Subject: input.Subject, Severity: input.Severity, Message: input.Message, AtRisk: (*trade.Quantity)(input.AtRisk)})
	})
}

// AcknowledgeAlert takes an alert.
func (r mutation) AcknowledgeAlert(ctx context.Context, idempotencyKey string, input graph.AcknowledgeAlertInput) (*graph.AlertPayload,
	error,
) {
	return r.alerted(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Alerting.Take(ctx, s, by, idempotencyKey, input.Alert)
	})
}

// ResolveAlert closes an alert.
func (r mutation) ResolveAlert(ctx context.Context, idempotencyKey string, input graph.ResolveAlertInput) (*graph.AlertPayload, error) {
	return r.alerted(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Alerting.Resolve(ctx, s, by, idempotencyKey, input.Alert, input.Resolution)
	})
}

func (r mutation) alerted(ctx context.Context,
	do func(trade.Scope, process.Submitter) (*process.Acted, error),
) (*graph.AlertPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := do(l.Scope(), by)
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.AlertPayload{Errors: refusals, Replayed: a.Replayed}
	_, p.Alert, err = about(ctx, r.Resolver, l, "", loaders.Alerts, a.SubjectID)
	return p, err
}

// Alert are the resolvers of Alert.
func (r *Resolver) Alert() graph.AlertResolver { return alert{r} }

type alert struct{ *Resolver }

func (r alert) SubjectNode(ctx context.Context, objs []*trade.Alert) ([]trade.Node, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return l.Nodes(ctx, keysOf(objs, func(o *trade.Alert) string { return o.Subject }))
}

func (r alert) Deviation(ctx context.Context, objs []*trade.Alert) ([]*trade.Deviation, error) {
	return related(ctx, objs, func(o *trade.Alert) string { return o.DeviationID }, loaders.Deviations)
}

func (r alert) AffectedOrders(ctx context.Context, objs []*trade.Alert, first *int, after *string, last *int,
	before *string,
) ([]*trade.OrderConnection, error) {
	return pages(ctx, keysOf(objs, (*trade.Alert).NodeID), records.AlertedOrders, first, after, last, before)
}

func (r alert) AcknowledgedBy(ctx context.Context, objs []*trade.Alert) ([]*trade.User, error) {
	return related(ctx, objs, func(o *trade.Alert) string { return o.TakerID }, loaders.Users)
}
