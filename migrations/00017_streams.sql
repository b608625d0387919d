-- Changes of orders, purchase orders, stock, invoices and alerts, for streams.

-- +goose Up
ALTER TABLE changes RENAME COLUMN orders TO related;
ALTER TABLE changes DROP CONSTRAINT changes_topic_check;
ALTER TABLE changes ADD CONSTRAINT changes_topic_check CHECK (topic IN ('SHIPMENT', 'OPERATION', 'ORDER', 'PURCHASE_ORDER', 'AVAILABILITY', 'INVOICE', 'ALERT'));
COMMENT ON COLUMN changes.related IS 'Ids of what goes with it: of a shipment its orders, of an order its changed lines and the promises that moved, of a purchase order its deviations, of stock its warehouses.';

ALTER TABLE commitment_changes ADD COLUMN id text NOT NULL UNIQUE GENERATED ALWAYS AS ('cmt_' || place::text) STORED;

-- What a transaction does to one of these in several statements is one change.
CREATE UNIQUE INDEX changes_once ON changes (xid, topic, subject) WHERE topic NOT IN ('SHIPMENT', 'OPERATION');

-- +goose StatementBegin
CREATE FUNCTION log_change(of_topic text, of_subject text, account text, supplier text, goes_with text[], was text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO changes AS c (topic, subject, account_id, supplier_id, related, previous) VALUES (of_topic, of_subject, account, supplier, goes_with, was)
    ON CONFLICT (xid, topic, subject) WHERE topic NOT IN ('SHIPMENT', 'OPERATION')
    DO UPDATE SET related = ARRAY(SELECT DISTINCT unnest(c.related || excluded.related)), previous = coalesce(c.previous, excluded.previous);
$$;

CREATE FUNCTION log_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM log_change('ORDER', n.id, n.account_id, NULL, '{}', NULL) FROM new_rows n;
    ELSE
        PERFORM log_change('ORDER', n.id, n.account_id, NULL, '{}', nullif(o.status, n.status)) FROM old_rows o JOIN new_rows n ON n.id = o.id
        WHERE (o.status, o.number, o.holds, o.subtotal, o.tax, o.freight, o.total, o.requested_delivery_date, o.promised_delivery_date, o.ship_to_address, o.changes)
            IS DISTINCT FROM (n.status, n.number, n.holds, n.subtotal, n.tax, n.freight, n.total, n.requested_delivery_date, n.promised_delivery_date, n.ship_to_address, n.changes);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION log_order_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM log_change('ORDER', n.order_id, min(n.account_id), NULL, array_agg(n.id), NULL) FROM new_rows n GROUP BY n.order_id;
    ELSE
        PERFORM log_change('ORDER', n.order_id, min(n.account_id), NULL, array_agg(n.id), NULL) FROM old_rows o JOIN new_rows n ON n.id = o.id
        WHERE (o.status, o.item_id, o.price, o.price_per, o.ordered, o.confirmed, o.allocated, o.backordered, o.shipped, o.delivered, o.invoiced, o.cancelled, o.returned)
            IS DISTINCT FROM (n.status, n.item_id, n.price, n.price_per, n.ordered, n.confirmed, n.allocated, n.backordered, n.shipped, n.delivered, n.invoiced, n.cancelled, n.returned)
        GROUP BY n.order_id;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION log_commitment_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM log_change('ORDER', n.order_id, min(n.account_id), NULL, array_agg(n.id), NULL) FROM new_rows n GROUP BY n.order_id;
    RETURN NULL;
END $$;

CREATE FUNCTION log_purchase_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM log_change('PURCHASE_ORDER', n.id, NULL, n.supplier_id, '{}', NULL) FROM new_rows n;
    ELSE
        PERFORM log_change('PURCHASE_ORDER', n.id, NULL, n.supplier_id, '{}', nullif(o.state, n.state)) FROM old_rows o JOIN new_rows n ON n.id = o.id
        WHERE (o.instance, o.source_version, o.revision, o.state, o.answered_revision) IS DISTINCT FROM (n.instance, n.source_version, n.revision, n.state, n.answered_revision);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION log_deviations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM log_change('PURCHASE_ORDER', l.purchase_order_id, NULL, min(n.supplier_id), array_agg(n.id), NULL)
        FROM new_rows n JOIN purchase_order_lines l ON l.id = n.purchase_order_line_id GROUP BY l.purchase_order_id;
    ELSE
        PERFORM log_change('PURCHASE_ORDER', l.purchase_order_id, NULL, min(n.supplier_id), array_agg(n.id), NULL)
        FROM old_rows o JOIN new_rows n ON n.id = o.id AND n.state <> o.state JOIN purchase_order_lines l ON l.id = n.purchase_order_line_id GROUP BY l.purchase_order_id;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION log_invoices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM log_change('INVOICE', n.id, n.account_id, NULL, '{}', NULL) FROM new_rows n;
    ELSE
        PERFORM log_change('INVOICE', n.id, n.account_id, NULL, '{}', nullif(o.status, n.status)) FROM old_rows o JOIN new_rows n ON n.id = o.id
        WHERE (o.status, o.due_on, o.total, o.balance, o.document) IS DISTINCT FROM (n.status, n.due_on, n.total, n.balance, n.document);
    END IF;
    RETURN NULL;
END $$;

-- Alerts that are not for suppliers are no supplier's.
CREATE FUNCTION log_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM log_change('ALERT', n.id, NULL, CASE WHEN 'SUPPLIER' = ANY(n.audience) THEN n.supplier_id END, '{}', NULL) FROM new_rows n;
    ELSE
        PERFORM log_change('ALERT', n.id, NULL, CASE WHEN 'SUPPLIER' = ANY(n.audience) THEN n.supplier_id END, '{}', o.state) FROM old_rows o JOIN new_rows n ON n.id = o.id AND n.state <> o.state;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- The log is written by triggers where sources, portals, partners and reconciling all write. A
-- first load is no news.
CREATE TRIGGER log_new AFTER INSERT ON orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_orders();
CREATE TRIGGER log_changed AFTER UPDATE ON orders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_orders();
CREATE TRIGGER log_new AFTER INSERT ON order_lines REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_order_lines();
CREATE TRIGGER log_changed AFTER UPDATE ON order_lines REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_order_lines();
CREATE TRIGGER log_new AFTER INSERT ON commitment_changes REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_commitment_changes();
CREATE TRIGGER log_new AFTER INSERT ON purchase_orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_purchase_orders();
CREATE TRIGGER log_changed AFTER UPDATE ON purchase_orders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_purchase_orders();
CREATE TRIGGER log_new AFTER INSERT ON deviations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_deviations();
CREATE TRIGGER log_changed AFTER UPDATE ON deviations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_deviations();
CREATE TRIGGER log_new AFTER INSERT ON invoices REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_invoices();
CREATE TRIGGER log_changed AFTER UPDATE ON invoices REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('portico.quiet', TRUE) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_invoices();
CREATE TRIGGER log_new AFTER INSERT ON alerts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_alerts();
CREATE TRIGGER log_changed AFTER UPDATE ON alerts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_alerts();

-- +goose Down
DROP TRIGGER log_new ON orders;
DROP TRIGGER log_changed ON orders;
DROP TRIGGER log_new ON order_lines;
DROP TRIGGER log_changed ON order_lines;
DROP TRIGGER log_new ON commitment_changes;
DROP TRIGGER log_new ON purchase_orders;
DROP TRIGGER log_changed ON purchase_orders;
DROP TRIGGER log_new ON deviations;
DROP TRIGGER log_changed ON deviations;
DROP TRIGGER log_new ON invoices;
DROP TRIGGER log_changed ON invoices;
DROP TRIGGER log_new ON alerts;
DROP TRIGGER log_changed ON alerts;
DROP FUNCTION log_orders, log_order_lines, log_commitment_changes, log_purchase_orders, log_deviations, log_invoices, log_alerts, log_change;
DROP INDEX changes_once;
ALTER TABLE commitment_changes DROP COLUMN id;
DELETE FROM changes WHERE topic NOT IN ('SHIPMENT', 'OPERATION');
ALTER TABLE changes DROP CONSTRAINT changes_topic_check;
ALTER TABLE changes ADD CONSTRAINT changes_topic_check CHECK (topic IN ('SHIPMENT', 'OPERATION'));
ALTER TABLE changes RENAME COLUMN related TO orders;
