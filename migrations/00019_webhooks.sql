-- Outgoing webhooks: what happens is sent to addresses of partners.

-- +goose Up
CREATE TABLE webhook_endpoints (
    id              text PRIMARY KEY,
    url             text NOT NULL,
    topics          text[] NOT NULL,
    status          text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISABLED_BY_FAILURE', 'PAUSED')),
    disabled_reason text,
    owner           text NOT NULL,
    accounts        text[] NOT NULL DEFAULT '{}',
    supplier_id     text REFERENCES trading_partners,
    secret          text NOT NULL,
    former_secret   text,
    former_until    timestamptz,
    succeeded_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (status <> 'DISABLED_BY_FAILURE' OR disabled_reason IS NOT NULL)
);
COMMENT ON TABLE webhook_endpoints IS 'Addresses that what happens is sent to.';
COMMENT ON COLUMN webhook_endpoints.owner IS 'Who saved it last, as their token said it, encrypted: they are told what they may see.';
CREATE INDEX ON webhook_endpoints (supplier_id) WHERE supplier_id IS NOT NULL;

CREATE TABLE webhook_deliveries (
    id              text PRIMARY KEY DEFAULT 'whd_' || replace(gen_random_uuid()::text, '-', ''),
    endpoint_id     text NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    topic           text NOT NULL,
    xid             xid8,
    seq             bigint,
    subject         text NOT NULL,
    change          jsonb,
    body            text,
    state           text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
    attempts        jsonb NOT NULL DEFAULT '[]',
    failures        integer NOT NULL DEFAULT 0,
    begun_at        timestamptz,
    next_attempt_at timestamptz DEFAULT clock_timestamp(),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (endpoint_id, xid, seq),
    CHECK ((state = 'PENDING') = (next_attempt_at IS NOT NULL))
);
COMMENT ON TABLE webhook_deliveries IS 'Changes sent to endpoints, each once: xid and seq are its place in the log of changes; a greeting has none.';
COMMENT ON COLUMN webhook_deliveries.failures IS 'Attempts that failed since it was begun, or begun again, at begun_at.';
CREATE INDEX webhook_due ON webhook_deliveries (endpoint_id, next_attempt_at, id) WHERE state = 'PENDING';
CREATE INDEX ON webhook_deliveries (endpoint_id, created_at DESC, id DESC);
CREATE INDEX ON webhook_deliveries (created_at);

CREATE TABLE webhook_place (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    xid xid8 NOT NULL,
    seq bigint NOT NULL
);
COMMENT ON TABLE webhook_place IS 'Up to where the log of changes was looked through for what is to be sent.';
INSERT INTO webhook_place (xid, seq) SELECT pg_snapshot_xmin(pg_current_snapshot()), 0;

-- +goose Down
DROP TABLE webhook_place, webhook_deliveries, webhook_endpoints;
