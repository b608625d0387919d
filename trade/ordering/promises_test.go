package ordering

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/trade"
)

func TestAPromiseSaysWhenAndWhy(t *testing.T) {
	nl, be, zone, cutoff := "NL", "BE", "Europe/Amsterdam", "15:30"
	warehouses := map[string]*trade.Warehouse{
		"near": {ID: "near", Code: "RTM", Location: trade.Location{Country: &nl, TimeZone: &zone}, Cutoff: &cutoff},
		"far":  {ID: "far", Code: "ANR", Location: trade.Location{Country: &be, TimeZone: &zone}},
	}
	item := &trade.Item{ID: "i", SKU: "S", BaseUnit: "EA", Status: trade.ItemActive}
	other := &trade.Item{ID: "o", SKU: "O", BaseUnit: "EA", Status: trade.ItemActive}
	stock := func(where, have string) *trade.Stock {
		return &trade.Stock{WarehouseRef: trade.Ref{ID: where}, OnHand: dec(have)}
	}
	home := &trade.AccountLocation{
		Roles: []trade.LocationRole{trade.ShipTo}, WarehouseRef: trade.Ref{ID: "near"},
		Address: trade.Address{Country: "NL"},
	}
	type test struct {
		demand      Demand
		supply      Supply
		substitutes []Supply
		now         time.Time
		want        string // quantity warehouse ship delivery certainty, each; then what is not promised
		because     []trade.PromiseReasonCode
	}
	base := Demand{Quantity: pieces("10", "EA"), Each: dec("1"), ShipTo: home, Country: "NL", AllowPartial: true}
	with := func(change func(*Demand)) Demand { d := base; change(&d); return d }
	for name, c := range map[string]test{
		"from stock nearby": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{stock("far", "50"), stock("near", "50")}},
			nil, noon,
			"10 near 03-04 03-05 ON_HAND; 0",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock},
		},
		"after the cutoff": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "50")}},
			nil, noon.Add(4 * time.Hour),
			"10 near 03-05 03-06 ON_HAND; 0",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock, trade.ByCutoff},
		},
		"in the evening of a Friday": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "50")}},
			nil, noon.Add(52 * time.Hour), "10 near 03-09 03-10 ON_HAND; 0",
			[]trade.PromiseReasonCode{trade.ByNonWorkingDay, trade.ByNonWorkingDay, trade.ByTransit, trade.ByStock, trade.ByCutoff},
		},
		"across a border": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{stock("far", "50")}},
			nil, noon, "10 far 03-04 03-09 ON_HAND; 0",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock},
		},
		"from both": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "4"), stock("far", "50")}},
			nil, noon,
			"4 near 03-04 03-05 ON_HAND; 6 far 03-04 03-09 ON_HAND; 0",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock, trade.ByTransit, trade.ByStock},
		},
		"all of it at a time": {
			with(func(d *Demand) { d.AllowPartial = false }),
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "4"), stock("far", "50")}},
			nil, noon,
			"4 near 03-04 03-09 ON_HAND; 6 far 03-04 03-09 ON_HAND; 0",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock, trade.ByTransit, trade.ByStock},
		},
		"not all, so nothing": {
			with(func(d *Demand) { d.AllowPartial = false }),
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "4")}},
			nil, noon, "10",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock},
		},
		"some comes": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "4")}, Inbound: []trade.InboundSupply{
				{ExpectedOn: *day("2026-03-20"), Quantity: pieces("100", "EA"), Certainty: trade.SupplyOrdered, WarehouseRef: trade.Ref{ID: "near"}},
				{ExpectedOn: *day("2026-03-12"), Quantity: pieces("5", "EA"), Certainty: trade.SupplyShipped, WarehouseRef: trade.Ref{ID: "near"}},
			}},
			nil, noon, "4 near 03-04 03-05 ON_HAND; 5 near 03-13 03-16 SHIPPED; 1 near 03-23 03-24 ORDERED; 0",
			[]trade.PromiseReasonCode{
				trade.ByTransit, trade.ByStock, trade.ByInbound, trade.ByNonWorkingDay, trade.ByNonWorkingDay,
				trade.ByInbound,
			},
		},
		"what should be there already": {
			base,
			Supply{Item: item, Inbound: []trade.InboundSupply{{
				ExpectedOn: *day("2026-03-01"), Quantity: pieces("100", "EA"),
				Certainty: trade.SupplyOrdered, WarehouseRef: trade.Ref{ID: "near"},
			}}},
			nil, noon, "10 near 03-05 03-06 ORDERED; 0",
			[]trade.PromiseReasonCode{trade.ByLateInbound, trade.ByTransit, trade.ByInbound},
		},
		"nothing there": {base, Supply{Item: item}, nil, noon, "10", nil},
		"whole cases": {
			with(func(d *Demand) { d.Quantity, d.Each = pieces("3", "CS"), dec("12") }),
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "30")}},
			nil, noon, "2 near 03-04 03-05 ON_HAND; 1",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock},
		},
		"an item instead": {
			with(func(d *Demand) { d.AllowSubstitute = true }),
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "4")}},
			[]Supply{{Item: other, Stock: []*trade.Stock{stock("near", "50")}}},
			noon, "4 near 03-04 03-05 ON_HAND; 6 near 03-04 03-05 ON_HAND instead; 0",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock, trade.BySubstitution},
		},
		"none instead unless": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "4")}},
			[]Supply{{Item: other, Stock: []*trade.Stock{stock("near", "50")}}},
			noon, "4 near 03-04 03-05 ON_HAND; 6",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock},
		},
		"on the day wished for": {
			with(func(d *Demand) { d.Wished = day("2026-03-18") }),
			Supply{Item: item, Stock: []*trade.Stock{stock("near", "50")}},
			nil, noon, "10 near 03-17 03-18 ON_HAND; 0",
			[]trade.PromiseReasonCode{trade.ByTransit, trade.ByStock},
		},
		"on the receiver's days": {with(func(d *Demand) {
			x := *home
			x.DeliveryDays, x.ClosedOn = []trade.Weekday{"FRIDAY"}, []trade.Date{*day("2026-03-06")}
			d.ShipTo = &x
		}), Supply{Item: item, Stock: []*trade.Stock{stock("near", "50")}}, nil, noon, "10 near 03-04 03-13 ON_HAND; 0", nil},
		"less what others have": {
			base,
			Supply{Item: item, Stock: []*trade.Stock{{
				WarehouseRef: trade.Ref{ID: "near"}, OnHand: dec("20"), Allocated: dec("8"),
				SafetyStock: dec("5"),
			}}},
			nil, noon, "7 near 03-04 03-05 ON_HAND; 3",
			[]trade.PromiseReasonCode{trade.ByAllocation, trade.BySafetyStock, trade.ByTransit, trade.ByStock},
		},
	} {
		p := Promise(c.demand, c.supply, c.substitutes, warehouses, c.now)
		var parts []string
		for _, l := range p.Lines {
			part := fmt.Sprintf("%s %s %s %s %s", l.Quantity.Value, l.WarehouseID, l.PromisedShipDate.String()[5:],
				l.PromisedDeliveryDate.String()[5:], l.Certainty)
			if l.SubstituteID != "" {
				part += " instead"
			}
			parts = append(parts, part)
		}
		got := strings.Join(append(parts, p.Unpromised.Value.String()), "; ")
		var because []trade.PromiseReasonCode
		for _, r := range p.Reasons {
			because = append(because, r.Code)
		}
		if got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
		if c.because != nil && !slices.Equal(because, c.because) {
			t.Errorf("%s: because of %v, want %v", name, because, c.because)
		}
	}
}
