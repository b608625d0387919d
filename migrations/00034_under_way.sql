-- An attempt at a write that may be under way at its source, although nobody waits for it any more, is known by its time. Adds a column
-- without a default: it locks its table for a moment.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE operation_steps ADD COLUMN under_way_since timestamptz;
COMMENT ON COLUMN operation_steps.under_way_since IS 'Since when an attempt may be under way at the source; null where none is.';

-- +goose Down
ALTER TABLE operation_steps DROP COLUMN under_way_since;
