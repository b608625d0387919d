package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"portico/edge"
	"portico/edge/auth"
	"portico/events"
	"portico/process"
	"portico/process/notify"
	"portico/store"
	"portico/store/operating"
	"portico/trade"
	"portico/trade/clock"
)

// outgoing are the webhooks of partners, which need to know who somebody is, how GraphQL
// answers them, and how bytes are sent.
func (p *server) outgoing(cfg Config, desk *process.Desk) *notify.Webhooks {
	w, client := notify.NewWebhooks(desk, p.log), notify.New(cfg.networks, p.now)
	w.Post, w.Unreachable, w.Plain = client.Post, client.Unreachable, client.Plain
	w.Owner = func(ctx context.Context, owner json.RawMessage) (trade.Scope, error) {
		caller, err := p.restore(ctx, owner)
		return caller.Scope, err
	}
	return w
}

// restore is who saved an endpoint, as they stand now.
func (p *server) restore(ctx context.Context, owner json.RawMessage) (auth.Caller, error) {
	var standing auth.Standing
	if json.Unmarshal(owner, &standing) != nil { // which holds up no other endpoint
		return auth.Caller{}, notify.ErrNotLetIn
	}
	caller, err := p.auth.Restore(ctx, standing)
	if errors.Is(err, auth.ErrToken) {
		err = notify.ErrNotLetIn
	}
	return caller, err
}

// fillOutbox has webhooks say what a stream would.
func (p *server) fillOutbox(serving *edge.Serving) {
	p.webhooks.Body = func(ctx context.Context, owner json.RawMessage, topic trade.Topic, change *trade.Change, at trade.Place) (data,
		errs json.RawMessage, err error,
	) {
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
		document, err := serving.Render(ctx, notify.Document(topic), variables)
		if err != nil {
			return nil, nil, err
		}
		if document == nil {
			return nil, nil, notify.ErrUntold
		}
		var answer struct {
			Update json.RawMessage `json:"update"`
		}
		if err := json.Unmarshal(document.Data, &answer); err != nil {
			return nil, nil, fmt.Errorf("webhook: %w", err)
		}
		if len(answer.Update) == 0 || string(answer.Update) == "null" { // what it is about is gone, or cannot be read now
			return nil, nil, fmt.Errorf("webhook: nothing can be sent: %s", document.Errors)
		}
		return answer.Update, document.Errors, nil
	}
}

// sendWebhooks sends what happens until ctx ends.
func (p *server) sendWebhooks(ctx context.Context) {
	go func() { // who follows only to be woken
		_, _ = p.hub.Subscribe(ctx, func(*trade.Change) bool { p.webhooks.Wake(); return false })
	}()
	p.webhooks.Run(ctx)
}

const (
	notifyAlertmanagerEvery = 15 * time.Second
	standsUntil             = 4 * notifyAlertmanagerEvery // unless it is told again
	mostAlerts              = 1000
)

// notifyAlertmanager posts what alerts stand to an Alertmanager, from one process at a time, until ctx ends.
func (p *server) notifyAlertmanager(ctx context.Context, cfg Config) {
	if cfg.File.Alerting.Alertmanager == "" {
		return
	}
	to := notify.Alertmanager{URL: cfg.File.Alerting.Alertmanager, Console: cfg.PublicURL + consolePath, Quiet: cfg.File.Alerting.Quiet}
	client := &http.Client{Timeout: 5 * time.Second}
	lead := clock.Loop{Task: "leading of Alertmanager", Every: notifyAlertmanagerEvery, Log: p.log}
	lead.Run(ctx, clock.Pass(func(ctx context.Context) error {
		_, err := p.store.Lead(ctx, "alertmanager", func(ctx context.Context) error {
			post := clock.Loop{Task: "alerts to Alertmanager", Every: notifyAlertmanagerEvery, Log: p.log}
			post.Run(ctx, clock.Pass(func(ctx context.Context) error { return p.postAlerts(ctx, to, client) }))
			return nil
		})
		return err
	}))
}

// postAlerts posts all alerts that stand.
func (p *server) postAlerts(ctx context.Context, to notify.Alertmanager, client *http.Client) error {
	page, err := operating.AlertList(trade.OperatorScope(nil), operating.AlertFilter{}).Page(ctx, p.store, []string{""},
		store.PageArgs{First: mostAlerts})
	if err != nil || page[""] == nil {
		return err
	}
	now := time.Now()
	return to.Notify(ctx, client, page[""].Nodes, now, now.Add(standsUntil))
}
