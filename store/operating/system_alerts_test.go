package operating_test

import (
	"testing"

	operatingstore "portico/store/operating"
	"portico/store/storetest"
	"portico/trade"
)

// TestAnAlertSaysWhatIsTheMatterNow has the matter of an alert change while it stands: what to do about it changes with it.
func TestAnAlertSaysWhatIsTheMatterNow(t *testing.T) {
	st, db := storetest.Pair(t)
	type alert struct{ severity, message, action, queue, responsible, state string }
	now := func() (all []alert) {
		rows, err := db.QueryContext(t.Context(), `SELECT severity, message, suggested_action, queue, responsible, state FROM alerts`)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var a alert
			if err := rows.Scan(&a.severity, &a.message, &a.action, &a.queue, &a.responsible, &a.state); err != nil {
				t.Fatal(err)
			}
			all = append(all, a)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	last := alert{}
	for _, want := range []alert{
		{"WARNING", "It fails in turns.", "Look at its load.", "operations", "ERP", "OPEN"},
		{"CRITICAL", "It is away.", "Start it.", "operations", "ERP", "OPEN"},
		{"CRITICAL", "It is away.", "Ask the network.", "operations", "ERP", "OPEN"},
		{"CRITICAL", "It is away.", "Ask the network.", "logistics", "ERP", "OPEN"},
		{"CRITICAL", "It is away.", "Ask the network.", "logistics", "GATEWAY", "OPEN"},
		{"CRITICAL", "It is away.", "Ask the network.", "logistics", "GATEWAY", "RESOLVED"},
	} {
		var wanted []*trade.Alert
		if want.state != "RESOLVED" {
			responsible := trade.Responsible(want.responsible)
			wanted = append(wanted, &trade.Alert{
				Kind: trade.AlertSource, Severity: trade.Severity(want.severity), Message: want.message, SuggestedAction: &want.action,
				Queue: want.queue, Responsible: &responsible, Subject: "erp",
			})
		}
		if err := operatingstore.KeepAlerts(t.Context(), st, []trade.AlertKind{trade.AlertSource}, wanted, "It is over."); err != nil {
			t.Fatal(err)
		}
		if all := now(); len(all) != 1 || all[0] != want {
			t.Errorf("after %+v the alert is %+v, want %+v", last, all, want)
		}
		last = want
	}
}
