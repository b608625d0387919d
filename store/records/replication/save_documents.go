package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
)

var saveOrders = saving[trade.Order]{
	kind: "orders", table: "orders", col: "number", key: func(o *trade.Order) string { return *o.Number }, prov: (*trade.Order).From,
	head: `INSERT INTO orders AS t (number, customer_po_number, account_id, ship_to_id, bill_to_id, ship_to_address, status, raw, holds,
		currency, subtotal,
			discount, freight, tax, total, delivery_terms, payment_terms, requested_delivery_date, promised_delivery_date, placed_at, comment, ` +
		provenanceColumns + `)
		SELECT j ->> 'Number', j ->> 'CustomerPoNumber', a.id, s.id, b.id, CASE
		WHEN j #>> '{ShipToAddress,country}' <> '' THEN j -> 'ShipToAddress' ELSE s.address END,
			j ->> 'Status', nullif(j -> 'Raw', 'null'), j -> 'Holds', j #>> '{Totals,total,currency}', (j #>> '{Totals,subtotal,amount}')::numeric,
			(j #>> '{Totals,discount,amount}')::numeric, (j #>> '{Totals,freight,amount}')::numeric, (j #>> '{Totals,tax,amount}')::numeric,
			(j #>> '{Totals,total,amount}')::numeric, coalesce(nullif(j -> 'DeliveryTerms', 'null'), a.delivery_terms),
			coalesce(nullif(j -> 'PaymentTerms', 'null'), a.payment_terms),
			(j ->> 'RequestedDeliveryDate')::date, (j ->> 'PromisedDeliveryDate')::date, (j ->> 'PlacedAt')::timestamptz, j ->> 'Comment', ` +
		provenanceValues + `
		FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		LEFT JOIN account_locations s ON s.account_id = a.id AND s.code = j #>> '{ShipToRef,key}'
		LEFT JOIN account_locations b ON b.account_id = a.id AND b.code = j #>> '{BillToRef,key}'
		ON CONFLICT (number) DO UPDATE SET customer_po_number = excluded.customer_po_number, ship_to_id = excluded.ship_to_id,
			bill_to_id = excluded.bill_to_id, ship_to_address = excluded.ship_to_address, raw = excluded.raw,
			status = CASE WHEN t.source_status IS NULL THEN excluded.status ELSE t.status END,
			source_status = CASE WHEN t.source_status IS NOT NULL THEN excluded.status END,
			holds = excluded.holds,
			currency = excluded.currency, subtotal = excluded.subtotal, discount = excluded.discount, freight = excluded.freight, tax = excluded.tax,
			total = excluded.total, delivery_terms = excluded.delivery_terms, payment_terms = excluded.payment_terms,
			requested_delivery_date = excluded.requested_delivery_date, promised_delivery_date = excluded.promised_delivery_date,
			placed_at = excluded.placed_at, comment = excluded.comment, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING number AS key, ` + added,
	clear: []string{
		`DELETE FROM order_lines l USING ` + documents + ` JOIN orders o ON o.number = j ->> 'Number' WHERE l.order_id = o.id
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(j -> 'LinesKnown') x WHERE x ->> 'LineNumber' = l.line_number)`,
		// A promise that was made and is another one now has moved.
		`INSERT INTO commitment_changes (order_line_id, order_id, account_id, before, after, cause)
			SELECT ol.id, o.id, o.account_id,
				jsonb_build_object('Quantity', jsonb_build_object('value', old.quantity::text, 'unit', old.unit), 'WarehouseRef',
				jsonb_build_object('id', old.warehouse_id),
					'RequestedShipDate', old.requested_ship_date, 'RequestedDeliveryDate', old.requested_delivery_date,
					'PromisedShipDate', old.promised_ship_date, 'PromisedDeliveryDate', old.promised_delivery_date),
				s, ` + causeOfMove(ordering.CauseRules) + `
			FROM ` + documents + ` JOIN orders o ON o.number = j ->> 'Number' CROSS JOIN jsonb_array_elements(j -> 'LinesKnown') l
			JOIN LATERAL (SELECT id FROM order_lines z WHERE z.order_id = o.id AND z.line_number = l ->> 'LineNumber' LIMIT 1) ol ON TRUE
			CROSS JOIN LATERAL jsonb_array_elements(nullif(l -> 'ScheduleKnown', 'null')) WITH ORDINALITY AS x(s, p)
			JOIN schedule_lines old ON old.order_line_id = ol.id AND old.position = p
			WHERE old.promised_delivery_date <> (s ->> 'PromisedDeliveryDate')::date AND old.actual_ship_date IS NULL`,
		`DELETE FROM schedule_lines s USING ` + documents +
			` JOIN orders o ON o.number = j ->> 'Number' JOIN order_lines l ON l.order_id = o.id WHERE s.order_line_id = l.id`,
	},
	parts: []string{
		`INSERT INTO order_lines AS t (order_id, account_id, line_number, position, item_id, substituted_for_id, sku, customer_part_number,
			description, currency,
				price, price_per, amount, status, unit, ordered, confirmed, allocated, backordered, shipped, delivered, invoiced, cancelled, returned)
			SELECT o.id, o.account_id, l ->> 'LineNumber', p, i.id, u.id, l ->> 'SKU', l ->> 'CustomerPartNumber', l ->> 'Description', o.currency,
				(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, (l #>> '{Amount,amount}')::numeric,
				l ->> 'Status',
				l #>> '{Ordered,unit}', (l #>> '{Ordered,value}')::numeric, (l #>> '{Confirmed,value}')::numeric, (l #>> '{Allocated,value}')::numeric,
				(l #>> '{Backordered,value}')::numeric, (l #>> '{Shipped,value}')::numeric, (l #>> '{Delivered,value}')::numeric,
				(l #>> '{Invoiced,value}')::numeric, (l #>> '{Cancelled,value}')::numeric, (l #>> '{Returned,value}')::numeric
			FROM ` + documents + ` JOIN orders o ON o.number = j ->> 'Number', jsonb_array_elements(j -> 'LinesKnown') WITH ORDINALITY AS x(l, p)
			LEFT JOIN items i ON i.sku = l #>> '{ItemRef,key}' LEFT JOIN items u ON u.sku = l #>> '{SubstitutedForRef,key}'
			ON CONFLICT (order_id, line_number) DO UPDATE SET position = excluded.position, item_id = excluded.item_id,
			substituted_for_id = excluded.substituted_for_id,
				sku = excluded.sku, customer_part_number = excluded.customer_part_number, description = excluded.description,
				currency = excluded.currency,
				price = excluded.price, price_per = excluded.price_per, amount = excluded.amount, unit = excluded.unit,
				status = CASE WHEN t.source_status IS NULL THEN excluded.status ELSE t.status END,
				source_status = CASE WHEN t.source_status IS NOT NULL THEN excluded.status END,
				delivered = CASE WHEN t.source_delivered IS NULL THEN excluded.delivered ELSE t.delivered END,
				source_delivered = CASE WHEN t.source_delivered IS NOT NULL THEN excluded.delivered END,
				ordered = excluded.ordered, confirmed = excluded.confirmed, allocated = excluded.allocated, backordered = excluded.backordered,
				shipped = excluded.shipped, invoiced = excluded.invoiced, cancelled = excluded.cancelled,
				returned = excluded.returned`,
		`INSERT INTO schedule_lines (order_line_id, account_id, unit, position, quantity, warehouse_id, requested_ship_date,
			requested_delivery_date, promised_ship_date,
				promised_delivery_date, actual_ship_date, actual_delivery_date)
			SELECT ol.id, ol.account_id, ol.unit, p, (s #>> '{Quantity,value}')::numeric, w.id, (s ->> 'RequestedShipDate')::date,
				(s ->> 'RequestedDeliveryDate')::date, (s ->> 'PromisedShipDate')::date, (s ->> 'PromisedDeliveryDate')::date,
				(s ->> 'ActualShipDate')::date, (s ->> 'ActualDeliveryDate')::date
			FROM ` + documents + ` JOIN orders o ON o.number = j ->> 'Number', jsonb_array_elements(j -> 'LinesKnown') l
			JOIN LATERAL (SELECT id, account_id, unit FROM order_lines z WHERE z.order_id = o.id AND z.line_number = l ->> 'LineNumber'
			LIMIT 1) ol ON TRUE,
			jsonb_array_elements(nullif(l -> 'ScheduleKnown', 'null')) WITH ORDINALITY AS x(s, p)
			LEFT JOIN warehouses w ON w.code = s #>> '{WarehouseRef,key}'`,
	},
}

// causeOfMove is what moved the promise of a line ol of an order o, by the first of some rules that applies.
func causeOfMove(rules []ordering.CauseRule) string {
	causes := make([]string, len(rules))
	for i, r := range rules {
		within := fmt.Sprintf("now() - interval '%d seconds'", int(r.Within.Seconds()))
		switch {
		case r.Requested != nil:
			causes[i] = fmt.Sprintf(`CASE WHEN EXISTS (SELECT FROM operations p WHERE p.subject = o.id AND p.kind IN (%s)
				AND coalesce(p.finished_at, now()) > %s) THEN '%s' END`, quoted(r.Requested), within, r.Cause)
		case r.Deviation:
			causes[i] = `(SELECT i.cause FROM supply_impacts i WHERE i.order_line_id = ol.id AND i.accepted_at > ` + within +
				` ORDER BY i.accepted_at DESC LIMIT 1)`
		default:
			causes[i] = fmt.Sprintf("'%s'", r.Cause)
		}
	}
	return "coalesce(" + strings.Join(causes, ", ") + ")"
}

// quoted are names as texts of a statement.
func quoted[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = "'" + string(n) + "'"
	}
	return strings.Join(texts, ", ")
}

// SaveOrders saves orders with their lines and schedules. An order's lines are
// those of its newest version; a line keeps its id as long as its number. What carriers report delivered of its packages beyond what
// its source says stays.
func SaveOrders(ctx context.Context, tx *store.Tx, records []trade.Order) ([]operating.RejectedRecord, error) {
	ours := slices.DeleteFunc(slices.Clone(records), func(o trade.Order) bool { return o.ExternalRef == nil })
	if err := numberOurs(ctx, tx, "orders", ours); err != nil {
		return nil, err
	}
	rejected, err := saveOrders.save(ctx, tx, records)
	if err != nil || len(records) == 0 || store.IsQuiet(ctx) { // in a first load their packages come later
		return rejected, err
	}
	numbers := make([]string, 0, len(records))
	for i := range records {
		numbers = append(numbers, *records[i].Number)
	}
	return rejected, DeriveDeliveredOf(ctx, tx, numbers)
}

// numberOurs gives documents of ours, known by our reference, their numbers: their ids
// stay.
func numberOurs[T any](ctx context.Context, tx *store.Tx, table string, ours []T) error {
	if len(ours) == 0 {
		return nil
	}
	text, err := json.Marshal(ours)
	if err != nil {
		return unwritable(table, err)
	}
	query := `UPDATE ` + table + ` o SET number = j ->> 'Number' FROM ` + documents +
		` WHERE o.external_ref = j ->> 'ExternalRef' AND o.number IS NULL`
	if _, err := tx.Exec(ctx, query, string(text)); err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}
