// Package carriers receives what carriers and visibility services tell: signed webhooks,
// read by a mapping that is data. What a service lists is recovered where it was not pushed.
package carriers

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"portico/sources"
	"portico/sources/pushed"
	"portico/trade"
)

// Config are the settings of a service that lists what it may not have pushed.
type Config struct {
	URL  string `yaml:"url" help:"Where its API is, to ask for what was not pushed; it is not asked when left out."`
	Zone string `yaml:"zone" help:"Time zone of times that it writes without an offset; UTC when left out."`
}

// MappingConfig are the settings of a carrier that only pushes, and whose JSON a mapping reads.
type MappingConfig struct {
	Mapping string `yaml:"mapping" help:"How its JSON is read: a file, or the name of a mapping of ours."`
	Zone    string `yaml:"zone" help:"Time zone of times that it writes without an offset; UTC when left out."`
}

// Source is a carrier or visibility service whose deliveries a mapping reads.
type Source struct {
	secrets pushed.Secrets
	mapping *Mapping
	verify  pushed.Verify // nil where it does not push
}

// open makes a source of what a mapping reads. It pushes where it is known what it signs with:
// by its own scheme, where no other one is named.
func open(m *Mapping, zone string, k sources.Credentials, scheme string) (*Source, error) {
	of, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("zone is %q: it must be the name of a time zone, such as Europe/Amsterdam", zone)
	}
	s := &Source{secrets: k.Secrets, mapping: m.own(of)}
	if len(k.Secrets()) > 0 {
		scheme = cmp.Or(k.Scheme, scheme)
		if s.verify = pushed.Schemes[scheme]; s.verify == nil {
			return nil, pushed.NoScheme(scheme)
		}
	}
	return s, nil
}

// OpenMapped makes a source that pushes JSON of its own, which a mapping reads.
func OpenMapped(c MappingConfig, k sources.Credentials) (*Source, error) {
	m := Mappings[c.Mapping]
	if m == nil {
		text, err := os.ReadFile(c.Mapping)
		if err != nil {
			names := strings.Join(slices.Sorted(maps.Keys(Mappings)), ", ")
			return nil, fmt.Errorf("mapping must be %s, or name a file that says how the carrier's JSON is read: %w", names, err)
		}
		if m, err = ReadMapping(text); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Mapping, err)
		}
	}
	return open(m, c.Zone, k, "standard-webhooks")
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
	id, err := s.verify(h, body, s.secrets(), now)
	if err == nil && id == "" {
		id = s.mapping.ID(body)
	}
	return id, err
}

// Translate reads a delivery as the mapping says.
func (s *Source) Translate(body []byte) (sources.Translation, error) {
	return s.mapping.Translate(body)
}

// Codes is the table of what its codes mean.
func (s *Source) Codes() *sources.Codes { return s.mapping.table }

// Pushes tells whether the service pushes.
func (s *Source) Pushes() bool { return s.verify != nil }

//go:embed *.yaml
var texts embed.FS

// Mappings are the mappings of this package, by the formats' names, which are those of their files.
var Mappings = func() map[string]*Mapping {
	all := map[string]*Mapping{}
	files, err := texts.ReadDir(".")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		text, err := texts.ReadFile(file.Name())
		if err != nil {
			panic(err)
		}
		m, err := ReadMapping(text)
		if err != nil {
			panic(file.Name() + ": " + err.Error())
		}
		all[strings.TrimSuffix(file.Name(), ".yaml")] = m
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
func OpenEasyPost(c Config, k sources.Credentials) (*EasyPost, error) {
	s, err := open(Mappings["easypost"], c.Zone, k, "easypost")
	if err != nil {
		return nil, err
	}
	a, err := newAPI(c.URL, k.Key, func(r *http.Request, key string) { r.SetBasicAuth(key, "") })
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
func OpenDCSA(c Config, k sources.Credentials) (*DCSA, error) {
	s, err := open(Mappings["dcsa"], c.Zone, k, "dcsa")
	if err != nil {
		return nil, err
	}
	a, err := newAPI(c.URL, k.Key, func(r *http.Request, key string) { r.Header.Set("Authorization", "Bearer "+key) })
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
	document := gjson.ParseBytes(body)
	if list := document.Get("events"); list.IsArray() { // since 3.0
		document = list
	}
	latest := since
	for _, e := range document.Array() {
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

func newAPI(address string, key func() string, signIn func(r *http.Request, key string)) (api, error) {
	if address == "" {
		return api{}, nil
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" {
		return api{}, fmt.Errorf("url is %q: it must be absolute, such as https://api.example.com/v2", address)
	}
	return api{base, key, signIn}, nil
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
