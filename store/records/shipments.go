package records

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

// mostReferences is how many references of a shipment are shown.
const mostReferences = 100

type shipmentRow struct {
	trade.Shipment
	RefsJSON store.JSON[[]trade.Identifier]
	Advised  store.JSON[[]trade.Identifier]
	Numbers  pq.StringArray
}

func (r *shipmentRow) trade() *trade.Shipment {
	r.References, r.ParcelNumbers = r.RefsJSON.Value, r.Numbers
	for _, id := range r.Advised.Value {
		if len(r.References) < mostReferences && !slices.Contains(r.References, id) {
			r.References = append(r.References, id)
		}
	}
	return &r.Shipment
}

var shipmentVisible = store.OwnEither("d.account_id", "d.supplier_id")

var shipments = store.Read(store.Relation[trade.Shipment]{
	Kind: "Shipment", From: "shipments d", Visible: shipmentVisible, Source: (*trade.Shipment).From,
	Decrypt: func(s *store.Store, d *trade.Shipment) {
		if d.Proof != nil {
			d.Proof.SignedBy = s.Decrypt(store.Signer, d.Proof.SignedBy)
		}
	},
	Columns: []store.Columns{
		store.Always("d.id, d.status"),
		store.When("number", "d.number"),
		store.When("direction mode", "d.direction, d.mode"),
		store.When("carrier", "d.carrier"),
		store.When("references", `d.refs AS refs_json, (SELECT jsonb_agg(x) FROM despatch_advices n, jsonb_array_elements(n.refs ||
			jsonb_build_array(jsonb_build_object('scheme', 'DESPATCH_ADVICE', 'value', n.number)) ||
			(SELECT coalesce(jsonb_agg(jsonb_build_object('scheme', 'SSCC', 'value', u.sscc) ORDER BY u.position), '[]') FROM handling_units u
			WHERE u.despatch_advice_id = n.id AND u.parent IS NULL)) x
			WHERE n.shipment_number = d.number AND n.status NOT IN ('REJECTED', 'CANCELLED')) AS advised`),
		store.When("origin destination", "d.origin, d.destination"),
		store.When("eta", "d.eta"),
		store.When("exception", "d.exception"),
		store.When("proofOfDelivery", "d.proof"),
		store.When("Shipment.status(maxAge:)", `coalesce(d.tracking_number, '') AS tracking_number,
			(SELECT array_agg(p.tracking_number ORDER BY p.number) FROM packages p WHERE p.shipment_id = d.id
			HAVING bool_and(coalesce(p.tracking_number, '') <> '')) AS numbers`),
		store.When("externalIds provenance Shipment.status(maxAge:)", store.ProvenanceColumnsWith("d",
			"coalesce(d.unread_since, d.untracked_since)", "coalesce(d.unread_reason, d.untracked_reason)")),
	},
}, (*shipmentRow).trade)

// Shipments reads shipments by id.
func Shipments(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Shipment, error) {
	return shipments.By(ctx, s, scope, "d.id", "", ids)
}

// ShipmentsByNumber reads shipments by number.
func ShipmentsByNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.Shipment, error) {
	return shipments.By(ctx, s, scope, "d.number", "", numbers)
}

// ShipmentsOfReturns reads the shipments that bring returns back, at most 20
// each.
func ShipmentsOfReturns(ctx context.Context, s *store.Store, scope trade.Scope, returns []string) (map[string][]*trade.Shipment, error) {
	found, err := shipments.Under(ctx, s, scope, "JOIN returns x ON x.number = d.return_key", "x.id", "d.number", returns)
	return store.AtMost(found, 20), err
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
func ShipmentList(scope trade.Scope, f ShipmentFilter, per ShipmentParent) *store.List[trade.Shipment] {
	l := &store.List[trade.Shipment]{
		Relation: shipments, Name: "shipments", Scope: scope,
		Order: []store.SortKey{store.Descending("d.created_at", "timestamptz"), store.Descending("d.id", "text")},
	}
	switch per {
	case PerAccount:
		l.Parent = "d.account_id"
	case PerOrder:
		l.Join, l.Parent = "JOIN shipment_orders x ON x.shipment_id = d.id", "x.order_id"
	case PerPurchaseOrder:
		l.Join, l.Parent = "JOIN shipment_purchase_orders x ON x.shipment_id = d.id", "x.purchase_order_id"
	}
	if f.Direction != nil {
		l.And("d.direction = ANY(" + l.Args.Add(pq.Array(f.Direction)) + ")")
	}
	if f.Status != nil {
		l.And("d.status = ANY(" + l.Args.Add(pq.Array(f.Status)) + ")")
	}
	if f.Reference != nil {
		l.And(refersTo(&l.Args, *f.Reference))
	}
	if f.CarrierScac != "" {
		l.And("d.scac = " + l.Args.Add(f.CarrierScac))
	}
	if f.Order != "" {
		p := l.Args.Add(f.Order)
		l.And("(EXISTS (SELECT FROM shipment_orders y WHERE y.shipment_id = d.id AND y.order_id = " + p +
			") OR EXISTS (SELECT FROM shipment_purchase_orders y WHERE y.shipment_id = d.id AND y.purchase_order_id = " + p + "))")
	}
	l.Within("d.eta_at", f.Eta, true)
	l.Since("d.received_at", f.ChangedSince)
	return l
}

// refersTo is the condition under which an identifier is one of a shipment d: of its references, of its packages, or of the
// despatch advice that announced it. Each place is looked up by its own index.
func refersTo(a *store.Args, id trade.Identifier) string {
	text, _ := json.Marshal([]trade.Identifier{id})
	same := a.Add(string(text)) + "::jsonb"
	found := "SELECT s.id FROM shipments s WHERE s.refs @> " + same +
		" UNION ALL SELECT s.id FROM despatch_advices n JOIN shipments s ON s.number = n.shipment_number WHERE n.refs @> " + same +
		" AND n.status NOT IN ('REJECTED', 'CANCELLED')"
	switch id.Scheme {
	case trade.SchemeTracking:
		v := a.Add(id.Value)
		found += " UNION ALL SELECT s.id FROM shipments s WHERE s.tracking_number = " + v +
			" UNION ALL SELECT p.shipment_id FROM packages p WHERE p.tracking_number = " + v
	case trade.SchemeDespatch:
		v := a.Add(id.Value)
		found += " UNION ALL SELECT s.id FROM shipments s WHERE s.number = " + v +
			" UNION ALL SELECT s.id FROM despatch_advices n JOIN shipments s ON s.number = n.shipment_number WHERE n.number = " + v +
			" AND n.status NOT IN ('REJECTED', 'CANCELLED')"
	case trade.SchemeSSCC:
		v := a.Add(id.Value)
		found += " UNION ALL SELECT p.shipment_id FROM packages p WHERE p.sscc = " + v +
			" UNION ALL SELECT s.id FROM handling_units u JOIN despatch_advices n ON n.id = u.despatch_advice_id" +
			" AND n.status NOT IN ('REJECTED', 'CANCELLED') JOIN shipments s ON s.number = n.shipment_number WHERE u.sscc = " + v
	}
	return "d.id IN (" + found + ")"
}

type packageRow struct {
	trade.Package
	Kilos      store.NullDecimal
	WeightUnit *string
}

func (r *packageRow) trade() *trade.Package {
	if r.Kilos.Valid && r.WeightUnit != nil {
		r.Weight = &trade.Quantity{Value: r.Kilos.Decimal, Unit: *r.WeightUnit}
	}
	return &r.Package
}

var packages = store.Read(store.Relation[trade.Package]{
	Kind: "Package", From: "packages p JOIN shipments d ON d.id = p.shipment_id", Visible: shipmentVisible,
	Decrypt: func(s *store.Store, p *trade.Package) {
		if p.Proof != nil {
			p.Proof.SignedBy = s.Decrypt(store.Signer, p.Proof.SignedBy)
		}
	},
	Columns: []store.Columns{
		store.Always(`p.shipment_id, p.number, p.tracking_number, p.sscc, p.status, p.weight AS kilos, p.weight_unit`),
		store.When("eta", "p.eta"),
		store.When("exception", "p.exception"),
		store.When("proofOfDelivery", "p.proof"),
	},
}, (*packageRow).trade)

// Packages reads the packages of shipments, in order, at most 1000 each.
func Packages(ctx context.Context, s *store.Store, scope trade.Scope, shipments []string) (map[string][]*trade.Package, error) {
	found, err := packages.Under(ctx, s, scope, "", "p.shipment_id", "p.shipment_id, p.number", shipments)
	return store.AtMost(found, 1000), err
}

var packageLines = store.Read(store.Relation[trade.PackageLine]{
	Kind: "PackageLine", From: "package_lines p JOIN shipments d ON d.id = p.shipment_id", Visible: shipmentVisible,
	Columns: []store.Columns{store.Always(`coalesce(p.order_line_id, '') AS order_line_id,
		coalesce(p.purchase_order_line_id, '') AS purchase_order_line_id,
		p.quantity AS "quantity.value", p.unit AS "quantity.unit"`)},
}, store.Identity[trade.PackageLine])

// PackageKey names a package in the maps of [PackageLines].
func PackageKey(shipment string, number int) string {
	text, _ := json.Marshal([]any{shipment, number})
	return string(text)
}

// PackageLines reads what is in the packages of shipments, by [PackageKey].
func PackageLines(ctx context.Context, s *store.Store, scope trade.Scope, keys []string) (map[string][]*trade.PackageLine, error) {
	found, err := packageLines.Under(ctx, s, scope, "", `'["' || p.shipment_id || '",' || p.number || ']'`,
		"p.shipment_id, p.number, p.position", keys)
	return store.AtMost(found, 500), err
}

var events = store.Read(store.Relation[trade.ShipmentEvent]{
	Kind: "ShipmentEvent", From: "shipment_events e JOIN shipments d ON d.id = e.shipment_id", Visible: shipmentVisible,
	Columns: []store.Columns{
		store.Always("e.id, e.milestone, e.classifier, e.status, e.occurred_at"),
		store.When("offsetKnown recordedAt receivedAt late", "e.offset_known, e.recorded_at, e.received_at, e.late"),
		store.When("utcOffset", "e.utc_offset"),
		store.When("location", "e.location"),
		store.When("reason", "e.reason"),
		store.When("raw", "e.raw"),
		store.When("package", "CASE WHEN cardinality(e.packages) = 1 THEN e.packages[1] END AS package_number"),
		store.When("package corrects correctedBy", "e.shipment_id"),
		store.When("corrects correctedBy", "e.key"),
	},
}, store.Identity[trade.ShipmentEvent])

// Events reads shipment events by id.
func Events(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.ShipmentEvent, error) {
	return events.By(ctx, s, scope, "e.id", "", ids)
}

type eventRow struct {
	trade.ShipmentEvent
	InsteadOf pq.StringArray
	Moved     pq.Int64Array
}

func (r *eventRow) trade() *trade.ShipmentEvent {
	r.Instead = r.InsteadOf
	if r.Moved != nil {
		r.Packages = []int{}
	}
	for _, n := range r.Moved {
		r.Packages = append(r.Packages, int(n))
	}
	return &r.ShipmentEvent
}

// facts are events with all that rules about a shipment need of them, whichever fields are read.
var facts = store.Read(store.Relation[trade.ShipmentEvent]{
	Kind: "ShipmentEvent", From: events.From, Visible: shipmentVisible,
	Columns: []store.Columns{store.Always(`e.id, e.shipment_id, e.key, e.milestone, e.classifier, e.status, e.occurred_at, e.offset_known,
		e.utc_offset, e.recorded_at, e.received_at, e.late, e.location, e.reason, e.raw,
		CASE WHEN cardinality(e.packages) = 1 THEN e.packages[1] END AS package_number, e.packages AS moved, e.estimate,
			coalesce(e.corrects, '') AS corrects, e.instead AS instead_of`)},
}, (*eventRow).trade)

// EventsOf reads all events of shipments, at most 1,000 each: the latest.
func EventsOf(ctx context.Context, s *store.Store, scope trade.Scope, shipments []string) (map[string][]*trade.ShipmentEvent, error) {
	found, err := facts.Under(ctx, s, scope, "", "e.shipment_id", "e.occurred_at DESC, e.id", shipments)
	return store.AtMost(found, 1000), err
}

// EventList is the events below shipments, by the time they happened.
func EventList(scope trade.Scope, classifiers []trade.EventClassifier) *store.List[trade.ShipmentEvent] {
	l := &store.List[trade.ShipmentEvent]{
		Relation: events, Name: "events", Scope: scope, Parent: "e.shipment_id",
		Order: []store.SortKey{store.Ascending("e.occurred_at", "timestamptz"), store.Ascending("e.id", "text")},
	}
	if classifiers != nil {
		l.And("e.classifier = ANY(" + l.Args.Add(pq.Array(classifiers)) + ")")
	}
	return l
}
