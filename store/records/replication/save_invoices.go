package replication

import (
	"context"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

var saveInvoices = saving[trade.Invoice]{
	kind: "invoices", table: "invoices", col: "number", key: func(i *trade.Invoice) string { return i.Number }, prov: (*trade.Invoice).From,
	head: `INSERT INTO invoices AS t (number, kind, account_id, issued_on, due_on, status, currency, subtotal, discount, freight, tax, total,
		balance, document, ` + provenanceColumns + `)
		SELECT j ->> 'Number', j ->> 'Kind', a.id, (j ->> 'IssuedOn')::date, (j ->> 'DueOn')::date, j ->> 'Status',
		j #>> '{Totals,total,currency}',
			(j #>> '{Totals,subtotal,amount}')::numeric, (j #>> '{Totals,discount,amount}')::numeric, (j #>> '{Totals,freight,amount}')::numeric,
			(j #>> '{Totals,tax,amount}')::numeric, (j #>> '{Totals,total,amount}')::numeric, (j #>> '{Balance,amount}')::numeric,
			nullif(j -> 'DocumentRef', 'null'), ` + provenanceValues + `
		FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		ON CONFLICT (number) DO UPDATE SET kind = excluded.kind, issued_on = excluded.issued_on, due_on = excluded.due_on,
		status = excluded.status,
			currency = excluded.currency, subtotal = excluded.subtotal, discount = excluded.discount, freight = excluded.freight, tax = excluded.tax,
			total = excluded.total, balance = excluded.balance, document = excluded.document, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING number AS key, ` + added,
	clear: []string{
		`DELETE FROM invoice_lines l USING ` + documents + ` JOIN invoices o ON o.number = j ->> 'Number' WHERE l.invoice_id = o.id`,
	},
	parts: []string{
		`INSERT INTO invoice_lines (invoice_id, account_id, line_number, position, item_id, description, currency, quantity, unit, price,
			price_per, amount, order_id, order_line_id, shipment_id)
			SELECT v.id, v.account_id, l ->> 'LineNumber', p, i.id, l ->> 'Description', v.currency, (l #>> '{Quantity,value}')::numeric,
			l #>> '{Quantity,unit}',
				(l #>> '{UnitPrice,price,amount}')::numeric, (l #>> '{UnitPrice,per,value}')::numeric, (l #>> '{Amount,amount}')::numeric, o.id,
				ol.id, s.id
			FROM ` + documents + ` JOIN invoices v ON v.number = j ->> 'Number',
			jsonb_array_elements(nullif(j -> 'LinesKnown', 'null')) WITH ORDINALITY AS x(l, p)
			LEFT JOIN items i ON i.sku = l #>> '{ItemRef,key}' LEFT JOIN orders o ON o.number = l ->> 'OrderKey'
			LEFT JOIN LATERAL (SELECT y.id FROM order_lines y WHERE y.order_id = o.id AND y.line_number = l ->> 'OrderLineNumber'
			LIMIT 1) ol ON TRUE LEFT JOIN shipments s ON s.number = l ->> 'ShipmentKey'`,
	},
}

// SaveInvoices saves invoices with their lines.
func SaveInvoices(ctx context.Context, tx *store.Tx, records []trade.Invoice) ([]operating.RejectedRecord, error) {
	const query = `
		SELECT j ->> 'Number' FROM jsonb_array_elements($1::jsonb) r(j)
		WHERE EXISTS (SELECT FROM jsonb_array_elements(nullif(j -> 'LinesKnown', 'null')) l
			WHERE l ->> 'OrderKey' <> '' AND NOT EXISTS (SELECT FROM orders o WHERE o.number = l ->> 'OrderKey')
			   OR l ->> 'ShipmentKey' <> '' AND NOT EXISTS (SELECT FROM shipments s WHERE s.number = l ->> 'ShipmentKey'))`
	return saveLinked(ctx, tx, saveInvoices, records, query)
}
