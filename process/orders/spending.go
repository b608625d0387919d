package orders

import (
	"context"

	"portico/process"
	"portico/store"
	"portico/store/ledger"
	"portico/trade"
	"portico/trade/ordering"
)

// exceeded is the limit that an order of this total exceeds, of those that its buyer has;
// nil where it exceeds none. In a transaction that has locked the spending, that stands.
func (o *Flows) exceeded(ctx context.Context, from store.Reader, by process.Submitter, limits []ordering.SpendingLimit,
	total trade.Money,
) (*ordering.SpendingLimit, error) {
	if by.UnreadableLimits {
		none := ordering.NoSpending(total.Currency)
		return &none, nil
	}
	brought, err := o.sumSpending(ctx, from, by, limits)
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
	return o.sumSpending(ctx, o.desk.Store, by, limits[account])
}

// limitsOf are what somebody may order for accounts without approval: as their token says,
// or else the accounts' table.
func (o *Flows) limitsOf(ctx context.Context, scope trade.Scope, by process.Submitter,
	accounts []string,
) (map[string][]ordering.SpendingLimit, error) {
	if by.Limits == nil && scope.Role() == trade.Customer {
		return ledger.SpendingLimits(ctx, o.desk.Store, scope, accounts)
	}
	limits := map[string][]ordering.SpendingLimit{}
	for _, a := range accounts {
		limits[a] = by.Limits
	}
	return limits, nil
}

// sumSpending are limits with what was spent of them.
func (o *Flows) sumSpending(ctx context.Context, from store.Reader, by process.Submitter,
	limits []ordering.SpendingLimit,
) ([]ordering.SpendingLimit, error) {
	var sumSpending map[string]trade.Money
	now := o.desk.Now()
	if ordering.Monthly(limits) {
		var err error
		month, _ := ordering.MonthOf(now)
		if sumSpending, err = ledger.SpentSince(ctx, from, by.Principal, month); err != nil {
			return nil, err
		}
	}
	brought := make([]ordering.SpendingLimit, len(limits))
	for i, l := range limits {
		brought[i] = l.Brought(sumSpending, now)
	}
	return brought, nil
}
