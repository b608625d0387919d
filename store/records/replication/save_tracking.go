package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/lib/pq"
	"go.opentelemetry.io/otel/attribute"

	"portico/store"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/tracking"
)

// SaveTracking files the events of what carriers follow and derives from all events
// of each shipment where it stands. It tells what no shipment is known of.
func SaveTracking(ctx context.Context, tx *store.Tx, records []trade.Tracking) ([]operating.RejectedRecord, error) {
	of, _, err := FileTracking(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	var loose []string
	for i := range records {
		if len(of[i]) == 0 {
			loose = append(loose, records[i].TrackingNumber)
		}
	}
	return notLinked("tracking", "no shipment has this tracking number", loose, records, func(t *trade.Tracking) (string, *trade.Provenance) {
		return t.TrackingNumber, &t.Provenance
	}), nil
}

// FileTracking files events, each once, derives from all events of each shipment where
// it stands, and tells for each record which shipments it is about, none where none is
// known, and of which shipments there was something new.
func FileTracking(ctx context.Context, tx *store.Tx, records []trade.Tracking) (of [][]string, filed []string, err error) {
	if of, err = shipmentsTracked(ctx, tx, records); err != nil {
		return nil, nil, err
	}
	type row struct {
		Shipment string              `json:"Shipment"`
		Instance string              `json:"Instance"`
		Event    trade.ShipmentEvent `json:"Event"`
	}
	rows, proofs := map[string]row{}, map[string]*trade.DocumentRef{}
	for i, r := range records {
		for _, shipment := range of[i] {
			if r.Proof != nil {
				r.Proof.Instance = r.Provenance.Instance
				proofs[shipment] = r.Proof
			}
			for _, e := range r.Events {
				if e.SignedBy, err = tx.Store().Encrypt(store.Signer, e.SignedBy); err != nil {
					return nil, nil, fmt.Errorf("tracking: %w", err)
				}
				rows[shipment+" "+e.Key] = row{shipment, r.Provenance.Instance, e}
			}
		}
	}
	shipments := slices.Compact(slices.Sorted(slices.Values(slices.Concat(of...))))
	if len(shipments) == 0 {
		return of, nil, nil
	}
	documents, err := json.Marshal(slices.Collect(maps.Values(rows)))
	if err != nil {
		return nil, nil, fmt.Errorf("tracking: %w", err)
	}
	// One whose code has another meaning by now is read anew; it is its source's to tell.
	const file = `
		INSERT INTO shipment_events AS t (shipment_id, key, milestone, classifier, status, occurred_at, offset_known, recorded_at, location,
		reason, raw, late, estimate, signed_by, corrects, instead, instance)
		SELECT j ->> 'Shipment', e ->> 'Key', e ->> 'Milestone', e ->> 'Classifier', e ->> 'Status', (e ->> 'OccurredAt')::timestamptz,
		(e ->> 'OffsetKnown')::boolean,
			(e ->> 'RecordedAt')::timestamptz, nullif(e -> 'Location', 'null'), nullif(e -> 'Reason', 'null'), e -> 'Raw',
			EXISTS (SELECT FROM shipment_events o WHERE o.shipment_id = j ->> 'Shipment' AND o.occurred_at > (e ->> 'OccurredAt')::timestamptz),
			(e ->> 'Estimate')::timestamptz, e ->> 'SignedBy', nullif(e ->> 'Corrects', ''),
			ARRAY(SELECT jsonb_array_elements_text(nullif(e -> 'Instead', 'null'))), j ->> 'Instance'
		FROM (SELECT j, j -> 'Event' AS e FROM jsonb_array_elements($1::jsonb) j) x
		ON CONFLICT (shipment_id, key) DO UPDATE SET milestone = excluded.milestone, classifier = excluded.classifier, status = excluded.status,
		reason = excluded.reason
		WHERE t.instance = excluded.instance AND (t.milestone, t.classifier, t.status, t.reason) IS DISTINCT
		FROM (excluded.milestone, excluded.classifier, excluded.status, excluded.reason)
		RETURNING shipment_id`
	if err := tx.Select(ctx, &filed, file, string(documents)); err != nil {
		return nil, nil, fmt.Errorf("saving tracking: %w", err)
	}
	if err := deriveShipments(ctx, tx, shipments, proofs, filed); err != nil {
		return nil, nil, err
	}
	return of, filed, noteNews(ctx, tx, filed)
}

// noteNews notes news of shipments in the traces of the clicks that ordered what is in them.
func noteNews(ctx context.Context, tx *store.Tx, shipments []string) error {
	if len(shipments) == 0 || store.IsQuiet(ctx) || !telemetry.Following() {
		return nil
	}
	var clicks []struct{ Correlation, Shipment string }
	const query = `
		SELECT DISTINCT o.correlation_id AS correlation, x.shipment_id AS shipment FROM shipment_orders x
		JOIN operations o ON o.subject = x.order_id AND o.kind = 'SUBMIT_ORDER'
		WHERE x.shipment_id = ANY($1)`
	if err := tx.Select(ctx, &clicks, query, pq.Array(shipments)); err != nil {
		return fmt.Errorf("tracking: %w", err)
	}
	for _, c := range clicks {
		telemetry.Happened(ctx, c.Correlation, "shipment event", attribute.String("shipment", c.Shipment))
	}
	return nil
}

// shipmentsTracked finds, for each record, the shipments that it is about, and holds them until the
// transaction ends, so that what follows from their events follows from all of them. They
// are looked for before anything is filed: of a shipment that is saved in between the news
// is told again. Looked for after, it would count as filed, and be lost.
func shipmentsTracked(ctx context.Context, tx *store.Tx, records []trade.Tracking) ([][]string, error) {
	type key struct {
		Place  int    `json:"Place"`
		Rank   int    `json:"Rank"`
		Scheme string `json:"Scheme"`
		Value  string `json:"Value"`
	}
	var keys []key
	for i, r := range records {
		if r.TrackingNumber != "" {
			keys = append(keys, key{i, 0, string(trade.SchemeTracking), r.TrackingNumber})
		}
		for n, id := range r.About {
			keys = append(keys, key{i, n + 1, string(id.Scheme), id.Value})
		}
	}
	of := make([][]string, len(records))
	if len(keys) == 0 {
		return of, nil
	}
	document, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	const query = `
		WITH k AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS k("Place" int, "Rank" int, "Scheme" text, "Value" text))
		SELECT k."Place" AS place, k."Rank" AS rank, d.id FROM k JOIN shipments d ON d.tracking_number = k."Value"
		WHERE k."Scheme" = 'TRACKING_NUMBER'
		UNION SELECT k."Place", k."Rank", d.id FROM k JOIN shipments d ON d.number = k."Value" WHERE k."Scheme" = 'DESPATCH_ADVICE'
		UNION SELECT k."Place", k."Rank", p.shipment_id FROM k JOIN packages p ON p.sscc = k."Value" WHERE k."Scheme" = 'SSCC'
		UNION SELECT k."Place", k."Rank", min(x.shipment_id) FROM k JOIN purchase_orders o ON o.number = k."Value"
		JOIN shipment_purchase_orders x ON x.purchase_order_id = o.id
			WHERE k."Scheme" = 'PO_NUMBER' GROUP BY 1, 2 HAVING count(DISTINCT x.shipment_id) = 1
		UNION SELECT k."Place", k."Rank", d.id FROM k
		JOIN shipments d ON d.refs @> jsonb_build_array(jsonb_build_object('scheme', k."Scheme", 'value', k."Value"))
			WHERE k."Scheme" <> 'TRACKING_NUMBER'
		ORDER BY 1, 2, 3`
	var rows []struct {
		Place, Rank int
		ID          string
	}
	if err := tx.Select(ctx, &rows, query, string(document)); err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	rank := make([]int, len(records))
	var all []string
	for _, r := range rows {
		if len(of[r.Place]) == 0 {
			rank[r.Place] = r.Rank
		}
		if rank[r.Place] == r.Rank {
			of[r.Place] = append(of[r.Place], r.ID)
			all = append(all, r.ID)
		}
	}
	if _, err := tx.Exec(ctx, `SELECT FROM shipments WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`, pq.Array(all)); err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	return of, nil
}

// deriveShipments sets what follows from shipments' events, and tells of those that have new ones or
// stand otherwise now.
func deriveShipments(ctx context.Context, tx *store.Tx, shipments []string, proofs map[string]*trade.DocumentRef, filed []string) error {
	const query = `
		SELECT e.shipment_id, e.key, e.milestone, e.classifier, e.status, e.occurred_at, e.recorded_at, e.received_at, e.reason, e.raw,
		e.estimate, e.signed_by, coalesce(e.corrects, '') AS corrects
		FROM shipment_events e WHERE e.shipment_id = ANY($1)`
	var rows []trade.ShipmentEvent
	if err := tx.Select(ctx, &rows, query, pq.Array(shipments)); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	byShipment := map[string][]trade.ShipmentEvent{}
	for _, r := range rows {
		byShipment[r.ShipmentID] = append(byShipment[r.ShipmentID], r)
	}
	type derived struct {
		ID        string                   `json:"ID"`
		Status    trade.ShipmentStatus     `json:"Status"`
		Eta       *trade.Eta               `json:"Eta"`
		Exception *trade.ShipmentException `json:"Exception"`
		Proof     *trade.Proof             `json:"Proof"`
	}
	all := []derived{}
	for id, events := range byShipment {
		all = append(all, derived{
			id, tracking.StatusOf(events), tracking.EtaOf(events), tracking.ExceptionOf(events),
			tracking.ProofOf(events, proofs[id]),
		})
	}
	documents, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("tracking: %w", err)
	}
	const update = `
		WITH d AS (SELECT j ->> 'ID' AS id, j ->> 'Status' AS status, nullif(j -> 'Eta', 'null') AS eta,
		nullif(j -> 'Exception', 'null') AS exception,
			nullif(j -> 'Proof', 'null') AS proof FROM jsonb_array_elements($1::jsonb) r(j)),
		p AS (UPDATE packages p SET status = d.status FROM d WHERE p.shipment_id = d.id),
		s AS (UPDATE shipments s SET status = d.status, eta = d.eta, eta_at = (d.eta ->> 'at')::timestamptz, exception = d.exception,
			proof = coalesce(d.proof, s.proof), received_at = now() FROM d, shipments o WHERE s.id = d.id AND o.id = d.id
			RETURNING s.id, s.account_id, s.supplier_id, nullif(o.status, s.status) AS previous,
			extract(epoch FROM s.eta_at - o.eta_at)::bigint AS eta_shift,
				(s.status, s.eta, s.exception, s.proof) IS DISTINCT FROM (o.status, o.eta, o.exception, o.proof) AS otherwise)
		` + shipmentChanged + `s.previous, nullif(s.eta_shift, 0) FROM s WHERE NOT $3 AND (s.otherwise OR s.id = ANY($2))`
	result, err := tx.Exec(ctx, update, string(documents), store.TextArray(filed), store.IsQuiet(ctx))
	if err != nil {
		return fmt.Errorf("saving tracking: %w", err)
	}
	if n, err := result.RowsAffected(); err == nil && n > 0 { // most looks find nothing new, and wake nobody
		tx.MarkChanged()
	}
	return nil
}
