package orders

import (
	"context"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/operating"
)

// Cancellation is an order to cancel, with the version that was seen.
type Cancellation struct {
	OrderID string `json:"OrderID"`
	Version string `json:"Version"`
	Reason  string `json:"Reason"`
}

// cancelWork is what the steps of a cancellation work on.
type cancelWork struct {
	Number string `json:"Number"`
	Reason string `json:"Reason"`
	Ref    string `json:"Ref"`
}

// Cancel cancels what of an order has not left the warehouse. An order that waits for a
// decision never reaches the ERP.
func (o *Flows) Cancel(ctx context.Context, scope trade.Scope, by process.Submitter, key string, c Cancellation,
	wait time.Duration,
) (*process.Acted, error) {
	if errs := process.RequireText(c.Reason, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	done, err := o.act(ctx, scope, by, "cancelOrder", key, c, acting{trade.ActCancel, c.OrderID, c.Version},
		func(tx *store.Tx, now *records.OrderNow, print string) (string, []trade.UserError, error) {
			if now.Asked != "" {
				if err := o.desk.Engine.Drop(ctx, tx, now.Asked,
					trade.OperationFailure{
						Responsible: trade.CallerAtFault, Code: "CANCELLED", Message: "The buyer cancelled the order.",
						Retryable: true,
					}); err != nil {
					return "", nil, err
				}
			}
			if now.Asked != "" && now.AskedKind == trade.SubmitOrder {
				if err := records.SetOrderStatus(ctx, tx, now.ID, trade.OrderCancelled); err != nil {
					return "", nil, err
				}
				return now.Asked, nil, o.audit(ctx, tx, by, now, "order.cancel", map[string]any{"status": trade.OrderCancelled})
			}
			n := o.operationOn(now, by, key, print, now.AccountID)
			n.After = map[string]any{"input": print}
			ref := "PORTICO-" + n.ID[len("opr_"):]
			return n.ID, nil, process.Begin(ctx, o.desk, tx, o.cancelOrder(), n, cancelWork{Reason: c.Reason, Ref: ref}, ref)
		})
	return process.Await(ctx, o.desk, o.wakeable(), done, err, wait)
}

func (o *Flows) audit(ctx context.Context, tx *store.Tx, by process.Submitter, now *records.OrderNow, action string,
	after map[string]any,
) error {
	return ledger.Audit(ctx, tx, operating.AuditRecord{
		Actor: by.Principal, Action: action, Subject: now.ID, CorrelationID: by.CorrelationID,
		Before: map[string]any{"status": now.Status, "version": now.Version}, After: after,
	})
}

// cancelOrder is the flow of a cancellation to its order's ERP.
func (o *Flows) cancelOrder() durable.Flow[cancelWork] {
	return durable.Flow[cancelWork]{
		Kind: trade.CancelOrder, Action: "order.cancel",
		Steps: []durable.Step[cancelWork]{
			{
				Name: "cancel", System: &process.ERP, What: "Cancels in the ERP what has not left the warehouse, under its reference.",
				Do: func(ctx context.Context, r *durable.Run[cancelWork]) (err error) {
					if r.Work.Number, err = o.numbered(ctx, r.Subject); err != nil {
						return err
					}
					_, err = o.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempted, func() (sources.Receipt, error) {
						return o.desk.Sources.CancelOrder(ctx, r.Source, r.Work.Ref, r.Work.Number, r.Work.Reason)
					})
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the order as the ERP has it.",
				Do: func(ctx context.Context, r *durable.Run[cancelWork]) error {
					return process.Reread(ctx, o.desk, r, sources.OrderRecords, replication.SaveOrders, r.Work.Number)
				},
			},
		},
	}
}
