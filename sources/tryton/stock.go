package tryton

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
	"portico/trade/operating"
)

// location is a place where goods are; a warehouse is one that has others in it.
type location struct {
	row
	Name    string   `json:"name"`
	Code    string   `json:"code"`
	Storage *int     `json:"storage_location"`
	Address *placeOf `json:"address."`
}

var warehouses = mapping[location, trade.Warehouse]{
	kind: "warehouses", model: "stock.location", field: "code", domain: []any{where("type", "=", "warehouse")},
	key: func(l *location) string { return l.Code },
	with: func(_ context.Context, _ *ERP, _ []location, _ []int) (func(*location) (trade.Warehouse, bool, error), error) {
		return func(l *location) (trade.Warehouse, bool, error) {
			if l.Code == "" { // others refer to it by nothing else
				return trade.Warehouse{}, false, errors.New("it has no code")
			}
			w := trade.Warehouse{Code: l.Code, Name: l.Name, Provenance: stamp(l.Code, l.Version)}
			if at := l.Address.location(); at != nil {
				w.Location = *at
			}
			w.Location.Name = &l.Name
			return w, false, nil
		}, nil
	},
}

// Warehouses are the locations of that type.
func (e *ERP) Warehouses(ctx context.Context, q sources.Query) (sources.Page[trade.Warehouse], error) {
	return warehouses.read(ctx, e, q)
}

type orderPoint struct {
	row
	Product   int        `json:"product"`
	Minimum   rpc.Number `json:"min_quantity"`
	Warehouse *int       `json:"warehouse_location"`
	Storage   *int       `json:"storage_location"`
}

type stocked struct {
	ID       int        `json:"id"`
	Quantity rpc.Number `json:"quantity"`
}

// counted is a product in all warehouses.
type counted struct {
	row
	Code string `json:"code"`
	Unit int    `json:"default_uom"`
}

// readNow is the provenance of what Tryton calculates for whoever asks, and gives
// no version: of two readings the later holds.
func readNow(key string) trade.Provenance {
	return stamp(key, rpc.Timestamp(time.Now().UnixMicro()))
}

// Stock is what is in each warehouse of each product: on hand is all that lies
// there, and allocated what is not free in its storage zone, because it is
// assigned, picked or not put away yet. Safety stock is the least quantity of an
// order point. Each warehouse takes two calls, for Tryton adds up whatever
// locations it is asked for.
func (e *ERP) Stock(ctx context.Context, q sources.Query) (sources.Page[trade.Stock], error) {
	var page sources.Page[trade.Stock]
	places, err := table(ctx, e, "warehouses", func(ctx context.Context) ([]location, error) {
		return search[location](ctx, e, "stock.location", []any{where("type", "=", "warehouse")}, 0, nil)
	})
	if err != nil {
		return page, err
	}
	units, err := e.units(ctx)
	if err != nil {
		return page, err
	}
	read := mapping[counted, counted]{
		kind: "stock", model: "product.product", field: "code", domain: goods, key: func(c *counted) string { return c.Code },
		with: func(context.Context, *ERP, []counted, []int) (func(*counted) (counted, bool, error), error) {
			return func(c *counted) (counted, bool, error) { return *c, false, nil }, nil
		},
	}
	products, err := read.read(ctx, e, q)
	places = slices.DeleteFunc(slices.Clone(places), func(w location) bool { return w.Code == "" || w.Storage == nil })
	page.Next, page.Rejected, page.Total = products.Next, products.Rejected, products.Total*len(places)
	if err != nil || len(products.Records) == 0 {
		return page, err
	}
	ids := make([]int, len(products.Records))
	for i, p := range products.Records {
		ids[i] = p.ID
	}
	points, err := partsOf(ctx, e, "stock.order_point", "product", ids, func(p *orderPoint) int { return p.Product })
	if err != nil {
		return page, err
	}
	bad := map[string]error{}
	for _, w := range places {
		provenance := readNow("") // from before it is read
		all, err := e.quantities(ctx, ids, w.ID, false)
		if err != nil {
			return page, err
		}
		free, err := e.quantities(ctx, ids, *w.Storage, true)
		if err != nil {
			return page, err
		}
		for _, p := range products.Records {
			key := p.Code
			s := trade.Stock{
				ItemRef: trade.Key(p.Code), WarehouseRef: trade.Key(w.Code), OnHand: all[p.ID], Allocated: all[p.ID].Sub(free[p.ID]),
				Provenance: provenance,
			}
			s.Provenance.SourceRef = &key
			if s.Unit, err = units.code(p.Unit); err != nil {
				bad[p.Code] = err
			}
			for _, point := range points[p.ID] {
				if point.Warehouse != nil && *point.Warehouse == w.ID || point.Storage != nil && *point.Storage == *w.Storage {
					s.SafetyStock = udecimal.Max(point.Minimum.Decimal, s.SafetyStock)
				}
			}
			page.Records = append(page.Records, s)
		}
	}
	page.Records = slices.DeleteFunc(page.Records, func(s trade.Stock) bool { return bad[s.ItemRef.Key] != nil })
	for key, err := range bad {
		page.Rejected = append(page.Rejected, operating.RejectedRecord{Kind: "stock", SourceRef: &key, Reason: err.Error(), At: time.Now()})
	}
	return page, nil
}

// quantities are what is in a location and the ones in it, less what is assigned.
func (e *ERP) quantities(ctx context.Context, ids []int, place int, assigned bool) (map[int]udecimal.Decimal, error) {
	today := rpc.Date{Date: trade.DateOf(time.Now(), e.zone)}
	rows, err := search[stocked](ctx, e, "product.product", []any{where("id", "in", ids), where("active", "in", []bool{true, false})}, 0,
		map[string]any{
			"locations": []int{place}, "with_childs": true, "stock_date_end": today, "stock_assign": assigned,
		})
	all := make(map[int]udecimal.Decimal, len(rows))
	for _, r := range rows {
		all[r.ID] = r.Quantity.RoundBank(6)
	}
	return all, err
}
