package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"portico/trade"
)

var warehouses = read(relation[trade.Warehouse]{
	kind: "Warehouse", from: "warehouses w", visible: anyParty,
	columns: []columns{always("w.id, w.code, w.name, w.cutoff"), when("location Item.promise", "w.location")},
}, same[trade.Warehouse])

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

var keptWarehouses = newSnapshot(func(ctx context.Context, s *Store) (allWarehouses, error) {
	list, err := warehouses.all(ctx, s)
	all := allWarehouses{list, make(map[string]string, len(list))}
	for _, w := range list {
		all.codes[w.ID] = w.Code
	}
	return all, err
})

// Warehouses finds warehouses by id.
func (s *Store) Warehouses(_ context.Context, scope trade.Scope, ids []string) (map[string]*trade.Warehouse, error) {
	return findWarehouses(s, scope, ids, func(w *trade.Warehouse) string { return w.ID })
}

// WarehousesByCode finds warehouses by code.
func (s *Store) WarehousesByCode(_ context.Context, scope trade.Scope, codes []string) (map[string]*trade.Warehouse, error) {
	return findWarehouses(s, scope, codes, func(w *trade.Warehouse) string { return w.Code })
}

func findWarehouses(s *Store, scope trade.Scope, keys []string, key func(*trade.Warehouse) string) (map[string]*trade.Warehouse, error) {
	found := make(map[string]*trade.Warehouse, len(keys))
	if anyParty(scope, nil) != "TRUE" {
		return found, nil
	}
	for _, oldest := range []time.Duration{warehousesKept, warehousesLeast} {
		all, err := keptWarehouses.asOf(s, oldest)
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

var stock = read(relation[trade.Stock]{
	kind: "Availability", from: "stock st", visible: anyParty,
	source: func(s *trade.Stock) *trade.Provenance { return &s.Provenance },
	columns: []columns{
		always(`st.warehouse_id AS "warehouse_ref.id", st.on_hand, st.allocated, st.safety_stock`),
		when("provenance WarehouseStock.provenance Item.availability(maxAge:) Item.promise", provenance("st")),
	},
}, same[trade.Stock])

// Stock reads the stock of items in all warehouses, by warehouse code, as the
// source from counts it.
func (s *Store) Stock(ctx context.Context, scope trade.Scope, items []string, from string) (map[string][]*trade.Stock, error) {
	r := stock
	r.visible = func(scope trade.Scope, a *args) string {
		return anyParty(scope, a) + " AND st.instance = " + a.add(from)
	}
	found, err := r.under(ctx, s, scope, "", "st.item_id", "", items)
	if err != nil {
		return nil, err
	}
	all, err := keptWarehouses.asOf(s, warehousesKept)
	codes := all.codes
	for _, figures := range found {
		slices.SortFunc(figures, func(a, b *trade.Stock) int { return cmp.Compare(codes[a.WarehouseRef.ID], codes[b.WarehouseRef.ID]) })
	}
	return found, err
}

type inboundRow struct {
	trade.InboundSupply
	WarehouseID string
	Shipped     nullDecimal
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

// inbound is what purchase orders still bring, told without saying whose: the
// day, the quantity and how sure it is.
var inbound = read(relation[trade.InboundSupply]{
	kind: "InboundSupply", visible: anyParty,
	from: `(SELECT * FROM purchase_order_lines WHERE ordered > received + cancelled) pl
		JOIN purchase_orders po ON po.id = pl.purchase_order_id AND po.state NOT IN ('REJECTED', 'CANCELLED', 'CLOSED')
		JOIN purchase_schedule_lines sl ON sl.purchase_order_line_id = pl.id`,
	columns: []columns{always(`pl.item_id AS "item_ref.id", coalesce(sl.promised_delivery_date, sl.requested_delivery_date) AS expected_on,
		least(sl.quantity, pl.ordered - pl.received - pl.cancelled) AS "quantity.value", pl.unit AS "quantity.unit",
		pl.id AS line_id, coalesce(po.warehouse_id, '') AS warehouse_id, pl.shipped, sl.promised_delivery_date IS NOT NULL AS promised`)},
}, (*inboundRow).trade)

// Inbound reads the supply of items on its way, soonest first.
func (s *Store) Inbound(ctx context.Context, scope trade.Scope, items []string) (map[string][]*trade.InboundSupply, error) {
	return inbound.under(ctx, s, scope, "", "pl.item_id", "expected_on, line_id", items)
}
