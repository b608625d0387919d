package e2e

import (
	"slices"
	"strings"
	"testing"

	"portico/test/e2e/api"
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
	profile := p.held(t)
	operator := s.as(t, "operator")
	registered := func(key, code string) api.ChangedPartner {
		t.Helper()
		return must(api.RegisterPartner(operator, key, api.PartnerInput{
			Code: code, Name: "Registered", RequiresSignature: new(false), Channels: []api.PartnerChannelInput{}, CostPerMinute: new(1_000_000),
			ToleranceProfile: &profile,
			Scopes:           []string{"po:read", "po:respond", "despatch:write", "operation:read", "price:read", "shipment:read"},
		})).RegisterPartner
	}

	t.Run("one that trades goes on", func(t *testing.T) {
		before, key := p.profile(t, "operator", "V2002"), p.key()
		for _, again := range []bool{false, true} {
			a := registered(key, "V2002")
			if a.Partner.Onboarding.Stage != api.OnboardingStageActive || val(a.Existing) != before.Id || a.Partner.Id != before.Id ||
				a.Replayed != again {
				t.Fatalf("registered: %s", asJSON(a))
			}
		}
		if after := p.profile(t, "operator", "V2002"); after.Quota.CostPerMinute != 1_000_000 {
			t.Errorf("what was registered is not its profile: %s", asJSON(after))
		}
		po := p.purchaseFrom(t, "V2002", "supplier-other", 10, "SCR-10001")
		if a := p.responded(t, "supplier-other", p.accepted(po)); null(a.Response) {
			t.Errorf("it does not go on: %s", asJSON(a))
		}
		if e := at(registered(p.key(), "V2002").Errors, 0); e.Typename != "InvalidInput" || !strings.Contains(e.Message, before.Id) {
			t.Errorf("registered twice: %s", asJSON(e))
		}
	})

	t.Run("a new one tests without an order", func(t *testing.T) {
		s.forgetPurchases(t, "V2001")
		a := registered(p.key(), "V2001")
		if a.Partner.Onboarding.Stage != api.OnboardingStageInvited || a.Existing != nil {
			t.Fatalf("registered: %s", asJSON(a))
		}
		me := func() api.PartnerDetails { return p.profile(t, "operator", "V2001") }
		must(api.UpdatePartner(operator, p.key(), api.UpdatePartnerInput{
			Partner: me().Id, ExpectedVersion: me().Version, Channels: []api.PartnerChannelInput{{
				Kind: api.ChannelKindGraphql, Direction: api.MessageDirectionInbound,
				Documents: []api.PartnerDocumentKind{api.PartnerDocumentKindPurchaseOrderResponse, api.PartnerDocumentKindDespatchAdvice},
			}},
		}))
		move := func(to api.OnboardingStage) {
			t.Helper()
			in := api.AdvanceOnboardingInput{Partner: me().Id, To: to}
			if a := must(api.AdvanceOnboarding(operator, p.key(), in)).AdvanceOnboarding; a.Partner.Onboarding.Stage != to {
				t.Fatalf("to %s: %s", to, asJSON(a))
			}
		}
		move(api.OnboardingStageRegistered)
		move(api.OnboardingStageKeysVerified)
		move(api.OnboardingStageTesting)
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
		answered := func(revision int) api.AnsweredPurchaseOrder {
			return p.responded(t, "supplier", api.PurchaseOrderResponseInput{
				PurchaseOrder: "pur_test", ExpectedRevision: revision, ResponseNumber: "T-1", Kind: api.ResponseKindAcceptedWithChanges,
				Lines: []api.LineAcknowledgmentInput{
					{Line: "pol_test_1", Status: api.LineAckStatusAccepted},
					{Line: "pol_test_2", Status: api.LineAckStatusAcceptedPartialBalanceBackordered, Quantity: pieces("20")},
				},
			})
		}
		announced := func(quantity string) api.SubmittedNotice {
			return p.noticed(t, "supplier", p.notice(api.DespatchLineInput{PurchaseOrderLine: "pol_test_1", Shipped: *pieces(quantity)}))
		}
		if a := answered(7); at(a.Errors, 0).Typename != "VersionConflict" {
			t.Errorf("another revision: %s", asJSON(a))
		}
		if a := answered(1); len(a.Errors) != 0 || !null(a.Response) || !null(a.Operation) {
			t.Errorf("a test: %s", asJSON(a))
		}
		if a := announced("1000"); at(a.Errors, 0).Code != "QUANTITY_EXCEEDED" {
			t.Errorf("more than the test order has: %s", asJSON(a))
		}
		if a := announced("100"); len(a.Errors) != 0 || !null(a.DespatchAdvice) {
			t.Errorf("a test notice: %s", asJSON(a))
		}
		if after := counted(); after != before {
			t.Errorf("tests have an effect: %v, before %v", after, before)
		}
		supplier := s.as(t, "supplier")
		node, listed := must(api.Node(supplier, "pur_test")).Node, must(api.PurchaseOrderNumbers(supplier, 1, nil)).PurchaseOrders
		if !null(node) || len(listed.Nodes) != 0 {
			t.Errorf("the test order is there: %s %s", asJSON(node), asJSON(listed))
		}
		move(api.OnboardingStageCertified)
		move(api.OnboardingStageActive)
		if a := answered(1); at(a.Errors, 0).Code != "NOT_FOUND" {
			t.Errorf("the test order of an active partner: %s", asJSON(a))
		}
	})
}
