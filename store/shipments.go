package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lib/pq"

	"portico/trade"
)

type shipmentRow struct {
	trade.Shipment
	RefsJSON jsonOf[[]trade.Identifier]
}

func (r *shipmentRow) trade() *trade.Shipment {
	r.References = r.RefsJSON.value
	return &r.Shipment
}

var shipmentVisible = ownEither("d.account_id", "d.supplier_id")

var shipments = read(relation[trade.Shipment]{
	kind: "Shipment", from: "shipments d", visible: shipmentVisible, source: (*trade.Shipment).From,
	opened: func(s *Store, d *trade.Shipment) {
		if d.Proof != nil {
			d.Proof.SignedBy = s.decrypt(signer, d.Proof.SignedBy)
		}
	},
	columns: []columns{
		always("d.id, d.status"),
		when("number", "d.number"),
		when("direction mode", "d.direction, d.mode"),
		when("carrier", "d.carrier"),
		when("references", "d.refs AS refs_json"),
		when("origin destination", "d.origin, d.destination"),
		when("eta", "d.eta"),
		when("exception", "d.exception"),
		when("proofOfDelivery", "d.proof"),
		when("Shipment.status(maxAge:)", "coalesce(d.tracking_number, '') AS tracking_number"),
		when("externalIds provenance Shipment.status(maxAge:)", provenance("d")),
	},
}, (*shipmentRow).trade)

// Shipments reads shipments by id.
func (s *Store) Shipments(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Shipment, error) {
	return shipments.by(ctx, s, scope, "d.id", "", ids)
}

// ShipmentsByNumber reads shipments by number.
func (s *Store) ShipmentsByNumber(ctx context.Context, scope trade.Scope, numbers []string) (map[string]*trade.Shipment, error) {
	return shipments.by(ctx, s, scope, "d.number", "", numbers)
}

// ShipmentsOfReturns reads the shipments that bring returns back, at most 20
// each.
func (s *Store) ShipmentsOfReturns(ctx context.Context, scope trade.Scope, returns []string) (map[string][]*trade.Shipment, error) {
	found, err := shipments.under(ctx, s, scope, "JOIN returns x ON x.number = d.return_key", "x.id", "d.number", returns)
	return atMost(found, 20), err
}

// ShipmentFilter narrows a list of shipments; Order is the id of an order or
// purchase order.
type ShipmentFilter struct {
	Direction    []trade.Direction
	Status       []trade.ShipmentStatus
	Reference    *trade.Identifier
	CarrierScac  string
	Order        string
	Eta          trade.DateRange
	ChangedSince *time.Time
}

// ShipmentParent is what lists of shipments can stand below.
type ShipmentParent string

// What lists of shipments can stand below.
const (
	NoParent         ShipmentParent = ""
	PerAccount       ShipmentParent = "account"
	PerOrder         ShipmentParent = "order"
	PerPurchaseOrder ShipmentParent = "purchase order"
)

// ShipmentList is the shipments the scope sees, newest first; below a parent,
// one list for each.
func ShipmentList(scope trade.Scope, f ShipmentFilter, per ShipmentParent) *List[trade.Shipment] {
	l := &List[trade.Shipment]{
		relation: shipments, name: "shipments", scope: scope, order: []sortKey{descending("d.created_at", "timestamptz"), descending("d.id", "text")},
	}
	switch per {
	case PerAccount:
		l.parent = "d.account_id"
	case PerOrder:
		l.join, l.parent = "JOIN shipment_orders x ON x.shipment_id = d.id", "x.order_id"
	case PerPurchaseOrder:
		l.join, l.parent = "JOIN shipment_purchase_orders x ON x.shipment_id = d.id", "x.purchase_order_id"
	}
	if f.Direction != nil {
		l.and("d.direction = ANY(" + l.args.add(pq.Array(f.Direction)) + ")")
	}
	if f.Status != nil {
		l.and("d.status = ANY(" + l.args.add(pq.Array(f.Status)) + ")")
	}
	if f.Reference != nil {
		text, _ := json.Marshal([]trade.Identifier{*f.Reference})
		l.and("d.refs @> " + l.args.add(string(text)) + "::jsonb")
	}
	if f.CarrierScac != "" {
		l.and("d.scac = " + l.args.add(f.CarrierScac))
	}
	if f.Order != "" {
		p := l.args.add(f.Order)
		l.and("(EXISTS (SELECT FROM shipment_orders y WHERE y.shipment_id = d.id AND y.order_id = " + p +
			") OR EXISTS (SELECT FROM shipment_purchase_orders y WHERE y.shipment_id = d.id AND y.purchase_order_id = " + p + "))")
	}
	l.within("d.eta_at", f.Eta, true)
	l.since("d.received_at", f.ChangedSince)
	return l
}

type packageRow struct {
	trade.Package
	Kilos      nullDecimal
	WeightUnit *string
}

func (r *packageRow) trade() *trade.Package {
	if r.Kilos.Valid && r.WeightUnit != nil {
		r.Weight = &trade.Quantity{Value: r.Kilos.Decimal, Unit: *r.WeightUnit}
	}
	return &r.Package
}

var packages = read(relation[trade.Package]{
	kind: "Package", from: "packages p JOIN shipments d ON d.id = p.shipment_id", visible: shipmentVisible,
	columns: []columns{always(`p.shipment_id, p.number, p.tracking_number, p.sscc, p.status, p.weight AS kilos, p.weight_unit`)},
}, (*packageRow).trade)

// Packages reads the packages of shipments, in order, at most 1000 each.
func (s *Store) Packages(ctx context.Context, scope trade.Scope, shipments []string) (map[string][]*trade.Package, error) {
	found, err := packages.under(ctx, s, scope, "", "p.shipment_id", "p.shipment_id, p.number", shipments)
	return atMost(found, 1000), err
}

var packageLines = read(relation[trade.PackageLine]{
	kind: "PackageLine", from: "package_lines p JOIN shipments d ON d.id = p.shipment_id", visible: shipmentVisible,
	columns: []columns{always(`coalesce(p.order_line_id, '') AS order_line_id, coalesce(p.purchase_order_line_id, '') AS purchase_order_line_id,
		p.quantity AS "quantity.value", p.unit AS "quantity.unit"`)},
}, same[trade.PackageLine])

// PackageKey names a package in the maps of [Store.PackageLines].
func PackageKey(shipment string, number int) string {
	text, _ := json.Marshal([]any{shipment, number})
	return string(text)
}

// PackageLines reads what is in the packages of shipments, by [PackageKey].
func (s *Store) PackageLines(ctx context.Context, scope trade.Scope, keys []string) (map[string][]*trade.PackageLine, error) {
	found, err := packageLines.under(ctx, s, scope, "", `'["' || p.shipment_id || '",' || p.number || ']'`, "p.shipment_id, p.number, p.position", keys)
	return atMost(found, 500), err
}

var events = read(relation[trade.ShipmentEvent]{
	kind: "ShipmentEvent", from: "shipment_events e JOIN shipments d ON d.id = e.shipment_id", visible: shipmentVisible,
	columns: []columns{
		always("e.id, e.milestone, e.classifier, e.status, e.occurred_at"),
		when("offsetKnown recordedAt receivedAt late", "e.offset_known, e.recorded_at, e.received_at, e.late"),
		when("location", "e.location"),
		when("reason", "e.reason"),
		when("raw", "e.raw"),
		when("package", "e.package_number"),
		when("package corrects correctedBy", "e.shipment_id"),
		when("corrects correctedBy", "e.key"),
	},
}, same[trade.ShipmentEvent])

// Events reads shipment events by id.
func (s *Store) Events(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.ShipmentEvent, error) {
	return events.by(ctx, s, scope, "e.id", "", ids)
}

type eventRow struct {
	trade.ShipmentEvent
	InsteadOf pq.StringArray
}

func (r *eventRow) trade() *trade.ShipmentEvent {
	r.Instead = r.InsteadOf
	return &r.ShipmentEvent
}

// facts are events with all that rules about a shipment need of them, whichever fields are read.
var facts = read(relation[trade.ShipmentEvent]{
	kind: "ShipmentEvent", from: events.from, visible: shipmentVisible,
	columns: []columns{always(`e.id, e.shipment_id, e.key, e.milestone, e.classifier, e.status, e.occurred_at, e.offset_known, e.recorded_at, e.received_at, e.late, e.location, e.reason, e.raw,
		e.package_number, e.estimate, coalesce(e.corrects, '') AS corrects, e.instead AS instead_of`)},
}, (*eventRow).trade)

// EventsOf reads all events of shipments, at most 1,000 each: the latest.
func (s *Store) EventsOf(ctx context.Context, scope trade.Scope, shipments []string) (map[string][]*trade.ShipmentEvent, error) {
	found, err := facts.under(ctx, s, scope, "", "e.shipment_id", "e.occurred_at DESC, e.id", shipments)
	return atMost(found, 1000), err
}

// EventList is the events below shipments, by the time they happened.
func EventList(scope trade.Scope, classifiers []trade.EventClassifier) *List[trade.ShipmentEvent] {
	l := &List[trade.ShipmentEvent]{
		relation: events, name: "events", scope: scope, parent: "e.shipment_id", order: []sortKey{ascending("e.occurred_at", "timestamptz"), ascending("e.id", "text")},
	}
	if classifiers != nil {
		l.and("e.classifier = ANY(" + l.args.add(pq.Array(classifiers)) + ")")
	}
	return l
}
