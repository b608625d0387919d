// Package notify is how partners are told of what happens who keep no connection: what they
// are told, and how it is signed and sent.
package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"portico/telemetry"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

//go:embed *.graphql
var documents embed.FS

// Document is the subscription that a topic is told with, under the name update: what is sent
// is what it would tell.
func Document(t trade.Topic) string {
	text, err := documents.ReadFile(strings.ToLower(string(t)) + ".graphql")
	if err != nil {
		panic(err) // a topic without one
	}
	return string(text)
}

const (
	answerWithin = 15 * time.Second
	lookUpWithin = 3 * time.Second
	mostOfAnswer = 64 << 10 // read of an answer, so that its connection can be used again
	agent        = "Portico-Webhooks/1.0"
)

// Client sends to addresses on the public internet, and to no others but those of networks that
// are allowed. It follows no redirects and goes by no proxy.
type Client struct {
	allowed []netip.Prefix
	now     func() time.Time // that is signed as when a body was sent
	guard   *ssrf.Guardian
	http    *http.Client
}

// New makes a client that may reach some networks besides the public internet.
func New(allowed []netip.Prefix, now func() time.Time) *Client {
	var v4, v6 []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	guard := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	c := &Client{allowed: allowed, now: now, guard: guard}
	// The address is judged as it is dialled: a name may lead elsewhere than when it was saved.
	dialer := &net.Dialer{Timeout: answerWithin, Control: c.guard.Safe}
	c.http = &http.Client{
		Timeout: answerWithin,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: answerWithin,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Plain tells whether a host may be sent to without TLS: one of a network that is allowed.
func (c *Client) Plain(host string) bool {
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(c.allowed, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// Unreachable says why an address cannot be sent to, as far as can be known before, in words
// for who asks for it; nothing where it can.
func (c *Client) Unreachable(ctx context.Context, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "It is no URL."
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fmt.Sprintf("There is no host %s.", u.Hostname())
	}
	for _, ip := range found {
		network := "tcp4"
		if ip = ip.Unmap(); ip.Is6() {
			network = "tcp6"
		}
		if c.guard.Safe(network, netip.AddrPortFrom(ip, 443).String(), nil) != nil {
			return private
		}
	}
	return ""
}

const private = "It must be an address on the public internet."

// Sign is the value of the header webhook-signature, as Standard Webhooks 1.0 has it: a
// signature with each secret, of an id, a moment in seconds since 1970, and a body.
func Sign(id string, at int64, body []byte, secrets []string) (string, error) {
	var all []string
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			return "", errors.New("a secret is no base64")
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.", id, at)
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " "), nil
}

// Post sends a body under an id, signed with each secret. What answers with 2xx has taken it.
func (c *Client) Post(ctx context.Context, address, id string, body []byte, secrets []string) operating.DeliveryAttempt {
	begun, watch := c.now(), clock.Start()
	status, err := c.post(ctx, address, id, body, secrets, begun)
	a := operating.DeliveryAttempt{At: begun.UTC().Truncate(time.Millisecond), Took: watch.Elapsed()}
	if status != 0 {
		a.HTTPStatus = &status
	}
	var why string
	switch {
	case err != nil:
		why = unreached(err)
	case status >= 300 && status < 400:
		why = fmt.Sprintf("It answered %d: redirects are not followed.", status)
	case status >= 300:
		why = fmt.Sprintf("It answered %d.", status)
	default:
		return a
	}
	a.Error = &why
	return a
}

func (c *Client) post(ctx context.Context, address, id string, body []byte, secrets []string, at time.Time) (status int, err error) {
	signature, err := Sign(id, at.Unix(), body, secrets)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	if parent := telemetry.Traceparent(ctx); parent != "" {
		req.Header.Set("Traceparent", parent)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, mostOfAnswer)
	return resp.StatusCode, nil
}

// unreached says why nobody answered, in words that tell nothing of where we are.
func unreached(err error) string {
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) || errors.Is(err, ssrf.ErrProhibitedPort) {
		return private
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "Its host cannot be found."
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Sprintf("It did not answer within %s.", answerWithin)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "Its certificate is by nobody who is known."
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "Its certificate is for another host."
	}
	if expired, ok := errors.AsType[x509.CertificateInvalidError](err); ok && expired.Reason == x509.Expired {
		return "Its certificate has expired."
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Sprintf("It could not be reached: %s.", errno)
	}
	return "It could not be reached."
}
