package replication

import (
	"context"
	"slices"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

var saveReturns = saving[trade.Return]{
	kind: "returns", table: "returns", col: "number", key: func(r *trade.Return) string { return *r.Number }, prov: (*trade.Return).From,
	head: `INSERT INTO returns AS t (number, order_id, account_id, status, send_to, credit_memo_id, requested_at, ` + provenanceColumns + `)
		SELECT j ->> 'Number', o.id, o.account_id, j ->> 'Status', nullif(j -> 'SendTo', 'null'), m.id, (j ->> 'RequestedAt')::timestamptz, ` +
		provenanceValues + `
		FROM ` + documents + ` JOIN orders o ON o.number = j #>> '{OrderRef,key}' LEFT JOIN invoices m ON m.number = j #>> '{CreditMemoRef,key}'
		ON CONFLICT (number) DO UPDATE SET status = excluded.status, send_to = excluded.send_to, credit_memo_id = excluded.credit_memo_id,
			requested_at = excluded.requested_at, ` + setProvenance + ` WHERE ` + newer + ` RETURNING number AS key, ` + added,
	clear: []string{
		`DELETE FROM return_lines l USING ` + documents + ` JOIN returns o ON o.number = j ->> 'Number' WHERE l.return_id = o.id`,
	},
	parts: []string{
		`INSERT INTO return_lines (return_id, position, order_line_id, quantity, unit, reason, comment, received)
			SELECT v.id, p, ol.id, (l #>> '{Quantity,value}')::numeric, l #>> '{Quantity,unit}', l ->> 'Reason', l ->> 'Comment',
			(l #>> '{Received,value}')::numeric
			FROM ` + documents + ` JOIN returns v ON v.number = j ->> 'Number',
			jsonb_array_elements(nullif(j -> 'LinesKnown', 'null')) WITH ORDINALITY AS x(l, p)
			JOIN LATERAL (SELECT id, account_id, unit FROM order_lines z WHERE z.order_id = v.order_id AND z.line_number = l ->> 'OrderLineNumber'
			LIMIT 1) ol ON TRUE`,
	},
}

// SaveReturns saves returns with their lines.
func SaveReturns(ctx context.Context, tx *store.Tx, records []trade.Return) ([]operating.RejectedRecord, error) {
	ours := slices.DeleteFunc(slices.Clone(records), func(r trade.Return) bool { return r.ExternalRef == nil })
	if err := numberOurs(ctx, tx, "returns", ours); err != nil {
		return nil, err
	}
	const query = `
		SELECT j ->> 'Number' FROM jsonb_array_elements($1::jsonb) r(j)
		WHERE j #>> '{CreditMemoRef,key}' <> '' AND NOT EXISTS (SELECT FROM invoices i WHERE i.number = j #>> '{CreditMemoRef,key}')`
	return saveLinked(ctx, tx, saveReturns, records, query)
}
