package e2e

import (
	"slices"
	"strings"
	"testing"
)

// forgetPurchases makes a supplier one that has no purchase orders yet.
func (s *server) forgetPurchases(t *testing.T, supplier string) {
	t.Helper()
	for _, query := range []string{
		`DELETE FROM shipment_purchase_orders x USING purchase_orders o JOIN trading_partners p ON p.id = o.supplier_id
			WHERE x.purchase_order_id = o.id AND p.code = $1`,
		`DELETE FROM purchase_orders o USING trading_partners p WHERE p.id = o.supplier_id AND p.code = $1`,
	} {
		if _, err := s.database(t).ExecContext(t.Context(), query, supplier); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPartnersAreRegisteredAsTheyAre registers a supplier that trades already, which goes on trading, and a new one, which is let
// in without a purchase order.
//
// Covers: G08 X01
// Cases: H7 H8
func TestPartnersAreRegisteredAsTheyAre(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	t.Cleanup(func() { _ = s.stop() })
	p := &supplying{s: s}
	profile := s.good(t, "operator",
		`mutation ($k: IdempotencyKey!) { out: saveToleranceProfile(idempotencyKey: $k, input:
			{name: "Screws", earlyDays: 1, lateDays: 1, allowSubstitution: false, outOfTolerance: HOLD_FOR_BUYER})
			{ profile { id } } }`, map[string]any{"k": p.key()}).at("out", "profile", "id")
	const register = `mutation ($key: IdempotencyKey!, $in: PartnerInput!) { out: registerPartner(idempotencyKey: $key, input: $in)
		{ replayed existing errors { __typename ... on UserError { message } } partner { id code name onboarding { stage } } } }`
	registered := func(key, code string) answer {
		return s.good(t, "operator", register, map[string]any{"key": key, "in": map[string]any{
			"code": code, "name": "Registered", "requiresSignature": false, "channels": []any{}, "costPerMinute": 1_000_000,
			"toleranceProfile": profile,
			"scopes":           []any{"po:read", "po:respond", "despatch:write", "operation:read", "price:read", "shipment:read"},
		}})
	}

	t.Run("one that trades goes on", func(t *testing.T) {
		before, key := p.partner(t, "operator", "V2002"), p.key()
		for _, again := range []bool{false, true} {
			a := registered(key, "V2002")
			if a.at("out", "partner", "onboarding", "stage") != "ACTIVE" || a.at("out", "existing") != before["id"] ||
				a.at("out", "partner", "id") != before["id"] || a.at("out", "replayed") != again {
				t.Fatalf("registered: %s", a.Body)
			}
		}
		if after := p.partner(t, "operator", "V2002"); walk(after, "quota.costPerMinute") != 1_000_000.0 {
			t.Errorf("what was registered is not its profile: %v", after)
		}
		po := p.boughtFrom(t, "V2002", "supplier-other", 10, "SCR-10001")
		if a := s.good(t, "supplier-other", respond, map[string]any{"key": p.key(), "in": p.answer(po, "ACCEPTED")}); a.at("out",
			"response") == nil {
			t.Errorf("it does not go on: %s", a.Body)
		}
		if e := registered(p.key(), "V2002").at("out", "errors", 0); walk(e, "__typename") != "InvalidInput" ||
			!strings.Contains(say(walk(e, "message")), say(before["id"])) {
			t.Errorf("registered twice: %v", e)
		}
	})

	t.Run("a new one tests without an order", func(t *testing.T) {
		s.forgetPurchases(t, "V2001")
		a := registered(p.key(), "V2001")
		if a.at("out", "partner", "onboarding", "stage") != "INVITED" || a.at("out", "existing") != nil {
			t.Fatalf("registered: %s", a.Body)
		}
		me := func() map[string]any { return p.partner(t, "operator", "V2001") }
		p.act(t, "operator", "updatePartner", "UpdatePartnerInput", map[string]any{
			"partner": me()["id"], "expectedVersion": me()["version"], "channels": []any{map[string]any{
				"kind": "GRAPHQL", "direction": "INBOUND", "documents": []any{"PURCHASE_ORDER_RESPONSE", "DESPATCH_ADVICE"},
			}},
		})
		move := func(to string) {
			t.Helper()
			if a := p.act(t, "operator", "advanceOnboarding", "AdvanceOnboardingInput",
				map[string]any{"partner": me()["id"], "to": to}); a.at("out", "partner", "onboarding", "stage") != to {
				t.Fatalf("to %s: %s", to, a.Body)
			}
		}
		move("REGISTERED")
		move("KEYS_VERIFIED")
		move("TESTING")
		want := []string{"CERTIFIED Test: DESPATCH_ADVICE", "CERTIFIED Test: PURCHASE_ORDER_RESPONSE"}
		if got := missing(me()); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Fatalf("missing %q, want %q", got, want)
		}
		counted := func() (counts [4]int) {
			if err := s.database(t).QueryRowContext(t.Context(), `SELECT
				(SELECT count(*) FROM purchase_orders WHERE id = 'pur_test'), (SELECT count(*) FROM operations),
				(SELECT count(*) FROM despatch_advices), (SELECT count(*) FROM purchase_order_responses)`).Scan(&counts[0], &counts[1],
				&counts[2], &counts[3]); err != nil {
				t.Fatal(err)
			}
			return counts
		}
		before := counted()
		answered := func(revision int) answer {
			return p.respond(t, map[string]any{
				"purchaseOrder": "pur_test", "expectedRevision": revision, "responseNumber": "T-1", "kind": "ACCEPTED_WITH_CHANGES", "lines": []any{
					map[string]any{"line": "pol_test_1", "status": "ACCEPTED"},
					map[string]any{"line": "pol_test_2", "status": "ACCEPTED_PARTIAL_BALANCE_BACKORDERED", "quantity": each("20")},
				},
			})
		}
		announced := func(quantity string) answer {
			return s.good(t, "supplier", announce, map[string]any{"key": p.key(), "in": p.shipped(
				map[string]any{"purchaseOrderLine": "pol_test_1", "shipped": each(quantity)})})
		}
		if a := answered(7); walk(a.at("out", "errors", 0), "__typename") != "VersionConflict" {
			t.Errorf("another revision: %s", a.Body)
		}
		if a := answered(1); len(a.at("out", "errors").([]any)) != 0 || a.at("out", "response") != nil || a.at("out", "operation") != nil {
			t.Errorf("a test: %s", a.Body)
		}
		if a := announced("1000"); walk(a.at("out", "errors", 0), "code") != "QUANTITY_EXCEEDED" {
			t.Errorf("more than the test order has: %s", a.Body)
		}
		if a := announced("100"); len(a.at("out", "errors").([]any)) != 0 || a.at("out", "despatchAdvice") != nil {
			t.Errorf("a test notice: %s", a.Body)
		}
		if after := counted(); after != before {
			t.Errorf("tests have an effect: %v, before %v", after, before)
		}
		found := s.good(t, "supplier", `{ node(id: "pur_test") { id } purchaseOrders(first: 1) { nodes { id } } }`, nil)
		if found.at("node") != nil || found.at("purchaseOrders", "nodes", 0) != nil {
			t.Errorf("the test order is there: %s", found.Body)
		}
		move("CERTIFIED")
		move("ACTIVE")
		if a := answered(1); a.at("out", "errors", 0, "code") != "NOT_FOUND" {
			t.Errorf("the test order of an active partner: %s", a.Body)
		}
	})
}
