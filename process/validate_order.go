package process

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/durable"
	"portico/sources"
	"portico/store"
	"portico/trade"
)

// Orders are the flows of customers' orders.
type Orders struct {
	store   *store.Store
	sources *sources.Set
	prices  *sources.PriceCache
	engine  *durable.Engine
}

// NewOrders makes the flows of customers' orders, and registers them with the engine
// that plays them.
func NewOrders(st *store.Store, set *sources.Set, prices *sources.PriceCache, engine *durable.Engine) *Orders {
	o := &Orders{st, set, prices, engine}
	if engine != nil {
		durable.Register(engine, o.submitOrder())
	}
	return o
}

// Validate says what submitting an order would say: prices, promises and all that
// stands against it. It writes nothing.
func (o *Orders) Validate(ctx context.Context, scope trade.Scope, r *trade.OrderRequest) (*trade.OrderValidation, error) {
	if errors := trade.CheckOrderShape(r); len(errors) > 0 {
		return &trade.OrderValidation{Lines: []trade.ValidatedLine{}, Provisional: []trade.OrderCheck{}, Errors: errors}, nil
	}
	facts, err := o.facts(ctx, scope, r)
	if err != nil {
		return nil, err
	}
	return trade.CheckOrder(r, facts), nil
}

// facts are what an order is checked against: a fixed number of statements, and one
// question of price.
func (o *Orders) facts(ctx context.Context, scope trade.Scope, r *trade.OrderRequest) (*trade.OrderFacts, error) {
	f := &trade.OrderFacts{Now: time.Now(), Lines: make([]trade.LineFacts, len(r.Lines))}
	accounts, err := o.store.Accounts(ctx, scope, []string{r.AccountID})
	if err != nil {
		return nil, err
	}
	f.Account = accounts[r.AccountID]
	var all errgroup.Group
	all.Go(func() error { return o.party(ctx, scope, r, f) })
	all.Go(func() error { return o.goods(ctx, scope, r, f) })
	if err := all.Wait(); err != nil {
		return nil, err
	}
	return f, o.priced(ctx, r, f)
}

// party reads what is known of who orders, and where it goes.
func (o *Orders) party(ctx context.Context, scope trade.Scope, r *trade.OrderRequest, f *trade.OrderFacts) error {
	if f.Account == nil {
		return nil
	}
	credit, err := o.store.Credit(ctx, scope, []string{r.AccountID})
	if err != nil {
		return err
	}
	f.Credit = credit[r.AccountID]
	if f.PoInUse, err = o.store.PoNumberInUse(ctx, scope, r.AccountID, r.CustomerPoNumber); err != nil || r.ShipToAddress != nil {
		return err
	}
	if r.ShipToID == "" {
		f.ShipTo, err = o.store.FirstShipTo(ctx, scope, r.AccountID)
		return err
	}
	places, err := o.store.Locations(ctx, scope, []string{r.ShipToID})
	if place := places[r.ShipToID]; place != nil && place.AccountRef.ID == r.AccountID {
		f.ShipTo = place
	}
	return err
}

// goods reads what is ordered and what there is of it, and of what may come instead.
func (o *Orders) goods(ctx context.Context, scope trade.Scope, r *trade.OrderRequest, f *trade.OrderFacts) error {
	items, err := o.items(ctx, scope, r)
	if err != nil {
		return err
	}
	var skus []string
	ids := map[string]bool{}
	for i, item := range items {
		if item == nil {
			continue
		}
		f.Lines[i].Item, ids[item.ID] = item, true
		if r.Lines[i].AllowSubstitute {
			skus = append(skus, item.SubstituteRefs...)
		}
	}
	instead := map[string]*trade.Item{}
	if len(skus) > 0 {
		if instead, err = o.store.ItemsBySKU(ctx, scope, skus); err != nil {
			return err
		}
	}
	for sku, item := range instead {
		if item.Status != trade.ItemActive {
			delete(instead, sku)
			continue
		}
		ids[item.ID] = true
	}
	all := make([]string, 0, len(ids))
	for id := range ids {
		all = append(all, id)
	}
	slices.Sort(all)
	account := ""
	if f.Account != nil {
		account = f.Account.Number
	}
	stock, err := o.store.Stock(ctx, scope, all, o.sources.Showing(sources.OfStock, account))
	if err != nil {
		return err
	}
	inbound, err := o.store.Inbound(ctx, scope, all)
	if err != nil {
		return err
	}
	units, err := o.store.Units(ctx, scope, all)
	if err != nil {
		return err
	}
	if f.Warehouses, err = o.warehouses(ctx, scope, stock, inbound); err != nil {
		return err
	}
	supply := func(item *trade.Item) trade.Supply { return trade.SupplyOf(item, stock[item.ID], inbound[item.ID]) }
	for i := range f.Lines {
		line := &f.Lines[i]
		if line.Item == nil {
			continue
		}
		line.Units, line.Supply = units[line.Item.ID], supply(line.Item)
		if r.Lines[i].AllowSubstitute {
			for _, sku := range line.Item.SubstituteRefs {
				if item := instead[sku]; item != nil {
					line.Substitutes = append(line.Substitutes, supply(item))
				}
			}
		}
	}
	return nil
}

func (o *Orders) warehouses(ctx context.Context, scope trade.Scope, stock map[string][]*trade.Stock, inbound map[string][]*trade.InboundSupply) (map[string]*trade.Warehouse, error) {
	var ids []string
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, all := range stock {
		for _, s := range all {
			add(s.WarehouseRef.ID)
		}
	}
	for _, all := range inbound {
		for _, in := range all {
			add(in.WarehouseRef.ID)
		}
	}
	return o.store.Warehouses(ctx, scope, ids)
}

// items finds the items of a request's lines; nil for each that is not there.
func (o *Orders) items(ctx context.Context, scope trade.Scope, r *trade.OrderRequest) ([]*trade.Item, error) {
	kinds := []struct {
		key  func(trade.ItemKey) string
		find func(context.Context, trade.Scope, []string) (map[string]*trade.Item, error)
	}{
		{func(k trade.ItemKey) string { return k.ID }, o.store.Items},
		{func(k trade.ItemKey) string { return k.SKU }, o.store.ItemsBySKU},
		{func(k trade.ItemKey) string { return k.GTIN }, o.store.ItemsByGTIN},
		{func(k trade.ItemKey) string { return k.PartNumber }, o.store.ItemsByPartNumber},
	}
	items := make([]*trade.Item, len(r.Lines))
	for _, kind := range kinds {
		var keys []string
		for _, l := range r.Lines {
			if k := kind.key(l.Item); k != "" {
				keys = append(keys, k)
			}
		}
		if len(keys) == 0 {
			continue
		}
		found, err := kind.find(ctx, scope, keys)
		if err != nil {
			return nil, err
		}
		for i, l := range r.Lines {
			if k := kind.key(l.Item); k != "" {
				items[i] = found[k]
			}
		}
	}
	return items, nil
}

// priced asks for the prices of the lines, of which those are kept that are fresh.
func (o *Orders) priced(ctx context.Context, r *trade.OrderRequest, f *trade.OrderFacts) error {
	if f.Account == nil {
		return nil
	}
	var ask []trade.PriceKey
	var places []int
	for i, line := range f.Lines {
		q := r.Lines[i].Quantity
		if line.Item == nil || !slices.ContainsFunc(line.Units, func(u *trade.ItemUnit) bool { return u.Unit == q.Unit && u.Orderable }) {
			continue
		}
		k := trade.PriceKey{Account: f.Account.Number, SKU: line.Item.SKU, Quantity: q.Value.String(), Unit: q.Unit, Day: trade.DateOf(f.Now)}
		if f.ShipTo != nil {
			k.ShipTo = f.ShipTo.Code
		}
		if kept, ok := o.prices.Kept(k, nil, f.Now); ok {
			f.Lines[i].Price = kept
			continue
		}
		ask, places = append(ask, k), append(places, i)
	}
	if len(ask) == 0 {
		return nil
	}
	told, err := o.prices.Ask(ctx, ask)
	for i, at := range places {
		if err == nil {
			f.Lines[at].Price = told[i]
		}
	}
	for i := range f.Lines {
		if p, ok := f.Lines[i].Price.(*trade.Price); ok {
			p.ItemID = f.Lines[i].Item.ID
		}
	}
	return err
}
