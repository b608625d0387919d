package tryton

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
	"strconv"
	"strings"
	"time"

	"portico/sources"
)

// client speaks Tryton's JSON-RPC (trytond 6.0): one call a request, a session
// for all of them, and a context at the end of every call's arguments.
type client struct {
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

func open(address, user string, password func() string) (*client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") == "" {
		return nil, errors.New("url must be http or https and end with the database's name, such as http://127.0.0.1:18000/erp")
	}
	if user == "" {
		return nil, errors.New("user must be set: the login that Portico has in Tryton")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	return &client{server: u.Scheme + "://" + u.Host + "/", url: strings.TrimRight(address, "/") + "/", user: user, password: password, http: &http.Client{Transport: transport}, signing: make(chan struct{}, 1)}, nil
}

// call calls a method with arguments, in the user's context with more in it, and
// reads the result into told. A session that has ended is renewed once.
func (c *client) call(ctx context.Context, method string, args []any, more map[string]any, told any) error {
	s, err := c.signedIn(ctx, "")
	if err != nil {
		return err
	}
	err = c.inSession(ctx, s, method, args, more, told)
	if !errors.Is(err, errSession) {
		return err
	}
	if s, err = c.signedIn(ctx, s.header); err != nil {
		return err
	}
	if err = c.inSession(ctx, s, method, args, more, told); errors.Is(err, errSession) {
		return sources.Fail(sources.Denied, "a new session is not taken")
	}
	return err
}

func (c *client) inSession(ctx context.Context, s session, method string, args []any, more map[string]any, told any) error {
	with := make(map[string]any, len(s.context)+len(more))
	maps.Copy(with, s.context)
	maps.Copy(with, more)
	return c.send(ctx, c.url, s.header, method, append(append(make([]any, 0, len(args)+1), args...), with), told)
}

// errSession is the answer to a session that is none.
var errSession = sources.Fail(sources.Denied, "the session has ended")

// signedIn is the session, or a new one where the one with the header old has
// ended. Of many that need a new one, one signs in.
func (c *client) signedIn(ctx context.Context, old string) (session, error) {
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
		return session{}, sources.Fail(sources.Denied, "the password was not taken: correct it, it is tried again within %d s", int(refusedFor.Seconds()))
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
	if s.context["company"] == nil {
		return session{}, sources.Fail(sources.Rejected, "the user has no company in Tryton: set one, or prices and credit limits are not readable")
	}
	c.session, c.refused = s, refusal{}
	return s, nil
}

// send posts one call. Errors tell no words of Tryton's, which may be anybody's
// data.
func (c *client) send(ctx context.Context, address, header, method string, params []any, told any) error {
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return sources.Fail(sources.Rejected, "writing the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return sources.Fail(sources.Rejected, "making the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
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
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return sources.Fail(sources.Uncertain, "reading the answer: %w", err)
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
		return fault(answer.Error[0])
	}
	if err := json.Unmarshal(answer.Result, told); err != nil {
		return sources.Fail(sources.Garbled, "the result has not the expected shape")
	}
	return nil
}

// status is what an HTTP status means: with the key id in a call, Tryton keeps
// them for what is not of the business.
func status(resp *http.Response) error {
	code := resp.StatusCode
	after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	wait := time.Duration(after) * time.Second
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

// fault sorts an error by its first word, never by its message, which is
// translated; but for locks, whose error is nothing but a message.
func fault(first json.RawMessage) error {
	var name string
	_ = json.Unmarshal(first, &name)
	switch {
	case name == "UserError", name == "UserWarning":
		return sources.Fail(sources.Rejected, "refused by a rule (%s)", name)
	case name == conflict:
		return sources.Fail(sources.Unavailable, "somebody else changed the record at the same time")
	case strings.HasPrefix(name, lockFailed):
		return sources.Fail(sources.Unavailable, "a lock was not to be had")
	}
	return sources.Fail(sources.Garbled, "an error that is none of the known ones")
}
