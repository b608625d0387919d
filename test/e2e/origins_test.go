package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"portico/test/e2e/extras"
)

// origins are what the shared server allows besides its own pages.
const origins = "portal.example.com,*.shop.example,localhost:*"

// preflight asks whether a page of an origin may send a request.
func (s *server) preflight(t *testing.T, path, origin string) *http.Response {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.url+path, nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization, content-type")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// Cases: H16
func TestPreflightsAreAnsweredForTheOriginsThatAreConfigured(t *testing.T) {
	t.Parallel()
	s := portico(t)
	for origin, allowed := range map[string]bool{
		"https://portal.example.com":      true,
		"https://b2b.shop.example":        true,
		"http://localhost:5173":           true,
		"https://PORTAL.example.com":      true,
		s.url:                             true,  // its own pages
		"http://portal.example.com":       false, // not over TLS
		"https://portal.example.com:8443": false,
		"https://evilportal.example.com":  false,
		"https://portal.example.com.evil": false,
		"https://shop.example":            false,
		"https://elsewhere.example":       false,
		"null":                            false,
		"https://":                        false,
		"portal.example.com":              false,
	} {
		for _, path := range []string{"/graphql", "/graphql/ticket", "/documents/x"} {
			resp := s.preflight(t, path, origin)
			given := resp.Header.Get("Access-Control-Allow-Origin")
			if allowed && (resp.StatusCode != http.StatusNoContent || given != origin || resp.Header.Get("Access-Control-Max-Age") != "600") {
				t.Errorf("%s from %s: %d, allowed %q", path, origin, resp.StatusCode, given)
			}
			if !allowed && (resp.StatusCode != http.StatusForbidden || given != "") {
				t.Errorf("%s from %s: %d, allowed %q, want to be refused", path, origin, resp.StatusCode, given)
			}
			if resp.Header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(resp.Header.Get("Vary"), "Origin") {
				t.Errorf("%s from %s: %v", path, origin, resp.Header)
			}
		}
	}
	allowed := s.preflight(t, "/graphql", "https://portal.example.com").Header.Get("Access-Control-Allow-Headers")
	for _, name := range []string{"Authorization", "Content-Type", "Traceparent", "Prefer", "Last-Event-ID"} {
		if !strings.Contains(allowed, name) {
			t.Errorf("a page may not send %s: %s", name, allowed)
		}
	}
}

// Cases: H16
func TestAnswersSayWhoMayReadAndKeepThem(t *testing.T) {
	t.Parallel()
	s := portico(t)
	ask := func(method, url, origin, body string) http.Header {
		r, _ := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
		return resp.Header
	}
	const plain = `{"query":"{ __typename }"}`
	h := ask(http.MethodPost, s.url+"/graphql", "https://portal.example.com", plain)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://portal.example.com", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Vary": "Origin, Authorization, Accept, Accept-Encoding",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	exposed := h.Get("Access-Control-Expose-Headers")
	if !strings.Contains(exposed, "Retry-After") || !strings.Contains(exposed, "Traceresponse") ||
		len(h.Get("Traceresponse")) != 55 {
		t.Errorf("exposed are %q, the trace is %q", exposed, h.Get("Traceresponse"))
	}
	if h := ask(http.MethodPost, s.url+"/graphql", "https://elsewhere.example", plain); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a page of a third origin may read the answer: %v", h)
	}
	// A persisted query by GET may be kept by its browser, as long as it is asked for anew.
	const hash = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b" // of { __typename }
	extensions := `{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`
	ask(http.MethodPost, s.url+"/graphql", "https://portal.example.com", `{"query":"{ __typename }","extensions":`+extensions+`}`)
	kept := s.url + "/graphql?extensions=" + strings.NewReplacer(`{`, `%7B`, `}`, `%7D`, `"`, `%22`).Replace(extensions)
	if h := ask(http.MethodGet, kept, "https://portal.example.com", ""); h.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("a persisted query by GET: %q", h.Get("Cache-Control"))
	}
	h = ask(http.MethodGet, s.url+"/graphql?query=%7B__typename%7D", "https://portal.example.com", "")
	if h.Get("Cache-Control") != "no-store" {
		t.Errorf("a query by GET: %q", h.Get("Cache-Control"))
	}
}

// portalPage is what a portal on another origin does: a query, a mutation, a stream of events, one over a WebSocket, and a document.
const portalPage = `<!doctype html><title>portal</title><script>
async function portal(url, token, invoice) {
  const headers = {authorization: 'Bearer ' + token, 'content-type': 'application/json'}, said = {};
  const ask = async (query, variables) => {
    const r = await fetch(url + '/graphql', {method: 'POST', headers, body: JSON.stringify({query, variables})});
    said.trace = r.headers.get('traceresponse');
    return r.json();
  };
  const tried = async (name, run) => { try { said[name] = await run(); } catch (e) { said[name] = 'refused: ' + e; } };
  await tried('query', async () => (await ask('{ viewer { __typename } }')).data.viewer.__typename);
  await tried('mutation', async () => (await ask(
    'mutation { cancelOrder(idempotencyKey: "a key of another origin", input: {order: "ord_none", expectedVersion: "1", ' +
    'reason: "none"}) { errors { __typename } } }')).data.cancelOrder.errors.length);
  await tried('events', async () => {
    const r = await fetch(url + '/graphql', {method: 'POST', headers: {...headers, accept: 'text/event-stream'},
      body: JSON.stringify({query: 'subscription { shipmentUpdates { __typename } }'})});
    const read = r.body.getReader(), first = await read.read();
    await read.cancel();
    return r.status + ' ' + new TextDecoder().decode(first.value).trim();
  });
  await tried('socket', () => new Promise((done, fail) => {
    const ws = new WebSocket(url.replace('http', 'ws') + '/graphql', 'graphql-transport-ws');
    ws.onopen = () => ws.send(JSON.stringify({type: 'connection_init', payload: {Authorization: 'Bearer ' + token}}));
    ws.onmessage = (m) => { done(JSON.parse(m.data).type); ws.close(); };
    ws.onerror = () => fail('closed');
  }));
  await tried('document', async () => {
    const link = (await ask('{ invoices(first: 1) { nodes { document { url } } } }')).data.invoices.nodes[0].document.url;
    const r = await fetch(link);
    return r.status + ' ' + ((await r.arrayBuffer()).byteLength > 0);
  });
  return said;
}
</script>`

// TestAPortalOnAnotherOriginWorksInABrowser loads a page from another origin in Chromium and lets it do what portals do, and from a
// third origin, where it can do nothing.
//
// Cases: H16
func TestAPortalOnAnotherOriginWorksInABrowser(t *testing.T) {
	chromium := extras.Program(t, "a portal on another origin in a real browser", "chromium", "chromium-browser", "google-chrome",
		"google-chrome-stable")
	t.Parallel()
	s := portico(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, portalPage)
	}))
	t.Cleanup(elsewhere.Close)
	token := s.token(t, "buyer")
	visit := func(origin string) map[string]any {
		var text string
		if err := chromedp.Run(browse(t, chromium, "localhost, EXCLUDE 127.0.0.1"), chromedp.Navigate(origin),
			chromedp.Evaluate(fmt.Sprintf(`portal(%q, %q).then(JSON.stringify)`, s.url, token), &text, awaited)); err != nil {
			t.Fatal(err)
		}
		var said map[string]any
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			t.Fatal(err)
		}
		return said
	}
	said := visit(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1))
	for name, want := range map[string]string{
		"query": "CustomerViewer", "mutation": "1", "events": "200 :", "socket": "connection_ack", "document": "200 true",
	} {
		if got := fmt.Sprint(said[name]); !strings.HasPrefix(got, want) { // more of a stream may have come with its beginning
			t.Errorf("%s of an allowed origin: %s, want %s", name, got, want)
		}
	}
	if trace, _ := said["trace"].(string); len(trace) != 55 {
		t.Errorf("the page cannot read the trace: %q", trace)
	}
	for name, got := range visit(elsewhere.URL) { // 127.0.0.1 with this port is none that is configured
		if name != "trace" && !strings.HasPrefix(fmt.Sprint(got), "refused") {
			t.Errorf("%s of a third origin: %v, want it to be refused", name, got)
		}
	}
}

// awaited lets an expression that promises something be what it promises.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// half sends a part of a request and waits until the server ends the connection.
func half(to, text string) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(to, "http://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	_, err = io.Copy(io.Discard, conn)
	return err
}

// TestHalfARequestIsOverSoon sends the beginning of many requests and no more, to everything that takes a body, on both
// ports: none is open after 15 s, and nothing of them is left.
//
// Cases: I3
func TestHalfARequestIsOverSoon(t *testing.T) {
	t.Parallel()
	s := portico(t)
	const many = 120
	before := s.metric(t, "go_goroutines")
	var ended [many]chan error
	for i := range ended {
		path := []string{"/graphql", "/graphql/ticket", "/webhooks/acme", "/webhooks/none", "/documents/x", "/nowhere"}[i%6]
		accept := []string{"*/*", "text/event-stream", "image/png"}[i%3] // image/png is refused before the body is read
		to, text := s.url, "POST "+path+" HTTP/1.1\r\nHost: portico\r\nAccept: "+accept+
			"\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n{"
		switch i % 20 {
		case 17:
			text = strings.Replace(text, "Content-Length: 10000", "Transfer-Encoding: chunked", 1) + "\r\n5\r\nab"
		case 18:
			text = "GET /graphql HTTP/1.1\r\nHost: por"
		case 19:
			to, text = s.admin, strings.Replace(text, path, "/metrics", 1)
		}
		ended[i] = make(chan error, 1)
		go func() { ended[i] <- half(to, text) }()
	}
	for i := range ended {
		if err := <-ended[i]; err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	s.within(t, 15*time.Second, "without what the requests began", func() bool { return s.metric(t, "go_goroutines") < before+many/4 })
}

// TestLongHeadersAreNoWork sends headers with far more in them than anybody needs.
func TestLongHeadersAreNoWork(t *testing.T) {
	t.Parallel()
	s := portico(t)
	for name, c := range map[string]struct {
		header, value string
		status        int
	}{
		"an Accept of 10,000 media types":  {"Accept", strings.Repeat("a/b;q=0.1,", 10_000) + "*/*", http.StatusNotAcceptable},
		"one that begins with a good one":  {"Accept", "application/json," + strings.Repeat("a/b;q=0.1,", 10_000), http.StatusOK},
		"an Accept of a megabyte":          {"Accept", strings.Repeat("a/b,", 250_000), http.StatusRequestHeaderFieldsTooLarge},
		"an Accept-Encoding of many":       {"Accept-Encoding", strings.Repeat("x,", 50_000), http.StatusOK},
		"a traceparent that is none":       {"Traceparent", strings.Repeat("0", 100_000), http.StatusOK},
		"an origin that is long":           {"Origin", "https://" + strings.Repeat("a.", 50_000) + "example", http.StatusOK},
		"a token that is long and is none": {"Authorization", "Bearer " + strings.Repeat("e", 100_000), http.StatusUnauthorized},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(`{"query":"{ __typename }"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(c.header, c.value)
		began := time.Now()
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if took := time.Since(began); resp.StatusCode != c.status || took > 2*time.Second {
			t.Errorf("%s: %d after %s, want %d", name, resp.StatusCode, took, c.status)
		}
	}
}
