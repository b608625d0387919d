package resolvers

import (
	"context"
	"time"

	"portico/edge/auth"
	"portico/graph"
	operatingstore "portico/store/operating"
	"portico/trade/operating"
)

// usedWithin is how far back the use of what goes away is told.
const usedWithin = 30 * 24 * time.Hour

// Deprecations are the parts of the schema that go away, soonest first.
func (r query) Deprecations(context.Context) ([]*operating.Deprecation, error) {
	return r.Resolver.Deprecations, nil
}

// Deprecation are the resolvers of Deprecation.
func (r *Resolver) Deprecation() graph.DeprecationResolver { return deprecation{r} }

type deprecation struct{ *Resolver }

// Usage is who still asks for them: clients are told of themselves, operators of everybody.
func (r deprecation) Usage(ctx context.Context, objs []*operating.Deprecation) ([][]*operating.DeprecatedUse, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	found, err := operatingstore.DeprecatedUse(ctx, l.Store, l.Scope(), auth.CallerOf(ctx).Principal.Client, time.Now().Add(-usedWithin),
		keysOf(objs, func(o *operating.Deprecation) string { return o.Coordinate }))
	all := make([][]*operating.DeprecatedUse, len(objs))
	for i, o := range objs {
		if all[i] = found[o.Coordinate]; all[i] == nil {
			all[i] = []*operating.DeprecatedUse{}
		}
	}
	return all, err
}
