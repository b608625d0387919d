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

// LatestOperations reads the latest operation on each of some subjects.
func (s *Store) LatestOperations(ctx context.Context, scope trade.Scope, subjects []string) (map[string]*trade.Operation, error) {
	return operations.by(ctx, s, scope, "o.subject", "o.place DESC", subjects)
}

type commitmentRow struct {
	trade.CommitmentChange
	BeforeJSON, AfterJSON jsonOf[trade.ScheduleLine]
}

func (r *commitmentRow) trade() *trade.CommitmentChange {
	r.From, r.To = r.BeforeJSON.value, r.AfterJSON.value
	return &r.CommitmentChange
}

var commitments = read(relation[trade.CommitmentChange]{
	kind: "CommitmentChange", from: "commitment_changes m", visible: ownAccount("m.account_id"),
	columns: []columns{always(`m.order_line_id AS line_id, m.before AS before_json, m.after AS after_json, m.cause, m.at`)},
}, (*commitmentRow).trade)

// CommitmentChanges reads the promises of orders that moved, newest first, at most 100
// each.
func (s *Store) CommitmentChanges(ctx context.Context, scope trade.Scope, orders []string) (map[string][]*trade.CommitmentChange, error) {
	found, err := commitments.under(ctx, s, scope, "", "m.order_id", "m.place DESC", orders)
	return atMost(found, 100), err
}
