package operating_test

import (
	"testing"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// TestMeasuresAreAsComputedByHand keeps cases whose results are worked out on paper.
//
// Covers: K03
func TestMeasuresAreAsComputedByHand(t *testing.T) {
	st := storetest.New(t)
	day := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	tallies := []operatingstore.Tally{
		// 3 of 40 and 2 of 60 calls failed: 5 of 100.
		{Measure: operating.IntegrationFailureRate, Subject: "1", Key: "erp", At: day, Cases: 40, Hits: 3},
		{Measure: operating.IntegrationFailureRate, Subject: "2", Key: "wms", At: day.AddDate(0, 0, 1), Cases: 60, Hits: 2},
		// Told again with other numbers, it counts once: 50 of 80 figures were right.
		{Measure: operating.InventoryAccuracy, Subject: "1", Key: "wms", At: day, Cases: 80, Hits: 80},
		{Measure: operating.InventoryAccuracy, Subject: "1", Key: "wms", At: day, Cases: 80, Hits: 50},
		// On another day.
		{Measure: operating.CrossSystemConsistency, Subject: "1", Key: "items", At: day.AddDate(0, 0, 30), Cases: 10, Hits: 9},
	}
	err := st.InTx(t.Context(), func(tx *store.Tx) error {
		if err := operatingstore.KeepTallies(t.Context(), tx, tallies); err != nil {
			return err
		}
		// Of 10, 20, 30, 40 and 100 s the median is 30 and the 95th percentile 0.8 of the way from 40 to 100: 88.
		for i, s := range []float64{10, 20, 30, 40, 100} {
			if _, err := tx.Exec(t.Context(),
				`INSERT INTO measured (measure, subject, key, at, seconds) VALUES ('ORDER_CYCLE_TIME', $1::text, 'C1000', $2, $3)`,
				string(rune('a'+i)), day, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	of := func(scope trade.Scope, by operatingstore.MeasuredBy) map[string]*operating.MeasureResult {
		all, err := operatingstore.MeasureResults(t.Context(), st, scope, by)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]*operating.MeasureResult{}
		for _, m := range all {
			key := string(m.Measure)
			if m.Key != nil {
				key += " " + *m.Key
			}
			found[key] = m
		}
		return found
	}
	week := operatingstore.MeasuredBy{From: day.Truncate(24 * time.Hour), Until: day.AddDate(0, 0, 7)}
	got := of(trade.OperatorScope(nil), week)
	if m := got["INTEGRATION_FAILURE_RATE"]; m == nil || m.Samples != 100 || m.Percent.String() != "5" {
		t.Errorf("failures: %+v", m)
	}
	if m := got["INVENTORY_ACCURACY"]; m == nil || m.Samples != 80 || m.Percent.String() != "62.5" {
		t.Errorf("stock: %+v", m)
	}
	if m := got["ORDER_CYCLE_TIME"]; m == nil || m.Samples != 5 || *m.P50 != 30*time.Second || *m.P95 != 88*time.Second {
		t.Errorf("cycle: %+v", m)
	}
	if got["CROSS_SYSTEM_CONSISTENCY"] != nil {
		t.Error("a case of another week is counted")
	}
	week.Keys = true
	if m := of(trade.OperatorScope(nil), week)["INTEGRATION_FAILURE_RATE erp"]; m == nil || m.Percent.String() != "7.5" {
		t.Errorf("failures of erp: %+v", m)
	}
	if all := of(trade.CustomerScope([]trade.Ref{{ID: "acc_1", Key: "C1000"}}, nil), week); len(all) != 0 {
		t.Errorf("a customer is told measures: %v", all)
	}
}

// TestAlertsFollowTheirReasons raises, keeps and closes an alert as its reason comes, changes and goes.
func TestAlertsFollowTheirReasons(t *testing.T) {
	st := storetest.New(t)
	operator := trade.OperatorScope(nil)
	fault := trade.ERPAtFault
	keep := func(all ...*trade.Alert) {
		t.Helper()
		if err := operatingstore.KeepAlerts(t.Context(), st, []trade.AlertKind{trade.AlertSource}, all, "It answers again."); err != nil {
			t.Fatal(err)
		}
	}
	a := func(subject string, severity trade.Severity, message string) *trade.Alert {
		return &trade.Alert{
			Kind: trade.AlertSource, Severity: severity, Message: message, Queue: "operations", Responsible: &fault,
			Subject: subject,
		}
	}
	open := func() (all []*trade.Alert) {
		t.Helper()
		page, err := operatingstore.AlertList(operator, operatingstore.AlertFilter{Kind: []trade.AlertKind{trade.AlertSource}}).Page(t.Context(),
			st, []string{""}, store.PageArgs{First: 10})
		if err != nil {
			t.Fatal(err)
		}
		return page[""].Nodes
	}
	keep(a("erp", trade.Warning, "slow"), a("wms", trade.Critical, "down"))
	first := open()
	if len(first) != 2 || first[0].Subject != "wms" {
		t.Fatalf("got %v", first)
	}
	keep(a("erp", trade.Critical, "down"), a("wms", trade.Critical, "down"))
	if now := open(); len(now) != 2 || now[0].Severity != trade.Critical || now[1].Severity != trade.Critical {
		t.Errorf("what became worse is told as before: %v", now)
	}
	keep(a("wms", trade.Critical, "down"))
	now := open()
	if len(now) != 1 || now[0].ID != first[0].ID {
		t.Errorf("what goes on is not the alert that it was: %v", now)
	}
	keep()
	if now := open(); len(now) != 0 {
		t.Errorf("it is open without a reason: %v", now)
	}
	keep(a("wms", trade.Critical, "down"))
	if now := open(); len(now) != 1 || now[0].ID == first[0].ID {
		t.Errorf("what comes again is not a new alert: %v", now)
	}
}

// TestUseOfWhatGoesAwayIsToldToWhomItConcerns asks for the use of an element as its client, as another, and as an operator.
func TestUseOfWhatGoesAwayIsToldToWhomItConcerns(t *testing.T) {
	st := storetest.New(t)
	now := time.Now()
	use := []operating.SchemaUse{
		{Coordinate: "Order.old", Client: "portal", Calls: 3, LastUsedAt: now.AddDate(0, 0, -2)},
		{Coordinate: "Order.old", Client: "portal", Calls: 4, LastUsedAt: now},
		{Coordinate: "Order.old", Client: "robot", Calls: 1, LastUsedAt: now},
		{Coordinate: "Order.old", Client: "long ago", Calls: 9, LastUsedAt: now.AddDate(0, 0, -40)},
	}
	for _, u := range use {
		if err := operatingstore.AddSchemaUse(t.Context(), st, []operating.SchemaUse{u}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		scope  trade.Scope
		client string
		want   int
	}{{trade.CustomerScope(nil, nil), "portal", 1}, {trade.CustomerScope(nil, nil), "nobody", 0}, {trade.OperatorScope(nil), "console", 2}} {
		got, err := operatingstore.DeprecatedUse(t.Context(), st, c.scope, c.client, now.AddDate(0, 0, -30),
			[]string{"Order.old", "Order.number"})
		if err != nil || len(got["Order.old"]) != c.want {
			t.Errorf("%s is told %v, %v", c.client, got, err)
		}
		if c.want > 0 && (got["Order.old"][0].Client != "portal" || got["Order.old"][0].Calls != 7) {
			t.Errorf("%s is told %+v", c.client, got["Order.old"][0])
		}
	}
}

// TestSignalsAreSaidAnewAndTakeAnyName keeps what a process says, with a client of a bad name, says it anew, and forgets it.
func TestSignalsAreSaidAnewAndTakeAnyName(t *testing.T) {
	st := storetest.New(t)
	keep := func(all ...operatingstore.Signal) (kept []operatingstore.Signal) {
		t.Helper()
		if err := operatingstore.KeepSignals(t.Context(), st, "one", all); err != nil {
			t.Fatal(err)
		}
		kept, _, err := operatingstore.Signals(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	if kept := keep(operatingstore.Signal{Kind: operatingstore.Alive, Value: 1},
		operatingstore.Signal{Kind: operatingstore.ManyRefused, Subject: "a\x00b\xff\nCODE", Value: 40}); len(kept) != 2 || kept[1].Value != 40 {
		t.Fatalf("got %+v", kept)
	}
	if kept := keep(operatingstore.Signal{Kind: operatingstore.Alive, Value: 1}); len(kept) != 1 || kept[0].Kind != operatingstore.Alive {
		t.Errorf("what is not said any more is kept: %+v", kept)
	}
	if err := operatingstore.RemoveSignals(t.Context(), st, "one"); err != nil {
		t.Fatal(err)
	}
	if kept, _, err := operatingstore.Signals(t.Context(), st); err != nil || len(kept) != 0 {
		t.Errorf("a process that ended is kept: %+v, %v", kept, err)
	}
}
