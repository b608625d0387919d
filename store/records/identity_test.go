package records_test

import (
	"testing"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

// Cases: D5
func TestSpacesAroundAPurchaseOrderNumberAreNoPartOfIt(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1), storetest.Account("2", "b", 1))
	spaced, plain := storetest.Order("100", "1", 1, "10"), storetest.Order("200", "1", 1, "10")
	spaced.CustomerPoNumber, plain.CustomerPoNumber = new(" X "), new("Y y")
	storetest.Save(t, s, replication.SaveOrders, spaced, plain)
	accounts, err := records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1", "2"})
	if err != nil {
		t.Fatal(err)
	}
	one, two := accounts["1"].ID, accounts["2"].ID
	used, err := records.PoNumbersInUse(t.Context(), s, storetest.Everything, []records.PoNumber{
		{one, "X"}, {one, " X "}, {one, "Y y"}, {one, "Y y "}, {one, "Yy"}, {one, "x"}, {two, "X"},
	})
	want := map[records.PoNumber]bool{{one, "X"}: true, {one, " X "}: true, {one, "Y y"}: true, {one, "Y y "}: true}
	if err != nil || len(used) != len(want) {
		t.Fatalf("in use are %v, not %v; %v", used, want, err)
	}
	for n := range want {
		if !used[n] {
			t.Errorf("%q is not in use", n.Number)
		}
	}
	for _, number := range []string{"X", " X"} {
		list := records.OrderList(storetest.Everything, records.OrderFilter{CustomerPoNumber: number}, trade.OrdersNewest, false)
		if n, err := list.Count(t.Context(), s, []string{""}); err != nil || n[""].Value != 1 {
			t.Errorf("%q finds %v orders, %v", number, n, err)
		}
	}
	again := storetest.Order("", one, 1)
	again.ID, again.CustomerPoNumber, again.AccountRef, again.Status = "ord_again", new("X"), trade.Ref{ID: one}, trade.OrderQueued
	again.PlacedBy, again.Number = "p", nil
	err = s.InTx(t.Context(), func(tx *store.Tx) error {
		placed, err := records.PlaceOrders(t.Context(), tx, []*trade.Order{&again})
		if len(placed) > 0 {
			t.Errorf("the number was taken twice: %v", placed)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Cases: D3
func TestAGTINIsOneNumberHoweverManyZerosItIsWrittenWith(t *testing.T) {
	s := storetest.New(t)
	item := func(sku, gtin, box string) trade.Item {
		return trade.Item{
			SKU: sku, Name: "n", BaseUnit: "EA", Status: trade.ItemActive, Identifiers: []trade.Identifier{},
			GTIN: &gtin, Provenance: storetest.From(sku, 1),
			UnitsKnown: []trade.ItemUnit{
				{Unit: "EA", BaseQuantity: udecimal.One, Orderable: true},
				{Unit: "BX", BaseQuantity: udecimal.MustFromInt64(10, 0), Orderable: true, GTIN: &box},
			},
		}
	}
	storetest.Save(t, s, replication.SaveItems,
		item("thirteen", "8712345100018", "18712345100015"), item("fourteen", "00036000291452", "10036000291459"),
		item("eight", "96385074", "10000096385071"))
	for written, sku := range map[string]string{
		"8712345100018": "thirteen", "08712345100018": "thirteen", "18712345100015": "thirteen",
		"036000291452": "fourteen", "0036000291452": "fourteen", "00036000291452": "fourteen",
		"96385074": "eight", "000096385074": "eight", "0000096385074": "eight", "00000096385074": "eight", "10000096385071": "eight",
	} {
		found, err := records.ItemsByGTIN(t.Context(), s, storetest.Everything, []string{written})
		if err != nil || found[written] == nil || found[written].SKU != sku {
			t.Errorf("by %s %v is found, not %s; %v", written, found[written], sku, err)
		}
		pages, err := records.ItemList(storetest.Everything, records.ItemFilter{Search: written}, trade.ItemsByRelevance).
			Page(t.Context(), s, []string{""}, store.PageArgs{First: 10})
		if err != nil || len(pages[""].Nodes) != 1 || pages[""].Nodes[0].SKU != sku {
			t.Errorf("searching %s finds %v, not %s; %v", written, pages[""], sku, err)
		}
	}
	both, err := records.ItemsByGTIN(t.Context(), s, storetest.Everything, []string{"8712345100018", "08712345100018", "4006381333931"})
	if err != nil || len(both) != 2 {
		t.Errorf("two spellings find %v, %v", both, err)
	}
	if g := both["08712345100018"].GTIN; g == nil || *g != "8712345100018" {
		t.Errorf("clients read %v", g)
	}
}
