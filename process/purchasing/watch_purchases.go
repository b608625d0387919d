package purchasing

import (
	"context"
	"log/slog"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/clock"
)

// watchEvery is the pause between two looks.
const watchEvery = 5 * time.Second

// Watch raises alerts for purchase orders whose answer or ship notice is overdue, brings ship
// notices up to what became of their goods, begins the lead times whose day has come, and
// closes cases that cannot matter any more, until ctx ends.
func (p *Flows) Watch(ctx context.Context, log *slog.Logger) {
	loop := clock.Loop{Task: "watch of purchase orders", Every: watchEvery, Log: log}
	loop.Run(ctx, clock.Pass(p.watch))
}

func (p *Flows) watch(ctx context.Context) error {
	if _, err := p.desk.Store.RaiseOverdue(ctx); err != nil {
		return err
	}
	if err := p.desk.Store.SettleDespatches(ctx); err != nil {
		return err
	}
	if err := p.applyDue(ctx); err != nil {
		return err
	}
	outdated, err := p.desk.Store.Outdated(ctx)
	if err != nil {
		return err
	}
	for _, id := range outdated {
		err := p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
			now, err := p.desk.Store.LockPurchaseOrder(ctx, tx, trade.OperatorScope(nil), id)
			if err != nil || now == nil || now.Status == trade.POPendingReview {
				return err
			}
			return p.supersede(ctx, tx, now, "The purchase order was revised or ended meanwhile.")
		})
		if err != nil {
			return err
		}
	}
	return nil
}
