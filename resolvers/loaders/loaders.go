// Package loaders is the read side of one operation: every key that its fields
// ask for goes to the store or to a source in batches, within the caller's
// scope, and no key goes twice.
package loaders

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"portico/sources"
	"portico/store"
	"portico/store/records"
	"portico/trade"
)

// Shared is what the loaders of all operations use.
type Shared struct {
	Store   *store.Store
	Sources *sources.Set
	Prices  *sources.PriceCache
}

// Loaders are the loaders of one operation. The scope is fixed when they are
// made, so nothing that one caller loaded can be told to another.
type Loaders struct {
	Shared
	scope trade.Scope

	mu    sync.Mutex
	used  []use // the loaders that are used, of which there are few
	first [8]use
	lists map[string]listReader
}

// use is a loader and what it holds for the operation.
type use struct{ loader, held any }

// New makes the loaders of one operation.
func New(shared Shared, scope trade.Scope) *Loaders {
	return &Loaders{Shared: shared, scope: scope}
}

// OwnAccounts are the accounts the caller acts for, by number, at most 100. They
// are a key of their own, so that what it takes to know them does not depend on
// which of them the operation meets elsewhere, and when.
func (l *Loaders) OwnAccounts(ctx context.Context) ([]*trade.Account, error) {
	found, err := ownAccounts.in(ctx, l, []trade.Role{trade.Customer})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (l *Loaders) fetchOwn(ctx context.Context, _ []trade.Role) (map[trade.Role][]*trade.Account, error) {
	found, err := records.Accounts(ctx, l.Store, l.scope, l.scope.Accounts())
	own := slices.SortedFunc(maps.Values(found), func(a, b *trade.Account) int { return cmp.Compare(a.Number, b.Number) })
	return map[trade.Role][]*trade.Account{trade.Customer: own[:min(len(own), 100)]}, err
}

// Scope is what the operation's caller may see.
func (l *Loaders) Scope() trade.Scope { return l.scope }

type contextKey struct{}

// With puts an operation's loaders into ctx.
func With(ctx context.Context, l *Loaders) context.Context {
	return context.WithValue(ctx, contextKey{}, &l)
}

// From are the loaders in ctx.
func From(ctx context.Context) *Loaders { return *ctx.Value(contextKey{}).(**Loaders) } //nolint:errcheck // only these are put in

// Release takes the loaders out of ctx: a stream that is open lives on with its context, and
// needs them no more.
func Release(ctx context.Context) { *ctx.Value(contextKey{}).(**Loaders) = nil } //nolint:errcheck // only these are put in
