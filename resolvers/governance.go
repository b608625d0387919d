package resolvers

import (
	"context"
	"time"

	"portico/graph"
	"portico/process/stewards"
	"portico/resolvers/loaders"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/operating"
)

// everyOne reads a whole list that is short by its nature.
func everyOne[T any](ctx context.Context, list func(trade.Scope) *store.List[T]) ([]*T, error) {
	most := maxPage
	c, err := page(ctx, list, &most, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	return c.Nodes, nil
}

// CapabilityRoutes are where capabilities are served, for operators.
func (r query) CapabilityRoutes(ctx context.Context) ([]*operating.CapabilityRoute, error) {
	return everyOne(ctx, operatingstore.RouteList)
}

// CapabilityRoute are the resolvers of CapabilityRoute.
func (r *Resolver) CapabilityRoute() graph.CapabilityRouteResolver { return capabilityRoute{r} }

type capabilityRoute struct{ *Resolver }

func (r capabilityRoute) Mismatches(ctx context.Context, objs []*operating.CapabilityRoute, first *int, after *string, last *int,
	before *string,
) ([]*operating.RouteMismatchConnection, error) {
	return pages(ctx, keysOf(objs, func(o *operating.CapabilityRoute) string { return string(o.Capability) }), operatingstore.MismatchList,
		first, after, last, before)
}

// Reconciliations are the latest comparisons, for operators.
func (r query) Reconciliations(ctx context.Context) ([]*operating.Reconciliation, error) {
	return everyOne(ctx, operatingstore.ReconciliationList)
}

// Reconciliation are the resolvers of Reconciliation.
func (r *Resolver) Reconciliation() graph.ReconciliationResolver { return reconciliation{r} }

type reconciliation struct{ *Resolver }

func (r reconciliation) Differences(ctx context.Context, objs []*operating.Reconciliation, first *int, after *string, last *int,
	before *string,
) ([]*operating.RecordDifferenceConnection, error) {
	return pages(ctx, keysOf(objs, func(o *operating.Reconciliation) string { return o.ID }), operatingstore.DifferenceList, first, after,
		last, before)
}

// DataPolicies are who owns what, for stewards.
func (r query) DataPolicies(ctx context.Context) ([]*operating.DataPolicy, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	policies := l.Sources.Policies()
	all := make([]*operating.DataPolicy, len(policies))
	for i := range policies {
		all[i] = &policies[i]
	}
	return all, nil
}

// MasterDataConflicts are the fields on which systems contradict each other, for
// stewards.
func (r query) MasterDataConflicts(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.MasterDataConflictFilter,
) (*operating.MasterDataConflictConnection, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	var wanted operatingstore.ConflictFilter
	if filter != nil {
		wanted = l.Conflicting(filter.Capability, filter.Steward, filter.Open)
	}
	return page(ctx, func(s trade.Scope) *store.List[operating.MasterDataConflict] {
		return operatingstore.ConflictList(s, wanted)
	}, first, after, last, before)
}

// MasterDataConflict are the resolvers of MasterDataConflict.
func (r *Resolver) MasterDataConflict() graph.MasterDataConflictResolver {
	return masterDataConflict{r}
}

type masterDataConflict struct{ *Resolver }

func (r masterDataConflict) Steward(ctx context.Context, objs []*operating.MasterDataConflict) ([]string, error) {
	return governed(ctx, objs, func(_ *operating.MasterDataConflict, p operating.Stewardship) string { return p.Steward })
}

func (r masterDataConflict) ResolvedValue(ctx context.Context, objs []*operating.MasterDataConflict) ([]*string, error) {
	return governed(ctx, objs, func(c *operating.MasterDataConflict, p operating.Stewardship) *string {
		if p.Conflict == operating.StewardDecides {
			return (*string)(c.DecidedValue)
		}
		return (*string)(c.HeldValue)
	})
}

func (r masterDataConflict) ResolvedAt(ctx context.Context, objs []*operating.MasterDataConflict) ([]*time.Time, error) {
	return governed(ctx, objs, func(c *operating.MasterDataConflict, p operating.Stewardship) *time.Time {
		if p.Conflict == operating.StewardDecides {
			return c.DecidedAt
		}
		return &c.Since
	})
}

func (r masterDataConflict) ResolvedBy(ctx context.Context, objs []*operating.MasterDataConflict) ([]*trade.User, error) {
	return related(ctx, objs, func(o *operating.MasterDataConflict) string { return o.DeciderID }, loaders.Users)
}

// ResolveMasterDataConflict decides a conflict.
func (r mutation) ResolveMasterDataConflict(ctx context.Context, idempotencyKey string,
	input graph.ResolveMasterDataConflictInput,
) (*graph.MasterDataConflictPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.Stewarding.Resolve(ctx, l.Scope(), by, idempotencyKey,
		stewards.Verdict{Conflict: input.Conflict, Value: input.Value, Reason: input.Reason}, telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.MasterDataConflictPayload{Errors: refusals, Replayed: a.Replayed}
	p.Operation, p.Conflict, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Conflicts, a.SubjectID)
	return p, err
}

func governed[V any](ctx context.Context, objs []*operating.MasterDataConflict,
	view func(*operating.MasterDataConflict, operating.Stewardship) V,
) ([]V, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]V, len(objs))
	for i, o := range objs {
		all[i] = view(o, l.StewardshipOf(o.Kind))
	}
	return all, nil
}

func (r masterDataConflict) Values(ctx context.Context, objs []*operating.MasterDataConflict) ([][]*operating.SourcedValue, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	all := make([][]*operating.SourcedValue, len(objs))
	for i, o := range objs {
		value := func(instance string, mode trade.ReadMode, v *trade.Confidential) *operating.SourcedValue {
			p := trade.Provenance{Instance: instance, System: l.Sources.KindOf(instance), Mode: mode, AsOf: &o.At, ReceivedAt: o.At}
			p.At(time.Now(), 0)
			return &operating.SourcedValue{Value: v, Provenance: p}
		}
		all[i] = []*operating.SourcedValue{value(o.HeldFrom, trade.ODS, o.HeldValue), value(o.Instance, trade.Live, o.SourceValue)}
	}
	return all, nil
}
