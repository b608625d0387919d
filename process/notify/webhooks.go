package notify

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

// Webhooks tell partners of what happens who keep no connection: each change of the log is
// planned for the endpoints whose owners may see it, and sent until it is taken or given up.
type Webhooks struct {
	desk *process.Desk
	// Owner is who saved an endpoint, as they stand now. It fails with [ErrNotLetIn].
	Owner func(ctx context.Context, owner json.RawMessage) (trade.Scope, error)
	// Body is what the owner of an endpoint is told of a change, or where there is none, that
	// there is nothing to tell yet. It fails with [ErrUntold] where they may not see it any more.
	Body func(ctx context.Context, owner json.RawMessage, topic trade.Topic, change *trade.Change, at trade.Place) (data,
		errors json.RawMessage, err error)
	// Post sends a body, signed with each secret.
	Post func(ctx context.Context, url, id string, body []byte, secrets []string) operating.DeliveryAttempt
	// Unreachable says why an address cannot be sent to; nothing where it can.
	Unreachable func(ctx context.Context, url string) string
	// Plain tells whether a host may be sent to without TLS.
	Plain func(host string) bool
	Log   *slog.Logger

	wake    chan struct{}
	checked time.Time // when all endpoints were looked at, whatever changed
}

var (
	// ErrNotLetIn tells that who saved an endpoint is not let in any more.
	ErrNotLetIn = errors.New("who saved the endpoint is not let in any more")
	// ErrUntold tells that a change is not told to who saved an endpoint.
	ErrUntold = errors.New("who saved the endpoint may not see it any more")
)

// NewWebhooks makes them; its fields are set before they run.
func NewWebhooks(d *process.Desk, log *slog.Logger) *Webhooks {
	return &Webhooks{desk: d, Log: log, wake: make(chan struct{}, 1)}
}

const (
	bothSecrets  = 24 * time.Hour
	lookAlways   = 2 * time.Second // for what is due again, and for changes that nobody has told
	checkEvery   = time.Minute     // whether owners are still let in, and how much waits, where nothing changes too
	lookAtOnce   = 2000            // changes
	mostWaiting  = 100_000         // deliveries to one endpoint, before it is disabled
	mostSending  = 64              // deliveries at a time, of one process
	retakenAfter = time.Minute
	gone         = 410 // the status by which an address asks for no more
	secretBytes  = 24
	notLetIn     = "The person who saved it has no access any more: somebody with access must save it."
	tooMany      = "More than 100,000 deliveries wait for it: fix the endpoint, query the current state, and save it again."
	askedForNone = "It answered 410 Gone, by which it asks for no more: save it again to be sent more."
	cannotBeSent = "The event cannot be rendered at the moment."
	notReadable  = "The key that it is encrypted with is not in force here: save the endpoint again."
)

// NewEndpoint is an endpoint to be made, or what one is to be that there is.
type NewEndpoint struct {
	ID     string               `json:"ID"` // empty of a new one
	URL    string               `json:"URL"`
	Topics []trade.WebhookTopic `json:"Topics"`
	Active bool                 `json:"Active"`
}

// Endpoint is what became of a write about an endpoint. Secret is shown once, where it is new.
type Endpoint struct {
	*process.Acted
	Secret *trade.Restricted
}

var noEndpoint = []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such endpoint.", "endpoint")}

// Save makes an endpoint or changes one, and sends it a greeting. Its owner from now on is who
// saves it.
func (w *Webhooks) Save(ctx context.Context, scope trade.Scope, by process.Submitter, owner json.RawMessage, key string,
	n NewEndpoint,
) (*Endpoint, error) {
	errs := operating.CheckWebhook(n.URL, n.Topics, w.Plain)
	if scope.Role() == trade.Guest {
		errs = append(errs, forbidden("An endpoint belongs to a company: sign in as one."))
	}
	for i, t := range n.Topics {
		if scope.MaySubscribe(t.Topic()) != nil {
			errs = append(errs, forbidden("You may not follow "+string(t)+".", "topics", fmt.Sprint(i)))
		}
	}
	if errs != nil {
		return &Endpoint{Acted: &process.Acted{Errors: errs}}, nil
	}
	if why := w.Unreachable(ctx, n.URL); why != "" {
		return &Endpoint{Acted: &process.Acted{Errors: []trade.UserError{process.Invalid(trade.CodeInvalidInput, why,
			"url")}}}, nil
	}
	var secret *trade.Restricted
	done, err := process.Once(ctx, w.desk.Store, by, "saveWebhookEndpoint", key, n,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			e := &operating.WebhookEndpoint{
				ID: n.ID, URL: n.URL, Topics: n.Topics, Status: operating.WebhookPaused, Accounts: scope.Accounts(),
				SupplierID: scope.Supplier(),
			}
			if n.Active {
				e.Status = operating.WebhookActive
			}
			if n.ID != "" {
				if found, err := operatingstore.LockWebhookEndpoint(ctx, tx, scope, n.ID); err != nil || found == nil {
					return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such endpoint.", "id")}, err
				}
			} else {
				many, err := operatingstore.CountWebhookEndpoints(ctx, tx, scope)
				if err != nil {
					return spent, nil, err
				}
				if many >= operating.MostWebhooks {
					return spent, []trade.UserError{process.Invalid(trade.CodeMaximum,
						fmt.Sprintf("A company has at most %d endpoints: delete one, or add topics to one.", operating.MostWebhooks))}, nil
				}
				e.ID, secret = durable.NewID("whe_"), newSecret()
			}
			if err := operatingstore.KeepWebhookEndpoint(ctx, tx, e, owner, secret); err != nil {
				return spent, nil, err
			}
			if n.Active {
				if err := operatingstore.Greet(ctx, tx, e); err != nil {
					return spent, nil, err
				}
			}
			return ledger.SpentKey{Subject: e.ID}, nil,
				w.audit(ctx, tx, by, "webhook.save", e.ID, map[string]any{"host": hostOf(n.URL), "topics": n.Topics, "active": n.Active})
		})
	if err != nil || done.Replayed || len(done.Errors) > 0 {
		secret = nil
	}
	w.Wake()
	return &Endpoint{done, secret}, err
}

func forbidden(message string, path ...string) *trade.Forbidden {
	return &trade.Forbidden{Refusal: trade.Refusal{Code: trade.CodeForbidden, Message: message, Path: append([]string{"input"}, path...)}}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func newSecret() *trade.Restricted {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // it never fails
	s := trade.Restricted("whsec_" + base64.StdEncoding.EncodeToString(b))
	return &s
}

func (w *Webhooks) audit(ctx context.Context, tx *store.Tx, by process.Submitter, action, subject string, after map[string]any) error {
	return ledger.Audit(ctx, tx,
		operating.AuditRecord{Actor: by.Principal, Action: action, Subject: subject, CorrelationID: by.CorrelationID, After: after})
}

// change runs a write about an endpoint that there is.
func (w *Webhooks) change(ctx context.Context, scope trade.Scope, by process.Submitter, mutation, action, key, endpoint string,
	write func(tx *store.Tx) error,
) (*process.Acted, error) {
	return process.Once(ctx, w.desk.Store, by, mutation, key, endpoint,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			if found, err := operatingstore.LockWebhookEndpoint(ctx, tx, scope, endpoint); err != nil || found == nil {
				return spent, noEndpoint, err
			}
			if err := write(tx); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: endpoint}, nil, w.audit(ctx, tx, by, action, endpoint, nil)
		})
}

// Delete deletes an endpoint with its deliveries.
func (w *Webhooks) Delete(ctx context.Context, scope trade.Scope, by process.Submitter, key,
	endpoint string,
) (*process.Acted, error) {
	return w.change(ctx, scope, by, "deleteWebhookEndpoint", "webhook.delete", key, endpoint,
		func(tx *store.Tx) error { return operatingstore.RemoveWebhookEndpoint(ctx, tx, endpoint) })
}

// Rotate replaces the secret of an endpoint; the one before signs too for a day.
func (w *Webhooks) Rotate(ctx context.Context, scope trade.Scope, by process.Submitter, key, endpoint string) (*Endpoint, error) {
	secret := newSecret()
	done, err := w.change(ctx, scope, by, "rotateWebhookSecret", "webhook.rotate", key, endpoint, func(tx *store.Tx) error {
		return operatingstore.RotateWebhookSecret(ctx, tx, endpoint, *secret, bothSecrets)
	})
	if err != nil || done.Replayed || len(done.Errors) > 0 {
		secret = nil
	}
	return &Endpoint{done, secret}, err
}

// Redeliver sends a delivery again, under its id and with the bytes that it had.
func (w *Webhooks) Redeliver(ctx context.Context, scope trade.Scope, by process.Submitter, key,
	delivery string,
) (*process.Acted, error) {
	done, err := process.Once(ctx, w.desk.Store, by, "redeliverWebhook", key, delivery,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			if found, err := operatingstore.ResendDelivery(ctx, tx, scope, delivery); err != nil || !found {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such delivery.", "delivery")}, err
			}
			return ledger.SpentKey{Subject: delivery}, nil, w.audit(ctx, tx, by, "webhook.redeliver", delivery, nil)
		})
	w.Wake()
	return done, err
}

// Wake tells that there may be something to send. It waits for nobody.
func (w *Webhooks) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run plans and sends until ctx ends. Any number of processes may: one plans at a time, and
// each delivery is one's.
func (w *Webhooks) Run(ctx context.Context) {
	var sending sync.WaitGroup
	defer sending.Wait()
	free := make(chan struct{}, mostSending)
	loop := clock.Loop{Task: "webhooks", Every: lookAlways, Wake: w.wake, Log: w.Log}
	loop.Run(ctx, func(ctx context.Context) (more bool, err error) {
		if more, err = w.plan(ctx); err != nil {
			return false, err
		}
		due, err := operatingstore.TakeDeliveries(ctx, w.desk.Store, mostSending-len(free), retakenAfter)
		if err != nil {
			return false, err
		}
		for _, d := range due {
			free <- struct{}{}
			sending.Go(func() {
				defer func() { <-free; w.Wake() }()
				if err := w.send(context.WithoutCancel(ctx), &d); err != nil { // begun, it is finished
					w.Log.WarnContext(ctx, "the result of a delivery could not be saved; it will be resent", "delivery", d.ID, "err", err)
				}
			})
		}
		return more, nil
	})
}

// plan looks through the log of changes for what is to be sent, and tells whether there is more.
func (w *Webhooks) plan(ctx context.Context) (more bool, err error) {
	err = w.desk.Store.InTx(ctx, func(tx *store.Tx) error {
		at, ok, err := operatingstore.HoldWebhookPlace(ctx, tx)
		if err != nil || !ok {
			return err
		}
		changes, err := operatingstore.Changes(ctx, w.desk.Store, at, lookAtOnce)
		due, countTo := w.desk.Now().Sub(w.checked) >= checkEvery, 0
		if err != nil || len(changes) == 0 && !due {
			return err
		}
		if due { // counting takes long where many wait
			w.checked, countTo = w.desk.Now(), mostWaiting+1
		}
		more = len(changes) == lookAtOnce
		targets, err := operatingstore.WebhookTargets(ctx, tx, countTo)
		if err != nil {
			return err
		}
		var planned []operatingstore.PlannedDelivery
		for _, t := range targets {
			scope, reason, err := w.stands(ctx, &t)
			if err != nil {
				return err
			}
			if reason != "" {
				if err := operatingstore.DisableWebhook(ctx, tx, t.ID, reason); err != nil {
					return err
				}
				continue
			}
			for _, c := range changes {
				if slices.Contains(t.Topics, c.Topic.Webhook()) && scope.MaySubscribe(c.Topic) == nil && scope.Sees(&c) {
					planned = append(planned, operatingstore.PlannedDelivery{EndpointID: t.ID, Change: c})
				}
			}
		}
		if len(planned) > 0 {
			if err := operatingstore.PlanDeliveries(ctx, tx, planned); err != nil {
				return err
			}
		}
		if len(changes) == 0 {
			return nil
		}
		return operatingstore.MoveWebhookPlace(ctx, tx, changes[len(changes)-1].Place)
	})
	return more && err == nil, err
}

// stands is what the owner of an endpoint may see now, or why it is sent to no longer.
func (w *Webhooks) stands(ctx context.Context, t *operatingstore.WebhookTarget) (scope trade.Scope, reason string, err error) {
	switch {
	case t.Owner == nil:
		return scope, notReadable, nil
	case t.Pending > mostWaiting:
		return scope, tooMany, nil
	}
	if scope, err = w.Owner(ctx, t.Owner); errors.Is(err, ErrNotLetIn) {
		return scope, notLetIn, nil
	}
	return scope, "", err
}

// send sends a delivery and notes what came of it.
func (w *Webhooks) send(ctx context.Context, d *operatingstore.DueDelivery) (err error) {
	ctx, span := telemetry.Span(ctx, "send webhook", trace.SpanKindProducer, attribute.String("delivery_id", d.ID))
	defer func() { telemetry.End(span, err, "not noted") }()
	begun, watch := w.desk.Now(), clock.Start()
	failed := func(why string) operating.DeliveryAttempt {
		return operating.DeliveryAttempt{At: begun.UTC(), Took: watch.Elapsed(), Error: &why}
	}
	retry := operating.WebhookRetry
	giveUp := func(int) (time.Duration, bool) { return 0, false }
	if d.Owner == nil || len(d.Secrets) == 0 {
		return operatingstore.RecordAttempt(ctx, w.desk.Store, d, failed(notReadable), false, retry)
	}
	if d.Body == nil {
		switch err := w.write(ctx, d); {
		case errors.Is(err, ErrUntold), errors.Is(err, ErrNotLetIn):
			return operatingstore.RecordAttempt(ctx, w.desk.Store, d, failed("It is not sent: "+err.Error()+"."), false, giveUp)
		case err != nil:
			w.Log.WarnContext(ctx, "a webhook cannot be written", "delivery", d.ID, "err", err)
			return operatingstore.RecordAttempt(ctx, w.desk.Store, d, failed(cannotBeSent), false, retry)
		}
	}
	attempt := w.Post(ctx, d.URL, d.ID, d.Body, d.Secrets)
	if attempt.Error != nil {
		span.SetStatus(codes.Error, "not taken")
	}
	if attempt.HTTPStatus != nil && *attempt.HTTPStatus == gone {
		if err := w.desk.Store.InTx(ctx,
			func(tx *store.Tx) error { return operatingstore.DisableWebhook(ctx, tx, d.EndpointID, askedForNone) }); err != nil {
			return err
		}
		retry = giveUp
	}
	return operatingstore.RecordAttempt(ctx, w.desk.Store, d, attempt, attempt.Error == nil, retry)
}

// write makes what a delivery says, of how things are now.
func (w *Webhooks) write(ctx context.Context, d *operatingstore.DueDelivery) error {
	var at trade.Place
	if d.Change != nil {
		at = d.Change.Place
	} else {
		var err error
		if at, err = operatingstore.LogEnd(ctx, w.desk.Store); err != nil {
			return err
		}
	}
	data, errs, err := w.Body(ctx, d.Owner, d.Topic.Topic(), d.Change, at)
	if err != nil {
		return err
	}
	body, err := json.Marshal(operating.WebhookBody{
		ID: d.ID, Type: d.Topic, Timestamp: w.desk.Now().UTC().Truncate(time.Millisecond),
		Data: data, Errors: errs,
	})
	if err != nil {
		return err
	}
	d.Body = body
	return operatingstore.KeepBody(ctx, w.desk.Store, d.ID, body)
}
