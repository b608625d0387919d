-- Packages have a state of their own, and events name packages. Adds columns without a default: it locks its tables for a moment.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE shipment_events ADD COLUMN units jsonb, ADD COLUMN packages integer[], ADD COLUMN utc_offset text;
COMMENT ON COLUMN shipment_events.units IS 'Identifiers of packages or pallets that the event names; null where it is about the whole shipment.';
COMMENT ON COLUMN shipment_events.packages IS 'Numbers of the packages that it moves, derived from units; null for the whole shipment.';
ALTER TABLE packages ADD COLUMN eta jsonb, ADD COLUMN exception jsonb, ADD COLUMN proof jsonb, ADD COLUMN registered_with text;
COMMENT ON COLUMN packages.registered_with IS 'Carrier that was told to follow its tracking number.';
CREATE INDEX ON handling_units (sscc);
CREATE INDEX ON despatch_advices (number);
CREATE INDEX ON despatch_advices USING gin (refs jsonb_path_ops);
ALTER TABLE inbound_deliveries ADD COLUMN unused text[];
COMMENT ON COLUMN inbound_deliveries.unused IS 'Paths of values that were read and not used.';

-- +goose Down
ALTER TABLE inbound_deliveries DROP COLUMN unused;
DROP INDEX handling_units_sscc_idx, despatch_advices_number_idx, despatch_advices_refs_idx;
ALTER TABLE packages DROP COLUMN eta, DROP COLUMN exception, DROP COLUMN proof, DROP COLUMN registered_with;
ALTER TABLE shipment_events DROP COLUMN units, DROP COLUMN packages, DROP COLUMN utc_offset;
