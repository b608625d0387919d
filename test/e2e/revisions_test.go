package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Covers: P02
// Cases: H11
func TestATimelineHasEveryRevisionOfThePurchaseOrder(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001", "SCR-10002")
	number := say(po["number"])
	revise := func(revision int, change func(items []any) []any) {
		t.Helper()
		now := p.s.record(t, "erp", "purchases", number)
		items := change(now["items"].([]any))
		p.s.control(t, http.MethodPost, "/control/records", map[string]any{
			"service": "erp", "object": "purchases", "key": number,
			"set": map[string]any{"items": items, "ver": revision, "rev": 1000 + revision, "stat": "S"},
		})
		p.s.until(t, 20*time.Second, "revised", func() bool {
			return fmt.Sprint(p.now(t, "supplier", number)["revision"]) == fmt.Sprint(revision)
		})
	}
	revise(2, func(items []any) []any { items[0].(map[string]any)["qty"] = 1200; return items }) // its part stays 1000: the rest comes with it
	revise(3, func(items []any) []any {
		sched := items[0].(map[string]any)["sched"].([]any)
		sched[0].(map[string]any)["wishDlv"] = "20270301"
		return items
	})
	revise(4, func(items []any) []any { return items[:1] })
	want := []string{
		"revision 4: line 20 (1000 EA of SCR-10002) was removed", "revision 3: line 10 is wanted for 2027-03-01 instead of",
		"revision 2: line 10 is for 1200 EA instead of 1000 EA",
	}
	first := walk(po, "lines.nodes.0.lineNumber")
	for _, persona := range []string{"supplier", "operator"} {
		entries, _ := walk(p.now(t, persona, number), "timeline.nodes").([]any)
		if len(entries) != len(want) {
			t.Fatalf("as %s: %d entries: %v (lines such as %v)", persona, len(entries), entries, first)
		}
		for i, e := range entries {
			if walk(e, "kind") != "NEWS_IN" || !strings.Contains(say(walk(e, "message")), want[i]) {
				t.Errorf("as %s: entry %v, want %q", persona, e, want[i])
			}
		}
	}
	if other := p.now(t, "supplier-other", number); other != nil {
		t.Errorf("another supplier: %v", other)
	}

	// What the supplier and the planner do about it has text, too.
	now := p.now(t, "supplier", number)
	a := p.respond(t, p.answer(now, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(now, 30)}))
	p.s.good(t, "operator", decide, map[string]any{"key": p.key(), "in": map[string]any{
		"deviation": a.at("out", "deviations", 0, "id"), "decision": "REJECT", "comment": "we need it then",
	}})
	kinds := map[any]int{}
	for _, e := range walk(p.now(t, "supplier", number), "timeline.nodes").([]any) {
		kinds[walk(e, "kind")]++
		if m := say(walk(e, "message")); !strings.HasSuffix(m, ".") || len(m) < 10 {
			t.Errorf("entry %v", e)
		}
	}
	if kinds["REQUEST"] != 1 || kinds["DECISION"] != 1 {
		t.Errorf("kinds of entries: %v", kinds)
	}
}
