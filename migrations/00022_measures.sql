-- What the business is measured by, and the objectives that it is held to.

-- +goose Up
CREATE TABLE measured (
    measure     text NOT NULL,
    subject     text NOT NULL,
    key         text NOT NULL,
    supplier_id text REFERENCES trading_partners ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    seconds     double precision,
    cases       bigint NOT NULL DEFAULT 1 CHECK (cases >= 0),
    hits        numeric(18,6) NOT NULL DEFAULT 0 CHECK (hits >= 0),
    PRIMARY KEY (measure, subject)
);
COMMENT ON TABLE measured IS 'Cases that business measures are made of, each once, as they come: a time in seconds, or hits among cases. supplier_id is whose scorecard it is in.';
CREATE INDEX ON measured (measure, at);
CREATE INDEX ON measured (supplier_id, measure, at) WHERE supplier_id IS NOT NULL;
CREATE INDEX ON measured (at);

CREATE TABLE measuring (
    one      boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    xid      xid8,
    seq      bigint NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    whole_at timestamptz
);
COMMENT ON TABLE measuring IS 'The place in the log of changes up to which cases were measured, when that began, and when all records were looked at last.';
INSERT INTO measuring DEFAULT VALUES;

CREATE TABLE objectives (
    id       text PRIMARY KEY,
    name     text NOT NULL UNIQUE,
    measure  text NOT NULL,
    maximum  double precision CHECK (maximum > 0),
    percent  numeric(9,4) CHECK (percent BETWEEN 0 AND 100),
    span     double precision NOT NULL CHECK (span > 0),
    queue    text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('INFO', 'WARNING', 'CRITICAL')),
    version  integer NOT NULL DEFAULT 1,
    CHECK ((maximum IS NULL) <> (percent IS NULL))
);
COMMENT ON TABLE objectives IS 'What measures are held to: a bound on the 95th percentile in seconds, or on a percentage, over a time in seconds.';
INSERT INTO objectives (id, name, measure, maximum, percent, span, queue, severity) VALUES
    ('obj_cycle', 'Orders are delivered within ten days', 'ORDER_CYCLE_TIME', 864000, NULL, 2592000, 'customer-service', 'WARNING'),
    ('obj_acknowledgment', 'Suppliers acknowledge within two days', 'ACKNOWLEDGMENT_LATENCY', 172800, NULL, 2592000, 'purchasing', 'WARNING'),
    ('obj_stock', 'Stock shown is stock counted', 'INVENTORY_ACCURACY', NULL, 98, 86400, 'operations', 'WARNING'),
    ('obj_integration', 'Calls to systems succeed', 'INTEGRATION_FAILURE_RATE', NULL, 5, 900, 'operations', 'CRITICAL'),
    ('obj_exceptions', 'Exceptions are resolved within a day', 'EXCEPTION_RESOLUTION_TIME', 86400, NULL, 604800, 'operations', 'WARNING'),
    ('obj_shipments', 'What happens to shipments is seen within fifteen minutes', 'SHIPMENT_TIMELINESS', 900, NULL, 86400, 'logistics', 'WARNING'),
    ('obj_consistency', 'Systems say the same', 'CROSS_SYSTEM_CONSISTENCY', NULL, 98, 86400, 'data', 'WARNING'),
    ('obj_errors', 'Orders are right', 'ORDER_ERROR_RATE', NULL, 5, 2592000, 'customer-service', 'WARNING');

-- +goose Down
DROP TABLE objectives, measuring, measured;
