// Package carriers receives what carriers and visibility services tell: signed webhooks,
// read by a mapping that is data. What a service lists is recovered where it was not pushed.
package carriers

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"portico/sources"
	"portico/sources/pushed"
	"portico/trade"
)

// Config is what a source of this package needs.
type Config struct {
	URL     string        // of its API, where what was not pushed is asked for; empty where it is not
	Key     func() string // for its API
	Scheme  string        // that it signs with, by name; empty where it does not push
	Secrets pushed.Secrets
	Zone    *time.Location // of times without an offset
}

// Source is a carrier or visibility service whose deliveries a mapping reads.
type Source struct {
	config  Config
	mapping *Mapping
	verify  pushed.Verify
}

// Open makes a source that only pushes.
func Open(c Config, m *Mapping) (*Source, error) {
	s := &Source{config: c, mapping: m.own(c.Zone)}
	if c.Scheme != "" {
		if s.verify = pushed.Schemes[c.Scheme]; s.verify == nil {
			return nil, pushed.NoScheme(c.Scheme)
		}
	}
	return s, nil
}

// Kind is a logistics system.
func (*Source) Kind() trade.SourceKind { return trade.Logistics }

// Ping has nothing to ask: the system calls us.
func (*Source) Ping(context.Context) error { return nil }

// Delivery verifies a delivery and tells its id.
func (s *Source) Delivery(h http.Header, body []byte, now time.Time) (string, error) {
	if s.verify == nil {
		return "", sources.Fail(sources.Denied, "this source does not push: it is asked")
	}
	id, err := s.verify(h, body, s.config.Secrets(), now)
	if err == nil && id == "" {
		id = s.mapping.ID(body)
	}
	return id, err
}

// Translate reads a delivery as the mapping says.
func (s *Source) Translate(body []byte) (sources.News, error) {
	return s.mapping.Translate(body)
}

// Codes is the table of what its codes mean.
func (s *Source) Codes() *sources.Codes { return s.mapping.table }

// Pushes tells whether the service pushes.
func (s *Source) Pushes() bool { return s.verify != nil }

//go:embed easypost.yaml
var easyPostText []byte

//go:embed dcsa.yaml
var dcsaText []byte

//go:embed dcsa3.yaml
var dcsa3Text []byte

//go:embed example.yaml
var exampleText []byte

// Mappings are the mappings of this package, by the formats' names.
var Mappings = func() map[string]*Mapping {
	all := map[string]*Mapping{}
	for name, text := range map[string][]byte{"easypost": easyPostText, "dcsa": dcsaText, "dcsa3": dcsa3Text, "example": exampleText} {
		m, err := ReadMapping(text)
		if err != nil {
			panic(name + ": " + err.Error())
		}
		all[name] = m
	}
	all["dcsa3"].table = all["dcsa"].table // which is the same
	all["dcsa"].Newer = []*Mapping{all["dcsa3"]}
	return all
}()

// EasyPost is a source that pushes trackers, and lists them.
type EasyPost struct {
	*Source
	api
}

// OpenEasyPost connects to EasyPost.
func OpenEasyPost(c Config) (*EasyPost, error) {
	s, err := Open(c, Mappings["easypost"])
	if err != nil {
		return nil, err
	}
	a, err := newAPI(c, func(r *http.Request, key string) { r.SetBasicAuth(key, "") })
	return &EasyPost{s, a}, err
}

// listed is how many things are asked for at once.
const listed = 100

// Recover lists trackers, newest first; a place is the tracker after which older ones
// come. A tracker is another delivery whenever it was updated.
func (e *EasyPost) Recover(ctx context.Context, after string) (found sources.Recovered, err error) {
	q := url.Values{"page_size": {fmt.Sprint(listed)}}
	if after != "" {
		q.Set("before_id", after)
	}
	body, _, err := e.get(ctx, "/trackers", q)
	if err != nil {
		return found, err
	}
	list := gjson.GetBytes(body, "trackers").Array()
	for _, t := range list {
		id := t.Get("id").String()
		found.Deliveries = append(found.Deliveries, sources.Delivery{ID: id + "@" + t.Get("updated_at").String(), Body: []byte(t.Raw)})
		found.Next = id
	}
	if found.More = gjson.GetBytes(body, "has_more").Bool() && len(list) > 0; !found.More {
		found.Next = ""
	}
	return found, nil
}

// DCSA is a source that speaks Track and Trace of DCSA, pushed or listed.
type DCSA struct {
	*Source
	api
}

// OpenDCSA connects to a carrier that speaks Track and Trace of DCSA.
func OpenDCSA(c Config) (*DCSA, error) {
	s, err := Open(c, Mappings["dcsa"])
	if err != nil {
		return nil, err
	}
	a, err := newAPI(c, func(r *http.Request, key string) { r.Header.Set("Authorization", "Bearer "+key) })
	return &DCSA{s, a}, err
}

// Recover lists events in the order in which they were created. A place is a moment of
// creation and, within it, a cursor.
func (d *DCSA) Recover(ctx context.Context, after string) (found sources.Recovered, err error) {
	since, cursor, _ := strings.Cut(after, " ")
	q := url.Values{"limit": {fmt.Sprint(listed)}, "sort": {"eventCreatedDateTime:ASC"}}
	if since != "" {
		q.Set("eventCreatedDateTime:gte", since)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	body, h, err := d.get(ctx, "/events", q)
	if err != nil {
		return found, err
	}
	told := gjson.ParseBytes(body)
	if list := told.Get("events"); list.IsArray() { // since 3.0
		told = list
	}
	latest := since
	for _, e := range told.Array() {
		id := e.Get("eventID").String()
		if id == "" {
			id = pushed.Digest([]byte(e.Raw))
		}
		found.Deliveries = append(found.Deliveries, sources.Delivery{ID: id, Body: []byte(e.Raw)})
		latest = max(latest, e.Get("eventCreatedDateTime").String(), e.Get("eventUpdatedDateTime").String())
	}
	if next, err := url.Parse(h.Get("Next-Page")); err == nil && next.Query().Get("cursor") != "" {
		found.Next, found.More = since+" "+next.Query().Get("cursor"), true
		return found, nil
	}
	found.Next = latest // told again at that moment, and known again
	return found, nil
}

// api is a service's API.
type api struct {
	base   *url.URL
	key    func() string
	signIn func(r *http.Request, key string)
}

func newAPI(c Config, signIn func(r *http.Request, key string)) (api, error) {
	if c.URL == "" {
		return api{}, nil
	}
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" {
		return api{}, fmt.Errorf("url is %q: it must be absolute, such as https://api.example.com/v2", c.URL)
	}
	return api{base, c.Key, signIn}, nil
}

const mostAnswered = 16 << 20

func (a api) get(ctx context.Context, path string, q url.Values) ([]byte, http.Header, error) {
	if a.base == nil {
		return nil, http.Header{}, nil // it is not asked
	}
	u := *a.base
	u.Path, u.RawQuery = strings.TrimSuffix(u.Path, "/")+path, q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, sources.Fail(sources.Rejected, "the request cannot be made")
	}
	r.Header.Set("Accept", "application/json")
	a.signIn(r, a.key())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, sources.Fail(sources.Unavailable, "it does not answer")
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswered))
	switch {
	case err != nil:
		return nil, nil, sources.Fail(sources.Unavailable, "its answer ended early")
	case answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden:
		return nil, nil, sources.Fail(sources.Denied, "it refused the key (%d)", answer.StatusCode)
	case answer.StatusCode == http.StatusTooManyRequests:
		return nil, nil, sources.Fail(sources.Throttled, "it asks to be left alone")
	case answer.StatusCode >= 500:
		return nil, nil, sources.Fail(sources.Unavailable, "it failed (%d)", answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return nil, nil, sources.Fail(sources.Rejected, "it refused the question (%d)", answer.StatusCode)
	case !json.Valid(body):
		return nil, nil, sources.Fail(sources.Garbled, "its answer is not JSON")
	}
	return body, answer.Header, nil
}
