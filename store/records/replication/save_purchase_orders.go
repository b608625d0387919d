package replication

import (
	"context"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

var savePurchaseOrders = saving[trade.PurchaseOrder]{
	kind: "purchase orders", table: "purchase_orders", col: "number", key: func(p *trade.PurchaseOrder) string { return p.Number },
	prov: (*trade.PurchaseOrder).From,
	head: `INSERT INTO purchase_orders AS t (number, revision, supplier_id, buyer, ship_to, warehouse_id, status, raw, currency, subtotal,
		discount, freight, tax, total,
			delivery_terms, payment_terms, issued_at, acknowledge_by, delivery_date, ` + provenanceColumns + `)
		SELECT j ->> 'Number', (j ->> 'Revision')::int, s.id, j -> 'Buyer', coalesce(nullif(j -> 'ShipTo', 'null'), w.location), w.id,
		j ->> 'Status', nullif(j -> 'Raw', 'null'),
			j ->> 'Currency', (j #>> '{Totals,subtotal,amount}')::numeric, (j #>> '{Totals,discount,amount}')::numeric,
			(j #>> '{Totals,freight,amount}')::numeric,
			(j #>> '{Totals,tax,amount}')::numeric, (j #>> '{Totals,total,amount}')::numeric, nullif(j -> 'DeliveryTerms', 'null'),
			nullif(j -> 'PaymentTerms', 'null'),
			(j ->> 'IssuedAt')::timestamptz, (j ->> 'AcknowledgeBy')::timestamptz,
			(SELECT min(coalesce(x ->> 'PromisedDeliveryDate', x ->> 'RequestedDeliveryDate')::date)
				FROM jsonb_array_elements(j -> 'LinesKnown') l, jsonb_array_elements(nullif(l -> 'ScheduleKnown', 'null')) x), ` + provenanceValues + `
		FROM ` + documents + ` JOIN trading_partners s ON s.code = j #>> '{SupplierRef,key}' LEFT
		JOIN warehouses w ON w.code = j #>> '{WarehouseRef,key}'
		ON CONFLICT (number) DO UPDATE SET revision = excluded.revision, buyer = excluded.buyer, ship_to = excluded.ship_to,
		warehouse_id = excluded.warehouse_id,
			status = excluded.status, raw = excluded.raw, currency = excluded.currency, subtotal = excluded.subtotal, discount = excluded.discount,
			freight = excluded.freight, tax = excluded.tax, total = excluded.total, delivery_terms = excluded.delivery_terms,
			payment_terms = excluded.payment_terms,
			issued_at = excluded.issued_at, acknowledge_by = excluded.acknowledge_by, delivery_date = excluded.delivery_date, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING number AS key, ` + added,
	clear: []string{
		`DELETE FROM purchase_order_lines l USING ` + documents +
			` JOIN purchase_orders o ON o.number = j ->> 'Number' WHERE l.purchase_order_id = o.id
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(j -> 'LinesKnown') x WHERE x ->> 'LineNumber' = l.line_number)`,
		`DELETE FROM purchase_schedule_lines s USING ` + documents + ` JOIN purchase_orders o ON o.number = j ->> 'Number'
			JOIN purchase_order_lines l ON l.purchase_order_id = o.id WHERE s.purchase_order_line_id = l.id`,
	},
	parts: []string{
		`INSERT INTO purchase_order_lines AS t (purchase_order_id, supplier_id, line_number, position, item_id, sku, supplier_part_number,
			description, currency, price,
				price_per, unit, ordered, acknowledged, shipped, received, cancelled)
			SELECT o.id, o.supplier_id, l ->> 'LineNumber', p, i.id, l ->> 'SKU', l ->> 'SupplierPartNumber', l ->> 'Description', o.currency,
				(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, l #>> '{Ordered,unit}',
				(l #>> '{Ordered,value}')::numeric,
				(l #>> '{Acknowledged,value}')::numeric, (l #>> '{Shipped,value}')::numeric, (l #>> '{Received,value}')::numeric,
				(l #>> '{Cancelled,value}')::numeric
			FROM ` + documents + ` JOIN purchase_orders o ON o.number = j ->> 'Number',
			jsonb_array_elements(j -> 'LinesKnown') WITH ORDINALITY AS x(l, p)
			LEFT JOIN items i ON i.sku = l #>> '{ItemRef,key}'
			ON CONFLICT (purchase_order_id, line_number) DO UPDATE SET position = excluded.position, item_id = excluded.item_id, sku = excluded.sku,
				supplier_part_number = excluded.supplier_part_number, description = excluded.description, currency = excluded.currency,
				price = excluded.price,
				price_per = excluded.price_per, unit = excluded.unit, ordered = excluded.ordered, acknowledged = excluded.acknowledged,
				shipped = excluded.shipped,
				received = excluded.received, cancelled = excluded.cancelled`,
		`INSERT INTO purchase_schedule_lines (purchase_order_line_id, position, number, quantity, requested_ship_date, requested_delivery_date,
			promised_ship_date, promised_delivery_date)
			SELECT z.id, p, s ->> 'Number', (s #>> '{Quantity,value}')::numeric, (s ->> 'RequestedShipDate')::date,
			(s ->> 'RequestedDeliveryDate')::date,
				(s ->> 'PromisedShipDate')::date, (s ->> 'PromisedDeliveryDate')::date
			FROM ` + documents + ` JOIN purchase_orders o ON o.number = j ->> 'Number', jsonb_array_elements(j -> 'LinesKnown') l
			JOIN LATERAL (SELECT id FROM purchase_order_lines y WHERE y.purchase_order_id = o.id AND y.line_number = l ->> 'LineNumber'
			LIMIT 1) z ON TRUE,
			jsonb_array_elements(nullif(l -> 'ScheduleKnown', 'null')) WITH ORDINALITY AS x(s, p)`,
	},
}

// SavePurchaseOrders saves purchase orders with their lines and schedules, and keeps what is different in later revisions.
func SavePurchaseOrders(ctx context.Context, tx *store.Tx, records []trade.PurchaseOrder) ([]operating.RejectedRecord, error) {
	before, err := beforeRevision(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	rejected, err := savePurchaseOrders.save(ctx, tx, records)
	if err != nil {
		return rejected, err
	}
	return rejected, keepRevisions(ctx, tx, before, records)
}
