package resolvers

import (
	"context"

	"portico/graph"
	"portico/resolvers/loaders"
	"portico/trade"
	"portico/trade/procurement"
)

// Entity are the resolvers of what other graphs refer to. Each reads within the
// caller's scope, like any field: what is not the caller's is not there.
func (r *Resolver) Entity() graph.EntityResolver { return entity{r} }

type entity struct{ *Resolver }

func (r entity) FindAccount(ctx context.Context, reps []*graph.AccountRepresentation) ([]*trade.Account, error) {
	return refer(ctx, reps, []*loaders.Loader[string, *trade.Account]{loaders.Accounts, loaders.AccountsByNumber},
		func(k *graph.AccountRepresentation) []*string { return []*string{k.ID, k.Number} })
}

func (r entity) FindItem(ctx context.Context, reps []*graph.ItemRepresentation) ([]*trade.Item, error) {
	return refer(ctx, reps, []*loaders.Loader[string, *trade.Item]{loaders.Items, loaders.ItemsBySKU, loaders.ItemsByGTIN},
		func(k *graph.ItemRepresentation) []*string { return []*string{k.ID, k.Sku, k.Gtin} })
}

func (r entity) FindOrder(ctx context.Context, reps []*graph.OrderRepresentation) ([]*trade.Order, error) {
	return refer(ctx, reps, []*loaders.Loader[string, *trade.Order]{loaders.Orders, loaders.OrdersByNumber},
		func(k *graph.OrderRepresentation) []*string { return []*string{k.ID, k.Number} })
}

func (r entity) FindInvoice(ctx context.Context, reps []*graph.InvoiceRepresentation) ([]*trade.Invoice, error) {
	return refer(ctx, reps, []*loaders.Loader[string, *trade.Invoice]{loaders.Invoices, loaders.InvoicesByNumber},
		func(k *graph.InvoiceRepresentation) []*string { return []*string{k.ID, k.Number} })
}

func (r entity) FindPurchaseOrder(ctx context.Context, reps []*graph.PurchaseOrderRepresentation) ([]*trade.PurchaseOrder, error) {
	return refer(ctx, reps, []*loaders.Loader[string, *trade.PurchaseOrder]{loaders.PurchaseOrders, loaders.PurchaseOrdersByNumber},
		func(k *graph.PurchaseOrderRepresentation) []*string { return []*string{k.ID, k.Number} })
}

func (r entity) FindShipment(ctx context.Context, reps []*graph.ShipmentRepresentation) ([]*trade.Shipment, error) {
	return refer(ctx, reps, []*loaders.Loader[string, *trade.Shipment]{loaders.Shipments, loaders.ShipmentsByNumber},
		func(k *graph.ShipmentRepresentation) []*string { return []*string{k.ID, k.Number} })
}

func (r entity) FindTradingPartner(ctx context.Context, reps []*graph.TradingPartnerRepresentation) ([]*procurement.TradingPartner, error) {
	return refer(ctx, reps, []*loaders.Loader[string, *procurement.TradingPartner]{loaders.Partners, loaders.PartnersByCode},
		func(k *graph.TradingPartnerRepresentation) []*string { return []*string{k.ID, k.Code} })
}

// refer loads what representations name, each by the first of its keys that is
// given.
func refer[R, V any](ctx context.Context, reps []*R, from []*loaders.Loader[string, V], keys func(*R) []*string) ([]V, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	return loadNamed(ctx, from, len(reps), func(i int) (kind int, value string, err error) {
		for kind, key := range keys(reps[i]) {
			if key != nil {
				return kind, *key, nil
			}
		}
		return 0, "", nil
	})
}

// keyForms are the keys of entities, in their order, and what is well formed.
var keyForms = map[string][]struct {
	name string
	ok   func(string) bool
}{
	"Account": {{"id", anyText}, {"number", anyText}}, "Item": {{"id", anyText}, {"sku", anyText}, {"gtin", trade.ValidGTIN}},
	"Order": {{"id", anyText}, {"number", anyText}}, "Invoice": {{"id", anyText}, {"number", anyText}},
	"PurchaseOrder": {{"id", anyText}, {"number", anyText}},
	"Shipment":      {{"id", anyText}, {"number", anyText}}, "TradingPartner": {{"id", anyText}, {"code", anyText}},
}

func anyText(string) bool { return true }

// EntityKey is the first key by which a representation names an entity and which
// is well formed; not ok where there is none, or no such entity.
func EntityKey(representation map[string]any) (name, value string, ok bool) {
	kind, _ := representation["__typename"].(string)
	for _, k := range keyForms[kind] {
		if v, is := representation[k.name].(string); is && k.ok(v) {
			return k.name, v, true
		}
	}
	return "", "", false
}
