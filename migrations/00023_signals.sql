-- What processes tell of themselves, for alerts that no record tells.

-- +goose Up
CREATE TABLE signals (
    process text NOT NULL,
    kind    text NOT NULL,
    subject text NOT NULL,
    value   double precision NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (process, kind, subject)
);
COMMENT ON TABLE signals IS 'What each process that runs says of the last minute, again and again: that it runs, whose requests it refused, what was slow. Rows that are not said again are of a process that is gone.';

-- +goose Down
DROP TABLE signals;
