package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"portico/trade"
)

// SaveTracking files the events of tracking numbers and derives from all events
// of each shipment where it stands. An event is filed once.
func (s *Store) SaveTracking(ctx context.Context, tx *sqlx.Tx, records []trade.Tracking) ([]trade.RejectedRecord, error) {
	sealed, err := s.sealEvents(records)
	if err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	documents, err := json.Marshal(sealed)
	if err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	numbers := make([]string, len(records))
	for i, r := range records {
		numbers[i] = r.TrackingNumber
	}
	// Asked before the events are filed: of a shipment that is saved in between the news is told
	// again. Asked after, it would count as filed, and be lost.
	var known []string
	if err := s.sel(ctx, tx, &known, `SELECT tracking_number FROM shipments WHERE tracking_number = ANY($1)`, pq.Array(numbers)); err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	const file = `
		INSERT INTO shipment_events (shipment_id, key, milestone, classifier, status, occurred_at, offset_known, recorded_at, location, reason, raw, late, estimate, signed_by, instance)
		SELECT d.id, e ->> 'Key', e ->> 'Milestone', e ->> 'Classifier', e ->> 'Status', (e ->> 'OccurredAt')::timestamptz, (e ->> 'OffsetKnown')::boolean,
			(e ->> 'RecordedAt')::timestamptz, nullif(e -> 'Location', 'null'), nullif(e -> 'Reason', 'null'), e -> 'Raw',
			EXISTS (SELECT FROM shipment_events o WHERE o.shipment_id = d.id AND o.occurred_at > (e ->> 'OccurredAt')::timestamptz),
			(e ->> 'Estimate')::timestamptz, e ->> 'SignedBy', j #>> '{Provenance,Instance}'
		FROM jsonb_array_elements($1::jsonb) r(j) JOIN shipments d ON d.tracking_number = j ->> 'TrackingNumber', jsonb_array_elements(nullif(j -> 'Events', 'null')) e
		ON CONFLICT (shipment_id, key) DO NOTHING RETURNING shipment_id`
	var filed []string
	if err := s.sel(ctx, tx, &filed, file, string(documents)); err != nil {
		return nil, fmt.Errorf("saving tracking: %w", err)
	}
	proofs := map[string]*trade.DocumentRef{}
	for _, r := range records {
		if r.Proof != nil {
			r.Proof.Instance = r.Provenance.Instance
			proofs[r.TrackingNumber] = r.Proof
		}
	}
	loose := slices.DeleteFunc(slices.Clone(numbers), func(n string) bool { return slices.Contains(known, n) })
	return notLinked("tracking", "no shipment has this tracking number", loose, records, func(t *trade.Tracking) (string, *trade.Provenance) {
		return t.TrackingNumber, &t.Provenance
	}), s.derive(ctx, tx, numbers, proofs, filed)
}

// sealEvents are the records with what is restricted in them sealed.
func (s *Store) sealEvents(records []trade.Tracking) ([]trade.Tracking, error) {
	records = slices.Clone(records)
	for i := range records {
		records[i].Events = slices.Clone(records[i].Events)
		for j := range records[i].Events {
			e := &records[i].Events[j]
			var err error
			if e.SignedBy, err = s.seals.seal(signer, e.SignedBy); err != nil {
				return nil, err
			}
		}
	}
	return records, nil
}

// derive sets what follows from shipments' events, and tells of those that have new ones or
// stand otherwise now.
func (s *Store) derive(ctx context.Context, tx *sqlx.Tx, numbers []string, proofs map[string]*trade.DocumentRef, filed []string) error {
	const query = `
		SELECT d.id AS shipment_id, d.tracking_number AS number, e.key, e.milestone, e.classifier, e.status, e.occurred_at, e.recorded_at, e.received_at, e.reason, e.raw,
			e.estimate, e.signed_by
		FROM shipments d JOIN shipment_events e ON e.shipment_id = d.id WHERE d.tracking_number = ANY($1)`
	var rows []struct {
		trade.ShipmentEvent
		Number string
	}
	if err := s.sel(ctx, tx, &rows, query, pq.Array(numbers)); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	byShipment, number := map[string][]trade.ShipmentEvent{}, map[string]string{}
	for _, r := range rows {
		byShipment[r.ShipmentID] = append(byShipment[r.ShipmentID], r.ShipmentEvent)
		number[r.ShipmentID] = r.Number
	}
	type derived struct {
		ID        string
		Status    trade.ShipmentStatus
		Eta       *trade.Eta
		Exception *trade.ShipmentException
		Proof     *trade.Proof
	}
	var all []derived
	for id, events := range byShipment {
		all = append(all, derived{id, trade.StatusOf(events), trade.EtaOf(events), trade.ExceptionOf(events), trade.ProofOf(events, proofs[number[id]])})
	}
	if len(all) == 0 {
		return nil // no shipment has these tracking numbers yet
	}
	documents, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("tracking: %w", err)
	}
	const update = `
		WITH d AS (SELECT j ->> 'ID' AS id, j ->> 'Status' AS status, nullif(j -> 'Eta', 'null') AS eta, nullif(j -> 'Exception', 'null') AS exception,
			nullif(j -> 'Proof', 'null') AS proof FROM jsonb_array_elements($1::jsonb) r(j)),
		p AS (UPDATE packages p SET status = d.status FROM d WHERE p.shipment_id = d.id),
		s AS (UPDATE shipments s SET status = d.status, eta = d.eta, eta_at = (d.eta ->> 'at')::timestamptz, exception = d.exception,
			proof = coalesce(d.proof, s.proof), received_at = now() FROM d, shipments o WHERE s.id = d.id AND o.id = d.id
			RETURNING s.id, s.account_id, s.supplier_id, nullif(o.status, s.status) AS previous, extract(epoch FROM s.eta_at - o.eta_at)::bigint AS eta_shift,
				(s.status, s.eta, s.exception, s.proof) IS DISTINCT FROM (o.status, o.eta, o.exception, o.proof) AS otherwise)
		` + shipmentChanged + `s.previous, nullif(s.eta_shift, 0) FROM s WHERE NOT $3 AND (s.otherwise OR s.id = ANY($2))`
	result, err := s.Exec(ctx, tx, update, string(documents), textArray(filed), quiet(ctx))
	if err != nil {
		return fmt.Errorf("saving tracking: %w", err)
	}
	if n, err := result.RowsAffected(); err == nil && n > 0 { // most looks find nothing new, and wake nobody
		s.told(tx)
	}
	return nil
}
