-- Revisions of purchase orders become part of their timeline. It keeps writes of purchase orders and partners waiting while the table is made.

-- +goose Up
SET LOCAL lock_timeout = '5s';

CREATE TABLE purchase_order_revisions (
    purchase_order_id text NOT NULL REFERENCES purchase_orders ON DELETE CASCADE,
    supplier_id       text NOT NULL REFERENCES trading_partners,
    revision          integer NOT NULL,
    changed           text NOT NULL,
    at                timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (purchase_order_id, revision)
);
COMMENT ON TABLE purchase_order_revisions IS 'Revisions of purchase orders that arrived after the first, with what the buyer changed in each, for people to read.';

CREATE OR REPLACE VIEW timeline AS
SELECT o.id || '/0' AS key, o.submitted_at AS at, 'REQUEST' AS kind, o.kind AS what, NULL::text AS before, NULL::text AS after, 'PORTICO' AS system, o.principal AS actor,
    o.subject, o.correlation_id, NULL::interval AS took, NULL::text AS responsible, coalesce(r.order_id, o.subject) AS order_id, o.account_id, o.supplier_id
FROM operations o LEFT JOIN returns r ON r.id = o.subject
UNION ALL
SELECT o.id || '/' || s.position + 1, s.finished_at, CASE WHEN s.system IS NULL THEN 'STEP' ELSE 'SOURCE_CALL' END, s.name, s.attempts::text, s.state, coalesce(s.system, 'PORTICO'), NULL,
    o.subject, o.correlation_id, s.finished_at - s.started_at, CASE WHEN s.state = 'FAILED' THEN o.failure ->> 'responsible' END, coalesce(r.order_id, o.subject), o.account_id, o.supplier_id
FROM operations o JOIN operation_steps s ON s.operation_id = o.id LEFT JOIN returns r ON r.id = o.subject WHERE s.finished_at IS NOT NULL
UNION ALL
SELECT c.order_id || '/c' || c.place, c.at, 'STATUS_CHANGE', NULL, c.status_before, c.status, 'PORTICO', NULL, c.order_id, NULL, NULL, NULL, c.order_id, c.account_id, NULL
FROM order_changes c WHERE c.status_before IS NOT NULL
UNION ALL
SELECT a.id, a.at, 'DECISION', a.action, NULL, NULL, 'PORTICO', a.actor, a.subject, a.correlation_id, NULL, NULL, a.subject, o.account_id, NULL
FROM audit_entries a JOIN orders o ON o.id = a.subject WHERE a.action IN ('order.approve', 'order.reject', 'order.accept')
UNION ALL
SELECT a.id, a.at, 'DECISION', a.action, NULL, NULL, 'PORTICO', a.actor, a.subject, a.correlation_id, NULL, NULL, a.subject, NULL, o.supplier_id
FROM audit_entries a JOIN purchase_orders o ON o.id = a.subject WHERE a.action IN ('deviation.accept', 'deviation.reject', 'deviation.counter')
UNION ALL
SELECT e.id, coalesce(e.recorded_at, e.occurred_at), 'NEWS_IN', e.milestone, NULL, e.status, 'LOGISTICS', NULL, e.shipment_id, NULL, NULL, NULL, x.order_id, o.account_id, NULL
FROM shipment_events e JOIN shipment_orders x ON x.shipment_id = e.shipment_id JOIN orders o ON o.id = x.order_id
UNION ALL
SELECT v.purchase_order_id || '/r' || v.revision, v.at, 'NEWS_IN', 'revision', v.revision::text, v.changed, 'ERP', NULL, v.purchase_order_id, NULL, NULL, NULL, v.purchase_order_id, NULL, v.supplier_id
FROM purchase_order_revisions v;

-- +goose Down
SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE VIEW timeline AS
SELECT o.id || '/0' AS key, o.submitted_at AS at, 'REQUEST' AS kind, o.kind AS what, NULL::text AS before, NULL::text AS after, 'PORTICO' AS system, o.principal AS actor,
    o.subject, o.correlation_id, NULL::interval AS took, NULL::text AS responsible, coalesce(r.order_id, o.subject) AS order_id, o.account_id, o.supplier_id
FROM operations o LEFT JOIN returns r ON r.id = o.subject
UNION ALL
SELECT o.id || '/' || s.position + 1, s.finished_at, CASE WHEN s.system IS NULL THEN 'STEP' ELSE 'SOURCE_CALL' END, s.name, s.attempts::text, s.state, coalesce(s.system, 'PORTICO'), NULL,
    o.subject, o.correlation_id, s.finished_at - s.started_at, CASE WHEN s.state = 'FAILED' THEN o.failure ->> 'responsible' END, coalesce(r.order_id, o.subject), o.account_id, o.supplier_id
FROM operations o JOIN operation_steps s ON s.operation_id = o.id LEFT JOIN returns r ON r.id = o.subject WHERE s.finished_at IS NOT NULL
UNION ALL
SELECT c.order_id || '/c' || c.place, c.at, 'STATUS_CHANGE', NULL, c.status_before, c.status, 'PORTICO', NULL, c.order_id, NULL, NULL, NULL, c.order_id, c.account_id, NULL
FROM order_changes c WHERE c.status_before IS NOT NULL
UNION ALL
SELECT a.id, a.at, 'DECISION', a.action, NULL, NULL, 'PORTICO', a.actor, a.subject, a.correlation_id, NULL, NULL, a.subject, o.account_id, NULL
FROM audit_entries a JOIN orders o ON o.id = a.subject WHERE a.action IN ('order.approve', 'order.reject', 'order.accept')
UNION ALL
SELECT a.id, a.at, 'DECISION', a.action, NULL, NULL, 'PORTICO', a.actor, a.subject, a.correlation_id, NULL, NULL, a.subject, NULL, o.supplier_id
FROM audit_entries a JOIN purchase_orders o ON o.id = a.subject WHERE a.action IN ('deviation.accept', 'deviation.reject', 'deviation.counter')
UNION ALL
SELECT e.id, coalesce(e.recorded_at, e.occurred_at), 'NEWS_IN', e.milestone, NULL, e.status, 'LOGISTICS', NULL, e.shipment_id, NULL, NULL, NULL, x.order_id, o.account_id, NULL
FROM shipment_events e JOIN shipment_orders x ON x.shipment_id = e.shipment_id JOIN orders o ON o.id = x.order_id;
DROP TABLE purchase_order_revisions;
