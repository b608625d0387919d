-- Locks the rows of revocations for as long as it takes to write them anew: they are few.
-- +goose Up
UPDATE revocations SET subject = encode(sha256(convert_to('revocation:' || subject, 'UTF8')), 'hex') WHERE subject <> '';
COMMENT ON COLUMN revocations.subject IS 'The digest of a subject, whose name nobody needs here.';
