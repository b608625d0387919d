package ledger

import (
	"context"

	"portico/store"
	"portico/trade"
	"portico/trade/ordering"
)

type approvalRow struct {
	ordering.Approval
	LimitJSON store.JSON[*ordering.SpendingLimit]
}

func (r *approvalRow) trade() *ordering.Approval {
	r.Limit = r.LimitJSON.Value
	return &r.Approval
}

var approvals = store.Read(store.Relation[ordering.Approval]{
	Kind: "Approval", From: "approvals v", Visible: store.OwnAccount("v.account_id"),
	Columns: []store.Columns{store.Always(`v.state, v.exceeded AS limit_json, coalesce(v.decided_by, '') AS decided_by_id, v.decided_at,
		v.comment`)},
}, (*approvalRow).trade)

// Approvals reads the approvals of orders.
func Approvals(ctx context.Context, s *store.Store, scope trade.Scope, orders []string) (map[string]*ordering.Approval, error) {
	return approvals.By(ctx, s, scope, "v.order_id", "", orders)
}
