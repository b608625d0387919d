package replication

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

// ShipmentsToRegister are outbound shipments with a tracking number that carrier has not
// been told of, oldest first, at most limit.
func ShipmentsToRegister(ctx context.Context, s *store.Store, limit int) ([]trade.Consignment, error) {
	const query = `
		SELECT id AS shipment_id, tracking_number, origin, destination FROM shipments
		WHERE direction = 'OUTBOUND' AND tracking_number <> '' AND registered_with IS NULL ORDER BY created_at LIMIT $1`
	var rows []trade.Consignment
	if err := s.Select(ctx, &rows, query, limit); err != nil {
		return nil, fmt.Errorf("shipments to register: %w", err)
	}
	return rows, nil
}

// MarkRegistered notes that carrier was told of shipments, under the numbers that it was told:
// one that has another number by now is told again.
func MarkRegistered(ctx context.Context, tx *store.Tx, carrier string, told []trade.Consignment) error {
	ids, numbers := make([]string, len(told)), make([]string, len(told))
	for i, c := range told {
		ids[i], numbers[i] = c.ShipmentID, c.TrackingNumber
	}
	const query = `UPDATE shipments s SET registered_with = $1 FROM unnest($2::text[], $3::text[]) t(id, number) WHERE s.id = t.id
		AND s.tracking_number = t.number`
	if _, err := tx.Exec(ctx, query, carrier, pq.Array(ids), pq.Array(numbers)); err != nil {
		return fmt.Errorf("registered shipments: %w", err)
	}
	return nil
}
