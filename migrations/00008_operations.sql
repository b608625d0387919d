-- Locks orders for the time it takes to build an index on it.

-- +goose Up
CREATE TABLE operations (
    id              text PRIMARY KEY DEFAULT 'opr_' || replace(gen_random_uuid()::text, '-', ''),
    kind            text NOT NULL,
    state           text NOT NULL CHECK (state IN ('ACCEPTED', 'VALIDATING', 'QUEUED', 'COMMITTING', 'COMMITTED', 'AWAITING_DECISION', 'OUTCOME_UNKNOWN', 'COMPENSATING', 'COMPENSATED', 'FAILED', 'DEAD_LETTERED')),
    lane            text NOT NULL,
    place           bigint GENERATED ALWAYS AS IDENTITY,
    source          text NOT NULL,
    principal       text NOT NULL,
    account_id      text REFERENCES accounts,
    subject         text,
    idempotency_key text NOT NULL,
    fingerprint     text NOT NULL,
    correlation_id  text NOT NULL,
    work            jsonb NOT NULL,
    failure         jsonb,
    submitted_at    timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    due_at          timestamptz NOT NULL DEFAULT now(),
    swept_at        timestamptz NOT NULL DEFAULT '-infinity',
    claim           text,
    claimed_until   timestamptz NOT NULL DEFAULT '-infinity',
    UNIQUE (principal, kind, idempotency_key)
);
COMMENT ON TABLE operations IS 'Durable pieces of work behind writes. One of a lane is worked on at a time, in the order of place; claim is the token of who is at it, and claimed_until when it is free again.';
CREATE INDEX ON operations (lane, place) WHERE finished_at IS NULL;
CREATE INDEX ON operations (due_at) WHERE finished_at IS NULL;
CREATE INDEX ON operations (subject, place DESC);
CREATE INDEX ON operations (submitted_at DESC, id DESC);

CREATE TABLE operation_steps (
    operation_id text NOT NULL REFERENCES operations ON DELETE CASCADE,
    position     integer NOT NULL,
    name         text NOT NULL,
    system       text,
    state        text NOT NULL CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'RETRYING', 'FAILED', 'COMPENSATED', 'SKIPPED')),
    attempts     integer NOT NULL DEFAULT 0,
    started_at   timestamptz,
    finished_at  timestamptz,
    external_ref text,
    error        text,
    PRIMARY KEY (operation_id, position)
);
COMMENT ON TABLE operation_steps IS 'Steps of operations, with what became of each.';

-- The reference under which an order of ours is known at its source, fixed before the first attempt.
ALTER TABLE orders ADD COLUMN external_ref text UNIQUE;

-- +goose Down
ALTER TABLE orders DROP COLUMN external_ref;
DROP TABLE operation_steps, operations;
