package records

import (
	"context"
	"fmt"
	"time"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
	"portico/trade/procurement"
)

// PlaceOf is an item in a warehouse, by their ids.
type PlaceOf struct{ ItemID, WarehouseID string }

// Pegging is what customers need of an item from a warehouse, and what there is and comes.
type Pegging struct {
	Demands []procurement.OpenDemand
	Supply  []procurement.SupplyPart
}

// PeggingOf reads, for everybody's orders, what is needed of items from warehouses, and what
// there is of them and comes, in the items' base units. Documents in other units are left
// out.
func PeggingOf(ctx context.Context, from store.Reader, places []PlaceOf, today trade.Date) (map[PlaceOf]*Pegging, error) {
	found := make(map[PlaceOf]*Pegging, len(places))
	items, warehouses := make(store.TextArray, len(places)), make(store.TextArray, len(places))
	for i, p := range places {
		found[p], items[i], warehouses[i] = &Pegging{}, p.ItemID, p.WarehouseID
	}
	const wanted = `WITH wanted AS (SELECT DISTINCT item_id, warehouse_id, i.base_unit
		FROM unnest($1::text[], $2::text[]) AS w(item_id, warehouse_id) JOIN items i ON i.id = w.item_id)`
	const needed = wanted + `
		SELECT w.item_id, w.warehouse_id, l.id, l.order_id, o.placed_at, l.ordered - l.shipped - l.cancelled AS open,
			coalesce(x.ship, o.requested_delivery_date) AS needed, coalesce(x.delivery, o.promised_delivery_date,
			o.requested_delivery_date) AS promised
		FROM wanted w JOIN order_lines l ON l.item_id = w.item_id AND l.unit = w.base_unit AND l.ordered > l.shipped + l.cancelled
		JOIN orders o ON o.id = l.order_id AND o.status NOT IN ` + finished + `
		LEFT JOIN LATERAL (SELECT max(coalesce(s.promised_ship_date, s.requested_ship_date)) AS ship,
		max(coalesce(s.promised_delivery_date, s.requested_delivery_date)) AS delivery,
			bool_or(s.warehouse_id = w.warehouse_id) AS here, bool_and(s.warehouse_id IS NULL) AS anywhere FROM schedule_lines s
			WHERE s.order_line_id = l.id AND s.actual_ship_date IS NULL) x ON TRUE
		WHERE coalesce(x.here, x.anywhere, TRUE)`
	var demands []struct {
		PlaceOf
		ID, OrderID      string
		PlacedAt         time.Time
		Open             udecimal.Decimal
		Needed, Promised *trade.Date
	}
	if err := from.Select(ctx, &demands, needed, items, warehouses); err != nil {
		return nil, fmt.Errorf("demand: %w", err)
	}
	for _, d := range demands {
		p := found[d.PlaceOf]
		p.Demands = append(p.Demands,
			procurement.OpenDemand{
				OrderLineID: d.ID, OrderID: d.OrderID, Quantity: d.Open, Needed: d.Needed, Promised: d.Promised,
				PlacedAt: d.PlacedAt,
			})
	}
	const there = wanted + `
		SELECT w.item_id, w.warehouse_id, '' AS line, st.on_hand AS quantity, $3::date AS day FROM wanted w
		JOIN stock st USING (item_id, warehouse_id) WHERE st.on_hand > 0
		UNION ALL
		SELECT w.item_id, w.warehouse_id, pl.id, least(sl.quantity, pl.ordered - pl.received - pl.cancelled),
		greatest(coalesce(sl.promised_delivery_date, sl.requested_delivery_date), $3::date)
		FROM wanted w JOIN purchase_order_lines pl ON pl.item_id = w.item_id AND pl.unit = w.base_unit AND pl.ordered > pl.received + pl.cancelled
		JOIN purchase_orders po ON po.id = pl.purchase_order_id AND po.warehouse_id = w.warehouse_id
		AND po.state NOT IN ('REJECTED', 'CANCELLED', 'CLOSED')
		JOIN purchase_schedule_lines sl ON sl.purchase_order_line_id = pl.id`
	var supply []struct {
		PlaceOf
		Line     string
		Quantity udecimal.Decimal
		Day      *trade.Date
	}
	if err := from.Select(ctx, &supply, there, items, warehouses, today.String()); err != nil {
		return nil, fmt.Errorf("supply: %w", err)
	}
	for _, x := range supply {
		p := found[x.PlaceOf]
		p.Supply = append(p.Supply, procurement.SupplyPart{Line: x.Line, Quantity: x.Quantity, Day: x.Day})
	}
	return found, nil
}
