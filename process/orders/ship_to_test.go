package orders_test

import (
	"testing"

	"portico/process"
	"portico/process/processtest"
	"portico/store/records"
	"portico/trade"
)

// TestAnOrderGoesToItsOwnAccountsPlacesAlone validates an order to a place of its account, to one of another
// account that the same person may see, and to one that is not there.
func TestAnOrderGoesToItsOwnAccountsPlacesAlone(t *testing.T) {
	w := processtest.New(t)
	o := orderingAt(t, w, w.ERP(t))
	accounts, err := records.AccountsByNumber(t.Context(), o.st, processtest.Operator, []string{"10001", "10002"})
	if err != nil {
		t.Fatal(err)
	}
	places := func(number string) string {
		t.Helper()
		found, err := records.FirstShipTos(t.Context(), o.st, processtest.Operator, []string{accounts[number].ID})
		if err != nil || found[accounts[number].ID] == nil {
			t.Fatalf("%v, %v", found, err)
		}
		return found[accounts[number].ID].ID
	}
	for place, want := range map[string]string{places("10001"): "", places("10002"): "NOT_FOUND", "loc_none": "NOT_FOUND"} {
		r := *o.request
		r.ShipToID = place
		v, err := o.orders.Validate(t.Context(), processtest.Operator, process.Submitter{}, &r)
		if err != nil {
			t.Fatal(err)
		}
		code := ""
		for _, e := range v.Errors {
			code = string(trade.RefusalOf(e).Code)
		}
		if code != want || v.Valid != (want == "") {
			t.Errorf("to %s: %q, valid: %v; want %q", place, code, v.Valid, want)
		}
	}
}
