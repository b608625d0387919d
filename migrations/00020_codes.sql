-- What the codes of sources mean, as they were written and as they were published since.

-- +goose Up
CREATE TABLE code_mappings (
    id           text PRIMARY KEY DEFAULT 'cmp_' || replace(gen_random_uuid()::text, '-', ''),
    instance     text NOT NULL UNIQUE,
    standard     text NOT NULL,
    list         text NOT NULL,
    written      integer NOT NULL,
    codes        jsonb NOT NULL,
    publications integer NOT NULL DEFAULT 0,
    published    jsonb NOT NULL DEFAULT '{}',
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE code_mappings IS 'Tables of what the codes of a source mean: codes in the version that it was written as, and published instead and besides.';

CREATE INDEX shipment_events_unmapped ON shipment_events (instance) WHERE milestone = 'OTHER' AND status = 'UNKNOWN' AND corrects IS NULL;

-- +goose Down
DROP INDEX shipment_events_unmapped;
DROP TABLE code_mappings;
