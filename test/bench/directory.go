package main

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

// directory finds in the store the ids behind the numbers that tokens name.
type directory struct{ store *store.Store }

// AccountTree are the accounts with these numbers, and those below them.
func (d directory) AccountTree(ctx context.Context, numbers []string) ([]trade.Ref, error) {
	return records.AccountTree(ctx, d.store, numbers)
}

// PartnerGrant is what the supplier with this code is allowed.
func (d directory) PartnerGrant(ctx context.Context, code string) (procurement.PartnerGrant, error) {
	return ledger.PartnerGrant(ctx, d.store, code)
}

// Revocations are those in force.
func (d directory) Revocations(ctx context.Context) ([]operating.Revocation, error) {
	return operatingstore.Revocations(ctx, d.store)
}
