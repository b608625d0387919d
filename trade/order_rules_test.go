package trade_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
	"portico/trade/ordering"
)

var statuses = []trade.OrderStatus{
	trade.OrderReceived, trade.OrderValidating, trade.OrderQueued, trade.OrderPendingApproval, trade.OrderOnHold, trade.OrderConfirmed,
	trade.OrderPartiallyBackordered,
	trade.OrderBackordered, trade.OrderInFulfillment, trade.OrderPartiallyShipped, trade.OrderShipped, trade.OrderPartiallyDelivered,
	trade.OrderDelivered, trade.OrderInvoiced,
	trade.OrderClosed, trade.OrderCancelled, trade.OrderRejected,
}

// TestWhoMayDoWhatWithAnOrder goes through the table row by row, by what a buyer who has
// all rights, somebody else of the account, an operator and a supplier may do.
func TestWhoMayDoWhatWithAnOrder(t *testing.T) {
	rights := []string{"order:write", "order:approve"}
	const (
		amend  = "[AMEND CANCEL_LINE CANCEL]"
		none   = "[]"
		giving = "[RETURN]"
	)
	want := map[trade.OrderStatus]string{
		trade.OrderReceived: none, trade.OrderValidating: none, trade.OrderQueued: "[CANCEL]", trade.OrderPendingApproval: "[CANCEL]",
		trade.OrderOnHold:    amend,
		trade.OrderConfirmed: amend, trade.OrderPartiallyBackordered: amend, trade.OrderBackordered: amend, trade.OrderInFulfillment: none,
		trade.OrderPartiallyShipped: "[CANCEL RETURN]", trade.OrderShipped: giving, trade.OrderPartiallyDelivered: giving,
		trade.OrderDelivered: giving, trade.OrderInvoiced: giving,
		trade.OrderClosed: giving, trade.OrderCancelled: none, trade.OrderRejected: none,
	}
	for _, s := range statuses {
		own := trade.Act{Role: trade.Customer, Rights: rights, Own: true}
		if got := fmt.Sprint(trade.AllowedActions(own, s, false)); got != want[s] {
			t.Errorf("who placed it, %s: %s, want %s", s, got, want[s])
		}
		other := want[s]
		if s == trade.OrderPendingApproval {
			other = "[CANCEL APPROVE REJECT]"
		}
		if got := fmt.Sprint(trade.AllowedActions(trade.Act{Role: trade.Customer, Rights: rights}, s, false)); got != other {
			t.Errorf("another of the account, %s: %s, want %s", s, got, other)
		}
		if got := fmt.Sprint(trade.AllowedActions(trade.Act{Role: trade.Operator, Rights: rights}, s, false)); got != want[s] {
			t.Errorf("an operator, %s: %s, want %s", s, got, want[s])
		}
		for _, nobody := range []trade.Act{
			{Role: trade.Supplier, Rights: rights},
			{Role: trade.Guest, Rights: rights},
			{Role: trade.Customer, Rights: []string{"order:read"}},
			{},
		} {
			if got := trade.AllowedActions(nobody, s, false); len(got) != 0 {
				t.Errorf("%s with %v, %s: %v", nobody.Role, nobody.Rights, s, got)
			}
		}
		asked := none
		switch s {
		case trade.OrderOnHold, trade.OrderConfirmed, trade.OrderPartiallyBackordered, trade.OrderBackordered:
			asked = "[CANCEL ACCEPT_CHANGES]"
		case trade.OrderQueued, trade.OrderPendingApproval, trade.OrderPartiallyShipped:
			asked = "[CANCEL]"
		}
		if got := fmt.Sprint(trade.AllowedActions(own, s, true)); got != asked {
			t.Errorf("while its buyer is asked, %s: %s, want %s", s, got, asked)
		}
	}
}

func euro(amount string) trade.Money {
	return trade.Money{Amount: udecimal.MustParse(amount), Currency: "EUR"}
}

func TestLimitsAreReadAndExceeded(t *testing.T) {
	limits, err := ordering.ParseLimits([]byte(`[{"period": "ORDER", "amount": "100.00", "currency": "EUR"},
		{"period": "MONTH", "amount": 250, "currency": "EUR"}]`))
	if err != nil || len(limits) != 2 {
		t.Fatalf("%v, %v", limits, err)
	}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	brought := func(spent string) (all []ordering.SpendingLimit) {
		for _, l := range limits {
			all = append(all, l.Brought(map[string]trade.Money{"EUR": euro(spent)}, now))
		}
		return all
	}
	for _, c := range []struct {
		spent, total string
		exceeds      ordering.SpendingPeriod
	}{{"0", "100", ""}, {"0", "100.01", ordering.PerOrder}, {"150", "100", ""}, {"150.01", "100", ordering.PerMonth}} {
		got := ordering.SpendingPeriod("")
		if e := ordering.Exceeded(brought(c.spent), euro(c.total)); e != nil {
			got = e.Period
		}
		if got != c.exceeds {
			t.Errorf("%s after %s exceeds %q, want %q", c.total, c.spent, got, c.exceeds)
		}
	}
	if at := brought("0")[1].ResetsAt; at == nil || !at.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the month ends %v", at)
	}
	if ordering.Exceeded(brought("0"), trade.Money{Amount: udecimal.One, Currency: "USD"}) == nil {
		t.Error("another currency exceeds nothing")
	}
	if ordering.Exceeded([]ordering.SpendingLimit{ordering.NoSpending("EUR")}, euro("0.01")) == nil {
		t.Error("who may spend nothing may spend")
	}
	for _, text := range []string{`null`, ``, `[]`} {
		if l, err := ordering.ParseLimits([]byte(text)); l != nil || err != nil {
			t.Errorf("%q is %v, %v", text, l, err)
		}
	}
	for _, text := range []string{
		`{}`, `[{"period": "YEAR", "amount": "1", "currency": "EUR"}]`,
		`[{"period": "ORDER", "amount": "-1", "currency": "EUR"}]`, `[{"period": "ORDER", "amount": "x", "currency": "EUR"}]`,
		`[{"period": "ORDER", "amount": "1"}]`,
	} {
		if l, err := ordering.ParseLimits([]byte(text)); err == nil {
			t.Errorf("%s is %v", text, l)
		}
	}
}

func TestRefusalsAreReadAsTheyWereKept(t *testing.T) {
	price := trade.UnitPrice{Price: euro("1.25"), Per: trade.Quantity{Value: udecimal.MustFromInt64(100, 0), Unit: "EA"}}
	short := euro("7.50")
	all := trade.Refusals{
		&trade.InvalidInput{Refusal: trade.Refusal{Code: trade.CodeMinimum, Message: "m", Path: []string{"input", "lines", "0"}}},
		&trade.PriceChanged{
			Refusal: trade.Refusal{Code: trade.CodePriceChanged}, Expected: price,
			Current: &trade.Price{SKU: "A", UnitPrice: price},
		},
		&trade.CreditBlocked{Refusal: trade.Refusal{Code: trade.CodeCreditBlocked}, ShortBy: &short},
		&trade.SourceUnavailable{Refusal: trade.Refusal{Code: trade.CodeUnavailable}, System: trade.ERP},
	}
	text, err := json.Marshal(trade.AwaitedDecision{By: trade.ForCustomer, Message: "m", Since: time.Unix(1, 0).UTC(), Differences: all})
	if err != nil {
		t.Fatal(err)
	}
	var back trade.AwaitedDecision
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(text) || len(back.Differences) != len(all) {
		t.Errorf("kept\n%s\nread as\n%s", text, again)
	}
	if _, ok := back.Differences[1].(*trade.PriceChanged); !ok {
		t.Errorf("a changed price is read as %T", back.Differences[1])
	}
	if err := json.Unmarshal([]byte(`[{"Type": "Nothing", "Body": {}}]`), &all); err == nil {
		t.Error("a refusal of no type is one")
	}
}
