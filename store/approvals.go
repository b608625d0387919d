package store

import (
	"context"
	"fmt"
	"slices"

	"portico/trade"
	"portico/trade/ordering"
)

type approvalRow struct {
	ordering.Approval
	LimitJSON jsonOf[*ordering.SpendingLimit]
}

func (r *approvalRow) trade() *ordering.Approval {
	r.Limit = r.LimitJSON.value
	return &r.Approval
}

var approvals = read(relation[ordering.Approval]{
	kind: "Approval", from: "approvals v", visible: ownAccount("v.account_id"),
	columns: []columns{always(`v.state, v.exceeded AS limit_json, coalesce(v.decided_by, '') AS decided_by_id, v.decided_at, v.comment`)},
}, (*approvalRow).trade)

// Approvals reads the approvals of orders.
func (s *Store) Approvals(ctx context.Context, scope trade.Scope, orders []string) (map[string]*ordering.Approval, error) {
	return approvals.by(ctx, s, scope, "v.order_id", "", orders)
}

// LatestOperations reads the latest operation on each of some subjects.
func (s *Store) LatestOperations(ctx context.Context, scope trade.Scope, subjects []string) (map[string]*trade.Operation, error) {
	return operations.by(ctx, s, scope, "o.subject", "o.place DESC", subjects)
}

type commitmentRow struct {
	ordering.CommitmentChange
	BeforeJSON, AfterJSON jsonOf[trade.ScheduleLine]
}

func (r *commitmentRow) trade() *ordering.CommitmentChange {
	r.From, r.To = r.BeforeJSON.value, r.AfterJSON.value
	return &r.CommitmentChange
}

var commitments = read(relation[ordering.CommitmentChange]{
	kind: "CommitmentChange", from: "commitment_changes m", visible: ownAccount("m.account_id"),
	columns: []columns{always(`m.order_line_id AS line_id, m.before AS before_json, m.after AS after_json, m.cause, m.at`)},
}, (*commitmentRow).trade)

// Tell sets which moves of a promise customers are told of, by cause. It is called before
// the first read, and fails where there is no such cause or telling.
func (s *Store) Tell(how map[ordering.CommitmentCause]ordering.Telling) error {
	for cause, telling := range how {
		if !slices.Contains(ordering.CommitmentCauses, cause) {
			return fmt.Errorf("tell: there is no cause %q: it must be one of %v", cause, ordering.CommitmentCauses)
		}
		switch telling {
		case ordering.TellAlways:
		case ordering.TellLater:
			s.untold = append(s.untold, fmt.Sprintf("(m.cause = '%s' AND coalesce((m.after ->> 'PromisedDeliveryDate')::date <= (m.before ->> 'PromisedDeliveryDate')::date, FALSE))", cause))
		case ordering.TellNever:
			s.untold = append(s.untold, fmt.Sprintf("m.cause = '%s'", cause))
		default:
			return fmt.Errorf("tell.%s is %q: it must be ALWAYS, LATER or NEVER", cause, telling)
		}
	}
	return nil
}

// Commitments reads promises that moved by id; customers those that they are told of.
func (s *Store) Commitments(ctx context.Context, scope trade.Scope, ids []string) (map[string]*ordering.CommitmentChange, error) {
	return s.commitments().by(ctx, s, scope, "m.id", "", ids)
}

// commitments are the promises that moved and that customers are told of.
func (s *Store) commitments() relation[ordering.CommitmentChange] {
	r := commitments
	r.visible = hiding(r.visible, s.untold)
	return r
}

// CommitmentChanges reads the promises of orders that moved, newest first, at most 100
// each; customers those that they are told of.
func (s *Store) CommitmentChanges(ctx context.Context, scope trade.Scope, orders []string) (map[string][]*ordering.CommitmentChange, error) {
	found, err := s.commitments().under(ctx, s, scope, "", "m.order_id", "m.place DESC", orders)
	return atMost(found, 100), err
}
