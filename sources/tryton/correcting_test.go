package tryton_test

import (
	"testing"

	"portico/sources"
	"portico/sources/tryton"
	"portico/trade/operating"
)

// TestMasterDataAreCorrectedInARealServer sets fields and sets them back.
func TestMasterDataAreCorrectedInARealServer(t *testing.T) {
	url, user, password := realServer(t)
	e, err := tryton.Open(tryton.Config{URL: url + "/erp", User: user}, sources.Credentials{Key: func() string { return password }})
	if err != nil {
		t.Fatal(err)
	}
	var to sources.MasterDataTaking = e
	first := func(kind sources.Subject) (key, name string) {
		t.Helper()
		q, err := sources.Query{Limit: 1}, error(nil)
		switch kind {
		case sources.OfAccounts:
			p, failed := e.Accounts(t.Context(), q)
			key, name, err = p.Records[0].Number, p.Records[0].Name, failed
		case sources.OfSuppliers:
			p, failed := e.Suppliers(t.Context(), q)
			key, name, err = p.Records[0].Code, p.Records[0].Name, failed
		case sources.OfItems:
			p, failed := e.Items(t.Context(), q)
			key, name, err = p.Records[0].SKU, p.Records[0].Name, failed
		case sources.OfCategories:
			p, failed := e.Categories(t.Context(), q)
			key, name, err = p.Records[0].Code, p.Records[0].Name, failed
		}
		if err != nil {
			t.Fatal(err)
		}
		return key, name
	}
	for _, kind := range []sources.Subject{sources.OfAccounts, sources.OfSuppliers, sources.OfItems, sources.OfCategories} {
		key, was := first(kind)
		c := operating.MasterDataChange{Kind: string(kind), Key: key, Field: "name", Was: was, Value: was + " corrected"}
		for range 2 { // the second finds it done
			if _, err := to.Correct(t.Context(), "k", c); err != nil {
				t.Errorf("%s %s: %v", kind, key, err)
			}
		}
		if _, now := first(kind); now != c.Value {
			t.Errorf("%s %s says %q, not %q", kind, key, now, c.Value)
		}
		if _, err := to.Correct(t.Context(), "k",
			operating.MasterDataChange{
				Kind: string(kind), Key: key, Field: "name", Was: was,
				Value: "too late",
			}); sources.KindOf(err) != sources.Rejected {
			t.Errorf("%s %s says something else by now, and is corrected: %v", kind, key, err)
		}
		if _, err := to.Correct(t.Context(), "k",
			operating.MasterDataChange{Kind: string(kind), Key: key, Field: "name", Was: c.Value, Value: was}); err != nil {
			t.Errorf("%s %s, back: %v", kind, key, err)
		}
		if _, err := to.Correct(t.Context(), "k",
			operating.MasterDataChange{
				Kind: string(kind), Key: "no-such-key", Field: "name", Was: "a",
				Value: "b",
			}); sources.KindOf(err) != sources.Rejected {
			t.Errorf("%s that is not there: %v", kind, err)
		}
	}
	key, _ := first(sources.OfItems)
	if _, err := to.Correct(t.Context(), "k",
		operating.MasterDataChange{Kind: "items", Key: key, Field: "brand", Was: "a", Value: "b"}); sources.KindOf(err) != sources.ByHand {
		t.Errorf("a field that it has not: %v", err)
	}
}
