-- Locks nothing that is read: the table is new. Its rows are worth nothing after a crash, so it writes no log.
-- +goose Up
CREATE UNLOGGED TABLE budgets (
    key         text PRIMARY KEY,
    points      bigint NOT NULL CHECK (points >= 0),
    refilled_at timestamptz NOT NULL
);
COMMENT ON TABLE budgets IS 'Points that clients and accounts have left, shared by all processes.';
