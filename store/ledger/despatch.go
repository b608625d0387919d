package ledger

import (
	"context"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

type despatchRow struct {
	trade.DespatchAdvice
	SCAC     string
	RefsJSON store.JSON[[]trade.Identifier]
	FromJSON store.JSON[trade.Location]
	ToJSON   store.JSON[trade.Location]
}

func (r *despatchRow) trade() *trade.DespatchAdvice {
	d := &r.DespatchAdvice
	d.References, d.ShipFrom, d.ShipTo = r.RefsJSON.Value, r.FromJSON.Value, r.ToJSON.Value
	if d.References == nil {
		d.References = []trade.Identifier{}
	}
	if r.SCAC != "" {
		d.Carrier = &trade.Carrier{Name: r.SCAC, SCAC: &r.SCAC}
	}
	return d
}

var despatches = store.Read(store.Relation[trade.DespatchAdvice]{
	Kind: "DespatchAdvice", From: "despatch_advices n JOIN trading_partners p ON p.id = n.supplier_id JOIN warehouses w ON w.id = " +
		"n.warehouse_id", Visible: store.OwnSupplier("n.supplier_id"),
	Source: (*trade.DespatchAdvice).From,
	Columns: []store.Columns{
		store.Always(`n.id, n.number, n.supplier_id, n.status, n.despatched_at, n.expected_at, coalesce(n.carrier_scac, '') AS scac,
			n.refs AS refs_json, n.ship_from AS from_json, w.location AS to_json,
			coalesce(n.shipment_number, '') AS shipment_number, n.operation_id`),
		store.When("provenance", `'PARTNER' AS "provenance.system", p.code AS "provenance.instance", n.number AS "provenance.source_ref",
			'1' AS "provenance.source_version", 1 AS "provenance.sequence",
			n.received_at AS "provenance.as_of", n.received_at AS "provenance.received_at"`),
	},
}, (*despatchRow).trade)

// Despatches reads ship notices by id.
func Despatches(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.DespatchAdvice, error) {
	return despatches.By(ctx, s, scope, "n.id", "", ids)
}

// DespatchesOf reads the ship notices about purchase orders, newest first, at most 100 each.
func DespatchesOf(ctx context.Context, s *store.Store, scope trade.Scope, purchaseOrders []string) (map[string][]*trade.DespatchAdvice,
	error,
) {
	const join = `JOIN (SELECT DISTINCT d.despatch_advice_id, l.purchase_order_id FROM despatch_lines d
		JOIN purchase_order_lines l ON l.id = d.purchase_order_line_id) x ON x.despatch_advice_id = n.id`
	found, err := despatches.Under(ctx, s, scope, join, "x.purchase_order_id", "n.received_at DESC, n.id", purchaseOrders)
	return store.AtMost(found, 100), err
}

type logisticUnitRow struct {
	trade.HandlingUnit
	Kg     store.NullDecimal
	KgUnit string
}

func (r *logisticUnitRow) trade() *trade.HandlingUnit {
	if r.Kg.Valid {
		r.Weight = &trade.Quantity{Value: r.Kg.Decimal, Unit: r.KgUnit}
	}
	return &r.HandlingUnit
}

var handlingUnits = store.Read(store.Relation[trade.HandlingUnit]{
	Kind: "HandlingUnit", From: "handling_units u", Visible: store.OwnSupplier("u.supplier_id"),
	Columns: []store.Columns{store.Always(`u.sscc, u.parent, u.package_type, u.weight AS kg, coalesce(u.weight_unit, '') AS kg_unit`)},
}, (*logisticUnitRow).trade)

// HandlingUnits reads the units of ship notices, in order.
func HandlingUnits(ctx context.Context, s *store.Store, scope trade.Scope, despatches []string) (map[string][]*trade.HandlingUnit, error) {
	return handlingUnits.Under(ctx, s, scope, "", "u.despatch_advice_id", "u.despatch_advice_id, u.position", despatches)
}

type despatchLineRow struct {
	trade.DespatchLine
	Unit                                   string
	QShipped, QLater, QNot, QOver, Q, QBad store.NullDecimal
	Numbers                                pq.StringArray
}

func (r *despatchLineRow) trade() *trade.DespatchLine {
	qty := func(d store.NullDecimal) *trade.Quantity {
		if !d.Valid {
			return nil
		}
		return &trade.Quantity{Value: d.Decimal, Unit: r.Unit}
	}
	l := &r.DespatchLine
	l.Shipped, l.Backordered, l.Outstanding, l.Oversupplied, l.Received, l.Damaged, l.Serials = *qty(r.QShipped), qty(r.QLater), qty(r.QNot),
		qty(r.QOver), qty(r.Q), qty(r.QBad), r.Numbers
	return l
}

var despatchLines = store.Read(store.Relation[trade.DespatchLine]{
	Kind: "DespatchLine", From: "despatch_lines l", Visible: store.OwnSupplier("l.supplier_id"),
	Columns: []store.Columns{store.Always(`l.purchase_order_line_id AS line_id, l.sscc, l.unit, l.shipped AS q_shipped,
		l.backordered AS q_later, l.outstanding AS q_not, l.outstanding_reason,
		l.oversupplied AS q_over, l.lot, l.serials AS numbers, l.expires_on, l.received AS q, l.damaged AS q_bad`)},
}, (*despatchLineRow).trade)

// DespatchLines reads the lines of ship notices, in order.
func DespatchLines(ctx context.Context, s *store.Store, scope trade.Scope, despatches []string) (map[string][]*trade.DespatchLine, error) {
	return despatchLines.Under(ctx, s, scope, "", "l.despatch_advice_id", "l.despatch_advice_id, l.position", despatches)
}
