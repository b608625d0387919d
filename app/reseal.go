package app

import (
	"context"
	"slices"
	"time"

	"portico/store/operating"
	"portico/store/records"
	"portico/trade/clock"
)

// resealEvery is how often restricted columns are looked through for what is not
// encrypted with the first key, besides whenever that is another.
const resealEvery = time.Hour

// reseal encrypts anew, in the background, what was encrypted with another key
// than the first or with none.
func (p *server) reseal(ctx context.Context) {
	var with string
	var at time.Time
	loop := clock.Loop{Task: "encryption with the first key", Every: lookEvery, Log: p.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		first := string(p.dataKeys()[0])
		if first == with && time.Since(at) <= clock.Paced(resealEvery) {
			return nil
		}
		n, err := p.store.Reseal(ctx, slices.Concat(records.EncryptedColumns, operating.EncryptedColumns)...)
		if err == nil {
			with, at = first, time.Now()
		}
		if n > 0 {
			p.log.InfoContext(ctx, "restricted columns encrypted with the first key", "values", n)
		}
		return err
	}))
}
