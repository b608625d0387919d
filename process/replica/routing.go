package replica

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

// routeEvery is the pause between two looks at the routes: they are in force
// everywhere within a second.
const routeEvery = 500 * time.Millisecond

// configuration is who made the routes that nobody changed.
const configuration = "configuration"

// BeginRoutes files the configured routes, for capabilities whose route nobody has
// changed.
func BeginRoutes(ctx context.Context, st *store.Store, set *sources.Set) error {
	configured := set.Configured()
	for i := range configured {
		configured[i].ChangedBy = configuration
	}
	return st.InTx(ctx, func(tx *store.Tx) error { return operatingstore.BeginRoutes(ctx, tx, configured) })
}

// SetRoute puts a route in force, on all processes within a second, and tells what
// it was before. It fails when the sources cannot serve it.
func SetRoute(ctx context.Context, st *store.Store, set *sources.Set, r operating.CapabilityRoute) (before operating.CapabilityRoute,
	err error,
) {
	if err := BeginRoutes(ctx, st, set); err != nil {
		return before, err
	}
	all, err := operatingstore.Routes(ctx, st)
	if err != nil {
		return before, err
	}
	i := slices.IndexFunc(all, func(b operating.CapabilityRoute) bool { return b.Capability == r.Capability })
	if i < 0 {
		return before, fmt.Errorf("%q is no capability", r.Capability)
	}
	before = all[i]
	// A route that cannot be taken any more does not stand in the way of its change.
	had, mixed := map[sources.Subject][]string{}, map[sources.Subject]bool{}
	if err := set.Apply([]operating.CapabilityRoute{before}); err == nil {
		for _, s := range sources.SubjectsOf(r.Capability) {
			had[s], mixed[s] = set.Copies(s), set.Mixed(s)
		}
	}
	if err := set.Apply([]operating.CapabilityRoute{r}); err != nil {
		return before, err
	}
	reload := map[string][]string{}
	for _, s := range sources.SubjectsOf(r.Capability) {
		for _, name := range set.Copies(s) {
			// What was not copied until now is loaded, and what is or was shared out is read
			// again by whose it is now.
			if !slices.Contains(had[s], name) || set.Mixed(s) || mixed[s] {
				reload[name] = append(reload[name], string(s))
			}
		}
	}
	return before, st.InTx(ctx, func(tx *store.Tx) error {
		if err := operatingstore.SetRoute(ctx, tx, r, reload); err != nil {
			return err
		}
		return ledger.Audit(ctx, tx, operating.AuditRecord{
			Actor: r.ChangedBy, Action: "route.change", Subject: string(r.Capability), Before: routeAudited(before), After: routeAudited(r),
		})
	})
}

func routeAudited(r operating.CapabilityRoute) map[string]any {
	return map[string]any{"primary": r.Primary, "shadow": r.Shadow, "percentToPrimary": r.PercentToPrimary}
}

// TakeRoutes puts the routes of the database in force. It is called before anything
// is read.
func (r *Copy) TakeRoutes(ctx context.Context) error {
	if err := BeginRoutes(ctx, r.store, r.sources); err != nil {
		return err
	}
	if _, err := r.applyRoutes(ctx); err != nil {
		return err
	}
	r.sources.Settle()
	return nil
}

// applyRoutes puts the routes of the database in force, and tells whether they
// are others than before. A route that names a source which this process does not
// have is refused: it goes on as before.
func (r *Copy) applyRoutes(ctx context.Context) (changed bool, err error) {
	routes, err := operatingstore.Routes(ctx, r.store)
	if err != nil || reflect.DeepEqual(routes, r.routes) {
		return false, err
	}
	if err := r.sources.Apply(routes); err != nil {
		return false, fmt.Errorf("routes: %w; change it by portico route", err)
	}
	r.routes = routes
	return true, nil
}

// watchRoutes puts changed routes in force, and copies what has moved from where
// it is now, until ctx ends. Until that is copied, readers of stock are shown where
// it was before.
func (r *Copy) watchRoutes(ctx context.Context) {
	moving := false // what has moved is not copied yet
	loop := clock.Loop{Task: "routes", Every: routeEvery, Late: true, Log: r.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		changed, err := r.applyRoutes(ctx)
		if changed {
			moving = true
			r.log.InfoContext(ctx, "routes changed")
			if r.Rerouted != nil {
				r.Rerouted()
			}
		}
		if err != nil || !moving {
			return err
		}
		if err := r.tryLoad(ctx); err != nil {
			return err
		}
		moving = false
		r.sources.Settle()
		return nil
	}))
}

// comparePrices asks shadows for the prices that callers were told, one answer
// after the other, until ctx ends.
func (r *Copy) comparePrices(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case read := <-r.sources.PricesRead():
			shadow := r.sources.Shadow(sources.OfPrices)
			if shadow == "" {
				continue
			}
			theirs, err := r.sources.At(shadow).Prices(ctx, read.Keys)
			if err != nil {
				continue // its health says so
			}
			keys := make([]string, len(read.Keys))
			var found []operating.Difference
			for i, k := range read.Keys {
				keys[i] = fmt.Sprintf("%s %s %s %s %s", k.Account, k.SKU, k.Quantity, k.Unit, k.Day)
				found = append(found, differences(keys[i], priceFields(read.Results[i]), priceFields(theirs[i]), false)...)
			}
			c := replication.Comparison{
				Capability: operating.Pricing, Subject: string(sources.OfPrices),
				Held: r.sources.Serving(sources.OfPrices, ""), Instance: shadow,
			}
			err = r.store.InTx(ctx, func(tx *store.Tx) error { return replication.FileDifferences(ctx, tx, c, keys, found) })
			if err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "differences of prices could not be filed", "err", err)
			}
		}
	}
}

// priceFields are what two sources can differ in about a price. Prices are for
// one unit, whatever number a source states them for.
func priceFields(r trade.PriceResult) map[string]string {
	switch p := r.(type) {
	case *trade.PriceUnavailable:
		return map[string]string{"unavailable": string(p.Reason)}
	case *trade.Price:
		each, err := p.UnitPrice.Price.Amount.Div(p.UnitPrice.Per.Value)
		if err != nil {
			return nil
		}
		fields := map[string]string{
			"unavailable": "no", "unitPrice": each.RoundBank(6).String(), "currency": p.UnitPrice.Price.Currency, "kind": string(p.Kind),
			"contract": p.ContractKey,
		}
		for name, day := range map[string]*trade.Date{"validFrom": p.ValidFrom, "validTo": p.ValidTo} {
			if day != nil {
				fields[name] = day.String()
			}
		}
		return fields
	}
	return nil
}
