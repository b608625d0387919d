package app

import (
	"context"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/trade/clock"
	"portico/trade/operating"
)

const (
	// keepMeasured is how long cases of business measures are kept.
	keepMeasured = 400 * 24 * time.Hour
	// KeepSchemaUse is how long it is known what clients asked for.
	KeepSchemaUse = 90 * 24 * time.Hour
	// keepWebhooks is how long deliveries of webhooks are kept.
	keepWebhooks = 30 * 24 * time.Hour

	removeEvery  = time.Minute
	removeAtOnce = 10_000
	countEvery   = 10 * time.Second
)

// retention are the parts that remove what is older than it is kept.
func (p *server) retention(cfg Config) []part {
	return []part{
		p.remove("measured cases", keepMeasured, operatingstore.RemoveMeasured),
		p.remove("changes", cfg.KeepChanges, operatingstore.RemoveChanges),
		p.remove("inbound deliveries", cfg.KeepDeliveries, operatingstore.RemoveDeliveries),
		p.remove("use of the schema", KeepSchemaUse, operatingstore.RemoveSchemaUse),
		p.remove("webhook deliveries", keepWebhooks, operatingstore.RemoveWebhookDeliveries),
	}
}

// remove is the part that removes what is older than keep, by the clock of the database, which also wrote when it was made: a process
// whose clock is wrong removes nothing too early. Where keep is 0, it removes nothing.
func (p *server) remove(what string, keep time.Duration,
	remove func(ctx context.Context, st *store.Store, before time.Time, limit int) (int, error),
) part {
	task := "removal of old " + what
	return part{name: task, run: until(func(ctx context.Context) {
		if keep <= 0 {
			return
		}
		loop := clock.Loop{Task: task, Every: min(removeEvery, keep), Log: p.log}
		loop.Run(ctx, func(ctx context.Context) (bool, error) {
			now, err := p.store.Now(ctx)
			if err != nil {
				return false, err
			}
			removed, err := remove(ctx, p.store, now.Add(-keep), removeAtOnce)
			return removed == removeAtOnce, err
		})
	})}
}

// keepSchemaUse keeps what clients ask for, until ctx ends and once more then.
func (p *server) keepSchemaUse(ctx context.Context) {
	loop := clock.Loop{Task: "use of the schema", Every: countEvery, Late: true, Log: p.log}
	loop.Run(ctx, clock.Pass(p.countSchemaUse))
	if err := p.countSchemaUse(context.WithoutCancel(ctx)); err != nil {
		p.log.WarnContext(ctx, "what clients asked for last is not counted", "err", err)
	}
}

func (p *server) countSchemaUse(ctx context.Context) error {
	taken := p.use.Take()
	if len(taken) == 0 {
		return nil
	}
	all := make([]operating.SchemaUse, len(taken))
	for i, u := range taken {
		all[i] = operating.SchemaUse(u)
	}
	return operatingstore.AddSchemaUse(ctx, p.store, all)
}
