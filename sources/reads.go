package sources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"portico/trade/operating"
)

// ErrTooLarge is in the error of an adapter whose system answers with more than is read at once. Fewer records are asked
// for then.
var ErrTooLarge = errors.New("the answer is larger than is read at once")

// Fetch asks the source that serves the kind in a set, in as many calls as its batch limit
// needs, and stamps what it tells with the source's name.
func (r Records[P, T]) Fetch(ctx context.Context, s *Set, q Query) (Page[T], error) {
	g := s.route(r.Subject).primary
	var all Page[T]
	batches := [][]string{nil}
	if len(q.Refs) > 0 {
		batches = slices.Collect(slices.Chunk(q.Refs, g.limits.Batch))
	}
	if q.Limit > g.limits.Batch {
		q.Limit = g.limits.Batch
	}
	for _, refs := range batches {
		part, err := r.readSome(ctx, g, Query{Refs: refs, After: q.After, Limit: q.Limit})
		if err != nil {
			return all, fmt.Errorf("%s of %s: %w", r.Subject, g.name, err)
		}
		all.add(part)
		all.Next, all.Total = part.Next, part.Total
	}
	if len(all.Unused) > 0 {
		unusedTotal.WithLabelValues(g.name, string(r.Subject)).Add(float64(len(all.Unused)))
	}
	for i := range all.Records {
		p := r.From(&all.Records[i])
		p.Instance, p.System = g.name, g.adapter.Kind()
	}
	for i := range all.Rejected {
		all.Rejected[i].Instance = g.name
	}
	return all, nil
}

// readSome asks once; of an answer that is too large, for half as much, until a record alone is. That one is rejected by
// name where it was asked for by name, so that it stops no other.
func (r Records[P, T]) readSome(ctx context.Context, g *guarded, q Query) (Page[T], error) {
	page, err := read(ctx, g, string(r.Subject), func(ctx context.Context) (Page[T], error) {
		return r.Read(g.adapter.(P), ctx, q) //nolint:errcheck // asked of those alone that claim it
	})
	switch n := len(q.Refs); {
	case !errors.Is(err, ErrTooLarge):
		return page, err
	case n == 0 && q.Limit > 1:
		q.Limit /= 2
		return r.readSome(ctx, g, q)
	case n == 0:
		return page, fmt.Errorf("after %q: %w", q.After, err)
	case n == 1:
		return Page[T]{Rejected: []operating.RejectedRecord{{
			Kind: string(r.Subject), SourceRef: &q.Refs[0], Reason: ErrTooLarge.Error(), At: time.Now(),
		}}}, nil
	default:
		first, err := r.readSome(ctx, g, Query{Refs: q.Refs[:n/2]})
		if err != nil {
			return first, err
		}
		second, err := r.readSome(ctx, g, Query{Refs: q.Refs[n/2:]})
		first.add(second)
		first.Next, first.Total = second.Next, second.Total
		return first, err
	}
}
