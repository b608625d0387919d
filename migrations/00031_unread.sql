-- Records say that their source has a newer version that could not be read or saved. Adds columns without a default:
-- it locks its tables for a moment.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE warehouses ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE categories ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE trading_partners ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE accounts ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE credit_positions ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE items ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE contracts ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE stock ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE orders ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE purchase_orders ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE shipments ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE invoices ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE returns ADD COLUMN unread_since timestamptz, ADD COLUMN unread_reason text;
ALTER TABLE shipments ADD COLUMN untracked_since timestamptz, ADD COLUMN untracked_reason text;
COMMENT ON COLUMN warehouses.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN categories.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN trading_partners.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN accounts.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN credit_positions.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN items.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN contracts.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN stock.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN orders.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN purchase_orders.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN shipments.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN invoices.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN returns.unread_since IS 'Since when a newer version is known that could not be read or saved; null where none is.';
COMMENT ON COLUMN shipments.untracked_since IS 'Since when its carrier has reported what could not be read; null where nothing is.';

-- What was rejected before is marked, too.
UPDATE warehouses t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'warehouses' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE categories t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'categories' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE trading_partners t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'suppliers' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE accounts t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'accounts' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE credit_positions t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'credit' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE items t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'items' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE contracts t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'contracts' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE stock t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'inventory' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE orders t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'orders' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE purchase_orders t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'purchase_orders' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE shipments t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'shipments' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE invoices t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'invoices' AND r.instance = t.instance AND r.source_ref = t.source_ref;
UPDATE returns t SET unread_since = r.at, unread_reason = r.reason FROM rejected_records r
    WHERE r.subject = 'returns' AND r.instance = t.instance AND r.source_ref = t.source_ref;

-- +goose Down
SET LOCAL lock_timeout = '5s';
ALTER TABLE shipments DROP COLUMN untracked_since, DROP COLUMN untracked_reason;
ALTER TABLE warehouses DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE categories DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE trading_partners DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE accounts DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE credit_positions DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE items DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE contracts DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE stock DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE orders DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE purchase_orders DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE shipments DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE invoices DROP COLUMN unread_since, DROP COLUMN unread_reason;
ALTER TABLE returns DROP COLUMN unread_since, DROP COLUMN unread_reason;
