package app

import (
	"context"
	"slices"
	"time"

	"portico/store/operating"
	"portico/store/records"
	"portico/trade/clock"
)

// reencryptEvery is how often restricted columns are looked through for what is not
// encrypted with the first key, besides whenever that is another.
const reencryptEvery = time.Hour

// reencrypt encrypts anew, in the background, what was encrypted with another key
// than the first or with none.
func (p *server) reencrypt(ctx context.Context) {
	var with string
	var at time.Time
	loop := clock.Loop{Task: "encryption with the first key", Every: lookEvery, Log: p.log}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error {
		first := string(p.dataKeys()[0])
		if first == with && time.Since(at) <= clock.Paced(reencryptEvery) {
			return nil
		}
		n, err := p.store.Reencrypt(ctx, slices.Concat(records.EncryptedColumns, operating.EncryptedColumns)...)
		if err == nil {
			with, at = first, time.Now()
		}
		if n > 0 {
			p.log.InfoContext(ctx, "restricted columns encrypted with the first key", "values", n)
		}
		return err
	}))
}
