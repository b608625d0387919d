package loaders

import (
	"context"
	"slices"
	"time"

	"portico/trade"
	"portico/trade/ordering"
)

// PromiseArgs say what of items is wanted, where and when.
type PromiseArgs struct {
	Quantity        trade.Quantity
	ShipTo          *trade.AccountLocation
	Wished          *trade.Date
	AllowPartial    bool
	AllowSubstitute bool
}

// PromiseOf says when a quantity of each item could come. It is nil for an item that
// has no such unit.
func (l *Loaders) PromiseOf(ctx context.Context, items []*trade.Item, args PromiseArgs) ([]*trade.OrderPromise, error) {
	all := slices.Clone(items)
	instead := map[string]*trade.Item{}
	if args.AllowSubstitute {
		var skus []string
		for _, item := range items {
			skus = append(skus, item.SubstituteRefs...)
		}
		found, err := ItemsBySKU.in(ctx, l, skus)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			if s != nil && s.Status == trade.ItemActive && instead[s.SKU] == nil {
				instead[s.SKU] = s
				all = append(all, s)
			}
		}
	}
	supplies, warehouses, err := l.supplies(ctx, all)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	units, err := Units.in(ctx, l, ids)
	if err != nil {
		return nil, err
	}
	now, promises := time.Now(), make([]*trade.OrderPromise, len(items))
	for i, item := range items {
		u := slices.IndexFunc(units[i], func(u *trade.ItemUnit) bool { return u.Unit == args.Quantity.Unit })
		if u < 0 {
			continue
		}
		d := ordering.Demand{
			Quantity: args.Quantity, Each: units[i][u].BaseQuantity, ShipTo: args.ShipTo, Country: args.ShipTo.Address.Country, Wished: args.Wished,
			AllowPartial: args.AllowPartial, AllowSubstitute: args.AllowSubstitute,
		}
		var others []ordering.Supply
		for _, sku := range item.SubstituteRefs {
			if s := instead[sku]; s != nil {
				others = append(others, supplies[s.ID])
			}
		}
		promises[i] = ordering.Promise(d, supplies[item.ID], others, warehouses, now)
	}
	return promises, nil
}

// supplies are what there is of items, and the warehouses where it is.
func (l *Loaders) supplies(ctx context.Context, items []*trade.Item) (map[string]ordering.Supply, map[string]*trade.Warehouse, error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	stock, err := Stock.in(ctx, l, ids)
	if err != nil {
		return nil, nil, err
	}
	inbound, err := Inbound.in(ctx, l, ids)
	if err != nil {
		return nil, nil, err
	}
	all, places := make(map[string]ordering.Supply, len(items)), map[string]*trade.Warehouse{}
	for i, item := range items {
		all[item.ID] = ordering.SupplyOf(item, stock[i], inbound[i])
		for _, x := range stock[i] {
			places[x.WarehouseRef.ID] = nil
		}
		for _, in := range inbound[i] {
			places[in.WarehouseRef.ID] = nil
		}
	}
	var keys []string
	for id := range places {
		if id != "" {
			keys = append(keys, id)
		}
	}
	slices.Sort(keys)
	found, err := Warehouses.in(ctx, l, keys)
	for i, w := range found {
		places[keys[i]] = w
	}
	return all, places, err
}
