package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/loaders"
	"portico/store/records"
	"portico/trade"
)

func accountFilter(f *graph.AccountFilter) records.AccountFilter {
	if f == nil {
		return records.AccountFilter{}
	}
	return records.AccountFilter{Search: text(f.Search), Status: f.Status, Parent: text(f.Parent)}
}

func itemFilter(search *string, f *graph.ItemFilter) records.ItemFilter {
	out := records.ItemFilter{Search: text(search)}
	if f == nil {
		return out
	}
	out.Categories, out.Brands, out.Status, out.InStock, out.Warehouses = f.Categories, f.Brands, f.Status, f.InStock, f.Warehouses
	out.Account = text(f.Account)
	out.Contracted, out.OrderedBefore, out.ChangedSince = yes(f.Contracted), yes(f.OrderedBefore), f.ChangedSince
	for _, a := range f.Attributes {
		out.Attributes = append(out.Attributes, records.AttributeFilter{Name: a.Name, AnyOf: a.AnyOf})
	}
	return out
}

// noSuchItem is an id that no item has: a filter by an item that is not there
// finds nothing.
const noSuchItem = "-"

func orderFilter(ctx context.Context, f *graph.OrderFilter) (records.OrderFilter, error) {
	if f == nil {
		return records.OrderFilter{}, nil
	}
	item, err := itemID(ctx, f.Item)
	return records.OrderFilter{
		Accounts: f.Accounts, Status: f.Status, Number: text(f.Number), CustomerPoNumber: text(f.CustomerPoNumber), Placed: span(f.Placed),
		Item:   item,
		ShipTo: text(f.ShipTo), ChangedSince: f.ChangedSince,
	}, err
}

func purchaseOrderFilter(ctx context.Context, f *graph.PurchaseOrderFilter) (records.PurchaseOrderFilter, error) {
	if f == nil {
		return records.PurchaseOrderFilter{}, nil
	}
	item, err := itemID(ctx, f.Item)
	return records.PurchaseOrderFilter{
		Status: f.Status, Number: text(f.Number), Supplier: text(f.Supplier), Promised: span(f.Promised), Item: item,
		ChangedSince: f.ChangedSince, NeedsAction: yes(f.NeedsAction),
	}, err
}

func shipmentFilter(f *graph.ShipmentFilter) records.ShipmentFilter {
	if f == nil {
		return records.ShipmentFilter{}
	}
	out := records.ShipmentFilter{
		Direction: f.Direction, Status: f.Status, CarrierScac: text(f.CarrierScac), Order: text(f.Order), Eta: span(f.Eta),
		ChangedSince: f.ChangedSince,
	}
	if f.Reference != nil {
		out.Reference = &trade.Identifier{Scheme: f.Reference.Scheme, Value: f.Reference.Value}
	}
	return out
}

func invoiceFilter(f *graph.InvoiceFilter) records.InvoiceFilter {
	if f == nil {
		return records.InvoiceFilter{}
	}
	return records.InvoiceFilter{
		Accounts: f.Accounts, Kind: f.Kind, Status: f.Status, Number: text(f.Number), Order: text(f.Order), Issued: span(f.Issued),
		Due:          span(f.Due),
		ChangedSince: f.ChangedSince,
	}
}

func returnFilter(f *graph.ReturnFilter) records.ReturnFilter {
	if f == nil {
		return records.ReturnFilter{}
	}
	return records.ReturnFilter{Status: f.Status, Number: text(f.Number), Order: text(f.Order), ChangedSince: f.ChangedSince}
}

// itemID is the id of the item a filter names; empty when it names none.
func itemID(ctx context.Context, by *graph.ItemBy) (string, error) {
	if by == nil {
		return "", nil
	}
	if err := signedIn(ctx); err != nil {
		return "", err
	}
	found, err := itemsBy(ctx, []*graph.ItemBy{by})
	if err != nil {
		return "", err
	}
	if found[0] == nil {
		return noSuchItem, nil
	}
	return found[0].ID, nil
}

// itemLoaders load items by the fields of ItemBy, in their order.
var itemLoaders = [...]*loaders.Loader[string, *trade.Item]{
	loaders.Items, loaders.ItemsBySKU, loaders.ItemsByGTIN,
	loaders.ItemsByPartNumber,
}

// itemsBy loads items by their keys, in order; one batch goes to each kind of
// key.
func itemsBy(ctx context.Context, keys []*graph.ItemBy) ([]*trade.Item, error) {
	return loadNamed(ctx, itemLoaders[:], len(keys), func(i int) (kind int, value string, err error) {
		return chosen(keys[i].ID, keys[i].Sku, keys[i].Gtin, keys[i].CustomerPartNumber)
	})
}

// loadNamed loads n things, each of which is named by a key of one of several kinds:
// one batch a kind of key.
func loadNamed[V any](ctx context.Context, from []*loaders.Loader[string, V], n int,
	key func(i int) (kind int, value string, err error)) ([]V,
	error,
) {
	values, places := make([][]string, len(from)), make([][]int, len(from))
	for i := range n {
		kind, value, err := key(i)
		if err != nil {
			return nil, err
		}
		values[kind], places[kind] = append(values[kind], value), append(places[kind], i)
	}
	out := make([]V, n)
	for kind, values := range values {
		if values == nil {
			continue
		}
		found, err := from[kind].All(ctx, values)
		if err != nil {
			return nil, err
		}
		for i, v := range found {
			out[places[kind][i]] = v
		}
	}
	return out, nil
}
