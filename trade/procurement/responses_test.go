package procurement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
	"portico/trade/procurement"
)

func dec(s string) udecimal.Decimal { return udecimal.MustParse(s) }

func on(s string) *trade.Date {
	d, err := trade.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return &d
}

func pieces(s string) *trade.Quantity { return &trade.Quantity{Value: dec(s), Unit: "EA"} }

// ordered is a purchase order of two lines: 100 pieces wished on the 10th, and 60 of which
// 40 are wished on the 10th and 20 on the 20th, 10 of them received.
func ordered() *trade.PurchaseOrder {
	sku := "A-1"
	price := &trade.UnitPrice{Price: trade.Money{Amount: dec("50"), Currency: "EUR"}, Per: *pieces("100")}
	none := trade.Quantity{Unit: "EA"}
	return &trade.PurchaseOrder{ID: "pur_1", Number: "4711", Revision: 1, LinesKnown: []trade.PurchaseOrderLine{
		{
			ID: "1", LineNumber: "10", SKU: &sku, UnitPrice: price, Ordered: *pieces("100"), Acknowledged: none, Shipped: none, Received: none,
			Cancelled: none,
			ScheduleKnown: []trade.PurchaseScheduleLine{{
				Quantity: *pieces("100"), RequestedShipDate: on("2030-01-07"),
				RequestedDeliveryDate: on("2030-01-10"),
			}},
		},
		{
			ID: "2", LineNumber: "20", SKU: &sku, UnitPrice: price, Ordered: *pieces("60"), Acknowledged: none, Shipped: none,
			Received: *pieces("10"), Cancelled: none,
			ScheduleKnown: []trade.PurchaseScheduleLine{
				{Quantity: *pieces("40"), RequestedDeliveryDate: on("2030-01-10")},
				{Quantity: *pieces("20"), RequestedDeliveryDate: on("2030-01-20")},
			},
		},
	}}
}

func standard() *trade.ToleranceProfile {
	five, two := dec("5"), dec("2")
	early, late := 5, 2
	return &trade.ToleranceProfile{
		OverQuantityPercent: &five, UnderQuantityPercent: &five, PricePercent: &two, EarlyDays: &early,
		LateDays: &late,
	}
}

type ack = trade.LineAcknowledgment

func TestWhatDiffersIsMeasuredAgainstTheTolerance(t *testing.T) {
	per := func(amount string) *trade.UnitPrice {
		return &trade.UnitPrice{Price: trade.Money{Amount: dec(amount), Currency: "EUR"}, Per: *pieces("100")}
	}
	second := ack{LineID: "2", Status: trade.AckAccepted}
	for name, c := range map[string]struct {
		kind  trade.ResponseKind
		lines []ack
		want  string // deviations as line field delta/limit in, sorted as told
	}{
		"accepted as it is":      {trade.ResponseAccepted, nil, ""},
		"refused as a whole":     {trade.ResponseRejected, nil, "1 QUANTITY -100/5 out, 2 QUANTITY -100/5 out"},
		"as asked, line by line": {trade.ResponseChanged, []ack{{LineID: "1", Status: trade.AckAccepted}, second}, ""},
		"two days late": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckRescheduled, PromisedDeliveryDate: on("2030-01-12")}, second},
			"1 DELIVERY_DATE 2/2 in",
		},
		"three days late": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckRescheduled, PromisedDeliveryDate: on("2030-01-13")}, second},
			"1 DELIVERY_DATE 3/2 out",
		},
		"five days early": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckRescheduled, PromisedDeliveryDate: on("2030-01-05")}, second},
			"1 DELIVERY_DATE -5/5 in",
		},
		"six days early": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckRescheduled, PromisedDeliveryDate: on("2030-01-04")}, second},
			"1 DELIVERY_DATE -6/5 out",
		},
		"the same day": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckRescheduled, PromisedDeliveryDate: on("2030-01-10")}, second},
			"",
		},
		"shipped late": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckRescheduled, PromisedShipDate: on("2030-01-09")}, second},
			"1 SHIP_DATE 2/2 in",
		},
		"shipped late, in time": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckRescheduled, PromisedShipDate: on("2030-01-09"), PromisedDeliveryDate: on("2030-01-10")}, second},
			"",
		},
		"the worse of two parts": {
			trade.ResponseChanged,
			[]ack{
				{LineID: "1", Status: trade.AckAccepted},
				{LineID: "2", Status: trade.AckRescheduled, Quantity: pieces("30"), PromisedDeliveryDate: on("2030-01-10")},
				{LineID: "2", Status: trade.AckRescheduled, Quantity: pieces("20"), PromisedDeliveryDate: on("2030-01-24")},
			},
			"2 DELIVERY_DATE 4/2 out",
		},
		"all with the last part": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckAccepted}, {LineID: "2", Status: trade.AckRescheduled, PromisedDeliveryDate: on("2030-01-20")}},
			"2 DELIVERY_DATE 10/2 out",
		},
		"five percent less": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckQuantityChanged, Quantity: pieces("95")}, second},
			"1 QUANTITY -5/5 in",
		},
		"six percent less": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckQuantityChanged, Quantity: pieces("94")}, second},
			"1 QUANTITY -6/5 out",
		},
		"five percent more": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckQuantityChanged, Quantity: pieces("105")}, second},
			"1 QUANTITY 5/5 in",
		},
		"six percent more": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckQuantityChanged, Quantity: pieces("106")}, second},
			"1 QUANTITY 6/5 out",
		},
		"of what is still open": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckAccepted}, {LineID: "2", Status: trade.AckQuantityChanged, Quantity: pieces("25")}},
			"2 QUANTITY -50/5 out",
		},
		"two percent dearer": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckPriceChanged, UnitPrice: per("51")}, second},
			"1 UNIT_PRICE 2/2 in",
		},
		"a cent more than that": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckPriceChanged, UnitPrice: per("51.01")}, second},
			"1 UNIT_PRICE 2.02/2 out",
		},
		"half the price": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckPriceChanged, UnitPrice: per("25")}, second},
			"1 UNIT_PRICE -50/2 in",
		},
		"the same price by piece": {
			trade.ResponseChanged,
			[]ack{{
				LineID: "1", Status: trade.AckPriceChanged,
				UnitPrice: &trade.UnitPrice{Price: trade.Money{Amount: dec("0.5"), Currency: "EUR"}, Per: *pieces("1")},
			}, second},
			"",
		},
		"a price to come": {trade.ResponseChanged, []ack{{LineID: "1", Status: trade.AckPricePending}, second}, "1 UNIT_PRICE ?/2 out"},
		"a day to come": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckSchedulePending}, second},
			"1 DELIVERY_DATE ?/2 out",
		},
		"part and balance": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckPartial, Quantity: pieces("40")}, second},
			"1 DELIVERY_DATE ?/2 out",
		},
		"balance with a day": {
			trade.ResponseChanged,
			[]ack{
				{LineID: "1", Status: trade.AckAccepted, Quantity: pieces("40")},
				{LineID: "1", Status: trade.AckBackordered, Quantity: pieces("60"), PromisedDeliveryDate: on("2030-01-11")},
				second,
			},
			"1 DELIVERY_DATE 1/2 in",
		},
		"something else": {
			trade.ResponseChanged,
			[]ack{{LineID: "1", Status: trade.AckSubstituted, Substitute: &trade.Identifier{Value: "B-1"}}, second},
			"1 ITEM ?/? out",
		},
		"price, day and item": {
			trade.ResponseChanged,
			[]ack{
				{LineID: "1", Status: trade.AckRescheduled, PromisedDeliveryDate: on("2030-01-13")},
				{LineID: "1", Status: trade.AckPriceChanged, UnitPrice: per("60")},
				{LineID: "1", Status: trade.AckSubstituted, Substitute: &trade.Identifier{Value: "B-1"}},
				second,
			},
			"1 UNIT_PRICE 20/2 out, 1 DELIVERY_DATE 3/2 out, 1 ITEM ?/? out",
		},
		"a line deleted": {trade.ResponseChanged, []ack{{LineID: "1", Status: trade.AckDeleted}, second}, "1 QUANTITY -100/5 out"},
	} {
		var told []string
		for _, d := range procurement.Deviations(procurement.Answers(&trade.ResponseRequest{Kind: c.kind, Lines: c.lines}, ordered()),
			standard()) {
			size := func(v *udecimal.Decimal) string {
				if v == nil {
					return "?"
				}
				return v.String()
			}
			told = append(told, fmt.Sprintf("%s %s %s/%s %s", d.LineID, d.Field, size(d.Delta), size(d.Limit),
				map[bool]string{true: "in", false: "out"}[d.WithinTolerance]))
		}
		if got := strings.Join(told, ", "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
	for _, d := range procurement.Deviations(procurement.Answers(&trade.ResponseRequest{Kind: trade.ResponseRejected}, ordered()),
		&trade.ToleranceProfile{}) {
		if d.WithinTolerance || d.State != trade.DeviationPending {
			t.Error("a profile without limits lets something differ")
		}
	}
}

// FuzzAnswers holds that nothing is made or lost, whatever is acknowledged: what comes of a
// line and what does not is what was said, or what is open.
func FuzzAnswers(f *testing.F) {
	f.Add(uint8(0), int64(40), int64(20), true)
	f.Add(uint8(6), int64(100), int64(0), false)
	statuses := []trade.LineAckStatus{
		trade.AckAccepted, trade.AckChanged, trade.AckQuantityChanged, trade.AckRescheduled, trade.AckPartial,
		trade.AckBackordered, trade.AckRejected, trade.AckOnHold, trade.AckShipped,
	}
	f.Fuzz(func(t *testing.T, which uint8, one, two int64, dated bool) {
		one, two = 1+int64(uint64(one)%1_000_000), int64(uint64(two)%1_000_000)
		a := ack{LineID: "2", Status: statuses[int(which)%len(statuses)], Quantity: pieces(fmt.Sprint(one))}
		lines := []ack{a}
		if dated && !a.Status.Refuses() {
			lines[0].PromisedDeliveryDate = on("2030-02-01")
		}
		if two > 0 {
			lines = append(lines, ack{LineID: "2", Status: trade.AckRejected, Quantity: pieces(fmt.Sprint(two))})
		}
		answers := procurement.Answers(&trade.ResponseRequest{Kind: trade.ResponseChanged, Lines: lines}, ordered())
		if len(answers) != 1 {
			t.Fatalf("%d lines answered", len(answers))
		}
		want := one
		if a.Status == trade.AckPartial {
			want = max(one, 50) // the balance comes, too
		}
		if a.Status.Refuses() {
			want = 0
		}
		if got := answers[0].Coming(); !got.Equal(udecimal.MustFromInt64(want, 0)) {
			t.Errorf("%s of %d: %s comes", a.Status, one, got)
		}
	})
}

func TestSupplyIsPeggedToTheEarliestNeed(t *testing.T) {
	at := time.Date(2029, 12, 1, 0, 0, 0, 0, time.UTC)
	need := func(line, quantity, needed, promised string, after time.Duration) procurement.OpenDemand {
		d := procurement.OpenDemand{OrderLineID: line, OrderID: "o" + line, Quantity: dec(quantity), PlacedAt: at.Add(after)}
		if needed != "" {
			d.Needed, d.Promised = on(needed), on(promised)
		}
		return d
	}
	stock := procurement.SupplyPart{Quantity: dec("10"), Day: on("2030-01-01")}
	by := func(line, quantity, day string) procurement.SupplyPart {
		p := procurement.SupplyPart{Line: line, Quantity: dec(quantity)}
		if day != "" {
			p.Day = on(day)
		}
		return p
	}
	for name, c := range map[string]struct {
		demands       []procurement.OpenDemand
		before, after []procurement.SupplyPart
		want          string // line quantity expected, in the order told; then what is at risk
	}{
		"nobody needs it": {
			nil,
			[]procurement.SupplyPart{by("p", "50", "2030-01-10")},
			[]procurement.SupplyPart{by("p", "50", "2030-02-10")},
			"0",
		},
		"stock covers it": {
			[]procurement.OpenDemand{need("a", "10", "2030-01-05", "2030-01-07", 0)},
			[]procurement.SupplyPart{stock, by("p", "50", "2030-01-10")},
			[]procurement.SupplyPart{stock, by("p", "50", "2030-02-10")},
			"0",
		},
		"late by ten days": {
			[]procurement.OpenDemand{need("a", "20", "2030-01-10", "2030-01-12", 0)},
			[]procurement.SupplyPart{by("p", "50", "2030-01-10")},
			[]procurement.SupplyPart{by("p", "50", "2030-01-20")},
			"a 20 2030-01-22; 20",
		},
		"part of it is there": {
			[]procurement.OpenDemand{need("a", "30", "2030-01-10", "2030-01-12", 0)},
			[]procurement.SupplyPart{stock, by("p", "50", "2030-01-10")},
			[]procurement.SupplyPart{stock, by("p", "50", "2030-01-20")},
			"a 20 2030-01-22; 20",
		},
		"the earlier need goes first": {
			[]procurement.OpenDemand{
				need("late", "10", "2030-01-20", "2030-01-22", 0),
				need("soon", "10", "2030-01-05", "2030-01-07", time.Hour),
			},
			[]procurement.SupplyPart{stock, by("p", "10", "2030-01-10")},
			[]procurement.SupplyPart{stock, by("p", "10", "2030-01-25")},
			"late 10 2030-01-27; 10",
		},
		"of one day, who ordered first": {
			[]procurement.OpenDemand{
				need("second", "10", "2030-01-05", "2030-01-07", time.Hour),
				need("first", "10", "2030-01-05", "2030-01-07", 0),
			},
			[]procurement.SupplyPart{stock, by("p", "10", "2030-01-05")},
			[]procurement.SupplyPart{stock, by("p", "10", "2030-01-15")},
			"second 10 2030-01-17; 10",
		},
		"short: the last needs go without": {
			[]procurement.OpenDemand{
				need("a", "30", "2030-01-10", "2030-01-12", 0),
				need("b", "20", "2030-01-11", "2030-01-13", 0),
			},
			[]procurement.SupplyPart{by("p", "50", "2030-01-10")},
			[]procurement.SupplyPart{by("p", "40", "2030-01-10")},
			"b 10 none; 10",
		},
		"another purchase fills the gap": {
			[]procurement.OpenDemand{need("a", "50", "2030-01-10", "2030-01-12", 0)},
			[]procurement.SupplyPart{by("p", "50", "2030-01-10"), by("q", "50", "2030-01-15")},
			[]procurement.SupplyPart{by("q", "50", "2030-01-15")},
			"a 50 2030-01-17; 50",
		},
		"earlier harms nobody": {
			[]procurement.OpenDemand{need("a", "50", "2030-01-10", "2030-01-12", 0)},
			[]procurement.SupplyPart{by("p", "50", "2030-01-10")},
			[]procurement.SupplyPart{by("p", "50", "2030-01-03")},
			"0",
		},
		"no day in sight": {
			[]procurement.OpenDemand{need("a", "50", "2030-01-10", "2030-01-12", 0)},
			[]procurement.SupplyPart{by("p", "50", "2030-01-10")},
			[]procurement.SupplyPart{by("p", "50", "")},
			"a 50 none; 50",
		},
		"none was in sight before": {[]procurement.OpenDemand{need("a", "50", "2030-01-10", "2030-01-12", 0)}, nil, nil, "0"},
	} {
		r := procurement.Review(c.demands, c.before, c.after, "p", "EA")
		var told []string
		for _, i := range r.Commitments {
			expected := "none"
			if i.ExpectedDeliveryDate != nil {
				expected = i.ExpectedDeliveryDate.String()
			}
			if len(i.Reasons) == 0 {
				t.Errorf("%s: %s has no reason", name, i.OrderLineID)
			}
			told = append(told, fmt.Sprintf("%s %s %s", i.OrderLineID, i.Quantity.Value, expected))
		}
		if got := strings.TrimPrefix(strings.Join(told, ", ")+"; "+r.AtRisk.Value.String(), "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
