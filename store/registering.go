package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"portico/trade"
)

// ToRegister are outbound shipments with a tracking number that carrier has not
// been told of, oldest first, at most limit.
func (s *Store) ToRegister(ctx context.Context, limit int) ([]trade.Consignment, error) {
	const query = `
		SELECT id AS shipment_id, tracking_number, origin, destination FROM shipments
		WHERE direction = 'OUTBOUND' AND tracking_number <> '' AND registered_with IS NULL ORDER BY created_at LIMIT $1`
	var rows []trade.Consignment
	if err := s.db.SelectContext(ctx, &rows, query, limit); err != nil {
		return nil, fmt.Errorf("shipments to register: %w", err)
	}
	return rows, nil
}

// Registered notes that carrier was told of shipments.
func (s *Store) Registered(ctx context.Context, tx *sqlx.Tx, carrier string, told []trade.Consignment) error {
	ids := make([]string, len(told))
	for i, c := range told {
		ids[i] = c.ShipmentID
	}
	if _, err := tx.ExecContext(ctx, `UPDATE shipments SET registered_with = $1 WHERE id = ANY($2)`, carrier, pq.Array(ids)); err != nil {
		return fmt.Errorf("registered shipments: %w", err)
	}
	return nil
}
