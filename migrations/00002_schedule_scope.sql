-- Locks schedule_lines for the time of one pass over it.
--
-- A line's parts say whose they are and in what unit, so that reading them does not go through the lines: that was a fifth
-- of the database's work for a page of orders.

-- +goose Up

ALTER TABLE schedule_lines ADD COLUMN account_id text REFERENCES accounts, ADD COLUMN unit text;
UPDATE schedule_lines s SET account_id = l.account_id, unit = l.unit FROM order_lines l WHERE l.id = s.order_line_id;
ALTER TABLE schedule_lines ALTER COLUMN account_id SET NOT NULL, ALTER COLUMN unit SET NOT NULL;
