-- Locks orders and order lines for a moment, to give them triggers.

-- +goose Up
ALTER TABLE operations ADD COLUMN awaiting jsonb;
COMMENT ON COLUMN operations.awaiting IS 'What an operation in AWAITING_DECISION waits for. It is worked on again once that is decided.';
DROP INDEX operations_lane_place_idx;
CREATE INDEX ON operations (lane, place) WHERE finished_at IS NULL;
CREATE INDEX ON operations (subject, place) WHERE finished_at IS NULL;
CREATE INDEX ON operations (source, place) WHERE finished_at IS NULL;
CREATE INDEX ON operations (correlation_id);
CREATE INDEX ON operations (principal, submitted_at DESC, id DESC);

CREATE TABLE spent_keys (
    principal       text NOT NULL,
    mutation        text NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint     text NOT NULL,
    subject         text NOT NULL,
    operation_id    text,
    answer          jsonb,
    spent_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, mutation, idempotency_key)
);
COMMENT ON TABLE spent_keys IS 'Keys of writes that start no operation of their own, with what the answer was about.';

CREATE TABLE users (
    id           text PRIMARY KEY,
    display_name text NOT NULL,
    identity     text NOT NULL,
    accounts     text[] NOT NULL,
    seen_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE users IS 'People and clients who wrote something, as their tokens named them; accounts are those that they acted for, and identity is sealed.';

CREATE TABLE spending_limits (
    account_id text NOT NULL REFERENCES accounts,
    period     text NOT NULL CHECK (period IN ('ORDER', 'MONTH')),
    amount     numeric NOT NULL CHECK (amount >= 0),
    currency   text NOT NULL,
    PRIMARY KEY (account_id, period)
);
COMMENT ON TABLE spending_limits IS 'What each buyer of an account may order without approval, where the token says nothing.';

CREATE TABLE approvals (
    order_id   text PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
    account_id text NOT NULL REFERENCES accounts,
    state      text NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'REJECTED')),
    exceeded   jsonb NOT NULL,
    decided_by text,
    decided_at timestamptz,
    comment    text
);
COMMENT ON TABLE approvals IS 'Orders that somebody of the buyer''s organisation had to approve.';

ALTER TABLE orders ADD COLUMN placed_by text;
ALTER TABLE orders ADD COLUMN changes integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN orders.changes IS 'Writes of ours since the source''s version: with it, it is the version that changes are made against.';
CREATE INDEX ON orders (placed_by, placed_at) WHERE placed_by IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION order_version(source_version text, changes integer) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$SELECT CASE WHEN changes = 0 THEN coalesce(source_version, '0') ELSE coalesce(source_version, '0') || '.' || changes END$$;
-- +goose StatementEnd

CREATE TABLE order_changes (
    place         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id      text NOT NULL REFERENCES orders ON DELETE CASCADE,
    account_id    text NOT NULL,
    version       text NOT NULL,
    fields        text[] NOT NULL,
    status_before text,
    status        text NOT NULL,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (order_id, version)
);
COMMENT ON TABLE order_changes IS 'What changed in orders, version by version, whoever wrote it.';

CREATE TABLE commitment_changes (
    place         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_line_id text NOT NULL REFERENCES order_lines ON DELETE CASCADE,
    order_id      text NOT NULL REFERENCES orders ON DELETE CASCADE,
    account_id    text NOT NULL,
    before        jsonb NOT NULL,
    after         jsonb NOT NULL,
    cause         text NOT NULL,
    at            timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE commitment_changes IS 'Promises to customers that moved.';
CREATE INDEX ON commitment_changes (order_id, place DESC);

-- +goose StatementBegin
CREATE FUNCTION note_order_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text[] := array_remove(ARRAY[
        CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
        CASE WHEN OLD.number IS DISTINCT FROM NEW.number THEN 'number' END,
        CASE WHEN OLD.holds IS DISTINCT FROM NEW.holds THEN 'holds' END,
        CASE WHEN (OLD.subtotal, OLD.tax, OLD.freight, OLD.total) IS DISTINCT FROM (NEW.subtotal, NEW.tax, NEW.freight, NEW.total) THEN 'totals' END,
        CASE WHEN OLD.requested_delivery_date IS DISTINCT FROM NEW.requested_delivery_date THEN 'requestedDeliveryDate' END,
        CASE WHEN OLD.promised_delivery_date IS DISTINCT FROM NEW.promised_delivery_date THEN 'promisedDeliveryDate' END,
        CASE WHEN OLD.ship_to_address IS DISTINCT FROM NEW.ship_to_address THEN 'shipToAddress' END,
        CASE WHEN OLD.changes < NEW.changes THEN 'operation' END], NULL);
BEGIN
    IF changed <> '{}' THEN
        INSERT INTO order_changes AS c (order_id, account_id, version, fields, status_before, status)
        VALUES (NEW.id, NEW.account_id, order_version(NEW.source_version, NEW.changes), changed, nullif(OLD.status, NEW.status), NEW.status)
        ON CONFLICT (order_id, version) DO UPDATE SET fields = ARRAY(SELECT DISTINCT unnest(c.fields || excluded.fields)),
            status_before = coalesce(c.status_before, excluded.status_before), status = excluded.status;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION note_order_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_changes AS c (order_id, account_id, version, fields, status)
    SELECT o.id, o.account_id, order_version(o.source_version, o.changes), '{lines}', o.status FROM orders o WHERE o.id = NEW.order_id
    ON CONFLICT (order_id, version) DO UPDATE SET fields = ARRAY(SELECT DISTINCT unnest(c.fields || excluded.fields));
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- What changed is noted by triggers, because sources, customers and reconciling all write orders.
CREATE TRIGGER note_change AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note_order_change();
CREATE TRIGGER note_change AFTER UPDATE ON order_lines FOR EACH ROW
    WHEN ((OLD.ordered, OLD.confirmed, OLD.backordered, OLD.cancelled, OLD.shipped, OLD.price) IS DISTINCT FROM (NEW.ordered, NEW.confirmed, NEW.backordered, NEW.cancelled, NEW.shipped, NEW.price))
    EXECUTE FUNCTION note_order_line_change();

ALTER TABLE returns ADD COLUMN external_ref text UNIQUE;

CREATE TABLE audit_entries (
    place          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             text NOT NULL UNIQUE DEFAULT 'aud_' || replace(gen_random_uuid()::text, '-', ''),
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor          text,
    action         text NOT NULL,
    subject        text NOT NULL,
    correlation_id text NOT NULL,
    before         jsonb,
    after          jsonb
);
COMMENT ON TABLE audit_entries IS 'Who did what, written in the transaction of what was done. Nothing here is changed or removed.';
CREATE INDEX ON audit_entries (subject, place DESC);
CREATE INDEX ON audit_entries (correlation_id);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE audit_leaves (
    index  bigint PRIMARY KEY,
    place  bigint NOT NULL UNIQUE REFERENCES audit_entries,
    digest bytea NOT NULL
);
COMMENT ON TABLE audit_leaves IS 'The audit log in the order in which it was sealed, with the hash of each entry (RFC 6962).';
CREATE TABLE audit_hashes (
    index bigint PRIMARY KEY,
    hash  bytea NOT NULL
);
COMMENT ON TABLE audit_hashes IS 'Inner hashes of the Merkle tree over audit_leaves, so that sealing goes on where it ended.';

-- What happened to an order, from every table that knows a part of it.
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

CREATE TABLE paused_sources (
    instance text PRIMARY KEY,
    reason   text NOT NULL,
    since    timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL
);
COMMENT ON TABLE paused_sources IS 'Sources that an operator paused, on all processes.';

-- +goose Down
DROP VIEW timeline;
DROP TABLE paused_sources, audit_hashes, audit_leaves, audit_entries;
ALTER TABLE returns DROP COLUMN external_ref;
DROP TRIGGER note_change ON order_lines;
DROP TRIGGER note_change ON orders;
DROP TABLE commitment_changes, order_changes, approvals, spending_limits, users, spent_keys;
DROP FUNCTION refuse_change, note_order_change, note_order_line_change, order_version;
ALTER TABLE orders DROP COLUMN placed_by, DROP COLUMN changes;
ALTER TABLE operations DROP COLUMN awaiting;
