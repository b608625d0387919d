package records_test

import (
	"testing"

	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

func lines(t *testing.T, s *store.Store, scope trade.Scope, order string) map[string]string {
	t.Helper()
	pages, err := records.OrderLineList(scope).Page(t.Context(), s, []string{order}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, l := range pages[order].Nodes {
		ids[l.LineNumber] = l.ID
	}
	return ids
}

func TestAnOrdersLinesAreThoseOfItsNewestVersionAndKeepTheirIds(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10", "20", "30"))
	found, _ := records.OrdersByNumber(t.Context(), s, storetest.Everything, []string{"100"})
	before := lines(t, s, storetest.Everything, found["100"].ID)
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 2, "10", "30", "40"))
	after := lines(t, s, storetest.Everything, found["100"].ID)
	if len(after) != 3 || after["10"] != before["10"] || after["30"] != before["30"] || after["20"] != "" || after["40"] == "" {
		t.Errorf("lines were %v and are %v", before, after)
	}
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10")) // late, and without effect
	if again := lines(t, s, storetest.Everything, found["100"].ID); len(again) != 3 {
		t.Errorf("an older version left the lines %v", again)
	}
}

func TestAScopeSeesItsOwnAndNobodyElses(t *testing.T) {
	s := storetest.New(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1), storetest.Account("2", "b", 1))
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10"), storetest.Order("200", "2", 1, "10"))
	accounts, _ := records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1", "2"})
	orders, _ := records.OrdersByNumber(t.Context(), s, storetest.Everything, []string{"100", "200"})
	one := trade.CustomerScope([]trade.Ref{{ID: accounts["1"].ID, Key: "1"}}, nil)
	for name, scope := range map[string]trade.Scope{
		"nobody": {}, "guest": trade.GuestScope(nil),
		"supplier": trade.SupplierScope("ptn_1", nil), "no accounts": trade.CustomerScope(nil, nil),
	} {
		if found, err := records.Orders(t.Context(), s, scope, []string{orders["100"].ID, orders["200"].ID}); err != nil || len(found) > 0 {
			t.Errorf("%s sees %v, %v", name, found, err)
		}
	}
	found, err := records.Orders(t.Context(), s, one, []string{orders["100"].ID, orders["200"].ID})
	if err != nil || len(found) != 1 || found[orders["100"].ID] == nil {
		t.Errorf("customer 1 sees %v, %v", found, err)
	}
	if got := lines(t, s, one, orders["200"].ID); len(got) > 0 {
		t.Errorf("customer 1 sees the lines of another: %v", got)
	}
	counts, err := records.OrderList(one, records.OrderFilter{}, trade.OrdersNewest, false).Count(t.Context(), s, []string{""})
	if err != nil || counts[""].Value != 1 {
		t.Errorf("customer 1 counts %v, %v", counts, err)
	}
}
