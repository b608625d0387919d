package orders

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/process"
	"portico/sources"
	"portico/store"
	"portico/store/records"
	"portico/trade"
	"portico/trade/ordering"
)

// Validate says what submitting an order would say: prices, promises and all that
// stands against it. It writes nothing.
func (o *Flows) Validate(ctx context.Context, scope trade.Scope, by process.Submitter,
	r *ordering.OrderRequest,
) (*ordering.OrderValidation, error) {
	if errors := ordering.CheckOrderShape(r); len(errors) > 0 {
		return &ordering.OrderValidation{Lines: []ordering.ValidatedLine{}, Provisional: []ordering.OrderCheck{}, Errors: errors}, nil
	}
	facts, err := o.facts(ctx, scope, []*ordering.OrderRequest{r})
	if err != nil {
		return nil, err
	}
	v := ordering.CheckOrder(r, facts[0])
	if v.Totals == nil || facts[0].Account == nil {
		return v, nil
	}
	limits, err := o.limitsOf(ctx, scope, by, []string{r.AccountID})
	if err != nil {
		return nil, err
	}
	exceeded, err := o.exceeded(ctx, o.desk.Store, by, limits[r.AccountID], v.Totals.Total)
	v.NeedsApproval = exceeded != nil
	return v, err
}

// facts are what orders are checked against: a fixed number of statements for all of
// them, and one question of price.
func (o *Flows) facts(ctx context.Context, scope trade.Scope, requests []*ordering.OrderRequest) ([]*ordering.OrderFacts, error) {
	all, err := o.recorded(ctx, scope, requests)
	if err != nil {
		return nil, err
	}
	return all, o.priced(ctx, requests, all)
}

// recorded are those of the facts that the store has: all but prices.
func (o *Flows) recorded(ctx context.Context, scope trade.Scope, requests []*ordering.OrderRequest) ([]*ordering.OrderFacts, error) {
	all, ids := make([]*ordering.OrderFacts, len(requests)), make([]string, len(requests))
	for i, r := range requests {
		all[i] = &ordering.OrderFacts{Now: o.desk.Now(), Lines: make([]ordering.LineFacts, len(r.Lines))}
		ids[i] = r.AccountID
	}
	accounts, err := records.Accounts(ctx, o.desk.Store, scope, process.Distinct(ids))
	if err != nil {
		return nil, err
	}
	for i, f := range all {
		f.Account = accounts[ids[i]]
	}
	var both errgroup.Group
	both.Go(func() error { return o.parties(ctx, scope, requests, all) })
	both.Go(func() error { return o.goods(ctx, scope, requests, all) })
	return all, both.Wait()
}

// parties reads what is known of who orders, and where it goes.
func (o *Flows) parties(ctx context.Context, scope trade.Scope, requests []*ordering.OrderRequest, all []*ordering.OrderFacts) error {
	var accounts, places, anywhere []string
	var numbers []records.PoNumber
	for i, r := range requests {
		if all[i].Account == nil {
			continue
		}
		accounts = append(accounts, r.AccountID)
		if r.CustomerPoNumber != "" {
			numbers = append(numbers, records.PoNumber{AccountID: r.AccountID, Number: r.CustomerPoNumber})
		}
		switch {
		case r.ShipToAddress != nil:
		case r.ShipToID != "":
			places = append(places, r.ShipToID)
		default:
			anywhere = append(anywhere, r.AccountID)
		}
	}
	credit, err := records.Credit(ctx, o.desk.Store, scope, process.Distinct(accounts))
	if err != nil {
		return err
	}
	used, err := records.PoNumbersInUse(ctx, o.desk.Store, scope, numbers)
	if err != nil {
		return err
	}
	named, first := map[string]*trade.AccountLocation{}, map[string]*trade.AccountLocation{}
	if places != nil {
		if named, err = records.Locations(ctx, o.desk.Store, scope, process.Distinct(places)); err != nil {
			return err
		}
	}
	if anywhere != nil {
		if first, err = records.FirstShipTos(ctx, o.desk.Store, scope, process.Distinct(anywhere)); err != nil {
			return err
		}
	}
	for i, r := range requests {
		f := all[i]
		if f.Account == nil {
			continue
		}
		f.Credit, f.PoInUse = credit[r.AccountID], used[records.PoNumber{AccountID: r.AccountID, Number: r.CustomerPoNumber}]
		switch {
		case r.ShipToAddress != nil:
		case r.ShipToID == "":
			f.ShipTo = first[r.AccountID]
		default:
			if place := named[r.ShipToID]; place != nil && place.AccountRef.ID == r.AccountID {
				f.ShipTo = place
			}
		}
	}
	return nil
}

// goods reads what is ordered and what there is of it, and of what may come instead.
func (o *Flows) goods(ctx context.Context, scope trade.Scope, requests []*ordering.OrderRequest, all []*ordering.OrderFacts) error {
	var keys []ordering.ItemKey
	for _, r := range requests {
		for _, l := range r.Lines {
			keys = append(keys, l.Item)
		}
	}
	items, err := o.items(ctx, scope, keys)
	if err != nil {
		return err
	}
	var skus, ids []string
	n := 0
	for i, r := range requests {
		for j, l := range r.Lines {
			item := items[n]
			n++
			if item == nil {
				continue
			}
			all[i].Lines[j].Item = item
			ids = append(ids, item.ID)
			if l.AllowSubstitute {
				skus = append(skus, item.SubstituteRefs...)
			}
		}
	}
	instead := map[string]*trade.Item{}
	if len(skus) > 0 {
		if instead, err = records.ItemsBySKU(ctx, o.desk.Store, scope, process.Distinct(skus)); err != nil {
			return err
		}
	}
	for sku, item := range instead {
		if item.Status != trade.ItemActive {
			delete(instead, sku)
			continue
		}
		ids = append(ids, item.ID)
	}
	ids = process.Distinct(ids)
	slices.Sort(ids)
	stocks := map[string]map[string][]*trade.Stock{} // by the source that shows it
	shown := make([]string, len(all))
	for i, f := range all {
		account := ""
		if f.Account != nil {
			account = f.Account.Number
		}
		shown[i] = o.desk.Sources.Showing(sources.OfStock, account)
		if stocks[shown[i]] == nil {
			if stocks[shown[i]], err = records.Stock(ctx, o.desk.Store, scope, ids, shown[i]); err != nil {
				return err
			}
		}
	}
	inbound, err := records.Inbound(ctx, o.desk.Store, scope, ids)
	if err != nil {
		return err
	}
	units, err := records.Units(ctx, o.desk.Store, scope, ids)
	if err != nil {
		return err
	}
	warehouses, err := o.warehouses(ctx, scope, slices.Collect(maps.Values(stocks)), inbound)
	if err != nil {
		return err
	}
	for i, f := range all {
		f.Warehouses = warehouses
		supply := func(item *trade.Item) ordering.Supply {
			return ordering.SupplyOf(item, stocks[shown[i]][item.ID], inbound[item.ID])
		}
		for j := range f.Lines {
			line := &f.Lines[j]
			if line.Item == nil {
				continue
			}
			line.Units, line.Supply = units[line.Item.ID], supply(line.Item)
			if !requests[i].Lines[j].AllowSubstitute {
				continue
			}
			for _, sku := range line.Item.SubstituteRefs {
				if item := instead[sku]; item != nil {
					line.Substitutes = append(line.Substitutes, supply(item))
				}
			}
		}
	}
	return nil
}

func (o *Flows) warehouses(ctx context.Context, scope trade.Scope, stocks []map[string][]*trade.Stock,
	inbound map[string][]*trade.InboundSupply,
) (map[string]*trade.Warehouse, error) {
	var ids []string
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, stock := range stocks {
		for _, all := range stock {
			for _, s := range all {
				add(s.WarehouseRef.ID)
			}
		}
	}
	for _, all := range inbound {
		for _, in := range all {
			add(in.WarehouseRef.ID)
		}
	}
	return records.Warehouses(ctx, o.desk.Store, scope, ids)
}

// items finds items by their keys; nil for each that is not there.
func (o *Flows) items(ctx context.Context, scope trade.Scope, asked []ordering.ItemKey) ([]*trade.Item, error) {
	kinds := []struct {
		key  func(ordering.ItemKey) string
		find func(context.Context, *store.Store, trade.Scope, []string) (map[string]*trade.Item, error)
	}{
		{func(k ordering.ItemKey) string { return k.ID }, records.Items},
		{func(k ordering.ItemKey) string { return k.SKU }, records.ItemsBySKU},
		{func(k ordering.ItemKey) string { return k.GTIN }, records.ItemsByGTIN},
		{func(k ordering.ItemKey) string { return k.PartNumber }, records.ItemsByPartNumber},
	}
	items := make([]*trade.Item, len(asked))
	for _, kind := range kinds {
		var keys []string
		for _, k := range asked {
			keys = append(keys, kind.key(k))
		}
		if keys = process.Distinct(keys); keys == nil {
			continue
		}
		found, err := kind.find(ctx, o.desk.Store, scope, keys)
		if err != nil {
			return nil, err
		}
		for i, k := range asked {
			if key := kind.key(k); key != "" {
				items[i] = found[key]
			}
		}
	}
	return items, nil
}

// priced asks for the prices of the lines, of which those are kept that are fresh.
func (o *Flows) priced(ctx context.Context, requests []*ordering.OrderRequest, all []*ordering.OrderFacts) error {
	var keys, ask []trade.PriceKey
	var lines []*ordering.LineFacts
	for i, f := range all {
		if f.Account == nil {
			continue
		}
		for j := range f.Lines {
			line, q := &f.Lines[j], requests[i].Lines[j].Quantity //nolint:gosec // it is as long as that
			if line.Item == nil || !slices.ContainsFunc(line.Units, func(u *trade.ItemUnit) bool { return u.Unit == q.Unit && u.Orderable }) {
				continue
			}
			k := trade.PriceKey{
				Account: f.Account.Number, SKU: line.Item.SKU, Quantity: q.Value.String(), Unit: q.Unit,
				Day: trade.DateOf(f.Now, time.UTC),
			}
			if f.ShipTo != nil {
				k.ShipTo = f.ShipTo.Code
			}
			if kept, ok := o.prices.Find(k, nil, f.Now); ok {
				line.Price = kept
			} else {
				ask = append(ask, k)
			}
			keys, lines = append(keys, k), append(lines, line)
		}
	}
	var results []trade.PriceResult
	var err error
	if len(ask) > 0 {
		if results, err = o.prices.Ask(ctx, ask); err != nil {
			return err
		}
	}
	for i, line := range lines {
		if line.Price == nil {
			line.Price, results = results[0], results[1:]
		}
		line.Before = o.prices.Before(keys[i])
		if p, ok := line.Price.(*trade.Price); ok {
			p.ItemID = line.Item.ID
		}
	}
	return nil
}
