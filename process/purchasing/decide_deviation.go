package purchasing

import (
	"context"
	"slices"
	"strings"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
)

// DeviationDecision is what a planner decided about a deviation. Nothing in it is trusted.
type DeviationDecision struct {
	DeviationID string                  `json:"DeviationID"`
	Decision    trade.DeviationDecision `json:"Decision"`
	Counter     *trade.CounterProposal  `json:"Counter"`
	Comment     *string                 `json:"Comment"`
}

// Decide decides a deviation. Once all of an answer are decided, its operation goes on with
// the lines of which none was refused or countered; with none left it ends. The supplier is
// told what was not taken.
func (p *Flows) Decide(ctx context.Context, scope trade.Scope, by process.Submitter, key string, d DeviationDecision,
	wait time.Duration,
) (*process.Acted, error) {
	if errs := checkDecision(d); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	done, err := process.Once(ctx, p.desk.Store, by, "decideDeviation", key, d,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			none := []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such deviation.", "deviation")}
			found, err := ledger.CaseOf(ctx, tx, scope, d.DeviationID)
			if err != nil || found == nil {
				return spent, none, err
			}
			now, err := records.LockPurchaseOrder(ctx, tx, scope, found.PurchaseOrderID)
			if err != nil || now == nil {
				return spent, none, err
			}
			cases, err := ledger.CasesOf(ctx, tx, found.ResponseID) // as they are under the lock
			if err != nil {
				return spent, nil, err
			}
			at := slices.IndexFunc(cases, func(c ledger.Case) bool { return c.ID == found.ID })
			if refusal := p.forbidden(scope, trade.ActDecide, now); refusal != nil {
				refusal.Path = []string{"input", "deviation"}
				return spent, []trade.UserError{refusal}, nil
			}
			if cases[at].State != trade.DeviationPending || now.Pending != found.ResponseID {
				return spent, []trade.UserError{&trade.StateNotAllowed{
					Refusal: trade.Refusal{
						Code: trade.CodeState, Message: "The deviation is decided already, or its answer was replaced.",
						Path: []string{"input", "deviation"},
					}, State: string(cases[at].State), Allowed: []string{},
				}}, nil
			}
			line := slices.IndexFunc(now.LinesKnown, func(l trade.PurchaseOrderLine) bool { return l.ID == found.LineID })
			if errs := counters(d.Counter, &now.LinesKnown[line], trade.DateOf(p.desk.Now(), time.UTC)); errs != nil {
				return spent, errs, nil
			}
			if err := p.decided(ctx, tx, by, d, now, &now.LinesKnown[line]); err != nil {
				return spent, nil, err
			}
			cases[at].State = decisions[d.Decision].state
			return ledger.SpentKey{OperationID: now.Asked, Subject: d.DeviationID}, nil, p.settle(ctx, tx, now, cases)
		})
	return process.Await(ctx, p.desk, p.desk.Sources.Serving(sources.OfPurchaseOrders, ""), done, err, wait)
}

// decisions are what decisions make of a deviation, and what the audit log calls them.
var decisions = map[trade.DeviationDecision]struct {
	state    trade.DeviationState
	action   string
	reported string
}{
	trade.AcceptDeviation:  {trade.DeviationAccepted, "deviation.accept", "was accepted"},
	trade.RejectDeviation:  {trade.DeviationRejected, "deviation.reject", "was not accepted: the order stands"},
	trade.CounterDeviation: {trade.DeviationCountered, "deviation.counter", "was answered with another proposal"},
}

func checkDecision(d DeviationDecision) (errs []trade.UserError) {
	errs = process.CheckText(d.Comment, "comment")
	c := d.Counter
	switch {
	case d.Decision == trade.CounterDeviation &&
		(c == nil || c.Quantity == nil && c.UnitPrice == nil && c.ShipDate == nil && c.DeliveryDate == nil):
		errs = append(errs, process.Invalid(trade.CodeInvalidInput, "Say what is proposed instead.", "counter"))
	case d.Decision != trade.CounterDeviation && c != nil:
		errs = append(errs, process.Invalid(trade.CodeInvalidInput, "Only COUNTER proposes something else.", "counter"))
	}
	return errs
}

// counters refuses a counter-proposal that does not fit its line, or names a day before today.
func counters(c *trade.CounterProposal, line *trade.PurchaseOrderLine, today trade.Date) (errs []trade.UserError) {
	if c == nil {
		return nil
	}
	unit := line.Ordered.Unit
	if c.Quantity != nil && (c.Quantity.Unit != unit || !c.Quantity.Value.IsPos()) {
		errs = append(errs, process.Invalid(trade.CodeUnit, "A quantity is more than nothing, in "+unit+".", "counter", "quantity"))
	}
	if p := c.UnitPrice; p != nil && (p.Per.Unit != unit || !p.Per.Value.IsPos() || p.Price.Amount.IsNeg()) {
		errs = append(errs, process.Invalid(trade.CodeUnit, "A price is not less than nothing, for more than nothing, in "+unit+".", "counter",
			"unitPrice"))
	}
	for _, day := range []struct {
		of   *trade.Date
		name string
	}{{c.ShipDate, "shipDate"}, {c.DeliveryDate, "deliveryDate"}} {
		if day.of != nil && day.of.Before(today) {
			errs = append(errs, process.Invalid(trade.CodeDate, "The day is past.", "counter", day.name))
		}
	}
	return errs
}

// decided keeps a decision, and tells the supplier what is not taken.
func (p *Flows) decided(ctx context.Context, tx *store.Tx, by process.Submitter, d DeviationDecision, now *records.PurchaseOrderNow,
	line *trade.PurchaseOrderLine,
) error {
	how := decisions[d.Decision]
	ids := []string{d.DeviationID}
	if err := ledger.DecideDeviations(ctx, tx, ids,
		ledger.Decision{State: how.state, By: by.Principal, Comment: d.Comment, Counter: d.Counter}); err != nil {
		return err
	}
	if err := operatingstore.ResolveAlertsOf(ctx, tx, ids, "The deviation "+how.reported+"."); err != nil {
		return err
	}
	if err := ledger.Audit(ctx, tx, operating.AuditRecord{
		Actor: by.Principal, Action: how.action, Subject: now.ID, CorrelationID: by.CorrelationID,
		Before: map[string]any{"deviation": d.DeviationID, "state": trade.DeviationPending}, After: map[string]any{"state": how.state},
	}); err != nil || d.Decision == trade.AcceptDeviation {
		return err
	}
	text := []string{"Purchase order " + now.Number + " line " + line.LineNumber + ": what you answered " + how.reported + "."}
	if c := d.Counter; c != nil {
		if c.Quantity != nil {
			text = append(text, "Proposed: "+c.Quantity.Value.String()+" "+c.Quantity.Unit+".")
		}
		if c.ShipDate != nil {
			text = append(text, "Proposed: shipped on "+c.ShipDate.String()+".")
		}
		if c.DeliveryDate != nil {
			text = append(text, "Proposed: delivered on "+c.DeliveryDate.String()+".")
		}
		if c.UnitPrice != nil {
			text = append(text, "Proposed: another price.")
		}
	}
	if d.Comment != nil {
		text = append(text, *d.Comment)
	}
	advice := "Answer the purchase order again with respondToPurchaseOrder."
	return operatingstore.RaiseAlerts(ctx, tx, []*trade.Alert{{
		ID: durable.NewID("alr_"), Kind: trade.AlertReported, Severity: trade.Warning, Message: strings.Join(text, " "),
		SuggestedAction: &advice, Audience: []trade.Audience{trade.ForSupplier},
		Queue: trade.Queues[trade.AlertReported], Subject: now.ID, SupplierID: now.SupplierRef.ID, DeviationID: d.DeviationID,
	}})
}

// settle lets the operation of an answer go on, or ends it, once nothing is pending.
func (p *Flows) settle(ctx context.Context, tx *store.Tx, now *records.PurchaseOrderNow, cases []ledger.Case) error {
	refused := map[string]bool{}
	for _, c := range cases {
		switch c.State {
		case trade.DeviationPending:
			return nil
		case trade.DeviationRejected, trade.DeviationCountered:
			refused[c.LineID] = true
		}
	}
	lines, err := ledger.LinesAnswered(ctx, tx, now.Pending)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(lines, func(id string) bool { return !refused[id] }) {
		if err := p.desk.Engine.Drop(ctx, tx, now.Asked,
			trade.OperationFailure{
				Responsible: trade.PartnerAtFault, Code: "NOT_ACCEPTED",
				Message: "Nothing of the answer was accepted: the order stands.",
			}); err != nil {
			return err
		}
		return ledger.SetAnswer(ctx, tx, now.ID, trade.POReceivedBySupplier, now.Revision)
	}
	answer := trade.POReceivedBySupplier
	err = durable.Answer(ctx, p.desk.Engine, tx, now.Asked, func(w *respondWork) {
		w.Lines = slices.DeleteFunc(w.Lines, func(l respondLine) bool { return refused[l.LineID] })
		if len(refused) == 0 {
			answer = w.Answer
		}
	})
	if err != nil {
		return err
	}
	return ledger.SetAnswer(ctx, tx, now.ID, answer, now.Revision)
}
