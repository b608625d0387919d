-- Items in suppliers' ranges, and the lead times that suppliers announce for them.

-- +goose Up
CREATE TABLE supplier_items (
    id                   text PRIMARY KEY DEFAULT 'sit_' || replace(gen_random_uuid()::text, '-', ''),
    item_id              text NOT NULL REFERENCES items ON DELETE CASCADE,
    supplier_code        text NOT NULL,
    position             integer NOT NULL,
    supplier_part_number text,
    lead_time_days       integer CHECK (lead_time_days >= 0),
    minimum              numeric(18,6) CHECK (minimum > 0),
    unit                 text,
    UNIQUE (item_id, supplier_code)
);
COMMENT ON TABLE supplier_items IS 'Who supplies an item, preferred first, as the source of the item tells it; a supplier may be told later than its items.';
CREATE INDEX ON supplier_items (supplier_code, item_id);

CREATE TABLE lead_time_changes (
    id               text PRIMARY KEY,
    supplier_item_id text NOT NULL REFERENCES supplier_items ON DELETE CASCADE,
    lead_time_days   integer NOT NULL CHECK (lead_time_days > 0),
    effective_from   date NOT NULL,
    reason           text,
    state            text NOT NULL DEFAULT 'ANNOUNCED' CHECK (state IN ('ANNOUNCED', 'APPLYING', 'APPLIED', 'REPLACED', 'REFUSED')),
    operation_id     text UNIQUE,
    principal        text NOT NULL,
    correlation_id   text NOT NULL,
    announced_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lead_time_changes IS 'Lead times that suppliers announced; each is written to the ERP on its day.';
CREATE UNIQUE INDEX lead_time_announced ON lead_time_changes (supplier_item_id) WHERE state = 'ANNOUNCED';
CREATE INDEX ON lead_time_changes (supplier_item_id) WHERE state IN ('ANNOUNCED', 'APPLYING');
CREATE INDEX ON lead_time_changes (effective_from) WHERE state = 'ANNOUNCED';

-- +goose Down
DROP TABLE lead_time_changes, supplier_items;
