package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/tracking"
)

// ShipmentMatch is a shipment that an identifier names.
type ShipmentMatch struct {
	Identifier int // its place among those that were looked for
	Shipment   string
	// Indirect tells that the identifier is not the shipment's own: it is the number of a purchase order of which the shipment
	// delivers something, or a supplier's number of the despatch advice that announced it, which other suppliers may use too.
	Indirect  bool
	Direction trade.Direction
	CreatedAt time.Time
	Owner     string // the account, or the supplier of one that comes in
}

// MatchShipments finds the shipments that identifiers name, in the order of the identifiers and, of each, of the
// shipments' ids. The number of a package names its shipment, and so do the references of the despatch advice that announced
// it, and the SSCC of the pallets in it.
func MatchShipments(ctx context.Context, tx *store.Tx, identifiers []trade.Identifier) (found []ShipmentMatch, err error) {
	schemes, values := make([]string, len(identifiers)), make([]string, len(identifiers))
	for i, id := range identifiers {
		schemes[i], values[i] = string(id.Scheme), id.Value
	}
	const query = `
		WITH k AS (SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(scheme, value, place))
		SELECT m.*, d.direction, d.created_at, coalesce(d.account_id, d.supplier_id, '') AS owner FROM (
		SELECT k.place - 1 AS identifier, d.id AS shipment, FALSE AS indirect FROM k JOIN shipments d ON d.tracking_number = k.value
		WHERE k.scheme = 'TRACKING_NUMBER'
		UNION SELECT k.place - 1, p.shipment_id, FALSE FROM k JOIN packages p ON p.tracking_number = k.value WHERE k.scheme = 'TRACKING_NUMBER'
		UNION SELECT k.place - 1, d.id, FALSE FROM k JOIN shipments d ON d.number = k.value WHERE k.scheme = 'DESPATCH_ADVICE'
		UNION SELECT k.place - 1, p.shipment_id, FALSE FROM k JOIN packages p ON p.sscc = k.value WHERE k.scheme = 'SSCC'
		UNION SELECT k.place - 1, d.id, FALSE FROM k JOIN handling_units u ON u.sscc = k.value
		JOIN despatch_advices n ON n.id = u.despatch_advice_id AND n.status NOT IN ('REJECTED', 'CANCELLED')
		JOIN shipments d ON d.number = n.shipment_number WHERE k.scheme = 'SSCC'
		UNION SELECT k.place - 1, d.id, FALSE FROM k
		JOIN shipments d ON d.refs @> jsonb_build_array(jsonb_build_object('scheme', k.scheme, 'value', k.value))
			WHERE k.scheme <> 'TRACKING_NUMBER'
		UNION SELECT k.place - 1, d.id, FALSE FROM k
		JOIN despatch_advices n ON n.refs @> jsonb_build_array(jsonb_build_object('scheme', k.scheme, 'value', k.value))
			AND n.status NOT IN ('REJECTED', 'CANCELLED') JOIN shipments d ON d.number = n.shipment_number
		UNION SELECT k.place - 1, d.id, TRUE FROM k JOIN despatch_advices n ON n.number = k.value AND n.status NOT IN ('REJECTED', 'CANCELLED')
		JOIN shipments d ON d.number = n.shipment_number WHERE k.scheme = 'DESPATCH_ADVICE'
		UNION SELECT k.place - 1, x.shipment_id, TRUE FROM k JOIN purchase_orders o ON o.number = k.value
		JOIN shipment_purchase_orders x ON x.purchase_order_id = o.id WHERE k.scheme = 'PO_NUMBER') m JOIN shipments d ON d.id = m.shipment
		ORDER BY 1, 2, 3`
	if err := tx.Select(ctx, &found, query, store.TextArray(schemes), store.TextArray(values)); err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	return found, nil
}

// HoldShipments holds shipments until the transaction ends, in the order of their ids: what follows from their events
// follows from all of them then.
func HoldShipments(ctx context.Context, tx *store.Tx, ids []string) error {
	if _, err := tx.Exec(ctx, `SELECT FROM shipments WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`, store.TextArray(ids)); err != nil {
		return fmt.Errorf("tracking: %w", err)
	}
	return nil
}

// ReportedEvent is an event of a shipment, and the source that reports it.
type ReportedEvent struct {
	Shipment string              `json:"Shipment"`
	Instance string              `json:"Instance"`
	Event    trade.ShipmentEvent `json:"Event"`
}

// SaveShipmentEvents files events, each once by its shipment and key, of which none may be there twice, and returns the
// shipments that something new is filed of. Who signed is encrypted. An event is late where the shipment has one of
// the same packages that happened after it: forecasts, and what was declared wrong, do not count. A known
// event whose code has another meaning by now is reread; it is its source's to report.
func SaveShipmentEvents(ctx context.Context, tx *store.Tx, reported []ReportedEvent) (changed []string, err error) {
	if len(reported) == 0 {
		return nil, nil
	}
	reported = slices.Clone(reported)
	for i := range reported {
		e := &reported[i].Event
		if e.SignedBy, err = tx.Store().Encrypt(store.Signer, e.SignedBy); err != nil {
			return nil, fmt.Errorf("tracking: %w", err)
		}
	}
	documents, err := json.Marshal(reported)
	if err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	const query = `
		INSERT INTO shipment_events AS t (shipment_id, key, milestone, classifier, status,
			occurred_at, offset_known, utc_offset, recorded_at, location,
		reason, raw, late, estimate, signed_by, corrects, instead, units, instance)
		SELECT j ->> 'Shipment', e ->> 'Key', e ->> 'Milestone', e ->> 'Classifier', e ->> 'Status', (e ->> 'OccurredAt')::timestamptz,
		(e ->> 'OffsetKnown')::boolean, e ->> 'UTCOffset',
			(e ->> 'RecordedAt')::timestamptz, nullif(e -> 'Location', 'null'), nullif(e -> 'Reason', 'null'), e -> 'Raw',
			EXISTS (SELECT FROM shipment_events o WHERE o.shipment_id = j ->> 'Shipment' AND o.occurred_at > (e ->> 'OccurredAt')::timestamptz
				AND o.classifier = 'ACTUAL' AND o.corrects IS NULL
				AND NOT EXISTS (SELECT FROM shipment_events w WHERE w.shipment_id = o.shipment_id AND w.corrects = o.key)
				AND (o.units IS NULL OR nullif(e -> 'Units', 'null') IS NULL
					OR EXISTS (SELECT FROM jsonb_array_elements(o.units) u WHERE e -> 'Units' @> jsonb_build_array(u)))),
			(e ->> 'Estimate')::timestamptz, e ->> 'SignedBy', nullif(e ->> 'Corrects', ''),
			ARRAY(SELECT jsonb_array_elements_text(nullif(e -> 'Instead', 'null'))), nullif(e -> 'Units', 'null'), j ->> 'Instance'
		FROM (SELECT j, j -> 'Event' AS e FROM jsonb_array_elements($1::jsonb) j) x
		ON CONFLICT (shipment_id, key) DO UPDATE SET milestone = excluded.milestone, classifier = excluded.classifier, status = excluded.status,
		reason = excluded.reason, units = excluded.units
		WHERE t.instance = excluded.instance AND (t.milestone, t.classifier, t.status, t.reason, t.units) IS DISTINCT
		FROM (excluded.milestone, excluded.classifier, excluded.status, excluded.reason, excluded.units)
		RETURNING shipment_id`
	if err := tx.Select(ctx, &changed, query, string(documents)); err != nil {
		return nil, fmt.Errorf("saving tracking: %w", err)
	}
	return changed, nil
}

type trackedEvent struct {
	trade.ShipmentEvent
	Named  store.JSON[[]trade.Identifier]
	Parcel store.JSON[tracking.Units]
	First  bool
}

// EventsOfShipments reads all events of shipments, with what a shipment's state is derived from, and the handling units of
// those that have events. Who signed stays encrypted.
func EventsOfShipments(ctx context.Context, tx *store.Tx, shipments []string) (map[string][]trade.ShipmentEvent,
	map[string]*tracking.Units, error,
) {
	const query = `
		SELECT e.*, CASE WHEN first THEN (SELECT jsonb_build_object('TrackingNumber', coalesce(s.tracking_number, ''),
			'Document', s.proof -> 'document',
			'Packages', (SELECT jsonb_agg(jsonb_build_object('Number', p.number, 'TrackingNumber', coalesce(p.tracking_number, ''),
				'SSCC', coalesce(p.sscc, ''), 'Document', p.proof -> 'document',
				'Delivered', p.status = 'DELIVERED') ORDER BY p.number) FROM packages p WHERE p.shipment_id = s.id),
			'Pallets', (SELECT jsonb_agg(jsonb_build_object('SSCC', h.sscc, 'Parent', h.parent)) FROM despatch_advices n
				JOIN handling_units h ON h.despatch_advice_id = n.id WHERE n.shipment_number = s.number AND h.parent IS NOT NULL
				AND n.status NOT IN ('REJECTED', 'CANCELLED'))) FROM shipments s WHERE s.id = e.shipment_id) END AS parcel
		FROM (SELECT e.shipment_id, e.key, e.milestone, e.classifier, e.status, e.occurred_at, e.recorded_at, e.received_at, e.reason, e.raw,
			e.estimate, e.signed_by, coalesce(e.corrects, '') AS corrects, e.units AS named,
			row_number() OVER (PARTITION BY e.shipment_id ORDER BY e.key) = 1 AS first
			FROM shipment_events e WHERE e.shipment_id = ANY($1)) e`
	var rows []trackedEvent
	if err := tx.Select(ctx, &rows, query, store.TextArray(shipments)); err != nil {
		return nil, nil, fmt.Errorf("events: %w", err)
	}
	events, units := map[string][]trade.ShipmentEvent{}, map[string]*tracking.Units{}
	for i := range rows {
		r := &rows[i]
		if r.Units = r.Named.Value; r.First {
			units[r.ShipmentID] = &r.Parcel.Value
		}
		events[r.ShipmentID] = append(events[r.ShipmentID], r.ShipmentEvent)
	}
	return events, units, nil
}

// ShipmentState is what follows from the events of a shipment: where it and its packages stand, and which packages the events
// move that name some.
type ShipmentState struct {
	tracking.State
	ID       string                  `json:"ID"`
	Packages []tracking.PackageState `json:"Packages"`
	Moves    []Move                  `json:"Moves"`
}

// Move is an event that names packages, and those that it moves: nil for the whole shipment, none for packages of others.
type Move struct {
	Key      string `json:"Key"`
	Packages []int  `json:"Packages"`
}

// SaveShipmentStates saves where shipments stand, which are held. The log of changes has those whose state is another one now,
// and those among changed, that something new is filed of.
func SaveShipmentStates(ctx context.Context, tx *store.Tx, states []ShipmentState, changed []string) error {
	documents, err := json.Marshal(states)
	if err != nil {
		return fmt.Errorf("tracking: %w", err)
	}
	const query = `
		WITH d AS (SELECT j ->> 'ID' AS id, j ->> 'Status' AS status, nullif(j -> 'Eta', 'null') AS eta,
		nullif(j -> 'Exception', 'null') AS exception, nullif(j -> 'Proof', 'null') AS proof, j
			FROM jsonb_array_elements($1::jsonb) r(j)),
		p AS (UPDATE packages p SET status = x ->> 'Status', eta = nullif(x -> 'Eta', 'null'), exception = nullif(x -> 'Exception', 'null'),
			proof = nullif(x -> 'Proof', 'null')
			FROM d, jsonb_array_elements(nullif(d.j -> 'Packages', 'null')) x
			WHERE p.shipment_id = d.id AND p.number = (x ->> 'Number')::int AND (p.status, p.eta, p.exception, p.proof) IS DISTINCT FROM
				(x ->> 'Status', nullif(x -> 'Eta', 'null'), nullif(x -> 'Exception', 'null'), nullif(x -> 'Proof', 'null'))),
		m AS (UPDATE shipment_events e SET packages = x.moved
			FROM (SELECT d.id, m ->> 'Key' AS key, CASE WHEN jsonb_typeof(m -> 'Packages') = 'array'
				THEN ARRAY(SELECT jsonb_array_elements_text(m -> 'Packages')::int) END AS moved
				FROM d, jsonb_array_elements(nullif(d.j -> 'Moves', 'null')) m) x
			WHERE e.shipment_id = x.id AND e.key = x.key AND e.packages IS DISTINCT FROM x.moved),
		s AS (UPDATE shipments s SET status = d.status, eta = d.eta, eta_at = (d.eta ->> 'at')::timestamptz, exception = d.exception,
			proof = d.proof, received_at = now() FROM d, shipments o WHERE s.id = d.id AND o.id = d.id
			RETURNING s.id, s.account_id, s.supplier_id, nullif(o.status, s.status) AS previous,
			extract(epoch FROM s.eta_at - o.eta_at)::bigint AS eta_shift,
				(s.status, s.eta, s.exception, s.proof) IS DISTINCT FROM (o.status, o.eta, o.exception, o.proof) AS otherwise)
		` + shipmentChanged + `s.previous, nullif(s.eta_shift, 0) FROM s WHERE NOT $3 AND (s.otherwise OR s.id = ANY($2))`
	result, err := tx.Exec(ctx, query, string(documents), store.TextArray(changed), store.IsQuiet(ctx))
	if err != nil {
		return fmt.Errorf("saving tracking: %w", err)
	}
	if n, err := result.RowsAffected(); err == nil && n > 0 { // most looks find nothing new, and wake nobody
		tx.MarkChanged()
	}
	return nil
}

// OrderedShipment is a shipment, and the correlation id of a request that ordered something in it.
type OrderedShipment struct{ Correlation, Shipment string }

// RequestsOfShipments finds the requests that ordered what is in shipments.
func RequestsOfShipments(ctx context.Context, tx *store.Tx, shipments []string) (requests []OrderedShipment, err error) {
	const query = `
		SELECT DISTINCT o.correlation_id AS correlation, x.shipment_id AS shipment FROM shipment_orders x
		JOIN operations o ON o.subject = x.order_id AND o.kind = 'SUBMIT_ORDER'
		WHERE x.shipment_id = ANY($1)`
	if err := tx.Select(ctx, &requests, query, store.TextArray(shipments)); err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	return requests, nil
}
