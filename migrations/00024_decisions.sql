-- What stewards decided about conflicts of master data.

-- +goose Up
ALTER TABLE differences ADD COLUMN decided text, ADD COLUMN decided_by text, ADD COLUMN decided_at timestamptz, ADD COLUMN operation_id text,
    ADD CHECK ((decided IS NULL) = (decided_at IS NULL) AND (decided IS NULL) = (operation_id IS NULL));
COMMENT ON COLUMN differences.decided IS 'What a steward decided to hold, written by an operation. It is forgotten once a system says something that it neither said then nor was decided.';

-- Alerts are raised for some kinds of what was set aside.
CREATE INDEX rejected_records_kind ON rejected_records (kind, at DESC);

-- +goose Down
DROP INDEX rejected_records_kind;
ALTER TABLE differences DROP COLUMN decided, DROP COLUMN decided_by, DROP COLUMN decided_at, DROP COLUMN operation_id;
