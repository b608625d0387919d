package replica

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// plainItem is an item that another one replaces; an empty key names none.
func plainItem(sku, replacedBy string, version int64) trade.Item {
	return trade.Item{
		SKU: sku, Name: "an item", BaseUnit: "EA", Status: trade.ItemActive, Identifiers: []trade.Identifier{},
		ReplacedByRef: trade.Key(replacedBy),
		UnitsKnown:    []trade.ItemUnit{{Unit: "EA", BaseQuantity: udecimal.One, Orderable: true}}, Provenance: storetest.From(sku, version),
	}
}

// rejections are why records of a subject are rejected, by reference.
func rejections(t *testing.T, st *store.Store, subject string) map[string]string {
	t.Helper()
	var rows []struct{ SourceRef, Reason string }
	if err := st.Select(t.Context(), &rows, `SELECT source_ref, reason FROM rejected_records WHERE subject = $1`, subject); err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, r := range rows {
		reasons[r.SourceRef] = r.Reason
	}
	return reasons
}

func saveItems(t *testing.T, st *store.Store, page ...trade.Item) {
	t.Helper()
	_, err := saveAll(t.Context(), st, sources.ItemRecords, time.Now(), page, []operating.RejectedRecord{}, replication.SaveItems, nothing)
	if err != nil {
		t.Fatal(err)
	}
}

// Cases: A4
func TestRecordsThatAreHugeOrManyOrLeadBackToThemselvesStopNoOther(t *testing.T) {
	st := storetest.New(t)
	huge := plainItem("HUGE", "", 1)
	huge.Description = new(strings.Repeat("long ", 2<<20)) // 10 MB
	page := []trade.Item{plainItem("FIRST", "", 1), huge, plainItem("SELF", "SELF", 1), plainItem("ONE", "TWO", 1), plainItem("TWO", "ONE", 1)}
	for i := range 3 {
		page = append(page, plainItem(fmt.Sprintf("RING-%d", i), fmt.Sprintf("RING-%d", (i+1)%3), 1))
	}
	for i := range 50 {
		twin := plainItem("TWIN", "", int64(i+1))
		twin.Name = fmt.Sprintf("version %d", i+1)
		page = append(page, twin)
	}
	for i := range 1000 {
		page = append(page, plainItem(fmt.Sprintf("CHAIN-%04d", i), fmt.Sprintf("CHAIN-%04d", i+1), 1))
	}
	saveItems(t, st, append(page, plainItem("LAST", "", 1))...)

	rejected := rejections(t, st, "items")
	rings := 0
	for ref, reason := range rejected {
		switch {
		case ref == "HUGE" && strings.Contains(reason, "8 MiB"):
		case (strings.HasPrefix(ref, "RING-") || ref == "ONE" || ref == "TWO") && strings.Contains(reason, "leads back to it"):
			rings++
		default:
			t.Errorf("%s is rejected: %s", ref, reason)
		}
	}
	if rejected["HUGE"] == "" || rings != 2 {
		t.Errorf("rejected are %v, want HUGE and one of each ring", rejected)
	}
	found, err := records.ItemsBySKU(t.Context(), st, storetest.Everything, []string{"FIRST", "LAST", "SELF", "TWIN", "CHAIN-0999"})
	if err != nil || len(found) != 5 {
		t.Fatalf("%d are saved, %v", len(found), err)
	}
	if found["SELF"].ReplacedByRef.Key != "" {
		t.Error("an item replaces itself")
	}
	if found["TWIN"].Name != "version 50" {
		t.Errorf("of 50 versions in a page, %q is saved", found["TWIN"].Name)
	}
	// The same again, with the ring broken, is accepted.
	for _, ref := range []string{"ONE", "TWO", "RING-0", "RING-1", "RING-2"} {
		saveItems(t, st, plainItem(ref, "", 2))
	}
	if rejected := rejections(t, st, "items"); len(rejected) != 1 {
		t.Errorf("rejected are still %v", rejected)
	}
}

// Cases: A4
func TestAPageOf10000RecordsIsSaved(t *testing.T) {
	st := storetest.New(t)
	page := make([]trade.Item, 10_000)
	for i := range page {
		page[i] = plainItem(fmt.Sprintf("ITEM-%05d", i), "", 1)
	}
	page[7777].Name = "a text with \x00"
	began := time.Now()
	saveItems(t, st, page...)
	t.Logf("took %v", time.Since(began).Round(time.Millisecond))
	var n int
	if err := st.Get(t.Context(), &n, `SELECT count(*) FROM items`); err != nil || n != 9999 {
		t.Errorf("%d are saved, %v", n, err)
	}
	if rejected := rejections(t, st, "items"); len(rejected) != 1 || rejected["ITEM-07777"] == "" {
		t.Errorf("rejected are %v", rejected)
	}
}

// Cases: A4
//
// Accounts that are above each other would act for each other.
func TestNoAccountOrCategoryIsAboveItself(t *testing.T) {
	st := storetest.New(t)
	accounts := []trade.Account{
		storetest.Account("1", "self", 1), storetest.Account("2", "ring", 1),
		storetest.Account("3", "ring", 1), storetest.Account("4", "fine", 1),
	}
	for i, parent := range []string{"1", "3", "2", "2"} {
		accounts[i].ParentRef = trade.Key(parent)
	}
	if _, err := saveAll(t.Context(), st, sources.AccountRecords, time.Now(), accounts, nil, replication.SaveAccounts, nothing); err != nil {
		t.Fatal(err)
	}
	rejected := rejections(t, st, "accounts")
	if len(rejected) != 1 || rejected["2"] == "" && rejected["3"] == "" {
		t.Errorf("rejected are %v, want one of 2 and 3", rejected)
	}
	for _, of := range []string{"2", "3"} {
		tree, err := records.AccountTree(t.Context(), st, []string{of})
		other := map[string]string{"2": "3", "3": "2"}[of]
		acts := slices.ContainsFunc(tree, func(r trade.Ref) bool { return r.Key == other })
		if err != nil || acts && rejected[of] != "" { // the one that is below the other
			t.Errorf("%s acts for %v, %v", of, tree, err)
		}
	}
	var categories []trade.Category
	for _, c := range [][2]string{{"A", "A"}, {"B", "C"}, {"C", "B"}, {"D", "A"}} {
		categories = append(categories, trade.Category{Code: c[0], Name: c[0], ParentRef: trade.Key(c[1]), Provenance: storetest.From(c[0], 1)})
	}
	_, err := saveAll(t.Context(), st, sources.CategoryRecords, time.Now(), categories, nil, replication.SaveCategories, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if rejected := rejections(t, st, "categories"); len(rejected) != 1 || rejected["B"] == "" && rejected["C"] == "" {
		t.Errorf("rejected are %v, want one of B and C", rejected)
	}
	var circles int
	const above = `WITH RECURSIVE c AS (SELECT id, parent_id, 1 AS n FROM %[1]s UNION ALL
		SELECT c.id, p.parent_id, n + 1 FROM c JOIN %[1]s p ON p.id = c.parent_id WHERE n < 10) SELECT count(*) FROM c WHERE parent_id = id`
	for _, table := range []string{"accounts", "categories"} {
		if err := st.Get(t.Context(), &circles, fmt.Sprintf(above, table)); err != nil || circles != 0 {
			t.Errorf("%d %s are above themselves, %v", circles, table, err)
		}
	}
}
