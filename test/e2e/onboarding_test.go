package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// missing are the checks of a partner that have not passed, by stage.
func missing(partner map[string]any) (all []string) {
	for _, c := range walk(partner, "onboarding.checks").([]any) {
		if walk(c, "passed") == false {
			all = append(all, say(walk(c, "stage"))+" "+say(walk(c, "name")))
		}
	}
	return all
}

// TestSupplierIsLetInStepByStep registers a supplier, whom each stage asks for what it
// needs; while it tests nothing that it sends has an effect, and once it is active all has.
//
// Covers: G08 X01
func TestSupplierIsLetInStepByStep(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_SANDBOX_SPEED=1")
	t.Cleanup(func() { _ = s.stop() })
	p := &supplying{s: s}
	s.forgetPurchases(t, "V2001") // one that has some trades already
	profile := p.s.good(t, "operator",
		`mutation ($k: IdempotencyKey!) { out: saveToleranceProfile(idempotencyKey: $k, input:
			{name: "Screws", earlyDays: 1, lateDays: 1, allowSubstitution: false, outOfTolerance: HOLD_FOR_BUYER})
			{ profile { id } errors { __typename } } }`, map[string]any{"k": p.key()}).at("out", "profile", "id")
	register := map[string]any{"code": "V2001", "name": "Registered", "requiresSignature": true, "channels": []any{}, "scopes": []any{}}
	if a := p.act(t, "supplier", "registerPartner", "PartnerInput", register); walk(a.at("out", "errors", 0), "__typename") != "Forbidden" {
		t.Errorf("a supplier registers: %s", a.Body)
	}
	for field, bad := range map[string]any{
		"code": "V 1", "name": " ", "scopes": []any{"order:write"}, "costPerMinute": 0, "toleranceProfile": "tol_none",
		"channels": []any{map[string]any{
			"kind": "WEBHOOK", "direction": "OUTBOUND", "documents": []any{},
			"endpoint": "http://user:secret@example.com",
		}},
	} {
		in := map[string]any{"code": "V9999", "name": "N", "channels": []any{}}
		in[field] = bad
		a := p.act(t, "operator", "registerPartner", "PartnerInput", in)
		if path, _ := a.at("out", "errors", 0, "path").([]any); len(path) < 2 || path[1] != field || a.at("out", "partner") != nil {
			t.Errorf("%s %v: %s", field, bad, a.Body)
		}
	}
	// A number that is no GLN is none of its scalar, and refused before anything runs.
	a := s.query(t, "operator", `mutation ($k: IdempotencyKey!, $in: PartnerInput!)
		{ out: registerPartner(idempotencyKey: $k, input: $in) { errors { __typename } } }`, map[string]any{
		"k": p.key(), "in": map[string]any{"code": "V9999", "name": "N", "channels": []any{}, "gln": "1234567890123"},
	})
	if !slices.Equal(a.codes(), []string{"BAD_USER_INPUT"}) || !strings.Contains(a.Body, `"argument":["input","gln"]`) {
		t.Errorf("a GLN of nobody: %s", a.Body)
	}
	a = p.act(t, "operator", "registerPartner", "PartnerInput", register)
	if a.at("out", "partner", "onboarding", "stage") != "INVITED" {
		t.Fatalf("registered: %s", a.Body)
	}
	if a := p.act(t, "operator", "registerPartner", "PartnerInput", register); walk(a.at("out", "errors", 0), "__typename") != "InvalidInput" {
		t.Errorf("registered twice: %s", a.Body)
	}
	po := p.bought(t, 100, "SCR-10001")
	me := func() map[string]any { return p.partner(t, "supplier", "V2001") }
	id := me()["id"]
	want := []string{
		"REGISTERED Channels", "KEYS_VERIFIED Signing key", "TESTING Scopes", "TESTING Quota", "TESTING Tolerance",
		"CERTIFIED Test: DESPATCH_ADVICE", "CERTIFIED Test: PURCHASE_ORDER_RESPONSE",
	}
	if got := missing(me()); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("missing %q, want %q", got, want)
	}
	refused := p.respond(t, p.answer(po, "ACCEPTED"))
	if e := refused.at("out", "errors", 0); walk(e, "__typename") != "Forbidden" || !strings.Contains(say(walk(e, "message")), "INVITED") {
		t.Errorf("an invited supplier answers: %s", refused.Body)
	}
	move := func(to string, more ...string) answer {
		in := map[string]any{"partner": id, "to": to}
		if more != nil {
			in["reason"] = more[0]
		}
		return p.act(t, "operator", "advanceOnboarding", "AdvanceOnboardingInput", in)
	}
	stopped := func(to, why string) {
		t.Helper()
		e := move(to).at("out", "errors", 0)
		if walk(e, "__typename") != "StateNotAllowed" || !strings.Contains(say(walk(e, "message")), why) {
			t.Errorf("moved to %s: %v, want %q", to, e, why)
		}
	}
	moved := func(to string, more ...string) {
		t.Helper()
		if a := move(to, more...); a.at("out", "partner", "onboarding", "stage") != to {
			t.Fatalf("not moved to %s: %s", to, a.Body)
		}
	}
	update := func(change map[string]any) answer {
		in := map[string]any{"partner": id, "expectedVersion": me()["version"]}
		for k, v := range change {
			in[k] = v
		}
		return p.act(t, "operator", "updatePartner", "UpdatePartnerInput", in)
	}
	stopped("REGISTERED", "No channel")
	stopped("ACTIVE", "cannot be moved")
	update(map[string]any{"channels": []any{map[string]any{
		"kind": "GRAPHQL", "direction": "INBOUND",
		"documents": []any{"PURCHASE_ORDER_RESPONSE"},
	}}})
	moved("REGISTERED")
	stopped("KEYS_VERIFIED", "No key is proved")
	k := p.addKey(t, "supplier", id, time.Now())
	if a := p.act(t, "supplier-other", "provePartnerKey", "ProvePartnerKeyInput",
		map[string]any{"key": k.keyID, "signature": k.proof()}); walk(a.at("out", "errors", 0), "code") != "NOT_FOUND" {
		t.Errorf("another supplier proves it: %s", a.Body)
	}
	wrong := *k.signer
	if a := p.act(t, "supplier", "provePartnerKey", "ProvePartnerKeyInput",
		map[string]any{"key": k.keyID, "signature": (addedKey{&wrong, "another text"}).proof()}); walk(a.at("out", "errors", 0),
		"code") != "SIGNATURE_INVALID" {
		t.Errorf("proved by another text: %s", a.Body)
	}
	stopped("KEYS_VERIFIED", "No key is proved")
	p.act(t, "supplier", "provePartnerKey", "ProvePartnerKeyInput", map[string]any{"key": k.keyID, "signature": k.proof()})
	moved("KEYS_VERIFIED")
	stopped("TESTING", "No scopes")
	stale := map[string]any{"partner": id, "expectedVersion": "0", "costPerMinute": 1}
	if e := p.act(t, "operator", "updatePartner", "UpdatePartnerInput", stale).at("out", "errors", 0); walk(e,
		"__typename") != "VersionConflict" || walk(e, "currentVersion") != me()["version"] {
		t.Errorf("changed unseen: %v", e)
	}
	update(map[string]any{
		"scopes": []any{"po:read", "po:respond", "operation:read", "price:read"}, "costPerMinute": 1_000_000,
		"toleranceProfile": profile,
	})
	moved("TESTING")
	stopped("CERTIFIED", "No test document")

	// A test that is not signed, one that is wrong, and one that passes: none has an effect.
	g := k.signer
	send := func(in map[string]any) answer { return g.send(t, g.responding(p.key(), g.sealed(in))) }
	if why := refusedFor(p.s.good(t, "supplier", signedRespond, map[string]any{"key": p.key(), "in": p.answer(po, "ACCEPTED")})); why == "" {
		t.Error("a test needs no signature")
	}
	bad := p.answer(po, "ACCEPTED")
	bad["expectedRevision"] = 7
	if a := send(bad); walk(a.at("out", "errors", 0), "__typename") != "VersionConflict" {
		t.Errorf("a wrong test: %s", a.Body)
	}
	stopped("CERTIFIED", "refused: The purchase order was revised")
	if a := send(p.answer(po, "ACCEPTED")); len(a.at("out", "errors").([]any)) != 0 || a.at("out", "response") != nil ||
		a.at("out", "receipt", "kind") != "ARRIVAL" {
		t.Errorf("a test: %s", a.Body)
	}
	if now := p.now(t, "supplier", po["number"]); now["status"] != "SENT" || len(now["responses"].([]any)) != 0 || now["operation"] != nil {
		t.Errorf("a test has an effect: %v", now)
	}
	moved("CERTIFIED")
	moved("ACTIVE")
	if me := me(); walk(me, "onboarding.activatedAt") == nil || missing(me) != nil || walk(me, "quota.costPerMinute").(float64) != 1_000_000 {
		t.Errorf("active: %v", me)
	}
	if a := send(p.answer(po, "ACCEPTED")); a.at("out", "response") == nil {
		t.Errorf("an active supplier: %s", a.Body)
	}
	// Its scopes narrow what its tokens say, and its budget what it may ask.
	p.s.until(t, 10*time.Second, "without alerts", func() bool {
		return strings.Contains(p.s.query(t, "supplier", `{ alerts(first: 1) { nodes { id } } }`, nil).Body, "FORBIDDEN")
	})
	update(map[string]any{"costPerMinute": 40})
	p.s.until(t, 10*time.Second, "narrowed", func() bool {
		a := p.s.query(t, "supplier", `{ purchaseOrders(first: 100) { nodes { number lines { nodes { sku } } } } }`, nil)
		return strings.Contains(a.Body, "OPERATION_TOO_COSTLY") || strings.Contains(a.Body, "RATE_LIMITED") ||
			strings.Contains(a.Body, "you may spend 40")
	})
	update(map[string]any{"costPerMinute": 1_000_000})
	p.s.until(t, 10*time.Second, "widened", func() bool {
		return len(p.s.query(t, "supplier", `{ purchaseOrders(first: 100) { nodes { number } } }`, nil).Errors) == 0
	})

	if a := move("SUSPENDED"); walk(a.at("out", "errors", 0), "path.1") != "reason" {
		t.Errorf("suspended without a reason: %s", a.Body)
	}
	next := p.bought(t, 10, "SCR-10002")
	moved("SUSPENDED", "unpaid")
	if a := send(p.answer(next, "ACCEPTED")); walk(a.at("out", "errors", 0), "__typename") != "Forbidden" {
		t.Errorf("a suspended supplier: %s", a.Body)
	}
	moved("ACTIVE")
	if a := send(p.answer(next, "ACCEPTED")); a.at("out", "response") == nil {
		t.Errorf("back again: %s", a.Body)
	}
	listed := p.s.good(t, "operator",
		`{ partners(first: 10, filter: {stage: [ACTIVE], search: "2001"}) { nodes { code } totalCount { value } } }`, nil)
	if len(listed.at("partners", "nodes").([]any)) != 1 {
		t.Errorf("listed: %s", listed.Body)
	}
	moved("OFFBOARDED", "gone")
	p.s.until(t, 10*time.Second, "offboarded", func() bool {
		return p.s.query(t, "supplier", `{ purchaseOrders(first: 1) { nodes { number } } }`, nil).at("purchaseOrders", "nodes", 0) == nil
	})
	g.tampered(t, p, po)
}

// tampered exports the evidence about a purchase order, and then changes the database in
// all ways that matter: each is found, and told.
func (g *signer) tampered(t *testing.T, p *supplying, po map[string]any) {
	t.Helper()
	export := func() string {
		file := filepath.Join(t.TempDir(), "bundle.json")
		p.s.command(t, "evidence", "export", say(po["number"]), "-o", file)
		return file
	}
	before := export()
	if out, err := p.s.tried(t, "evidence", "verify", before); err != nil || !strings.Contains(out, "messages") {
		t.Fatalf("verified: %v %s", err, out)
	}
	// After its key was rotated, what was signed with the one before still holds.
	p.newKey(t, "operator", p.partner(t, "operator", "V2001")["id"])
	p.act(t, "operator", "revokePartnerKey", "RevokePartnerKeyInput", map[string]any{"key": g.keyID, "reason": "rotated"})
	for _, bundle := range []string{before, export()} {
		if out, err := p.s.tried(t, "evidence", "verify", bundle); err != nil {
			t.Errorf("after a rotation: %v %s", err, out)
		}
	}
	db := p.s.database(t)
	for _, tt := range []struct{ name, change, back, told string }{
		{
			"a byte of what was said", `UPDATE messages SET body = convert_to(replace(convert_from(body, 'UTF8'), 'ACCEPTED', 'REJECTED'), 'UTF8')`,
			`UPDATE messages SET body = convert_to(replace(convert_from(body, 'UTF8'), 'REJECTED', 'ACCEPTED'), 'UTF8')`, "its bytes were changed",
		},
		{
			"a signature", `UPDATE messages SET signature = set_byte(signature, 3, get_byte(signature, 3) # 1)`,
			`UPDATE messages SET signature = set_byte(signature, 3, get_byte(signature, 3) # 1)`, "the signature of its request does not hold",
		},
		{
			"a key", `UPDATE partner_keys SET public_key = set_byte(public_key, 3, get_byte(public_key, 3) # 1)`,
			`UPDATE partner_keys SET public_key = set_byte(public_key, 3, get_byte(public_key, 3) # 1)`, "it was replaced",
		},
		{
			"when a key counts", `UPDATE partner_keys SET valid_from = valid_from - interval '1 year'`,
			`UPDATE partner_keys SET valid_from = valid_from + interval '1 year'`, "its validity was changed",
		},
		{
			"when a message arrived", `UPDATE messages SET arrived_at = arrived_at - interval '1 second'`,
			`UPDATE messages SET arrived_at = arrived_at + interval '1 second'`, "it did not arrive when it says",
		},
		{
			"the outcome on a receipt", `UPDATE receipts SET outcome = 'REJECTED' WHERE outcome = 'ACCEPTED' AND kind = 'OUTCOME'`, "",
			"is not the one that was given",
		},
		{"a message that is removed", `DELETE FROM messages`, "", "is missing: the audit log has it"},
		{
			"an entry of the audit log",
			`ALTER TABLE audit_entries DISABLE TRIGGER USER; UPDATE audit_entries SET after = jsonb_set(after, '{digest}', '"sha-256=:AAAA:"')
				WHERE action = 'message.receive'`, "", "it was changed",
		},
	} {
		if _, err := db.ExecContext(t.Context(), tt.change); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		out, err := p.s.tried(t, "evidence", "verify", export())
		if err == nil || !strings.Contains(out, tt.told) {
			t.Errorf("%s: %v %s", tt.name, err, out)
		}
		if tt.back != "" {
			if _, err := db.ExecContext(t.Context(), tt.back); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
		}
	}
	// What was exported before holds, whatever the database says now; and no word of it can
	// be changed.
	if out, err := p.s.tried(t, "evidence", "verify", before); err != nil {
		t.Errorf("the bundle of before: %v %s", err, out)
	}
	text, err := os.ReadFile(before)
	if err != nil {
		t.Fatal(err)
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.json")
	tried := 0
	var each func(path string, v any, set func(any))
	each = func(path string, v any, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				each(path+"."+k, v[k], func(x any) { v[k] = x })
			}
		case []any:
			for i := range v {
				each(fmt.Sprintf("%s.%d", path, i), v[i], func(x any) { v[i] = x })
			}
		case string:
			if strings.HasPrefix(path, ".exportedAt") || strings.HasPrefix(path, ".purchaseOrder") {
				return // said for people, and signed by nobody
			}
			tried++
			set("A" + v)
			text, _ := json.Marshal(whole)
			set(v)
			_ = os.WriteFile(changed, text, 0o600)
			if out, err := p.s.tried(t, "evidence", "verify", changed); err == nil {
				t.Errorf("%s was changed: %s", path, out)
			}
		}
	}
	each("", whole, nil)
	if tried < 40 {
		t.Errorf("only %d places were changed", tried)
	}
}
