package ordering

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

const (
	promiseHolds     = 5 * time.Minute
	mostPromiseLines = 20
)

// Supply is what there is of an item and what is on its way, in its base unit.
type Supply struct {
	Item    *trade.Item
	Stock   []*trade.Stock
	Inbound []trade.InboundSupply
}

// SupplyOf is an item's supply.
func SupplyOf(item *trade.Item, stock []*trade.Stock, inbound []*trade.InboundSupply) Supply {
	s := Supply{Item: item, Stock: stock}
	for _, in := range inbound {
		s.Inbound = append(s.Inbound, *in)
	}
	return s
}

// Demand is what a promise is wanted for. Each is how many of the item's base unit
// one unit of Quantity is. The warehouse of ShipTo is preferred.
type Demand struct {
	Quantity        trade.Quantity
	Each            udecimal.Decimal
	ShipTo          *trade.AccountLocation // nil for a one-time address in Country
	Country         string
	Wished          *trade.Date
	AllowPartial    bool
	AllowSubstitute bool
}

// transitDays are the working days on the road: within a country, and across a
// border.
const (
	transitDays       = 1
	transitDaysAbroad = 3
)

// Promise says when a demand could be met from what there is now and what is on its
// way, then from substitutes, best first. Whole units are promised, and nothing is
// reserved.
func Promise(d Demand, of Supply, substitutes []Supply, warehouses map[string]*trade.Warehouse, now time.Time) *trade.OrderPromise {
	p := &promising{demand: d, warehouses: warehouses, now: now, left: d.Quantity.Value}
	p.result = trade.OrderPromise{
		ItemID: of.Item.ID, Requested: d.Quantity, Lines: []trade.PromiseLine{}, Reasons: []trade.PromiseReason{},
		ExpiresAt: now.Add(promiseHolds),
	}
	p.take(of, "")
	if d.AllowSubstitute {
		for _, s := range substitutes {
			if p.left.IsPos() && s.Item.BaseUnit == of.Item.BaseUnit {
				p.take(s, s.Item.ID)
			}
		}
	}
	if !d.AllowPartial {
		p.together()
	}
	p.result.Unpromised = trade.Quantity{Value: p.left, Unit: d.Quantity.Unit}
	return &p.result
}

type promising struct {
	demand     Demand
	warehouses map[string]*trade.Warehouse
	now        time.Time
	left       udecimal.Decimal
	result     trade.OrderPromise
}

func (p *promising) because(code trade.PromiseReasonCode, day *trade.Date, quantity *trade.Quantity, from *trade.Provenance, format string,
	args ...any,
) {
	text := fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(p.result.Reasons, func(r trade.PromiseReason) bool { return r.Code == code && r.Message == text }) {
		p.result.Reasons = append(p.result.Reasons,
			trade.PromiseReason{Code: code, Message: text, Date: day, Quantity: quantity, Provenance: from})
	}
}

// take promises what a supply gives: stock of the preferred warehouse, of the
// others, and then what comes, soonest first.
func (p *promising) take(s Supply, substitute string) {
	if substitute != "" {
		p.because(trade.BySubstitution, nil, nil, nil, "%s comes instead.", s.Item.SKU)
	}
	preferred := ""
	if p.demand.ShipTo != nil {
		preferred = p.demand.ShipTo.WarehouseRef.ID
	}
	stock := slices.Clone(s.Stock)
	slices.SortStableFunc(stock, func(a, b *trade.Stock) int {
		return cmp.Compare(boolRank(a.WarehouseRef.ID != preferred), boolRank(b.WarehouseRef.ID != preferred))
	})
	for _, x := range stock {
		switch {
		case x.Provenance.UnreadSince != nil:
			p.because(trade.ByStaleSource, nil, nil, &x.Provenance, "Stock is as last known: a newer figure could not be read.")
		case x.Provenance.Stale:
			p.because(trade.ByStaleSource, nil, nil, &x.Provenance, "Stock is as last known, %s ago.", x.Provenance.Age.Round(time.Second))
		}
		if x.Allocated.IsPos() {
			p.because(trade.ByAllocation, nil, &trade.Quantity{Value: x.Allocated, Unit: s.Item.BaseUnit}, &x.Provenance,
				"Allocated to others in %s.", p.code(x.WarehouseRef.ID))
		}
		if x.SafetyStock.IsPos() {
			p.because(trade.BySafetyStock, nil, &trade.Quantity{Value: x.SafetyStock, Unit: s.Item.BaseUnit}, &x.Provenance, "Kept back in %s.",
				p.code(x.WarehouseRef.ID))
		}
		today, missed := p.today(x.WarehouseRef.ID)
		if got := p.promise(x.Available(), x.WarehouseRef.ID, today, trade.SupplyOnHand, substitute); got {
			p.because(trade.ByStock, nil, &trade.Quantity{Value: x.Available(), Unit: s.Item.BaseUnit}, &x.Provenance, "On hand in %s.",
				p.code(x.WarehouseRef.ID))
			if missed {
				p.because(trade.ByCutoff, &today, nil, nil, "Past today's cutoff of %s.", p.code(x.WarehouseRef.ID))
			}
		}
	}
	inbound := slices.Clone(s.Inbound)
	slices.SortStableFunc(inbound, func(a, b trade.InboundSupply) int { return a.ExpectedOn.Compare(b.ExpectedOn) })
	for _, in := range inbound {
		arrives, today := in.ExpectedOn, trade.DateOf(p.now, p.warehouses[in.WarehouseRef.ID].Zone())
		if !today.Before(arrives) {
			p.because(trade.ByLateInbound, &in.ExpectedOn, &in.Quantity, nil, "A purchase expected on %s has not come.", in.ExpectedOn)
			arrives = today
		}
		if p.promise(in.Quantity.Value, in.WarehouseRef.ID, arrives.AddDays(1), in.Certainty, substitute) {
			p.because(trade.ByInbound, &in.ExpectedOn, &in.Quantity, nil, "A purchase is expected on %s.", in.ExpectedOn)
		}
	}
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *promising) code(warehouse string) string {
	if w := p.warehouses[warehouse]; w != nil {
		return w.Code
	}
	return "another warehouse"
}

// today is the first day on which a warehouse can ship: not today once its cutoff
// is past, in its own zone.
func (p *promising) today(warehouse string) (day trade.Date, missed bool) {
	w := p.warehouses[warehouse]
	here := p.now.In(w.Zone())
	day = trade.DateOf(here, here.Location())
	if w != nil && w.Cutoff != nil && here.Format("15:04") >= *w.Cutoff && trade.WorkingDay(day) {
		return day.AddDays(1), true
	}
	return day, false
}

// promise promises whole units of what is there in a warehouse from a day on.
func (p *promising) promise(base udecimal.Decimal, warehouse string, from trade.Date, certainty trade.SupplyCertainty,
	substitute string,
) bool {
	each := p.demand.Each
	if !each.IsPos() || len(p.result.Lines) == mostPromiseLines {
		return false
	}
	units, err := base.Div(each)
	if err != nil {
		return false
	}
	if units = udecimal.Min(units.Trunc(0), p.left); !units.IsPos() {
		return false
	}
	ship, delivery := p.days(warehouse, from)
	p.result.Lines = append(p.result.Lines, trade.PromiseLine{
		Quantity: trade.Quantity{Value: units, Unit: p.demand.Quantity.Unit}, WarehouseID: warehouse, PromisedShipDate: ship,
		PromisedDeliveryDate: delivery,
		Certainty:            certainty, SubstituteID: substitute,
	})
	p.left = p.left.Sub(units)
	return true
}

// days are the first day from a day on which a warehouse ships, or a later one if
// the goods are wished for later, and the day on which they arrive.
func (p *promising) days(warehouse string, from trade.Date) (ship, delivery trade.Date) {
	transit := transitDays
	if w := p.warehouses[warehouse]; w != nil && w.Location.Country != nil && p.demand.Country != "" &&
		*w.Location.Country != p.demand.Country {
		transit = transitDaysAbroad
	}
	ship = from
	for !trade.WorkingDay(ship) {
		p.because(trade.ByNonWorkingDay, new(ship), nil, nil, "Nothing is shipped on %s.", ship)
		ship = ship.AddDays(1)
	}
	p.because(trade.ByTransit, nil, nil, nil, "%d working days on the road.", transit)
	delivery = p.received(travel(ship, transit))
	if p.demand.Wished == nil || !delivery.Before(*p.demand.Wished) {
		return ship, delivery
	}
	delivery = p.received(*p.demand.Wished)
	return latestShipping(delivery, transit), delivery
}

// latestShipping is the last working day on which goods can leave to be there on a day: however far away that is, it is
// reckoned back from it.
func latestShipping(delivery trade.Date, transit int) trade.Date {
	day := delivery
	for !trade.WorkingDay(day) {
		day = day.AddDays(-1)
	}
	for transit > 0 {
		if day = day.AddDays(-1); trade.WorkingDay(day) {
			transit--
		}
	}
	return day
}

// received is the first day from a day on which the location takes goods.
func (p *promising) received(day trade.Date) trade.Date {
	for range 60 { // a location that takes nothing for two months takes it then
		if p.takes(day) {
			return day
		}
		p.because(trade.ByNonWorkingDay, new(day), nil, nil, "Nothing is received on %s.", day)
		day = day.AddDays(1)
	}
	return day
}

func (p *promising) takes(day trade.Date) bool {
	at := p.demand.ShipTo
	if at == nil {
		return trade.WorkingDay(day)
	}
	return at.Receives(day)
}

// together makes all parts arrive with the last of them; nothing is promised where
// not all can be.
func (p *promising) together() {
	if p.left.IsPos() {
		p.result.Lines, p.left = []trade.PromiseLine{}, p.demand.Quantity.Value
		return
	}
	var ship, delivery trade.Date
	for _, l := range p.result.Lines {
		if ship.Before(l.PromisedShipDate) {
			ship = l.PromisedShipDate
		}
		if delivery.Before(l.PromisedDeliveryDate) {
			delivery = l.PromisedDeliveryDate
		}
	}
	for i := range p.result.Lines {
		p.result.Lines[i].PromisedShipDate, p.result.Lines[i].PromisedDeliveryDate = ship, delivery
	}
}

func travel(day trade.Date, days int) trade.Date {
	for days > 0 {
		if day = day.AddDays(1); trade.WorkingDay(day) {
			days--
		}
	}
	return day
}
