package edge

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/edge/auth"
	"portico/edge/budget"
	"portico/edge/guard"
	"portico/graph"
	"portico/graph/governance"
	"portico/resolvers"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// everybody is a directory in which all are known and nobody is revoked.
type everybody struct{}

func (everybody) AccountTree(_ context.Context, numbers []string) (all []trade.Ref, err error) {
	for _, n := range numbers {
		all = append(all, trade.Ref{ID: "acc_" + n, Key: n})
	}
	return all, nil
}

func (everybody) PartnerGrant(context.Context, string) (procurement.PartnerGrant, error) {
	return procurement.PartnerGrant{ID: "ptn_1", Stage: procurement.Active}, nil
}
func (everybody) Revocations(context.Context) ([]operating.Revocation, error) { return nil, nil }

// kept are tickets in memory.
type kept struct {
	mu  sync.Mutex
	all map[string][]byte
	err error
}

func (k *kept) SaveTicket(_ context.Context, digest, sealed []byte, _ time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all[string(digest)] = sealed
	return k.err
}

func (k *kept) TakeTicket(_ context.Context, digest []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	sealed := k.all[string(digest)]
	delete(k.all, string(digest))
	return sealed, k.err
}

// desk is a whole edge without a store: it answers what needs none.
type desk struct {
	*server
	graphql, ticket http.Handler
	tickets         *kept
	token           string // of a buyer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dev, err := auth.OpenDevIssuer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.New(nil, dev, everybody{})
	if err != nil {
		t.Fatal(err)
	}
	points, err := budget.New(plenty{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	known, err := guard.NewKnown(func() map[string]guard.Manifest { return nil })
	if err != nil {
		t.Fatal(err)
	}
	limits := budget.Limits{Rate: math.MaxInt32, Burst: math.MaxInt64 / 4}
	d := &desk{tickets: &kept{all: map[string][]byte{}}}
	s, err := GraphQL(Options{
		Bindings: graph.NewBindings(
			graph.Config{Resolvers: &resolvers.Resolver{}},
		), Scalars: graph.InputScalars, Auth: a, Tickets: d.tickets, Known: known,
		Use: &governance.Counter{}, Budgets: Budgets{Budget: points, Client: limits, Account: limits}, Log: slog.New(slog.DiscardHandler),
		Away: isAway, Stopping: t.Context(),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.server = s.GraphQL.(*server)
	d.graphql, d.ticket = SignIn(a, d.Log, s.GraphQL), SignIn(a, d.Log, s.Ticket)
	if d.token, _, err = dev.Token(auth.Personas[0], nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	return d
}

// reply is an answer over HTTP.
type reply struct {
	*http.Response
	body string
	code string // of its first error
}

func (d *desk) ask(t *testing.T, to http.Handler, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	resp := w.Result()
	defer resp.Body.Close()
	var reader io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		reader = z
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	var errs struct {
		Errors []struct {
			Extensions struct{ Code string }
		}
	}
	_ = json.Unmarshal(body, &errs)
	code := ""
	if len(errs.Errors) > 0 {
		code = errs.Errors[0].Extensions.Code
	}
	return reply{resp, string(body), code}
}

func post(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func get(values url.Values, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/graphql?"+values.Encode(), nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// TestRequestsAreAnsweredByTheRulesOfGraphQLOverHTTP sends what clients send, and what they should not.
func TestRequestsAreAnsweredByTheRulesOfGraphQLOverHTTP(t *testing.T) {
	d := newDesk(t)
	const query, known = `{"query": "{ __typename }"}`, "application/graphql-response+json"
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		code   string
		holds  string // in the body or the content type
	}{
		"a query":        {post(query), 200, "", `{"data":{"__typename":"Query"}`},
		"a query by GET": {get(url.Values{"query": {"{ __typename }"}}), 200, "", `"__typename":"Query"`},
		"with variables by GET": {
			get(url.Values{"query": {"query ($i: Boolean!) { __typename @include(if: $i) }"}, "variables": {`{"i": false}`}}), 200, "",
			`{"data":{}`,
		},
		"variables that are none, by GET": {
			get(url.Values{"query": {"{ __typename }"}, "variables": {"[1]"}}), 400, "BAD_REQUEST", "variables must be",
		},
		"a charset": {post(query, "Content-Type", "application/json; charset=UTF-8"), 200, "", "Query"},
		"another charset": {
			post(query, "Content-Type", "application/json; charset=latin1"), 415, "UNSUPPORTED_MEDIA_TYPE", "UTF-8",
		},
		"a form": {
			post(query, "Content-Type", "application/x-www-form-urlencoded"), 415, "UNSUPPORTED_MEDIA_TYPE", "application/json",
		},
		"another method": {
			httptest.NewRequest(http.MethodPut, "/graphql", strings.NewReader(query)), 405, "METHOD_NOT_ALLOWED", "POST",
		},
		"what nobody can read":           {post(query, "Accept", "text/html"), 406, "NOT_ACCEPTABLE", "Accept must allow"},
		"who knows GraphQL's media type": {post(query, "Accept", known), 200, "", known},
		"who wants it less":              {post(query, "Accept", known+";q=0.4, application/json;q=0.5"), 200, "", "application/json"},
		"who wants it as much":           {post(query, "Accept", known+", application/json"), 200, "", known},
		"who wants anything":             {post(query, "Accept", "text/html, */*;q=0.1"), 200, "", "application/json"},
		"who wants it not at all":        {post(query, "Accept", known+";q=0"), 406, "NOT_ACCEPTABLE", ""},
		"no JSON":                        {post("query"), 400, "BAD_REQUEST", "must be a JSON object"},
		"a name twice": {
			post(`{"query": "{ __typename }", "query": "{ a }"}`), 400, "BAD_REQUEST", "no name may stand in it twice",
		},
		"a batch":                            {post("[" + query + "]"), 400, "BAD_REQUEST", "batches are not offered"},
		"nothing asked":                      {post("{}"), 400, "BAD_REQUEST", "Name the operation"},
		"too much":                           {post(`{"query": "` + strings.Repeat(" ", maxBody) + `"}`), 413, "REQUEST_TOO_LARGE", "1 MiB"},
		"a document that is none":            {post(`{"query": "{"}`), 200, "DOCUMENT_INVALID", "errors"},
		"a document that is none, by type":   {post(`{"query": "{"}`, "Accept", known), 400, "DOCUMENT_INVALID", "errors"},
		"a field that is not there, by type": {post(`{"query": "{ nothing }"}`, "Accept", known), 400, "", "nothing"},
		"a mutation by GET": {
			get(url.Values{"query": {`mutation { cancelOrder(idempotencyKey: "0123456789abcdef", input: {order: "x", expectedVersion: "1", ` +
				`reason: "r"}) { replayed } }`}}),
			405, "METHOD_NOT_ALLOWED", "Send mutations by POST",
		},
		"a stream that is not asked as one": {
			post(`{"query": "subscription { alertUpdates { __typename } }"}`), 400, "BAD_REQUEST", "needs a stream",
		},
		"a token that is none": {post(query, "Authorization", "Bearer x"), 401, "UNAUTHENTICATED", "Sign in again"},
		"another scheme":       {post(query, "Authorization", "Basic eDp5"), 401, "UNAUTHENTICATED", "Sign in again"},
		"signed in": {
			post(`{"query": "{ viewer { __typename } }"}`, "Authorization", "Bearer "+d.token), 200, "", "CustomerViewer",
		},
		"not signed in": {post(`{"query": "{ viewer { __typename } }"}`), 200, "", `"viewer":null`},
		"an answer that is worth zipping": {
			post(`{"query": "{ `+many(60)+` }"}`, "Accept-Encoding", "br, gzip"), 200,
			"", "a59",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := d.ask(t, d.graphql, c.r)
			if got.StatusCode != c.status || c.code != "" && got.code != c.code && c.code != "DOCUMENT_INVALID" {
				t.Errorf("%d %s %s, want %d %s", got.StatusCode, got.code, got.body, c.status, c.code)
			}
			if !strings.Contains(got.body+got.Header.Get("Content-Type"), c.holds) {
				t.Errorf("%s does not have %q", got.body, c.holds)
			}
			if got.StatusCode == http.StatusMethodNotAllowed && got.Header.Get("Allow") == "" {
				t.Error("nothing says what is allowed instead")
			}
		})
	}
	long := d.ask(t, d.graphql, post(`{"query": "{ `+many(60)+` }"}`, "Accept-Encoding", "gzip;q=0"))
	if long.Header.Get("Content-Encoding") != "" || !json.Valid([]byte(long.body)) {
		t.Errorf("who wants no gzip gets %q", long.Header.Get("Content-Encoding"))
	}
}

// many are so many fields whose names are long.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(
			" a" + strings.Repeat("x", 24) + string(rune('a'+i%26)) + "_a" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + ": __typename",
		)
	}
	return b.String()
}

// TestATicketSignsInOnceForWhatItWasAskedFor gives tickets and spends them.
func TestATicketSignsInOnceForWhatItWasAskedFor(t *testing.T) {
	d := newDesk(t)
	const operation = `{"query": "subscription ($i: Boolean!) { alertUpdates { __typename @include(if: $i) } }", "variables": {"i": true}}`
	give := func() string {
		t.Helper()
		got := d.ask(t, d.ticket, post(operation, "Authorization", "Bearer "+d.token))
		var given struct{ Ticket, ExpiresAt string }
		if err := json.Unmarshal([]byte(got.body), &given); err != nil || got.StatusCode != http.StatusOK || given.Ticket == "" {
			t.Fatalf("%d %s, %v", got.StatusCode, got.body, err)
		}
		if expires, err := time.Parse(time.RFC3339, given.ExpiresAt); err != nil || time.Until(expires) > ticketTTL ||
			got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("it expires at %s, and is kept by %q", given.ExpiresAt, got.Header.Get("Cache-Control"))
		}
		return given.Ticket
	}
	asked := func(text string) *request {
		t.Helper()
		p := &request{}
		if no := decode([]byte(text), p); no != nil {
			t.Fatal(no.message)
		}
		return p
	}
	ticket := give()
	caller, err := d.redeem(t.Context(), ticket, asked(operation))
	if err != nil || caller.Principal == nil || caller.Scope.Role() != trade.Customer {
		t.Fatalf("%v, %v", caller.Scope.Role(), err)
	}
	if _, err := d.redeem(t.Context(), ticket, asked(operation)); !errors.Is(err, auth.ErrToken) {
		t.Errorf("the same ticket, once more: %v", err)
	}
	if _, err := d.redeem(t.Context(), "made up", asked(operation)); !errors.Is(err, auth.ErrToken) {
		t.Errorf("a ticket that was never given: %v", err)
	}
	for what, other := range map[string]string{
		"another document":        strings.Replace(operation, "alertUpdates", "orderUpdates", 1),
		"other variables":         strings.Replace(operation, `{"i": true}`, `{"i": false}`, 1),
		"another operation of it": strings.Replace(operation, `"variables"`, `"operationName": "x", "variables"`, 1),
	} {
		if _, err := d.redeem(t.Context(), give(), asked(other)); !errors.Is(err, auth.ErrToken) {
			t.Errorf("%s: %v, want that the ticket is not accepted", what, err)
		}
	}
	if _, err := d.redeem(t.Context(), give(), asked(strings.ReplaceAll(operation, `": `, `":`))); err != nil {
		t.Errorf("the same, written otherwise: %v", err)
	}
	if got := d.ask(t, d.ticket, post(operation)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("who is not signed in is given a ticket: %d", got.StatusCode)
	}
	if got := d.ask(t, d.ticket, post(`{"query": "{"}`, "Authorization", "Bearer "+d.token)); got.StatusCode != http.StatusBadRequest {
		t.Errorf("for what cannot run there is a ticket: %d", got.StatusCode)
	}
	for digest, sealed := range d.tickets.all {
		if strings.Contains(digest+string(sealed), d.token) || strings.Contains(string(sealed), "alertUpdates") {
			t.Error("what is kept of a ticket can be read without it")
		}
	}
	d.tickets.err = errors.New("down")
	if got := d.ask(t, d.ticket, post(operation, "Authorization", "Bearer "+d.token)); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while tickets cannot be kept: %d", got.StatusCode)
	}
	if _, err := d.redeem(t.Context(), "any", asked(operation)); err == nil || errors.Is(err, auth.ErrToken) {
		t.Errorf("while tickets cannot be read: %v", err)
	}
}

func TestRefusalsAreCountedByClientAndCode(t *testing.T) {
	r := &Refusals{}
	for range 3 {
		r.add("portal", "RATE_LIMITED")
	}
	r.add("portal", "OVERLOADED")
	for i := range mostRefused + 5 {
		r.add("made up "+strings.Repeat("x", i), "BAD_REQUEST")
	}
	all := r.Take()
	if all[Refusal{"portal", "RATE_LIMITED"}] != 3 || all[Refusal{"portal", "OVERLOADED"}] != 1 ||
		all[Refusal{"others", "BAD_REQUEST"}] != 7 ||
		len(all) != mostRefused+1 {
		t.Errorf("%d kinds, %d of others", len(all), all[Refusal{"others", "BAD_REQUEST"}])
	}
	if len(r.Take()) != 0 {
		t.Error("what was taken is there still")
	}
	(*Refusals)(nil).add("nobody", "counts")
}

var errAway = errors.New("pq: the database system is shutting down")

func isAway(err error) bool { return errors.Is(err, errAway) }

// TestAFailureOfOursIsToldByItsNumberAlone presents errors to callers.
func TestAFailureOfOursIsToldByItsNumberAlone(t *testing.T) {
	s := &server{Options: Options{Log: slog.New(slog.DiscardHandler), Away: isAway}}
	for err, want := range map[error][2]string{
		fmt.Errorf("orders: %w", errAway):         {"The database does not answer at the moment. Retry soon.", away},
		errors.New("pq: relation does not exist"): {"internal error", internal},
		context.DeadlineExceeded:                  {"The operation took too long. Ask for less at a time.", timedOut},
	} {
		shown := s.present(t.Context(), err)
		id, _ := shown.Extensions["traceId"].(string)
		if shown.Message != want[0] || shown.Extensions["code"] != want[1] || len(id) != 32 {
			t.Errorf("%v is told as %q, %v", err, shown.Message, shown.Extensions)
		}
	}
	if names := slices.Sorted(func(yield func(string) bool) { _ = yield(s.recovered(t.Context(), "secret").Error()) }); names[0] != "panic" {
		t.Errorf("a panic is told as %v", names)
	}
}
