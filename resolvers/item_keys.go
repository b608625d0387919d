package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store/records"
	"portico/trade"
)

// noSuchItem is an id that no item has: a filter by an item that is not there
// finds nothing.
const noSuchItem = "-"

// orderFilter is a filter of orders, with the item that it names.
func orderFilter(ctx context.Context, f *graph.OrderFilter) (records.OrderFilter, error) {
	if f == nil {
		return records.OrderFilter{}, nil
	}
	item, err := itemID(ctx, f.Item)
	return inputs.OrderFilter(f, item), err
}

// purchaseOrderFilter is a filter of purchase orders, with the item that it names.
func purchaseOrderFilter(ctx context.Context, f *graph.PurchaseOrderFilter) (records.PurchaseOrderFilter, error) {
	if f == nil {
		return records.PurchaseOrderFilter{}, nil
	}
	item, err := itemID(ctx, f.Item)
	return inputs.PurchaseOrderFilter(f, item), err
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
