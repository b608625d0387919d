package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/store/storetest"
	"portico/trade"
)

func TestAnOlderVersionNeverReplacesANewerOne(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "new", 5))
	save(t, s, s.SaveAccounts, account("1", "old", 4))
	found, err := s.AccountsByNumber(t.Context(), everything, []string{"1"})
	if err != nil || found["1"].Name != "new" {
		t.Fatalf("got %+v, %v; want the newer name", found["1"], err)
	}
	id := found["1"].ID
	save(t, s, s.SaveAccounts, account("1", "newest", 6))
	found, _ = s.AccountsByNumber(t.Context(), everything, []string{"1"})
	if found["1"].Name != "newest" || found["1"].ID != id {
		t.Errorf("got %s with id %s, want newest with %s", found["1"].Name, found["1"].ID, id)
	}
	// Of two versions in one batch the newer counts, in either order.
	save(t, s, s.SaveAccounts, account("1", "b", 8), account("1", "a", 7))
	if found, _ = s.AccountsByNumber(t.Context(), everything, []string{"1"}); found["1"].Name != "b" {
		t.Errorf("got %s, want b", found["1"].Name)
	}
	// What begins anew replaces what was, whatever its version.
	if err := s.BeginAnew(t.Context(), "erp"); err != nil {
		t.Fatal(err)
	}
	save(t, s, s.SaveAccounts, account("1", "again", 1))
	if found, _ = s.AccountsByNumber(t.Context(), everything, []string{"1"}); found["1"].Name != "again" || found["1"].ID != id {
		t.Errorf("got %s with id %s, want again with %s", found["1"].Name, found["1"].ID, id)
	}
}

func TestARecordThatNamesSomethingUnknownIsToldAndNotLost(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	rejected := save(t, s, s.SaveOrders, order("100", "1", 1, "10"), order("101", "no-such-account", 1, "10"))
	if len(rejected) != 1 || *rejected[0].SourceRef != "101" {
		t.Fatalf("rejected %+v, want 101", rejected)
	}
	if found, _ := s.OrdersByNumber(t.Context(), everything, []string{"100", "101"}); found["100"] == nil || found["101"] != nil {
		t.Errorf("found %v", found)
	}
	// A version that is merely older is no record set aside.
	save(t, s, s.SaveOrders, order("100", "1", 9, "10"))
	if rejected := save(t, s, s.SaveOrders, order("100", "1", 2, "10")); len(rejected) != 0 {
		t.Errorf("an older version was set aside: %+v", rejected)
	}
}

func TestAParentMayComeAfterItsBranches(t *testing.T) {
	s := storetest.New(t)
	branch := account("2", "branch", 1)
	branch.ParentRef = trade.Key("1")
	save(t, s, s.SaveAccounts, branch)
	save(t, s, s.SaveAccounts, account("1", "company", 1))
	tree, err := s.AccountTree(t.Context(), []string{"1"})
	if err != nil || len(tree) != 2 {
		t.Errorf("the company's tree is %v, %v; want it and its branch", tree, err)
	}
	branch.ParentRef, branch.Provenance.Sequence = trade.Ref{}, 2
	save(t, s, s.SaveAccounts, branch)
	if tree, _ := s.AccountTree(t.Context(), []string{"1"}); len(tree) != 1 {
		t.Errorf("after the branch left, the tree is %v", tree)
	}
}

func TestAnInvoiceOfAnOrderThatIsNotKnownYetIsKeptAndTold(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	eur := trade.Money{Amount: udecimal.MustFromInt64(5, 0), Currency: "EUR"}
	inv := trade.Invoice{
		Number: "R1", Kind: trade.PlainInvoice, AccountRef: trade.Key("1"), IssuedOn: trade.DateOf(time.Now()), Status: trade.InvoiceIssued, Balance: eur,
		Totals: trade.Totals{Subtotal: eur, Discount: trade.Money{Currency: "EUR"}, Total: eur}, Provenance: from("R1", 1),
		LinesKnown: []trade.InvoiceLine{{LineNumber: "10", Description: "x", Quantity: trade.Quantity{Value: udecimal.MustFromInt64(1, 0), Unit: "EA"}, Amount: eur, OrderKey: "100", OrderLineNumber: "10"}},
	}
	if told := save(t, s, s.SaveInvoices, inv); len(told) != 1 || *told[0].SourceRef != "R1" {
		t.Errorf("told %+v, want R1 as not linked", told)
	}
	save(t, s, s.SaveOrders, order("100", "1", 1, "10"))
	if told := save(t, s, s.SaveInvoices, inv); len(told) != 0 {
		t.Errorf("told %+v though its order is known", told)
	}
	found, _ := s.InvoicesByNumber(t.Context(), everything, []string{"R1"})
	orders, err := s.OrdersInInvoices(t.Context(), everything, []string{found["R1"].ID})
	if err != nil || len(orders[found["R1"].ID]) != 1 {
		t.Errorf("the invoice covers %v, %v", orders, err)
	}
}

func TestTheDatabaseRefusesWhatBreaksARule(t *testing.T) {
	s := storetest.New(t)
	save(t, s, s.SaveAccounts, account("1", "a", 1))
	o := order("100", "1", 1, "10")
	o.LinesKnown[0].Shipped.Value = udecimal.MustFromInt64(50, 0)
	err := s.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := s.SaveOrders(t.Context(), tx, []trade.Order{o})
		return err
	})
	if reason, ok := store.Refused(err); !ok || !strings.Contains(reason, "order_lines") {
		t.Errorf("more shipped than ordered: %v, want it refused by a rule of order_lines", err)
	}
	if found, _ := s.OrdersByNumber(t.Context(), everything, []string{"100"}); found["100"] != nil {
		t.Error("half of the order is in the store")
	}
}
