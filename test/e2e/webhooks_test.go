package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// hook is an address of a partner, and what came there.
type hook struct {
	*httptest.Server
	mu      sync.Mutex
	answers []int // to what comes next; 204 to all after
	came    []*hooked
}

type hooked struct {
	h    http.Header
	body []byte
	said map[string]any
}

func hooks(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in := &hooked{h: r.Header, body: body}
		_ = json.Unmarshal(body, &in.said)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.came = append(h.came, in)
		status := http.StatusNoContent
		if len(h.answers) > 0 {
			status, h.answers = h.answers[0], h.answers[1:]
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) all() []*hooked {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.came)
}

func (h *hook) next(answers ...int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers = answers
}

// of are those about a subject.
func (h *hook) of(subject string) (found []*hooked) {
	for _, in := range h.all() {
		if subject == say(walk(in.said, "data.order.id")) || subject == say(walk(in.said, "data.__typename")) {
			found = append(found, in)
		}
	}
	return found
}

// topics are those of the greetings.
func (h *hook) topics() (all []string) {
	for _, in := range h.of("StreamCaughtUp") {
		all = append(all, strings.TrimSuffix(say(in.said["type"]), "_UPDATED"))
	}
	return all
}

// by tells whether a secret signed it.
func (in *hooked) by(secret string) bool {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	want := "v1," + base64.StdEncoding.EncodeToString(mac(key,
		[]byte(in.h.Get("webhook-id")+"."+in.h.Get("webhook-timestamp")+"."+string(in.body))))
	return slices.Contains(strings.Fields(in.h.Get("webhook-signature")), want)
}

func webhookKey() string { return fmt.Sprintf("a webhook %d", time.Now().UnixNano()) }

func (s *server) endpoint(t *testing.T, persona string, in api.WebhookEndpointInput) api.SavedWebhookEndpoint {
	t.Helper()
	return must(api.SaveWebhookEndpoint(s.as(t, persona), webhookKey(), in)).SaveWebhookEndpoint
}

func (s *server) deleteEndpoint(t *testing.T, persona, id string) api.SavedWebhookEndpoint {
	t.Helper()
	return must(api.DeleteWebhookEndpoint(s.as(t, persona), webhookKey(), api.WebhookEndpointRef{Endpoint: id})).DeleteWebhookEndpoint
}

func (s *server) hooksOf(t *testing.T, persona, endpoint string) *api.WebhookNodeWebhookEndpoint {
	t.Helper()
	of, ok := must(api.Webhook(s.as(t, persona), endpoint)).Node.(*api.WebhookNodeWebhookEndpoint)
	if !ok {
		t.Fatalf("%s does not see the endpoint %s", persona, endpoint)
	}
	return of
}

// endpointsOf are the ids of the endpoints that a persona sees.
func (s *server) endpointsOf(t *testing.T, persona string) (ids []string) {
	t.Helper()
	for _, e := range must(api.WebhookEndpoints(s.as(t, persona))).WebhookEndpoints {
		ids = append(ids, e.Id)
	}
	return ids
}

// moved are orders of an account to which something happens.
func (s *server) moved(t *testing.T, account string, n int) (ids []string) {
	t.Helper()
	const query = `UPDATE orders SET status = CASE status WHEN 'ON_HOLD' THEN 'CONFIRMED' ELSE 'ON_HOLD' END
		WHERE id IN (SELECT o.id FROM orders o JOIN accounts a ON a.id = o.account_id WHERE a.number = $1 ORDER BY o.number LIMIT $2)
		RETURNING id`
	if err := s.database(t).SelectContext(t.Context(), &ids, query, account, n); err != nil || len(ids) != n {
		t.Fatalf("%d orders: %v", len(ids), err)
	}
	return ids
}

// Covers: T02 X02 R02 T01
func TestWebhooksTellPartners(t *testing.T) {
	t.Parallel()
	p := pushingAt(t)
	mine, theirs := hooks(t), hooks(t)
	ofOrders := []api.WebhookTopic{api.WebhookTopicOrderUpdated}
	ofShipments := []api.WebhookTopic{api.WebhookTopicShipmentUpdated}
	saved := p.endpoint(t, "buyer", api.WebhookEndpointInput{Url: mine.URL + "/in", Topics: slices.Concat(ofOrders, ofShipments)})
	id, secret := saved.Endpoint.Id, val(saved.Secret)
	if saved.Endpoint.Status != api.WebhookStatusActive || !strings.HasPrefix(secret, "whsec_") || saved.Replayed {
		t.Fatalf("saved: %s", asJSON(saved))
	}
	other := p.endpoint(t, "buyer-other", api.WebhookEndpointInput{Url: theirs.URL, Topics: ofOrders}).Endpoint.Id
	p.until(t, 10*time.Second, "greeted", func() bool { return len(mine.of("StreamCaughtUp")) == 1 && len(theirs.of("StreamCaughtUp")) == 1 })
	greeting := mine.of("StreamCaughtUp")[0]
	if greeting.said["type"] != "ORDER_UPDATED" || !greeting.by(secret) || greeting.by(pushSecret) ||
		!strings.HasPrefix(greeting.h.Get("webhook-id"), "whd_") || greeting.h.Get("Content-Type") != "application/json" {
		t.Errorf("greeting: %v %s", greeting.h, greeting.body)
	}
	subject := p.moved(t, "10001", 1)[0]
	foreign := p.moved(t, "10004", 1)[0]
	p.until(t, 10*time.Second, "told", func() bool { return len(mine.of(subject)) == 1 && len(theirs.of(foreign)) == 1 })
	told := mine.of(subject)[0]
	if !told.by(secret) || told.said["type"] != "ORDER_UPDATED" || walk(told.said, "data.__typename") != "OrderUpdate" ||
		walk(told.said, "data.order.status") == nil || walk(told.said, "data.previousStatus") == nil || told.said["errors"] != nil {
		t.Errorf("told: %s", told.body)
	}
	if len(theirs.of(subject)) > 0 || len(mine.of(foreign)) > 0 {
		t.Error("an order of somebody else is told")
	}
	t.Run("where it stands, one can go on by a stream", func(t *testing.T) {
		after := func(cursor any) *stream {
			return p.follow(t, p.token(t, "buyer"), api.OrderUpdates_Operation, map[string]any{"after": cursor})
		}
		since := after(walk(greeting.said, "data.cursor"))
		p.until(t, 5*time.Second, "what was told since", func() bool {
			return slices.ContainsFunc(orderUpdates(t, since),
				func(u *api.OrderStreamOrderUpdate) bool { return u.Order.Id == subject })
		})
		nothing := after(walk(told.said, "data.cursor"))
		p.until(t, 5*time.Second, "caught up", func() bool { return nothing.received() > 0 })
		first := updatesOf[api.OrderUpdatesResponse](t, nothing)[0].OrderUpdates
		if caughtUp, ok := first.(*api.OrderStreamStreamCaughtUp); !ok || caughtUp.Replayed != 0 {
			t.Errorf("after it: %s", asJSON(first))
		}
	})
	t.Run("what is not taken is sent again, and says the same", func(t *testing.T) {
		mine.next(http.StatusServiceUnavailable)
		moved := p.moved(t, "10001", 1)[0]
		p.until(t, 30*time.Second, "again", func() bool { return len(mine.of(moved)) == 3 })
		all := mine.of(moved)[1:] // the first was told before
		if string(all[0].body) != string(all[1].body) || all[0].h.Get("webhook-id") != all[1].h.Get("webhook-id") || !all[1].by(secret) {
			t.Errorf("again: %s, %s", all[0].body, all[1].body)
		}
		d := at(p.hooksOf(t, "buyer", id).Deliveries.Nodes, 0)
		p.until(t, 5*time.Second, "settled", func() bool {
			d = at(p.hooksOf(t, "buyer", id).Deliveries.Nodes, 0)
			return d.State == api.DeliveryStateDelivered
		})
		var body struct{ ID string }
		if err := json.Unmarshal(d.Body, &body); err != nil {
			t.Error(err)
		}
		if len(d.Attempts) < 2 || val(d.Attempts[0].HttpStatus) != 503 || val(d.Attempts[0].Error) != "It answered 503." ||
			val(d.Attempts[1].HttpStatus) != 204 || d.Attempts[1].Error != nil || d.NextAttemptAt != nil ||
			d.Subject != moved || body.ID != d.Id {
			t.Errorf("as its owner sees it: %s", asJSON(d))
		}
	})
	t.Run("a delivery is sent again when asked", func(t *testing.T) {
		before := len(mine.of(subject))
		redeliver := func(persona string) api.RedeliverWebhookRedeliverWebhookWebhookDeliveryPayload {
			return must(api.RedeliverWebhook(p.as(t, persona), "redeliver by "+persona+" once",
				api.RedeliverWebhookInput{Delivery: told.h.Get("webhook-id")})).RedeliverWebhook
		}
		if no := redeliver("buyer-other"); at(no.Errors, 0).Code != "NOT_FOUND" || !null(no.Delivery) {
			t.Errorf("by somebody else: %s", asJSON(no))
		}
		if yes := redeliver("buyer"); yes.Delivery.Id != told.h.Get("webhook-id") {
			t.Errorf("redelivered: %s", asJSON(yes))
		}
		p.until(t, 10*time.Second, "sent again", func() bool { return len(mine.of(subject)) == before+1 })
		if again := mine.of(subject)[before]; string(again.body) != string(told.body) || again.h.Get("webhook-id") != told.h.Get("webhook-id") {
			t.Errorf("again: %s", again.body)
		}
	})
	t.Run("while a secret is replaced both sign", func(t *testing.T) {
		rotated := must(api.RotateWebhookSecret(p.as(t, "buyer"), webhookKey(), api.WebhookEndpointRef{Endpoint: id})).RotateWebhookSecret
		next := val(rotated.Secret)
		if next == secret || !strings.HasPrefix(next, "whsec_") {
			t.Fatalf("rotated: %s", asJSON(rotated))
		}
		before := len(mine.of(subject))
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "told", func() bool { return len(mine.of(subject)) > before })
		if last := mine.of(subject)[before]; !last.by(secret) || !last.by(next) {
			t.Errorf("signed: %v", last.h)
		}
	})
	t.Run("redirects are not followed", func(t *testing.T) {
		mine.next(http.StatusFound)
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "refused", func() bool {
			first := at(at(p.hooksOf(t, "buyer", id).Deliveries.Nodes, 0).Attempts, 0)
			return val(first.Error) == "It answered 302: redirects are not followed."
		})
		p.until(t, 30*time.Second, "sent again", func() bool { // or its second attempt is taken for another delivery below
			return at(p.hooksOf(t, "buyer", id).Deliveries.Nodes, 0).State == api.DeliveryStateDelivered
		})
	})
	t.Run("who answers Gone is sent no more", func(t *testing.T) {
		theirs.next(http.StatusGone)
		p.moved(t, "10004", 1)
		var of *api.WebhookNodeWebhookEndpoint
		p.until(t, 10*time.Second, "disabled", func() bool {
			of = p.hooksOf(t, "buyer-other", other)
			return of.Status == api.WebhookStatusDisabledByFailure &&
				at(of.Deliveries.Nodes, 0).State == api.DeliveryStateFailed // which is kept right after
		})
		if !strings.Contains(val(of.DisabledReason), "410 Gone") {
			t.Errorf("disabled: %s", asJSON(of))
		}
		came := len(theirs.all())
		p.moved(t, "10004", 1)
		p.until(t, 10*time.Second, "looked through", func() bool {
			var all bool
			err := p.database(t).GetContext(t.Context(), &all,
				`SELECT NOT EXISTS (SELECT FROM changes c, webhook_place w WHERE (c.xid, c.seq) > (w.xid, w.seq))`)
			return err == nil && all
		})
		enabled := p.endpoint(t, "buyer-other", api.WebhookEndpointInput{Id: &other, Url: theirs.URL, Topics: ofOrders})
		if enabled.Endpoint.Status != api.WebhookStatusActive || enabled.Secret != nil || enabled.Endpoint.DisabledReason != nil {
			t.Errorf("saved once more: %s", asJSON(enabled))
		}
		p.until(t, 10*time.Second, "greeted", func() bool { return len(theirs.of("StreamCaughtUp")) == 2 })
		if n := len(theirs.all()); n != came+1 {
			t.Errorf("%d came since, and nothing but a greeting was to", n-came)
		}
	})
	t.Run("an endpoint is its company's", func(t *testing.T) {
		for _, persona := range []string{"buyer-other", "supplier"} {
			node, listed := must(api.Node(p.as(t, persona), id)).Node, p.endpointsOf(t, persona)
			if !null(node) || slices.Contains(listed, id) {
				t.Errorf("%s sees it: %+v, %v", persona, node, listed)
			}
			if no := p.deleteEndpoint(t, persona, id); at(no.Errors, 0).Typename != "InvalidInput" {
				t.Errorf("%s deletes it: %s", persona, asJSON(no))
			}
		}
		if all := p.endpointsOf(t, "operator"); !slices.Contains(all, id) || !slices.Contains(all, other) {
			t.Errorf("operators see %v", all)
		}
		if _, err := p.database(t).ExecContext(t.Context(),
			`INSERT INTO webhook_endpoints (id, url, topics, status, owner, accounts, secret)
				SELECT 'whe_many' || n, 'https://example.com/', '{ORDER_UPDATED}', 'PAUSED', '{}', '{acc_none}', 'x'
				FROM generate_series(1, 120) n`); err != nil {
			t.Fatal(err)
		}
		if all := p.endpointsOf(t, "operator"); len(all) != 122 {
			t.Errorf("operators see %d of 122", len(all))
		}
		if all := p.endpointsOf(t, "approver"); !slices.Contains(all, id) {
			t.Errorf("a colleague sees %v", all)
		}
	})
	t.Run("what is refused", func(t *testing.T) {
		at := func(url string) api.WebhookEndpointInput {
			return api.WebhookEndpointInput{Url: url, Topics: ofShipments}
		}
		of := func(topics ...api.WebhookTopic) api.WebhookEndpointInput {
			return api.WebhookEndpointInput{Url: mine.URL, Topics: topics}
		}
		for name, c := range map[string]struct {
			persona string
			in      api.WebhookEndpointInput
			why     string
		}{
			"no URL":              {"buyer", at("mailto:x@example.com"), "absolute https URL"},
			"not https":           {"buyer", at("http://example.com/"), "must be https"},
			"a private address":   {"buyer", at("https://10.0.0.1/"), "public internet"},
			"a mapped one":        {"buyer", at("https://[::ffff:192.168.1.1]/"), "public internet"},
			"of the cloud":        {"buyer", at("https://169.254.169.254/latest"), "public internet"},
			"of no network":       {"buyer", at("https://0.0.0.0/"), "public internet"},
			"with a password":     {"buyer", at("https://a:b@example.com/"), "no password"},
			"no topic":            {"buyer", of([]api.WebhookTopic{}...), "Say what to send"},
			"a topic twice":       {"buyer", of(api.WebhookTopicOrderUpdated, api.WebhookTopicOrderUpdated), "twice"},
			"no right":            {"buyer", of(api.WebhookTopicPurchaseOrderUpdated), "may not follow"},
			"of a supplier":       {"supplier", of(api.WebhookTopicOrderUpdated), "may not follow"},
			"somebody else's":     {"supplier", api.WebhookEndpointInput{Id: &id, Url: mine.URL, Topics: ofShipments}, "no such endpoint"},
			"a very long address": {"buyer", at(mine.URL + strings.Repeat("/x", 1000)), "at most 2000"},
		} {
			got := p.endpoint(t, c.persona, c.in)
			if len(got.Errors) == 0 || !strings.Contains(got.Errors[0].Message, c.why) || !null(got.Endpoint.Id) || got.Secret != nil {
				t.Errorf("%s: %s", name, asJSON(got))
			}
		}
	})
	t.Run("what waits is sent after a restart, and a paused one is sent nothing", func(t *testing.T) {
		came := len(theirs.all())
		p.endpoint(t, "buyer-other", api.WebhookEndpointInput{Id: &other, Url: theirs.URL, Topics: ofOrders, Active: new(false)})
		p.moved(t, "10004", 1)
		mine.next(http.StatusBadGateway)
		before := len(mine.of(subject))
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "tried", func() bool { return len(mine.of(subject)) > before })
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		p.again(t)
		p.until(t, 30*time.Second, "sent", func() bool { return len(mine.of(subject)) >= before+2 })
		if n := len(theirs.all()); n != came {
			t.Errorf("%d were sent to one that is paused", n-came)
		}
	})
	t.Run("who is not let in any more is told no more", func(t *testing.T) {
		cmd := exec.Command(binary, "revoke", "--subject", "persona|buyer")
		cmd.Env = append(cmd.Environ(), "PORTICO_DATA="+p.data)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s, %v", out, err)
		}
		p.until(t, 5*time.Second, "known to be revoked", func() bool {
			a, err := p.ask(t.Context(), p.token(t, "buyer"), api.ViewerType_Operation, nil)
			return err == nil && a.Status == http.StatusUnauthorized
		})
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "disabled", func() bool { return p.hooksOf(t, "operator", id).Status == api.WebhookStatusDisabledByFailure })
		if reason := val(p.hooksOf(t, "operator", id).DisabledReason); !strings.Contains(reason, "has no access any more") {
			t.Errorf("the reason: %s", reason)
		}
		if gone := p.deleteEndpoint(t, "operator", id); !null(gone.Endpoint.Id) || len(gone.Errors) > 0 {
			t.Errorf("deleted: %s", asJSON(gone))
		}
	})
}
