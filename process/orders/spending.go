package orders

import (
	"context"
	"time"

	"portico/process"
	"portico/store"
	"portico/trade"
	"portico/trade/ordering"
)

// exceeded is the limit that an order of this total exceeds, of those that its buyer has;
// nil where it exceeds none. Within a transaction what was spent stands until that ends.
func (o *Flows) exceeded(ctx context.Context, tx *store.Tx, by process.Submitter, limits []ordering.SpendingLimit, total trade.Money) (*ordering.SpendingLimit, error) {
	if by.UnreadableLimits {
		none := ordering.NoSpending(total.Currency)
		return &none, nil
	}
	brought, err := o.spent(ctx, tx, by, limits)
	if err != nil {
		return nil, err
	}
	return ordering.Exceeded(brought, total), nil
}

// Limits are what somebody may order for an account without approval, with what was spent.
func (o *Flows) Limits(ctx context.Context, scope trade.Scope, by process.Submitter, account string) ([]ordering.SpendingLimit, error) {
	limits, err := o.limitsOf(ctx, scope, by, []string{account})
	if err != nil {
		return nil, err
	}
	return o.spent(ctx, nil, by, limits[account])
}

// limitsOf are what somebody may order for accounts without approval: as their token says,
// or else the accounts' table.
func (o *Flows) limitsOf(ctx context.Context, scope trade.Scope, by process.Submitter, accounts []string) (map[string][]ordering.SpendingLimit, error) {
	if by.Limits == nil && scope.Role() == trade.Customer {
		return o.desk.Store.SpendingLimits(ctx, scope, accounts)
	}
	limits := map[string][]ordering.SpendingLimit{}
	for _, a := range accounts {
		limits[a] = by.Limits
	}
	return limits, nil
}

// spent are limits with what was spent of them.
func (o *Flows) spent(ctx context.Context, tx *store.Tx, by process.Submitter, limits []ordering.SpendingLimit) ([]ordering.SpendingLimit, error) {
	var spent map[string]trade.Money
	now := time.Now()
	if ordering.Monthly(limits) {
		var err error
		from, _ := ordering.MonthOf(now)
		if spent, err = o.desk.Store.SpentSince(ctx, tx, by.Principal, from); err != nil {
			return nil, err
		}
	}
	brought := make([]ordering.SpendingLimit, len(limits))
	for i, l := range limits {
		brought[i] = l.Brought(spent, now)
	}
	return brought, nil
}
