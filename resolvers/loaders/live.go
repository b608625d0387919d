package loaders

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/graph/execution"
	"portico/sources"
	"portico/store/records"
	"portico/trade"
	"portico/trade/tracking"
)

// StockArgs say what of items' stock is wanted.
type StockArgs struct {
	Warehouses []string // ids; nil is all
	Horizon    time.Duration
	MaxAge     *time.Duration // nil takes the store's figures, however old
}

// AvailabilityOf loads what is in stock of items and to come.
func (l *Loaders) AvailabilityOf(ctx context.Context, items []*trade.Item, args StockArgs) ([]*trade.Availability, error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	stock, err := Stock.in(ctx, l, ids)
	if err != nil {
		return nil, err
	}
	var inbound [][]*trade.InboundSupply
	if reads := execution.Reads(ctx); reads == nil || reads("Availability.atp") || reads("Availability.inbound") {
		if inbound, err = Inbound.in(ctx, l, ids); err != nil {
			return nil, err
		}
	}
	figures := slices.Clone(stock)
	if args.MaxAge != nil {
		if err := l.refresh(ctx, items, figures, *args.MaxAge); err != nil {
			return nil, err
		}
	}
	today := trade.DateOf(time.Now(), time.UTC)
	out := make([]*trade.Availability, len(items))
	for i, item := range items {
		if args.Warehouses != nil {
			figures[i] = slices.DeleteFunc(slices.Clone(figures[i]),
				func(s *trade.Stock) bool { return !slices.Contains(args.Warehouses, s.WarehouseRef.ID) })
		}
		out[i] = trade.AvailabilityOf(item, figures[i])
		if inbound != nil {
			var coming []trade.InboundSupply
			for _, in := range inbound[i] {
				if args.Warehouses == nil || slices.Contains(args.Warehouses, in.WarehouseRef.ID) {
					coming = append(coming, *in)
				}
			}
			out[i].Expect(coming, today, args.Horizon)
		}
		if len(figures[i]) == 0 {
			if out[i].Provenance, err = l.nothingFrom(l.StockFrom()); err != nil { //nolint:contextcheck // it reads memory, or what all share
				return nil, err
			}
		}
	}
	return out, nil
}

// nothingFrom is where it is known from that a source has told nothing: from
// its feed, as of when that was last followed to its end.
func (l *Loaders) nothingFrom(source string) (trade.Provenance, error) {
	now := time.Now()
	p := trade.Provenance{System: l.Sources.KindOf(source), Instance: source, Mode: trade.ODS, ReceivedAt: now}
	confirmed, err := l.Store.Confirmed()
	if err != nil {
		return p, err
	}
	if at, ok := confirmed[p.Instance]; ok {
		p.AsOf, p.ReceivedAt = &at, at
	}
	p.At(now, l.Store.StaleAfter("Availability"))
	return p, nil
}

// refresh asks the source for the figures that are older than maxAge. Where it
// does not answer, or with what cannot be read, the store's stay, marked as what
// they are.
func (l *Loaders) refresh(ctx context.Context, items []*trade.Item, figures [][]*trade.Stock, maxAge time.Duration) error {
	skus := make([]string, len(items))
	for i, item := range items {
		if len(figures[i]) == 0 || slices.ContainsFunc(figures[i], func(s *trade.Stock) bool { return s.Provenance.Age >= maxAge }) {
			skus[i] = item.SKU
		}
	}
	now := time.Now()
	live, err := liveStock.in(ctx, l, skus)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	for i := range items {
		switch {
		case skus[i] == "":
		case err != nil || live[i].unread:
			figures[i] = slices.Clone(figures[i]) // others may have loaded them without a wish for age
			for j, s := range figures[i] {
				kept := *s
				kept.Provenance.Mode = trade.Fallback
				if err == nil && kept.Provenance.UnreadSince == nil { // its source's feed has yet to come to it
					kept.Provenance.UnreadSince, kept.Provenance.Stale = &now, true
				}
				figures[i][j] = &kept
			}
		default:
			if figures[i], err = l.placed(ctx, live[i].figures); err != nil {
				return err
			}
		}
	}
	return nil
}

// placed are live figures with the ids of their warehouses.
func (l *Loaders) placed(ctx context.Context, live []trade.Stock) ([]*trade.Stock, error) {
	codes := make([]string, len(live))
	for i, s := range live {
		codes[i] = s.WarehouseRef.Key
	}
	found, err := WarehousesByCode.in(ctx, l, codes)
	if err != nil {
		return nil, err
	}
	placed := make([]*trade.Stock, 0, len(live))
	for i, w := range found {
		if w != nil {
			s := live[i]
			s.WarehouseRef.ID = w.ID
			s.Provenance.At(time.Now(), l.Store.StaleAfter("Availability"))
			placed = append(placed, &s)
		}
	}
	return placed, nil
}

// StockFrom is the source whose stock the caller is shown.
func (l *Loaders) StockFrom() string { return l.Sources.Showing(sources.OfStock, l.scope.Buyer().Key) }

func (l *Loaders) fetchKeptStock(ctx context.Context, items []string) (map[string][]*trade.Stock, error) {
	return records.Stock(ctx, l.Store, l.scope, items, l.StockFrom())
}

// reportedStock is what a source says of an item's stock now; unread tells that it cannot be read.
type reportedStock struct {
	figures []trade.Stock
	unread  bool
}

func (l *Loaders) fetchStock(ctx context.Context, skus []string) (map[string]reportedStock, error) {
	page, err := sources.StockRecords.Fetch(ctx, l.Sources.At(l.StockFrom()), sources.Query{Refs: skus})
	if err != nil {
		return nil, err
	}
	found := make(map[string]reportedStock, len(skus))
	for _, s := range page.Records {
		of := found[s.ItemRef.Key]
		of.figures = append(of.figures, s)
		found[s.ItemRef.Key] = of
	}
	for _, r := range page.Rejected {
		if r.SourceRef != nil {
			found[*r.SourceRef] = reportedStock{unread: true}
		}
	}
	return found, nil
}

// StatusOf loads where shipments stand. News older than maxAge is asked of the
// carrier; where it does not answer, the store's word stays. nil takes the
// store's word, however old.
func (l *Loaders) StatusOf(ctx context.Context, shipments []*trade.Shipment, maxAge *time.Duration) ([]trade.ShipmentStatus, error) {
	statuses := make([]trade.ShipmentStatus, len(shipments))
	var numbers []string
	parcels := make([][]string, len(shipments)) // by shipment, the numbers to ask for
	for i, s := range shipments {
		statuses[i] = s.Status
		if maxAge != nil && s.Provenance.Age >= *maxAge {
			if parcels[i] = s.ParcelNumbers; len(s.ParcelNumbers) == 0 {
				parcels[i] = []string{s.TrackingNumber}
			}
			numbers = append(numbers, parcels[i]...)
		}
	}
	if maxAge == nil {
		return statuses, nil
	}
	updates, err := liveTracking.in(ctx, l, numbers)
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, err
		}
		return statuses, nil
	}
	for i := range shipments {
		var events [][]trade.ShipmentEvent
		for _, n := range updates[:len(parcels[i])] {
			if n != nil && len(n.Events) > 0 {
				events = append(events, n.Events)
			}
		}
		if updates = updates[len(parcels[i]):]; len(events) > 0 && len(events) == len(parcels[i]) { // half of them say nothing of it
			statuses[i] = tracking.StatusOfPackages(events)
		}
	}
	return statuses, nil
}

func (l *Loaders) fetchTracking(ctx context.Context, numbers []string) (map[string]*trade.Tracking, error) {
	page, err := sources.TrackingRecords.Fetch(ctx, l.Sources, sources.Query{Refs: numbers})
	if err != nil {
		return nil, err
	}
	found := make(map[string]*trade.Tracking, len(numbers))
	for i := range page.Records {
		found[page.Records[i].TrackingNumber] = &page.Records[i]
	}
	return found, nil
}
