package replication_test

import (
	"testing"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

func TestARecordKeepsItsIdWhenItsHomeNumbersItOtherwise(t *testing.T) {
	if err := replication.CheckMatching(map[string]string{"items": "sku"}); err == nil {
		t.Error("a key that is not there is taken")
	}
	by := map[string]string{"items": "gtin", "suppliers": "gln"}
	if err := replication.CheckMatching(by); err != nil {
		t.Fatal(err)
	}
	st, _ := storetest.With(t, store.Options{Matching: by})
	save := func(instance string, of map[string]string) {
		t.Helper()
		var items []trade.Item
		for sku, gtin := range of {
			items = append(items, trade.Item{
				SKU: sku, GTIN: &gtin, Name: sku, BaseUnit: "EA", Status: trade.ItemActive, Identifiers: []trade.Identifier{},
				Attributes:   []trade.ItemAttribute{},
				DocumentRefs: []trade.ItemDocumentRef{}, Provenance: provenance(instance, sku),
			})
		}
		err := st.InTx(t.Context(), func(tx *store.Tx) error { _, err := replication.SaveItems(t.Context(), tx, items); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	id := func(sku string) string {
		t.Helper()
		found, err := records.ItemsBySKU(t.Context(), st, storetest.Everything, []string{sku})
		if err != nil {
			t.Fatal(err)
		}
		if found[sku] == nil {
			return ""
		}
		return found[sku].ID
	}
	conflicts := func() []*operating.MasterDataConflict {
		t.Helper()
		page, err := operatingstore.ConflictList(storetest.Everything, operatingstore.ConflictFilter{}).Page(t.Context(), st, []string{""},
			store.PageArgs{First: 10})
		if err != nil {
			t.Fatal(err)
		}
		return page[""].Nodes
	}
	save("old", map[string]string{"A-1": "4006381333931", "A-2": "4006381333948"})
	first, second := id("A-1"), id("A-2")
	save("new", map[string]string{"900": "4006381333931"})
	if id("900") != first || id("A-1") != "" {
		t.Errorf("it was %s, and is %s under its new number", first, id("900"))
	}
	// A number that another record has is a conflict: neither takes the other's place.
	save("new", map[string]string{"901": "4006381333955"})
	save("new", map[string]string{"901": "4006381333948"})
	c := conflicts()
	if id("A-2") != second || len(c) != 1 || c[0].Key != "A-2" || c[0].Field != "sku" || *c[0].HeldValue != "A-2" ||
		*c[0].SourceValue != "901" || *c[0].Subject != second {
		t.Errorf("conflicts are %+v", c)
	}
	save("new", map[string]string{"901": "4006381333955"})
	if c := conflicts(); len(c) != 0 {
		t.Errorf("a conflict that is no more is told: %+v", c[0])
	}
}

func provenance(instance, ref string) trade.Provenance {
	return trade.Provenance{System: trade.ERP, Instance: instance, SourceRef: &ref, SourceVersion: &ref, Sequence: 1, AsOf: &longAgo}
}

var longAgo = time.Unix(0, 0)
