package loaders

import (
	"context"

	"portico/store"
	"portico/store/records"
	"portico/trade"
)

// pageKey names the list below one parent; sig names the list, its filter, its
// order and the page.
type pageKey struct{ sig, parent string }

// listReader reads what is asked of one list, for several parents at once.
type listReader interface {
	page(ctx context.Context, l *Loaders, sig string, parents []string) (map[string]any, error)
	count(ctx context.Context, l *Loaders, parents []string) (map[string]trade.TotalCount, error)
	facets(ctx context.Context, l *Loaders) ([]*trade.ItemFacet, error)
}

// listed is a list and the part of it that is asked for.
type listed[T any] struct {
	list *store.List[T]
	args store.PageArgs
}

func (d listed[T]) page(ctx context.Context, l *Loaders, sig string, parents []string) (map[string]any, error) {
	pages, err := d.list.Page(ctx, l.Store, parents, d.args)
	out := make(map[string]any, len(pages))
	for k, c := range pages {
		c.List = trade.ListRef{Signature: sig, Parent: k}
		out[k] = c
	}
	return out, err
}

func (d listed[T]) count(ctx context.Context, l *Loaders, parents []string) (map[string]trade.TotalCount, error) {
	return d.list.Count(ctx, l.Store, parents)
}

// facets are those of a list of items; other lists have none.
func (d listed[T]) facets(ctx context.Context, l *Loaders) ([]*trade.ItemFacet, error) {
	items, ok := any(d.list).(*store.List[trade.Item])
	if !ok {
		return nil, nil
	}
	return records.Facets(ctx, l.Store, items)
}

// Pages loads one page of a list below each parent. Lists that stand by
// themselves have the one parent "".
func Pages[T any](ctx context.Context, l *Loaders, list *store.List[T], parents []string, page store.PageArgs) ([]*trade.Connection[T],
	error,
) {
	sig := list.Signature(page)
	l.mu.Lock()
	if l.lists == nil {
		l.lists = map[string]listReader{}
	}
	if l.lists[sig] == nil {
		l.lists[sig] = &listed[T]{list, page}
	}
	l.mu.Unlock()
	keys := make([]pageKey, len(parents))
	for i, p := range parents {
		keys[i] = pageKey{sig, p}
	}
	found, err := listPages.in(ctx, l, keys)
	if err != nil {
		return nil, err
	}
	connections := make([]*trade.Connection[T], len(found))
	for i, f := range found {
		connections[i], _ = f.(*trade.Connection[T])
	}
	return connections, nil
}

// Counts counts the lists that pages were taken from.
func Counts[T any](ctx context.Context, l *Loaders, pages []*trade.Connection[T]) ([]*trade.TotalCount, error) {
	return listCounts.in(ctx, l, keysOf(pages))
}

// Facets are the ways to narrow the lists that pages of items were taken from.
func Facets(ctx context.Context, l *Loaders, pages []*trade.ItemConnection) ([][]*trade.ItemFacet, error) {
	return listFacets.in(ctx, l, keysOf(pages))
}

func keysOf[T any](pages []*trade.Connection[T]) []pageKey {
	keys := make([]pageKey, len(pages))
	for i, p := range pages {
		keys[i] = pageKey{p.List.Signature, p.List.Parent}
	}
	return keys
}

// bySignature groups keys by list and runs each list's reader once.
func (l *Loaders) bySignature(keys []pageKey, run func(r listReader, sig string, parents []string) error) error {
	for len(keys) > 0 {
		sig, parents := keys[0].sig, make([]string, 0, len(keys))
		var others []pageKey
		for _, k := range keys {
			if k.sig == sig {
				parents = append(parents, k.parent)
			} else {
				others = append(others, k)
			}
		}
		l.mu.Lock()
		r := l.lists[sig]
		l.mu.Unlock()
		if err := run(r, sig, parents); err != nil {
			return err
		}
		keys = others
	}
	return nil
}

func (l *Loaders) fetchPages(ctx context.Context, keys []pageKey) (map[pageKey]any, error) {
	found := make(map[pageKey]any, len(keys))
	err := l.bySignature(keys, func(r listReader, sig string, parents []string) error {
		pages, err := r.page(ctx, l, sig, parents)
		for parent, p := range pages {
			found[pageKey{sig, parent}] = p
		}
		return err
	})
	return found, err
}

func (l *Loaders) fetchCounts(ctx context.Context, keys []pageKey) (map[pageKey]*trade.TotalCount, error) {
	found := make(map[pageKey]*trade.TotalCount, len(keys))
	err := l.bySignature(keys, func(r listReader, sig string, parents []string) error {
		counts, err := r.count(ctx, l, parents)
		for parent, c := range counts {
			found[pageKey{sig, parent}] = &c
		}
		return err
	})
	return found, err
}

func (l *Loaders) fetchFacets(ctx context.Context, keys []pageKey) (map[pageKey][]*trade.ItemFacet, error) {
	found := make(map[pageKey][]*trade.ItemFacet, len(keys))
	err := l.bySignature(keys, func(r listReader, sig string, parents []string) error {
		facets, err := r.facets(ctx, l)
		for _, p := range parents {
			found[pageKey{sig, p}] = facets
		}
		return err
	})
	return found, err
}
