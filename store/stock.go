package store

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"portico/trade"
)

var warehouses = read(relation[trade.Warehouse]{
	kind: "Warehouse", from: "warehouses w", visible: anyParty,
	columns: []columns{always("w.id, w.code, w.name, w.cutoff"), when("location Item.promise", "w.location")},
}, same[trade.Warehouse])

// Warehouses finds warehouses by id.
func (s *Store) Warehouses(_ context.Context, scope trade.Scope, ids []string) (map[string]*trade.Warehouse, error) {
	return s.places.find(s, scope, ids, func(w *trade.Warehouse) string { return w.ID })
}

// WarehousesByCode finds warehouses by code.
func (s *Store) WarehousesByCode(_ context.Context, scope trade.Scope, codes []string) (map[string]*trade.Warehouse, error) {
	return s.places.find(s, scope, codes, func(w *trade.Warehouse) string { return w.Code })
}

// places are all warehouses. They are few, change once in a year, and stand on
// every page with stock, so that they are kept: for placesKept, or for
// placesLeast where one is asked for that is not among them.
type places struct {
	mu     sync.Mutex
	all    []*trade.Warehouse
	codes  map[string]string // by id
	readAt time.Time
}

const (
	placesKept  = time.Second
	placesLeast = 20 * time.Millisecond
)

func (p *places) find(s *Store, scope trade.Scope, keys []string, key func(*trade.Warehouse) string) (map[string]*trade.Warehouse, error) {
	found := make(map[string]*trade.Warehouse, len(keys))
	if anyParty(scope, nil) != "TRUE" {
		return found, nil
	}
	for _, oldest := range []time.Duration{placesKept, placesLeast} {
		all, err := p.list(s, oldest)
		if err != nil {
			return nil, err
		}
		for _, w := range all {
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

// codesByID are the codes of all warehouses by their ids.
func (p *places) codesByID(s *Store) (map[string]string, error) {
	_, err := p.list(s, placesKept)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.codes, err
}

// list are all warehouses as of at most oldest ago. They are read for all
// requests, and so neither end with this one nor count as its own.
func (p *places) list(s *Store, oldest time.Duration) ([]*trade.Warehouse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.readAt) < oldest {
		return p.all, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), freshnessTimeout)
	defer cancel()
	var all []*trade.Warehouse
	sh := warehouses.shape(s, nil)
	statement := "SELECT '', " + sh.columns + " FROM " + warehouses.from
	if err := warehouses.query(ctx, s, sh, false, statement, args{}, func(_ string, _ []string, w *trade.Warehouse) { all = append(all, w) }); err != nil {
		return nil, err
	}
	p.all, p.codes, p.readAt = all, make(map[string]string, len(all)), time.Now()
	for _, w := range all {
		p.codes[w.ID] = w.Code
	}
	return all, nil
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
	codes, err := s.places.codesByID(s)
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
