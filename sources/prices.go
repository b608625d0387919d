package sources

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/golang-lru/v2"

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

// Kept is a price that is no older than maxAge, or than the age at which prices are
// stale where that is nil. ok is false where there is none.
func (c *PriceCache) Kept(k trade.PriceKey, maxAge *time.Duration, now time.Time) (price trade.PriceResult, ok bool) {
	limit := c.limit
	if maxAge != nil {
		limit = *maxAge
	}
	if kept, ok := c.answers.Get(k); ok && limit > 0 && now.Sub(kept.at) < limit {
		return c.told(kept, trade.Cache, now), true
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
		c.answers.Add(k, pricedAt{results[i], at})
		prices[i] = c.told(pricedAt{results[i], at}, trade.Live, at)
	}
	return prices, nil
}

// leastRetry is the least time after which asking again is worth it.
const leastRetry = time.Second

// unpriced says that the source does not answer, with the last price known.
func (c *PriceCache) unpriced(k trade.PriceKey, err error, now time.Time) trade.PriceResult {
	after := max(RetryAfter(err), leastRetry).Round(time.Millisecond)
	gap := &trade.PriceUnavailable{Reason: trade.SourceDown, Message: "Prices cannot be asked for at the moment.", RetryAfter: &after}
	if kept, ok := c.answers.Get(k); ok {
		gap.LastKnown, _ = c.told(kept, trade.Fallback, now).(*trade.Price)
	}
	return gap
}

// told is an answer with its age; the kept one is not changed.
func (c *PriceCache) told(kept pricedAt, mode trade.ReadMode, now time.Time) trade.PriceResult {
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
