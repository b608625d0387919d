package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const leadTime = `mutation ($k: IdempotencyKey!, $in: ChangeLeadTimeInput!) { out: changeLeadTime(idempotencyKey: $k, input: $in) {
	replayed errors { __typename ... on UserError { code message path } } operation { id kind state } alert { id }
	supplierItem { id leadTimeDays nextLeadTime { leadTimeDays effectiveFrom reason announcedAt } } receipt { kind } } }`

func (p *supplying) lead(t *testing.T, persona string, in map[string]any) answer {
	t.Helper()
	return p.s.good(t, persona, leadTime, map[string]any{"k": p.key(), "in": in})
}

// item is an item of the supplier's range by its number.
func (p *supplying) item(t *testing.T, persona, sku string) map[string]any {
	t.Helper()
	a := p.s.good(t, persona, `{ viewer { ... on SupplierViewer { supplier
		{ items(first: 100) { totalCount { value } nodes { id supplierPartNumber leadTimeDays minimumQuantity { value unit }
		nextLeadTime { leadTimeDays effectiveFrom } item { sku } supplier { code } provenance { system } } } } } } }`, nil)
	for _, n := range a.at("viewer", "supplier", "items", "nodes").([]any) {
		if walk(n, "item.sku") == sku {
			return n.(map[string]any)
		}
	}
	t.Fatalf("%s does not supply %s: %s", persona, sku, a.Body)
	return nil
}

// TestSupplierAnnouncesALeadTime has a supplier announce a lead time that holds later, which
// planning is told of and the ERP learns on its day, and one that holds at once.
//
// Covers: P07 P08
func TestSupplierAnnouncesALeadTime(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	t.Cleanup(func() { _ = s.stop() })
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	p := &supplying{s: s}
	const sku = "SCR-10001"
	item := p.item(t, "supplier", sku)
	was, _ := item["leadTimeDays"].(float64)
	if was == 0 || walk(item, "supplier.code") != "V2001" || item["supplierPartNumber"] == nil || walk(item, "minimumQuantity.unit") != "EA" ||
		walk(item, "provenance.system") != "ERP" {
		t.Fatalf("as the ERP has it: %v", item)
	}
	suppliers := s.good(t, "operator", `query ($sku: String!) { item(by: {sku: $sku}) { suppliers { id leadTimeDays supplier { code } } } }`,
		map[string]any{"sku": sku})
	if suppliers.at("item", "suppliers", 0, "id") != item["id"] || suppliers.at("item", "suppliers", 1, "supplier", "code") != "V2002" {
		t.Errorf("preferred first: %s", suppliers.Body)
	}
	for _, list := range s.good(t, "operator",
		`{ partners(first: 10) { nodes { code items(first: 100) { totalCount { value } nodes { supplier { code } } } } } }`, nil).at("partners",
		"nodes").([]any) {
		nodes := walk(list, "items.nodes").([]any)
		if count, _ := walk(list, "items.totalCount.value").(float64); count < 100 || count > 200 || len(nodes) != 100 {
			t.Errorf("%v has %d items of %v", walk(list, "code"), len(nodes), count)
		}
		for _, n := range nodes {
			if walk(n, "supplier.code") != walk(list, "code") {
				t.Fatalf("%v's range has one of %v", walk(list, "code"), walk(n, "supplier.code"))
			}
		}
	}
	today, later := time.Now().UTC(), time.Now().UTC().AddDate(0, 0, 9).Format(time.DateOnly)
	for field, bad := range map[string]map[string]any{
		"supplierItem":  {"supplierItem": "sit_none"},
		"leadTimeDays":  {"leadTimeDays": 0},
		"leadTimeDays ": {"leadTimeDays": 1000}, //nolint:gocritic // a name that is wrong by its blank
		"leadTimeDays+": {"leadTimeDays": was},
		"effectiveFrom": {"effectiveFrom": today.AddDate(0, 0, -1).Format(time.DateOnly)},
		"effectiveFar":  {"effectiveFrom": today.AddDate(3, 0, 0).Format(time.DateOnly)},
		"reason":        {"reason": strings.Repeat("x", 10_000)},
	} {
		in := map[string]any{"supplierItem": item["id"], "leadTimeDays": was + 4, "effectiveFrom": later}
		for k, v := range bad {
			in[k] = v
		}
		want := strings.TrimSuffix(strings.TrimRight(field, " +"), "Far")
		if a := p.lead(t, "supplier", in); !strings.HasPrefix(fmt.Sprint(a.at("out", "errors", 0, "path")), "[input "+want) ||
			a.at("out", "supplierItem") != nil {
			t.Errorf("%s: %s", field, a.Body)
		}
	}
	announced := map[string]any{"supplierItem": item["id"], "leadTimeDays": was + 4, "effectiveFrom": later, "reason": "the press is old"}
	if a := p.lead(t, "supplier-other", announced); a.at("out", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("another supplier's: %s", a.Body)
	}
	a := p.lead(t, "supplier", announced)
	if a.at("out", "operation") != nil || a.at("out", "supplierItem", "leadTimeDays") != was ||
		a.at("out", "supplierItem", "nextLeadTime", "leadTimeDays") != was+4 || a.at("out", "alert") != nil {
		t.Fatalf("announced: %s", a.Body)
	}
	told := func() map[string]any {
		t.Helper()
		all := s.good(t, "operator",
			`query ($id: ID!) { alerts(filter: {subject: $id, kind: [LEAD_TIME_CHANGED]})
				{ nodes { id severity queue message subjectNode { id } } } }`, map[string]any{"id": item["id"]}).at("alerts", "nodes").([]any)
		if len(all) != 1 {
			t.Fatalf("planning is told %d times: %v", len(all), all)
		}
		return all[0].(map[string]any)
	}
	if w := told(); w["severity"] != "WARNING" || w["queue"] != "planning" ||
		!strings.Contains(say(w["message"]), fmt.Sprintf("in %v days instead of %v", was+4, was)) || walk(w, "subjectNode.id") != item["id"] {
		t.Errorf("planning is told: %v", w)
	}
	if r := s.record(t, "erp", "materials", sku); walk(r, "vendors.0.plDays") != was {
		t.Errorf("the ERP before the day: %v", r["vendors"])
	}
	announced["leadTimeDays"] = was - 2
	if a = p.lead(t, "supplier", announced); a.at("out", "supplierItem", "nextLeadTime", "leadTimeDays") != was-2 {
		t.Fatalf("announced anew: %s", a.Body)
	}
	if w := told(); w["severity"] != "INFO" {
		t.Errorf("sooner: %v", w)
	}
	// The day comes.
	if _, err := s.database(t).ExecContext(t.Context(), `UPDATE lead_time_changes SET effective_from = current_date`); err != nil {
		t.Fatal(err)
	}
	s.until(t, 30*time.Second, "the day has come", func() bool {
		now := p.item(t, "supplier", sku)
		return now["leadTimeDays"] == was-2 && now["nextLeadTime"] == nil
	})
	if r := s.record(t, "erp", "materials", sku); walk(r, "vendors.0.plDays") != was-2 {
		t.Errorf("the ERP: %v", r["vendors"])
	}
	done := s.good(t, "supplier", `{ operations(first: 5, filter: {kind: [CHANGE_LEAD_TIME]}) { nodes { state steps { name state } } } }`, nil)
	if n := done.at("operations", "nodes").([]any); len(n) != 1 || walk(n[0], "state") != "COMMITTED" {
		t.Errorf("once: %s", done.Body)
	}
	// One that holds at once is an operation at once.
	at := map[string]any{"supplierItem": item["id"], "leadTimeDays": was, "effectiveFrom": today.Format(time.DateOnly)}
	if a = p.lead(t, "operator", at); a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "supplierItem", "leadTimeDays") != was ||
		a.at("out", "supplierItem", "nextLeadTime") != nil || a.at("out", "alert", "id") == nil {
		t.Errorf("at once: %s", a.Body)
	}
	// What the ERP does not take is told to both sides: it told a supplier that it does not have.
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{
			"service": "erp", "object": "materials", "key": "SCR-10002",
			"set": map[string]any{"rev": 99, "vendors": []any{map[string]any{"venNo": "V2003", "plDays": 5}}},
		})
	var wrong any
	s.until(t, 20*time.Second, "told wrongly", func() bool {
		a := s.good(t, "operator", `{ item(by: {sku: "SCR-10002"}) { suppliers { id supplier { code } } } }`, nil)
		wrong = a.at("item", "suppliers", 0, "id")
		return a.at("item", "suppliers", 0, "supplier", "code") == "V2003"
	})
	at["supplierItem"], at["leadTimeDays"] = wrong, 7
	if a = p.lead(t, "operator", at); a.at("out", "operation", "state") != "FAILED" || a.at("out", "supplierItem", "leadTimeDays") != 5.0 ||
		a.at("out", "supplierItem", "nextLeadTime") != nil {
		t.Errorf("refused: %s", a.Body)
	}
	if why := s.good(t, "operator", `query ($id: ID!) { alerts(filter: {subject: $id, kind: [REPORTED]}) { nodes { message audience } } }`,
		map[string]any{"id": wrong}); !strings.Contains(why.Body, "not applied: The ERP does not know the item") || !strings.Contains(why.Body,
		"SUPPLIER") {
		t.Errorf("both sides are told: %s", why.Body)
	}
}
