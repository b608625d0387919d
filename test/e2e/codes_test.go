package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

func (s *server) codes(t *testing.T, instance string) map[string]any {
	t.Helper()
	for _, m := range s.good(t, "operator",
		`{ codeMappings { id standard list instance version publishedAt entries { code meaning } unmapped { code text count lastSeenAt } } }`,
		nil).at("codeMappings").([]any) {
		if walk(m, "instance") == instance {
			return m.(map[string]any)
		}
	}
	t.Fatalf("%s has no table", instance)
	return nil
}

// TestACodeGetsAMeaning has a carrier say what nobody knows, an operator say what it means,
// and what was said before read anew.
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
	if table["standard"] != "CARRIER" || table["list"] != "acme.scan" || table["version"] != 1.0 ||
		!strings.Contains(fmt.Sprint(table["entries"]),
			"map[code:POD meaning:Milestone.DELIVERED] map[code:POD meaning:ShipmentStatus.DELIVERED]") {
		t.Errorf("as it was written: %v", table)
	}
	if unmapped := table["unmapped"].([]any); len(unmapped) != 1 || walk(unmapped[0], "code") != "LCK" || walk(unmapped[0], "count") != 2.0 ||
		walk(unmapped[0], "text") != "in a locker" {
		t.Errorf("unmapped: %v", unmapped)
	}
	n := 0
	publish := func(persona string, version int, entries ...any) answer {
		n++
		return p.query(t, persona,
			`mutation ($key: IdempotencyKey!, $input: CodeMappingInput!) { publishCodeMapping(idempotencyKey: $key, input: $input) {
			errors { __typename ... on UserError { code message path } } replayed mapping { version entries { code meaning } unmapped { code } } }
			}`,
			map[string]any{
				"key":   fmt.Sprintf("lockers have a meaning %d", n),
				"input": map[string]any{"mapping": table["id"], "expectedVersion": version, "reason": "the carrier told us", "entries": entries},
			})
	}
	means := func(code, meaning string) any { return map[string]any{"code": code, "meaning": meaning} }
	for name, c := range map[string]struct {
		version int
		entry   any
		why     string
	}{
		"another version": {2, means("LCK", "ShipmentStatus.AVAILABLE_FOR_PICKUP"), "version 1"},
		"no enum":         {1, means("LCK", "AVAILABLE_FOR_PICKUP"), "entries 0 meaning"},
		"no value":        {1, means("LCK", "ShipmentStatus.LOCKED"), "entries 0 meaning"},
		"no code":         {1, means("  ", "ShipmentStatus.DELIVERED"), "entries 0 code"},
	} {
		if a := publish("operator", c.version, c.entry); !strings.Contains(fmt.Sprint(a.at("publishCodeMapping", "errors")), c.why) ||
			a.at("publishCodeMapping", "mapping") != nil {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	if a := publish("buyer", 1, means("LCK", "ShipmentStatus.DELIVERED")); len(a.Errors) == 0 {
		t.Errorf("a buyer publishes: %s", a.Body)
	}
	a := publish("operator", 1, means("LCK", "ShipmentStatus.AVAILABLE_FOR_PICKUP"), means("LCK", "Milestone.AVAILABLE_FOR_PICKUP"),
		means("PUP", "ShipmentStatus.IN_TRANSIT"))
	if a.at("publishCodeMapping", "mapping", "version") != 2.0 || fmt.Sprint(a.at("publishCodeMapping", "mapping", "unmapped")) != "[]" ||
		!strings.Contains(a.Body, `{"code":"PUP","meaning":"Milestone.PICKED_UP"},{"code":"PUP","meaning":"ShipmentStatus.IN_TRANSIT"}`) {
		t.Fatalf("published: %s", a.Body)
	}
	if status, _ := p.push("", locker(2, "2026-03-01T11:00:00Z")); status != 202 {
		t.Fatal(status)
	}
	p.becomes(t, ids[2], "AVAILABLE_FOR_PICKUP")
	if now := p.shipment(t, ids[0]); now["status"] != "PICKED_UP" {
		t.Errorf("what came before is read anew by itself: %v", now["status"])
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
		return strings.Contains(p.good(t, "operator", `{ auditLog(first: 10) { nodes { action after } } }`, nil).Body, `"action":"codes.publish"`)
	})
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.again(t)
	if table := p.codes(t, "acme"); table["version"] != 2.0 {
		t.Errorf("after a restart: %v", table["version"])
	}
	// Another process publishes, and this one reads by it within a second.
	if _, err := p.database(t).ExecContext(t.Context(),
		`UPDATE code_mappings SET publications = publications + 1,
			published = published || '{"LCK": {"milestone": "DELIVERED", "status": "DELIVERED"}}' WHERE instance = 'acme'`); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p.until(t, 10*time.Second, "read by what another process published", func() bool {
		at = at.Add(time.Minute)
		p.push("", locker(2, at.Format(time.RFC3339)))
		return p.shipment(t, ids[2])["status"] == "DELIVERED"
	})
}
