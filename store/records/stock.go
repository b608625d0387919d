package records

import (
	"cmp"
	"context"
	"slices"
	"time"

	"portico/store"
	"portico/trade"
)

var warehouses = store.Read(store.Relation[trade.Warehouse]{
	Kind: "Warehouse", From: "warehouses w", Visible: store.AnyParty,
	Columns: []store.Columns{store.Always("w.id, w.code, w.name, w.cutoff"), store.When("location Item.promise", "w.location")},
}, store.Identity[trade.Warehouse])

// allWarehouses are few, change once in a year, and stand on every page with stock, so that
// they are kept: for warehousesKept, or for warehousesLeast where one is asked for that is not
// among them.
type allWarehouses struct {
	list  []*trade.Warehouse
	codes map[string]string // by id
}

const (
	warehousesKept  = time.Second
	warehousesLeast = 20 * time.Millisecond
)

var keptWarehouses = store.NewSnapshot(func(ctx context.Context, s *store.Store) (allWarehouses, error) {
	list, err := warehouses.All(ctx, s)
	all := allWarehouses{list, make(map[string]string, len(list))}
	for _, w := range list {
		all.codes[w.ID] = w.Code
	}
	return all, err
})

// Warehouses finds warehouses by id.
func Warehouses(_ context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Warehouse, error) {
	return findWarehouses(s, scope, ids, func(w *trade.Warehouse) string { return w.ID }) //nolint:contextcheck // what all share outlives whoever asked first
}

// WarehousesByCode finds warehouses by code.
func WarehousesByCode(_ context.Context, s *store.Store, scope trade.Scope, codes []string) (map[string]*trade.Warehouse, error) {
	return findWarehouses(s, scope, codes, func(w *trade.Warehouse) string { return w.Code }) //nolint:contextcheck // what all share outlives whoever asked first
}

func findWarehouses(s *store.Store, scope trade.Scope, keys []string, key func(*trade.Warehouse) string) (map[string]*trade.Warehouse,
	error,
) {
	found := make(map[string]*trade.Warehouse, len(keys))
	if store.AnyParty(scope, nil) != "TRUE" {
		return found, nil
	}
	for _, oldest := range []time.Duration{warehousesKept, warehousesLeast} {
		all, err := keptWarehouses.AsOf(s, oldest)
		if err != nil {
			return nil, err
		}
		for _, w := range all.list {
			if k := key(w); slices.Contains(keys, k) {
				found[k] = w
			}
		}
		if len(found) == len(keys) {
			break
		}
	}
	return found, nil
}

var stock = store.Read(store.Relation[trade.Stock]{
	Kind: "Availability", From: "stock st", Visible: store.AnyParty,
	Source: func(s *trade.Stock) *trade.Provenance { return &s.Provenance },
	Columns: []store.Columns{
		store.Always(`st.warehouse_id AS "warehouse_ref.id", st.on_hand, st.allocated, st.safety_stock`),
		store.When("provenance WarehouseStock.provenance Item.availability(maxAge:) Item.promise", store.ProvenanceColumns("st")),
	},
}, store.Identity[trade.Stock])

// Stock reads the stock of items in all warehouses, by warehouse code, as the
// source from counts it.
func Stock(ctx context.Context, s *store.Store, scope trade.Scope, items []string, from string) (map[string][]*trade.Stock, error) {
	r := stock
	r.Visible = func(scope trade.Scope, a *store.Args) string {
		return store.AnyParty(scope, a) + " AND st.instance = " + a.Add(from)
	}
	found, err := r.Under(ctx, s, scope, "", "st.item_id", "", items)
	if err != nil {
		return nil, err
	}
	all, err := keptWarehouses.AsOf(s, warehousesKept) //nolint:contextcheck // what all share outlives whoever asked first
	codes := all.codes
	for _, figures := range found {
		slices.SortFunc(figures, func(a, b *trade.Stock) int { return cmp.Compare(codes[a.WarehouseRef.ID], codes[b.WarehouseRef.ID]) })
	}
	return found, err
}

type inboundRow struct {
	trade.InboundSupply
	WarehouseID string
	Shipped     store.NullDecimal
	Promised    bool
}

func (r *inboundRow) trade() *trade.InboundSupply {
	r.Certainty = trade.SupplyOrdered
	if r.Promised {
		r.Certainty = trade.SupplyAcknowledged
	}
	if r.Shipped.Valid && r.Shipped.Decimal.IsPos() {
		r.Certainty = trade.SupplyShipped
	}
	r.WarehouseRef.ID = r.WarehouseID
	return &r.InboundSupply
}

// inbound is what purchase orders still bring, told without saying whose: the day, the quantity and how sure it is. What came or was
// cancelled is of the earliest days, and what no schedule line has comes with the last. What has no day is not told, for nothing can be
// promised of it.
var inbound = store.Read(store.Relation[trade.InboundSupply]{
	Kind: "InboundSupply", Visible: store.AnyParty,
	From: `(SELECT *, ordered - received - cancelled AS open FROM purchase_order_lines WHERE ordered > received + cancelled) pl
		JOIN purchase_orders po ON po.id = pl.purchase_order_id AND po.state NOT IN ('REJECTED', 'CANCELLED', 'CLOSED')
		JOIN LATERAL (
			SELECT day, promised, greatest(least(quantity, pl.open - following), 0)
				+ CASE WHEN last THEN greatest(pl.open - quantity - before, 0) ELSE 0 END AS quantity
			FROM (SELECT coalesce(promised_delivery_date, requested_delivery_date) AS day, promised_delivery_date IS NOT NULL AS promised,
					quantity, sum(quantity) OVER days - quantity AS before, sum(quantity) OVER () - sum(quantity) OVER days AS following,
					lead(position) OVER days IS NULL AS last
				FROM purchase_schedule_lines WHERE purchase_order_line_id = pl.id
				WINDOW days AS (ORDER BY coalesce(promised_delivery_date, requested_delivery_date), position)) parts) sl
			ON sl.day IS NOT NULL AND sl.quantity > 0`,
	Columns: []store.Columns{store.Always(`pl.item_id AS "item_ref.id", sl.day AS expected_on, sl.quantity AS "quantity.value",
		pl.unit AS "quantity.unit", pl.id AS line_id, coalesce(po.warehouse_id, '') AS warehouse_id, pl.shipped, sl.promised`)},
}, (*inboundRow).trade)

// Inbound reads the supply of items on its way, soonest first.
func Inbound(ctx context.Context, s *store.Store, scope trade.Scope, items []string) (map[string][]*trade.InboundSupply, error) {
	return inbound.Under(ctx, s, scope, "", "pl.item_id", "expected_on, line_id", items)
}
