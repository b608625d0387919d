-- What systems report is a fact, also where it is not as it should be: stock below zero, more shipped than was ordered.
-- A rule here guards what Portico computes itself.

-- +goose Up
SET LOCAL lock_timeout = '5s';

ALTER TABLE stock DROP CONSTRAINT stock_on_hand_check, DROP CONSTRAINT stock_allocated_check, DROP CONSTRAINT stock_safety_stock_check;
ALTER TABLE order_lines DROP CONSTRAINT order_lines_check, DROP CONSTRAINT order_lines_check1,
    DROP CONSTRAINT order_lines_confirmed_check, DROP CONSTRAINT order_lines_allocated_check, DROP CONSTRAINT order_lines_backordered_check,
    DROP CONSTRAINT order_lines_shipped_check, DROP CONSTRAINT order_lines_delivered_check, DROP CONSTRAINT order_lines_invoiced_check,
    DROP CONSTRAINT order_lines_cancelled_check, DROP CONSTRAINT order_lines_returned_check;
ALTER TABLE purchase_orders DROP CONSTRAINT purchase_orders_revision_check;
ALTER TABLE purchase_order_lines DROP CONSTRAINT purchase_order_lines_acknowledged_check,
    DROP CONSTRAINT purchase_order_lines_shipped_check, DROP CONSTRAINT purchase_order_lines_received_check,
    DROP CONSTRAINT purchase_order_lines_cancelled_check;
ALTER TABLE return_lines DROP CONSTRAINT return_lines_quantity_check, DROP CONSTRAINT return_lines_received_check;
ALTER TABLE contracts DROP CONSTRAINT contracts_check;
ALTER TABLE item_units DROP CONSTRAINT item_units_check, DROP CONSTRAINT item_units_minimum_check;

-- +goose Down
SET LOCAL lock_timeout = '5s';

ALTER TABLE stock ADD CONSTRAINT stock_on_hand_check CHECK (on_hand >= 0) NOT VALID,
    ADD CONSTRAINT stock_allocated_check CHECK (allocated >= 0) NOT VALID,
    ADD CONSTRAINT stock_safety_stock_check CHECK (safety_stock >= 0) NOT VALID;
ALTER TABLE order_lines ADD CONSTRAINT order_lines_check CHECK (cancelled + shipped <= ordered) NOT VALID,
    ADD CONSTRAINT order_lines_check1 CHECK (backordered <= ordered - cancelled - shipped) NOT VALID,
    ADD CONSTRAINT order_lines_confirmed_check CHECK (confirmed >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_allocated_check CHECK (allocated >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_backordered_check CHECK (backordered >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_shipped_check CHECK (shipped >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_delivered_check CHECK (delivered >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_invoiced_check CHECK (invoiced >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_cancelled_check CHECK (cancelled >= 0) NOT VALID,
    ADD CONSTRAINT order_lines_returned_check CHECK (returned >= 0) NOT VALID;
ALTER TABLE purchase_orders ADD CONSTRAINT purchase_orders_revision_check CHECK (revision > 0) NOT VALID;
ALTER TABLE purchase_order_lines ADD CONSTRAINT purchase_order_lines_acknowledged_check CHECK (acknowledged >= 0) NOT VALID,
    ADD CONSTRAINT purchase_order_lines_shipped_check CHECK (shipped >= 0) NOT VALID,
    ADD CONSTRAINT purchase_order_lines_received_check CHECK (received >= 0) NOT VALID,
    ADD CONSTRAINT purchase_order_lines_cancelled_check CHECK (cancelled >= 0) NOT VALID;
ALTER TABLE return_lines ADD CONSTRAINT return_lines_quantity_check CHECK (quantity > 0) NOT VALID,
    ADD CONSTRAINT return_lines_received_check CHECK (received >= 0) NOT VALID;
ALTER TABLE contracts ADD CONSTRAINT contracts_check CHECK (valid_to >= valid_from) NOT VALID;
ALTER TABLE item_units ADD CONSTRAINT item_units_check CHECK (maximum >= minimum) NOT VALID,
    ADD CONSTRAINT item_units_minimum_check CHECK (minimum > 0) NOT VALID;
