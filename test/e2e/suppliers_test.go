package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Khan/genqlient/graphql"

	"portico/test/e2e/api"
)

// Covers: P03 P11 F06
func TestSupplierAcceptsAll(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001", "SCR-10002")
	if po.Status != api.PurchaseOrderStatusSent || !slices.Equal(po.AllowedActions, []api.PurchaseOrderAction{
		api.PurchaseOrderActionAcknowledge, api.PurchaseOrderActionProposeChange,
	}) {
		t.Fatalf("sent: %s", asJSON(po))
	}
	supplier := p.s.as(t, "supplier")
	waiting := func() bool {
		open := must(api.PurchaseOrderNumbers(supplier, 100, &api.PurchaseOrderFilter{NeedsAction: new(true)})).PurchaseOrders.Nodes
		return slices.ContainsFunc(open, func(n api.PurchaseOrderNumbersPurchaseOrdersPurchaseOrderConnectionNodesPurchaseOrder) bool {
			return n.Number == po.Number
		})
	}
	if !waiting() {
		t.Error("it is not on the supplier's work list")
	}
	in, key := p.accepted(po), p.key()
	respond := func(key string) api.AnsweredPurchaseOrder {
		return must(api.RespondToPurchaseOrder(supplier, key, in)).RespondToPurchaseOrder
	}
	a := respond(key)
	if a.Operation.State != api.OperationStateCommitted || len(a.Deviations) != 0 || a.Response.Kind != api.ResponseKindAccepted {
		t.Fatalf("accepted: %s", asJSON(a))
	}
	if again := respond(key); !again.Replayed || again.Response.Id != a.Response.Id {
		t.Errorf("sent again: %s", asJSON(again))
	}
	other := respond(p.key())
	if e := at(other.Errors, 0); e.Code != "DUPLICATE_DOCUMENT" || e.Existing != a.Response.Id {
		t.Errorf("the same number under another key: %s", asJSON(other))
	}
	now := p.purchased(t, "supplier", po.Number)
	if now.Status != api.PurchaseOrderStatusAcknowledged || at(now.Lines.Nodes, 1).Acknowledged.Value != "1000" ||
		val(at(at(now.Lines.Nodes, 0).Schedule, 0).PromisedDeliveryDate) != due(po, 0) {
		t.Errorf("as the ERP has it: %s", asJSON(now))
	}
	if waiting() {
		t.Error("it still waits for the supplier")
	}
	if at(now.Timeline.Nodes, 0).Kind == "" {
		t.Errorf("its timeline: %s", asJSON(now.Timeline))
	}
	if !null(p.purchased(t, "supplier-other", po.Number)) {
		t.Error("another supplier sees it")
	}
}

// Covers: P04 P09 P03
func TestSupplierReschedulesWithinTheTolerance(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001")
	a := p.responded(t, "supplier", p.response(po, api.ResponseKindAcceptedWithChanges, late(due(po, 2))))
	if d := at(a.Deviations, 0); a.Operation.State != api.OperationStateCommitted || d.State != api.DeviationStateAutoAccepted ||
		val(d.Delta) != "2" || d.Field != api.DeviationFieldDeliveryDate {
		t.Fatalf("two days late: %s", asJSON(a))
	}
	now := p.purchased(t, "supplier", po.Number)
	schedule := at(at(now.Lines.Nodes, 0).Schedule, 0)
	if now.Status != api.PurchaseOrderStatusAcknowledgedWithChanges || val(schedule.PromisedDeliveryDate) != due(po, 2) ||
		val(schedule.RequestedDeliveryDate) != due(po, 0) {
		t.Errorf("as the ERP has it: %s", asJSON(now))
	}
}

// Covers: P15 P03
func TestSupplierBeyondTheToleranceIsRejected(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001")
	before := p.s.record(t, "erp", "purchases", po.Number)["rev"]
	a := p.responded(t, "supplier", p.response(po, api.ResponseKindAcceptedWithChanges, late(due(po, 30))))
	d := p.decided(t, api.DecideDeviationInput{
		Deviation: at(a.Deviations, 0).Id, Decision: api.DeviationDecisionReject, Comment: new("we need it then"),
	})
	if d.Operation.State != api.OperationStateFailed || d.Operation.Failure.Code != "NOT_ACCEPTED" ||
		d.Deviation.State != api.DeviationStateRejected {
		t.Fatalf("rejected: %s", asJSON(d))
	}
	if now := p.purchased(t, "supplier", po.Number); now.Status != api.PurchaseOrderStatusReceivedBySupplier ||
		p.s.record(t, "erp", "purchases", po.Number)["rev"] != before {
		t.Errorf("the order stands: %s", asJSON(now))
	}
	if told := p.alertsOf(t, "supplier", po.Id); at(told, 0).Kind != api.AlertKindReported {
		t.Errorf("the supplier is not told: %s", asJSON(told))
	}
	if b := p.responded(t, "supplier", p.accepted(po)); b.Operation.State != api.OperationStateCommitted {
		t.Errorf("answered once more: %s", asJSON(b))
	}
}

// Covers: P05 P10 P03
func TestSupplierChangesPriceQuantityAndItem(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001", "SCR-10002", "SCR-10004")
	price := po.Lines.Nodes[0].UnitPrice
	type line = api.LineAcknowledgmentInput
	a := p.responded(t, "supplier", p.response(po, api.ResponseKindAcceptedWithChanges,
		line{Status: api.LineAckStatusAcceptedPriceChanged, UnitPrice: &api.UnitPriceInput{
			Price: api.MoneyInput{Amount: "99.99", Currency: "EUR"}, Per: api.QuantityInput(price.Per),
		}},
		line{Status: api.LineAckStatusAcceptedPartialBalanceBackordered, Quantity: pieces("400")},
		line{Status: api.LineAckStatusAcceptedSubstitution, Substitute: &api.IdentifierInput{Scheme: api.IdSchemeSku, Value: "SCR-10005"}},
	))
	if a.Operation.State != api.OperationStateAwaitingDecision || len(a.Deviations) != 3 {
		t.Fatalf("answered: %s", asJSON(a))
	}
	fields := map[api.DeviationField]string{}
	for _, d := range a.Deviations {
		fields[d.Field] = d.Id
	}
	narrow, err := api.DeviationNode(p.s.try(t, "supplier", "--scope", "po:read"), fields[api.DeviationFieldUnitPrice])
	errs := errorsOf(t, err)
	if seen, is := narrow.Node.(*api.DeviationNodeNodeDeviation); !is || seen.Field != api.DeviationFieldUnitPrice || seen.Expected != nil ||
		seen.Proposed != nil || strings.Contains(asJSON(narrow)+asJSON(errs), "99.99") {
		t.Errorf("prices without the right to see them: %s %s", asJSON(narrow), asJSON(errs))
	}
	if fields[api.DeviationFieldUnitPrice] == "" || fields[api.DeviationFieldDeliveryDate] == "" || fields[api.DeviationFieldItem] == "" {
		t.Fatalf("deviations: %s", asJSON(a))
	}
	decide := func(field api.DeviationField, decision api.DeviationDecision) api.DecidedDeviation {
		return p.decided(t, api.DecideDeviationInput{Deviation: fields[field], Decision: decision})
	}
	one := decide(api.DeviationFieldUnitPrice, api.DeviationDecisionReject)
	if one.Operation.State != api.OperationStateAwaitingDecision {
		t.Errorf("one of three decided: %s", asJSON(one))
	}
	decide(api.DeviationFieldDeliveryDate, api.DeviationDecisionAccept)
	if last := decide(api.DeviationFieldItem, api.DeviationDecisionAccept); last.Operation.State != api.OperationStateCommitted {
		t.Fatalf("all decided: %s", asJSON(last))
	}
	now := p.purchased(t, "supplier", po.Number)
	first, second := at(now.Lines.Nodes, 0), at(now.Lines.Nodes, 1)
	if first.UnitPrice.Price.Amount != price.Price.Amount || first.Acknowledged.Value != "0" {
		t.Errorf("the refused line is not as it was: %s", asJSON(now))
	}
	if second.Acknowledged.Value != "1000" || at(second.Schedule, 0).Quantity.Value != "400" ||
		at(second.Schedule, 1).PromisedDeliveryDate != nil {
		t.Errorf("part and balance: %s", asJSON(now))
	}
	if val(at(now.Lines.Nodes, 2).Sku) != "SCR-10005" {
		t.Errorf("the substitute: %s", asJSON(now))
	}
	if now.Status != api.PurchaseOrderStatusReceivedBySupplier {
		t.Errorf("a line is still to be answered: %s", now.Status)
	}
}

// Covers: P09 G06 P03
func TestSupplierAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001", "SCR-10002")
	other := p.purchase(t, 1000, "SCR-10001")
	type (
		input = api.PurchaseOrderResponseInput
		line  = api.LineAcknowledgmentInput
	)
	changed := func(lines ...line) input { return p.response(po, api.ResponseKindAcceptedWithChanges, lines...) }
	quantity := func(q *api.QuantityInput) line {
		return line{Status: api.LineAckStatusAcceptedQuantityChanged, Quantity: q}
	}
	with := func(change func(*input)) input {
		in := p.accepted(po)
		change(&in)
		return in
	}
	for name, c := range map[string]struct {
		in   input
		code string
		path string
	}{
		"a line missing": {changed(taken()), "LINES_MISSING", "[input lines]"},
		"a line of another order": {
			changed(line{Line: other.Lines.Nodes[0].Id, Status: api.LineAckStatusAccepted}, taken()), "NOT_FOUND", "[input lines 0 line]",
		},
		"a day past": {changed(late("2020-01-01"), taken()), "DATE_NOT_POSSIBLE", "[input lines 0 promisedDeliveryDate]"},
		"another unit": {
			changed(quantity(&api.QuantityInput{Value: "10", Unit: "CS"}), taken()), "UNIT_NOT_ORDERABLE", "[input lines 0 quantity unit]",
		},
		"nothing":          {changed(quantity(pieces("0")), taken()), "INVALID_INPUT", "[input lines 0 quantity]"},
		"no number":        {with(func(in *input) { in.ResponseNumber = " " }), "INVALID_INPUT", "[input responseNumber]"},
		"another revision": {with(func(in *input) { in.ExpectedRevision = 9 }), "VERSION_CONFLICT", "[input expectedRevision]"},
		"not there":        {with(func(in *input) { in.PurchaseOrder = "pur_none" }), "NOT_FOUND", "[input purchaseOrder]"},
		"says two things": {
			p.response(po, api.ResponseKindAccepted, line{Status: api.LineAckStatusRejected}, taken()), "INVALID_INPUT",
			"[input lines 0 status]",
		},
		"more than is open": {
			changed(quantity(pieces("900")), taken(),
				line{Line: po.Lines.Nodes[0].Id, Status: api.LineAckStatusBackordered, Quantity: pieces("200")}),
			"QUANTITY_EXCEEDED", "[input lines 2 quantity]",
		},
	} {
		a := p.responded(t, "supplier", c.in)
		if e := at(a.Errors, 0); e.Code != c.code || fmt.Sprint(e.Path) != c.path || !null(a.Response) {
			t.Errorf("%s: want %s at %s, got %s", name, c.code, c.path, asJSON(a))
		}
	}
	if a := p.responded(t, "supplier-other", p.accepted(po)); at(a.Errors, 0).Code != "NOT_FOUND" {
		t.Errorf("another supplier's: %s", asJSON(a))
	}
	// The same answer from two channels at once is one.
	in := p.accepted(po)
	channels := []graphql.Client{p.s.try(t, "supplier"), p.s.try(t, "operator")}
	answers := make([]api.AnsweredPurchaseOrder, 8)
	var all sync.WaitGroup
	for i := range answers {
		key := p.key()
		all.Go(func() {
			a, err := api.RespondToPurchaseOrder(channels[i%2], key, in)
			if err != nil {
				t.Error(err)
			}
			answers[i] = a.RespondToPurchaseOrder
		})
	}
	all.Wait()
	accepted, duplicates := 0, 0
	for _, a := range answers {
		if !null(a.Response) {
			accepted++
		} else if at(a.Errors, 0).Code == "DUPLICATE_DOCUMENT" {
			duplicates++
		}
	}
	if accepted != 1 || duplicates != 7 {
		t.Errorf("taken %d times, %d told as duplicates: %s", accepted, duplicates, asJSON(answers[0]))
	}
	p.s.control(t, http.MethodPost, "/control/revise?purchase="+po.Number, nil)
	p.s.until(t, 20*time.Second, "revised", func() bool { return p.purchased(t, "supplier", po.Number).Revision == 2 })
	if now := p.purchased(t, "supplier", po.Number); now.Status != api.PurchaseOrderStatusSent {
		t.Errorf("a new revision is to be answered: %s", now.Status)
	}
}

// Covers: P15 F06 P03
func TestSupplierAnswersAnewAndTheCaseIsClosed(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001")
	a := p.responded(t, "supplier", p.response(po, api.ResponseKindRejected))
	if d := at(a.Deviations, 0); a.Operation.State != api.OperationStateAwaitingDecision || d.Field != api.DeviationFieldQuantity ||
		val(d.Delta) != "-100" {
		t.Fatalf("refused by the supplier: %s", asJSON(a))
	}
	if b := p.responded(t, "supplier", p.accepted(po)); b.Operation.State != api.OperationStateCommitted {
		t.Fatalf("accepted after all: %s", asJSON(b))
	}
	now := p.purchased(t, "operator", po.Number)
	if before := at(now.Responses, 1); now.Status != api.PurchaseOrderStatusAcknowledged ||
		at(before.Deviations, 0).State != api.DeviationStateWithdrawn || before.Operation.State != api.OperationStateFailed {
		t.Errorf("the first answer's case: %s", asJSON(now))
	}
	if left := p.alertsOf(t, "operator", po.Lines.Nodes[0].Id); len(left) != 0 {
		t.Errorf("alerts of a closed case: %s", asJSON(left))
	}
}

// Covers: P02 F09 P03
func TestSupplierIsTooLateToAnswer(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.purchase(t, 1000, "SCR-10001")
	p.s.control(t, http.MethodPost, "/control/records",
		map[string]any{
			"service": "erp", "object": "purchases", "key": po.Number,
			"set": map[string]any{"ackDue": "2024-01-01 09:00:00", "rev": 900},
		})
	overdue := func() string {
		return at(must(api.Alerts(p.s.as(t, "supplier"), 25, &api.AlertFilter{
			Subject: &po.Id, Kind: []api.AlertKind{api.AlertKindAcknowledgmentOverdue},
		})).Alerts.Nodes, 0).Id
	}
	alert := ""
	p.s.until(t, 30*time.Second, "told", func() bool {
		alert = overdue()
		return alert != ""
	})
	take := func(persona string) api.ChangedAlert {
		return must(api.AcknowledgeAlert(p.s.as(t, persona), p.key(), api.AcknowledgeAlertInput{Alert: alert})).AcknowledgeAlert
	}
	if a := take("operator"); a.Alert.State != api.AlertStateAcknowledged {
		t.Errorf("taken: %s", asJSON(a))
	}
	if a := take("supplier"); at(a.Errors, 0).Code != "FORBIDDEN" {
		t.Errorf("the supplier takes what the buyer looks after: %s", asJSON(a))
	}
	if a := take("supplier-other"); at(a.Errors, 0).Code != "NOT_FOUND" {
		t.Errorf("another supplier's alert: %s", asJSON(a))
	}
	p.responded(t, "supplier", p.accepted(po))
	p.s.until(t, 30*time.Second, "closed", func() bool { return overdue() == "" })
}
