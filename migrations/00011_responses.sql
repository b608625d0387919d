-- What suppliers answer to purchase orders, and who decides about it.
-- Locks purchase orders and operations for a moment, to give them columns.

-- +goose Up
CREATE TABLE tolerance_profiles (
    id                     text PRIMARY KEY DEFAULT 'tol_' || replace(gen_random_uuid()::text, '-', ''),
    name                   text NOT NULL UNIQUE,
    over_quantity_percent  numeric(9,4) CHECK (over_quantity_percent >= 0),
    under_quantity_percent numeric(9,4) CHECK (under_quantity_percent >= 0),
    price_percent          numeric(9,4) CHECK (price_percent >= 0),
    early_days             integer CHECK (early_days >= 0),
    late_days              integer CHECK (late_days >= 0),
    allow_substitution     boolean NOT NULL,
    out_of_tolerance       text NOT NULL CHECK (out_of_tolerance IN ('REJECT', 'HOLD_FOR_BUYER', 'ACCEPT_AND_ALERT')),
    version                integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE tolerance_profiles IS 'What suppliers may answer otherwise without a decision. tol_standard holds for those without one of their own.';
INSERT INTO tolerance_profiles (id, name, over_quantity_percent, under_quantity_percent, price_percent, early_days, late_days, allow_substitution, out_of_tolerance)
VALUES ('tol_standard', 'Standard', 5, 5, 2, 5, 2, false, 'HOLD_FOR_BUYER');
ALTER TABLE trading_partners ADD COLUMN tolerance_profile_id text REFERENCES tolerance_profiles;

ALTER TABLE purchase_orders ADD COLUMN answer text CHECK (answer IN ('RECEIVED_BY_SUPPLIER', 'ACKNOWLEDGED', 'ACKNOWLEDGED_WITH_CHANGES', 'PENDING_REVIEW', 'REJECTED'));
ALTER TABLE purchase_orders ADD COLUMN answered_revision integer;
COMMENT ON COLUMN purchase_orders.answer IS 'What the supplier''s last answer made of it; it counts for the revision that was answered.';
ALTER TABLE purchase_orders ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (
    CASE WHEN answer IS NULL OR answered_revision < revision THEN status
    WHEN status IN ('ISSUED', 'SENT', 'ACKNOWLEDGED') THEN answer
    WHEN answer = 'PENDING_REVIEW' AND status IN ('PARTIALLY_SHIPPED', 'SHIPPED', 'PARTIALLY_RECEIVED') THEN answer
    WHEN answer = 'REJECTED' AND status = 'CANCELLED' THEN answer
    ELSE status END) STORED;
CREATE INDEX ON purchase_orders (supplier_id, acknowledge_by) WHERE state IN ('ISSUED', 'SENT', 'RECEIVED_BY_SUPPLIER');
CREATE INDEX ON purchase_orders (acknowledge_by) WHERE state IN ('ISSUED', 'SENT', 'RECEIVED_BY_SUPPLIER');
CREATE INDEX ON purchase_orders (issued_at DESC, id DESC) WHERE state = 'PENDING_REVIEW';
CREATE INDEX ON purchase_order_lines (purchase_order_id, position);

CREATE TABLE purchase_order_responses (
    id                    text PRIMARY KEY,
    purchase_order_id     text NOT NULL REFERENCES purchase_orders ON DELETE CASCADE,
    supplier_id           text NOT NULL REFERENCES trading_partners,
    response_number       text NOT NULL,
    supplier_order_number text,
    kind                  text NOT NULL CHECK (kind IN ('RECEIVED', 'ACCEPTED', 'ACCEPTED_WITH_CHANGES', 'REJECTED', 'IN_PROCESS')),
    revision              integer NOT NULL,
    received_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    operation_id          text,
    UNIQUE (supplier_id, response_number)
);
COMMENT ON TABLE purchase_order_responses IS 'Answers of suppliers to purchase orders; a number of a supplier''s counts once.';
CREATE INDEX ON purchase_order_responses (purchase_order_id, received_at DESC);

CREATE TABLE line_acknowledgments (
    response_id            text NOT NULL REFERENCES purchase_order_responses ON DELETE CASCADE,
    position               integer NOT NULL,
    purchase_order_line_id text NOT NULL REFERENCES purchase_order_lines ON DELETE CASCADE,
    supplier_id            text NOT NULL REFERENCES trading_partners,
    status                 text NOT NULL,
    quantity               numeric(18,6),
    unit                   text,
    price                  numeric(18,6),
    price_per              numeric(18,6),
    currency               text,
    promised_ship_date     date,
    promised_delivery_date date,
    substitute             jsonb,
    reason                 text,
    PRIMARY KEY (response_id, position)
);
COMMENT ON TABLE line_acknowledgments IS 'What suppliers said of lines; several hold of one line at once.';
CREATE INDEX ON line_acknowledgments (purchase_order_line_id);

CREATE TABLE deviations (
    id                     text PRIMARY KEY,
    response_id            text NOT NULL REFERENCES purchase_order_responses ON DELETE CASCADE,
    purchase_order_line_id text NOT NULL REFERENCES purchase_order_lines ON DELETE CASCADE,
    supplier_id            text NOT NULL REFERENCES trading_partners,
    position               integer NOT NULL,
    field                  text NOT NULL,
    expected               text NOT NULL,
    proposed               text NOT NULL,
    delta                  numeric,
    tolerance              numeric,
    within_tolerance       boolean NOT NULL,
    state                  text NOT NULL CHECK (state IN ('AUTO_ACCEPTED', 'PENDING', 'ACCEPTED', 'REJECTED', 'COUNTERED', 'WITHDRAWN')),
    decided_by             text,
    decided_at             timestamptz,
    comment                text,
    counter                jsonb,
    review                 jsonb,
    UNIQUE (response_id, purchase_order_line_id, field)
);
COMMENT ON TABLE deviations IS 'Where answers of suppliers differ from what was ordered, and what was decided. review is which commitments to customers it touches, as it was raised.';
CREATE INDEX ON deviations (purchase_order_line_id);

CREATE TABLE supply_impacts (
    deviation_id  text NOT NULL REFERENCES deviations ON DELETE CASCADE,
    order_line_id text NOT NULL REFERENCES order_lines ON DELETE CASCADE,
    cause         text NOT NULL CHECK (cause IN ('SUPPLIER_DATE', 'SUPPLIER_QUANTITY')),
    accepted_at   timestamptz,
    PRIMARY KEY (deviation_id, order_line_id)
);
COMMENT ON TABLE supply_impacts IS 'Lines of customers'' orders that count on a supply that was answered otherwise: why a promise moves, when the ERP moves it.';
CREATE INDEX ON supply_impacts (order_line_id);

CREATE TABLE alerts (
    id               text PRIMARY KEY,
    kind             text NOT NULL,
    severity         text NOT NULL CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    urgency          integer NOT NULL GENERATED ALWAYS AS (CASE severity WHEN 'CRITICAL' THEN 0 WHEN 'WARNING' THEN 1 ELSE 2 END) STORED,
    state            text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'ACKNOWLEDGED', 'RESOLVED')),
    message          text NOT NULL,
    suggested_action text,
    audience         text[] NOT NULL,
    queue            text NOT NULL,
    responsible      text,
    subject          text NOT NULL,
    supplier_id      text REFERENCES trading_partners,
    deviation_id     text REFERENCES deviations ON DELETE SET NULL,
    at_risk          numeric(18,6),
    unit             text,
    raised_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken_by         text,
    acknowledged_at  timestamptz,
    resolved_at      timestamptz,
    resolution       text
);
COMMENT ON TABLE alerts IS 'What a person should look at.';
CREATE UNIQUE INDEX alerts_once ON alerts (kind, subject, coalesce(deviation_id, '')) WHERE state <> 'RESOLVED' AND kind <> 'REPORTED';
CREATE INDEX ON alerts (urgency, raised_at DESC, id) WHERE state <> 'RESOLVED';
CREATE INDEX ON alerts (supplier_id, urgency, raised_at DESC, id);
CREATE INDEX ON alerts (deviation_id);
CREATE INDEX ON alerts (subject);

CREATE TABLE alert_orders (
    alert_id text NOT NULL REFERENCES alerts ON DELETE CASCADE,
    order_id text NOT NULL REFERENCES orders ON DELETE CASCADE,
    PRIMARY KEY (alert_id, order_id)
);
COMMENT ON TABLE alert_orders IS 'Which orders of customers an alert touches.';
CREATE INDEX ON alert_orders (order_id);

ALTER TABLE operations ADD COLUMN supplier_id text;
COMMENT ON COLUMN operations.supplier_id IS 'The supplier whose document started it; it may look at it.';

CREATE INDEX ON order_lines (item_id) WHERE ordered > shipped + cancelled;

DROP VIEW timeline;
-- What happened to an order or a purchase order, from every table that knows a part of it.
CREATE VIEW timeline AS
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

-- +goose Down
DROP VIEW timeline;
CREATE VIEW timeline AS
SELECT o.id || '/0' AS key, o.submitted_at AS at, 'REQUEST' AS kind, o.kind AS what, NULL::text AS before, NULL::text AS after, 'PORTICO' AS system, o.principal AS actor,
    o.subject, o.correlation_id, NULL::interval AS took, NULL::text AS responsible, coalesce(r.order_id, o.subject) AS order_id, o.account_id
FROM operations o LEFT JOIN returns r ON r.id = o.subject
UNION ALL
SELECT o.id || '/' || s.position + 1, s.finished_at, CASE WHEN s.system IS NULL THEN 'STEP' ELSE 'SOURCE_CALL' END, s.name, s.attempts::text, s.state, coalesce(s.system, 'PORTICO'), NULL,
    o.subject, o.correlation_id, s.finished_at - s.started_at, CASE WHEN s.state = 'FAILED' THEN o.failure ->> 'responsible' END, coalesce(r.order_id, o.subject), o.account_id
FROM operations o JOIN operation_steps s ON s.operation_id = o.id LEFT JOIN returns r ON r.id = o.subject WHERE s.finished_at IS NOT NULL
UNION ALL
SELECT c.order_id || '/c' || c.place, c.at, 'STATUS_CHANGE', NULL, c.status_before, c.status, 'PORTICO', NULL, c.order_id, NULL, NULL, NULL, c.order_id, c.account_id
FROM order_changes c WHERE c.status_before IS NOT NULL
UNION ALL
SELECT a.id, a.at, 'DECISION', a.action, NULL, NULL, 'PORTICO', a.actor, a.subject, a.correlation_id, NULL, NULL, a.subject, o.account_id
FROM audit_entries a JOIN orders o ON o.id = a.subject WHERE a.action IN ('order.approve', 'order.reject', 'order.accept')
UNION ALL
SELECT e.id, coalesce(e.recorded_at, e.occurred_at), 'NEWS_IN', e.milestone, NULL, e.status, 'LOGISTICS', NULL, e.shipment_id, NULL, NULL, NULL, x.order_id, o.account_id
FROM shipment_events e JOIN shipment_orders x ON x.shipment_id = e.shipment_id JOIN orders o ON o.id = x.order_id;
ALTER TABLE operations DROP COLUMN supplier_id;
DROP TABLE alert_orders, alerts, supply_impacts, deviations, line_acknowledgments, purchase_order_responses;
DROP INDEX order_lines_item_id_idx, purchase_order_lines_purchase_order_id_position_idx;
ALTER TABLE purchase_orders DROP COLUMN state, DROP COLUMN answer, DROP COLUMN answered_revision;
ALTER TABLE trading_partners DROP COLUMN tolerance_profile_id;
DROP TABLE tolerance_profiles;
