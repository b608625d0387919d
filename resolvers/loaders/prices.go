package loaders

import (
	"context"
	"time"

	"portico/trade"
)

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
		if kept, ok := l.Prices.Find(k, &limit, now); ok {
			prices[i] = kept
			continue
		}
		asks = append(asks, priceAsk{k, limit})
	}
	if len(asks) == 0 {
		return prices, nil
	}
	asked, err := livePrices.in(ctx, l, asks)
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
	place := make(map[trade.PriceKey]int, len(asks))
	for _, a := range asks {
		if _, asked := place[a.PriceKey]; !asked {
			place[a.PriceKey] = len(missing)
			missing = append(missing, a.PriceKey)
		}
	}
	live, err := l.Prices.Ask(ctx, missing)
	if err != nil {
		return nil, err
	}
	found := make(map[priceAsk]trade.PriceResult, len(asks))
	for _, a := range asks {
		found[a] = live[place[a.PriceKey]]
	}
	return found, nil
}
