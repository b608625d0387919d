package resolvers

import (
	"context"
	"slices"
	"time"

	"portico/graph"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/records"
	"portico/trade"
	"portico/trade/tracking"
)

// Shipment are the resolvers of Shipment.
func (r *Resolver) Shipment() graph.ShipmentResolver { return shipment{r} }

type shipment struct{ *Resolver }

func (r shipment) Status(ctx context.Context, objs []*trade.Shipment, maxAge *time.Duration) ([]trade.ShipmentStatus, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return l.StatusOf(ctx, objs, maxAge)
}

func (r shipment) Orders(ctx context.Context, objs []*trade.Shipment) ([][]*trade.Order, error) {
	return lists(related(ctx, objs, func(o *trade.Shipment) string { return o.ID }, loaders.OrdersInShipments))
}

func (r shipment) PurchaseOrders(ctx context.Context, objs []*trade.Shipment) ([][]*trade.PurchaseOrder, error) {
	return lists(related(ctx, objs, func(o *trade.Shipment) string { return o.ID }, loaders.PurchaseOrdersInTransit))
}

func (r shipment) Packages(ctx context.Context, objs []*trade.Shipment) ([][]*trade.Package, error) {
	return lists(related(ctx, objs, func(o *trade.Shipment) string { return o.ID }, loaders.Packages))
}

func (r shipment) Events(ctx context.Context, objs []*trade.Shipment, first *int, after *string, last *int, before *string,
	classifier []trade.EventClassifier,
) ([]*trade.ShipmentEventConnection, error) {
	return pages(ctx, keysOf(objs, func(o *trade.Shipment) string { return o.ID }),
		func(s trade.Scope) *store.List[trade.ShipmentEvent] { return records.EventList(s, classifier) }, first, after, last, before)
}

func (r shipment) StatusExplanation(ctx context.Context, objs []*trade.Shipment) ([]*tracking.StatusExplanation, error) {
	found, err := related(ctx, objs, func(o *trade.Shipment) string { return o.ID }, loaders.EventsOf)
	if err != nil {
		return nil, err
	}
	packages, err := r.Packages(ctx, objs)
	if err != nil {
		return nil, err
	}
	out := make([]*tracking.StatusExplanation, len(objs))
	for i, events := range found {
		var numbers []int
		for _, p := range packages[i] {
			numbers = append(numbers, p.Number)
		}
		out[i] = tracking.ExplainShipment(plain(events), numbers)
	}
	return out, nil
}

// plain are values of pointers.
func plain[V any](pointers []*V) []V {
	values := make([]V, len(pointers))
	for i, p := range pointers {
		values[i] = *p
	}
	return values
}

func (r shipment) ProofOfDelivery(_ context.Context, objs []*trade.Shipment) ([]*trade.ProofOfDelivery, error) {
	proofs := make([]*trade.ProofOfDelivery, len(objs))
	for i, o := range objs {
		proofs[i] = r.proofOfDelivery(o.Proof)
	}
	return proofs, nil
}

// proofOfDelivery is a proof with a link to its document; nil where there is none.
func (r *Resolver) proofOfDelivery(p *trade.Proof) *trade.ProofOfDelivery {
	if p == nil {
		return nil
	}
	return &trade.ProofOfDelivery{SignedBy: p.SignedBy, DeliveredAt: p.DeliveredAt, Document: r.Links.To(p.Document)}
}

// Package are the resolvers of Package.
func (r *Resolver) Package() graph.PackageResolver { return parcel{r} }

type parcel struct{ *Resolver }

func (r parcel) Lines(ctx context.Context, objs []*trade.Package) ([][]*trade.PackageLine, error) {
	return lists(related(ctx, objs, func(o *trade.Package) string { return records.PackageKey(o.ShipmentID, o.Number) }, loaders.PackageLines))
}

func (r parcel) Events(ctx context.Context, objs []*trade.Package) ([][]*trade.ShipmentEvent, error) {
	found, err := related(ctx, objs, func(o *trade.Package) string { return o.ShipmentID }, loaders.EventsOf)
	if err != nil {
		return nil, err
	}
	events := make([][]*trade.ShipmentEvent, len(objs))
	for i, of := range found {
		events[i] = []*trade.ShipmentEvent{}
		for _, e := range slices.Backward(of) { // which are read latest first
			if e.Packages == nil || slices.Contains(e.Packages, objs[i].Number) {
				events[i] = append(events[i], e)
			}
		}
	}
	return events, nil
}

func (r parcel) ProofOfDelivery(_ context.Context, objs []*trade.Package) ([]*trade.ProofOfDelivery, error) {
	proofs := make([]*trade.ProofOfDelivery, len(objs))
	for i, o := range objs {
		proofs[i] = r.proofOfDelivery(o.Proof)
	}
	return proofs, nil
}

// PackageLine are the resolvers of PackageLine.
func (r *Resolver) PackageLine() graph.PackageLineResolver { return packageLine{r} }

type packageLine struct{ *Resolver }

func (r packageLine) OrderLine(ctx context.Context, objs []*trade.PackageLine) ([]*trade.OrderLine, error) {
	return related(ctx, objs, func(o *trade.PackageLine) string { return o.OrderLineID }, loaders.OrderLines)
}

func (r packageLine) PurchaseOrderLine(ctx context.Context, objs []*trade.PackageLine) ([]*trade.PurchaseOrderLine, error) {
	return related(ctx, objs, func(o *trade.PackageLine) string { return o.PurchaseOrderLineID }, loaders.PurchaseOrderLines)
}

// ShipmentEvent are the resolvers of ShipmentEvent.
func (r *Resolver) ShipmentEvent() graph.ShipmentEventResolver { return shipmentEvent{r} }

type shipmentEvent struct{ *Resolver }

func (r shipmentEvent) Corrects(ctx context.Context, objs []*trade.ShipmentEvent) ([]*trade.ShipmentEvent, error) {
	return corrections(ctx, objs, func(c tracking.Correction) *trade.ShipmentEvent { return c.Corrects })
}

func (r shipmentEvent) CorrectedBy(ctx context.Context, objs []*trade.ShipmentEvent) ([]*trade.ShipmentEvent, error) {
	return corrections(ctx, objs, func(c tracking.Correction) *trade.ShipmentEvent { return c.By })
}

func corrections(ctx context.Context, objs []*trade.ShipmentEvent,
	which func(tracking.Correction) *trade.ShipmentEvent,
) ([]*trade.ShipmentEvent, error) {
	found, err := related(ctx, objs, func(o *trade.ShipmentEvent) string { return o.ShipmentID }, loaders.EventsOf)
	if err != nil {
		return nil, err
	}
	out, of := make([]*trade.ShipmentEvent, len(objs)), map[string]map[string]tracking.Correction{}
	for i, o := range objs {
		if of[o.ShipmentID] == nil {
			of[o.ShipmentID] = tracking.Corrections(plain(found[i]))
		}
		out[i] = which(of[o.ShipmentID][o.Key])
	}
	return out, nil
}

func (r shipmentEvent) Package(ctx context.Context, objs []*trade.ShipmentEvent) ([]*trade.Package, error) {
	found, err := related(ctx, objs, func(o *trade.ShipmentEvent) string {
		if o.PackageNumber == nil {
			return ""
		}
		return o.ShipmentID
	}, loaders.Packages)
	packages := make([]*trade.Package, len(objs))
	for i, of := range found {
		for _, p := range of {
			if n := objs[i].PackageNumber; n != nil && p.Number == *n {
				packages[i] = p
			}
		}
	}
	return packages, err
}
