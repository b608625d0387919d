-- Fields of sources' records that nothing uses are listed instead of dropped in silence.

-- +goose Up
CREATE TABLE unused_fields (
    instance      text NOT NULL,
    subject       text NOT NULL,
    path          text NOT NULL,
    source_ref    text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (instance, subject, path)
);
COMMENT ON TABLE unused_fields IS 'Fields of records that a source reports and that are used for nothing.';
COMMENT ON COLUMN unused_fields.path IS 'In the record of the source, with # for the elements of a list.';
COMMENT ON COLUMN unused_fields.source_ref IS 'A record that had it.';
COMMENT ON COLUMN unused_fields.last_seen_at IS 'To the hour; a field is removed 30 days later.';

-- +goose Down
DROP TABLE unused_fields;
