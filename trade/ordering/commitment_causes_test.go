package ordering

import (
	"slices"
	"testing"

	"portico/trade"
)

func TestADeviationMovesPromisesByItsField(t *testing.T) {
	for field, want := range map[trade.DeviationField]CommitmentCause{
		trade.QuantityDeviates: MovedBySupplierQuantity, trade.DeliveryDeviates: MovedBySupplierDate,
		trade.ShipDateDeviates: MovedBySupplierDate, trade.PriceDeviates: MovedBySupplierDate, trade.ItemDeviates: MovedBySupplierDate,
	} {
		if got := CauseOfDeviation(field); got != want {
			t.Errorf("%s moves promises by %s, want %s", field, got, want)
		}
	}
}

// TestEveryMovedPromiseHasACause holds the rules to what makes them decide: each but the last one applies for a time, and
// names the cause that a promise has by it.
func TestEveryMovedPromiseHasACause(t *testing.T) {
	for i, r := range CauseRules {
		always, last := len(r.Requested) == 0 && !r.Deviation, i == len(CauseRules)-1
		if always != last || (r.Within == 0) != last {
			t.Errorf("rule %d: the last one applies always, and no other: %+v", i, r)
		}
		if len(r.Requested) > 0 && r.Deviation {
			t.Errorf("rule %d is of two things: %+v", i, r)
		}
		if r.Deviation != (r.Cause == "") || !r.Deviation && !slices.Contains(CommitmentCauses, r.Cause) {
			t.Errorf("rule %d has the cause %q", i, r.Cause)
		}
	}
}
