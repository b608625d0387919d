-- Ship notices of suppliers.
-- Locks package lines for a moment, to give them a column.

-- +goose Up
CREATE TABLE despatch_advices (
    id             text PRIMARY KEY,
    supplier_id    text NOT NULL REFERENCES trading_partners,
    number         text NOT NULL,
    status         text NOT NULL CHECK (status IN ('SUBMITTED', 'ACCEPTED', 'REJECTED', 'IN_TRANSIT', 'RECEIVED', 'RECEIVED_WITH_DISCREPANCY', 'CANCELLED')),
    ship_from      jsonb NOT NULL,
    warehouse_id   text NOT NULL REFERENCES warehouses,
    despatched_at  timestamptz,
    expected_at    timestamptz,
    carrier_scac   text,
    refs           jsonb NOT NULL,
    shipment_number text,
    operation_id   text NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (supplier_id, number)
);
COMMENT ON TABLE despatch_advices IS 'Ship notices of suppliers; a number of a supplier''s counts once.';
CREATE INDEX ON despatch_advices (shipment_number);
CREATE INDEX ON despatch_advices (id) WHERE status IN ('ACCEPTED', 'IN_TRANSIT');

CREATE TABLE handling_units (
    despatch_advice_id text NOT NULL REFERENCES despatch_advices ON DELETE CASCADE,
    position           integer NOT NULL,
    supplier_id        text NOT NULL REFERENCES trading_partners,
    sscc               text NOT NULL CHECK (sscc ~ '^[0-9]{18}$'),
    parent             text,
    package_type       text,
    weight             numeric(18,6),
    weight_unit        text,
    PRIMARY KEY (despatch_advice_id, position),
    UNIQUE (despatch_advice_id, sscc)
);
COMMENT ON TABLE handling_units IS 'Pallets and cartons of ship notices, each in or on its parent.';

CREATE TABLE despatch_lines (
    despatch_advice_id     text NOT NULL REFERENCES despatch_advices ON DELETE CASCADE,
    position               integer NOT NULL,
    supplier_id            text NOT NULL REFERENCES trading_partners,
    purchase_order_line_id text NOT NULL REFERENCES purchase_order_lines ON DELETE CASCADE,
    sscc                   text,
    unit                   text NOT NULL,
    shipped                numeric(18,6) NOT NULL CHECK (shipped > 0),
    backordered            numeric(18,6),
    outstanding            numeric(18,6),
    outstanding_reason     text,
    oversupplied           numeric(18,6),
    lot                    text,
    serials                text[] NOT NULL,
    expires_on             date,
    received               numeric(18,6),
    PRIMARY KEY (despatch_advice_id, position)
);
COMMENT ON TABLE despatch_lines IS 'Lines of ship notices.';
CREATE INDEX ON despatch_lines (purchase_order_line_id);

CREATE INDEX purchase_orders_agreed ON purchase_orders (id) WHERE state IN ('ACKNOWLEDGED', 'ACKNOWLEDGED_WITH_CHANGES');
CREATE INDEX ON alerts (resolved_at) WHERE state = 'RESOLVED';

ALTER TABLE package_lines ADD COLUMN received numeric(18,6);
COMMENT ON COLUMN package_lines.received IS 'How much of it was received; null until it was.';

-- +goose Down
ALTER TABLE package_lines DROP COLUMN received;
DROP INDEX alerts_resolved_at_idx, purchase_orders_agreed;
DROP TABLE despatch_lines, handling_units, despatch_advices;
