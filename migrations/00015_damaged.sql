-- What was received damaged.
-- Locks package lines and the lines of ship notices for a moment, to give them a column.

-- +goose Up
ALTER TABLE package_lines ADD COLUMN damaged numeric(18,6);
COMMENT ON COLUMN package_lines.damaged IS 'How much of it was received damaged; null until it was received.';
ALTER TABLE despatch_lines ADD COLUMN damaged numeric(18,6);
COMMENT ON COLUMN despatch_lines.damaged IS 'How much of it was received damaged; null until it was received.';

-- +goose Down
ALTER TABLE despatch_lines DROP COLUMN damaged;
ALTER TABLE package_lines DROP COLUMN damaged;
