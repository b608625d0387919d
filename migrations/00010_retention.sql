-- +goose Up
CREATE INDEX ON spent_keys (spent_at);

-- +goose Down
DROP INDEX spent_keys_spent_at_idx;
