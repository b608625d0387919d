package replica_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"portico/process/processtest"
	"portico/process/replica"
	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// twoERPs are the systems of a company with its ERP under two names.
func twoERPs(t *testing.T, w *processtest.World) *sources.Set {
	t.Helper()
	return w.Systems(t, sources.DefaultLimits, map[string]sources.Adapter{"erp": w.ERP(t), "next": w.ERP(t)})
}

func TestOrdersAreSharedOutByAccountAndKeepTheirIds(t *testing.T) {
	w := processtest.New(t)
	st := storetest.New(t)
	r := replica.New(st, twoERPs(t, w), time.Now, slog.New(slog.DiscardHandler))
	if err := r.TakeRoutes(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })

	// homes are the orders' sources by account, and whether all ids are as at first.
	var first map[string]string
	homes := func() (byAccount map[string]map[string]int, same bool) {
		byAccount, same = map[string]map[string]int{}, true
		ids := map[string]string{}
		for after, more := "", true; more; {
			pages, err := records.OrderList(processtest.Operator, records.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), st,
				[]string{""}, store.PageArgs{First: 100, After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range pages[""].Nodes {
				if byAccount[o.AccountRef.ID] == nil {
					byAccount[o.AccountRef.ID] = map[string]int{}
				}
				byAccount[o.AccountRef.ID][o.Provenance.Instance]++
				ids[*o.Number] = o.ID
				same = same && (first == nil || first[*o.Number] == o.ID)
			}
			if more = pages[""].PageInfo.HasNextPage; more {
				after = *pages[""].PageInfo.EndCursor
			}
		}
		if first == nil {
			first = ids
		}
		return byAccount, same && len(ids) == len(first)
	}
	served := func(want func(account, source string) bool) func() bool {
		accounts, err := records.AccountsByNumber(t.Context(), st, processtest.Operator,
			[]string{"10001", "10002", "10003", "10004", "10005", "10006", "10007"})
		if err != nil {
			t.Fatal(err)
		}
		number := map[string]string{}
		for n, a := range accounts {
			number[a.ID] = n
		}
		return func() bool {
			byAccount, same := homes()
			for id, homes := range byAccount {
				for source := range homes {
					if !want(number[id], source) {
						return false
					}
				}
			}
			return same
		}
	}
	only := func(name string) func() bool {
		return served(func(_, source string) bool { return source == name })
	}
	route := func(primary, shadow string, percent int) operating.CapabilityRoute {
		t.Helper()
		to := operating.CapabilityRoute{Capability: operating.Orders, Primary: primary, PercentToPrimary: percent, ChangedBy: "test"}
		if shadow != "" {
			to.Shadow = &shadow
		}
		before, err := replica.SetRoute(t.Context(), st, twoERPs(t, w), to)
		if err != nil {
			t.Fatal(err)
		}
		return before
	}
	if !only("erp")() {
		t.Fatal("not all orders are of the configured ERP")
	}
	if before := route("next", "erp", 60); before.Primary != "erp" || before.PercentToPrimary != 100 {
		t.Errorf("it was %+v before", before)
	}
	there, here := 0, 0
	share := func(account, source string) bool {
		moved := sources.Share(account) < 60
		if moved {
			there++
		} else {
			here++
		}
		return (source == "next") == moved
	}
	processtest.Eventually(t, "shared out", served(share))
	if there == 0 || here == 0 {
		t.Errorf("%d accounts are served there and %d here: the share tells nothing", there, here)
	}
	// What changes goes on to come from where its account is served.
	if err := w.Now.Load().Change("erp", "salesOrders", "8000001", map[string]any{"note": "changed while it moves"}); err != nil {
		t.Fatal(err)
	}
	processtest.Eventually(t, "told of a change", func() bool {
		o, err := records.OrdersByNumber(t.Context(), st, processtest.Operator, []string{"8000001"})
		return err == nil && o["8000001"].Comment != nil && *o["8000001"].Comment == "changed while it moves"
	})
	if !served(share)() {
		t.Error("a change moved an order to the other source")
	}
	route("next", "", 100)
	processtest.Eventually(t, "moved", only("next"))
	if before := route("erp", "", 100); before.Primary != "next" {
		t.Errorf("it was %+v before", before)
	}
	processtest.Eventually(t, "moved back", only("erp"))
}

func TestARouteThatCannotBeServedIsRefused(t *testing.T) {
	w, st := processtest.New(t), storetest.New(t)
	crm, erp := "crm", "erp"
	for name, c := range map[string]struct {
		route operating.CapabilityRoute
		says  string
	}{
		"no capability": {
			operating.CapabilityRoute{Capability: "WEATHER", Primary: "erp", PercentToPrimary: 100},
			`"WEATHER" is no capability`,
		},
		"no source": {
			operating.CapabilityRoute{Capability: operating.Orders, Primary: "sap", PercentToPrimary: 100},
			`not one of the sources`,
		},
		"it does not serve": {
			operating.CapabilityRoute{Capability: operating.Orders, Primary: "carrier", PercentToPrimary: 100},
			"its adapter does not",
		},
		"nor does a shadow": {
			operating.CapabilityRoute{Capability: operating.Orders, Primary: "erp", Shadow: &crm, PercentToPrimary: 100},
			"its adapter does not",
		},
		"cannot be shared": {
			operating.CapabilityRoute{Capability: operating.Items, Primary: "next", Shadow: &erp, PercentToPrimary: 50},
			"cannot be shared out",
		},
		"nor can a schedule": {
			operating.CapabilityRoute{Capability: operating.TrackingOf, Primary: "wms", Shadow: &erp, PercentToPrimary: 50},
			"",
		},
	} {
		_, err := replica.SetRoute(t.Context(), st, twoERPs(t, w), c.route)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	routes, err := operatingstore.Routes(t.Context(), st)
	if err != nil || len(routes) != 9 {
		t.Fatalf("%d routes, %v", len(routes), err)
	}
	for _, r := range routes {
		if r.ChangedBy != "configuration" {
			t.Errorf("a route that was refused is in force: %+v", r)
		}
	}
}
