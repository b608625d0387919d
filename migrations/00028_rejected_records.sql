-- +goose Up
SET LOCAL lock_timeout = '5s';

-- Two kinds of records of one source may have the same reference: a customer 1000 and a supplier 1000.
ALTER TABLE rejected_records ADD COLUMN subject text;
COMMENT ON COLUMN rejected_records.subject IS 'The kind of record as Portico calls it; null where it is not one of a page.';

-- +goose Down
ALTER TABLE rejected_records DROP COLUMN subject;
