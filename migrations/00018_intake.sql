-- News that other systems push, or are asked for: kept with its bytes before it is answered.

-- +goose Up
ALTER TABLE shipment_events ADD COLUMN corrects text, ADD COLUMN instead text[];
COMMENT ON COLUMN shipment_events.corrects IS 'Key of the event that this one declares wrong; instead are those that are right.';

CREATE TABLE inbound_deliveries (
    id           text PRIMARY KEY DEFAULT 'inb_' || replace(gen_random_uuid()::text, '-', ''),
    instance     text NOT NULL,
    delivery_id  text NOT NULL,
    body         bytea,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    state        text NOT NULL DEFAULT 'RECEIVED' CHECK (state IN ('RECEIVED', 'APPLIED', 'APPLIED_IN_PART', 'WAITING_FOR_SUBJECT', 'DUPLICATE', 'REFUSED', 'PARKED')),
    attempts     integer NOT NULL DEFAULT 0,
    repeats      integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT '-infinity',
    error        text,
    subjects     text[] NOT NULL DEFAULT '{}',
    waits_for    text[],
    UNIQUE (instance, delivery_id)
);
COMMENT ON TABLE inbound_deliveries IS 'What other systems pushed to us, with the bytes as they came. A body is missing where it was refused.';
COMMENT ON COLUMN inbound_deliveries.repeats IS 'How often it came again.';
COMMENT ON COLUMN inbound_deliveries.waits_for IS 'Schemes and values of identifiers of shipments that are not known yet.';
CREATE INDEX inbound_due ON inbound_deliveries (due_at, received_at, id) WHERE state IN ('RECEIVED', 'WAITING_FOR_SUBJECT');
CREATE INDEX inbound_waiting ON inbound_deliveries USING gin (waits_for) WHERE waits_for IS NOT NULL;
CREATE INDEX ON inbound_deliveries (received_at DESC, id DESC);
CREATE INDEX ON inbound_deliveries USING gin (subjects);

-- +goose Down
DROP TABLE inbound_deliveries;
ALTER TABLE shipment_events DROP COLUMN corrects, DROP COLUMN instead;
