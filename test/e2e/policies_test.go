package e2e

import (
	"fmt"
	"strings"
	"testing"

	"portico/test/e2e/api"
)

// alertsOf are the alerts about something.
func (p *supplying) alertsOf(t *testing.T, persona, subject string) []api.AlertDetails {
	t.Helper()
	return must(api.Alerts(p.s.as(t, persona), 25, &api.AlertFilter{Subject: &subject})).Alerts.Nodes
}

func (p *supplying) decided(t *testing.T, in api.DecideDeviationInput) api.DecidedDeviation {
	t.Helper()
	return must(api.DecideDeviation(p.s.as(t, "operator"), p.key(), in)).DecideDeviation
}

// TestSupplierIsAnsweredWithAnotherProposal counters one line of two: the other one goes its
// way, and the supplier is told what is proposed.
//
// Covers: P15 P03
func TestSupplierIsAnsweredWithAnotherProposal(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001", "SCR-10002")
	a := p.responded(t, "supplier", p.response(po, api.ResponseKindAcceptedWithChanges, late(due(po, 30)), taken()))
	deviation := at(a.Deviations, 0).Id
	decided := func(decision api.DeviationDecision, counter *api.CounterProposalInput, comment *string) api.DecidedDeviation {
		return p.decided(t, api.DecideDeviationInput{Deviation: deviation, Decision: decision, Counter: counter, Comment: comment})
	}
	for what, c := range map[string]struct {
		decision api.DeviationDecision
		counter  *api.CounterProposalInput
	}{
		"nothing proposed": {api.DeviationDecisionCounter, nil},
		"a day that is past": {
			api.DeviationDecisionCounter, &api.CounterProposalInput{DeliveryDate: new("2001-01-01")},
		},
		"another unit": {
			api.DeviationDecisionCounter, &api.CounterProposalInput{Quantity: &api.QuantityInput{Value: "1", Unit: "KGM"}},
		},
		"accepted and countered": {
			api.DeviationDecisionAccept, &api.CounterProposalInput{DeliveryDate: new(due(po, 7))},
		},
	} {
		if d := decided(c.decision, c.counter, nil); at(at(d.Errors, 0).Path, 1) != "counter" {
			t.Errorf("%s: %s", what, asJSON(d))
		}
	}
	d := decided(api.DeviationDecisionCounter, &api.CounterProposalInput{DeliveryDate: new(due(po, 7))}, new("a week, no longer"))
	if d.Deviation.State != api.DeviationStateCountered || d.Operation.State != api.OperationStateCommitted {
		t.Fatalf("countered: %s", asJSON(d))
	}
	now := p.purchased(t, "supplier", po.Number)
	if at(now.Lines.Nodes, 0).Acknowledged.Value != "0" || at(now.Lines.Nodes, 1).Acknowledged.Value != "1000" ||
		now.Status != api.PurchaseOrderStatusReceivedBySupplier {
		t.Errorf("one line of two: %s", asJSON(now))
	}
	told := p.alertsOf(t, "supplier", po.Id)
	if text := at(told, 0).Message; !strings.Contains(text, "Proposed: delivered on "+due(po, 7)) ||
		!strings.Contains(text, "a week, no longer") {
		t.Errorf("told: %s", asJSON(told))
	}
	b := p.responded(t, "supplier", p.response(now, api.ResponseKindAcceptedWithChanges, late(due(po, 2)), taken()))
	if b.Operation.State != api.OperationStateCommitted {
		t.Errorf("answered once more: %s", asJSON(b))
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
	policy := func(name string, beyond api.OutOfTolerancePolicy) {
		t.Helper()
		operator := s.as(t, "operator")
		profile := must(api.SaveToleranceProfile(operator, p.key(), api.ToleranceProfileInput{
			Name: fmt.Sprint(name, p.next.Add(1)), LateDays: new(1), OutOfTolerance: beyond,
		})).SaveToleranceProfile.Profile.Id
		partner := p.profile(t, "operator", "V2002")
		if a := must(api.UpdatePartner(operator, p.key(), api.UpdatePartnerInput{
			Partner: partner.Id, ExpectedVersion: partner.Version, ToleranceProfile: &profile,
		})).UpdatePartner; null(a.Partner) {
			t.Fatal(asJSON(a))
		}
	}
	delayed := func(po api.PurchaseOrderDetails) api.AnsweredPurchaseOrder {
		return p.responded(t, "supplier-other", p.response(po, api.ResponseKindAcceptedWithChanges, late(due(po, 9))))
	}
	policy("strict", api.OutOfTolerancePolicyReject)
	po := p.purchaseFrom(t, "V2002", "supplier-other", 100, "SCR-10001")
	a := delayed(po)
	if e := at(a.Errors, 0); e.Typename != "ToleranceExceeded" || e.Deviation.Field != string(api.DeviationFieldDeliveryDate) ||
		val(e.Deviation.Delta) != "9" || !null(a.Response) {
		t.Errorf("refused: %s", asJSON(a))
	}
	if now := p.purchased(t, "supplier-other", po.Number); now.Status != api.PurchaseOrderStatusSent || len(now.Responses) != 0 {
		t.Errorf("nothing stays: %s", asJSON(now))
	}
	policy("easy", api.OutOfTolerancePolicyAcceptAndAlert)
	if a := delayed(po); a.Operation.State != api.OperationStateCommitted || len(a.Deviations) == 0 ||
		a.Deviations[0].State != api.DeviationStateAutoAccepted || a.Deviations[0].WithinTolerance {
		t.Errorf("taken: %s", asJSON(a))
	}
	now := p.purchased(t, "supplier-other", po.Number)
	if val(at(at(now.Lines.Nodes, 0).Schedule, 0).PromisedDeliveryDate) != due(po, 9) {
		t.Errorf("as the ERP has it: %s", asJSON(now))
	}
	alerts := p.alertsOf(t, "operator", at(now.Lines.Nodes, 0).Id)
	kinds := map[api.AlertKind]bool{}
	for _, n := range alerts {
		kinds[n.Kind] = true
	}
	if !kinds[api.AlertKindSupplyLate] || !kinds[api.AlertKindReplenishmentException] {
		t.Errorf("alerts: %s", asJSON(alerts))
	}
}

// TestSupplierAndBuyerReportToEachOther has either side report something, take it and close
// it.
//
// Covers: P08 G13
func TestSupplierAndBuyerReportToEachOther(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 10, "SCR-10001")
	report := func(persona string, in api.ReportExceptionInput) api.ChangedAlert {
		t.Helper()
		return must(api.ReportException(p.s.as(t, persona), p.key(), in)).ReportException
	}
	reported := func(persona, message string) api.ChangedAlert {
		t.Helper()
		return report(persona, api.ReportExceptionInput{
			Subject: po.Id, Severity: api.SeverityWarning, Message: message, AtRisk: pieces("5"),
		})
	}
	resolve := func(persona, alert, resolution string) api.ChangedAlert {
		t.Helper()
		in := api.ResolveAlertInput{Alert: alert, Resolution: resolution}
		return must(api.ResolveAlert(p.s.as(t, persona), p.key(), in)).ResolveAlert
	}
	seen := func(persona, alert string) bool { return !null(must(api.Node(p.s.as(t, persona), alert)).Node) }
	a := reported("supplier", "the press is down")
	id := a.Alert.Id
	if a.Alert.Kind != api.AlertKindReported || a.Alert.Queue != "purchasing" || !strings.Contains(a.Alert.Message, "the press is down") {
		t.Fatalf("reported: %s", asJSON(a))
	}
	if !seen("operator", id) || !seen("supplier", id) || seen("supplier-other", id) || seen("buyer", id) {
		t.Error("the wrong people see it")
	}
	if no := resolve("supplier", id, "never mind"); at(no.Errors, 0).Code != "FORBIDDEN" {
		t.Errorf("the supplier closes what is the buyer's: %s", asJSON(no))
	}
	if b := must(api.AcknowledgeAlert(p.s.as(t, "operator"), p.key(), api.AcknowledgeAlertInput{Alert: id})).AcknowledgeAlert; b.Alert.State !=
		api.AlertStateAcknowledged || b.Alert.AcknowledgedBy.DisplayName != "operator" {
		t.Errorf("taken: %s", asJSON(b))
	}
	if b := resolve("operator", id, "another press"); b.Alert.State != api.AlertStateResolved || val(b.Alert.Resolution) != "another press" {
		t.Errorf("closed: %s", asJSON(b))
	}
	if b := resolve("operator", id, "once more"); at(b.Errors, 0).Code != "STATE_NOT_ALLOWED" {
		t.Errorf("closed twice: %s", asJSON(b))
	}
	id = reported("operator", "the dock is full").Alert.Id
	if !seen("supplier", id) || seen("supplier-other", id) {
		t.Error("the wrong supplier sees it")
	}
	if b := resolve("supplier", id, "we wait"); b.Alert.State != api.AlertStateResolved {
		t.Errorf("the supplier closes what is its: %s", asJSON(b))
	}
	for what, bad := range map[string]api.ReportExceptionInput{
		"of nothing":       {Subject: "pur_none", Severity: api.SeverityInfo, Message: "m"},
		"without words":    {Subject: po.Id, Severity: api.SeverityInfo, Message: " "},
		"nothing at stake": {Subject: po.Id, Severity: api.SeverityInfo, Message: "m", AtRisk: pieces("0")},
	} {
		if b := report("supplier", bad); !null(b.Alert) || len(b.Errors) == 0 {
			t.Errorf("%s: %s", what, asJSON(b))
		}
	}
}
