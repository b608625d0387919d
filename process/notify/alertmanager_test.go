package notify

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"portico/trade"
)

func TestAlertmanagerIsToldWhatStandsAndInQuietHoursWhatIsCritical(t *testing.T) {
	var got []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = nil
		if r.URL.Path != "/api/v2/alerts" || json.NewDecoder(r.Body).Decode(&got) != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer server.Close()
	fault, action := trade.ERPAtFault, "look at it"
	alerts := []*trade.Alert{
		{
			ID: "alr_1", Kind: trade.AlertSource, Severity: trade.Critical, Queue: "operations", Subject: "erp", Message: "down",
			Responsible: &fault, SuggestedAction: &action,
		},
		{ID: "alr_2", Kind: trade.AlertObjective, Severity: trade.Warning, Queue: "purchasing", Subject: "obj_1", Message: "missed"},
	}
	m := Alertmanager{
		URL: server.URL + "/", Console: "https://portico.example/console",
		Quiet: []QuietHours{{From: "20:00", To: "07:00", Zone: "Europe/Amsterdam", Queues: []string{"purchasing"}}},
	}
	for at, want := range map[string]int{
		"2026-07-01T17:59:00Z": 2, // 19:59 in Amsterdam
		"2026-07-01T18:00:00Z": 1, "2026-07-02T04:59:00Z": 1, "2026-07-02T05:00:00Z": 2,
		"2026-12-01T18:30:00Z": 2, "2026-12-01T19:00:00Z": 1,
	} {
		now, _ := time.Parse(time.RFC3339, at)
		if err := m.Notify(t.Context(), http.DefaultClient, alerts, now, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if len(got) != want {
			t.Errorf("at %s %d alerts were told, want %d", at, len(got), want)
		}
	}
	labels := got[0]["labels"].(map[string]any)
	if labels["alertname"] != "SOURCE_UNHEALTHY" || labels["responsible"] != "ERP" || labels["severity"] != "critical" ||
		got[0]["annotations"].(map[string]any)["action"] != action {
		t.Errorf("told as %v", got[0])
	}
	for _, q := range []QuietHours{{From: "8", To: "09:00"}, {From: "08:00", To: "25:00"}, {From: "08:00", To: "09:00", Zone: "Mars/Base"}} {
		if q.Check() == nil {
			t.Errorf("%+v is taken", q)
		}
	}
	m.URL += "nowhere"
	if m.Notify(t.Context(), http.DefaultClient, alerts, time.Now(), time.Now()) == nil {
		t.Error("a refusal is no error")
	}
}
