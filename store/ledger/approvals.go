package ledger

import (
	"context"

	"portico/store"
	"portico/trade"
)

type approvalRow struct {
	trade.Approval
	LimitJSON store.JSON[*trade.SpendingLimit]
}

func (r *approvalRow) trade() *trade.Approval {
	r.Limit = r.LimitJSON.Value
	return &r.Approval
}

var approvals = store.Read(store.Relation[trade.Approval]{
	Kind: "Approval", From: "approvals v", Visible: store.OwnAccount("v.account_id"),
	Columns: []store.Columns{store.Always(`v.state, v.exceeded AS limit_json, coalesce(v.decided_by, '') AS decided_by_id, v.decided_at, v.comment`)},
}, (*approvalRow).trade)

// Approvals reads the approvals of orders.
func Approvals(ctx context.Context, s *store.Store, scope trade.Scope, orders []string) (map[string]*trade.Approval, error) {
	return approvals.By(ctx, s, scope, "v.order_id", "", orders)
}
