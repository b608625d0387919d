package replication_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

func TestAnOlderVersionNeverReplacesANewerOne(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "new", 5))
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "old", 4))
	found, err := records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1"})
	if err != nil || found["1"].Name != "new" {
		t.Fatalf("got %+v, %v; want the newer name", found["1"], err)
	}
	id := found["1"].ID
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "newest", 6))
	found, _ = records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1"})
	if found["1"].Name != "newest" || found["1"].ID != id {
		t.Errorf("got %s with id %s, want newest with %s", found["1"].Name, found["1"].ID, id)
	}
	// Of two versions in one batch the newer counts, in either order.
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "b", 8), storetest.Account("1", "a", 7))
	if found, _ = records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1"}); found["1"].Name != "b" {
		t.Errorf("got %s, want b", found["1"].Name)
	}
	// What begins anew replaces what was, whatever its version.
	if err := replication.BeginReload(t.Context(), s, "erp"); err != nil {
		t.Fatal(err)
	}
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "again", 1))
	if found, _ = records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1"}); found["1"].Name != "again" ||
		found["1"].ID != id {
		t.Errorf("got %s with id %s, want again with %s", found["1"].Name, found["1"].ID, id)
	}
}

func TestARecordThatNamesSomethingUnknownIsToldAndNotLost(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	rejected := storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10"),
		storetest.Order("101", "no-such-account", 1, "10"))
	if len(rejected) != 1 || *rejected[0].SourceRef != "101" {
		t.Fatalf("rejected %+v, want 101", rejected)
	}
	if found, _ := records.OrdersByNumber(t.Context(), s, storetest.Everything, []string{"100", "101"}); found["100"] == nil ||
		found["101"] != nil {
		t.Errorf("found %v", found)
	}
	// A version that is merely older is no record set aside.
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 9, "10"))
	if rejected := storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 2, "10")); len(rejected) != 0 {
		t.Errorf("an older version was set aside: %+v", rejected)
	}
}

func TestAParentMayComeAfterItsBranches(t *testing.T) {
	s := storetest.New(t)
	branch := storetest.Account("2", "branch", 1)
	branch.ParentRef = trade.Key("1")
	storetest.Save(t, s, replication.SaveAccounts, branch)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "company", 1))
	tree, err := records.AccountTree(t.Context(), s, []string{"1"})
	if err != nil || len(tree) != 2 {
		t.Errorf("the company's tree is %v, %v; want it and its branch", tree, err)
	}
	branch.ParentRef, branch.Provenance.Sequence = trade.Ref{}, 2
	storetest.Save(t, s, replication.SaveAccounts, branch)
	if tree, _ := records.AccountTree(t.Context(), s, []string{"1"}); len(tree) != 1 {
		t.Errorf("after the branch left, the tree is %v", tree)
	}
}

func TestAnInvoiceOfAnOrderThatIsNotKnownYetIsKeptAndTold(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	eur := trade.Money{Amount: udecimal.MustFromInt64(5, 0), Currency: "EUR"}
	inv := trade.Invoice{
		Number: "R1", Kind: trade.PlainInvoice, AccountRef: trade.Key("1"), IssuedOn: trade.DateOf(time.Now(), time.UTC),
		Status:  trade.InvoiceIssued,
		Balance: eur,
		Totals:  trade.Totals{Subtotal: eur, Discount: trade.Money{Currency: "EUR"}, Total: eur}, Provenance: storetest.From("R1", 1),
		LinesKnown: []trade.InvoiceLine{{
			LineNumber: "10", Description: "x",
			Quantity: trade.Quantity{Value: udecimal.MustFromInt64(1, 0), Unit: "EA"}, Amount: eur, OrderKey: "100", OrderLineNumber: "10",
		}},
	}
	if told := storetest.Save(t, s, replication.SaveInvoices, inv); len(told) != 1 || *told[0].SourceRef != "R1" {
		t.Errorf("told %+v, want R1 as not linked", told)
	}
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10"))
	if told := storetest.Save(t, s, replication.SaveInvoices, inv); len(told) != 0 {
		t.Errorf("told %+v though its order is known", told)
	}
	found, _ := records.InvoicesByNumber(t.Context(), s, storetest.Everything, []string{"R1"})
	orders, err := records.OrdersInInvoices(t.Context(), s, storetest.Everything, []string{found["R1"].ID})
	if err != nil || len(orders[found["R1"].ID]) != 1 {
		t.Errorf("the invoice covers %v, %v", orders, err)
	}
}

func TestTheDatabaseRefusesWhatBreaksARule(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	o := storetest.Order("100", "1", 1, "10")
	o.LinesKnown[0].Status = "LOST"
	err := s.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := replication.SaveOrders(t.Context(), tx, []trade.Order{o})
		return err
	})
	if reason, ok := store.Refused(err); !ok || !strings.Contains(reason, "order_lines") {
		t.Errorf("a status that is none: %v, want it refused by a rule of order_lines", err)
	}
	if found, _ := records.OrdersByNumber(t.Context(), s, storetest.Everything, []string{"100"}); found["100"] != nil {
		t.Error("half of the order is in the store")
	}
}

// Cases: B1 B2
func TestWhatIsNotAsItShouldBeIsAFact(t *testing.T) {
	s := storetest.New(t)
	number := func(n int64) udecimal.Decimal { return udecimal.MustFromInt64(n, 0) }
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	o := storetest.Order("100", "1", 1, "10", "20")
	o.LinesKnown[0].Shipped.Value, o.LinesKnown[0].Backordered.Value = number(8), number(-6)
	o.LinesKnown[1].Returned.Value = number(5)
	o.Totals.Total.Amount = udecimal.MustParse("0.03") // a deposit, or rounding
	o.Derive()
	if o.Status != trade.OrderPartiallyShipped {
		t.Errorf("8 of 2 shipped and 0 of 2 make the order %s, want it partially shipped", o.Status)
	}
	if rejected := storetest.Save(t, s, replication.SaveOrders, o); len(rejected) > 0 {
		t.Errorf("rejected %+v", rejected)
	}
	found, err := records.OrdersByNumber(t.Context(), s, storetest.Everything, []string{"100"})
	if err != nil || found["100"] == nil {
		t.Fatalf("the order is not in the store: %v", err)
	}
	storetest.Save(t, s, replication.SaveWarehouses,
		trade.Warehouse{Code: "W1", Name: "one", Provenance: storetest.From("W1", 1)},
		trade.Warehouse{Code: "W2", Name: "two", Provenance: storetest.From("W2", 1)})
	storetest.Save(t, s, replication.SaveItems, trade.Item{
		SKU: "A", Name: "a", BaseUnit: "EA", Status: trade.ItemActive, Provenance: storetest.From("A", 1),
		Identifiers: []trade.Identifier{}, Attributes: []trade.ItemAttribute{}, DocumentRefs: []trade.ItemDocumentRef{},
	})
	at := func(code string, onHand, allocated int64) trade.Stock {
		return trade.Stock{
			ItemRef: trade.Key("A"), WarehouseRef: trade.Key(code), Unit: "EA", OnHand: number(onHand), Allocated: number(allocated),
			Provenance: storetest.From("A", 1),
		}
	}
	low, good := at("W1", -5, 3), at("W2", 10, 0)
	if rejected := storetest.Save(t, s, replication.SaveStock, low, good); len(rejected) > 0 {
		t.Errorf("rejected %+v", rejected)
	}
	a := trade.AvailabilityOf(&trade.Item{Status: trade.ItemActive, BaseUnit: "EA"}, []*trade.Stock{&low, &good})
	if a.OnHand.Value.String() != "5" || a.AvailableNow.Value.String() != "10" || !a.ByWarehouse[0].AvailableNow.Value.IsZero() {
		t.Errorf("on hand %s, available %s, there %s; want 5, 10, 0", a.OnHand.Value, a.AvailableNow.Value, a.ByWarehouse[0].AvailableNow.Value)
	}
}
