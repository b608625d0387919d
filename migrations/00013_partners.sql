-- Who suppliers are to us, what they sign with, and what they said.
-- Locks trading partners for a moment.

-- +goose Up
CREATE TABLE partner_profiles (
    partner_id         text PRIMARY KEY REFERENCES trading_partners ON DELETE CASCADE,
    stage              text NOT NULL DEFAULT 'ACTIVE' CHECK (stage IN ('INVITED', 'REGISTERED', 'KEYS_VERIFIED', 'TESTING', 'CERTIFIED', 'ACTIVE', 'SUSPENDED', 'OFFBOARDED')),
    activated_at       timestamptz,
    reason             text,
    requires_signature boolean NOT NULL DEFAULT false,
    channels           jsonb NOT NULL DEFAULT '[]',
    scopes             text[] NOT NULL DEFAULT '{}',
    cost_per_minute    integer CHECK (cost_per_minute > 0),
    version            integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE partner_profiles IS 'How a partner is onboarded and what it may do. One that the ERP tells and nobody registered has none: it trades by what its tokens say.';

CREATE TABLE partner_keys (
    id          text PRIMARY KEY,
    partner_id  text NOT NULL REFERENCES trading_partners,
    public_key  bytea NOT NULL,
    fingerprint text NOT NULL UNIQUE,
    challenge   text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    verified_at timestamptz,
    valid_from  timestamptz NOT NULL,
    revoked_at  timestamptz,
    reason      text
);
COMMENT ON TABLE partner_keys IS 'Public keys of partners, Ed25519. They are kept for ever, for what was signed with them is.';
CREATE INDEX ON partner_keys (partner_id, created_at DESC);

CREATE TABLE partner_tests (
    partner_id text NOT NULL REFERENCES trading_partners ON DELETE CASCADE,
    document   text NOT NULL,
    passed     boolean NOT NULL,
    detail     text,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partner_id, document)
);
COMMENT ON TABLE partner_tests IS 'The last test document of each kind that a partner sent before it traded.';

CREATE TABLE messages (
    id                 text PRIMARY KEY,
    supplier_id        text NOT NULL REFERENCES trading_partners,
    document           text NOT NULL,
    arrived_at         timestamptz NOT NULL,
    digest             text NOT NULL,
    body               bytea NOT NULL,
    request            jsonb,
    base               text,
    signature          bytea,
    nonce              text,
    key_id             text NOT NULL REFERENCES partner_keys,
    canonical          bytea NOT NULL,
    document_signature text,
    purchase_orders    text[] NOT NULL,
    subject            text,
    operation_id       text,
    audit_id           text NOT NULL,
    awaits_outcome     boolean NOT NULL,
    UNIQUE (key_id, nonce)
);
COMMENT ON TABLE messages IS 'Signed messages of suppliers, byte by byte, with what proves who said them. They are never removed.';
CREATE INDEX ON messages USING gin (purchase_orders);
CREATE INDEX ON messages (subject);
CREATE INDEX ON messages (arrived_at) WHERE awaits_outcome;

CREATE TABLE receipts (
    message_id text NOT NULL REFERENCES messages ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('ARRIVAL', 'OUTCOME')),
    outcome    text NOT NULL CHECK (outcome IN ('ACCEPTED', 'ACCEPTED_WITH_ERRORS', 'REJECTED', 'DUPLICATE')),
    issued_at  timestamptz NOT NULL,
    signature  text NOT NULL,
    PRIMARY KEY (message_id, kind)
);
COMMENT ON TABLE receipts IS 'What we signed to suppliers about their messages.';

CREATE TABLE receipt_keys (
    id         text PRIMARY KEY,
    public_key bytea NOT NULL,
    since      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE receipt_keys IS 'Public keys that we sign receipts with, and did.';

-- +goose Down
DROP TABLE receipt_keys, receipts, messages, partner_tests, partner_keys, partner_profiles;
