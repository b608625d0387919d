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
	asks := make([]priceAsk, len(keys))
	for i, k := range keys {
		if k.Account != "" {
			asks[i] = priceAsk{k, limit}
		}
	}
	return l.prices.All(ctx, asks)
}

func (l *Loaders) fetchPrices(ctx context.Context, asks []priceAsk) (map[priceAsk]trade.PriceResult, error) {
	now := time.Now()
	found := make(map[priceAsk]trade.PriceResult, len(asks))
	var missing []trade.PriceKey
	asked := map[trade.PriceKey]bool{}
	for _, a := range asks {
		kept, ok := l.Prices.answers.Get(a.PriceKey)
		switch {
		case ok && a.maxAge > 0 && now.Sub(kept.at) < a.maxAge:
			found[a] = told(kept, trade.Cache, now, l.Store.StaleAfter("Price"))
		case !asked[a.PriceKey]:
			asked[a.PriceKey] = true
			missing = append(missing, a.PriceKey)
		}
	}
	if len(missing) == 0 {
		return found, nil
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
	for _, a := range asks {
		if found[a] == nil {
			found[a] = live[a.PriceKey]
		}
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
