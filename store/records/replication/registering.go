package replication

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

// ShipmentsToRegister are outbound shipments with a tracking number of theirs or of a package of theirs that no carrier has
// been told of, oldest first, at most limit of each.
func ShipmentsToRegister(ctx context.Context, s *store.Store, limit int) ([]trade.Consignment, error) {
	const query = `
		(SELECT id AS shipment_id, tracking_number, origin, destination FROM shipments
			WHERE direction = 'OUTBOUND' AND tracking_number <> '' AND registered_with IS NULL ORDER BY created_at LIMIT $1)
		UNION ALL (SELECT s.id, p.tracking_number, s.origin, s.destination FROM packages p JOIN shipments s ON s.id = p.shipment_id
			WHERE s.direction = 'OUTBOUND' AND p.tracking_number <> s.tracking_number AND p.tracking_number <> '' AND p.registered_with IS NULL
			AND s.status NOT IN ('DELIVERED', 'RETURNED', 'CANCELLED') ORDER BY s.created_at, p.number LIMIT $1)`
	var rows []trade.Consignment
	if err := s.Select(ctx, &rows, query, limit); err != nil {
		return nil, fmt.Errorf("shipments to register: %w", err)
	}
	return rows, nil
}

// MarkRegistered notes that carrier was told of shipments, under the numbers that it was told:
// one that has another number by now is told again.
func MarkRegistered(ctx context.Context, tx *store.Tx, carrier string, registered []trade.Consignment) error {
	ids, numbers := make([]string, len(registered)), make([]string, len(registered))
	for i, c := range registered {
		ids[i], numbers[i] = c.ShipmentID, c.TrackingNumber
	}
	const query = `
		WITH t AS (SELECT * FROM unnest($2::text[], $3::text[]) t(id, number)),
		p AS (UPDATE packages p SET registered_with = $1 FROM t WHERE p.shipment_id = t.id AND p.tracking_number = t.number)
		UPDATE shipments s SET registered_with = $1 FROM t WHERE s.id = t.id AND s.tracking_number = t.number`
	if _, err := tx.Exec(ctx, query, carrier, pq.Array(ids), pq.Array(numbers)); err != nil {
		return fmt.Errorf("registered shipments: %w", err)
	}
	return nil
}
