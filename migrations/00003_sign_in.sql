-- Locks nothing that is read: the tables are new.
-- +goose Up
CREATE TABLE revocations (
    token      text NOT NULL,
    subject    text NOT NULL,
    revoked_at timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    PRIMARY KEY (token, subject),
    CHECK ((token = '') <> (subject = ''))
);
COMMENT ON TABLE revocations IS 'Sign-ins that were ended before their time: one token, or all of a subject up to a moment.';

CREATE TABLE tickets (
    digest     bytea PRIMARY KEY,
    sealed     bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE tickets IS 'One-use sign-ins of browsers'' EventSource, sealed with a key that only the ticket holds.';
