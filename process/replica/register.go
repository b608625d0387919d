package replica

import (
	"context"
	"time"

	"portico/store"
	"portico/store/records/replication"
	"portico/trade/clock"
)

const (
	registerEvery = time.Second
	registerPage  = 200
)

// register tells the carrier of parcels that others pack, so that it follows them,
// until ctx ends. Telling it twice does no harm, so it is noted afterwards.
func (r *Copy) register(ctx context.Context) {
	loop := clock.Loop{Task: "registration of parcels with the carrier", Every: registerEvery, Late: true, Log: r.log}
	loop.Run(ctx, clock.Pass(r.registerSome))
}

func (r *Copy) registerSome(ctx context.Context) error {
	for {
		parcels, err := replication.ShipmentsToRegister(ctx, r.store, registerPage)
		if err != nil || len(parcels) == 0 {
			return err
		}
		carrier, ok, err := r.sources.Register(ctx, parcels)
		if err != nil || !ok {
			return err
		}
		if err := r.store.InTx(ctx, func(tx *store.Tx) error { return replication.MarkRegistered(ctx, tx, carrier, parcels) }); err != nil {
			return err
		}
		if len(parcels) < registerPage {
			return nil
		}
	}
}
