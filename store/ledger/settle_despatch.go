package ledger

import (
	"context"
	"fmt"

	"portico/store"
)

// SettleDespatches brings ship notices up to what became of their shipments: on their way,
// and received, as announced or otherwise, of which alerts are raised.
func SettleDespatches(ctx context.Context, s *store.Store) error {
	err := s.InTx(ctx, func(tx *store.Tx) error {
		const moving = `
			UPDATE despatch_advices n SET status = 'IN_TRANSIT' FROM shipments d WHERE n.status = 'ACCEPTED' AND d.number = n.shipment_number
			AND d.status NOT IN ('UNKNOWN', 'PRE_TRANSIT', 'CANCELLED')`
		if _, err := tx.Exec(ctx, moving); err != nil {
			return err
		}
		const receiving = `
			WITH come AS (
				SELECT n.id, x.purchase_order_line_id AS line, sum(x.received) AS received, sum(x.received + coalesce(x.damaged, 0)) AS arrived,
				bool_and(x.received IS NOT NULL) AS whole
				FROM despatch_advices n JOIN shipments d ON d.number = n.shipment_number JOIN package_lines x ON x.shipment_id = d.id
				WHERE n.status IN ('ACCEPTED', 'IN_TRANSIT') AND x.purchase_order_line_id IS NOT NULL GROUP BY n.id, x.purchase_order_line_id),
			done AS (SELECT id FROM come GROUP BY id HAVING bool_and(whole)),
			places AS ( -- lines of one purchase order line are filled in order; what is more stands on the last
				SELECT l.despatch_advice_id, l.position, l.shipped, c.received, c.arrived,
				coalesce(sum(l.shipped) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before, lead(l.position) OVER w IS NULL AS last
				FROM done JOIN despatch_lines l ON l.despatch_advice_id = done.id JOIN come c ON c.id = done.id AND c.line = l.purchase_order_line_id
				WINDOW w AS (PARTITION BY l.despatch_advice_id, l.purchase_order_line_id ORDER BY l.position)),
			share AS (
				SELECT despatch_advice_id, position, CASE WHEN last THEN greatest(received - before, 0)
				ELSE least(shipped, greatest(received - before, 0)) END AS received,
					CASE WHEN last THEN greatest(arrived - before, 0) ELSE least(shipped, greatest(arrived - before, 0)) END AS arrived
				FROM places),
			noted AS (UPDATE despatch_lines l SET received = s.received, damaged = s.arrived - s.received FROM share s
				WHERE l.despatch_advice_id = s.despatch_advice_id AND l.position = s.position
				RETURNING l.despatch_advice_id AS id, l.shipped <> l.received OR l.damaged > 0 AS otherwise),
			judged AS (SELECT id, bool_or(otherwise) AS otherwise, count(*) FILTER (WHERE otherwise) AS lines FROM noted GROUP BY id),
			told AS (
				INSERT INTO alerts (id, kind, severity, message, suggested_action, audience, queue, responsible, subject, supplier_id)
				SELECT 'alr_' || replace(gen_random_uuid()::text, '-', ''), 'RECEIPT_DISCREPANCY', 'WARNING',
				'Ship notice ' || n.number || ': ' || j.lines || ' of its lines were received otherwise than announced.',
					'Compare shipped with received and damaged on its lines, and settle it with the other side.', '{OPERATOR,SUPPLIER}', 'purchasing',
					'PARTNER', n.id, n.supplier_id
				FROM judged j JOIN despatch_advices n USING (id) WHERE j.otherwise ON CONFLICT DO NOTHING)
			UPDATE despatch_advices n SET status = CASE WHEN j.otherwise THEN 'RECEIVED_WITH_DISCREPANCY' ELSE 'RECEIVED' END FROM judged j
			WHERE n.id = j.id`
		if _, err := tx.Exec(ctx, receiving); err != nil {
			return err
		}
		const unannounced = `
			INSERT INTO alerts (id, kind, severity, message, suggested_action, audience, queue, responsible, subject, supplier_id)
			SELECT 'alr_' || replace(gen_random_uuid()::text, '-', ''), 'DESPATCH_ADVICE_OVERDUE', 'WARNING',
			'Purchase order ' || o.number || ' was to be shipped by ' || min(s.promised_ship_date) || ' and is not announced.',
				'Announce it with submitDespatchAdvice, or answer with another day.', '{OPERATOR,SUPPLIER}', 'purchasing', 'PARTNER', o.id,
				o.supplier_id
			FROM purchase_orders o JOIN purchase_order_lines l ON l.purchase_order_id = o.id
			JOIN purchase_schedule_lines s ON s.purchase_order_line_id = l.id
			WHERE o.state IN ('ACKNOWLEDGED', 'ACKNOWLEDGED_WITH_CHANGES') AND l.shipped = 0 AND l.received = 0 AND l.ordered > l.cancelled
			AND s.promised_ship_date < current_date
				AND NOT EXISTS (SELECT FROM alerts w WHERE w.kind = 'DESPATCH_ADVICE_OVERDUE' AND w.subject = o.id AND w.state <> 'RESOLVED')
			GROUP BY o.id ORDER BY min(s.promised_ship_date) LIMIT 500 ON CONFLICT DO NOTHING`
		if _, err := tx.Exec(ctx, unannounced); err != nil {
			return err
		}
		const advisedQuantities = `
			UPDATE alerts w SET state = 'RESOLVED', resolved_at = clock_timestamp(), resolution = 'It is on its way, or comes another day.'
			WHERE w.kind = 'DESPATCH_ADVICE_OVERDUE' AND w.state <> 'RESOLVED' AND NOT EXISTS (SELECT FROM purchase_order_lines l
			JOIN purchase_orders o ON o.id = l.purchase_order_id JOIN purchase_schedule_lines s ON s.purchase_order_line_id = l.id
				WHERE o.id = w.subject AND o.state IN ('ACKNOWLEDGED', 'ACKNOWLEDGED_WITH_CHANGES') AND l.shipped = 0 AND l.received = 0
				AND l.ordered > l.cancelled AND s.promised_ship_date < current_date)`
		_, err := tx.Exec(ctx, advisedQuantities)
		return err
	})
	if err != nil {
		return fmt.Errorf("despatch advices: %w", err)
	}
	return nil
}
