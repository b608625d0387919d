// Package purchasing are the flows of suppliers: what they answer to purchase orders, what planners
// decide about it, ship notices, lead times, and how partners are let in.
package purchasing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// Flows are the flows of purchase orders: what suppliers answer, and what planners
// decide about it.
type Flows struct {
	desk    *process.Desk
	signing Signing
}

// New makes the flows of purchase orders, and registers them with the engine
// that plays them. Receipts are signed with a key.
func New(d *process.Desk, signing Signing) *Flows {
	p := &Flows{d, signing}
	if d.Engine != nil {
		durable.Register(d.Engine, p.respond())
		durable.Register(d.Engine, p.announce())
		durable.Register(d.Engine, p.unannounce())
		durable.Register(d.Engine, p.leadTime())
	}
	return p
}

// Tables are the flows for people.
func (p *Flows) Tables() []durable.Table {
	return []durable.Table{p.respond().Table(), p.announce().Table(), p.unannounce().Table(), p.leadTime().Table()}
}

// answeredAfter is how long suppliers take to answer: from half an hour to a month.
var answeredAfter = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Name:    "portico_supplier_acknowledgment_seconds",
	Help:    "From the issue of a purchase order to its first answer that says more than that it came, by supplier.",
	Buckets: []float64{1800, 3600, 4 * 3600, 8 * 3600, 86400, 2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400},
}, []string{"supplier"})

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector { return []prometheus.Collector{answeredAfter} }

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

// Respond takes a supplier's answer. What is inside the tolerance is written to the ERP by
// itself; beyond, its profile says: it is refused, it waits for a planner, or it is written
// and an alert raised. A new answer replaces one that waits.
func (p *Flows) Respond(ctx context.Context, scope trade.Scope, by process.Submitter, key string, r *trade.ResponseRequest,
	wait time.Duration,
) (*process.Acted[trade.SupplierError], error) {
	var first *records.PurchaseOrderNow // where nothing was answered before
	d := document{
		kind: procurement.ResponseDocument, mutation: "respondToPurchaseOrder", input: r,
		source: p.desk.Sources.Serving(sources.OfPurchaseOrders, ""),
	}
	var own []string
	d.about = func(tx *store.Tx) (_ []string, err error) {
		if own == nil {
			own, err = ledger.OwnPurchaseOrders(ctx, tx, scope, []string{r.PurchaseOrderID})
		}
		return own, err
	}
	d.write = func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.SupplierError, err error) {
		now, err := records.LockPurchaseOrder(ctx, tx, scope, r.PurchaseOrderID)
		if err != nil {
			return spent, nil, err
		}
		if now == nil {
			return spent, []trade.SupplierError{process.Invalid(trade.CodeNotFound, "There is no such purchase order.", "purchaseOrder")}, nil
		}
		own = []string{now.ID}
		if errs, err := p.refused(ctx, tx, scope, now, r); err != nil || errs != nil {
			return spent, errs, err
		}
		answered := answering{now: now, request: r, by: by, key: key, print: print, id: durable.NewID("rsp_")}
		if errs, err = p.take(ctx, tx, &answered); err != nil || errs != nil {
			return spent, errs, err
		}
		if now.Answered == 0 && answered.operation != "" {
			first = now
		}
		return ledger.SpentKey{OperationID: answered.operation, Subject: answered.id}, nil, nil
	}
	done, err := p.sent(ctx, scope, by, key, d, wait)
	if err == nil && first != nil && done.OperationID != "" && !done.Replayed {
		answeredAfter.WithLabelValues(first.SupplierCode).Observe(p.desk.Now().Sub(first.IssuedAt).Seconds())
	}
	return done, err
}

// refused says why an answer is not taken.
func (p *Flows) refused(ctx context.Context, tx *store.Tx, scope trade.Scope, now *records.PurchaseOrderNow,
	r *trade.ResponseRequest,
) ([]trade.SupplierError, error) {
	existing, err := ledger.ResponseByNumber(ctx, tx, now.SupplierRef.ID, r.ResponseNumber)
	if err != nil {
		return nil, err
	}
	if existing != "" {
		return []trade.SupplierError{duplicate(existing)}, nil
	}
	action := trade.ActPropose
	if r.Kind == trade.ResponseAccepted {
		action = trade.ActAcknowledge
	}
	if refusal := p.forbidden(scope, action, now); refusal != nil {
		return []trade.SupplierError{refusal}, nil
	}
	if r.Revision != now.Revision {
		return []trade.SupplierError{&trade.VersionConflict{
			Refusal: trade.Refusal{
				Code:    trade.CodeVersionConflict,
				Message: "The purchase order was revised: read it again and answer that.", Path: []string{"input", "expectedRevision"},
			},
			CurrentVersion: strconv.Itoa(now.Revision), ChangedFields: []string{"revision"},
		}}, nil
	}
	return procurement.CheckResponse(r, &now.PurchaseOrder, trade.DateOf(p.desk.Now())), nil
}

func duplicate(existing string) *trade.DuplicateDocument {
	return &trade.DuplicateDocument{Refusal: trade.Refusal{
		Code:    trade.CodeDuplicate,
		Message: "An answer with this number was received before.", Path: []string{"input", "responseNumber"},
	}, Existing: existing}
}

// forbidden says why something is not allowed on a purchase order as it is; nil where it is.
func (p *Flows) forbidden(scope trade.Scope, action trade.PurchaseOrderAction, now *records.PurchaseOrderNow) *trade.StateNotAllowed {
	may := trade.AllowedOnPurchase(scope.ToAct(false), now.Status)
	no := &trade.StateNotAllowed{
		Refusal: trade.Refusal{
			Code:    trade.CodeState,
			Message: "The purchase order is in a state in which this is not possible.", Path: []string{"input", "purchaseOrder"},
		},
		State: string(now.Status), Allowed: []string{},
	}
	for _, a := range may {
		no.Allowed = append(no.Allowed, string(a))
	}
	if !slices.Contains(may, action) {
		return no
	}
	if p.desk.Sources.Serving(sources.OfPurchaseOrders, "") != now.Instance {
		no.Message, no.Allowed = "The purchase order is kept by a system that is not written to any more.", []string{}
		return no
	}
	return nil
}

// answering is an answer about to be taken.
type answering struct {
	now             *records.PurchaseOrderNow
	request         *trade.ResponseRequest
	by              process.Submitter
	key, print, id  string
	operation       string // that applies it; empty where nothing is to be
	answers         []procurement.LineAnswer
	deviations      []trade.Deviation
	beyond, differs bool
}

// take keeps an answer that was checked, and what comes of it.
func (p *Flows) take(ctx context.Context, tx *store.Tx, a *answering) ([]trade.SupplierError, error) {
	r, now := a.request, a.now
	kept := &trade.PurchaseOrderResponse{
		ID: a.id, PurchaseOrderID: now.ID, SupplierID: now.SupplierRef.ID, ResponseNumber: r.ResponseNumber,
		SupplierOrderNumber: r.SupplierOrderNumber, Kind: r.Kind, Revision: now.Revision,
	}
	if r.Kind == trade.ResponseReceived || r.Kind == trade.ResponseInProcess {
		return p.noted(ctx, tx, a, kept)
	}
	a.answers = procurement.Answers(r, &now.PurchaseOrder)
	a.deviations = procurement.Deviations(a.answers, &now.Tolerance)
	for i := range a.deviations {
		a.deviations[i].ID = durable.NewID("dev_")
		a.beyond = a.beyond || !a.deviations[i].WithinTolerance
	}
	a.differs = len(a.deviations) > 0
	if a.beyond && now.Tolerance.OutOfTolerance == trade.RefuseBeyond {
		return exceeded(a), nil
	}
	if err := p.review(ctx, tx, a); err != nil {
		return nil, err
	}
	if err := p.supersede(ctx, tx, now, "The supplier answered anew."); err != nil {
		return nil, err
	}
	hold := a.beyond && now.Tolerance.OutOfTolerance == trade.HoldBeyond
	if a.beyond && !hold {
		for i := range a.deviations {
			a.deviations[i].State = trade.DeviationAutoAccepted
		}
	}
	n := p.operationOf(a)
	kept.OperationID, a.operation = n.ID, n.ID
	if err := ledger.KeepResponse(ctx, tx, kept, r.Lines, a.deviations); err != nil {
		return p.twin(ctx, tx, a, err)
	}
	if err := operatingstore.RaiseAlerts(ctx, tx, alertsFor(a)); err != nil {
		return nil, err
	}
	work := workOf(a, n.ID)
	answer := work.Answer
	if hold {
		answer = trade.POPendingReview
		n.Awaiting = &trade.AwaitedDecision{
			By: trade.ForOperator, Message: "The supplier answered beyond the tolerance: a planner decides.",
			Since: p.desk.Now().UTC(), ResponseID: a.id,
		}
	}
	if err := ledger.SetAnswer(ctx, tx, now.ID, answer, now.Revision); err != nil {
		return nil, err
	}
	return nil, process.Begin(ctx, p.desk, tx, p.respond(), n, *work, work.Ref)
}

// noted keeps an answer that says only that the order has come.
func (p *Flows) noted(ctx context.Context, tx *store.Tx, a *answering, kept *trade.PurchaseOrderResponse) ([]trade.SupplierError, error) {
	if err := ledger.KeepResponse(ctx, tx, kept, nil, nil); err != nil {
		return p.twin(ctx, tx, a, err)
	}
	if slices.Contains([]trade.PurchaseOrderStatus{trade.POIssued, trade.POSent}, a.now.Status) {
		if err := ledger.SetAnswer(ctx, tx, a.now.ID, trade.POReceivedBySupplier, a.now.Revision); err != nil {
			return nil, err
		}
	}
	return nil, ledger.Audit(ctx, tx, operating.AuditRecord{
		Actor: a.by.Principal, Action: "purchase-order.receive", Subject: a.now.ID, CorrelationID: a.by.CorrelationID,
		Before: map[string]any{"status": a.now.Status}, After: map[string]any{"response": a.id, "kind": kept.Kind},
	})
}

// twin tells an answer whose number came twice at once as the duplicate that it is.
func (p *Flows) twin(ctx context.Context, tx *store.Tx, a *answering, err error) ([]trade.SupplierError, error) {
	if !errors.Is(err, ledger.ErrSpent) {
		return nil, err
	}
	existing, err := ledger.ResponseByNumber(ctx, tx, a.now.SupplierRef.ID, a.request.ResponseNumber)
	return []trade.SupplierError{duplicate(existing)}, err
}

// exceeded refuses what is beyond a tolerance whose profile refuses it.
func exceeded(a *answering) (errs []trade.SupplierError) {
	for i := range a.deviations {
		d := &a.deviations[i]
		if d.WithinTolerance {
			continue
		}
		path := []string{"input", "kind"}
		if at := slices.IndexFunc(a.request.Lines, func(l trade.LineAcknowledgment) bool { return l.LineID == d.LineID }); at >= 0 {
			path = []string{"input", "lines", strconv.Itoa(at)}
		}
		errs = append(errs, &trade.ToleranceExceeded{
			// no price in a text
			Refusal: trade.Refusal{
				Code: trade.CodeTolerance, Message: fmt.Sprintf("%s differs from the order beyond what is agreed.", d.Field),
				Path: path,
			},
			Deviation: d,
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
func (p *Flows) operationOf(a *answering) ledger.NewOperation {
	return ledger.NewOperation{
		Lane: a.now.ID, Fingerprint: a.print,
		After: map[string]any{"response": a.id, "kind": a.request.Kind, "deviations": len(a.deviations), "input": a.print},
		Operation: trade.Operation{
			ID: durable.NewID("opr_"), CorrelationID: a.by.CorrelationID, Key: a.key, Principal: a.by.Principal, Subject: &a.now.ID,
			SupplierID: a.now.SupplierRef.ID, Source: a.now.Instance,
		},
	}
}

func workOf(a *answering, operation string) *respondWork {
	w := &respondWork{
		Number: a.now.Number, Revision: a.now.Revision, SupplierOrder: a.request.SupplierOrderNumber, Ref: "PORTICO-" + operation[len("opr_"):],
		Answer: trade.POAcknowledged,
	}
	coming := false
	for _, x := range a.answers {
		coming = coming || x.Coming().IsPos()
		w.Lines = append(w.Lines, respondLine{x.Line.ID, procurement.Confirmed(x)})
	}
	switch {
	case !coming:
		w.Answer = trade.PORejected
	case a.differs:
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
					_, err := p.desk.HandOver(ctx, r.Source, w.Ref, r.Attempt, r.Crashed, func() (sources.Receipt, error) {
						return p.desk.Sources.ConfirmPurchase(ctx, r.Source, w.Ref, c)
					})
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the purchase order as the ERP has it.",
				Do: func(ctx context.Context, r *durable.Run[respondWork]) error {
					return process.Reread(ctx, p.desk, r, (*sources.Set).PurchaseOrders, replication.SavePurchaseOrders, r.Work.Number)
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
