-- Attempts that were taken from a process that ran are counted apart from those whose process ended. Adds a column with a constant
-- default: it locks its table for a moment.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE operation_steps ADD COLUMN starved integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN operation_steps.starved IS 'Attempts that were taken from a process that ran, and was too slow to give a sign of life.';

-- +goose Down
ALTER TABLE operation_steps DROP COLUMN starved;
