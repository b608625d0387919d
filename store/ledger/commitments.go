package ledger

import (
	"context"
	"fmt"
	"slices"

	"portico/store"
	"portico/trade"
	"portico/trade/ordering"
)

type commitmentRow struct {
	ordering.CommitmentChange
	BeforeJSON, AfterJSON store.JSON[trade.ScheduleLine]
}

func (r *commitmentRow) trade() *ordering.CommitmentChange {
	r.From, r.To = r.BeforeJSON.Value, r.AfterJSON.Value
	return &r.CommitmentChange
}

var commitments = store.Read(store.Relation[ordering.CommitmentChange]{
	Kind: "CommitmentChange", From: "commitment_changes m", Visible: store.OwnAccount("m.account_id"),
	Columns: []store.Columns{store.Always(`m.order_line_id AS line_id, m.before AS before_json, m.after AS after_json, m.cause, m.at`)},
}, (*commitmentRow).trade)

// HiddenCommitments are the conditions of the moves of a promise that customers are not told of, by what
// they are told of each cause. It fails where there is no such cause or telling.
func HiddenCommitments(how map[ordering.CommitmentCause]ordering.Notice) (map[string][]string, error) {
	var conditions []string
	for cause, notice := range how {
		if !slices.Contains(ordering.CommitmentCauses, cause) {
			return nil, fmt.Errorf("tell: there is no cause %q: it must be one of %v", cause, ordering.CommitmentCauses)
		}
		switch notice {
		case ordering.NoticeAlways:
		case ordering.NoticeLater:
			conditions = append(conditions,
				fmt.Sprintf("(m.cause = '%s' AND coalesce((m.after ->> 'PromisedDeliveryDate')::date <= (m.before ->> "+
					"'PromisedDeliveryDate')::date, FALSE))", cause))
		case ordering.NoticeNever:
			conditions = append(conditions, fmt.Sprintf("m.cause = '%s'", cause))
		default:
			return nil, fmt.Errorf("tell.%s is %q: it must be ALWAYS, LATER or NEVER", cause, notice)
		}
	}
	return map[string][]string{commitments.Kind: conditions}, nil
}

// Commitments reads promises that moved by id; customers those that they are told of.
func Commitments(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*ordering.CommitmentChange, error) {
	return commitmentsShown(s).By(ctx, s, scope, "m.id", "", ids)
}

// commitmentsShown are the promises that moved and that customers are told of.
func commitmentsShown(s *store.Store) store.Relation[ordering.CommitmentChange] {
	r := commitments
	r.Visible = store.WithoutHidden(r.Visible, s, r.Kind)
	return r
}

// CommitmentChanges reads the promises of orders that moved, newest first, at most 100
// each; customers those that they are told of.
func CommitmentChanges(ctx context.Context, s *store.Store, scope trade.Scope, orders []string) (map[string][]*ordering.CommitmentChange,
	error,
) {
	found, err := commitmentsShown(s).Under(ctx, s, scope, "", "m.order_id", "m.place DESC", orders)
	return store.AtMost(found, 100), err
}
