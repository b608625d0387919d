package pushed

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/sources"
)

// TestStandardWebhooksVector is the example of the specification of Standard Webhooks.
func TestStandardWebhooksVector(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body, at := []byte(`{"test": 2432232314}`), time.Unix(1614265330, 0)
	h := http.Header{
		"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}
	if id, err := standardWebhooks(h, body, []string{secret}, at); err != nil || id != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
		t.Errorf("%s, %v", id, err)
	}
	if _, err := standardWebhooks(h, body, []string{"whsec_b3RoZXI=", secret}, at.Add(4*time.Minute)); err != nil {
		t.Errorf("while a secret is replaced: %v", err)
	}
	for name, c := range map[string]struct {
		body   string
		secret string
		at     time.Time
	}{
		"another body": {`{"test": 2432232315}`, secret, at}, "another secret": {string(body), "whsec_b3RoZXI=", at},
		"a secret that is none": {string(body), "whsec_???", at}, "late": {string(body), secret, at.Add(6 * time.Minute)},
		"early": {string(body), secret, at.Add(-6 * time.Minute)},
	} {
		if _, err := standardWebhooks(h, []byte(c.body), []string{c.secret}, c.at); sources.KindOf(err) != sources.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHexSignatures holds the schemes to HMAC-SHA256 of RFC 4231, test case 2.
func TestHexSignatures(t *testing.T) {
	const want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	body := []byte("what do ya want for nothing?")
	for name, c := range map[string]struct {
		verify Verify
		header string
		prefix string
	}{"easypost": {easyPost, "X-Hmac-Signature", "hmac-sha256-hex="}, "dcsa": {dcsa, "Notification-Signature", "sha256="}} {
		h := http.Header{}
		for text, ok := range map[string]bool{
			c.prefix + want: true, want: false, c.prefix: false, c.prefix + strings.Repeat("0", 64): false,
			c.prefix + want + "00": false,
		} {
			h.Set(c.header, text)
			if _, err := c.verify(h, body, []string{"Jefe"}, time.Now()); (err == nil) != ok {
				t.Errorf("%s: %q: %v", name, text, err)
			}
		}
		if _, err := c.verify(h, body, nil, time.Now()); err == nil {
			t.Errorf("%s: without a secret", name)
		}
	}
	// A secret counts however its accents are written.
	h := http.Header{"X-Hmac-Signature": {"hmac-sha256-hex=" + hex.EncodeToString(sum([]byte("se\u0301cret"), body))}}
	if _, err := easyPost(h, body, []string{"s\u00e9cret"}, time.Now()); err != nil {
		t.Errorf("an accent: %v", err)
	}
}
