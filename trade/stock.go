package trade

import (
	"cmp"
	"slices"
	"time"

	"github.com/quagmt/udecimal"
)

// Warehouse is a warehouse of the distributor. Cutoff is the local time, such
// as 15:30, before which orders ship the same day.
type Warehouse struct {
	ID         string     `json:"ID"`
	Code       string     `json:"Code"`
	Name       string     `json:"Name"`
	Location   Location   `json:"Location"`
	Cutoff     *string    `json:"Cutoff"`
	Provenance Provenance `json:"Provenance"`
}

// NodeID is the warehouse's global id.
func (w *Warehouse) NodeID() string { return w.ID }

// Zone is the zone in which its days begin: UTC where it names none that is known, or
// where there is no warehouse.
func (w *Warehouse) Zone() *time.Location {
	if w == nil || w.Location.TimeZone == nil {
		return time.UTC
	}
	zone, err := time.LoadLocation(*w.Location.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Stock is what one warehouse holds of one item, in the item's base unit.
type Stock struct {
	ItemRef      Ref              `json:"ItemRef"`
	WarehouseRef Ref              `json:"WarehouseRef"`
	Unit         string           `json:"Unit"`
	OnHand       udecimal.Decimal `json:"OnHand"`
	Allocated    udecimal.Decimal `json:"Allocated"`
	SafetyStock  udecimal.Decimal `json:"SafetyStock"`
	Provenance   Provenance       `json:"Provenance"`
}

// Available is what can be sold now: on hand less allocated less safety
// stock, never negative.
func (s *Stock) Available() udecimal.Decimal {
	reserved, safety := udecimal.Max(s.Allocated, udecimal.Zero), udecimal.Max(s.SafetyStock, udecimal.Zero)
	return udecimal.Max(s.OnHand.Sub(reserved).Sub(safety), udecimal.Zero)
}

// WarehouseStock is the stock of one item in one warehouse as a portal sees
// it.
type WarehouseStock struct {
	*Stock
	OnHand       Quantity
	Allocated    Quantity
	AvailableNow Quantity
}

// From is where the figures came from.
func (w *WarehouseStock) From() *Provenance { return &w.Provenance }

// InboundSupply is supply of one item on its way.
type InboundSupply struct {
	ItemRef      Ref
	ExpectedOn   Date
	Quantity     Quantity
	Certainty    SupplyCertainty
	LineID       string // purchase order line
	WarehouseRef Ref
}

// SupplyCertainty is how sure a supply is.
type SupplyCertainty string

// How sure a supply is, from least to most.
const (
	SupplyPlanned      SupplyCertainty = "PLANNED"
	SupplyOrdered      SupplyCertainty = "ORDERED"
	SupplyAcknowledged SupplyCertainty = "ACKNOWLEDGED"
	SupplyShipped      SupplyCertainty = "SHIPPED"
	SupplyArrived      SupplyCertainty = "ARRIVED"
	SupplyOnHand       SupplyCertainty = "ON_HAND"
)

// StockStatus is stock in one word.
type StockStatus string

// Stock in one word.
const (
	InStock            StockStatus = "IN_STOCK"
	LowStock           StockStatus = "LOW"
	PartialStock       StockStatus = "PARTIAL"
	Backorderable      StockStatus = "BACKORDERABLE"
	OutOfStock         StockStatus = "OUT_OF_STOCK"
	DiscontinuedStock  StockStatus = "DISCONTINUED"
	UnknownStockStatus StockStatus = "UNKNOWN"
)

// AtpBucket is available-to-promise from a day on: what the day adds, and
// what can be promised for it.
type AtpBucket struct {
	From       Date
	Quantity   Quantity
	Cumulative Quantity
}

// Availability is what is in stock of an item and to come.
type Availability struct {
	ItemID       string
	Status       StockStatus
	OnHand       *Quantity
	Allocated    *Quantity
	AvailableNow *Quantity
	Atp          []AtpBucket
	ByWarehouse  []WarehouseStock
	Inbound      []InboundSupply
	Provenance   Provenance

	sums [3]Quantity // what OnHand, Allocated and AvailableNow point to
}

// From is where the oldest of the figures came from.
func (a *Availability) From() *Provenance { return &a.Provenance }

// AvailabilityOf adds up an item's stock.
func AvailabilityOf(item *Item, stock []*Stock) *Availability {
	a := &Availability{ItemID: item.ID, ByWarehouse: make([]WarehouseStock, len(stock)), Inbound: []InboundSupply{}}
	qty := func(d udecimal.Decimal) Quantity { return Quantity{Value: d, Unit: item.BaseUnit} }
	var onHand, allocated, available, safety udecimal.Decimal
	empty := 0
	for i, s := range stock {
		if i == 0 || worse(&s.Provenance, &a.Provenance) {
			a.Provenance = s.Provenance
		}
		free := s.Available()
		onHand, allocated, available = onHand.Add(s.OnHand), allocated.Add(s.Allocated), available.Add(free)
		safety = safety.Add(s.SafetyStock)
		if free.IsZero() {
			empty++
		}
		a.ByWarehouse[i] = WarehouseStock{Stock: s, OnHand: qty(s.OnHand), Allocated: qty(s.Allocated), AvailableNow: qty(free)}
	}
	a.sums = [...]Quantity{qty(onHand), qty(allocated), qty(available)}
	if len(stock) > 0 {
		a.OnHand, a.Allocated, a.AvailableNow = &a.sums[0], &a.sums[1], &a.sums[2]
	}
	a.Status = stockStatus(item.Status, len(stock) > 0, available, safety, empty)
	return a
}

// Expect adds what can be promised from the supply expected until the horizon,
// as of today. Supply already due counts from tomorrow on.
func (a *Availability) Expect(inbound []InboundSupply, today Date, horizon time.Duration) {
	now := a.sums[2]
	end := DateOf(today.Time().Add(horizon), time.UTC)
	a.Atp = append(make([]AtpBucket, 0, 1+len(inbound)), AtpBucket{From: today, Quantity: now, Cumulative: now})
	slices.SortStableFunc(inbound, func(x, y InboundSupply) int {
		return cmp.Or(x.ExpectedOn.Compare(y.ExpectedOn), cmp.Compare(x.LineID, y.LineID))
	})
	total := now.Value
	for _, in := range inbound {
		if !today.Before(in.ExpectedOn) {
			in.ExpectedOn = today.AddDays(1)
		}
		if end.Before(in.ExpectedOn) {
			continue
		}
		a.Inbound = append(a.Inbound, in)
		total = total.Add(in.Quantity.Value)
		if last := &a.Atp[len(a.Atp)-1]; last.From == in.ExpectedOn {
			last.Quantity.Value = last.Quantity.Value.Add(in.Quantity.Value)
			last.Cumulative.Value = total
			continue
		}
		a.Atp = append(a.Atp, AtpBucket{From: in.ExpectedOn, Quantity: in.Quantity, Cumulative: Quantity{Value: total, Unit: now.Unit}})
	}
	a.Inbound = a.Inbound[:min(len(a.Inbound), 50)]
	a.Atp = a.Atp[:min(len(a.Atp), 100)]
}

func stockStatus(life ItemStatus, known bool, available, safety udecimal.Decimal, emptyWarehouses int) StockStatus {
	ended := life == ItemDiscontinued || life == ItemReplaced
	switch {
	case !known && !ended:
		return UnknownStockStatus
	case available.IsZero() && ended:
		return DiscontinuedStock
	case available.IsZero() && life == ItemOnHold:
		return OutOfStock
	case available.IsZero():
		return Backorderable
	case available.LessThanOrEqual(safety):
		return LowStock
	case emptyWarehouses > 0:
		return PartialStock
	}
	return InStock
}

// worse tells whether a says less of the present than b: a newer version of it is unread, or it is older.
func worse(a, b *Provenance) bool {
	if (a.UnreadSince == nil) != (b.UnreadSince == nil) {
		return a.UnreadSince != nil
	}
	if a.AsOf == nil || b.AsOf == nil {
		return a.AsOf != nil || a.ReceivedAt.Before(b.ReceivedAt)
	}
	return a.AsOf.Before(*b.AsOf)
}
