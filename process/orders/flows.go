// Package orders are the flows of customers: their orders are validated, submitted, amended,
// cancelled and approved, and goods are sent back.
package orders

import (
	"context"
	"slices"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
)

// Flows are the flows of customers' orders.
type Flows struct {
	desk   *process.Desk
	prices *sources.PriceCache
	// What submissions that come at the same time are checked against is read together, and
	// they are written in one transaction. Nobody waits for another's question to an ERP.
	checking *process.Gather[checked, *ordering.OrderFacts]
	placing  *process.Gather[*placing, struct{}]
}

// checked is an order to be checked, for who may see what is in scope.
type checked struct {
	scope   trade.Scope
	request *ordering.OrderRequest
}

// New makes the flows of customers' orders, and registers them with the engine
// that plays them. Without an engine orders can be validated alone.
func New(d *process.Desk, prices *sources.PriceCache) *Flows {
	o := &Flows{desk: d, prices: prices}
	o.checking = &process.Gather[checked,
		*ordering.OrderFacts]{Serve: func(ctx context.Context, all []checked) ([]*ordering.OrderFacts, error) {
		requests := make([]*ordering.OrderRequest, len(all))
		for i, c := range all {
			requests[i] = c.request
		}
		return o.recorded(ctx, all[0].scope, requests) // which all have, for only such are together
	}}
	o.placing = &process.Gather[*placing, struct{}]{Serve: func(ctx context.Context, all []*placing) ([]struct{}, error) {
		return make([]struct{}, len(all)), o.place(ctx, all)
	}}
	if d.Engine != nil {
		durable.Register(d.Engine, o.submitOrder())
		durable.Register(d.Engine, o.amendOrder())
		durable.Register(d.Engine, o.cancelOrder())
		durable.Register(d.Engine, o.requestReturn())
	}
	return o
}

// Tables are the flows for people.
func (o *Flows) Tables() []durable.Table {
	return []durable.Table{o.submitOrder().Table(), o.amendOrder().Table(), o.cancelOrder().Table(), o.requestReturn().Table()}
}

// acting is a write about one order of which a version was seen.
type acting struct {
	action  trade.OrderAction
	order   string
	version string
}

// act runs a write about an order under a key, if the rules allow it to this caller and
// the version that was seen is the current one.
func (o *Flows) act(ctx context.Context, scope trade.Scope, by process.Submitter, mutation, key string, input any, a acting,
	write func(tx *store.Tx, now *records.OrderNow, print string) (operation string, errs []trade.UserError, err error),
) (*process.Acted, error) {
	done, err := process.Once(ctx, o.desk.Store, by, mutation, key, input,
		func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			now, err := records.LockOrder(ctx, tx, scope, a.order)
			if err != nil {
				return spent, nil, err
			}
			if now == nil {
				return spent, []trade.UserError{noOrder()}, nil
			}
			if now.Version != a.version {
				changed, err := records.OrderChangesSince(ctx, tx, a.order, a.version)
				return spent, []trade.UserError{&trade.VersionConflict{
					Refusal: trade.Refusal{
						Code: trade.CodeVersionConflict, Message: "The order has changed since it was read: look at it again.",
						Path: []string{"input", "expectedVersion"},
					},
					CurrentVersion: now.Version, ChangedFields: changed,
				}}, err
			}
			if refusal := o.allowed(scope, by, a.action, now); refusal != nil {
				return spent, []trade.UserError{refusal}, nil
			}
			operation, errs, err := write(tx, now, print)
			if err != nil || len(errs) > 0 {
				return spent, errs, err
			}
			return ledger.SpentKey{OperationID: operation, Subject: a.order}, nil, records.TouchOrder(ctx, tx, a.order)
		})
	if err == nil && len(done.Errors) == 1 && trade.RefusalOf(done.Errors[0]).Message == notOwned { // which is listed
		err = o.desk.Store.InTx(ctx, func(tx *store.Tx) error {
			return ledger.Audit(ctx, tx,
				operating.AuditRecord{
					Actor: by.Principal, Action: "write.refused", Subject: a.order, CorrelationID: by.CorrelationID,
					After: map[string]any{"write": mutation, "reason": notOwned},
				})
		})
	}
	return done, err
}

// noOrder refuses a write about an order that is not there, or that the caller does not see.
func noOrder() *trade.InvalidInput {
	return process.Invalid(trade.CodeNotFound, "There is no such order.", "order")
}

// notOwned is why a write is refused whose record lies in another system than the one
// that owns such writes now.
const notOwned = "The order is kept by a system that orders are not written to any more."

// wakeable is the source whose queue is told of new work; the others look by themselves.
func (o *Flows) wakeable() string { return o.desk.Sources.Serving(sources.OfOrders, "") }

// allowed says why an action is not allowed on an order as it is; nil where it is.
func (o *Flows) allowed(scope trade.Scope, by process.Submitter, action trade.OrderAction, now *records.OrderNow) trade.UserError {
	act := scope.ToAct(now.PlacedBy != nil && *now.PlacedBy == by.Principal)
	may := trade.AllowedActions(act, now.Status, now.Asked != "" && now.Status != trade.OrderPendingApproval)
	if !slices.Contains(may, action) {
		if act.Own && (action == trade.ActApprove || action == trade.ActReject) && now.Status == trade.OrderPendingApproval {
			return &trade.Forbidden{Refusal: trade.Refusal{
				Code:    trade.CodeForbidden,
				Message: "Nobody decides about an order of their own: ask somebody else of the account.", Path: []string{"input", "order"},
			}}
		}
		allowed := make([]string, len(may))
		for i, a := range may {
			allowed[i] = string(a)
		}
		return &trade.StateNotAllowed{
			Refusal: trade.Refusal{
				Code: trade.CodeState, Message: "The order is in a state in which this is not possible.",
				Path: []string{"input", "order"},
			}, State: string(now.Status), Allowed: allowed,
		}
	}
	if owner := o.desk.Sources.Serving(sources.OfOrders, now.AccountNumber); now.Number != nil && owner != now.Instance {
		return &trade.StateNotAllowed{
			Refusal: trade.Refusal{Code: trade.CodeState, Message: notOwned, Path: []string{"input", "order"}}, State: string(now.Status),
			Allowed: []string{},
		}
	}
	return nil
}
