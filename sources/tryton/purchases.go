package tryton

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

type purchase struct {
	row
	numbered
	amounts
	State     string       `json:"state"`
	Day       *rpc.Date    `json:"purchase_date"`
	Written   rpc.DateTime `json:"create_date"`
	Term      *int         `json:"payment_term"`
	Party     coded        `json:"party."`
	Warehouse *coded       `json:"warehouse."`
}

type purchaseLine struct {
	row
	Purchase    int          `json:"purchase"`
	Quantity    rpc.Number   `json:"quantity"`
	Unit        *int         `json:"unit"`
	Price       *rpc.Decimal `json:"unit_price"`
	Description *string      `json:"description"`
	Ignored     []int        `json:"moves_ignored"`
	Product     *goodsOf     `json:"product."`
	Theirs      *struct {
		Code *string `json:"code"`
	} `json:"product_supplier."`
}

var purchases = mapping[purchase, trade.PurchaseOrder]{
	kind: "purchase orders", model: "purchase.purchase", field: "number", domain: []any{where("number", "!=", nil)},
	key: func(p *purchase) string { return p.number() },
	with: func(ctx context.Context, e *ERP, _ []purchase, ids []int) (func(*purchase) (trade.PurchaseOrder, bool, error), error) {
		own, err := e.own(ctx)
		units, err2 := e.units(ctx)
		terms, err3 := e.terms(ctx)
		lines, err4 := partsOf(ctx, e, "purchase.line", "purchase", ids, func(l *purchaseLine) int { return l.Purchase },
			where("type", "=", "line"))
		var of []int
		for _, all := range lines {
			for _, l := range all {
				of = append(of, l.ID)
			}
		}
		moves, err5 := e.movesOf(ctx, "purchase.line", of)
		return func(p *purchase) (trade.PurchaseOrder, bool, error) {
			status, known := purchaseStates[p.State]
			if !known {
				return trade.PurchaseOrder{}, false, fmt.Errorf("state: %.20q has no meaning here", p.State)
			}
			totals := p.totals()
			o := trade.PurchaseOrder{
				Number: *p.Number, Revision: 1, SupplierRef: trade.Key(p.Party.Code), Buyer: trade.Location{Name: &own.Party.Name}, Status: status,
				Currency: p.Currency.Code,
				Raw:      &trade.RawCode{Standard: trade.ERPCodes, List: "purchase.purchase.state", Code: p.State}, PaymentTerms: termOf(terms, p.Term),
				IssuedAt: e.placed(p.Day, p.Written),
				Totals:   &totals,
			}
			if p.Warehouse != nil {
				o.WarehouseRef = trade.Key(p.Warehouse.Code)
			}
			version := newest(p.Version, lines[p.ID])
			var ordered, received udecimal.Decimal
			for _, l := range lines[p.ID] {
				line, err := bought(p, &l, moves[l.ID], units)
				if err != nil {
					return o, false, err
				}
				version = newest(version, moves[l.ID])
				ordered, received = ordered.Add(line.Ordered.Value).Sub(line.Cancelled.Value), received.Add(line.Received.Value)
				o.LinesKnown = append(o.LinesKnown, line)
			}
			if o.Status == trade.POAcknowledged && received.IsPos() {
				if o.Status = trade.POPartiallyReceived; received.GreaterThanOrEqual(ordered) {
					o.Status = trade.POReceived
				}
			}
			o.Provenance = stamp(*p.Number, version)
			return o, false, nil
		}, errors.Join(err, err2, err3, err4, err5)
	},
}

func bought(p *purchase, l *purchaseLine, moves []move, units units) (trade.PurchaseOrderLine, error) {
	if l.Unit == nil || l.Price == nil {
		return trade.PurchaseOrderLine{}, errors.New("a line of it has no unit or price")
	}
	unit, err := units.code(*l.Unit)
	if err != nil {
		return trade.PurchaseOrderLine{}, err
	}
	qty := func(d udecimal.Decimal) trade.Quantity { return trade.Quantity{Value: d, Unit: unit} }
	line := trade.PurchaseOrderLine{
		LineNumber: strconv.Itoa(l.ID), ItemRef: l.Product.ref(), Description: described(l.Description, l.Product),
		Ordered:   qty(l.Quantity.Decimal),
		UnitPrice: p.each(*l.Price, unit),
	}
	if l.Product != nil {
		line.SKU = &l.Product.Code
	}
	if l.Theirs != nil {
		line.SupplierPartNumber = l.Theirs.Code
	}
	var acknowledged, shipped, received, cancelled udecimal.Decimal
	if p.State == "confirmed" || p.State == "processing" || p.State == "done" {
		acknowledged = l.Quantity.Decimal
	}
	if p.State == "cancelled" {
		cancelled = l.Quantity.Decimal
	}
	for _, m := range moves {
		q, err := units.in(m.Quantity, m.Unit, *l.Unit)
		if err != nil {
			return line, err
		}
		if m.State == "cancelled" {
			if slices.Contains(l.Ignored, m.ID) {
				cancelled = cancelled.Add(q.Decimal)
			}
			continue
		}
		if m.Shipment != nil {
			shipped = shipped.Add(q.Decimal)
		}
		if m.State == "done" {
			received = received.Add(q.Decimal)
		}
		line.ScheduleKnown = append(line.ScheduleKnown, trade.PurchaseScheduleLine{
			Number: strconv.Itoa(len(line.ScheduleKnown) + 1), Quantity: qty(q.Decimal), PromisedDeliveryDate: plain(m.Planned),
		})
	}
	line.Acknowledged, line.Shipped, line.Received, line.Cancelled = qty(acknowledged), qty(shipped), qty(received), qty(cancelled)
	return line, nil
}

// PurchaseOrders are the purchases that have a number.
func (e *ERP) PurchaseOrders(ctx context.Context, q sources.Query) (sources.Page[trade.PurchaseOrder], error) {
	return purchases.read(ctx, e, q)
}
