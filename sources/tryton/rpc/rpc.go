// Package rpc speaks the JSON-RPC of Tryton 6.0 (trytond): one call a request,
// in a session that is renewed when it has ended, with values that JSON has no
// word for as exact as Tryton tells them.
package rpc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"portico/sources"
)

// Client calls one database as one user.
type Client struct {
	// Check is called at each sign-in with the user's context; its error refuses
	// the session. It may be nil.
	Check func(context map[string]any) error

	server   string // its own address
	url      string // the database's
	user     string
	password func() string
	http     *http.Client

	// signing has room for one: whoever holds it may sign in, and the others wait
	// for what it finds.
	signing chan struct{}
	session session
	refused refusal
}

// session is what one sign-in brought.
type session struct {
	header  string         // Authorization
	context map[string]any // of the user: its company, language, groups
}

// refusal is a password that was not taken, and when. It is not sent again for
// a while: Tryton answers each failure later than the one before, and then to
// nobody.
type refusal struct {
	password string
	at       time.Time
}

const (
	maxAnswer  = 64 << 20         // bytes
	refusedFor = 30 * time.Second // that a refused password is not sent again
	lockFailed = "could not obtain lock"
	conflict   = "ConcurrencyException"
)

// Open makes a client of the database at address, which ends with its name, such
// as http://127.0.0.1:18000/erp. The password is asked for at each sign-in.
// Nothing is called yet.
func Open(address, user string, password func() string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") == "" {
		return nil, errors.New("url must be http or https and end with the database's name, such as http://127.0.0.1:18000/erp")
	}
	if user == "" {
		return nil, errors.New("user must be set: the login that Portico has in Tryton")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // it is that by documentation
	transport.MaxIdleConnsPerHost = 16
	return &Client{
		server: u.Scheme + "://" + u.Host + "/", url: strings.TrimRight(address, "/") + "/", user: user, password: password,
		http: &http.Client{Transport: transport}, signing: make(chan struct{}, 1),
	}, nil
}

// Version is the server's release, such as 6.0.29. It needs no session.
func (c *Client) Version(ctx context.Context) (number string, err error) {
	return number, c.send(ctx, c.server, "", "common.server.version", []any{}, &number)
}

// Call calls a method with arguments, in the user's context with more in it, and
// reads the result into told, unless that is nil. A session that has ended is
// renewed once. Errors are of package sources: of a kind that says what may be
// done next, and without a word of Tryton's, which may be anybody's data; a
// [Fault] in them has those.
func (c *Client) Call(ctx context.Context, method string, args []any, more map[string]any, result any) error {
	s, err := c.signedIn(ctx, "")
	if err != nil {
		return err
	}
	err = c.inSession(ctx, s, method, args, more, result)
	if !errors.Is(err, errSession) {
		return err
	}
	if s, err = c.signedIn(ctx, s.header); err != nil {
		return err
	}
	if err = c.inSession(ctx, s, method, args, more, result); errors.Is(err, errSession) {
		return sources.Fail(sources.Denied, "a new session is not taken")
	}
	return err
}

// Context is a value of the user's context, such as its company.
func (c *Client) Context(ctx context.Context, key string) (any, error) {
	s, err := c.signedIn(ctx, "")
	return s.context[key], err
}

// Forget ends the use of a session, so that the next call signs in: the context
// of the user may have changed.
func (c *Client) Forget() {
	c.signing <- struct{}{}
	c.session = session{}
	<-c.signing
}

func (c *Client) inSession(ctx context.Context, s session, method string, args []any, more map[string]any, result any) error {
	with := make(map[string]any, len(s.context)+len(more))
	maps.Copy(with, s.context)
	maps.Copy(with, more)
	return c.send(ctx, c.url, s.header, method, append(append(make([]any, 0, len(args)+1), args...), with), result)
}

// errSession is the answer to a session that is none.
var errSession = sources.Fail(sources.Denied, "the session has ended")

// signedIn is the session, or a new one where the one with the header old has
// ended. Of many that need a new one, one signs in.
func (c *Client) signedIn(ctx context.Context, old string) (session, error) {
	select {
	case c.signing <- struct{}{}:
		defer func() { <-c.signing }()
	case <-ctx.Done():
		return session{}, ctx.Err()
	}
	if c.session.header != old {
		return c.session, nil
	}
	password := c.password()
	if password == c.refused.password && time.Since(c.refused.at) < refusedFor {
		return session{}, sources.Fail(sources.Denied, "the password was not accepted: correct it; Portico retries within %d s",
			int(refusedFor.Seconds()))
	}
	var login []any
	err := c.send(ctx, c.url, "", "common.db.login", []any{c.user, map[string]any{"password": password}, "en"}, &login)
	if errors.Is(err, errSession) || err == nil && len(login) != 2 {
		c.refused = refusal{password, time.Now()}
		return session{}, sources.Fail(sources.Denied, "the password was not taken")
	}
	if err != nil {
		return session{}, err
	}
	s := session{header: "Session " + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%v:%v", c.user, login[0], login[1]))}
	if err := c.send(ctx, c.url, s.header, "model.res.user.get_preferences", []any{true, map[string]any{}}, &s.context); err != nil {
		return session{}, err
	}
	if c.Check != nil {
		if err := c.Check(s.context); err != nil {
			return session{}, err
		}
	}
	c.session, c.refused = s, refusal{}
	return s, nil
}

// send posts one call. Errors tell no words of Tryton's, which may be anybody's
// data.
func (c *Client) send(ctx context.Context, address, header, method string, params []any, result any) error {
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return sources.Fail(sources.Rejected, "writing the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return sources.Fail(sources.Rejected, "making the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	sources.Trace(ctx, req.Header)
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return sources.Fail(sources.Unavailable, "not reachable")
		}
		return sources.Fail(sources.Uncertain, "no answer")
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return sources.Fail(sources.Uncertain, "reading the answer: %w", err)
	}
	if len(text) > maxAnswer {
		return sources.Fail(sources.Garbled, "%w", sources.ErrTooLarge)
	}
	if err := status(resp); err != nil {
		return err
	}
	var answer struct {
		Result json.RawMessage
		Error  []json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return sources.Fail(sources.Garbled, "the answer is no JSON-RPC")
	}
	if len(answer.Error) > 0 {
		return fault(answer.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return sources.Fail(sources.Garbled, "the result has not the expected shape")
	}
	return nil
}

// status is what an HTTP status means: with the key id in a call, Tryton keeps
// them for what is not of the business.
func status(resp *http.Response) error {
	code := resp.StatusCode
	wait := sources.RetryHeader(resp.Header, time.Now())
	switch {
	case code < 300:
		return nil
	case code == http.StatusUnauthorized:
		return errSession
	case code == http.StatusForbidden:
		return sources.Fail(sources.Rejected, "a method is not there, or not allowed: a module may be missing")
	case code == http.StatusNotFound:
		return sources.Fail(sources.Rejected, "there is no such database")
	case code == http.StatusTooManyRequests:
		return &sources.Error{Kind: sources.Throttled, After: cmp.Or(wait, time.Minute), Err: errors.New("too many failed sign-ins")}
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return &sources.Error{Kind: sources.Unavailable, After: wait, Err: fmt.Errorf("status %d", code)}
	case code >= 500:
		return sources.Fail(sources.Uncertain, "status %d", code)
	}
	return sources.Fail(sources.Rejected, "status %d", code)
}

// Fault is an error as Tryton told it. Its text tells nothing of that.
type Fault struct {
	Name   string // UserError, UserWarning and so on, or the message of an exception
	Detail []json.RawMessage
}

// Error says that there was one.
func (f *Fault) Error() string { return "an error of Tryton's" }

// Words are what a rule says to people, of one that refused something.
func (f *Fault) Words() string {
	if f.Name != "UserError" || len(f.Detail) == 0 {
		return ""
	}
	var all []string
	if json.Unmarshal(f.Detail[0], &all) != nil || len(all) == 0 {
		return ""
	}
	words, _, _ := strings.Cut(all[0], "\n")
	return words[:min(len(words), 300)]
}

// fault sorts an error by its first word, never by its message, which is
// translated; but for locks, whose error is nothing but a message.
func fault(result []json.RawMessage) error {
	f := &Fault{Detail: result[1:]}
	_ = json.Unmarshal(result[0], &f.Name)
	fail := func(kind sources.Kind, why string) error { return sources.Fail(kind, "%s: %w", why, f) }
	switch {
	case f.Name == "UserError", f.Name == "UserWarning":
		return fail(sources.Rejected, "refused by a rule ("+f.Name+")")
	case f.Name == conflict:
		return fail(sources.Unavailable, "somebody else changed the record at the same time")
	case strings.HasPrefix(f.Name, lockFailed):
		return fail(sources.Unavailable, "a lock was not to be had")
	}
	return fail(sources.Garbled, "an error that is none of the known ones")
}
