package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"portico/trade"
)

var saveOrders = saving[trade.Order]{
	kind: "orders", table: "orders", col: "number", key: func(o *trade.Order) string { return *o.Number }, prov: (*trade.Order).From,
	head: `INSERT INTO orders AS t (number, customer_po_number, account_id, ship_to_id, bill_to_id, ship_to_address, status, raw, holds, currency, subtotal,
			discount, freight, tax, total, delivery_terms, payment_terms, requested_delivery_date, promised_delivery_date, placed_at, comment, ` + told + `)
		SELECT j ->> 'Number', j ->> 'CustomerPoNumber', a.id, s.id, b.id, CASE WHEN j #>> '{ShipToAddress,country}' <> '' THEN j -> 'ShipToAddress' ELSE s.address END,
			j ->> 'Status', nullif(j -> 'Raw', 'null'), j -> 'Holds', j #>> '{Totals,total,currency}', (j #>> '{Totals,subtotal,amount}')::numeric,
			(j #>> '{Totals,discount,amount}')::numeric, (j #>> '{Totals,freight,amount}')::numeric, (j #>> '{Totals,tax,amount}')::numeric,
			(j #>> '{Totals,total,amount}')::numeric, coalesce(nullif(j -> 'DeliveryTerms', 'null'), a.delivery_terms), coalesce(nullif(j -> 'PaymentTerms', 'null'), a.payment_terms),
			(j ->> 'RequestedDeliveryDate')::date, (j ->> 'PromisedDeliveryDate')::date, (j ->> 'PlacedAt')::timestamptz, j ->> 'Comment', ` + toldFrom + `
		FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		LEFT JOIN account_locations s ON s.account_id = a.id AND s.code = j #>> '{ShipToRef,key}'
		LEFT JOIN account_locations b ON b.account_id = a.id AND b.code = j #>> '{BillToRef,key}'
		ON CONFLICT (number) DO UPDATE SET customer_po_number = excluded.customer_po_number, ship_to_id = excluded.ship_to_id,
			bill_to_id = excluded.bill_to_id, ship_to_address = excluded.ship_to_address, status = excluded.status, raw = excluded.raw, holds = excluded.holds,
			currency = excluded.currency, subtotal = excluded.subtotal, discount = excluded.discount, freight = excluded.freight, tax = excluded.tax,
			total = excluded.total, delivery_terms = excluded.delivery_terms, payment_terms = excluded.payment_terms,
			requested_delivery_date = excluded.requested_delivery_date, promised_delivery_date = excluded.promised_delivery_date,
			placed_at = excluded.placed_at, comment = excluded.comment, ` + toldAgain + `
		WHERE ` + newer + ` RETURNING number`,
	parts: []string{
		`DELETE FROM order_lines l USING ` + documents + ` JOIN orders o ON o.number = j ->> 'Number' WHERE l.order_id = o.id
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(j -> 'LinesKnown') x WHERE x ->> 'LineNumber' = l.line_number)`,
		`INSERT INTO order_lines AS t (order_id, account_id, line_number, position, item_id, substituted_for_id, sku, customer_part_number, description, currency,
				price, price_per, amount, status, unit, ordered, confirmed, allocated, backordered, shipped, delivered, invoiced, cancelled, returned)
			SELECT o.id, o.account_id, l ->> 'LineNumber', p, i.id, u.id, l ->> 'SKU', l ->> 'CustomerPartNumber', l ->> 'Description', o.currency,
				(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, (l #>> '{Amount,amount}')::numeric, l ->> 'Status',
				l #>> '{Ordered,unit}', (l #>> '{Ordered,value}')::numeric, (l #>> '{Confirmed,value}')::numeric, (l #>> '{Allocated,value}')::numeric,
				(l #>> '{Backordered,value}')::numeric, (l #>> '{Shipped,value}')::numeric, (l #>> '{Delivered,value}')::numeric,
				(l #>> '{Invoiced,value}')::numeric, (l #>> '{Cancelled,value}')::numeric, (l #>> '{Returned,value}')::numeric
			FROM ` + documents + ` JOIN orders o ON o.number = j ->> 'Number', jsonb_array_elements(j -> 'LinesKnown') WITH ORDINALITY AS x(l, p)
			LEFT JOIN items i ON i.sku = l #>> '{ItemRef,key}' LEFT JOIN items u ON u.sku = l #>> '{SubstitutedForRef,key}'
			ON CONFLICT (order_id, line_number) DO UPDATE SET position = excluded.position, item_id = excluded.item_id, substituted_for_id = excluded.substituted_for_id,
				sku = excluded.sku, customer_part_number = excluded.customer_part_number, description = excluded.description, currency = excluded.currency,
				price = excluded.price, price_per = excluded.price_per, amount = excluded.amount, status = excluded.status, unit = excluded.unit,
				ordered = excluded.ordered, confirmed = excluded.confirmed, allocated = excluded.allocated, backordered = excluded.backordered,
				shipped = excluded.shipped, delivered = excluded.delivered, invoiced = excluded.invoiced, cancelled = excluded.cancelled, returned = excluded.returned`,
		`DELETE FROM schedule_lines s USING ` + documents + ` JOIN orders o ON o.number = j ->> 'Number' JOIN order_lines l ON l.order_id = o.id WHERE s.order_line_id = l.id`,
		`INSERT INTO schedule_lines (order_line_id, account_id, unit, position, quantity, warehouse_id, requested_ship_date, requested_delivery_date, promised_ship_date,
				promised_delivery_date, actual_ship_date, actual_delivery_date)
			SELECT ol.id, ol.account_id, ol.unit, p, (s #>> '{Quantity,value}')::numeric, w.id, (s ->> 'RequestedShipDate')::date,
				(s ->> 'RequestedDeliveryDate')::date, (s ->> 'PromisedShipDate')::date, (s ->> 'PromisedDeliveryDate')::date,
				(s ->> 'ActualShipDate')::date, (s ->> 'ActualDeliveryDate')::date
			FROM ` + documents + ` JOIN orders o ON o.number = j ->> 'Number', jsonb_array_elements(j -> 'LinesKnown') l
			JOIN LATERAL (SELECT id, account_id, unit FROM order_lines z WHERE z.order_id = o.id AND z.line_number = l ->> 'LineNumber') ol ON TRUE,
			jsonb_array_elements(nullif(l -> 'ScheduleKnown', 'null')) WITH ORDINALITY AS x(s, p)
			LEFT JOIN warehouses w ON w.code = s #>> '{WarehouseRef,key}'`,
	},
}

// SaveOrders saves orders with their lines and schedules. An order's lines are
// those of its newest version; a line keeps its id as long as its number.
func (s *Store) SaveOrders(ctx context.Context, tx *sqlx.Tx, records []trade.Order) ([]trade.RejectedRecord, error) {
	// Those of ours, known by our reference, get their numbers: their ids stay.
	ours := slices.DeleteFunc(slices.Clone(records), func(o trade.Order) bool { return o.ExternalRef == nil })
	if len(ours) > 0 {
		text, err := json.Marshal(ours)
		if err != nil {
			return nil, fmt.Errorf("orders: %w", err)
		}
		const number = `UPDATE orders o SET number = j ->> 'Number' FROM ` + documents + ` WHERE o.external_ref = j ->> 'ExternalRef' AND o.number IS NULL`
		if _, err := tx.ExecContext(ctx, number, string(text)); err != nil {
			return nil, fmt.Errorf("orders: %w", err)
		}
	}
	return saveOrders.save(ctx, s, tx, records)
}

var savePurchaseOrders = saving[trade.PurchaseOrder]{
	kind: "purchase orders", table: "purchase_orders", col: "number", key: func(p *trade.PurchaseOrder) string { return p.Number }, prov: (*trade.PurchaseOrder).From,
	head: `INSERT INTO purchase_orders AS t (number, revision, supplier_id, buyer, ship_to, warehouse_id, status, raw, currency, subtotal, discount, freight, tax, total,
			delivery_terms, payment_terms, issued_at, acknowledge_by, delivery_date, ` + told + `)
		SELECT j ->> 'Number', (j ->> 'Revision')::int, s.id, j -> 'Buyer', coalesce(nullif(j -> 'ShipTo', 'null'), w.location), w.id, j ->> 'Status', nullif(j -> 'Raw', 'null'),
			j ->> 'Currency', (j #>> '{Totals,subtotal,amount}')::numeric, (j #>> '{Totals,discount,amount}')::numeric, (j #>> '{Totals,freight,amount}')::numeric,
			(j #>> '{Totals,tax,amount}')::numeric, (j #>> '{Totals,total,amount}')::numeric, nullif(j -> 'DeliveryTerms', 'null'), nullif(j -> 'PaymentTerms', 'null'),
			(j ->> 'IssuedAt')::timestamptz, (j ->> 'AcknowledgeBy')::timestamptz,
			(SELECT min(coalesce(x ->> 'PromisedDeliveryDate', x ->> 'RequestedDeliveryDate')::date)
				FROM jsonb_array_elements(j -> 'LinesKnown') l, jsonb_array_elements(nullif(l -> 'ScheduleKnown', 'null')) x), ` + toldFrom + `
		FROM ` + documents + ` JOIN trading_partners s ON s.code = j #>> '{SupplierRef,key}' LEFT JOIN warehouses w ON w.code = j #>> '{WarehouseRef,key}'
		ON CONFLICT (number) DO UPDATE SET revision = excluded.revision, buyer = excluded.buyer, ship_to = excluded.ship_to, warehouse_id = excluded.warehouse_id,
			status = excluded.status, raw = excluded.raw, currency = excluded.currency, subtotal = excluded.subtotal, discount = excluded.discount,
			freight = excluded.freight, tax = excluded.tax, total = excluded.total, delivery_terms = excluded.delivery_terms, payment_terms = excluded.payment_terms,
			issued_at = excluded.issued_at, acknowledge_by = excluded.acknowledge_by, delivery_date = excluded.delivery_date, ` + toldAgain + `
		WHERE ` + newer + ` RETURNING number`,
	parts: []string{
		`DELETE FROM purchase_order_lines l USING ` + documents + ` JOIN purchase_orders o ON o.number = j ->> 'Number' WHERE l.purchase_order_id = o.id
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(j -> 'LinesKnown') x WHERE x ->> 'LineNumber' = l.line_number)`,
		`INSERT INTO purchase_order_lines AS t (purchase_order_id, supplier_id, line_number, position, item_id, sku, supplier_part_number, description, currency, price,
				price_per, unit, ordered, acknowledged, shipped, received, cancelled)
			SELECT o.id, o.supplier_id, l ->> 'LineNumber', p, i.id, l ->> 'SKU', l ->> 'SupplierPartNumber', l ->> 'Description', o.currency,
				(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, l #>> '{Ordered,unit}', (l #>> '{Ordered,value}')::numeric,
				(l #>> '{Acknowledged,value}')::numeric, (l #>> '{Shipped,value}')::numeric, (l #>> '{Received,value}')::numeric, (l #>> '{Cancelled,value}')::numeric
			FROM ` + documents + ` JOIN purchase_orders o ON o.number = j ->> 'Number', jsonb_array_elements(j -> 'LinesKnown') WITH ORDINALITY AS x(l, p)
			LEFT JOIN items i ON i.sku = l #>> '{ItemRef,key}'
			ON CONFLICT (purchase_order_id, line_number) DO UPDATE SET position = excluded.position, item_id = excluded.item_id, sku = excluded.sku,
				supplier_part_number = excluded.supplier_part_number, description = excluded.description, currency = excluded.currency, price = excluded.price,
				price_per = excluded.price_per, unit = excluded.unit, ordered = excluded.ordered, acknowledged = excluded.acknowledged, shipped = excluded.shipped,
				received = excluded.received, cancelled = excluded.cancelled`,
		`DELETE FROM purchase_schedule_lines s USING ` + documents + ` JOIN purchase_orders o ON o.number = j ->> 'Number'
			JOIN purchase_order_lines l ON l.purchase_order_id = o.id WHERE s.purchase_order_line_id = l.id`,
		`INSERT INTO purchase_schedule_lines (purchase_order_line_id, position, number, quantity, requested_ship_date, requested_delivery_date, promised_ship_date, promised_delivery_date)
			SELECT z.id, p, s ->> 'Number', (s #>> '{Quantity,value}')::numeric, (s ->> 'RequestedShipDate')::date, (s ->> 'RequestedDeliveryDate')::date,
				(s ->> 'PromisedShipDate')::date, (s ->> 'PromisedDeliveryDate')::date
			FROM ` + documents + ` JOIN purchase_orders o ON o.number = j ->> 'Number', jsonb_array_elements(j -> 'LinesKnown') l
			JOIN LATERAL (SELECT id FROM purchase_order_lines y WHERE y.purchase_order_id = o.id AND y.line_number = l ->> 'LineNumber') z ON TRUE,
			jsonb_array_elements(nullif(l -> 'ScheduleKnown', 'null')) WITH ORDINALITY AS x(s, p)`,
	},
}

// SavePurchaseOrders saves purchase orders with their lines and schedules.
func (s *Store) SavePurchaseOrders(ctx context.Context, tx *sqlx.Tx, records []trade.PurchaseOrder) ([]trade.RejectedRecord, error) {
	return savePurchaseOrders.save(ctx, s, tx, records)
}

var saveShipments = saving[trade.Shipment]{
	kind: "shipments", table: "shipments", col: "number", key: func(s *trade.Shipment) string { return s.Number }, prov: (*trade.Shipment).From,
	// Status, estimate, exception and proof are the events' and not the packer's.
	head: `INSERT INTO shipments AS t (number, direction, mode, carrier, refs, status, origin, destination, account_id, supplier_id, return_key, tracking_number, created_at, ` + told + `)
		SELECT j ->> 'Number', j ->> 'Direction', j ->> 'Mode', nullif(j -> 'Carrier', 'null'), j -> 'References', j ->> 'Status',
			coalesce((SELECT w.location FROM warehouses w WHERE w.code = j #>> '{Origin,name}'), nullif(j -> 'Origin', 'null')),
			coalesce((SELECT w.location FROM warehouses w WHERE w.code = j #>> '{Destination,name}'), nullif(j -> 'Destination', 'null')),
			a.id, p.id, nullif(j ->> 'ReturnKey', ''), nullif(j ->> 'TrackingNumber', ''), (j ->> 'CreatedAt')::timestamptz, ` + toldFrom + `
		FROM ` + documents + ` LEFT JOIN accounts a ON a.number = j #>> '{AccountRef,key}' LEFT JOIN trading_partners p ON p.code = j #>> '{SupplierRef,key}'
		WHERE (j ->> 'Direction' NOT IN ('OUTBOUND', 'RETURN') OR a.id IS NOT NULL) AND (j ->> 'Direction' <> 'INBOUND' OR p.id IS NOT NULL)
		ON CONFLICT (number) DO UPDATE SET direction = excluded.direction, mode = excluded.mode, carrier = excluded.carrier, refs = excluded.refs, origin = excluded.origin,
			destination = excluded.destination, account_id = excluded.account_id, supplier_id = excluded.supplier_id, return_key = excluded.return_key,
			registered_with = CASE WHEN t.tracking_number = excluded.tracking_number THEN t.registered_with END,
			tracking_number = excluded.tracking_number, ` + toldAgain + `
		WHERE ` + newer + ` RETURNING number`,
	parts: []string{
		`DELETE FROM shipment_orders x USING ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number' WHERE x.shipment_id = d.id`,
		`INSERT INTO shipment_orders (shipment_id, order_id) SELECT DISTINCT d.id, o.id FROM ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number',
			jsonb_array_elements_text(nullif(j -> 'OrderKeys', 'null')) k JOIN orders o ON o.number = k`,
		`DELETE FROM shipment_purchase_orders x USING ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number' WHERE x.shipment_id = d.id`,
		`INSERT INTO shipment_purchase_orders (shipment_id, purchase_order_id) SELECT DISTINCT d.id, o.id FROM ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number',
			jsonb_array_elements_text(nullif(j -> 'PurchaseOrderKeys', 'null')) k JOIN purchase_orders o ON o.number = k`,
		`DELETE FROM packages x USING ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number' WHERE x.shipment_id = d.id`,
		`INSERT INTO packages (shipment_id, number, tracking_number, sscc, status, weight, weight_unit)
			SELECT d.id, (p ->> 'Number')::int, p ->> 'TrackingNumber', p ->> 'SSCC', d.status, (p #>> '{Weight,value}')::numeric, p #>> '{Weight,unit}'
			FROM ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number', jsonb_array_elements(nullif(j -> 'PackagesKnown', 'null')) p`,
		`INSERT INTO package_lines (shipment_id, number, position, order_line_id, purchase_order_line_id, quantity, unit)
			SELECT d.id, (p ->> 'Number')::int, pos, ol.id, pl.id, (l #>> '{Quantity,value}')::numeric, l #>> '{Quantity,unit}'
			FROM ` + documents + ` JOIN shipments d ON d.number = j ->> 'Number', jsonb_array_elements(nullif(j -> 'PackagesKnown', 'null')) p,
			jsonb_array_elements(nullif(p -> 'LinesKnown', 'null')) WITH ORDINALITY AS x(l, pos)
			LEFT JOIN LATERAL (SELECT y.id FROM order_lines y JOIN orders o ON o.id = y.order_id WHERE o.number = l ->> 'DocumentKey' AND y.line_number = l ->> 'LineNumber') ol ON TRUE
			LEFT JOIN LATERAL (SELECT y.id FROM purchase_order_lines y JOIN purchase_orders o ON o.id = y.purchase_order_id
				WHERE o.number = l ->> 'DocumentKey' AND y.line_number = l ->> 'LineNumber') pl ON TRUE`,
	},
}

// SaveShipments saves shipments with their packages.
func (s *Store) SaveShipments(ctx context.Context, tx *sqlx.Tx, records []trade.Shipment) ([]trade.RejectedRecord, error) {
	const query = `
		SELECT j ->> 'Number' FROM jsonb_array_elements($1::jsonb) r(j)
		WHERE EXISTS (SELECT FROM jsonb_array_elements_text(nullif(j -> 'OrderKeys', 'null')) k WHERE NOT EXISTS (SELECT FROM orders o WHERE o.number = k))
		   OR EXISTS (SELECT FROM jsonb_array_elements_text(nullif(j -> 'PurchaseOrderKeys', 'null')) k WHERE NOT EXISTS (SELECT FROM purchase_orders o WHERE o.number = k))`
	rejected, err := saveLinked(ctx, s, tx, saveShipments, records, query)
	if err != nil || !s.listening() {
		return rejected, err
	}
	numbers := make([]string, len(records))
	for i := range records {
		numbers[i] = records[i].Number
	}
	var rows []changedRow
	if err := tx.SelectContext(ctx, &rows, `SELECT NULL AS before, `+changedColumns+` FROM shipments s WHERE s.number = ANY($1)`, pq.Array(numbers)); err != nil {
		return nil, fmt.Errorf("changed shipments: %w", err)
	}
	s.changed(tx, tellChanges(rows))
	return rejected, nil
}

func (s *Store) listening() bool { return s.watcher != nil && s.watcher.Listening() }

// changedColumns tell of a changed shipment s what followers need to know.
const changedColumns = `s.id, coalesce(s.account_id, '') AS account_id, coalesce(s.supplier_id, '') AS supplier_id, s.status,
	ARRAY(SELECT x.order_id FROM shipment_orders x WHERE x.shipment_id = s.id) AS orders,
	coalesce((SELECT e.id FROM shipment_events e WHERE e.shipment_id = s.id ORDER BY e.received_at DESC, e.occurred_at DESC LIMIT 1), '') AS event`

type changedRow struct {
	ID, AccountID, SupplierID string
	Before                    *trade.ShipmentStatus
	Status                    trade.ShipmentStatus
	Orders                    pq.StringArray
	Event                     string
}

func tellChanges(rows []changedRow) []trade.ShipmentChange {
	changes, now := make([]trade.ShipmentChange, len(rows)), time.Now()
	for i, r := range rows {
		changes[i] = trade.ShipmentChange{
			ShipmentID: r.ID, Whose: trade.Whose{AccountID: r.AccountID, SupplierID: r.SupplierID}, OrderIDs: r.Orders, Status: r.Status, EventID: r.Event, At: now,
		}
		if r.Before != nil && *r.Before != r.Status {
			changes[i].PreviousStatus = r.Before
		}
	}
	return changes
}

// saveLinked saves records, and tells besides which of them name a document that
// is not known yet: they are kept, and to be saved again when it is.
func saveLinked[T any](ctx context.Context, s *Store, tx *sqlx.Tx, v saving[T], records []T, query string) ([]trade.RejectedRecord, error) {
	rejected, err := v.save(ctx, s, tx, records)
	if err != nil || len(records) == 0 {
		return rejected, err
	}
	documents, err := json.Marshal(records)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.kind, err)
	}
	var loose []string
	if err := tx.SelectContext(ctx, &loose, query, string(documents)); err != nil {
		return nil, fmt.Errorf("%s: %w", v.kind, err)
	}
	for _, r := range rejected {
		loose = slices.DeleteFunc(loose, func(k string) bool { return r.SourceRef != nil && *r.SourceRef == k })
	}
	return append(rejected, notLinked(v.kind, "it names a document that is not known yet", loose, records, func(r *T) (string, *trade.Provenance) {
		return v.key(r), v.prov(r)
	})...), nil
}

// notLinked are the records with these keys, told as set aside for a reason.
func notLinked[T any](kind, reason string, keys []string, records []T, key func(*T) (string, *trade.Provenance)) []trade.RejectedRecord {
	var out []trade.RejectedRecord
	for i := range records {
		k, p := key(&records[i])
		if slices.Contains(keys, k) {
			out = append(out, trade.RejectedRecord{Instance: p.Instance, Kind: kind, SourceRef: p.SourceRef, Reason: reason, At: time.Now()})
		}
	}
	return out
}

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
	const file = `
		INSERT INTO shipment_events (shipment_id, key, milestone, classifier, status, occurred_at, offset_known, recorded_at, location, reason, raw, late, estimate, signed_by, instance)
		SELECT d.id, e ->> 'Key', e ->> 'Milestone', e ->> 'Classifier', e ->> 'Status', (e ->> 'OccurredAt')::timestamptz, (e ->> 'OffsetKnown')::boolean,
			(e ->> 'RecordedAt')::timestamptz, nullif(e -> 'Location', 'null'), nullif(e -> 'Reason', 'null'), e -> 'Raw',
			EXISTS (SELECT FROM shipment_events o WHERE o.shipment_id = d.id AND o.occurred_at > (e ->> 'OccurredAt')::timestamptz),
			(e ->> 'Estimate')::timestamptz, e ->> 'SignedBy', j #>> '{Provenance,Instance}'
		FROM jsonb_array_elements($1::jsonb) r(j) JOIN shipments d ON d.tracking_number = j ->> 'TrackingNumber', jsonb_array_elements(nullif(j -> 'Events', 'null')) e
		ON CONFLICT (shipment_id, key) DO NOTHING`
	if _, err := tx.ExecContext(ctx, file, string(documents)); err != nil {
		return nil, fmt.Errorf("saving tracking: %w", err)
	}
	numbers := make([]string, len(records))
	proofs := map[string]*trade.DocumentRef{}
	for i, r := range records {
		numbers[i] = r.TrackingNumber
		if r.Proof != nil {
			r.Proof.Instance = r.Provenance.Instance
			proofs[r.TrackingNumber] = r.Proof
		}
	}
	var known []string
	if err := tx.SelectContext(ctx, &known, `SELECT tracking_number FROM shipments WHERE tracking_number = ANY($1)`, pq.Array(numbers)); err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	loose := slices.DeleteFunc(slices.Clone(numbers), func(n string) bool { return slices.Contains(known, n) })
	return notLinked("tracking", "no shipment has this tracking number", loose, records, func(t *trade.Tracking) (string, *trade.Provenance) {
		return t.TrackingNumber, &t.Provenance
	}), s.derive(ctx, tx, numbers, proofs)
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

// derive sets what follows from shipments' events.
func (s *Store) derive(ctx context.Context, tx *sqlx.Tx, numbers []string, proofs map[string]*trade.DocumentRef) error {
	const query = `
		SELECT d.id AS shipment_id, d.tracking_number AS number, e.key, e.milestone, e.classifier, e.status, e.occurred_at, e.recorded_at, e.received_at, e.reason, e.raw,
			e.estimate, e.signed_by
		FROM shipments d JOIN shipment_events e ON e.shipment_id = d.id WHERE d.tracking_number = ANY($1)`
	var rows []struct {
		trade.ShipmentEvent
		Number string
	}
	if err := tx.SelectContext(ctx, &rows, query, pq.Array(numbers)); err != nil {
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
		p AS (UPDATE packages p SET status = d.status FROM d WHERE p.shipment_id = d.id)
		UPDATE shipments s SET status = d.status, eta = d.eta, eta_at = (d.eta ->> 'at')::timestamptz, exception = d.exception,
			proof = coalesce(d.proof, s.proof), received_at = now() FROM d, shipments o WHERE s.id = d.id AND o.id = d.id`
	if !s.listening() {
		if _, err := tx.ExecContext(ctx, update, string(documents)); err != nil {
			return fmt.Errorf("saving tracking: %w", err)
		}
		return nil
	}
	var moved []changedRow
	if err := tx.SelectContext(ctx, &moved, update+` RETURNING o.status AS before, `+changedColumns, string(documents)); err != nil {
		return fmt.Errorf("saving tracking: %w", err)
	}
	s.changed(tx, tellChanges(moved))
	return nil
}

var saveInvoices = saving[trade.Invoice]{
	kind: "invoices", table: "invoices", col: "number", key: func(i *trade.Invoice) string { return i.Number }, prov: (*trade.Invoice).From,
	head: `INSERT INTO invoices AS t (number, kind, account_id, issued_on, due_on, status, currency, subtotal, discount, freight, tax, total, balance, document, ` + told + `)
		SELECT j ->> 'Number', j ->> 'Kind', a.id, (j ->> 'IssuedOn')::date, (j ->> 'DueOn')::date, j ->> 'Status', j #>> '{Totals,total,currency}',
			(j #>> '{Totals,subtotal,amount}')::numeric, (j #>> '{Totals,discount,amount}')::numeric, (j #>> '{Totals,freight,amount}')::numeric,
			(j #>> '{Totals,tax,amount}')::numeric, (j #>> '{Totals,total,amount}')::numeric, (j #>> '{Balance,amount}')::numeric, nullif(j -> 'DocumentRef', 'null'), ` + toldFrom + `
		FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		ON CONFLICT (number) DO UPDATE SET kind = excluded.kind, issued_on = excluded.issued_on, due_on = excluded.due_on, status = excluded.status,
			currency = excluded.currency, subtotal = excluded.subtotal, discount = excluded.discount, freight = excluded.freight, tax = excluded.tax,
			total = excluded.total, balance = excluded.balance, document = excluded.document, ` + toldAgain + `
		WHERE ` + newer + ` RETURNING number`,
	parts: []string{
		`DELETE FROM invoice_lines l USING ` + documents + ` JOIN invoices o ON o.number = j ->> 'Number' WHERE l.invoice_id = o.id`,
		`INSERT INTO invoice_lines (invoice_id, account_id, line_number, position, item_id, description, currency, quantity, unit, price, price_per, amount, order_id, order_line_id, shipment_id)
			SELECT v.id, v.account_id, l ->> 'LineNumber', p, i.id, l ->> 'Description', v.currency, (l #>> '{Quantity,value}')::numeric, l #>> '{Quantity,unit}',
				(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, (l #>> '{Amount,amount}')::numeric, o.id, ol.id, s.id
			FROM ` + documents + ` JOIN invoices v ON v.number = j ->> 'Number', jsonb_array_elements(nullif(j -> 'LinesKnown', 'null')) WITH ORDINALITY AS x(l, p)
			LEFT JOIN items i ON i.sku = l #>> '{ItemRef,key}' LEFT JOIN orders o ON o.number = l ->> 'OrderKey'
			LEFT JOIN order_lines ol ON ol.order_id = o.id AND ol.line_number = l ->> 'OrderLineNumber' LEFT JOIN shipments s ON s.number = l ->> 'ShipmentKey'`,
	},
}

// SaveInvoices saves invoices with their lines.
func (s *Store) SaveInvoices(ctx context.Context, tx *sqlx.Tx, records []trade.Invoice) ([]trade.RejectedRecord, error) {
	const query = `
		SELECT j ->> 'Number' FROM jsonb_array_elements($1::jsonb) r(j)
		WHERE EXISTS (SELECT FROM jsonb_array_elements(nullif(j -> 'LinesKnown', 'null')) l
			WHERE l ->> 'OrderKey' <> '' AND NOT EXISTS (SELECT FROM orders o WHERE o.number = l ->> 'OrderKey')
			   OR l ->> 'ShipmentKey' <> '' AND NOT EXISTS (SELECT FROM shipments s WHERE s.number = l ->> 'ShipmentKey'))`
	return saveLinked(ctx, s, tx, saveInvoices, records, query)
}

var saveReturns = saving[trade.Return]{
	kind: "returns", table: "returns", col: "number", key: func(r *trade.Return) string { return *r.Number }, prov: (*trade.Return).From,
	head: `INSERT INTO returns AS t (number, order_id, account_id, status, send_to, credit_memo_id, requested_at, ` + told + `)
		SELECT j ->> 'Number', o.id, o.account_id, j ->> 'Status', nullif(j -> 'SendTo', 'null'), m.id, (j ->> 'RequestedAt')::timestamptz, ` + toldFrom + `
		FROM ` + documents + ` JOIN orders o ON o.number = j #>> '{OrderRef,key}' LEFT JOIN invoices m ON m.number = j #>> '{CreditMemoRef,key}'
		ON CONFLICT (number) DO UPDATE SET status = excluded.status, send_to = excluded.send_to, credit_memo_id = excluded.credit_memo_id,
			requested_at = excluded.requested_at, ` + toldAgain + ` WHERE ` + newer + ` RETURNING number`,
	parts: []string{
		`DELETE FROM return_lines l USING ` + documents + ` JOIN returns o ON o.number = j ->> 'Number' WHERE l.return_id = o.id`,
		`INSERT INTO return_lines (return_id, position, order_line_id, quantity, unit, reason, comment, received)
			SELECT v.id, p, ol.id, (l #>> '{Quantity,value}')::numeric, l #>> '{Quantity,unit}', l ->> 'Reason', l ->> 'Comment', (l #>> '{Received,value}')::numeric
			FROM ` + documents + ` JOIN returns v ON v.number = j ->> 'Number', jsonb_array_elements(nullif(j -> 'LinesKnown', 'null')) WITH ORDINALITY AS x(l, p)
			JOIN LATERAL (SELECT id, account_id, unit FROM order_lines z WHERE z.order_id = v.order_id AND z.line_number = l ->> 'OrderLineNumber') ol ON TRUE`,
	},
}

// SaveReturns saves returns with their lines.
func (s *Store) SaveReturns(ctx context.Context, tx *sqlx.Tx, records []trade.Return) ([]trade.RejectedRecord, error) {
	const query = `
		SELECT j ->> 'Number' FROM jsonb_array_elements($1::jsonb) r(j)
		WHERE j #>> '{CreditMemoRef,key}' <> '' AND NOT EXISTS (SELECT FROM invoices i WHERE i.number = j #>> '{CreditMemoRef,key}')`
	return saveLinked(ctx, s, tx, saveReturns, records, query)
}
