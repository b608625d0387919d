package store

import (
	"context"

	"portico/trade"
)

type approvalRow struct {
	trade.Approval
	LimitJSON jsonOf[*trade.SpendingLimit]
}

func (r *approvalRow) trade() *trade.Approval {
	r.Limit = r.LimitJSON.value
	return &r.Approval
}

var approvals = read(relation[trade.Approval]{
	kind: "Approval", from: "approvals v", visible: ownAccount("v.account_id"),
	columns: []columns{always(`v.state, v.exceeded AS limit_json, coalesce(v.decided_by, '') AS decided_by_id, v.decided_at, v.comment`)},
}, (*approvalRow).trade)

// Approvals reads the approvals of orders.
func (s *Store) Approvals(ctx context.Context, scope trade.Scope, orders []string) (map[string]*trade.Approval, error) {
	return approvals.by(ctx, s, scope, "v.order_id", "", orders)
}
