package watch

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	company "portico/sandbox"
	"portico/sources/sandbox"
	"portico/trade"
	"portico/trade/operating"
)

// TestShortOutagesDoNotAddUpToAnAlert has an ERP be away twice for a while, and then for longer.
func TestShortOutagesDoNotAddUpToAnAlert(t *testing.T) {
	c, err := company.Open(company.Options{Speed: 0})
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	serve := c.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		serve.ServeHTTP(w, r)
	}))
	defer server.Close()
	set, err := sandbox.OpenCompany(server.URL, company.Key)
	if err != nil {
		t.Fatal(err)
	}
	// become has the ERP be away or not, and waits until its health says so.
	become := func(gone bool) {
		t.Helper()
		away.Store(gone)
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			_ = set.Check(t.Context(), "erp")
			for _, h := range set.Health() {
				if h.Instance == "erp" && (h.State == operating.SourceIsDown) == gone {
					return
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("the ERP is not seen to be away: %v", gone)
			}
		}
	}
	w := NewSystems(nil, set, time.Now, slog.New(slog.DiscardHandler))
	begun := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	alerts := func(after time.Duration) []*trade.Alert { return w.unhealthy(begun.Add(after), nil) }
	become(true)
	if all := alerts(0); len(all) != 0 {
		t.Errorf("as it goes there are %d alerts", len(all))
	}
	become(false)
	if all := alerts(downAfter / 2); len(all) != 0 {
		t.Errorf("while it is there, there are %d alerts", len(all))
	}
	become(true)
	if all := alerts(downAfter + time.Second); len(all) != 0 {
		t.Errorf("as it goes for the second time there are %d alerts: its first absence is over", len(all))
	}
	if all := alerts(2*downAfter + time.Second); len(all) != 1 || all[0].Subject != "erp" || all[0].Severity != trade.Critical ||
		*all[0].Responsible != trade.ERPAtFault {
		t.Errorf("away for %v: %v", downAfter, all)
	}
	// One that flaps has an alert all the while.
	often := 3.0
	flaps := func(after time.Duration) []*trade.Alert {
		return w.unhealthy(begun.Add(after), map[string]operating.Observed{"erp": {Instance: "erp", Outages: &often}})
	}
	become(false)
	if all := flaps(3 * downAfter); len(all) != 1 || all[0].Severity != trade.Warning || !strings.Contains(all[0].Message, "3 times") {
		t.Errorf("it flaps, and answers: %v", all)
	}
	become(true)
	if all := flaps(3*downAfter + time.Second); len(all) != 1 || all[0].Severity != trade.Warning ||
		!strings.Contains(all[0].Message, "3 times") {
		t.Errorf("it flaps, and is away for a moment: %v", all)
	}
	if all := flaps(4*downAfter + time.Second); len(all) != 1 || all[0].Severity != trade.Critical {
		t.Errorf("it flapped, and is away for good: %v", all)
	}
	set.Pause(map[string]string{"erp": "stocktaking"})
	if all := alerts(5 * downAfter); len(all) != 0 {
		t.Errorf("what an operator paused has %d alerts", len(all))
	}
}

// TestASourceThatAnswersAndWhoseChangesDoNotArriveIsReported has a feed stand still, and names where it stands.
//
// Cases: A2
func TestASourceThatAnswersAndWhoseChangesDoNotArriveIsReported(t *testing.T) {
	c, err := company.Open(company.Options{Speed: 0})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c.Handler())
	defer server.Close()
	set, err := sandbox.OpenCompany(server.URL, company.Key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		stands, runs time.Duration
		want         int
	}{
		{0, time.Hour, 0},
		{44 * time.Second, time.Hour, 0},
		{45 * time.Second, time.Hour, 1},
		{time.Hour, time.Hour, 1},
		{time.Hour, 0, 0}, // while no process ran, none was there to take them
		{time.Hour, 44 * time.Second, 0},
		{time.Hour, 45 * time.Second, 1},
	} {
		w := NewSystems(nil, set, func() time.Time { return now.Add(-c.runs) }, slog.New(slog.DiscardHandler))
		confirmed := now.Add(-c.stands)
		alerts := w.unhealthy(now, map[string]operating.Observed{"erp": {Instance: "erp", Position: "4711", ConfirmedAt: &confirmed}})
		if len(alerts) != c.want {
			t.Errorf("after %s, of a process that runs for %s, there are %d alerts, want %d", c.stands, c.runs, len(alerts), c.want)
		}
		for _, a := range alerts {
			if a.Subject != "erp" || a.Severity != trade.Critical || !strings.Contains(a.Message, "4711") {
				t.Errorf("after %s: %+v", c.stands, a)
			}
		}
	}
}
