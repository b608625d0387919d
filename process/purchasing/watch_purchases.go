package purchasing

import (
	"context"
	"log/slog"
	"time"

	"portico/store"
	"portico/store/ledger"
	"portico/store/operating"
	"portico/store/records"
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
	if _, err := operating.RaiseOverdueAlerts(ctx, p.desk.Store); err != nil {
		return err
	}
	if err := ledger.SettleDespatches(ctx, p.desk.Store); err != nil {
		return err
	}
	if err := p.applyDue(ctx); err != nil {
		return err
	}
	outdated, err := ledger.OutdatedPurchaseOrders(ctx, p.desk.Store)
	if err != nil {
		return err
	}
	for _, id := range outdated {
		err := p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
			now, err := records.LockPurchaseOrder(ctx, tx, trade.OperatorScope(nil), id)
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
