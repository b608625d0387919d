package resolvers

import (
	"context"
	"time"

	"portico/graph"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store/records"
	"portico/trade"
)

// Item are the resolvers of Item.
func (r *Resolver) Item() graph.ItemResolver { return item{r} }

type item struct{ *Resolver }

func (r item) Category(ctx context.Context, objs []*trade.Item) ([]*trade.Category, error) {
	return related(ctx, objs, func(o *trade.Item) string { return o.CategoryRef.ID }, loaders.Categories)
}

func (r item) Units(ctx context.Context, objs []*trade.Item) ([][]*trade.ItemUnit, error) {
	return lists(related(ctx, objs, func(o *trade.Item) string { return o.ID }, loaders.Units))
}

func (r item) Suppliers(ctx context.Context, objs []*trade.Item) ([][]*trade.SupplierItem, error) {
	return lists(related(ctx, objs, (*trade.Item).NodeID, loaders.SuppliersOf))
}

func (r item) ReplacedBy(ctx context.Context, objs []*trade.Item) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.Item) string { return o.ReplacedByRef.Key }, loaders.ItemsBySKU)
}

func (r item) CustomerPartNumber(ctx context.Context, objs []*trade.Item, account *string) ([]*string, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	if err := knownAccount(ctx, account, "account"); err != nil {
		return nil, err
	}
	keys := make([]records.PartNumberKey, len(objs))
	for i, o := range objs {
		keys[i] = records.PartNumberKey{Account: inputs.Text(account), SKU: o.SKU}
	}
	found, err := loaders.PartNumbers.All(ctx, keys)
	numbers := make([]*string, len(objs))
	for i := range found {
		if found[i] != "" {
			numbers[i] = &found[i]
		}
	}
	return numbers, err
}

// knownAccount refuses an account that is not in the caller's scope; argument is where it stands.
func knownAccount(ctx context.Context, account *string, argument ...string) error {
	if account == nil {
		return nil
	}
	named, err := loaders.Accounts.One(ctx, *account)
	if err != nil || named != nil {
		return err
	}
	return badArgument(argument, "no such account")
}

func (r item) Substitutes(ctx context.Context, objs []*trade.Item) ([][]*trade.Item, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	var skus []string
	for _, o := range objs {
		skus = append(skus, o.SubstituteRefs...)
	}
	found, err := loaders.ItemsBySKU.All(ctx, skus)
	if err != nil {
		return nil, err
	}
	substitutes := make([][]*trade.Item, len(objs))
	for i, o := range objs {
		substitutes[i] = []*trade.Item{}
		for _, s := range found[:len(o.SubstituteRefs)] {
			if s != nil {
				substitutes[i] = append(substitutes[i], s)
			}
		}
		found = found[len(o.SubstituteRefs):]
	}
	return substitutes, nil
}

func (r item) Documents(_ context.Context, objs []*trade.Item) ([][]*trade.ItemDocument, error) {
	documents := make([][]*trade.ItemDocument, len(objs))
	for i, o := range objs {
		documents[i] = []*trade.ItemDocument{}
		for _, d := range o.DocumentRefs {
			documents[i] = append(documents[i], &trade.ItemDocument{Kind: d.Kind, Language: d.Language, Link: *r.Links.To(&d.Document)})
		}
	}
	return documents, nil
}

func (r item) Price(ctx context.Context, objs []*trade.Item, quantity *graph.QuantityInput, account, shipTo *string, on *trade.Date,
	maxAge *time.Duration,
) ([]trade.PriceResult, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	buyer, err := priced(ctx, l, account, shipTo)
	if err != nil {
		return nil, err
	}
	keys := make([]trade.PriceKey, len(objs))
	for i, o := range objs {
		keys[i] = buyer
		keys[i].SKU, keys[i].Unit, keys[i].Quantity = o.SKU, o.BaseUnit, "1"
		if quantity != nil {
			keys[i].Unit, keys[i].Quantity = quantity.Unit, quantity.Value.String()
		}
		if on != nil {
			keys[i].Day = *on
		}
	}
	prices, err := l.PriceOf(ctx, keys, maxAge)
	for i := range prices {
		if p, ok := prices[i].(*trade.Price); ok {
			p.ItemID = objs[i].ID
		}
	}
	return prices, err
}

// priced is the part of a price's key that is the buyer's: account, ship-to
// and, by default, today. Without an account named, a customer's first account
// buys.
func priced(ctx context.Context, l *loaders.Loaders, account, shipTo *string) (trade.PriceKey, error) {
	key := trade.PriceKey{Day: trade.DateOf(time.Now(), time.UTC)}
	buyer := l.Scope().Buyer()
	if account != nil {
		named, err := loaders.Accounts.One(ctx, *account)
		if err != nil {
			return key, err
		}
		if named == nil {
			return key, badInput("no such account")
		}
		buyer = trade.Ref{ID: named.ID, Key: named.Number}
	}
	if buyer.Key == "" {
		return key, badInput("name an account, by the argument account: this caller buys for none of its own")
	}
	key.Account = buyer.Key
	if shipTo == nil {
		return key, nil
	}
	place, err := loaders.Locations.One(ctx, *shipTo)
	if err != nil {
		return key, err
	}
	if place == nil || place.AccountRef.ID != buyer.ID {
		return key, badInput("no such location of the account")
	}
	key.ShipTo = place.Code
	return key, nil
}

func (r item) Availability(ctx context.Context, objs []*trade.Item, warehouses []string, horizon time.Duration,
	maxAge *time.Duration,
) ([]*trade.Availability, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return l.AvailabilityOf(ctx, objs, loaders.StockArgs{Warehouses: warehouses, Horizon: horizon, MaxAge: maxAge})
}

// ItemConnection are the resolvers of ItemConnection.
func (r *Resolver) ItemConnection() graph.ItemConnectionResolver { return itemConnection{} }

type itemConnection struct{ connection[trade.Item] }

func (itemConnection) Facets(ctx context.Context, objs []*trade.ItemConnection) ([][]*trade.ItemFacet, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return loaders.Facets(ctx, l, objs)
}

// Category are the resolvers of Category.
func (r *Resolver) Category() graph.CategoryResolver { return category{r} }

type category struct{ *Resolver }

func (r category) Parent(ctx context.Context, objs []*trade.Category) ([]*trade.Category, error) {
	return related(ctx, objs, func(o *trade.Category) string { return o.ParentRef.ID }, loaders.Categories)
}

func (r category) Children(ctx context.Context, objs []*trade.Category) ([][]*trade.Category, error) {
	return lists(related(ctx, objs, func(o *trade.Category) string { return o.ID }, loaders.SubCategories))
}

// Price are the resolvers of Price.
func (r *Resolver) Price() graph.PriceResolver { return price{r} }

type price struct{ *Resolver }

func (r price) Item(ctx context.Context, objs []*trade.Price) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.Price) string { return o.ItemID }, loaders.Items)
}

func (r price) Contract(ctx context.Context, objs []*trade.Price) ([]*trade.Contract, error) {
	return related(ctx, objs, func(o *trade.Price) string { return o.ContractKey }, loaders.ContractsByNumber)
}

// Availability are the resolvers of Availability.
func (r *Resolver) Availability() graph.AvailabilityResolver { return availability{r} }

type availability struct{ *Resolver }

func (r availability) Item(ctx context.Context, objs []*trade.Availability) ([]*trade.Item, error) {
	return related(ctx, objs, func(o *trade.Availability) string { return o.ItemID }, loaders.Items)
}

// InboundSupply are the resolvers of InboundSupply.
func (r *Resolver) InboundSupply() graph.InboundSupplyResolver { return inboundSupply{r} }

type inboundSupply struct{ *Resolver }

func (r inboundSupply) PurchaseOrderLine(ctx context.Context, objs []*trade.InboundSupply) ([]*trade.PurchaseOrderLine, error) {
	return related(ctx, objs, func(o *trade.InboundSupply) string { return o.LineID }, loaders.PurchaseOrderLines)
}

// WarehouseStock are the resolvers of WarehouseStock.
func (r *Resolver) WarehouseStock() graph.WarehouseStockResolver { return warehouseStock{r} }

type warehouseStock struct{ *Resolver }

func (r warehouseStock) Warehouse(ctx context.Context, objs []*trade.WarehouseStock) ([]*trade.Warehouse, error) {
	return related(ctx, objs, func(o *trade.WarehouseStock) string { return o.WarehouseRef.ID }, loaders.Warehouses)
}
