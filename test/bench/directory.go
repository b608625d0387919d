package main

import (
	"context"

	"portico/store"
	"portico/store/ledger"
	"portico/store/operating"
	"portico/store/records"
	"portico/trade"
)

// directory finds in the store the ids behind the numbers that tokens name.
type directory struct{ store *store.Store }

// AccountTree are the accounts with these numbers, and those below them.
func (d directory) AccountTree(ctx context.Context, numbers []string) ([]trade.Ref, error) {
	return records.AccountTree(ctx, d.store, numbers)
}

// PartnerGrant is what the supplier with this code is allowed.
func (d directory) PartnerGrant(ctx context.Context, code string) (trade.PartnerGrant, error) {
	return ledger.PartnerGrant(ctx, d.store, code)
}

// Revocations are those in force.
func (d directory) Revocations(ctx context.Context) ([]trade.Revocation, error) {
	return operating.Revocations(ctx, d.store)
}
