package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestSupplierIsAnsweredWithAnotherProposal counters one line of two: the other one goes its
// way, and the supplier is told what is proposed.
//
// Covers: P15 P03
func TestSupplierIsAnsweredWithAnotherProposal(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 1000, "SCR-10001", "SCR-10002")
	a := p.respond(t, p.answer(po, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 30)}, map[string]any{"status": "ACCEPTED"}))
	deviation := a.at("out", "deviations", 0, "id")
	decided := func(in map[string]any) answer {
		in["deviation"] = deviation
		return p.s.good(t, "operator", decide, map[string]any{"key": p.key(), "in": in})
	}
	for _, bad := range []map[string]any{
		{"decision": "COUNTER"},
		{"decision": "COUNTER", "counter": map[string]any{"deliveryDate": "2001-01-01"}},
		{"decision": "COUNTER", "counter": map[string]any{"quantity": map[string]any{"value": "1", "unit": "KGM"}}},
		{"decision": "ACCEPT", "counter": map[string]any{"deliveryDate": day(po, 7)}},
	} {
		if d := decided(bad); d.at("out", "errors", 0, "path", 1) != "counter" {
			t.Errorf("%v: %s", bad, d.Body)
		}
	}
	d := decided(map[string]any{"decision": "COUNTER", "counter": map[string]any{"deliveryDate": day(po, 7)}, "comment": "a week, no longer"})
	if d.at("out", "deviation", "state") != "COUNTERED" || d.at("out", "operation", "state") != "COMMITTED" {
		t.Fatalf("countered: %s", d.Body)
	}
	now := p.now(t, "supplier", po["number"])
	if walk(now, "lines.nodes.0.acknowledged.value") != "0" || walk(now, "lines.nodes.1.acknowledged.value") != "1000" ||
		now["status"] != "RECEIVED_BY_SUPPLIER" {
		t.Errorf("one line of two: %v", now)
	}
	told := p.s.good(t, "supplier", `query ($id: ID!) { alerts(filter: {subject: $id}) { nodes { id kind message suggestedAction } } }`,
		map[string]any{"id": po["id"]})
	if text := say(told.at("alerts", "nodes", 0, "message")); !strings.Contains(text, "Proposed: delivered on "+day(po, 7)) ||
		!strings.Contains(text, "a week, no longer") {
		t.Errorf("told: %s", told.Body)
	}
	if b := p.respond(t, p.answer(now, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 2)}, map[string]any{"status": "ACCEPTED"})); b.at("out",
		"operation", "state") != "COMMITTED" {
		t.Errorf("answered anew: %s", b.Body)
	}
}

// TestSupplierHasATolerancePolicyOfItsOwn gives a supplier a profile that refuses, and one
// that takes everything and tells. A profile stays with the supplier, so the server is its own.
//
// Covers: P09 P12 P03
func TestSupplierHasATolerancePolicyOfItsOwn(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	t.Cleanup(func() { _ = s.stop() })
	p := &supplying{s: s}
	policy := func(name, beyond string) {
		t.Helper()
		profile := p.s.good(t, "operator",
			`mutation ($k: IdempotencyKey!, $n: String!, $b: OutOfTolerancePolicy!)
				{ out: saveToleranceProfile(idempotencyKey: $k, input: {name: $n, lateDays: 1, outOfTolerance: $b}) { profile { id } } }`,
			map[string]any{"k": p.key(), "n": fmt.Sprint(name, p.next.Add(1)), "b": beyond}).at("out", "profile", "id")
		partner := p.partner(t, "operator", "V2002")
		if a := p.act(t, "operator", "updatePartner", "UpdatePartnerInput",
			map[string]any{"partner": partner["id"], "expectedVersion": partner["version"], "toleranceProfile": profile}); a.at("out",
			"partner") == nil {
			t.Fatal(a.Body)
		}
	}
	// What the limit is stays between planners.
	late := func(po map[string]any) answer {
		in := p.answer(po, "ACCEPTED_WITH_CHANGES", map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 9)})
		return p.s.good(t, "supplier-other", strings.Replace(respond, "field delta limit", "field delta", 1),
			map[string]any{"key": p.key(), "in": in})
	}
	policy("strict", "REJECT")
	po := p.boughtFrom(t, "V2002", "supplier-other", 100, "SCR-10001")
	a := late(po)
	if e := a.at("out", "errors", 0); walk(e, "__typename") != "ToleranceExceeded" || walk(e, "deviation.field") != "DELIVERY_DATE" ||
		walk(e, "deviation.delta") != "9" || a.at("out", "response") != nil {
		t.Errorf("refused: %s", a.Body)
	}
	if now := p.now(t, "supplier-other", po["number"]); now["status"] != "SENT" || len(now["responses"].([]any)) != 0 {
		t.Errorf("nothing stays: %v", now)
	}
	policy("easy", "ACCEPT_AND_ALERT")
	if a := late(po); a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "deviations", 0, "state") != "AUTO_ACCEPTED" ||
		a.at("out", "deviations", 0, "withinTolerance") != false {
		t.Errorf("taken: %s", a.Body)
	}
	now := p.now(t, "supplier-other", po["number"])
	if walk(now, "lines.nodes.0.schedule.0.promisedDeliveryDate") != day(po, 9) {
		t.Errorf("as the ERP has it: %v", now)
	}
	alerts := p.s.good(t, "operator", `query ($id: ID!) { alerts(filter: {subject: $id}) { nodes { kind suggestedAction } } }`,
		map[string]any{"id": walk(now, "lines.nodes.0.id")})
	kinds := map[string]bool{}
	for _, n := range alerts.at("alerts", "nodes").([]any) {
		kinds[say(walk(n, "kind"))] = true
	}
	if !kinds["SUPPLY_LATE"] || !kinds["REPLENISHMENT_EXCEPTION"] {
		t.Errorf("alerts: %s", alerts.Body)
	}
}

// TestSupplierAndBuyerReportToEachOther has either side report something, take it and close
// it.
//
// Covers: P08 G13
func TestSupplierAndBuyerReportToEachOther(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.bought(t, 10, "SCR-10001")
	const alerting = `{ errors { __typename ... on UserError { code path } } alert
		{ id kind severity state message queue acknowledgedBy { displayName } resolution } }`
	act := func(persona, mutation, input string, in map[string]any) answer {
		t.Helper()
		return p.s.good(t, persona,
			`mutation ($k: IdempotencyKey!, $in: `+input+`!) { out: `+mutation+`(idempotencyKey: $k, input: $in) `+alerting+` }`,
			map[string]any{"k": p.key(), "in": in})
	}
	report := func(persona, message string) answer {
		return act(persona, "reportException", "ReportExceptionInput",
			map[string]any{"subject": po["id"], "severity": "WARNING", "message": message, "atRisk": each("5")})
	}
	seen := func(persona string, alert any) bool {
		return p.s.good(t, persona, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": alert}).at("node") != nil
	}
	a := report("supplier", "the press is down")
	id := a.at("out", "alert", "id")
	if a.at("out", "alert", "kind") != "REPORTED" || a.at("out", "alert", "queue") != "purchasing" ||
		!strings.Contains(say(a.at("out", "alert", "message")), "the press is down") {
		t.Fatalf("reported: %s", a.Body)
	}
	if !seen("operator", id) || !seen("supplier", id) || seen("supplier-other", id) || seen("buyer", id) {
		t.Error("the wrong people see it")
	}
	if no := act("supplier", "resolveAlert", "ResolveAlertInput", map[string]any{"alert": id, "resolution": "never mind"}); no.at("out",
		"errors", 0, "code") != "FORBIDDEN" {
		t.Errorf("the supplier closes what is the buyer's: %s", no.Body)
	}
	if b := act("operator", "acknowledgeAlert", "AcknowledgeAlertInput", map[string]any{"alert": id}); b.at("out", "alert",
		"state") != "ACKNOWLEDGED" || b.at("out", "alert", "acknowledgedBy", "displayName") != "operator" {
		t.Errorf("taken: %s", b.Body)
	}
	if b := act("operator", "resolveAlert", "ResolveAlertInput", map[string]any{"alert": id, "resolution": "another press"}); b.at("out",
		"alert", "state") != "RESOLVED" || b.at("out", "alert", "resolution") != "another press" {
		t.Errorf("closed: %s", b.Body)
	}
	if b := act("operator", "resolveAlert", "ResolveAlertInput", map[string]any{"alert": id, "resolution": "again"}); b.at("out", "errors", 0,
		"code") != "STATE_NOT_ALLOWED" {
		t.Errorf("closed twice: %s", b.Body)
	}
	back := report("operator", "the dock is full")
	id = back.at("out", "alert", "id")
	if !seen("supplier", id) || seen("supplier-other", id) {
		t.Error("the wrong supplier sees it")
	}
	if b := act("supplier", "resolveAlert", "ResolveAlertInput", map[string]any{"alert": id, "resolution": "we wait"}); b.at("out", "alert",
		"state") != "RESOLVED" {
		t.Errorf("the supplier closes what is its: %s", b.Body)
	}
	for _, bad := range []map[string]any{
		{"subject": "pur_none", "severity": "INFO", "message": "m"},
		{"subject": po["id"], "severity": "INFO", "message": " "},
		{"subject": po["id"], "severity": "INFO", "message": "m", "atRisk": each("0")},
	} {
		if b := act("supplier", "reportException", "ReportExceptionInput", bad); b.at("out", "alert") != nil || b.at("out", "errors", 0) == nil {
			t.Errorf("%v: %s", bad, b.Body)
		}
	}
}
