// Package pushed is what adapters share that are pushed news: schemes of signing, and how
// JSON, moments and meanings are read that others wrote.
package pushed

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"portico/sources"
)

// Secrets are the secrets that a sender may sign with, as of now: while one is replaced both
// hold.
type Secrets func() []string

// Verify tells whether a delivery is the sender's own, by the scheme that it signs with, and the
// delivery's id where the scheme has one. It fails with [sources.Denied].
type Verify func(h http.Header, body []byte, secrets []string, now time.Time) (id string, err error)

// Schemes are the schemes by the names they have in the configuration.
var Schemes = map[string]Verify{"standard-webhooks": standardWebhooks, "easypost": easyPost, "dcsa": dcsa, "bearer": bearer}

// tolerance is how far a sender's clock may be off.
const tolerance = 5 * time.Minute

func denied(format string, args ...any) error { return sources.Fail(sources.Denied, format, args...) }

// standardWebhooks is the symmetric scheme of Standard Webhooks 1.0: HMAC-SHA256 over id,
// timestamp and body, with a secret that begins with whsec_.
func standardWebhooks(h http.Header, body []byte, secrets []string, now time.Time) (string, error) {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	if id == "" || at == "" || h.Get("Webhook-Signature") == "" {
		return "", denied("the headers webhook-id, webhook-timestamp and webhook-signature must be sent")
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return "", denied("webhook-timestamp must be seconds since 1970")
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > tolerance || d < -tolerance {
		return "", denied("webhook-timestamp is more than %s from now: sign each request when it is sent", tolerance)
	}
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			continue
		}
		want := sum(key, []byte(id+"."+at+"."), body)
		for _, signature := range strings.Fields(h.Get("Webhook-Signature")) {
			text, is := strings.CutPrefix(signature, "v1,")
			got, err := base64.StdEncoding.DecodeString(text)
			if is && err == nil && hmac.Equal(got, want) {
				return id, nil
			}
		}
	}
	return "", denied("webhook-signature is by none of the secrets that are in force")
}

// easyPost is EasyPost's X-Hmac-Signature: HMAC-SHA256 over the body, with the secret in
// Unicode's form NFKD. It says nothing of when it was sent.
func easyPost(h http.Header, body []byte, secrets []string, _ time.Time) (string, error) {
	return "", hexSigned(h, "X-Hmac-Signature", "hmac-sha256-hex=", body, secrets, norm.NFKD.String)
}

// dcsa is the Notification-Signature of DCSA's subscriptions: HMAC-SHA256 over the body.
func dcsa(h http.Header, body []byte, secrets []string, _ time.Time) (string, error) {
	return "", hexSigned(h, "Notification-Signature", "sha256=", body, secrets, func(s string) string { return s })
}

func hexSigned(h http.Header, header, prefix string, body []byte, secrets []string, form func(string) string) error {
	text, is := strings.CutPrefix(h.Get(header), prefix)
	got, err := hex.DecodeString(text)
	if !is || err != nil {
		return denied("the header %s must be %s and a signature in hexadecimal", header, prefix)
	}
	if !slices.ContainsFunc(secrets, func(secret string) bool { return hmac.Equal(got, sum([]byte(form(secret)), body)) }) {
		return denied("%s is by none of the secrets that are in force", header)
	}
	return nil
}

// bearer is a secret that is sent along, for senders that sign nothing.
func bearer(h http.Header, _ []byte, secrets []string, _ time.Time) (string, error) {
	token, is := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if !is || !slices.ContainsFunc(secrets,
		func(secret string) bool { return subtle.ConstantTimeCompare([]byte(secret), []byte(token)) == 1 }) {
		return "", denied("the header Authorization must be Bearer and a secret that is in force")
	}
	return "", nil
}

func sum(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// NoScheme is the error for a scheme of signing that there is not.
func NoScheme(name string) error {
	return fmt.Errorf("webhook.scheme is %q: it must be one of %s", name, strings.Join(slices.Sorted(maps.Keys(Schemes)), ", "))
}
