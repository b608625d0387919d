-- An operation that is done in parts, such as a replay, tells how far it is. Adds columns without a default: it locks its table for a moment.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE operations ADD COLUMN found bigint, ADD COLUMN changed bigint;
COMMENT ON COLUMN operations.found IS 'What an operation that is done in parts has read so far; null where it is not.';
COMMENT ON COLUMN operations.changed IS 'What of that changed a record, or would.';

-- +goose Down
ALTER TABLE operations DROP COLUMN found, DROP COLUMN changed;
