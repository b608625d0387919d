package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
)

var saveShipments = saving[trade.Shipment]{
	kind: "shipments", table: "shipments", col: "number", key: func(s *trade.Shipment) string { return s.Number },
	prov: (*trade.Shipment).From,
	// Status, estimate, exception and proof are the events' and not the packer's.
	head: `INSERT INTO shipments AS t (number, direction, mode, carrier, refs, status, origin, destination, account_id, supplier_id,
		return_key, tracking_number, created_at, ` + provenanceColumns + `)
		SELECT j ->> 'Number', j ->> 'Direction', j ->> 'Mode', nullif(j -> 'Carrier', 'null'), j -> 'References', j ->> 'Status',
			coalesce((SELECT w.location FROM warehouses w WHERE w.code = j #>> '{Origin,name}'), nullif(j -> 'Origin', 'null')),
			coalesce((SELECT w.location FROM warehouses w WHERE w.code = j #>> '{Destination,name}'), nullif(j -> 'Destination', 'null')),
			a.id, p.id, nullif(j ->> 'ReturnKey', ''), nullif(j ->> 'TrackingNumber', ''), (j ->> 'CreatedAt')::timestamptz, ` + provenanceValues + `
		FROM ` + documents + ` LEFT JOIN accounts a ON a.number = j #>> '{AccountRef,key}' LEFT
		JOIN trading_partners p ON p.code = j #>> '{SupplierRef,key}'
		WHERE (j ->> 'Direction' NOT IN ('OUTBOUND', 'RETURN') OR a.id IS NOT NULL) AND (j ->> 'Direction' <> 'INBOUND' OR p.id IS NOT NULL)
		ON CONFLICT (number) DO UPDATE SET direction = excluded.direction, mode = excluded.mode, carrier = excluded.carrier,
		refs = excluded.refs, origin = excluded.origin,
			destination = excluded.destination, account_id = excluded.account_id, supplier_id = excluded.supplier_id,
			return_key = excluded.return_key,
			registered_with = CASE WHEN t.tracking_number = excluded.tracking_number THEN t.registered_with END,
			tracking_number = excluded.tracking_number, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING number AS key, ` + added,
	clear: []string{
		`DELETE FROM shipment_orders x USING ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number' WHERE x.shipment_id = d.id`,
		`DELETE FROM shipment_purchase_orders x USING ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number' WHERE x.shipment_id = d.id`,
		`DELETE FROM packages x USING ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number' WHERE x.shipment_id = d.id
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(nullif(j -> 'PackagesKnown', 'null')) p WHERE (p ->> 'Number')::int = x.number)`,
		`DELETE FROM package_lines x USING ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number' WHERE x.shipment_id = d.id`,
	},
	parts: []string{
		`INSERT INTO shipment_orders (shipment_id, order_id) SELECT DISTINCT d.id, o.id FROM ` + documents +
			` JOIN shipments d ON d.number = j ->> 'Number',
			jsonb_array_elements_text(nullif(j -> 'OrderKeys', 'null')) k JOIN orders o ON o.number = k`,
		`INSERT INTO shipment_purchase_orders (shipment_id, purchase_order_id) SELECT DISTINCT d.id, o.id FROM ` + documents +
			` JOIN shipments d ON d.number = j ->> 'Number',
			jsonb_array_elements_text(nullif(j -> 'PurchaseOrderKeys', 'null')) k JOIN purchase_orders o ON o.number = k`,
		// What follows from events stays with a package for as long as it is the same one.
		`INSERT INTO packages AS t (shipment_id, number, tracking_number, sscc, status, weight, weight_unit)
			SELECT d.id, (p ->> 'Number')::int, p ->> 'TrackingNumber', p ->> 'SSCC', d.status, (p #>> '{Weight,value}')::numeric,
			p #>> '{Weight,unit}'
			FROM ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number', jsonb_array_elements(nullif(j -> 'PackagesKnown', 'null')) p
			ON CONFLICT (shipment_id, number) DO UPDATE SET tracking_number = excluded.tracking_number, sscc = excluded.sscc,
				weight = excluded.weight, weight_unit = excluded.weight_unit,
				proof = CASE WHEN t.sscc IS NOT DISTINCT FROM excluded.sscc THEN t.proof END,
				registered_with = CASE WHEN t.tracking_number = excluded.tracking_number THEN t.registered_with END`,
		`INSERT INTO package_lines (shipment_id, number, position, order_line_id, purchase_order_line_id, quantity, unit, received, damaged)
			SELECT d.id, (p ->> 'Number')::int, pos, ol.id, pl.id, (l #>> '{Quantity,value}')::numeric, l #>> '{Quantity,unit}',
			(l #>> '{Received,value}')::numeric, (l #>> '{Damaged,value}')::numeric
			FROM ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number', jsonb_array_elements(nullif(j -> 'PackagesKnown', 'null')) p,
			jsonb_array_elements(nullif(p -> 'LinesKnown', 'null')) WITH ORDINALITY AS x(l, pos)
			LEFT JOIN LATERAL (SELECT y.id FROM order_lines y JOIN orders o ON o.id = y.order_id WHERE o.number = l ->> 'DocumentKey'
			AND y.line_number = l ->> 'LineNumber' LIMIT 1) ol ON TRUE
			LEFT JOIN LATERAL (SELECT y.id FROM purchase_order_lines y JOIN purchase_orders o ON o.id = y.purchase_order_id
				WHERE o.number = l ->> 'DocumentKey' AND y.line_number = l ->> 'LineNumber' LIMIT 1) pl ON TRUE`,
	},
}

// SaveShipments saves shipments with their packages. Where those that have events stand is derived by process/tracking.
func SaveShipments(ctx context.Context, tx *store.Tx, records []trade.Shipment) ([]operating.RejectedRecord, error) {
	const query = `
		SELECT j ->> 'Number' FROM jsonb_array_elements($1::jsonb) r(j)
		WHERE EXISTS (SELECT FROM jsonb_array_elements_text(nullif(j -> 'OrderKeys', 'null')) k
		WHERE NOT EXISTS (SELECT FROM orders o WHERE o.number = k))
		   OR EXISTS (SELECT FROM jsonb_array_elements_text(nullif(j -> 'PurchaseOrderKeys', 'null')) k
		WHERE NOT EXISTS (SELECT FROM purchase_orders o WHERE o.number = k))`
	rejected, err := saveLinked(ctx, tx, saveShipments, records, query)
	if err != nil || len(records) == 0 {
		return rejected, err
	}
	numbers := make([]string, len(records))
	for i := range records {
		numbers[i] = records[i].Number
	}
	if err := operatingstore.WakeDeliveries(ctx, tx, numbers); err != nil || store.IsQuiet(ctx) {
		return rejected, err
	}
	if _, err := tx.Exec(ctx, shipmentChanged+`NULL, NULL::bigint FROM shipments s WHERE s.number = ANY($1)`,
		store.TextArray(numbers)); err != nil {
		return nil, fmt.Errorf("changed shipments: %w", err)
	}
	tx.MarkChanged()
	return rejected, nil
}

// ShipmentsByNumber are the ids of shipments with these numbers, in their order, and of those that have events.
func ShipmentsByNumber(ctx context.Context, tx *store.Tx, numbers []string) (ids, tracked []string, err error) {
	const query = `SELECT s.id, EXISTS (SELECT FROM shipment_events e WHERE e.shipment_id = s.id) AS tracked FROM shipments s
		WHERE s.number = ANY($1) ORDER BY s.id`
	var rows []struct {
		ID      string
		Tracked bool
	}
	if err := tx.Select(ctx, &rows, query, store.TextArray(numbers)); err != nil {
		return nil, nil, fmt.Errorf("shipments: %w", err)
	}
	for _, r := range rows {
		if ids = append(ids, r.ID); r.Tracked {
			tracked = append(tracked, r.ID)
		}
	}
	return ids, tracked, nil
}

// shipmentChanged writes into the log that shipments s changed; what their status was and
// how far their arrival moved follows.
const shipmentChanged = `INSERT INTO changes (topic, subject, account_id, supplier_id, related, cause, previous, eta_shift)
	SELECT 'SHIPMENT', s.id, s.account_id, s.supplier_id, ARRAY(SELECT x.order_id FROM shipment_orders x WHERE x.shipment_id = s.id),
		(SELECT e.id FROM shipment_events e WHERE e.shipment_id = s.id ORDER BY e.received_at DESC, e.occurred_at DESC LIMIT 1), `

// saveLinked saves records, and tells besides which of them name a document that
// is not known yet: they are kept, and to be saved again when it is.
func saveLinked[T any](ctx context.Context, tx *store.Tx, v saving[T], records []T, query string) ([]operating.RejectedRecord, error) {
	documents, err := json.Marshal(records)
	if err != nil {
		return nil, unwritable(v.kind, err)
	}
	// Asked before they are saved: what is linked to a document that comes in between is told
	// again. Asked after, it would count as linked, and never be.
	var loose []string
	if len(records) > 0 {
		if err := tx.Select(ctx, &loose, query, string(documents)); err != nil {
			return nil, fmt.Errorf("%s: %w", v.kind, err)
		}
	}
	rejected, err := v.save(ctx, tx, records)
	if err != nil {
		return rejected, err
	}
	for _, r := range rejected {
		loose = slices.DeleteFunc(loose, func(k string) bool { return r.SourceRef != nil && *r.SourceRef == k })
	}
	return append(rejected, notLinked(v.kind, "it names a document that is not known yet", loose, records,
		func(r *T) (string, *trade.Provenance) {
			return v.key(r), v.prov(r)
		})...), nil
}

// notLinked are the records with these keys, told as set aside for a reason.
func notLinked[T any](kind, reason string, keys []string, records []T,
	key func(*T) (string, *trade.Provenance),
) []operating.RejectedRecord {
	var out []operating.RejectedRecord
	for i := range records {
		k, p := key(&records[i])
		if slices.Contains(keys, k) {
			out = append(out, operating.RejectedRecord{
				Instance: p.Instance, Kind: kind, SourceRef: p.SourceRef, Reason: reason, At: time.Now(), Kept: true,
			})
		}
	}
	return out
}
