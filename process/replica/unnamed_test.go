package replica_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/process/processtest"
	"portico/process/processtest/loaded"
	"portico/process/replica"
	"portico/sources"
)

// TestWhatANewerVersionNamesNoMoreIsStale has records come that no longer name what an earlier version of them named, or that
// their source no longer returns. Until the next comparison removes it, it is there, and not called fresh.
func TestWhatANewerVersionNamesNoMoreIsStale(t *testing.T) {
	w := processtest.New(t)
	st, _ := loaded.Database.At(t)
	erp := &forgetful{ERP: w.ERP(t)}
	r := replica.New(st, w.Systems(t, sources.DefaultLimits, map[string]sources.Adapter{"erp": erp}), time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })

	stale := func(sku string) (codes []string) {
		t.Helper()
		if err := st.Select(t.Context(), &codes, `SELECT w.code FROM stock t JOIN items i ON i.id = t.item_id JOIN warehouses w
			ON w.id = t.warehouse_id WHERE i.sku = $1 AND t.unread_since IS NOT NULL AND t.unread_reason <> '' ORDER BY 1`, sku); err != nil {
			t.Fatal(err)
		}
		return codes
	}
	var places []struct {
		SKU, Codes, First string
		N                 int
	}
	if err := st.Select(t.Context(), &places, `SELECT i.sku, min(w.code) AS first, string_agg(w.code, ',' ORDER BY w.code) AS codes,
		count(*) AS n FROM stock t JOIN items i ON i.id = t.item_id JOIN warehouses w ON w.id = t.warehouse_id
		GROUP BY 1 HAVING count(*) = 3 ORDER BY 1 LIMIT 4`); err != nil || len(places) != 4 {
		t.Fatal(places, err)
	}
	change := func(sku string, codes ...string) {
		t.Helper()
		sites := []any{}
		for _, code := range codes {
			sites = append(sites, map[string]any{"site": code, "qty": 41, "res": 0, "safety": 0})
		}
		if err := w.Now.Load().Change("wms", "stock", sku, map[string]any{"sites": sites}); err != nil {
			t.Fatal(err)
		}
	}
	fewer, none, back, same := places[0], places[1], places[2], places[3]
	change(fewer.SKU, fewer.First)
	change(none.SKU)
	change(back.SKU, back.First)
	change(same.SKU, strings.Split(same.Codes, ",")...)
	defer func() {
		if t.Failed() {
			t.Logf("%s %s: stale are %v, %v and %v; rejected %v", fewer.SKU, fewer.Codes, stale(fewer.SKU), stale(none.SKU), stale(back.SKU),
				rejected(t, st, "wms"))
		}
	}()
	processtest.Eventually(t, "stale", func() bool {
		return len(stale(fewer.SKU)) == 2 && len(stale(none.SKU)) == 3 && len(stale(back.SKU)) == 2
	})
	if all := stale(same.SKU); len(all) > 0 {
		t.Errorf("places that are named are stale: %v", all)
	}
	if slices.Contains(stale(fewer.SKU), fewer.First) {
		t.Errorf("%s is named, and stale", fewer.First)
	}
	// What is named once more is fresh.
	change(back.SKU, strings.Split(back.Codes, ",")...)
	processtest.Eventually(t, "fresh", func() bool { return len(stale(back.SKU)) == 0 })
	if len(stale(fewer.SKU)) != 2 {
		t.Errorf("what is still not named is fresh")
	}
	// Records of other kinds, which their source no longer returns.
	var number string
	if err := st.Get(t.Context(), &number, `SELECT number FROM orders WHERE unread_since IS NULL ORDER BY 1 LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	erp.forget(number)
	if err := w.Now.Load().Change("erp", "salesOrders", number, map[string]any{"note": "it is not shown"}); err != nil {
		t.Fatal(err)
	}
	processtest.Eventually(t, "an order that is not returned is stale", func() bool {
		var reason string
		err := st.Get(t.Context(), &reason, `SELECT coalesce(unread_reason, '') FROM orders WHERE number = $1`, number)
		return err == nil && reason != ""
	})
}
