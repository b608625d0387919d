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

const followOrders = `subscription ($after: EventCursor) { orderUpdates(after: $after)
	{ __typename ... on OrderUpdate { order { id } } ... on StreamCaughtUp { replayed } } }`

const endpointShown = `errors { __typename ... on InvalidInput { message path } ... on Forbidden { message path } } replayed secret
	endpoint { id url topics status disabledReason }`

func (s *server) endpoint(t *testing.T, persona string, input map[string]any) map[string]any {
	t.Helper()
	return s.good(t, persona, `mutation ($key: IdempotencyKey!, $input: WebhookEndpointInput!)
		{ saveWebhookEndpoint(idempotencyKey: $key, input: $input) { `+endpointShown+` } }`,
		map[string]any{"key": fmt.Sprintf("a webhook %d", time.Now().UnixNano()), "input": input}).at("saveWebhookEndpoint").(map[string]any)
}

func (s *server) about(t *testing.T, persona, mutation, endpoint string) map[string]any {
	t.Helper()
	return s.good(t, persona, `mutation ($key: IdempotencyKey!, $input: WebhookEndpointRef!)
		{ `+mutation+`(idempotencyKey: $key, input: $input) { `+endpointShown+` } }`,
		map[string]any{
			"key":   fmt.Sprintf("a webhook %d", time.Now().UnixNano()),
			"input": map[string]any{"endpoint": endpoint},
		}).at(mutation).(map[string]any)
}

func (s *server) hooksOf(t *testing.T, persona, endpoint string) map[string]any {
	t.Helper()
	return s.good(t, persona, `query ($id: ID!) { node(id: $id) { ... on WebhookEndpoint
		{ status disabledReason deliveries(first: 50) { totalCount { value } nodes
		{ id topic subject state body nextAttemptAt attempts { at httpStatus took error } } } } } }`,
		map[string]any{"id": endpoint}).at("node").(map[string]any)
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
	saved := p.endpoint(t, "buyer", map[string]any{"url": mine.URL + "/in", "topics": []string{"ORDER_UPDATED", "SHIPMENT_UPDATED"}})
	id, secret := say(walk(saved, "endpoint.id")), say(saved["secret"])
	if walk(saved, "endpoint.status") != "ACTIVE" || !strings.HasPrefix(secret, "whsec_") || saved["replayed"] != false {
		t.Fatalf("saved: %v", saved)
	}
	other := say(walk(p.endpoint(t, "buyer-other", map[string]any{"url": theirs.URL, "topics": []string{"ORDER_UPDATED"}}), "endpoint.id"))
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
		follow := p.follow(t, p.token(t, "buyer"), followOrders, map[string]any{"after": walk(greeting.said, "data.cursor")})
		p.until(t, 5*time.Second, "what was told since", func() bool {
			return slices.ContainsFunc(follow.items(), func(i map[string]any) bool { return walk(i, "order.id") == subject })
		})
		if after := p.follow(t, p.token(t, "buyer"), followOrders, map[string]any{"after": walk(told.said, "data.cursor")}); after != nil {
			p.until(t, 5*time.Second, "caught up", func() bool { return len(after.items()) > 0 })
			if after.items()[0]["__typename"] != "StreamCaughtUp" || after.items()[0]["replayed"] != 0.0 {
				t.Errorf("after it: %v", after.items()[0])
			}
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
		var of map[string]any
		p.until(t, 5*time.Second, "settled", func() bool {
			of = p.hooksOf(t, "buyer", id)
			return walk(of, "deliveries.nodes.0.state") == "DELIVERED"
		})
		d := walk(of, "deliveries.nodes.0")
		if walk(d, "attempts.0.httpStatus") != 503.0 || walk(d, "attempts.0.error") != "It answered 503." ||
			walk(d, "attempts.1.httpStatus") != 204.0 || walk(d, "attempts.1.error") != nil || walk(d, "nextAttemptAt") != nil ||
			walk(d, "subject") != moved || walk(d, "body.id") != walk(d, "id") {
			t.Errorf("as its owner sees it: %v", d)
		}
	})
	t.Run("a delivery is sent again when asked", func(t *testing.T) {
		before := len(mine.of(subject))
		redeliver := func(persona string) map[string]any {
			return p.good(t, persona, `mutation ($key: IdempotencyKey!, $d: ID!)
				{ redeliverWebhook(idempotencyKey: $key, input: {delivery: $d}) { errors { __typename ... on InvalidInput { code message } } delivery
				{ id state } } }`, map[string]any{
				"key": "redeliver by " + persona + " once",
				"d":   told.h.Get("webhook-id"),
			}).at("redeliverWebhook").(map[string]any)
		}
		if no := redeliver("buyer-other"); walk(no, "errors.0.code") != "NOT_FOUND" || no["delivery"] != nil {
			t.Errorf("by somebody else: %v", no)
		}
		if yes := redeliver("buyer"); walk(yes, "delivery.id") != told.h.Get("webhook-id") {
			t.Errorf("redelivered: %v", yes)
		}
		p.until(t, 10*time.Second, "sent again", func() bool { return len(mine.of(subject)) == before+1 })
		if again := mine.of(subject)[before]; string(again.body) != string(told.body) || again.h.Get("webhook-id") != told.h.Get("webhook-id") {
			t.Errorf("again: %s", again.body)
		}
	})
	t.Run("while a secret is replaced both sign", func(t *testing.T) {
		rotated := p.about(t, "buyer", "rotateWebhookSecret", id)
		anew := say(rotated["secret"])
		if anew == secret || !strings.HasPrefix(anew, "whsec_") {
			t.Fatalf("rotated: %v", rotated)
		}
		before := len(mine.of(subject))
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "told", func() bool { return len(mine.of(subject)) > before })
		if last := mine.of(subject)[before]; !last.by(secret) || !last.by(anew) {
			t.Errorf("signed: %v", last.h)
		}
	})
	t.Run("redirects are not followed", func(t *testing.T) {
		mine.next(http.StatusFound)
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "refused", func() bool {
			return walk(p.hooksOf(t, "buyer", id), "deliveries.nodes.0.attempts.0.error") == "It answered 302: redirects are not followed."
		})
	})
	t.Run("who answers Gone is sent no more", func(t *testing.T) {
		theirs.next(http.StatusGone)
		p.moved(t, "10004", 1)
		var of map[string]any
		p.until(t, 10*time.Second, "disabled", func() bool {
			of = p.hooksOf(t, "buyer-other", other)
			return of["status"] == "DISABLED_BY_FAILURE" && walk(of, "deliveries.nodes.0.state") == "FAILED" // which is kept right after
		})
		if !strings.Contains(say(of["disabledReason"]), "410 Gone") {
			t.Errorf("disabled: %v", of)
		}
		came := len(theirs.all())
		p.moved(t, "10004", 1)
		p.until(t, 10*time.Second, "looked through", func() bool {
			var all bool
			err := p.database(t).GetContext(t.Context(), &all,
				`SELECT NOT EXISTS (SELECT FROM changes c, webhook_place w WHERE (c.xid, c.seq) > (w.xid, w.seq))`)
			return err == nil && all
		})
		again := p.endpoint(t, "buyer-other", map[string]any{"id": other, "url": theirs.URL, "topics": []string{"ORDER_UPDATED"}})
		if walk(again, "endpoint.status") != "ACTIVE" || again["secret"] != nil || walk(again, "endpoint.disabledReason") != nil {
			t.Errorf("saved again: %v", again)
		}
		p.until(t, 10*time.Second, "greeted", func() bool { return len(theirs.of("StreamCaughtUp")) == 2 })
		if n := len(theirs.all()); n != came+1 {
			t.Errorf("%d came since, and nothing but a greeting was to", n-came)
		}
	})
	t.Run("an endpoint is its company's", func(t *testing.T) {
		for _, persona := range []string{"buyer-other", "supplier"} {
			if a := p.good(t, persona, `query ($id: ID!) { node(id: $id) { id } webhookEndpoints { id } }`,
				map[string]any{"id": id}); a.at("node") != nil || strings.Contains(a.Body, id) {
				t.Errorf("%s sees it: %s", persona, a.Body)
			}
			if no := p.about(t, persona, "deleteWebhookEndpoint", id); walk(no, "errors.0.__typename") != "InvalidInput" {
				t.Errorf("%s deletes it: %v", persona, no)
			}
		}
		if a := p.good(t, "operator", `{ webhookEndpoints { id } }`, nil); !strings.Contains(a.Body, id) || !strings.Contains(a.Body, other) {
			t.Errorf("operators see %s", a.Body)
		}
		if _, err := p.database(t).ExecContext(t.Context(),
			`INSERT INTO webhook_endpoints (id, url, topics, status, owner, accounts, secret)
				SELECT 'whe_many' || n, 'https://example.com/', '{ORDER_UPDATED}', 'PAUSED', '{}', '{acc_none}', 'x'
				FROM generate_series(1, 120) n`); err != nil {
			t.Fatal(err)
		}
		if all := p.good(t, "operator", `{ webhookEndpoints { id } }`, nil).at("webhookEndpoints").([]any); len(all) != 122 {
			t.Errorf("operators see %d of 122", len(all))
		}
		if a := p.good(t, "approver", `{ webhookEndpoints { id } }`, nil); !strings.Contains(a.Body, id) {
			t.Errorf("a colleague sees %s", a.Body)
		}
	})
	t.Run("what is refused", func(t *testing.T) {
		topics := []string{"SHIPMENT_UPDATED"}
		for name, c := range map[string]struct {
			persona string
			input   map[string]any
			why     string
		}{
			"no URL":              {"buyer", map[string]any{"url": "mailto:x@example.com", "topics": topics}, "absolute https URL"},
			"not https":           {"buyer", map[string]any{"url": "http://example.com/", "topics": topics}, "must be https"},
			"a private address":   {"buyer", map[string]any{"url": "https://10.0.0.1/", "topics": topics}, "public internet"},
			"a mapped one":        {"buyer", map[string]any{"url": "https://[::ffff:192.168.1.1]/", "topics": topics}, "public internet"},
			"of the cloud":        {"buyer", map[string]any{"url": "https://169.254.169.254/latest", "topics": topics}, "public internet"},
			"of no network":       {"buyer", map[string]any{"url": "https://0.0.0.0/", "topics": topics}, "public internet"},
			"with a password":     {"buyer", map[string]any{"url": "https://a:b@example.com/", "topics": topics}, "no password"},
			"no topic":            {"buyer", map[string]any{"url": mine.URL, "topics": []string{}}, "Say what to send"},
			"a topic twice":       {"buyer", map[string]any{"url": mine.URL, "topics": []string{"ORDER_UPDATED", "ORDER_UPDATED"}}, "twice"},
			"no right":            {"buyer", map[string]any{"url": mine.URL, "topics": []string{"PURCHASE_ORDER_UPDATED"}}, "may not follow"},
			"of a supplier":       {"supplier", map[string]any{"url": mine.URL, "topics": []string{"ORDER_UPDATED"}}, "may not follow"},
			"somebody else's":     {"supplier", map[string]any{"id": id, "url": mine.URL, "topics": topics}, "no such endpoint"},
			"a very long address": {"buyer", map[string]any{"url": mine.URL + strings.Repeat("/x", 1000), "topics": topics}, "at most 2000"},
		} {
			if got := p.endpoint(t, c.persona, c.input); !strings.Contains(say(walk(got, "errors.0.message")), c.why) || got["endpoint"] != nil ||
				got["secret"] != nil {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
	t.Run("what waits is sent after a restart, and a paused one is sent nothing", func(t *testing.T) {
		came := len(theirs.all())
		p.endpoint(t, "buyer-other", map[string]any{"id": other, "url": theirs.URL, "topics": []string{"ORDER_UPDATED"}, "active": false})
		p.moved(t, "10004", 1)
		mine.next(http.StatusBadGateway)
		before := len(mine.of(subject))
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "tried", func() bool { return len(mine.of(subject)) == before+1 })
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
			a, err := p.ask(t.Context(), p.token(t, "buyer"), `{ viewer { __typename } }`, nil)
			return err == nil && a.Status == http.StatusUnauthorized
		})
		p.moved(t, "10001", 1)
		p.until(t, 10*time.Second, "disabled", func() bool { return p.hooksOf(t, "operator", id)["status"] == "DISABLED_BY_FAILURE" })
		if reason := say(p.hooksOf(t, "operator", id)["disabledReason"]); !strings.Contains(reason, "has no access any more") {
			t.Errorf("the reason: %s", reason)
		}
		if gone := p.about(t, "operator", "deleteWebhookEndpoint", id); gone["endpoint"] != nil || len(gone["errors"].([]any)) > 0 {
			t.Errorf("deleted: %v", gone)
		}
	})
}
