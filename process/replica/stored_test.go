package replica

import (
	"encoding/json"
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
	told := map[sources.Subject]any{
		sources.OfCredit: stored.Of[trade.CreditPosition](), sources.OfOrders: stored.Of[trade.Order](),
		sources.OfPurchaseOrders: stored.Of[trade.PurchaseOrder](),
		sources.OfInvoices:       stored.Of[trade.Invoice](), sources.OfReturns: stored.Of[trade.Return](),
		sources.OfStock: stored.Of[trade.Stock](),
	}
	for subject, record := range told {
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		document, err := says(text)
		if err != nil {
			t.Fatal(err)
		}
		var sum tally
		sum.add(subject, document)
		at := summed[subject]
		if at.amount != "" && len(sum.Money) != 1 || (at.quantity != "" || subject == sources.OfStock) && len(sum.Quantity) != 1 {
			t.Errorf("%s: of a record with an amount and a quantity only %v is added up", subject, sum)
		}
	}
}
