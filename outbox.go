package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"portico/auth"
	"portico/edge"
	"portico/events"
	"portico/outgoing"
	"portico/process"
	"portico/store"
	"portico/trade"
)

// keepWebhooks is how long deliveries of webhooks are kept.
const keepWebhooks = 30 * 24 * time.Hour

// outgoing are the webhooks of partners, which need to know who somebody is, how GraphQL
// answers them, and how bytes are sent.
func (p *parts) outgoing(cfg Config, desk *process.Desk) *process.Webhooks {
	w, client := process.NewWebhooks(desk, p.log), outgoing.New(cfg.networks)
	w.Post, w.Unreachable, w.Plain = client.Post, client.Unreachable, client.Plain
	w.Owner = func(ctx context.Context, owner json.RawMessage) (trade.Scope, error) {
		caller, err := p.restore(ctx, owner)
		return caller.Scope, err
	}
	return w
}

// restore is who saved an endpoint, as they stand now.
func (p *parts) restore(ctx context.Context, owner json.RawMessage) (auth.Caller, error) {
	var standing auth.Standing
	if json.Unmarshal(owner, &standing) != nil { // which holds up no other endpoint
		return auth.Caller{}, process.ErrNotLetIn
	}
	caller, err := p.auth.Restore(ctx, standing)
	if errors.Is(err, auth.ErrToken) {
		err = process.ErrNotLetIn
	}
	return caller, err
}

// tells has webhooks say what a stream would.
func (p *parts) tells(serving *edge.Serving) {
	p.webhooks.Body = func(ctx context.Context, owner json.RawMessage, topic trade.Topic, change *trade.Change, at trade.Place) (data, errs json.RawMessage, err error) {
		caller, err := p.restore(ctx, owner)
		if err != nil {
			return nil, nil, err
		}
		variables := map[string]any{}
		switch topic {
		case trade.OfAvailability:
			variables["items"] = []any{}
			if change != nil {
				variables["items"] = []any{map[string]any{"id": change.SubjectID}}
			}
		case trade.OfOperations:
			variables["operations"] = []any{}
			if change != nil {
				variables["operations"] = []any{change.SubjectID}
			}
		}
		ctx = events.WithAlone(auth.WithCaller(ctx, caller), events.Alone{Change: change, At: at})
		told, err := serving.Tell(ctx, outgoing.Document(topic), variables)
		if err != nil {
			return nil, nil, err
		}
		if told == nil {
			return nil, nil, process.ErrUntold
		}
		var answer struct {
			Update json.RawMessage `json:"update"`
		}
		if err := json.Unmarshal(told.Data, &answer); err != nil {
			return nil, nil, fmt.Errorf("webhook: %w", err)
		}
		if len(answer.Update) == 0 || string(answer.Update) == "null" { // what it is about is gone, or cannot be read now
			return nil, nil, fmt.Errorf("webhook: nothing is told: %s", told.Errors)
		}
		return answer.Update, told.Errors, nil
	}
}

// sendWebhooks sends what happens until ctx ends.
func (p *parts) sendWebhooks(ctx context.Context) {
	go func() { // who follows only to be woken
		_, _ = p.hub.Follow(ctx, func(*trade.Change) bool { p.webhooks.Wake(); return false })
	}()
	p.webhooks.Run(ctx)
}

const (
	tellAlerts  = 15 * time.Second
	standsUntil = 4 * tellAlerts // unless it is told again
	mostAlerts  = 1000
)

// tellAlertmanager tells an Alertmanager what stands, from one process at a time, until ctx ends.
func (p *parts) tellAlertmanager(ctx context.Context, cfg Config) {
	if cfg.File.Alerting.Alertmanager == "" {
		return
	}
	to := outgoing.Alertmanager{URL: cfg.File.Alerting.Alertmanager, Console: cfg.PublicURL + consolePath, Quiet: cfg.File.Alerting.Quiet}
	client, failed := &http.Client{Timeout: 5 * time.Second}, ""
	for ctx.Err() == nil {
		_, err := p.store.Lead(ctx, "alertmanager", func(ctx context.Context) error {
			for {
				page, err := store.AlertList(trade.OperatorScope(nil), store.AlertFilter{}).Page(ctx, p.store, []string{""}, store.PageArgs{First: mostAlerts})
				if err != nil {
					return err
				}
				if now := time.Now(); page[""] != nil {
					if err := to.Tell(ctx, client, page[""].Nodes, now, now.Add(standsUntil)); err != nil {
						return err
					}
				}
				failed = ""
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(tellAlerts):
				}
			}
		})
		if err != nil && ctx.Err() == nil && err.Error() != failed {
			failed = err.Error()
			p.log.Warn("alerts cannot be told to Alertmanager; they stand in the graph", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(tellAlerts):
		}
	}
}
