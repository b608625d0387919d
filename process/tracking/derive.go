package tracking

import (
	"cmp"
	"context"
	"slices"

	"portico/store"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/tracking"
)

// SaveShipments saves shipments as their source reports them, and derives anew where those stand that have events, and what was
// delivered of the orders in them, for their packages may be others now.
func SaveShipments(ctx context.Context, tx *store.Tx, records []trade.Shipment) ([]operating.RejectedRecord, error) {
	rejected, err := replication.SaveShipments(ctx, tx, records)
	if err != nil || len(records) == 0 {
		return rejected, err
	}
	numbers := make([]string, len(records))
	for i := range records {
		numbers[i] = records[i].Number
	}
	ids, tracked, err := replication.ShipmentsByNumber(ctx, tx, numbers)
	if err != nil {
		return rejected, err
	}
	if len(tracked) > 0 {
		if _, err := derive(ctx, tx, tracked, nil, nil); err != nil {
			return rejected, err
		}
	}
	return rejected, replication.DeriveDeliveredIn(ctx, tx, ids)
}

// proof is a document that proves a delivery: of the packages that are named, or of the whole shipment.
type proof struct {
	shipment string
	units    []trade.Identifier
	document trade.DocumentRef
}

// derive derives where shipments and their packages stand from all their events, and saves it. Something new is filed of those
// that changed. The shipments are held. Those are returned of which other packages are delivered now than before.
func derive(ctx context.Context, tx *store.Tx, shipments []string, proofs []proof, changed []string) (delivered []string, err error) {
	events, units, err := replication.EventsOfShipments(ctx, tx, shipments)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	for _, p := range proofs {
		if u := units[p.shipment]; u != nil {
			p.proves(u)
		}
	}
	states := make([]replication.ShipmentState, 0, len(events))
	for id, of := range events {
		s := replication.ShipmentState{ID: id}
		for i := range of {
			if of[i].Packages = units[id].Moved(of[i].Units); of[i].Units != nil {
				s.Moves = append(s.Moves, replication.Move{Key: of[i].Key, Packages: of[i].Packages})
			}
		}
		s.State, s.Packages = tracking.Derive(of, units[id])
		states = append(states, s)
		for i, p := range s.Packages {
			if (p.Status == trade.Delivered) != units[id].Packages[i].Delivered {
				delivered = append(delivered, id)
				break
			}
		}
	}
	slices.SortFunc(states, func(a, b replication.ShipmentState) int { return cmp.Compare(a.ID, b.ID) })
	return delivered, replication.SaveShipmentStates(ctx, tx, states, changed)
}

// proves puts the document beside the packages whose delivery it proves.
func (p *proof) proves(u *tracking.Units) {
	moved := u.Moved(p.units)
	if moved == nil {
		u.Document = &p.document
	}
	for i := range u.Packages {
		if moved == nil || slices.Contains(moved, u.Packages[i].Number) {
			u.Packages[i].Document = &p.document
		}
	}
}
