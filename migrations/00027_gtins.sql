-- GTIN-8, -12, -13 and -14 are one number with leading zeros: they are looked up as 14
-- digits, whatever the ERP writes. The indexes are made beside running processes.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS items_gtin14;
CREATE INDEX CONCURRENTLY items_gtin14 ON items (lpad(gtin, 14, '0'));
DROP INDEX CONCURRENTLY IF EXISTS item_units_gtin14;
CREATE INDEX CONCURRENTLY item_units_gtin14 ON item_units (lpad(gtin, 14, '0'));

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS items_gtin14;
DROP INDEX CONCURRENTLY IF EXISTS item_units_gtin14;
