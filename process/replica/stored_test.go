package replica

import (
	"encoding/json"
	"slices"
	"testing"

	"portico/sources"
	"portico/test/stored"
	"portico/trade"
)

func TestAComparisonIsKeptAsTheReleaseBeforeKeepsIt(t *testing.T) {
	stored.Golden(t, "comparison", stored.Of[run]())
}

// TestWhatIsAddedUpIsCalledAsItIsTold holds the names by which a comparison finds amounts and quantities in
// documents to those that the documents have: otherwise nothing is added up, on either side.
func TestWhatIsAddedUpIsCalledAsItIsTold(t *testing.T) {
	for subject, of := range map[sources.Subject]struct {
		record       any
		worth, parts bool
	}{
		sources.OfCredit:         {stored.Of[trade.CreditPosition](), true, false},
		sources.OfStock:          {stored.Of[trade.Stock](), false, true},
		sources.OfOrders:         {stored.Of[trade.Order](), true, true},
		sources.OfPurchaseOrders: {stored.Of[trade.PurchaseOrder](), true, true},
		sources.OfInvoices:       {stored.Of[trade.Invoice](), true, true},
		sources.OfReturns:        {stored.Of[trade.Return](), false, true},
	} {
		text, err := json.Marshal(of.record)
		if err != nil {
			t.Fatal(err)
		}
		document, err := says(text)
		if err != nil {
			t.Fatal(err)
		}
		var sum tally
		sum.add(subject, document)
		if len(sum.Money) == 1 != of.worth || len(sum.Quantity) == 1 != of.parts {
			t.Errorf("%s: %v is added up; an amount %v, a quantity %v", subject, sum, of.worth, of.parts)
		}
	}
}

// TestEveryKindThatASourceIsReadForIsReplicated holds the copy to the ports, in the order of a first load.
func TestEveryKindThatASourceIsReadForIsReplicated(t *testing.T) {
	var read, copied []sources.Subject
	for _, p := range sources.Ports() {
		if p.Readable() {
			read = append(read, p.Subject)
		}
	}
	for _, k := range kinds {
		copied = append(copied, k.Subject)
	}
	if !slices.Equal(read, copied) {
		t.Errorf("sources are read for %v, of which are copied, in this order, %v", read, copied)
	}
}
