package loaders

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/golang-lru/v2"

	"portico/sources"
	"portico/trade"
)

// PriceCache keeps the latest answer to each question of price, up to a number
// of them. An answer is used while it is fresh, and told as the last known
// price when the source does not answer.
type PriceCache struct {
	answers *lru.Cache[trade.PriceKey, pricedAt]
}

type pricedAt struct {
	result trade.PriceResult
	at     time.Time
}

// NewPriceCache makes a cache for size answers.
func NewPriceCache(size int) (*PriceCache, error) {
	answers, err := lru.New[trade.PriceKey, pricedAt](size)
	if err != nil {
		return nil, err
	}
	return &PriceCache{answers}, nil
}

// Purge forgets all answers: who answers is another now.
func (c *PriceCache) Purge() { c.answers.Purge() }

// priceAsk is a price wanted no older than maxAge.
type priceAsk struct {
	trade.PriceKey
	maxAge time.Duration
}

// PriceOf loads prices for keys, in their order. An answer older than maxAge is
// asked of the source again; nil is the age at which prices are stale. Keys
// without an account have no price.
func (l *Loaders) PriceOf(ctx context.Context, keys []trade.PriceKey, maxAge *time.Duration) ([]trade.PriceResult, error) {
	limit := l.Store.StaleAfter("Price")
	if maxAge != nil {
		limit = *maxAge
	}
	now, prices, asks := time.Now(), make([]trade.PriceResult, len(keys)), make([]priceAsk, 0, len(keys))
	for i, k := range keys {
		if k.Account == "" {
			continue
		}
		if kept, ok := l.Prices.answers.Get(k); ok && limit > 0 && now.Sub(kept.at) < limit {
			prices[i] = told(kept, trade.Cache, now, l.Store.StaleAfter("Price"))
			continue
		}
		asks = append(asks, priceAsk{k, limit})
	}
	if len(asks) == 0 {
		return prices, nil
	}
	asked, err := l.prices.All(ctx, asks)
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		if k.Account != "" && prices[i] == nil {
			prices[i], asked = asked[0], asked[1:]
		}
	}
	return prices, nil
}

// fetchPrices asks the source. One price that is wanted no older than this and
// than that is asked for once.
func (l *Loaders) fetchPrices(ctx context.Context, asks []priceAsk) (map[priceAsk]trade.PriceResult, error) {
	missing := make([]trade.PriceKey, 0, len(asks))
	asked := make(map[trade.PriceKey]bool, len(asks))
	for _, a := range asks {
		if !asked[a.PriceKey] {
			asked[a.PriceKey] = true
			missing = append(missing, a.PriceKey)
		}
	}
	results, err := l.Sources.Prices(ctx, missing)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil, err
	}
	live := make(map[trade.PriceKey]trade.PriceResult, len(missing))
	at := time.Now()
	for i, k := range missing {
		if err == nil {
			l.Prices.answers.Add(k, pricedAt{results[i], at})
			live[k] = told(pricedAt{results[i], at}, trade.Live, at, l.Store.StaleAfter("Price"))
			continue
		}
		live[k] = l.unpriced(k, err, at)
	}
	found := make(map[priceAsk]trade.PriceResult, len(asks))
	for _, a := range asks {
		found[a] = live[a.PriceKey]
	}
	return found, nil
}

// leastRetry is the least time after which asking again is worth it.
const leastRetry = time.Second

// unpriced says that the source does not answer, with the last price known.
func (l *Loaders) unpriced(k trade.PriceKey, err error, now time.Time) trade.PriceResult {
	after := max(sources.RetryAfter(err), leastRetry).Round(time.Millisecond)
	gap := &trade.PriceUnavailable{Reason: trade.SourceDown, Message: "Prices cannot be asked for at the moment.", RetryAfter: &after}
	if kept, ok := l.Prices.answers.Get(k); ok {
		gap.LastKnown, _ = told(kept, trade.Fallback, now, l.Store.StaleAfter("Price")).(*trade.Price)
	}
	return gap
}

// told is an answer with its age; the kept one is not changed.
func told(kept pricedAt, mode trade.ReadMode, now time.Time, limit time.Duration) trade.PriceResult {
	p, ok := kept.result.(*trade.Price)
	if !ok {
		return kept.result
	}
	price := *p
	price.Provenance.Mode = mode
	price.Provenance.AsOf, price.Provenance.ReceivedAt = &kept.at, kept.at
	price.Provenance.At(now, limit)
	return &price
}
