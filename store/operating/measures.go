package operating

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// cases is how the cases of one measure are found: among what changed, or among all. {of} is
// the condition on what changed.
type cases struct {
	topic trade.Topic
	id    string // the column of what changed
	find  string
}

// delivered is the moment of the last delivery of what a join x brings shipments to; nothing
// while one of them is on its way.
const delivered = `(SELECT max(e.occurred_at) AS at FROM %[1]s x JOIN shipments h ON h.id = x.shipment_id
		LEFT JOIN shipment_events e ON e.shipment_id = h.id AND e.status = 'DELIVERED' AND e.classifier = 'ACTUAL'
		AND NOT EXISTS (SELECT FROM shipment_events c WHERE c.shipment_id = h.id AND c.corrects = e.id)
	WHERE x.%[2]s AND h.status NOT IN ('CANCELLED', 'RETURNED') HAVING bool_and(e.id IS NOT NULL))`

// measures are how each measure's cases are found, as trade.Measures defines them. Those that no
// record tells are noted where they occur: comparisons, calls to sources, tickets.
var measures = []cases{
	{trade.OfOrders, "o.id", `
		SELECT 'ORDER_CYCLE_TIME', o.id, a.number, NULL, d.at, extract(epoch FROM d.at - o.placed_at), 1, 0
		FROM orders o JOIN accounts a ON a.id = o.account_id CROSS JOIN LATERAL ` + fmt.Sprintf(delivered, "shipment_orders", "order_id = o.id") +
		` d
		WHERE o.status IN ('DELIVERED', 'INVOICED', 'CLOSED') AND d.at >= o.placed_at AND {of}`},
	{trade.OfOrders, "o.id", `
		SELECT 'ORDER_ERROR_RATE', o.id, a.number, NULL, o.placed_at, NULL, 1,
			(EXISTS (SELECT FROM returns r JOIN return_lines l ON l.return_id = r.id WHERE r.order_id = o.id
			AND r.status NOT IN ('REJECTED', 'CANCELLED') AND l.reason IN ('DAMAGED', 'DEFECTIVE', 'WRONG_ITEM', 'OVER_SHIPPED', 'LATE'))
			OR EXISTS (SELECT FROM audit_entries e WHERE e.subject = o.id AND e.action = 'order.accept'))::int
		FROM orders o JOIN accounts a ON a.id = o.account_id WHERE {of}`},
	{trade.OfPurchaseOrders, "o.id", `
		SELECT 'ACKNOWLEDGMENT_LATENCY', o.id, p.code, p.id, r.at, extract(epoch FROM r.at - o.issued_at), 1, 0
		FROM purchase_orders o JOIN trading_partners p ON p.id = o.supplier_id CROSS
		JOIN LATERAL (SELECT min(received_at) AS at FROM purchase_order_responses r WHERE r.purchase_order_id = o.id) r
		WHERE r.at >= o.issued_at AND {of}`},
	{trade.OfPurchaseOrders, "o.id", `
		SELECT 'SUPPLIER_DEVIATION_RATE', l.response_id || '/' || l.position, p.code, p.id, r.received_at, NULL, 1,
			EXISTS (SELECT FROM deviations d WHERE d.response_id = l.response_id AND d.purchase_order_line_id = l.purchase_order_line_id)::int
		FROM purchase_orders o JOIN trading_partners p ON p.id = o.supplier_id JOIN purchase_order_responses r ON r.purchase_order_id = o.id
		JOIN line_acknowledgments l ON l.response_id = r.id WHERE {of}`},
	{trade.OfPurchaseOrders, "o.id", `
		SELECT 'SUPPLIER_FILL_RATE', l.id, p.code, p.id, least(coalesce(o.delivery_date::timestamp AT TIME ZONE 'UTC', o.issued_at),
		clock_timestamp()), NULL, 1, least(l.received / l.ordered, 1)
		FROM purchase_orders o JOIN trading_partners p ON p.id = o.supplier_id JOIN purchase_order_lines l ON l.purchase_order_id = o.id
		WHERE o.status IN ('RECEIVED', 'INVOICED', 'CLOSED') AND l.ordered > 0 AND {of}`},
	{trade.OfPurchaseOrders, "o.id", `
		SELECT 'SUPPLIER_ON_TIME', o.id, p.code, p.id, d.at, NULL, 1, ((d.at AT TIME ZONE 'UTC')::date <= coalesce(promised.day,
		o.delivery_date))::int
		FROM purchase_orders o JOIN trading_partners p ON p.id = o.supplier_id CROSS JOIN LATERAL ` +
		fmt.Sprintf(delivered, "shipment_purchase_orders", "purchase_order_id = o.id") + ` d
			LEFT JOIN LATERAL (SELECT max(l.promised_delivery_date) AS day FROM purchase_order_responses r
			JOIN line_acknowledgments l ON l.response_id = r.id
				WHERE r.purchase_order_id = o.id GROUP BY r.id, r.received_at ORDER BY r.received_at DESC LIMIT 1) promised ON TRUE
		WHERE o.status IN ('RECEIVED', 'INVOICED', 'CLOSED') AND coalesce(promised.day, o.delivery_date) IS NOT NULL AND d.at IS NOT NULL
		AND {of}`},
	{trade.OfShipments, "e.shipment_id", `
		SELECT 'SHIPMENT_TIMELINESS', e.id, e.instance, NULL, e.received_at, extract(epoch FROM e.received_at - e.occurred_at), 1, 0
		FROM shipment_events e, measuring m WHERE e.classifier = 'ACTUAL' AND e.occurred_at BETWEEN m.begun_at AND e.received_at AND {of}`},
	{trade.OfAlerts, "w.id", `
		SELECT 'EXCEPTION_RESOLUTION_TIME', w.id, w.queue, NULL, w.resolved_at, extract(epoch FROM w.resolved_at - w.raised_at), 1, 0
		FROM alerts w WHERE w.resolved_at IS NOT NULL AND {of}`},
}

const keepMeasured = `INSERT INTO measured (measure, subject, key, supplier_id, at, seconds, cases, hits) `

const upsertMeasure = ` ON CONFLICT (measure, subject) DO UPDATE SET key = excluded.key, supplier_id = excluded.supplier_id,
	at = excluded.at, seconds = excluded.seconds, cases = excluded.cases, hits = excluded.hits
	WHERE (measured.key, measured.at, measured.seconds, measured.cases, measured.hits) IS DISTINCT
	FROM (excluded.key, excluded.at, excluded.seconds, excluded.cases, excluded.hits)`

// Measuring is how far cases were measured: Place is nil before all records were looked at
// once, and WholeAt when they were last.
type Measuring struct {
	Place   *trade.Place
	WholeAt *time.Time
}

// HoldMeasuring is how far measuring came, held until the transaction ends; ok is false
// where another process holds it.
func HoldMeasuring(ctx context.Context, tx *store.Tx) (m Measuring, ok bool, err error) {
	var rows []struct {
		Xid     *uint64
		Seq     int64
		WholeAt *time.Time
	}
	if err := tx.Select(ctx, &rows,
		`SELECT xid::text::numeric::bigint AS xid, seq, whole_at FROM measuring FOR UPDATE SKIP LOCKED`); err != nil {
		return m, false, fmt.Errorf("measures: %w", err)
	}
	if len(rows) == 0 {
		return m, false, nil
	}
	m.WholeAt = rows[0].WholeAt
	if rows[0].Xid != nil {
		m.Place = &trade.Place{Transaction: *rows[0].Xid, Seq: rows[0].Seq}
	}
	return m, true, nil
}

// MoveMeasuring notes how far measuring came; whole, that all records were looked at.
func MoveMeasuring(ctx context.Context, tx *store.Tx, to trade.Place, whole bool) error {
	const query = `UPDATE measuring SET xid = $1::text::xid8, seq = $2, whole_at = CASE WHEN $3 THEN clock_timestamp() ELSE whole_at END`
	if _, err := tx.Exec(ctx, query, strconv.FormatUint(to.Transaction, 10), to.Seq, whole); err != nil {
		return fmt.Errorf("measures: %w", err)
	}
	return nil
}

// MeasureCases finds the cases among what changed, by topic, and keeps each once. A nil map is all
// that there is.
func MeasureCases(ctx context.Context, tx *store.Tx, changed map[trade.Topic][]string) error {
	for _, m := range measures {
		var args []any
		of := "TRUE"
		if changed != nil {
			ids := changed[m.topic]
			if len(ids) == 0 {
				continue
			}
			of, args = m.id+" = ANY($1)", []any{store.TextArray(ids)}
		}
		query := keepMeasured + strings.Replace(m.find, "{of}", of, 1) + upsertMeasure
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return fmt.Errorf("measures: %w", err)
		}
	}
	return nil
}

// Tally is hits among cases that no record tells.
type Tally struct {
	Measure operating.BusinessMeasure
	Subject string // tells it from others of the measure
	Key     string
	At      time.Time
	Cases   int64
	Hits    int64
}

// KeepTallies keeps tallies, in the place of those of the same subject.
func KeepTallies(ctx context.Context, tx *store.Tx, all []Tally) error {
	for _, t := range all {
		if _, err := tx.Exec(ctx, keepMeasured+`VALUES ($1, $2, $3, NULL, $4, NULL, $5, $6)`+upsertMeasure, t.Measure, store.Storable(t.Subject),
			store.Storable(t.Key), t.At, t.Cases, t.Hits); err != nil {
			return fmt.Errorf("measures: %w", err)
		}
	}
	return nil
}

// RemoveMeasured removes at most limit cases from before a moment, and tells how many.
func RemoveMeasured(ctx context.Context, s *store.Store, before time.Time, limit int) (removed int, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const query = `WITH gone AS (DELETE FROM measured WHERE (measure, subject) IN (SELECT measure, subject FROM measured WHERE at < $1
			ORDER BY at LIMIT $2) RETURNING 1) SELECT count(*) FROM gone`
		return tx.Get(ctx, &removed, query, before, limit)
	})
	if err != nil {
		return 0, fmt.Errorf("measures: %w", err)
	}
	return removed, nil
}
