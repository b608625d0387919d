package purchasing

import (
	"context"
	"slices"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/trade"
	"portico/trade/procurement"
)

// Withdrawal is a ship notice to withdraw.
type Withdrawal struct {
	DespatchID string `json:"DespatchID"`
	Reason     string `json:"Reason"`
}

// despatchWithdrawal withdraws a ship notice, of which nothing was received.
type despatchWithdrawal struct {
	flows   *Flows
	request Withdrawal
}

// DespatchWithdrawal is the withdrawal of a ship notice as a document to [Flows.Receive].
func (p *Flows) DespatchWithdrawal(w Withdrawal) Document {
	return &despatchWithdrawal{flows: p, request: w}
}

func (d *despatchWithdrawal) header() header {
	return header{
		kind: procurement.DespatchDocument, write: "cancelDespatchAdvice", input: d.request,
		source: d.flows.desk.Sources.Serving(sources.OfPurchaseOrders, ""),
	}
}

func (d *despatchWithdrawal) purchaseOrders(ctx context.Context, tx *store.Tx, scope trade.Scope) ([]string, error) {
	return ledger.OrdersOfDespatch(ctx, tx, scope, d.request.DespatchID)
}

func (d *despatchWithdrawal) take(ctx context.Context, tx *store.Tx, from Origin, print string) (spent ledger.SpentKey,
	_ []trade.UserError, _ error,
) {
	if errs := process.RequireText(d.request.Reason, process.SayWhy, "reason"); errs != nil {
		return spent, errs, nil
	}
	now, err := ledger.LockDespatch(ctx, tx, from.Scope, d.request.DespatchID)
	if err != nil {
		return spent, nil, err
	}
	if now == nil {
		return spent, oneError(process.Invalid(trade.CodeNotFound, "There is no such despatch advice.", "despatchAdvice")), nil
	}
	if !slices.Contains([]trade.DespatchStatus{trade.DespatchAccepted, trade.DespatchInTransit}, now.Status) {
		return spent, oneError(&trade.StateNotAllowed{
			Refusal: trade.Refusal{
				Code:    trade.CodeState,
				Message: "The despatch advice is in a state in which this is not possible.", Path: []string{"input", "despatchAdvice"},
			},
			State: string(now.Status), Allowed: []string{},
		}), nil
	}
	operation := ledger.NewOperation{
		Lane: now.ID, Fingerprint: print, After: map[string]any{"input": print},
		Operation: trade.Operation{
			ID: durable.NewID("opr_"), CorrelationID: from.By.CorrelationID, Key: from.Key, Principal: from.By.Principal,
			Subject: &now.ID, SupplierID: now.SupplierID, Source: d.header().source,
		},
	}
	orders, err := ledger.NumbersOf(ctx, tx, now.ID)
	if err != nil {
		return spent, nil, err
	}
	work := despatchWork{Orders: orders, Shipment: now.ShipmentNumber, Ref: "PORTICO-" + operation.ID[len("opr_"):]}
	return ledger.SpentKey{OperationID: operation.ID, Subject: now.ID}, nil,
		process.Begin(ctx, d.flows.desk, tx, d.flows.unannounce(), operation, work, work.Ref)
}

func (*despatchWithdrawal) recordAcceptance(time.Time) {}

// unannounce is the flow of the withdrawal of a ship notice to the ERP.
func (p *Flows) unannounce() durable.Flow[despatchWork] {
	return durable.Flow[despatchWork]{
		Kind: trade.Unannounce, Action: "despatch-advice.cancel",
		Steps: []durable.Step[despatchWork]{
			{
				Name: "withdraw", System: &process.ERP, What: "Withdraws the shipment from the ERP, under its reference.",
				Do: func(ctx context.Context, r *durable.Run[despatchWork]) error {
					_, err := p.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempted, func() (sources.Receipt, error) {
						return p.desk.Sources.Unannounce(ctx, r.Source, r.Work.Ref, r.Work.Shipment)
					})
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the purchase orders as the ERP has them.",
				Do: func(ctx context.Context, r *durable.Run[despatchWork]) error {
					return p.rederiveOrders(ctx, r, trade.DespatchCancelled)
				},
			},
		},
	}
}
