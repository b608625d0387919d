-- +goose Up
-- The carrier that was told of a shipment's tracking number; none when the number is another now.
ALTER TABLE shipments ADD registered_with text;
CREATE INDEX shipments_to_register ON shipments (created_at) WHERE direction = 'OUTBOUND' AND tracking_number <> '' AND registered_with IS NULL;

-- +goose Down
ALTER TABLE shipments DROP registered_with;
