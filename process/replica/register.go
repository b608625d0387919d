package replica

import (
	"context"
	"time"

	"portico/sources"
	"portico/store"
	"portico/trade/clock"
)

const (
	registerEvery = time.Second
	registerPage  = 200
)

// register tells the carrier of parcels that others pack, so that it follows them,
// until ctx ends. Telling it twice does no harm, so it is noted afterwards.
func (r *Copy) register(ctx context.Context) {
	for down := false; clock.Pause(ctx, clock.Paced(registerEvery)) == nil; {
		err := r.registerSome(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !down:
			r.log.Warn("the carrier is not told of parcels", "kind", sources.KindOf(err).String(), "err", err)
		case err == nil && down:
			r.log.Info("the carrier is told of parcels again")
		}
		down = err != nil
	}
}

func (r *Copy) registerSome(ctx context.Context) error {
	for {
		parcels, err := r.store.ToRegister(ctx, registerPage)
		if err != nil || len(parcels) == 0 {
			return err
		}
		carrier, ok, err := r.sources.Register(ctx, parcels)
		if err != nil || !ok {
			return err
		}
		if err := r.store.InTx(ctx, func(tx *store.Tx) error { return r.store.Registered(ctx, tx, carrier, parcels) }); err != nil {
			return err
		}
		if len(parcels) < registerPage {
			return nil
		}
	}
}
