package operating

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

// Forgotten and Foreign are the kinds of records set aside that are no longer where they were
// written, and that are written where they are not owned.
const (
	Forgotten = "forgotten"
	Foreign   = "foreign"
)

// untilResolved leaves out what somebody has resolved since it was set aside.
const untilResolved = `NOT EXISTS (SELECT FROM alerts w WHERE w.kind = a.kind AND w.subject = a.subject AND w.resolved_at > a.at)`

// mostListed is how many things of one kind raise an alert of their own.
const mostListed = 200

// systemAlerts are what operators should look at, as the tables tell it: operations that are stuck or parked,
// deliveries that are parked, codes without a meaning, records on which systems differ.
const systemAlerts = `
	(SELECT 'OPERATION_STUCK' AS kind, CASE WHEN o.state = 'OUTCOME_UNKNOWN' THEN 'CRITICAL' ELSE 'WARNING' END AS severity,
		CASE WHEN o.state = 'OUTCOME_UNKNOWN' THEN 'Nobody knows whether ' || o.source || ' did what operation ' || o.id || ' asked for.'
			ELSE 'Operation ' || o.id || ' has waited for ' || o.source || ' since ' || to_char(o.submitted_at AT TIME ZONE 'UTC',
			'YYYY-MM-DD HH24:MI') || ' UTC.' END AS message,
		CASE WHEN o.state = 'OUTCOME_UNKNOWN' THEN 'Look in ' || o.source || ' for its reference, and tell it with settleOperation.'
			ELSE 'Look at sourceHealth: whether ' || o.source || ' answers, is paused, or refuses.' END AS suggested_action,
		coalesce(o.failure ->> 'responsible', 'ERP') AS responsible, o.id AS subject
	FROM operations o WHERE o.finished_at IS NULL AND (o.state = 'OUTCOME_UNKNOWN'
	OR o.state IN ('ACCEPTED', 'VALIDATING', 'QUEUED', 'COMMITTING', 'COMPENSATING')
	AND o.submitted_at < clock_timestamp() - $1 * interval '1 second')
	ORDER BY o.submitted_at LIMIT $2)
	UNION ALL
	(SELECT 'OPERATION_REFUSED', 'WARNING', count(*) || ' operations were refused by ' || o.source || ' in the last hour, the last with: ' ||
		'' || left((array_agg(o.failure ->> 'message' ORDER BY o.finished_at DESC))[1], 200),
		'Find one in the console by its number: whoever asked was told why. Where many are refused alike, look at what changed in ' ||
			'' || o.source || '.', max(o.failure ->> 'responsible'), o.source
	FROM operations o WHERE o.state = 'FAILED' AND o.submitted_at > clock_timestamp() - interval '1 day'
	AND o.finished_at > clock_timestamp() - interval '1 hour' AND o.failure ->> 'responsible' IN ('ERP', 'WMS', 'LOGISTICS') GROUP BY o.source)
	UNION ALL
	(SELECT 'SHIPMENT_DELAYED', 'WARNING', CASE count(*) WHEN 1 THEN 'Nothing was heard of shipment ' || max(x.number)
	ELSE 'Nothing was heard of ' || count(*) || ' shipments' END || ' of ' || x.carrier || CASE count(*) WHEN 1 THEN ''
	ELSE ', the last of them ' || (array_agg(x.number ORDER BY x.at DESC))[1] || ',' END
			|| ' since ' || to_char(max(x.at) AT TIME ZONE 'UTC', 'YYYY-MM-DD') || '.',
			'Ask the carrier with the tracking number. Where it is silent about all of its shipments, look whether it still pushes: ' ||
				'inboundDeliveries.', 'LOGISTICS', x.carrier
	FROM (SELECT h.number, coalesce(h.scac, h.instance) AS carrier, e.at FROM shipments h CROSS
	JOIN LATERAL (SELECT max(e.occurred_at) AS at FROM shipment_events e WHERE e.shipment_id = h.id AND e.classifier = 'ACTUAL') e
		WHERE h.status IN ('PICKED_UP', 'IN_TRANSIT', 'AT_FACILITY', 'CUSTOMS', 'DELAYED', 'OUT_FOR_DELIVERY')
		AND h.created_at > clock_timestamp() - interval '90 days' AND e.at < clock_timestamp() - $3 * interval '1 second') x GROUP BY x.carrier
		LIMIT $2)
	UNION ALL
	(SELECT 'DEAD_LETTER', 'WARNING', 'Operation ' || o.id || ' could not be done at ' || o.source || ' and is parked.',
	'Look at its error in deadLetters; then retryDeadLetter, or discardDeadLetter.',
		coalesce(o.failure ->> 'responsible', 'ORCHESTRATION'), o.id
	FROM operations o WHERE o.state = 'DEAD_LETTERED' AND o.finished_at IS NULL ORDER BY o.submitted_at DESC LIMIT $2)
	UNION ALL
	(SELECT 'DEAD_LETTER', 'WARNING', 'What ' || d.instance || ' pushed cannot be applied and is parked: ' || left(coalesce(d.error,
	'see inboundDeliveries'), 200), 'Mend the mapping or publish what its codes mean, then replay.', 'LOGISTICS', d.id
	FROM inbound_deliveries d WHERE d.state = 'PARKED' ORDER BY d.received_at DESC LIMIT $2)
	UNION ALL
	(SELECT 'UNMAPPED_CODE', 'WARNING', u.n || ' codes of ' || m.instance || ' (' || m.list || ') have no meaning here, so that what they ' ||
		'say is not told as a status.', 'Look at unmapped under codeMappings, and say what they mean with publishCodeMapping.', 'LOGISTICS', m.id
	FROM code_mappings m CROSS JOIN LATERAL (
		SELECT count(DISTINCT e.raw ->> 'code') AS n FROM shipment_events e WHERE e.instance = m.instance AND e.milestone = 'OTHER'
		AND e.status = 'UNKNOWN' AND e.corrects IS NULL AND e.raw ->> 'standard' = m.standard AND e.raw ->> 'list' = m.list
			AND NOT EXISTS (SELECT FROM jsonb_object_keys(m.codes || m.published) k WHERE e.raw ->> 'code' = k
			OR starts_with(e.raw ->> 'code', k || '/') OR starts_with(k, '/') AND right(e.raw ->> 'code', length(k)) = k)) u
	WHERE u.n > 0 LIMIT $2)
	UNION ALL
	(SELECT a.kind, a.severity, a.message, a.action, NULL, a.subject FROM (
		SELECT 'DEAD_LETTER' AS kind, 'WARNING' AS severity,
		'Set aside, because it cannot be read: ' || count(*) || ' of the records of ' || r.instance || ', the last ' ||
			'' || (array_agg(r.kind || ' ' || r.source_ref || ': ' || left(r.reason, 150) ORDER BY r.at DESC))[1] || '.' AS message,
			'rejectedRecords under sourceHealth names each and why. Mend them in ' || r.instance || ', which tells them again; or teach the ' ||
				'adapter what they mean, and replay.' AS action, r.instance AS subject, max(r.at) AS at
		FROM rejected_records r WHERE r.kind NOT IN ('` + Forgotten + `', '` + Foreign + `') GROUP BY r.instance) a
	WHERE ` + untilResolved + ` LIMIT $2)
	UNION ALL
	(SELECT a.kind, a.severity, a.message, a.action, 'ERP', a.subject FROM (
		SELECT 'EFFECT_FORGOTTEN' AS kind, 'CRITICAL' AS severity,
		r.instance || ' had confirmed order ' || r.source_ref || ' and does not know it any more, as after it was restored from a ' ||
			'copy.' AS message,
			'Find out whether the order is to be: rejectedRecords names its operation. If so, order it anew; nothing is sent again by ' ||
				'itself.' AS action, coalesce(d.id, r.instance || ' ' || r.source_ref) AS subject, r.at
		FROM rejected_records r LEFT JOIN orders d ON d.number = r.source_ref AND d.instance = r.instance WHERE r.kind = '` + Forgotten + `') a
	WHERE ` + untilResolved + ` ORDER BY a.at DESC LIMIT $2)
	UNION ALL
	(SELECT a.kind, a.severity, a.message, a.action, 'ERP', a.subject FROM (
		SELECT 'FOREIGN_WRITE' AS kind, 'WARNING' AS severity,
		'Somebody writes in ' || r.instance || ' what it does not own any more: ' || count(*) || ' of its records, the last ' ||
			'' || (array_agg(r.source_ref ORDER BY r.at DESC))[1] || '.' AS message,
			'rejectedRecords of ' || r.instance || ' names them and their owner: enter there what is missing, and take the right to write from ' ||
				'whoever still works in ' || r.instance || '.' AS action, r.instance AS subject, max(r.at) AS at
		FROM rejected_records r WHERE r.kind = '` + Foreign + `' GROUP BY r.instance) a
	WHERE ` + untilResolved + ` LIMIT $2)
	UNION ALL
	(SELECT 'MASTER_DATA_CONFLICT', 'WARNING',
	count(DISTINCT d.key) || ' records of ' || d.subject || ' are not the same in ' || d.held || ' and ' || d.instance || '.',
	'Look at masterDataConflicts for who is right, and decide it with resolveMasterDataConflict.', CASE
	WHEN d.subject IN ('inventory', 'warehouses') THEN 'WMS' ELSE 'ERP' END, c.id
	FROM differences d JOIN reconciliations c ON c.subject = d.subject AND c.held = d.held AND c.instance = d.instance
	WHERE d.held <> d.instance AND d.decided IS NULL AND d.subject IN ` + master + ` GROUP BY c.id, d.subject, d.held, d.instance LIMIT $2)`

// SystemAlerts are the alerts that there should be about operations, deliveries, codes and records;
// stuck is how long an operation may wait, silent how long a carrier may say nothing of what it has. They are not raised yet.
func SystemAlerts(ctx context.Context, s *store.Store, stuck, silent time.Duration) (all []*trade.Alert, err error) {
	if err := s.Select(ctx, &all, systemAlerts, stuck.Seconds(), mostListed, silent.Seconds()); err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	for _, a := range all {
		a.Queue, a.Audience = trade.Queues[a.Kind], []trade.Audience{trade.ForOperator}
	}
	return all, nil
}

// KeepAlerts makes the open alerts of some kinds those that there should be now: it raises what is new,
// brings up to date what is told otherwise than before, and closes the others with a resolution.
func KeepAlerts(ctx context.Context, s *store.Store, kinds []trade.AlertKind, now []*trade.Alert, resolution string) error {
	document, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	if now == nil {
		document = []byte("[]")
	}
	const wanted = `WITH wanted AS (SELECT j ->> 'Kind' AS kind, j ->> 'Severity' AS severity, j ->> 'Message' AS message,
		j ->> 'SuggestedAction' AS action, j ->> 'Queue' AS queue, j ->> 'Responsible' AS responsible, j ->> 'Subject' AS subject
		FROM jsonb_array_elements($1::jsonb) j) `
	return s.InTx(ctx, func(tx *store.Tx) error {
		changed := int64(0)
		for _, write := range []struct {
			query string
			args  []any
		}{
			{
				wanted + `UPDATE alerts w SET state = 'RESOLVED', resolved_at = clock_timestamp(), resolution = $3 WHERE w.kind = ANY($2)
				AND w.state <> 'RESOLVED'
				AND NOT EXISTS (SELECT FROM wanted n WHERE n.kind = w.kind AND n.subject = w.subject)`,
				[]any{string(document), pq.Array(kinds), resolution},
			},
			{wanted + `UPDATE alerts w SET severity = n.severity, message = n.message, suggested_action = n.action,
				queue = n.queue, responsible = n.responsible FROM wanted n
				WHERE n.kind = w.kind AND n.subject = w.subject AND w.state <> 'RESOLVED'
				AND (w.severity, w.message, w.suggested_action, w.queue, w.responsible)
				IS DISTINCT FROM (n.severity, n.message, n.action, n.queue, n.responsible)`, []any{string(document)}},
			{wanted + `INSERT INTO alerts (id, kind, severity, message, suggested_action, audience, queue, responsible, subject)
				SELECT 'alr_' || replace(gen_random_uuid()::text, '-', ''), n.kind, n.severity, n.message, n.action, '{OPERATOR}', n.queue,
				n.responsible, n.subject FROM wanted n
				WHERE NOT EXISTS (SELECT FROM alerts w WHERE w.kind = n.kind AND w.subject = n.subject AND w.state <> 'RESOLVED')
				ON CONFLICT DO NOTHING`, []any{string(document)}},
		} {
			result, err := tx.Exec(ctx, write.query, write.args...)
			if err != nil {
				return fmt.Errorf("alerts: %w", err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return fmt.Errorf("alerts: %w", err)
			}
			changed += n
		}
		if changed > 0 {
			tx.MarkChanged()
		}
		return nil
	})
}
