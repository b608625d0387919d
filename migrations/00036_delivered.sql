-- How much of an order was delivered is what its source says, or what carriers report of its packages where that is more. What the source
-- says stays beside it. Adds columns without a default: it locks its tables for a moment.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE orders ADD COLUMN source_status text;
ALTER TABLE order_lines ADD COLUMN source_status text, ADD COLUMN source_delivered numeric(18,6);
COMMENT ON COLUMN orders.source_status IS 'Status by what the source says, where carriers report more delivered; null elsewhere.';
COMMENT ON COLUMN order_lines.source_status IS 'Status by what the source says, where carriers report more of the order; null elsewhere.';
COMMENT ON COLUMN order_lines.source_delivered IS 'Delivered by what the source says, where carriers report more; null elsewhere.';

-- +goose Down
UPDATE orders SET status = source_status WHERE source_status IS NOT NULL;
UPDATE order_lines SET status = coalesce(source_status, status), delivered = coalesce(source_delivered, delivered)
    WHERE source_status IS NOT NULL;
ALTER TABLE orders DROP COLUMN source_status;
ALTER TABLE order_lines DROP COLUMN source_status, DROP COLUMN source_delivered;
