package purchasing

import (
	"testing"

	"portico/trade"
)

// TestACounterProposalNamesNoDayBeforeToday proposes days around a leap day and the end of a month.
func TestACounterProposalNamesNoDayBeforeToday(t *testing.T) {
	for _, c := range []struct {
		today, proposed string
		refused         bool
	}{
		{"2028-02-29", "2028-02-29", false},
		{"2028-03-01", "2028-02-29", true},
		{"2026-12-31", "2027-01-01", false},
		{"2027-01-01", "2026-12-31", true},
	} {
		today, err := trade.ParseDate(c.today)
		if err != nil {
			t.Fatal(err)
		}
		proposed, err := trade.ParseDate(c.proposed)
		if err != nil {
			t.Fatal(err)
		}
		line := &trade.PurchaseOrderLine{}
		if errs := counters(&trade.CounterProposal{DeliveryDate: &proposed}, line, today); (errs != nil) != c.refused {
			t.Errorf("%s proposed on %s: %v, want refused: %v", c.proposed, c.today, errs, c.refused)
		}
	}
}
