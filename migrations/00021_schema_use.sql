-- Who asks for what of the schema, so that nothing is taken away that somebody needs.

-- +goose Up
CREATE TABLE schema_use (
    day          date NOT NULL,
    coordinate   text NOT NULL,
    client       text NOT NULL,
    calls        bigint NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (day, coordinate, client)
);
COMMENT ON TABLE schema_use IS 'How often clients asked for elements of the schema, by day.';

-- +goose Down
DROP TABLE schema_use;
