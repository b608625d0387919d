// Package resolvers maps GraphQL fields to the loaders: arguments in, business
// types out, and nothing decided in between. Every field below the roots takes
// all sibling parents at once.
package resolvers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/edge/auth"
	"portico/edge/documents"
	"portico/events"
	"portico/graph"
	"portico/process"
	"portico/process/notify"
	"portico/process/orders"
	"portico/process/purchasing"
	"portico/process/stewards"
	"portico/process/watch"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// Resolver is the root of all resolvers.
type Resolver struct {
	connections

	// Links seals links to documents.
	Links *documents.Links
	// Hub tells what changes, and Cursors are places in that.
	Hub     *events.Hub
	Cursors *events.Cursors
	// Desk is what all writes have in common.
	Desk *process.Desk
	// Ordering are the flows of customers' orders.
	Ordering *orders.Flows
	// Purchasing are the flows of purchase orders.
	Purchasing *purchasing.Flows
	// Alerting is what people do about alerts.
	Alerting *watch.Alerts
	// Partners are the writes by which partners are let in.
	Partners *purchasing.Partners
	// CostPerMinute is what a partner may ask for a minute unless its profile says so.
	CostPerMinute int
	// Codes are the tables of what codes mean.
	Codes *stewards.Codes
	// Webhooks are the addresses that what happens is sent to.
	Webhooks *notify.Webhooks
	// Stewarding is what stewards decide.
	Stewarding *stewards.Flows
	// Operating is what operators do.
	Operating *watch.Operators
	// Deprecations are the parts of the schema that go away.
	Deprecations []*operating.Deprecation
}

var _ graph.ResolverRoot = (*Resolver)(nil)

// badInput is a typed error that names what is wrong with an argument.
func badInput(format string, args ...any) error {
	return &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": "BAD_USER_INPUT"}}
}

// badArgument is [badInput] at a place among the arguments of a field.
func badArgument(place []string, format string, args ...any) error {
	return &gqlerror.Error{
		Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": "BAD_USER_INPUT", "argument": place},
	}
}

// signedIn fails for callers who are not signed in.
func signedIn(ctx context.Context) error {
	if auth.CallerOf(ctx).Principal == nil {
		return &gqlerror.Error{
			Message:    "Sign in: send the header Authorization: Bearer with a token of a configured issuer.",
			Extensions: map[string]any{"code": "UNAUTHENTICATED"},
		}
	}
	return nil
}

// reader are the operation's loaders, for callers who are signed in.
func reader(ctx context.Context) (*loaders.Loaders, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	return loaders.From(ctx), nil
}

const (
	defaultPage = 25
	maxPage     = 100
)

// pageArgs checks the arguments of a connection.
func pageArgs(first *int, after *string, last *int, before *string) (store.PageArgs, error) {
	p := store.PageArgs{First: defaultPage}
	switch {
	case first != nil && last != nil:
		return p, badInput("give first or last, not both")
	case first != nil && (*first < 1 || *first > maxPage):
		return p, badInput("first must be 1 to %d", maxPage)
	case last != nil && (*last < 1 || *last > maxPage):
		return p, badInput("last must be 1 to %d", maxPage)
	case first != nil:
		p.First = *first
	case last != nil:
		p = store.PageArgs{Last: *last}
	}
	if after != nil {
		p.After = *after
	}
	if before != nil {
		p.Before = *before
	}
	return p, nil
}

// page loads one page of a list.
func page[T any](ctx context.Context, list func(trade.Scope) *store.List[T], first *int, after *string, last *int,
	before *string,
) (*trade.Connection[T], error) {
	pages, err := pages(ctx, []string{""}, list, first, after, last, before)
	if err != nil {
		return nil, err
	}
	return pages[0], nil
}

// mostWhole is how long a list may be that is no connection.
const mostWhole = 10_000

// whole loads a whole list, of things of which there are few.
func whole[T any](ctx context.Context, list func(trade.Scope) *store.List[T]) ([]*T, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	found, err := loaders.Pages(ctx, l, list(l.Scope()), []string{""}, store.PageArgs{First: mostWhole})
	if err != nil {
		return nil, err
	}
	return found[0].Nodes, nil
}

// pages loads one page of the list below each parent.
func pages[T any](ctx context.Context, parents []string, list func(trade.Scope) *store.List[T], first *int, after *string, last *int,
	before *string,
) ([]*trade.Connection[T], error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	args, err := pageArgs(first, after, last, before)
	if err != nil {
		return nil, err
	}
	found, err := loaders.Pages(ctx, l, list(l.Scope()), parents, args)
	if errors.Is(err, store.ErrCursor) {
		return nil, badInput("%v: take it from a page of the same list in the same order", err)
	}
	return found, err
}

// keysOf are the keys that parents name.
func keysOf[T any](objs []*T, key func(*T) string) []string {
	keys := make([]string, len(objs))
	for i, o := range objs {
		keys[i] = key(o)
	}
	return keys
}

// related loads what each parent names by one key.
func related[P, V any](ctx context.Context, objs []*P, key func(*P) string, from *loaders.Loader[string, V]) ([]V, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	return from.All(ctx, keysOf(objs, key))
}

// several loads, for each object, all values whose keys it names, without those that the
// caller may not see: one batch for all.
func several[P, V any](ctx context.Context, objs []*P, keys func(*P) []string, from *loaders.Loader[string, *V]) ([][]*V, error) {
	if err := signedIn(ctx); err != nil {
		return nil, err
	}
	var flat []string
	for _, o := range objs {
		flat = append(flat, keys(o)...)
	}
	found, err := from.All(ctx, flat)
	if err != nil {
		return nil, err
	}
	out := make([][]*V, len(objs))
	for i, o := range objs {
		n := len(keys(o))
		out[i] = slices.DeleteFunc(append([]*V{}, found[:n]...), func(v *V) bool { return v == nil })
		found = found[n:]
	}
	return out, nil
}

// lists are values as the schema's lists that are never null.
func lists[V any](found [][]V, err error) ([][]V, error) {
	for i := range found {
		if found[i] == nil {
			found[i] = []V{}
		}
	}
	return found, err
}

// chosen is the one field of a @oneOf input that is given, by its place, for
// validation checks literals only and not what variables bring.
func chosen(fields ...*string) (place int, value string, err error) {
	n := 0
	for i, v := range fields {
		if v != nil {
			n, place, value = n+1, i, *v
		}
	}
	if n != 1 {
		return 0, "", badInput("give exactly one key")
	}
	return place, value, nil
}
