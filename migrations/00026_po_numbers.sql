-- Customers' purchase order numbers are compared without the spaces around them. The
-- index is made beside running processes, so no table is locked and none rewritten.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS orders_po_number;
CREATE INDEX CONCURRENTLY orders_po_number ON orders (account_id, btrim(customer_po_number));

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS orders_po_number;
