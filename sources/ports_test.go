package sources_test

import (
	"testing"

	"portico/sources"
	"portico/trade"
)

// TestEveryPortIsWholeAndInTheOrderOfAFirstLoad holds the one list to what is derived from it.
func TestEveryPortIsWholeAndInTheOrderOfAFirstLoad(t *testing.T) {
	subjects := sources.Subjects()
	if len(subjects) != 16 {
		t.Errorf("%d subjects: %v", len(subjects), subjects)
	}
	place := map[sources.Subject]int{}
	for i, p := range sources.Ports() {
		if p.Subject != subjects[i] || sources.CapabilityOf(p.Subject) != p.Capability || p.Capability == "" {
			t.Errorf("port %d is of %s (%s), the subject there is %s", i, p.Subject, p.Capability, subjects[i])
		}
		if _, twice := place[p.Subject]; twice {
			t.Errorf("%s is entered twice", p.Subject)
		}
		place[p.Subject] = i
		if p.Readable() == (p.Subject == sources.OfPrices) {
			t.Errorf("%s: readable is %v: prices alone are a question", p.Subject, p.Readable())
		}
	}
	for refers, to := range map[sources.Subject]sources.Subject{
		sources.OfItems: sources.OfCategories, sources.OfCredit: sources.OfAccounts, sources.OfContracts: sources.OfItems,
		sources.OfStock:  sources.OfWarehouses,
		sources.OfOrders: sources.OfAccounts, sources.OfPurchaseOrders: sources.OfSuppliers, sources.OfShipments: sources.OfOrders,
		sources.OfTracking: sources.OfShipments, sources.OfInvoices: sources.OfOrders, sources.OfReturns: sources.OfOrders,
	} {
		if place[refers] < place[to] {
			t.Errorf("%s are loaded before the %s that they refer to", refers, to)
		}
	}
}

// TestARecordOfAnAccountSaysOfWhich holds keys and accounts to the records that they are of.
func TestARecordOfAnAccountSaysOfWhich(t *testing.T) {
	number := "O1"
	order := trade.Order{Number: &number, AccountRef: trade.Ref{Key: "A1"}}
	if r := sources.OrderRecords; r.Key(&order) != "O1" || r.Account(&order) != "A1" || r.From(&order) != &order.Provenance {
		t.Errorf("an order is %s of %s", r.Key(&order), r.Account(&order))
	}
	day := trade.Calendar{AccountRef: trade.Ref{Key: "A1"}, Location: "01"}
	if r := sources.CalendarRecords; r.Key(&day) != "A1/01" || r.Account(&day) != "A1" {
		t.Errorf("a calendar is %s of %s", r.Key(&day), r.Account(&day))
	}
	if sources.ItemRecords.Account != nil || sources.StockRecords.Account != nil {
		t.Error("items or stock are of an account")
	}
}
