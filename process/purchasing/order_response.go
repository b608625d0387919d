package purchasing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// orderResponse is a supplier's response to a purchase order: what it says, and what was found about it. What is inside
// the tolerance is written to the ERP by itself; beyond, the supplier's profile says: it is refused, it waits for a
// planner, or it is written and an alert raised. A new response replaces one that waits.
type orderResponse struct {
	flows           *Flows
	request         *trade.ResponseRequest
	id              string
	now             *records.PurchaseOrderNow // locked; nil before that, and where there is none
	answers         []procurement.LineAnswer
	deviations      []trade.Deviation
	beyond, differs bool
	operation       string // that applies it; empty where nothing is to be
}

// OrderResponse is a response to a purchase order as a document to [Flows.Receive].
func (p *Flows) OrderResponse(r *trade.ResponseRequest) Document {
	return &orderResponse{flows: p, request: r, id: durable.NewID("rsp_")}
}

func (d *orderResponse) header() header {
	return header{
		kind: procurement.ResponseDocument, write: "respondToPurchaseOrder", input: d.request,
		source: d.flows.desk.Sources.Serving(sources.OfPurchaseOrders, ""),
	}
}

func (d *orderResponse) purchaseOrders(ctx context.Context, tx *store.Tx, scope trade.Scope) ([]string, error) {
	if d.now != nil { // it was found within the scope
		return []string{d.now.ID}, nil
	}
	return ledger.OwnPurchaseOrders(ctx, tx, scope, []string{d.request.PurchaseOrderID})
}

func (d *orderResponse) take(ctx context.Context, tx *store.Tx, from Origin, print string) (spent ledger.SpentKey, _ []trade.UserError,
	err error,
) {
	if d.now, err = records.LockPurchaseOrder(ctx, tx, from.Scope, d.request.PurchaseOrderID); err != nil {
		return spent, nil, err
	}
	if d.now == nil {
		return spent, oneError(process.Invalid(trade.CodeNotFound, "There is no such purchase order.", "purchaseOrder")), nil
	}
	if errs, err := d.refused(ctx, tx, from.Scope); err != nil || errs != nil {
		return spent, errs, err
	}
	if d.request.Kind == trade.ResponseReceived || d.request.Kind == trade.ResponseInProcess {
		errs, err := d.note(ctx, tx, from.By)
		return ledger.SpentKey{Subject: d.id}, errs, err
	}
	errs, err := d.apply(ctx, tx, from, print)
	return ledger.SpentKey{OperationID: d.operation, Subject: d.id}, errs, err
}

// recordAcceptance observes how long the supplier took to answer the purchase order for the first time.
func (d *orderResponse) recordAcceptance(at time.Time) {
	if d.now.Answered == 0 && d.operation != "" {
		answeredAfter.WithLabelValues(d.now.SupplierCode).Observe(at.Sub(d.now.IssuedAt).Seconds())
	}
}

// refused says why an answer is not taken.
func (d *orderResponse) refused(ctx context.Context, tx *store.Tx, scope trade.Scope) ([]trade.UserError, error) {
	r, now := d.request, d.now
	existing, err := ledger.ResponseByNumber(ctx, tx, now.SupplierRef.ID, r.ResponseNumber)
	if err != nil {
		return nil, err
	}
	if existing != "" {
		return oneError(duplicate(existing)), nil
	}
	action := trade.ActPropose
	if r.Kind == trade.ResponseAccepted {
		action = trade.ActAcknowledge
	}
	if refusal := d.flows.forbidden(scope, action, now); refusal != nil {
		return oneError(refusal), nil
	}
	if r.Revision != now.Revision {
		return []trade.UserError{&trade.VersionConflict{
			Refusal: trade.Refusal{
				Code:    trade.CodeVersionConflict,
				Message: "The purchase order was revised: read it again and answer that.", Path: []string{"input", "expectedRevision"},
			},
			CurrentVersion: strconv.Itoa(now.Revision), ChangedFields: []string{"revision"},
		}}, nil
	}
	return procurement.CheckResponse(r, &now.PurchaseOrder, trade.DateOf(d.flows.desk.Now(), time.UTC)), nil
}

func duplicate(existing string) *trade.DuplicateDocument {
	return &trade.DuplicateDocument{Refusal: trade.Refusal{
		Code:    trade.CodeDuplicate,
		Message: "An answer with this number was received before.", Path: []string{"input", "responseNumber"},
	}, Existing: existing}
}

// respondWork is what the steps of an answer work on. Answer is what becomes of the
// purchase order once it is written.
type respondWork struct {
	Number        string                    `json:"Number"`
	Revision      int                       `json:"Revision"`
	SupplierOrder *string                   `json:"SupplierOrder"`
	Lines         []respondLine             `json:"Lines"`
	Ref           string                    `json:"Ref"`
	Answer        trade.PurchaseOrderStatus `json:"Answer"`
}

type respondLine struct {
	LineID    string              `json:"LineID"`
	Confirmed trade.ConfirmedLine `json:"Confirmed"`
}

// record is the response as it is kept.
func (d *orderResponse) record() *trade.PurchaseOrderResponse {
	r, now := d.request, d.now
	return &trade.PurchaseOrderResponse{
		ID: d.id, PurchaseOrderID: now.ID, SupplierID: now.SupplierRef.ID, ResponseNumber: r.ResponseNumber,
		SupplierOrderNumber: r.SupplierOrderNumber, Kind: r.Kind, Revision: now.Revision, OperationID: d.operation,
	}
}

// apply keeps a response that was checked, and begins the operation that applies it.
func (d *orderResponse) apply(ctx context.Context, tx *store.Tx, from Origin, print string) ([]trade.UserError, error) {
	r, now := d.request, d.now
	d.answers = procurement.Answers(r, &now.PurchaseOrder)
	d.deviations = procurement.Deviations(d.answers, &now.Tolerance)
	for i := range d.deviations {
		d.deviations[i].ID = durable.NewID("dev_")
		d.beyond = d.beyond || !d.deviations[i].WithinTolerance
	}
	d.differs = len(d.deviations) > 0
	if d.beyond && now.Tolerance.OutOfTolerance == trade.RefuseBeyond {
		return d.exceeded(), nil
	}
	if err := d.review(ctx, tx); err != nil {
		return nil, err
	}
	if err := d.flows.supersede(ctx, tx, now, "The supplier sent a newer order response."); err != nil {
		return nil, err
	}
	hold := d.beyond && now.Tolerance.OutOfTolerance == trade.HoldBeyond
	if d.beyond && !hold {
		for i := range d.deviations {
			d.deviations[i].State = trade.DeviationAutoAccepted
		}
	}
	n := d.operationOf(from, print)
	d.operation = n.ID
	if err := ledger.KeepResponse(ctx, tx, d.record(), r.Lines, d.deviations); err != nil {
		return d.twin(ctx, tx, err)
	}
	if err := operatingstore.RaiseAlerts(ctx, tx, d.alerts()); err != nil {
		return nil, err
	}
	work := d.work()
	answer := work.Answer
	if hold {
		answer = trade.POPendingReview
		n.Awaiting = &trade.AwaitedDecision{
			By: trade.ForOperator, Message: "The supplier answered beyond the tolerance: a planner decides.",
			Since: d.flows.desk.Now().UTC(), ResponseID: d.id,
		}
	}
	if err := ledger.SetAnswer(ctx, tx, now.ID, answer, now.Revision); err != nil {
		return nil, err
	}
	return nil, process.Begin(ctx, d.flows.desk, tx, d.flows.respond(), n, *work, work.Ref)
}

// note keeps a response that says only that the order has come.
func (d *orderResponse) note(ctx context.Context, tx *store.Tx, by process.Submitter) ([]trade.UserError, error) {
	if err := ledger.KeepResponse(ctx, tx, d.record(), nil, nil); err != nil {
		return d.twin(ctx, tx, err)
	}
	if slices.Contains([]trade.PurchaseOrderStatus{trade.POIssued, trade.POSent}, d.now.Status) {
		if err := ledger.SetAnswer(ctx, tx, d.now.ID, trade.POReceivedBySupplier, d.now.Revision); err != nil {
			return nil, err
		}
	}
	return nil, ledger.Audit(ctx, tx, operating.AuditRecord{
		Actor: by.Principal, Action: "purchase-order.receive", Subject: d.now.ID, CorrelationID: by.CorrelationID,
		Before: map[string]any{"status": d.now.Status}, After: map[string]any{"response": d.id, "kind": d.request.Kind},
	})
}

// twin tells an answer whose number came twice at once as the duplicate that it is.
func (d *orderResponse) twin(ctx context.Context, tx *store.Tx, err error) ([]trade.UserError, error) {
	if !errors.Is(err, ledger.ErrSpent) {
		return nil, err
	}
	existing, err := ledger.ResponseByNumber(ctx, tx, d.now.SupplierRef.ID, d.request.ResponseNumber)
	return oneError(duplicate(existing)), err
}

// exceeded refuses what is beyond a tolerance whose profile refuses it.
func (d *orderResponse) exceeded() (errs []trade.UserError) {
	for i := range d.deviations {
		deviation := &d.deviations[i]
		if deviation.WithinTolerance {
			continue
		}
		path := []string{"input", "kind"}
		if at := slices.IndexFunc(d.request.Lines, func(l trade.LineAcknowledgment) bool { return l.LineID == deviation.LineID }); at >= 0 {
			path = []string{"input", "lines", strconv.Itoa(at)}
		}
		errs = append(errs, &trade.ToleranceExceeded{
			// no price in a text
			Refusal: trade.Refusal{
				Code: trade.CodeTolerance, Message: fmt.Sprintf("%s differs from the order beyond what is agreed.", deviation.Field),
				Path: path,
			},
			Deviation: deviation,
		})
	}
	return errs
}

// supersede closes the case of an answer that waits for a decision.
func (p *Flows) supersede(ctx context.Context, tx *store.Tx, now *records.PurchaseOrderNow, why string) error {
	if now.Asked == "" {
		return nil
	}
	if err := p.desk.Engine.Drop(ctx, tx, now.Asked,
		trade.OperationFailure{Responsible: trade.PartnerAtFault, Code: "SUPERSEDED", Message: why}); err != nil {
		return err
	}
	cases, err := ledger.CasesOf(ctx, tx, now.Pending)
	if err != nil {
		return err
	}
	var open []string
	for _, c := range cases {
		if c.State == trade.DeviationPending {
			open = append(open, c.ID)
		}
	}
	if err := ledger.DecideDeviations(ctx, tx, open, ledger.Decision{State: trade.DeviationWithdrawn, Comment: &why}); err != nil {
		return err
	}
	return operatingstore.ResolveAlertsOf(ctx, tx, open, why)
}

// operationOf is the operation that applies an answer.
func (d *orderResponse) operationOf(from Origin, print string) ledger.NewOperation {
	return ledger.NewOperation{
		Lane: d.now.ID, Fingerprint: print,
		After: map[string]any{"response": d.id, "kind": d.request.Kind, "deviations": len(d.deviations), "input": print},
		Operation: trade.Operation{
			ID: durable.NewID("opr_"), CorrelationID: from.By.CorrelationID, Key: from.Key, Principal: from.By.Principal, Subject: &d.now.ID,
			SupplierID: d.now.SupplierRef.ID, Source: d.now.Instance,
		},
	}
}

// work is what the steps of the operation work on.
func (d *orderResponse) work() *respondWork {
	w := &respondWork{
		Number: d.now.Number, Revision: d.now.Revision, SupplierOrder: d.request.SupplierOrderNumber, Ref: "PORTICO-" + d.operation[len("opr_"):],
		Answer: trade.POAcknowledged,
	}
	coming := false
	for _, x := range d.answers {
		coming = coming || x.Coming().IsPos()
		w.Lines = append(w.Lines, respondLine{x.Line.ID, procurement.Confirmed(x)})
	}
	switch {
	case !coming:
		w.Answer = trade.PORejected
	case d.differs:
		w.Answer = trade.POChanged
	}
	return w
}

// respond is the flow of a supplier's answer to the ERP.
func (p *Flows) respond() durable.Flow[respondWork] {
	return durable.Flow[respondWork]{
		Kind: trade.Respond, Action: "purchase-order.respond",
		Steps: []durable.Step[respondWork]{
			{
				Name: "confirm", System: &process.ERP,
				What: "Writes to the ERP what the supplier confirmed, under its reference. Beyond the tolerance it waits for a planner first.",
				Do: func(ctx context.Context, r *durable.Run[respondWork]) error {
					w := r.Work
					c := trade.PurchaseConfirmation{Number: w.Number, Revision: w.Revision, SupplierOrderNumber: w.SupplierOrder}
					for _, l := range w.Lines {
						c.Lines = append(c.Lines, l.Confirmed)
					}
					_, err := p.desk.HandOver(ctx, r.Source, w.Ref, r.Attempted, func() (sources.Receipt, error) {
						return p.desk.Sources.ConfirmPurchase(ctx, r.Source, w.Ref, c)
					})
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the purchase order as the ERP has it.",
				Do: func(ctx context.Context, r *durable.Run[respondWork]) error {
					return process.Reread(ctx, p.desk, r, sources.PurchaseOrderRecords, replication.SavePurchaseOrders, r.Work.Number)
				},
			},
		},
		// What the ERP refuses is to be answered anew: both sides are told why.
		Refused: func(ctx context.Context, tx *store.Tx, r *durable.Run[respondWork], failure trade.OperationFailure) error {
			now, err := records.LockPurchaseOrder(ctx, tx, trade.OperatorScope(nil), r.Subject)
			if err != nil || now == nil {
				return err
			}
			if err := ledger.SetAnswer(ctx, tx, now.ID, trade.POReceivedBySupplier, now.Revision); err != nil {
				return err
			}
			advice := "Read the purchase order again and answer it with respondToPurchaseOrder."
			who := failure.Responsible
			return operatingstore.RaiseAlerts(ctx, tx, []*trade.Alert{{
				ID: durable.NewID("alr_"), Kind: trade.AlertReported, Severity: trade.Warning,
				Message: "The answer to purchase order " + now.Number + " was not applied: " + failure.Message, SuggestedAction: &advice,
				Audience: []trade.Audience{trade.ForOperator, trade.ForSupplier}, Queue: trade.Queues[trade.AlertReported], Responsible: &who,
				Subject: now.ID, SupplierID: now.SupplierRef.ID,
			}})
		},
	}
}
