package process

import (
	"context"

	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// Directory finds in the store the ids behind the numbers that tokens name, and the tokens that do not count.
type Directory struct{ Store *store.Store }

// AccountTree are the accounts with these numbers, and those below them.
func (d Directory) AccountTree(ctx context.Context, numbers []string) ([]trade.Ref, error) {
	return records.AccountTree(ctx, d.Store, numbers)
}

// PartnerGrant is what the supplier with this code is allowed.
func (d Directory) PartnerGrant(ctx context.Context, code string) (procurement.PartnerGrant, error) {
	return ledger.PartnerGrant(ctx, d.Store, code)
}

// Revocations are those in force.
func (d Directory) Revocations(ctx context.Context) ([]operating.Revocation, error) {
	return operatingstore.Revocations(ctx, d.Store)
}
