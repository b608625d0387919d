-- Locks stock and the tables of documents against writes while it builds an index on each: seconds for millions of rows.

-- +goose Up
-- Where each capability is served. It begins as the configuration says, and is changed by `portico route`.
CREATE TABLE capability_routes (
    capability         text PRIMARY KEY,
    primary_source     text NOT NULL,
    shadow             text CHECK (shadow <> primary_source),
    percent_to_primary integer NOT NULL CHECK (percent_to_primary BETWEEN 0 AND 100),
    since              timestamptz NOT NULL DEFAULT now(),
    changed_by         text NOT NULL,
    CHECK (shadow IS NOT NULL OR percent_to_primary = 100)
);
COMMENT ON TABLE capability_routes IS 'Where each capability is served now.';

CREATE TABLE route_changes (
    capability         text NOT NULL,
    primary_source     text NOT NULL,
    shadow             text,
    percent_to_primary integer NOT NULL,
    since              timestamptz NOT NULL,
    changed_by         text NOT NULL,
    PRIMARY KEY (capability, since)
);
COMMENT ON TABLE route_changes IS 'Every change of a route, with who made it.';

-- Stock is copied from both sources while it moves, and each reader is shown one of the copies.
ALTER TABLE stock DROP CONSTRAINT stock_pkey, ADD PRIMARY KEY (item_id, warehouse_id, instance);

CREATE TABLE reconciliations (
    id                text PRIMARY KEY DEFAULT 'rec_' || replace(gen_random_uuid()::text, '-', ''),
    capability        text NOT NULL,
    subject           text NOT NULL,
    held              text NOT NULL,
    instance          text NOT NULL,
    after             text NOT NULL DEFAULT '',
    sums              jsonb NOT NULL DEFAULT '{}',
    claimed_until     timestamptz NOT NULL DEFAULT '-infinity',
    at                timestamptz,
    count             bigint NOT NULL DEFAULT 0 CHECK (count >= 0),
    source_count      bigint NOT NULL DEFAULT 0 CHECK (source_count >= 0),
    totals            jsonb NOT NULL DEFAULT '[]',
    source_totals     jsonb NOT NULL DEFAULT '[]',
    quantities        jsonb NOT NULL DEFAULT '[]',
    source_quantities jsonb NOT NULL DEFAULT '[]',
    UNIQUE (subject, held, instance)
);
COMMENT ON TABLE reconciliations IS 'Latest comparison of each kind of record with each source; after and sums are how far the next one has come, and claimed_until is when it is free to be taken on by any process.';

CREATE TABLE differences (
    id           text PRIMARY KEY DEFAULT 'mdc_' || replace(gen_random_uuid()::text, '-', ''),
    capability   text NOT NULL,
    subject      text NOT NULL,
    key          text NOT NULL,
    field        text NOT NULL,
    held         text NOT NULL,
    instance     text NOT NULL,
    value        text,
    source_value text,
    since        timestamptz NOT NULL DEFAULT now(),
    at           timestamptz NOT NULL DEFAULT now(),
    UNIQUE (subject, held, instance, key, field)
);
COMMENT ON TABLE differences IS 'What differs between the copy of the source held and what the source instance says of a field; the field is empty where the whole record is missing on one side. One that is found no more is removed.';
CREATE INDEX differences_newest ON differences (capability, since DESC, id);

-- Records are compared with their sources by the references that these gave.
CREATE INDEX warehouses_told ON warehouses (instance, source_ref);
CREATE INDEX categories_told ON categories (instance, source_ref);
CREATE INDEX trading_partners_told ON trading_partners (instance, source_ref);
CREATE INDEX accounts_told ON accounts (instance, source_ref);
CREATE INDEX credit_positions_told ON credit_positions (instance, source_ref);
CREATE INDEX items_told ON items (instance, source_ref);
CREATE INDEX contracts_told ON contracts (instance, source_ref);
CREATE INDEX stock_told ON stock (instance, source_ref);
CREATE INDEX orders_told ON orders (instance, source_ref);
CREATE INDEX purchase_orders_told ON purchase_orders (instance, source_ref);
CREATE INDEX shipments_told ON shipments (instance, source_ref);
CREATE INDEX invoices_told ON invoices (instance, source_ref);
CREATE INDEX returns_told ON returns (instance, source_ref);

-- +goose Down
DROP INDEX warehouses_told, categories_told, trading_partners_told, accounts_told, credit_positions_told, items_told, contracts_told, stock_told, orders_told, purchase_orders_told, shipments_told, invoices_told, returns_told;
DROP TABLE differences, reconciliations, route_changes, capability_routes;
DELETE FROM stock s WHERE s.ctid <> (SELECT max(x.ctid) FROM stock x WHERE x.item_id = s.item_id AND x.warehouse_id = s.warehouse_id);
ALTER TABLE stock DROP CONSTRAINT stock_pkey, ADD PRIMARY KEY (item_id, warehouse_id);
