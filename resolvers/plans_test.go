package resolvers_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/edge/documents"
	"portico/graph"
	"portico/graph/execution"
	"portico/process"
	"portico/process/orders"
	"portico/resolvers"
	"portico/store"
	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
)

// TestNoStatementOfAPageReadsAWholeTable asks for the pages that are measured, as all kinds
// of callers, and looks how PostgreSQL plans what was asked for on the way.
func TestNoStatementOfAPageReadsAWholeTable(t *testing.T) {
	st, dsn := storetest.At(t)
	shared := loadedInto(t, st)
	base, _ := url.Parse("http://localhost")
	schema, err := execution.New(graph.NewBindings(graph.Config{Resolvers: &resolvers.Resolver{
		Links:    documents.NewLinks(base, func() [][]byte { return [][]byte{[]byte("key")} }),
		Ordering: orders.New(process.NewDesk(shared.Store, shared.Sources, nil, time.Now), shared.Prices),
	}}))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../test/bench/pages/*.graphql")
	if err != nil || len(pages) < 4 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	orders, err := records.OrderList(trade.OperatorScope(nil), records.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), st,
		[]string{""}, store.PageArgs{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	items, err := records.ItemList(trade.OperatorScope(nil), records.ItemFilter{}, trade.ItemsBySKU).Page(t.Context(), st, []string{""},
		store.PageArgs{First: 1})
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]any{"number": *orders[""].Nodes[0].Number, "sku": items[""].Nodes[0].SKU}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range callers(t, st) {
			given := map[string]any{}
			for name, value := range vars {
				if strings.Contains(string(text), "$"+name) {
					given[name] = value
				}
			}
			if _, _, ok := ask(t, schema, shared, scope, string(text), given); !ok {
				t.Fatalf("%s cannot be asked for", page)
			}
		}
	}
	for _, s := range storetest.Scanned(t, dsn, st.Statements()) {
		t.Errorf("no index serves %s", s)
	}
}
