package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// codes are the table of an instance.
func (s *server) codes(t *testing.T, instance string) (none api.CodeMappingDetails) {
	t.Helper()
	for _, m := range must(api.CodeMappings(s.as(t, "operator"))).CodeMappings {
		if val(m.Instance) == instance {
			return m
		}
	}
	t.Fatalf("%s has no table", instance)
	return none
}

// TestACodeGetsAMeaning has a carrier say what nobody knows, an operator say what it means,
// and what was said before read once more.
//
// Covers: T01 L06 R04 G15
func TestACodeGetsAMeaning(t *testing.T) {
	t.Parallel()
	p := pushingAt(t)
	numbers, ids := p.parcels(t, 3)
	locker := func(n int, at string) map[string]any {
		return map[string]any{
			"parcel": numbers[n],
			"scans":  []any{scan(1, "PUP", "2026-03-01T08:00:00Z"), map[string]any{"no": 2, "code": "LCK", "note": "in a locker", "at": at}},
		}
	}
	if status, text := p.push("", locker(0, "2026-03-01T09:00:00Z")); status != 202 {
		t.Fatalf("%d %s", status, text)
	}
	p.push("", locker(1, "2026-03-01T10:00:00Z"))
	p.becomes(t, ids[0], "PICKED_UP")
	p.becomes(t, ids[1], "PICKED_UP")
	table := p.codes(t, "acme")
	if table.Standard != api.CodeStandardCarrier || table.List != "acme.scan" || table.Version != 1 ||
		!strings.Contains(fmt.Sprint(table.Entries), "{POD Milestone.DELIVERED} {POD ShipmentStatus.DELIVERED}") {
		t.Errorf("as it was written: %s", asJSON(table))
	}
	if unmapped := at(table.Unmapped, 0); len(table.Unmapped) != 1 || unmapped.Code != "LCK" || unmapped.Count != 2 ||
		val(unmapped.Text) != "in a locker" {
		t.Errorf("unmapped: %s", asJSON(table.Unmapped))
	}
	n := 0
	type entry = api.CodeMappingEntryInput
	publish := func(persona string, version int, entries ...entry) (api.PublishCodeMappingPublishCodeMappingCodeMappingPayload, error) {
		n++
		a, err := api.PublishCodeMapping(p.try(t, persona), fmt.Sprintf("lockers have a meaning %d", n), api.CodeMappingInput{
			Mapping: table.Id, ExpectedVersion: version, Reason: "the carrier told us", Entries: entries,
		})
		return a.PublishCodeMapping, err
	}
	for name, c := range map[string]struct {
		version int
		entry   entry
		why     string
	}{
		"another version": {2, entry{Code: "LCK", Meaning: "ShipmentStatus.AVAILABLE_FOR_PICKUP"}, "version 1"},
		"no enum":         {1, entry{Code: "LCK", Meaning: "AVAILABLE_FOR_PICKUP"}, "entries 0 meaning"},
		"no value":        {1, entry{Code: "LCK", Meaning: "ShipmentStatus.LOCKED"}, "entries 0 meaning"},
		"no code":         {1, entry{Code: "  ", Meaning: "ShipmentStatus.DELIVERED"}, "entries 0 code"},
	} {
		if a, err := publish("operator", c.version, c.entry); err != nil || !strings.Contains(fmt.Sprint(a.Errors), c.why) ||
			!null(a.Mapping) {
			t.Errorf("%s: %s %v", name, asJSON(a), err)
		}
	}
	if a, err := publish("buyer", 1, entry{Code: "LCK", Meaning: "ShipmentStatus.DELIVERED"}); len(errorsOf(t, err)) == 0 {
		t.Errorf("a buyer publishes: %s", asJSON(a))
	}
	a, err := publish("operator", 1, entry{Code: "LCK", Meaning: "ShipmentStatus.AVAILABLE_FOR_PICKUP"},
		entry{Code: "LCK", Meaning: "Milestone.AVAILABLE_FOR_PICKUP"}, entry{Code: "PUP", Meaning: "ShipmentStatus.IN_TRANSIT"})
	if err != nil || a.Mapping.Version != 2 || len(a.Mapping.Unmapped) != 0 ||
		!strings.Contains(fmt.Sprint(a.Mapping.Entries), "{PUP Milestone.PICKED_UP} {PUP ShipmentStatus.IN_TRANSIT}") {
		t.Fatalf("published: %s %v", asJSON(a), err)
	}
	if status, _ := p.push("", locker(2, "2026-03-01T11:00:00Z")); status != 202 {
		t.Fatal(status)
	}
	p.becomes(t, ids[2], "AVAILABLE_FOR_PICKUP")
	if now := p.tracked(t, ids[0]); now.Status != "PICKED_UP" {
		t.Errorf("what came before is read once more by itself: %v", now.Status)
	}
	replay := func(key string, dry bool) api.ReplayedStream {
		return p.replayed(t, key, api.ReplayInput{Stream: "acme/deliveries", DryRun: &dry, Reason: "lockers have a meaning"})
	}
	if a := replay("lockers, to be tried", true); a.Changes != 2 || a.Found != 3 {
		t.Errorf("tried: %s", asJSON(a))
	}
	replay("lockers, in earnest.", false)
	p.becomes(t, ids[0], "AVAILABLE_FOR_PICKUP")
	p.becomes(t, ids[1], "AVAILABLE_FOR_PICKUP")
	p.until(t, 10*time.Second, "audited", func() bool {
		latest := must(api.AuditLog(p.as(t, "operator"))).AuditLog.Nodes
		return slices.ContainsFunc(latest[:min(10, len(latest))], func(e api.AuditLogAuditLogAuditEntryConnectionNodesAuditEntry) bool {
			return e.Action == "codes.publish"
		})
	})
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.again(t)
	if table := p.codes(t, "acme"); table.Version != 2 {
		t.Errorf("after a restart: %d", table.Version)
	}
	// Another process publishes, and this one reads by it within a second.
	if _, err := p.database(t).ExecContext(t.Context(),
		`UPDATE code_mappings SET publications = publications + 1,
			published = published || '{"LCK": {"milestone": "DELIVERED", "status": "DELIVERED"}}' WHERE instance = 'acme'`); err != nil {
		t.Fatal(err)
	}
	moment := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p.until(t, 10*time.Second, "read by what another process published", func() bool {
		moment = moment.Add(time.Minute)
		p.push("", locker(2, moment.Format(time.RFC3339)))
		return p.tracked(t, ids[2]).Status == "DELIVERED"
	})
}
