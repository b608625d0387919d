package sources

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"portico/trade"
)

// PriceCache keeps the latest answer to each question of price, up to a number
// of them. An answer is used while it is fresh, and told as the last known
// price when the source does not answer.
type PriceCache struct {
	set     *Set
	limit   time.Duration // past which a price is stale
	answers *lru.Cache[trade.PriceKey, pricedAt]
}

type pricedAt struct {
	result trade.PriceResult
	at     time.Time
	before *trade.Price // the last one that was another price
}

// CachePrices makes a cache for size answers, which are stale past limit.
func (s *Set) CachePrices(size int, limit time.Duration) (*PriceCache, error) {
	answers, err := lru.New[trade.PriceKey, pricedAt](size)
	if err != nil {
		return nil, err
	}
	return &PriceCache{s, limit, answers}, nil
}

// Purge forgets all answers: who answers is another now.
func (c *PriceCache) Purge() { c.answers.Purge() }

// Find is a price that is no older than maxAge, or than the age at which prices are
// stale where that is nil. ok is false where there is none.
func (c *PriceCache) Find(k trade.PriceKey, maxAge *time.Duration, now time.Time) (price trade.PriceResult, ok bool) {
	limit := c.limit
	if maxAge != nil {
		limit = *maxAge
	}
	if kept, ok := c.answers.Get(k); ok && limit > 0 && now.Sub(kept.at) < limit {
		return c.result(kept, trade.Cache, now), true
	}
	return nil, false
}

// Ask asks the source for prices, in the order of their keys. Where it does not
// answer, each is unavailable, with the last one known. It fails when the caller is
// gone.
func (c *PriceCache) Ask(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	results, err := c.set.Prices(ctx, keys)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil, err
	}
	at := time.Now()
	prices := make([]trade.PriceResult, len(keys))
	for i, k := range keys {
		if err != nil {
			prices[i] = c.unpriced(k, err, at)
			continue
		}
		now := pricedAt{result: results[i], at: at, before: c.before(k, results[i])}
		c.answers.Add(k, now)
		prices[i] = c.result(now, trade.Live, at)
	}
	return prices, nil
}

// Before is the last price of a question that was another one than is kept now; nil where
// none is known.
func (c *PriceCache) Before(k trade.PriceKey) *trade.Price {
	kept, _ := c.answers.Peek(k)
	return kept.before
}

func (c *PriceCache) before(k trade.PriceKey, now trade.PriceResult) *trade.Price {
	kept, _ := c.answers.Peek(k)
	was, priced := kept.result.(*trade.Price)
	if is, ok := now.(*trade.Price); priced && (!ok || !trade.SamePrice(was.UnitPrice, is.UnitPrice)) {
		return was
	}
	return kept.before
}

// leastRetry is the least time after which asking again is worth it.
const leastRetry = time.Second

// unpriced says that the source does not answer, with the last price known.
func (c *PriceCache) unpriced(k trade.PriceKey, err error, now time.Time) trade.PriceResult {
	after := max(RetryAfter(err), leastRetry).Round(time.Millisecond)
	gap := &trade.PriceUnavailable{Reason: trade.SourceDown, Message: "Prices cannot be asked for at the moment.", RetryAfter: &after}
	kept, ok := c.answers.Get(k)
	if !ok && k.ShipTo != "" {
		// What was told before a place was named, as a catalogue does. An order at it is checked
		// again, and its buyer asked, before it is written.
		k.ShipTo = ""
		kept, ok = c.answers.Get(k)
	}
	if ok {
		gap.LastKnown, _ = c.result(kept, trade.Fallback, now).(*trade.Price)
	}
	return gap
}

// result is an answer with its age; the kept one is not changed.
func (c *PriceCache) result(kept pricedAt, mode trade.ReadMode, now time.Time) trade.PriceResult {
	p, ok := kept.result.(*trade.Price)
	if !ok {
		return kept.result
	}
	price := *p
	price.Provenance.Mode = mode
	price.Provenance.AsOf, price.Provenance.ReceivedAt = &kept.at, kept.at
	price.Provenance.At(now, c.limit)
	return &price
}

// PricesRead are prices that were told to a caller, by a primary that has a shadow.
type PricesRead struct {
	Keys    []trade.PriceKey
	Results []trade.PriceResult
}

// besides is how many such answers wait to be compared; more are dropped.
const besides = 32

// PricesRead tells of prices that were told and can be compared with a shadow's.
func (s *Set) PricesRead() <-chan PricesRead { return s.beside }

// Prices asks the source of prices, in as few calls as its batch limit allows.
// While prices move, each account is asked for where it is served, and the answers
// of the primary can be compared: see [Set.Beside].
func (s *Set) Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	r := s.route(OfPrices)
	results := make([]trade.PriceResult, len(keys))
	places := map[*guarded][]int{}
	for i, k := range keys {
		g := r.of(k.Account)
		places[g] = append(places[g], i)
	}
	for _, g := range []*guarded{r.primary, r.shadow} {
		if len(places[g]) == 0 {
			continue
		}
		asked := make([]trade.PriceKey, len(places[g]))
		for i, at := range places[g] {
			asked[i] = keys[at]
		}
		result, err := pricesOf(ctx, g, asked)
		if err != nil {
			return nil, err
		}
		for i, at := range places[g] {
			results[at] = result[i]
		}
		if g == r.primary && r.shadow != nil {
			select {
			case s.beside <- PricesRead{asked, result}:
			default: // the comparing is behind: the caller does not wait for it
			}
		}
	}
	return results, nil
}

// Share is the part of a hundred that an account falls in, always the same.
func Share(account string) int {
	h := sha256.Sum256([]byte(account))
	return int(binary.BigEndian.Uint32(h[:]) % 100)
}

func pricesOf(ctx context.Context, g *guarded, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	var all []trade.PriceResult
	for batch := range slices.Chunk(keys, g.limits.Batch) {
		part, err := read(ctx, g, "pricing", func(ctx context.Context) ([]trade.PriceResult, error) {
			return g.adapter.(Pricing).Prices(ctx, batch) //nolint:errcheck // asked of those alone that claim it
		})
		if err == nil && len(part) != len(batch) {
			err = Fail(Garbled, "%d answers to %d prices", len(part), len(batch))
		}
		if err != nil {
			return nil, fmt.Errorf("prices of %s: %w", g.name, err)
		}
		for _, r := range part {
			if p, ok := r.(*trade.Price); ok {
				p.Provenance.Instance, p.Provenance.System = g.name, g.adapter.Kind()
			}
		}
		all = append(all, part...)
	}
	return all, nil
}
