package purchasing

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/operating"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/procurement"
)

// despatchWork is what the steps of a ship notice, or of its withdrawal, work on.
type despatchWork struct {
	Despatch trade.DespatchDraft `json:"Announcement"`
	Orders   []string            `json:"Orders"` // numbers of the purchase orders
	Shipment string              `json:"Shipment"`
	Ref      string              `json:"Ref"`
}

// despatchAdvice is a supplier's ship notice, of one or many purchase orders to one place: what it says, and the purchase
// orders that it covers.
type despatchAdvice struct {
	flows   *Flows
	request *trade.DespatchRequest
	id      string
	now     []*records.PurchaseOrderNow         // locked, in the order of their ids
	lines   map[string]*trade.PurchaseOrderLine // theirs, by id
	numbers map[string]string                   // of the purchase order of each line
}

// DespatchAdvice is a ship notice as a document to [Flows.Receive].
func (p *Flows) DespatchAdvice(r *trade.DespatchRequest) Document {
	return &despatchAdvice{
		flows: p, request: r, id: durable.NewID("dsp_"), lines: map[string]*trade.PurchaseOrderLine{}, numbers: map[string]string{},
	}
}

func (d *despatchAdvice) header() header {
	return header{
		kind: procurement.DespatchDocument, write: "submitDespatchAdvice", input: d.request,
		source: d.flows.desk.Sources.Serving(sources.OfPurchaseOrders, ""),
	}
}

func (d *despatchAdvice) purchaseOrders(ctx context.Context, tx *store.Tx, scope trade.Scope) ([]string, error) {
	lines := make([]string, len(d.request.Lines))
	for i, l := range d.request.Lines {
		lines[i] = l.LineID
	}
	return ledger.OrdersOfLines(ctx, tx, scope, process.Distinct(lines))
}

func (d *despatchAdvice) take(ctx context.Context, tx *store.Tx, from Origin, print string) (spent ledger.SpentKey, _ []trade.UserError,
	_ error,
) {
	r := d.request
	if errs := procurement.CheckDespatchShape(r, d.flows.desk.Now()); errs != nil {
		return spent, errs, nil
	}
	if errs, err := d.lock(ctx, tx, from.Scope); err != nil || errs != nil {
		return spent, errs, err
	}
	first := d.now[0]
	if errs := procurement.CheckDespatch(r, d.lines, first.Tolerance.OverQuantityPercent); errs != nil {
		return spent, errs, nil
	}
	if errs, err := refuseKnownUnits(ctx, tx, r); err != nil || errs != nil {
		return spent, errs, err
	}
	operation := ledger.NewOperation{
		Lane: first.ID, Fingerprint: print, After: map[string]any{"lines": len(r.Lines), "purchaseOrders": len(d.now), "input": print},
		Operation: trade.Operation{
			ID: durable.NewID("opr_"), CorrelationID: from.By.CorrelationID, Key: from.Key, Principal: from.By.Principal,
			Subject: &d.id, SupplierID: first.SupplierRef.ID, Source: first.Instance,
		},
	}
	if err := ledger.KeepDespatch(ctx, tx, d.id, operation.ID, first.SupplierRef.ID, first.WarehouseRef.ID, r); err != nil {
		if !errors.Is(err, ledger.ErrSpent) {
			return spent, nil, err
		}
		existing, err := ledger.DespatchByNumber(ctx, tx, first.SupplierRef.ID, r.Number)
		return spent, oneError(knownNotice(existing)), err
	}
	work, err := d.work(ctx, operation.ID)
	if err != nil {
		return spent, nil, err
	}
	return ledger.SpentKey{OperationID: operation.ID, Subject: d.id}, nil,
		process.Begin(ctx, d.flows.desk, tx, d.flows.despatch(), operation, *work, work.Ref)
}

// refuseKnownUnits refuses units whose SSCC another notice has: GS1 General Specifications let none be used again within a year.
func refuseKnownUnits(ctx context.Context, tx *store.Tx, r *trade.DespatchRequest) ([]trade.UserError, error) {
	if len(r.Units) == 0 {
		return nil, nil
	}
	numbers := make([]string, len(r.Units))
	for i, u := range r.Units {
		numbers[i] = u.SSCC
	}
	known, err := ledger.UnitsInUse(ctx, tx, numbers)
	if err != nil {
		return nil, err
	}
	var errs []trade.UserError
	for i, sscc := range numbers {
		if slices.Contains(known, sscc) {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput,
				"Another notice has a unit with this SSCC: an SSCC is not used again within a year.", "handlingUnits", strconv.Itoa(i), "sscc"))
		}
	}
	return errs, nil
}

func (*despatchAdvice) recordAcceptance(time.Time) {}

// work is what the steps of an operation work on.
func (d *despatchAdvice) work(ctx context.Context, operation string) (*despatchWork, error) {
	first := d.now[0]
	warehouses, err := records.Warehouses(ctx, d.flows.desk.Store, trade.OperatorScope(nil), []string{first.WarehouseRef.ID})
	if err != nil {
		return nil, err
	}
	code := ""
	if w := warehouses[first.WarehouseRef.ID]; w != nil {
		code = w.Code
	}
	work := &despatchWork{
		Despatch: trade.NewDespatchDraft(d.request, first.SupplierCode, code, warehouses[first.WarehouseRef.ID].Zone(), d.lines, d.numbers),
		Ref:      "PORTICO-" + operation[len("opr_"):],
	}
	for _, o := range d.now {
		work.Orders = append(work.Orders, o.Number)
	}
	return work, nil
}

func knownNotice(existing string) *trade.DuplicateDocument {
	return &trade.DuplicateDocument{Refusal: trade.Refusal{
		Code:    trade.CodeDuplicate,
		Message: "A notice with this number was received before.", Path: []string{"input", "number"},
	}, Existing: existing}
}

// lock locks the purchase orders of the notice, and says why it is not taked.
func (d *despatchAdvice) lock(ctx context.Context, tx *store.Tx, scope trade.Scope) ([]trade.UserError, error) {
	ids, err := d.purchaseOrders(ctx, tx, scope)
	if err != nil {
		return nil, err
	}
	for _, id := range ids { // in order, so that nobody waits in a circle
		now, err := records.LockPurchaseOrder(ctx, tx, scope, id)
		if err != nil || now == nil {
			return nil, errors.Join(err, errors.New("a purchase order went away"))
		}
		d.now = append(d.now, now)
		for i := range now.LinesKnown {
			d.lines[now.LinesKnown[i].ID], d.numbers[now.LinesKnown[i].ID] = &now.LinesKnown[i], now.Number
		}
	}
	if len(d.now) == 0 {
		return []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such line of a purchase order.", "lines", "0",
			"purchaseOrderLine")}, nil
	}
	existing, err := ledger.DespatchByNumber(ctx, tx, d.now[0].SupplierRef.ID, d.request.Number)
	if err != nil {
		return nil, err
	}
	if existing != "" {
		return oneError(knownNotice(existing)), nil
	}
	for _, now := range d.now {
		if refusal := d.flows.forbidden(scope, trade.ActShip, now); refusal != nil {
			refusal.Message = "Purchase order " + now.Number + ": " + refusal.Message
			refusal.Path = []string{"input", "lines"}
			return oneError(refusal), nil
		}
		if now.WarehouseRef.ID == "" || now.WarehouseRef.ID != d.now[0].WarehouseRef.ID || now.SupplierRef.ID != d.now[0].SupplierRef.ID {
			return []trade.UserError{process.Invalid(trade.CodeInvalidInput,
				"The purchase orders go to different places: send a notice for each.", "lines")}, nil
		}
	}
	return nil, nil
}

// despatch is the flow of a ship notice to the ERP.
func (p *Flows) despatch() durable.Flow[despatchWork] {
	return durable.Flow[despatchWork]{
		Kind: trade.SubmitDespatch, Action: "despatch-advice.submit",
		Steps: []durable.Step[despatchWork]{
			{
				Name: "announce", System: &process.ERP,
				What:   "Sends the despatch advice to the ERP under its reference, which creates a shipment to receive.",
				Settle: func(w *despatchWork, ref string) { w.Shipment = ref },
				Do: func(ctx context.Context, r *durable.Run[despatchWork]) error {
					receipt, err := p.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempted, func() (sources.Receipt, error) {
						return p.desk.Sources.SubmitDespatch(ctx, r.Source, r.Work.Ref, r.Work.Despatch)
					})
					r.Work.Shipment = receipt.Number
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the purchase orders from the ERP; the shipment comes with the warehouse's changes.",
				Do: func(ctx context.Context, r *durable.Run[despatchWork]) error {
					return p.rederiveOrders(ctx, r, trade.DespatchAccepted)
				},
			},
		},
		Refused: func(ctx context.Context, tx *store.Tx, r *durable.Run[despatchWork], _ trade.OperationFailure) error {
			return ledger.SetDespatch(ctx, tx, r.Subject, trade.DespatchRejected, "")
		},
	}
}

// rederiveOrders reads the purchase orders of a notice as their source has them now, to be
// saved with the step and with where the notice then stands.
func (p *Flows) rederiveOrders(ctx context.Context, r *durable.Run[despatchWork], status trade.DespatchStatus) error {
	if err := process.Reread(ctx, p.desk, r, sources.PurchaseOrderRecords, replication.SavePurchaseOrders, r.Work.Orders...); err != nil {
		return err
	}
	shipment := r.Work.Shipment
	r.Save(func(tx *store.Tx) error {
		if err := ledger.SetDespatch(ctx, tx, r.Subject, status, shipment); err != nil || shipment == "" {
			return err
		}
		return operating.WakeDeliveries(ctx, tx, []string{shipment}) // which the references of the notice name now
	})
	return nil
}
