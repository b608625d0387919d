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
	"portico/trade"
	"portico/trade/ordering"
)

// Amendment is a change of an order as a buyer asks for it. Nothing in it is trusted.
type Amendment struct {
	OrderID               string                      `json:"OrderID"`
	Version               string                      `json:"Version"`
	RequestedDeliveryDate *trade.Date                 `json:"RequestedDeliveryDate"`
	Add                   []ordering.OrderRequestLine `json:"Add"`
	Change                []LineChange                `json:"Change"`
	Cancel                []string                    `json:"Cancel"` // line ids
}

// LineChange is a change of a line; what is nil stays.
type LineChange struct {
	LineID                string          `json:"LineID"`
	Quantity              *trade.Quantity `json:"Quantity"`
	RequestedDeliveryDate *trade.Date     `json:"RequestedDeliveryDate"`
}

// mostChanges is how many lines one amendment touches.
const mostChanges = 1000

// Amend changes an order, all or nothing. Where the price of a line is another one for
// its new quantity, the change waits until the buyer has accepted that.
func (o *Flows) Amend(ctx context.Context, scope trade.Scope, by process.Submitter, key string, a *Amendment,
	wait time.Duration,
) (*process.Acted, error) {
	if errs := checkAmendment(a); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	prepared, errs, err := o.prepareAmendment(ctx, scope, a)
	if err != nil {
		return nil, err
	}
	done, err := o.act(ctx, scope, by, "amendOrder", key, a, acting{trade.ActAmend, a.OrderID, a.Version},
		func(tx *store.Tx, now *records.OrderNow, print string) (string, []trade.UserError, error) {
			if errs != nil { // also of an order that was not there when it was prepared, and is by now
				return "", errs, nil
			}
			n := o.operationOn(now, by, key, print, prepared.lane)
			n.Awaiting = prepared.awaiting
			n.After = map[string]any{"added": len(a.Add), "changed": len(a.Change), "cancelled": len(a.Cancel), "input": print}
			work := prepared.work
			work.Ref = "PORTICO-" + n.ID[len("opr_"):]
			return n.ID, nil, process.Begin(ctx, o.desk, tx, o.amendOrder(), n, *work, work.Ref)
		})
	return process.Await(ctx, o.desk, o.wakeable(), done, err, wait)
}

// operationOn is a new operation on an order that is locked, in its lane.
func (o *Flows) operationOn(now *records.OrderNow, by process.Submitter, key, print, lane string) ledger.NewOperation {
	return ledger.NewOperation{
		Lane: lane, Fingerprint: print,
		Operation: trade.Operation{
			ID: durable.NewID("opr_"), CorrelationID: by.CorrelationID, Key: key, Principal: by.Principal, Subject: &now.ID,
			AccountID: now.AccountID,
			Source:    o.desk.Sources.Serving(sources.OfOrders, now.AccountNumber),
		},
	}
}
