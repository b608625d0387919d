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

	"portico/test/e2e/api"
)

// missing are the checks of a partner that have not passed, by stage.
func missing(partner api.PartnerDetails) (all []string) {
	for _, c := range partner.Onboarding.Checks {
		if !c.Passed {
			all = append(all, string(c.Stage)+" "+c.Name)
		}
	}
	return all
}

// profile is a partner as it is now.
func (p *supplying) profile(t *testing.T, persona, code string) api.PartnerDetails {
	t.Helper()
	return must(api.Partner(p.s.as(t, persona), code)).Partner
}

// held is a profile of tolerances that holds what is beyond it for the buyer.
func (p *supplying) held(t *testing.T) (id string) {
	t.Helper()
	return must(api.SaveToleranceProfile(p.s.as(t, "operator"), p.key(), api.ToleranceProfileInput{
		Name: "Screws", EarlyDays: new(1), LateDays: new(1), AllowSubstitution: new(false),
		OutOfTolerance: api.OutOfTolerancePolicyHoldForBuyer,
	})).SaveToleranceProfile.Profile.Id
}

// document is an input as a letter has it.
func document(t *testing.T, in any) (members map[string]any) {
	t.Helper()
	text, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if err != nil {
		t.Fatal(err)
	}
	return members
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
	profile := p.held(t)
	operator := s.as(t, "operator")
	register := api.PartnerInput{
		Code: "V2001", Name: "Registered", RequiresSignature: new(true), Channels: []api.PartnerChannelInput{}, Scopes: []string{},
	}
	registered := func(persona string, in api.PartnerInput) api.ChangedPartner {
		t.Helper()
		return must(api.RegisterPartner(s.as(t, persona), p.key(), in)).RegisterPartner
	}
	if a := registered("supplier", register); at(a.Errors, 0).Typename != "Forbidden" {
		t.Errorf("a supplier registers: %s", asJSON(a))
	}
	nobody := func(change func(*api.PartnerInput)) api.PartnerInput {
		in := api.PartnerInput{Code: "V9999", Name: "N", Channels: []api.PartnerChannelInput{}}
		change(&in)
		return in
	}
	for field, bad := range map[string]func(*api.PartnerInput){
		"code":             func(in *api.PartnerInput) { in.Code = "V 1" },
		"name":             func(in *api.PartnerInput) { in.Name = " " },
		"scopes":           func(in *api.PartnerInput) { in.Scopes = []string{"order:write"} },
		"costPerMinute":    func(in *api.PartnerInput) { in.CostPerMinute = new(0) },
		"toleranceProfile": func(in *api.PartnerInput) { in.ToleranceProfile = new("tol_none") },
		"channels": func(in *api.PartnerInput) {
			in.Channels = []api.PartnerChannelInput{{
				Kind: api.ChannelKindWebhook, Direction: api.MessageDirectionOutbound, Documents: []api.PartnerDocumentKind{},
				Endpoint: new("http://user:secret@example.com"),
			}}
		},
	} {
		a := registered("operator", nobody(bad))
		if at(at(a.Errors, 0).Path, 1) != field || !null(a.Partner) {
			t.Errorf("%s: %s", field, asJSON(a))
		}
	}
	// A number that is no GLN is none of its scalar, and refused before anything runs.
	_, err := api.RegisterPartner(s.try(t, "operator"), p.key(), nobody(func(in *api.PartnerInput) { in.Gln = new("1234567890123") }))
	if errs := errorsOf(t, err); !slices.Equal(codes(errs), []string{"BAD_USER_INPUT"}) ||
		!slices.Equal(arguments(errs), []string{"[input gln]"}) {
		t.Errorf("a GLN of nobody: %s", asJSON(errs))
	}
	if a := registered("operator", register); a.Partner.Onboarding.Stage != api.OnboardingStageInvited {
		t.Fatalf("registered: %s", asJSON(a))
	}
	if a := registered("operator", register); at(a.Errors, 0).Typename != "InvalidInput" {
		t.Errorf("registered twice: %s", asJSON(a))
	}
	po := p.purchase(t, 100, "SCR-10001")
	me := func() api.PartnerDetails { return p.profile(t, "supplier", "V2001") }
	id := me().Id
	want := []string{
		"REGISTERED Channels", "KEYS_VERIFIED Signing key", "TESTING Scopes", "TESTING Quota", "TESTING Tolerance",
		"CERTIFIED Test: DESPATCH_ADVICE", "CERTIFIED Test: PURCHASE_ORDER_RESPONSE",
	}
	if got := missing(me()); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("missing %q, want %q", got, want)
	}
	refused := p.responded(t, "supplier", p.accepted(po))
	if e := at(refused.Errors, 0); e.Typename != "Forbidden" || !strings.Contains(e.Message, "INVITED") {
		t.Errorf("an invited supplier answers: %s", asJSON(refused))
	}
	move := func(to api.OnboardingStage, reason *string) api.ChangedPartner {
		return must(api.AdvanceOnboarding(operator, p.key(), api.AdvanceOnboardingInput{Partner: id, To: to, Reason: reason})).AdvanceOnboarding
	}
	stopped := func(to api.OnboardingStage, why string) {
		t.Helper()
		e := at(move(to, nil).Errors, 0)
		if e.Typename != "StateNotAllowed" || !strings.Contains(e.Message, why) {
			t.Errorf("moved to %s: %s, want %q", to, asJSON(e), why)
		}
	}
	movedFor := func(to api.OnboardingStage, reason *string) {
		t.Helper()
		if a := move(to, reason); a.Partner.Onboarding.Stage != to {
			t.Fatalf("not moved to %s: %s", to, asJSON(a))
		}
	}
	moved := func(to api.OnboardingStage) {
		t.Helper()
		movedFor(to, nil)
	}
	update := func(change func(*api.UpdatePartnerInput)) {
		in := api.UpdatePartnerInput{Partner: id, ExpectedVersion: me().Version}
		change(&in)
		must(api.UpdatePartner(operator, p.key(), in))
	}
	budget := func(cost int) { update(func(in *api.UpdatePartnerInput) { in.CostPerMinute = &cost }) }
	stopped(api.OnboardingStageRegistered, "No channel")
	stopped(api.OnboardingStageActive, "cannot be moved")
	update(func(in *api.UpdatePartnerInput) {
		in.Channels = []api.PartnerChannelInput{{
			Kind: api.ChannelKindGraphql, Direction: api.MessageDirectionInbound,
			Documents: []api.PartnerDocumentKind{api.PartnerDocumentKindPurchaseOrderResponse},
		}}
	})
	moved(api.OnboardingStageRegistered)
	stopped(api.OnboardingStageKeysVerified, "No key is proved")
	k := p.addKey(t, "supplier", id, time.Now())
	prove := func(persona, signature string) api.ChangedPartner {
		return must(api.ProvePartnerKey(s.as(t, persona), p.key(), api.ProvePartnerKeyInput{
			Key: k.keyID, Signature: signature,
		})).ProvePartnerKey
	}
	if a := prove("supplier-other", k.proof()); at(a.Errors, 0).Code != "NOT_FOUND" {
		t.Errorf("another supplier proves it: %s", asJSON(a))
	}
	wrong := *k.signer
	if a := prove("supplier", (addedKey{&wrong, "another text"}).proof()); at(a.Errors, 0).Code != "SIGNATURE_INVALID" {
		t.Errorf("proved by another text: %s", asJSON(a))
	}
	stopped(api.OnboardingStageKeysVerified, "No key is proved")
	prove("supplier", k.proof())
	moved(api.OnboardingStageKeysVerified)
	stopped(api.OnboardingStageTesting, "No scopes")
	stale := api.UpdatePartnerInput{Partner: id, ExpectedVersion: "0", CostPerMinute: new(1)}
	if e := at(must(api.UpdatePartner(operator, p.key(), stale)).UpdatePartner.Errors, 0); e.Typename != "VersionConflict" ||
		e.CurrentVersion != me().Version {
		t.Errorf("changed unseen: %s", asJSON(e))
	}
	update(func(in *api.UpdatePartnerInput) {
		in.Scopes = []string{"po:read", "po:respond", "operation:read", "price:read"}
		in.CostPerMinute, in.ToleranceProfile = new(1_000_000), &profile
	})
	moved(api.OnboardingStageTesting)
	stopped(api.OnboardingStageCertified, "No test document")

	// A test that is not signed, one that is wrong, and one that passes: none has an effect.
	g := k.signer
	send := func(in api.PurchaseOrderResponseInput) api.SignedAnswer {
		return g.sent(t, g.responding(p.key(), g.sealed(document(t, in))))
	}
	unsigned := p.responded(t, "supplier", p.accepted(po))
	if e := at(unsigned.Errors, 0); len(unsigned.Errors) != 1 || e.Typename != "SignatureInvalid" || e.Code != "SIGNATURE_INVALID" ||
		e.Message == "" {
		t.Error("a test needs no signature")
	}
	bad := p.accepted(po)
	bad.ExpectedRevision = 7
	if a := send(bad); at(a.Errors, 0).Typename != "VersionConflict" {
		t.Errorf("a wrong test: %s", asJSON(a))
	}
	stopped(api.OnboardingStageCertified, "refused: The purchase order was revised")
	if a := send(p.accepted(po)); len(a.Errors) != 0 || !null(a.Response) || a.Receipt.Kind != api.ReceiptKindArrival {
		t.Errorf("a test: %s", asJSON(a))
	}
	if now := p.purchased(t, "supplier", po.Number); now.Status != api.PurchaseOrderStatusSent || len(now.Responses) != 0 ||
		!null(now.Operation) {
		t.Errorf("a test has an effect: %s", asJSON(now))
	}
	moved(api.OnboardingStageCertified)
	moved(api.OnboardingStageActive)
	if me := me(); me.Onboarding.ActivatedAt == nil || missing(me) != nil || me.Quota.CostPerMinute != 1_000_000 {
		t.Errorf("active: %s", asJSON(me))
	}
	if a := send(p.accepted(po)); null(a.Response) {
		t.Errorf("an active supplier: %s", asJSON(a))
	}
	// Its scopes narrow what its tokens say, and its budget what it may ask.
	tried := s.try(t, "supplier")
	p.s.until(t, 10*time.Second, "without alerts", func() bool {
		_, err := api.Alerts(tried, 1, nil)
		return strings.Contains(asJSON(errorsOf(t, err)), "FORBIDDEN")
	})
	budget(40)
	p.s.until(t, 10*time.Second, "narrowed", func() bool {
		_, err := api.PurchaseOrderLines(tried)
		text := asJSON(errorsOf(t, err))
		return strings.Contains(text, "OPERATION_TOO_COSTLY") || strings.Contains(text, "RATE_LIMITED") ||
			strings.Contains(text, "you may spend 40")
	})
	budget(1_000_000)
	p.s.until(t, 10*time.Second, "widened", func() bool {
		_, err := api.PurchaseOrderNumbers(tried, 100, nil)
		return len(errorsOf(t, err)) == 0
	})

	if a := move(api.OnboardingStageSuspended, nil); at(at(a.Errors, 0).Path, 1) != "reason" {
		t.Errorf("suspended without a reason: %s", asJSON(a))
	}
	next := p.purchase(t, 10, "SCR-10002")
	movedFor(api.OnboardingStageSuspended, new("unpaid"))
	if a := send(p.accepted(next)); at(a.Errors, 0).Typename != "Forbidden" {
		t.Errorf("a suspended supplier: %s", asJSON(a))
	}
	moved(api.OnboardingStageActive)
	if a := send(p.accepted(next)); null(a.Response) {
		t.Errorf("back once more: %s", asJSON(a))
	}
	listed := must(api.PartnerCodes(operator, &api.TradingPartnerFilter{
		Stage: []api.OnboardingStage{api.OnboardingStageActive}, Search: new("2001"),
	})).Partners
	if len(listed.Nodes) != 1 {
		t.Errorf("listed: %s", asJSON(listed))
	}
	movedFor(api.OnboardingStageOffboarded, new("gone"))
	p.s.until(t, 10*time.Second, "offboarded", func() bool {
		a, _ := api.PurchaseOrderNumbers(tried, 1, nil)
		return at(a.PurchaseOrders.Nodes, 0).Number == ""
	})
	g.tampered(t, p, po.Number)
}

// tampered exports the evidence about a purchase order, and then changes the database in
// all ways that matter: each is found, and told.
func (g *signer) tampered(t *testing.T, p *supplying, number string) {
	t.Helper()
	export := func() string {
		file := filepath.Join(t.TempDir(), "bundle.json")
		p.s.command(t, "evidence", "export", number, "-o", file)
		return file
	}
	before := export()
	if out, err := p.s.tried(t, "evidence", "verify", before); err != nil || !strings.Contains(out, "messages") {
		t.Fatalf("verified: %v %s", err, out)
	}
	// After its key was rotated, what was signed with the one before still holds.
	p.newKey(t, "operator", p.profile(t, "operator", "V2001").Id)
	must(api.RevokePartnerKey(p.s.as(t, "operator"), p.key(), api.RevokePartnerKeyInput{Key: g.keyID, Reason: "rotated"}))
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
