package orders

import (
	"context"
	"slices"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/ordering"
)

// Decision is what somebody decided about an order, with the version that was seen.
type Decision struct {
	OrderID string  `json:"OrderID"`
	Version string  `json:"Version"`
	Comment *string `json:"Comment"`
}

// comment is what was said with a decision.
func (d Decision) comment() string {
	if d.Comment == nil {
		return ""
	}
	return *d.Comment
}

// Approve lets an order go on that waited for somebody of the buyer's organisation.
func (o *Flows) Approve(ctx context.Context, scope trade.Scope, by process.Submitter, key string, d Decision,
	wait time.Duration,
) (*process.Acted, error) {
	if errs := process.CheckText(d.Comment, "comment"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	done, err := o.act(ctx, scope, by, "approveOrder", key, d, acting{trade.ActApprove, d.OrderID, d.Version},
		func(tx *store.Tx, now *records.OrderNow, _ string) (string, []trade.UserError, error) {
			if err := ledger.DecideApproval(ctx, tx, now.ID, ordering.ApprovalGiven, by.Principal, d.Comment); err != nil {
				return "", nil, err
			}
			if err := records.SetOrderStatus(ctx, tx, now.ID, trade.OrderQueued); err != nil {
				return "", nil, err
			}
			if err := o.audit(ctx, tx, by, now, "order.approve", map[string]any{"status": trade.OrderQueued}); err != nil {
				return "", nil, err
			}
			return now.Asked, nil, durable.Answer(ctx, o.desk.Engine, tx, now.Asked, func(*submitWork) {})
		})
	return process.Await(ctx, o.desk, o.wakeable(), done, err, wait)
}

// Reject ends an order that waited for somebody of the buyer's organisation.
func (o *Flows) Reject(ctx context.Context, scope trade.Scope, by process.Submitter, key string,
	d Decision,
) (*process.Acted, error) {
	if errs := process.RequireText(d.comment(), process.SayWhy, "comment"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	done, err := o.act(ctx, scope, by, "rejectOrder", key, d, acting{trade.ActReject, d.OrderID, d.Version},
		func(tx *store.Tx, now *records.OrderNow, _ string) (string, []trade.UserError, error) {
			if err := ledger.DecideApproval(ctx, tx, now.ID, ordering.ApprovalRejected, by.Principal, d.Comment); err != nil {
				return "", nil, err
			}
			if err := records.SetOrderStatus(ctx, tx, now.ID, trade.OrderRejected); err != nil {
				return "", nil, err
			}
			if err := o.audit(ctx, tx, by, now, "order.reject", map[string]any{"status": trade.OrderRejected}); err != nil {
				return "", nil, err
			}
			return now.Asked, nil, o.desk.Engine.Drop(ctx, tx, now.Asked,
				trade.OperationFailure{
					Responsible: trade.CallerAtFault, Code: "REJECTED", Message: "An approver of the account rejected the order.",
					Retryable: true,
				})
		})
	return process.Await(ctx, o.desk, o.wakeable(), done, err, 0)
}

// Accept lets an order, or a change of one, go on at what was found different.
func (o *Flows) Accept(ctx context.Context, scope trade.Scope, by process.Submitter, key string, d Decision,
	wait time.Duration,
) (*process.Acted, error) {
	done, err := o.act(ctx, scope, by, "acceptOrderChanges", key, d, acting{trade.ActAcceptChanges, d.OrderID, d.Version},
		func(tx *store.Tx, now *records.OrderNow, _ string) (string, []trade.UserError, error) {
			if err := o.audit(ctx, tx, by, now, "order.accept", nil); err != nil {
				return "", nil, err
			}
			if now.AskedKind == trade.AmendOrder {
				return now.Asked, nil, durable.Answer(ctx, o.desk.Engine, tx, now.Asked, (*amendWork).accept)
			}
			var accepted submitWork
			if err := durable.Answer(ctx, o.desk.Engine, tx, now.Asked, func(w *submitWork) { w.accept(); accepted = *w }); err != nil {
				return "", nil, err
			}
			if err := o.reprice(ctx, tx, scope, now, &accepted); err != nil {
				return "", nil, err
			}
			return now.Asked, nil, records.SetOrderStatus(ctx, tx, now.ID, trade.OrderQueued)
		})
	return process.Await(ctx, o.desk, o.wakeable(), done, err, wait)
}

// accept takes the prices over that the buyer was asked about.
func (w *submitWork) accept() {
	for i, p := range w.Offered {
		w.Draft.Lines[i].UnitPrice = p
	}
	w.Offered = nil
}

// reprice shows an order at the prices that its buyer has accepted.
func (o *Flows) reprice(ctx context.Context, tx *store.Tx, scope trade.Scope, now *records.OrderNow, w *submitWork) error {
	var skus, ids []string
	for _, l := range w.Draft.Lines {
		skus = append(skus, l.SKU)
	}
	items, err := records.ItemsBySKU(ctx, o.desk.Store, scope, process.Distinct(skus))
	if err != nil {
		return err
	}
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	units, err := records.Units(ctx, o.desk.Store, scope, ids)
	if err != nil {
		return err
	}
	total := trade.Money{Currency: w.Total.Currency}
	lines := make([]trade.OrderLine, len(w.Draft.Lines))
	for i, l := range w.Draft.Lines {
		var of []*trade.ItemUnit
		if item := items[l.SKU]; item != nil {
			of = units[item.ID]
		}
		amount, _ := trade.LineAmount(&trade.Price{UnitPrice: l.UnitPrice}, of, l.Quantity)
		total.Amount = total.Amount.Add(amount.Amount)
		lines[i] = trade.OrderLine{LineNumber: l.LineNumber, UnitPrice: &w.Draft.Lines[i].UnitPrice, Amount: &amount}
	}
	return records.SetOrderPrices(ctx, tx, now.ID, lines, total)
}
