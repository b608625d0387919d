package purchasing

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/procurement"
)

// announceWork is what the steps of a ship notice, or of its withdrawal, work on.
type announceWork struct {
	Announcement trade.Announcement `json:"Announcement"`
	Orders       []string           `json:"Orders"` // numbers of the purchase orders
	Shipment     string             `json:"Shipment"`
	Ref          string             `json:"Ref"`
}

// Announce takes a supplier's ship notice, of one or many purchase orders to one place.
func (p *Flows) Announce(ctx context.Context, scope trade.Scope, by process.Submitter, key string, r *trade.DespatchRequest,
	wait time.Duration,
) (*process.Acted[trade.SupplierError], error) {
	d := document{
		kind: procurement.DespatchDocument, mutation: "submitDespatchAdvice", input: r,
		source: p.desk.Sources.Serving(sources.OfPurchaseOrders, ""),
	}
	d.about = func(tx *store.Tx) ([]string, error) {
		var lines []string
		for _, l := range r.Lines {
			lines = append(lines, l.LineID)
		}
		return ledger.OrdersOfLines(ctx, tx, scope, process.Distinct(lines))
	}
	d.write = func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.SupplierError, err error) {
		if errs := procurement.CheckDespatchShape(r, p.desk.Now()); errs != nil {
			return spent, errs, nil
		}
		n := &noticing{request: r, id: durable.NewID("dsp_"), lines: map[string]*trade.PurchaseOrderLine{}, orders: map[string]string{}}
		if errs, err := p.locked(ctx, tx, scope, n); err != nil || errs != nil {
			return spent, errs, err
		}
		over := n.now[0].Tolerance.OverQuantityPercent
		if errs := procurement.CheckDespatch(r, n.lines, over); errs != nil {
			return spent, errs, nil
		}
		first := n.now[0]
		operation := ledger.NewOperation{
			Lane: first.ID, Fingerprint: print, After: map[string]any{"lines": len(r.Lines), "purchaseOrders": len(n.now), "input": print},
			Operation: trade.Operation{
				ID: durable.NewID("opr_"), CorrelationID: by.CorrelationID, Key: key, Principal: by.Principal,
				Subject: &n.id, SupplierID: first.SupplierRef.ID, Source: first.Instance,
			},
		}
		if err := ledger.KeepDespatch(ctx, tx, n.id, operation.ID, first.SupplierRef.ID, first.WarehouseRef.ID, r); err != nil {
			if !errors.Is(err, ledger.ErrSpent) {
				return spent, nil, err
			}
			existing, err := ledger.DespatchByNumber(ctx, tx, first.SupplierRef.ID, r.Number)
			return spent, []trade.SupplierError{knownNotice(existing)}, err
		}
		warehouses, err := records.Warehouses(ctx, p.desk.Store, trade.OperatorScope(nil), []string{first.WarehouseRef.ID})
		if err != nil {
			return spent, nil, err
		}
		code := ""
		if w := warehouses[first.WarehouseRef.ID]; w != nil {
			code = w.Code
		}
		work := announceWork{
			Announcement: trade.Announced(r, first.SupplierCode, code, n.lines, n.orders),
			Ref:          "PORTICO-" + operation.ID[len("opr_"):],
		}
		for _, o := range n.now {
			work.Orders = append(work.Orders, o.Number)
		}
		return ledger.SpentKey{OperationID: operation.ID, Subject: n.id}, nil,
			process.Begin(ctx, p.desk, tx, p.announce(), operation, work, work.Ref)
	}
	return p.sent(ctx, scope, by, key, d, wait)
}

func knownNotice(existing string) *trade.DuplicateDocument {
	return &trade.DuplicateDocument{Refusal: trade.Refusal{
		Code:    trade.CodeDuplicate,
		Message: "A notice with this number was received before.", Path: []string{"input", "number"},
	}, Existing: existing}
}

// noticing is a ship notice about to be taken, with the purchase orders it covers, locked,
// their lines, and the number of the order of each line.
type noticing struct {
	request *trade.DespatchRequest
	id      string
	now     []*records.PurchaseOrderNow
	lines   map[string]*trade.PurchaseOrderLine
	orders  map[string]string
}

// locked locks the purchase orders of a notice, and says why it is not taken.
func (p *Flows) locked(ctx context.Context, tx *store.Tx, scope trade.Scope, n *noticing) ([]trade.SupplierError, error) {
	var asked []string
	for _, l := range n.request.Lines {
		asked = append(asked, l.LineID)
	}
	ids, err := ledger.OrdersOfLines(ctx, tx, scope, process.Distinct(asked))
	if err != nil {
		return nil, err
	}
	for _, id := range ids { // in order, so that nobody waits in a circle
		now, err := records.LockPurchaseOrder(ctx, tx, scope, id)
		if err != nil || now == nil {
			return nil, errors.Join(err, errors.New("a purchase order went away"))
		}
		n.now = append(n.now, now)
		for i := range now.LinesKnown {
			n.lines[now.LinesKnown[i].ID], n.orders[now.LinesKnown[i].ID] = &now.LinesKnown[i], now.Number
		}
	}
	if len(n.now) == 0 {
		return []trade.SupplierError{process.Invalid(trade.CodeNotFound, "There is no such line of a purchase order.", "lines", "0",
			"purchaseOrderLine")}, nil
	}
	existing, err := ledger.DespatchByNumber(ctx, tx, n.now[0].SupplierRef.ID, n.request.Number)
	if err != nil {
		return nil, err
	}
	if existing != "" {
		return []trade.SupplierError{knownNotice(existing)}, nil
	}
	for _, now := range n.now {
		if refusal := p.forbidden(scope, trade.ActShip, now); refusal != nil {
			refusal.Message = "Purchase order " + now.Number + ": " + refusal.Message
			refusal.Path = []string{"input", "lines"}
			return []trade.SupplierError{refusal}, nil
		}
		if now.WarehouseRef.ID == "" || now.WarehouseRef.ID != n.now[0].WarehouseRef.ID || now.SupplierRef.ID != n.now[0].SupplierRef.ID {
			return []trade.SupplierError{process.Invalid(trade.CodeInvalidInput,
				"The purchase orders go to different places: send a notice for each.", "lines")}, nil
		}
	}
	return nil, nil
}

// Withdrawal is a ship notice to withdraw.
type Withdrawal struct {
	DespatchID string `json:"DespatchID"`
	Reason     string `json:"Reason"`
}

// Withdraw withdraws a ship notice, of which nothing was received.
func (p *Flows) Withdraw(ctx context.Context, scope trade.Scope, by process.Submitter, key string, w Withdrawal,
	wait time.Duration,
) (*process.Acted[trade.SupplierError], error) {
	source := p.desk.Sources.Serving(sources.OfPurchaseOrders, "")
	d := document{kind: procurement.DespatchDocument, mutation: "cancelDespatchAdvice", input: w, source: source}
	d.about = func(tx *store.Tx) ([]string, error) {
		return ledger.OrdersOfDespatch(ctx, tx, scope, w.DespatchID)
	}
	d.write = func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.SupplierError, err error) {
		if errs := process.RequireText[trade.SupplierError](w.Reason, process.SayWhy, "reason"); errs != nil {
			return spent, errs, nil
		}
		now, err := ledger.LockDespatch(ctx, tx, scope, w.DespatchID)
		if err != nil {
			return spent, nil, err
		}
		if now == nil {
			return spent, []trade.SupplierError{process.Invalid(trade.CodeNotFound, "There is no such ship notice.", "despatchAdvice")}, nil
		}
		if !slices.Contains([]trade.DespatchStatus{trade.DespatchAccepted, trade.DespatchInTransit}, now.Status) {
			return spent, []trade.SupplierError{&trade.StateNotAllowed{
				Refusal: trade.Refusal{
					Code:    trade.CodeState,
					Message: "The ship notice is in a state in which this is not possible.", Path: []string{"input", "despatchAdvice"},
				},
				State: string(now.Status), Allowed: []string{},
			}}, nil
		}
		operation := ledger.NewOperation{
			Lane: now.ID, Fingerprint: print, After: map[string]any{"input": print},
			Operation: trade.Operation{
				ID: durable.NewID("opr_"), CorrelationID: by.CorrelationID, Key: key, Principal: by.Principal,
				Subject: &now.ID, SupplierID: now.SupplierID, Source: source,
			},
		}
		orders, err := ledger.NumbersOf(ctx, tx, now.ID)
		if err != nil {
			return spent, nil, err
		}
		work := announceWork{Orders: orders, Shipment: now.ShipmentNumber, Ref: "PORTICO-" + operation.ID[len("opr_"):]}
		return ledger.SpentKey{OperationID: operation.ID, Subject: now.ID}, nil,
			process.Begin(ctx, p.desk, tx, p.unannounce(), operation, work, work.Ref)
	}
	return p.sent(ctx, scope, by, key, d, wait)
}

// announce is the flow of a ship notice to the ERP.
func (p *Flows) announce() durable.Flow[announceWork] {
	return durable.Flow[announceWork]{
		Kind: trade.Announce, Action: "despatch-advice.submit",
		Steps: []durable.Step[announceWork]{
			{
				Name: "announce", System: &process.ERP,
				What:   "Hands the ship notice to the ERP under its reference, which makes a shipment to receive of it.",
				Settle: func(w *announceWork, ref string) { w.Shipment = ref },
				Do: func(ctx context.Context, r *durable.Run[announceWork]) error {
					receipt, err := p.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempt, r.Crashed, func() (sources.Receipt, error) {
						return p.desk.Sources.Announce(ctx, r.Source, r.Work.Ref, r.Work.Announcement)
					})
					r.Work.Shipment = receipt.Number
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the purchase orders as the ERP has them; the warehouse's news brings the shipment.",
				Do: func(ctx context.Context, r *durable.Run[announceWork]) error {
					return p.ordersAgain(ctx, r, trade.DespatchAccepted)
				},
			},
		},
		Refused: func(ctx context.Context, tx *store.Tx, r *durable.Run[announceWork], _ trade.OperationFailure) error {
			return ledger.SetDespatch(ctx, tx, r.Subject, trade.DespatchRejected, "")
		},
	}
}

// unannounce is the flow of the withdrawal of a ship notice to the ERP.
func (p *Flows) unannounce() durable.Flow[announceWork] {
	return durable.Flow[announceWork]{
		Kind: trade.Unannounce, Action: "despatch-advice.cancel",
		Steps: []durable.Step[announceWork]{
			{
				Name: "withdraw", System: &process.ERP, What: "Withdraws the shipment from the ERP, under its reference.",
				Do: func(ctx context.Context, r *durable.Run[announceWork]) error {
					_, err := p.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempt, r.Crashed, func() (sources.Receipt, error) {
						return p.desk.Sources.Unannounce(ctx, r.Source, r.Work.Ref, r.Work.Shipment)
					})
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the purchase orders as the ERP has them.",
				Do: func(ctx context.Context, r *durable.Run[announceWork]) error {
					return p.ordersAgain(ctx, r, trade.DespatchCancelled)
				},
			},
		},
	}
}

// ordersAgain reads the purchase orders of a notice as their source has them now, to be
// saved with the step and with where the notice then stands.
func (p *Flows) ordersAgain(ctx context.Context, r *durable.Run[announceWork], status trade.DespatchStatus) error {
	if err := process.Reread(ctx, p.desk, r, (*sources.Set).PurchaseOrders, replication.SavePurchaseOrders, r.Work.Orders...); err != nil {
		return err
	}
	shipment := r.Work.Shipment
	r.Save(func(tx *store.Tx) error {
		return ledger.SetDespatch(ctx, tx, r.Subject, status, shipment)
	})
	return nil
}
