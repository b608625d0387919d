-- The log of changes, from which streams are told and resumed.

-- +goose Up
CREATE TABLE changes (
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    topic       text NOT NULL CHECK (topic IN ('SHIPMENT', 'OPERATION')),
    subject     text NOT NULL,
    account_id  text,
    supplier_id text,
    principal   text,
    orders      text[],
    previous    text,
    cause       text,
    eta_shift   bigint,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (xid, seq)
);
COMMENT ON TABLE changes IS 'What has changed, for streams. It is read in the order of (xid, seq), and only below the oldest transaction that still runs: one that commits late would be missed else.';
COMMENT ON COLUMN changes.eta_shift IS 'How far the arrival moved, in seconds.';
CREATE INDEX ON changes (topic, xid, seq);
CREATE INDEX ON changes (at);

CREATE TABLE changes_removed (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    xid xid8 NOT NULL,
    seq bigint NOT NULL
);
COMMENT ON TABLE changes_removed IS 'Up to where changes are kept no longer.';
INSERT INTO changes_removed (xid, seq) VALUES ('0', 0);

-- +goose Down
DROP TABLE changes_removed, changes;
