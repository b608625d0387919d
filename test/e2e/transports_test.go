package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// Covers: U05 C01
func TestAQueryRunsOverWebSocketWithTheTokenOfItsInit(t *testing.T) {
	t.Parallel()
	s := portico(t)
	for name, c := range map[string]struct{ token, want string }{
		"a buyer": {"Bearer " + s.token(t, "buyer"), "CustomerViewer"}, "an operator": {"Bearer " + s.token(t, "operator"), "OperatorViewer"},
		"nobody": {"", "null"},
	} {
		conn, _, err := websocket.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/graphql",
			&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			t.Fatal(err)
		}
		payload := map[string]any{}
		if c.token != "" {
			payload["authorization"] = c.token
		}
		send := func(m map[string]any) {
			if err := wsjson.Write(t.Context(), conn, m); err != nil {
				t.Fatal(err)
			}
		}
		send(map[string]any{"type": "connection_init", "payload": payload})
		send(map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{"query": "{ viewer { __typename } }"}})
		for {
			var m struct {
				Type    string
				Payload json.RawMessage
			}
			if err := wsjson.Read(t.Context(), conn, &m); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if m.Type == "next" {
				if !strings.Contains(string(m.Payload), c.want) {
					t.Errorf("%s: got %s, want %s", name, m.Payload, c.want)
				}
				break
			}
		}
		_ = conn.CloseNow()
	}
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = wsjson.Write(t.Context(), conn, map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer forged"}})
	for {
		_, text, err := conn.Read(t.Context())
		if err != nil {
			break
		}
		if strings.Contains(string(text), "connection_ack") {
			t.Fatal("a forged token was acknowledged")
		}
	}
}

// Covers: U05
func TestAQueryRunsOverServerSentEvents(t *testing.T) {
	t.Parallel()
	s := portico(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql",
		strings.NewReader(`{"query":"{ viewer { __typename } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+s.token(t, "supplier"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := ""
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		events += lines.Text() + "\n"
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || !strings.Contains(events, "event: next") ||
		!strings.Contains(events, "SupplierViewer") || !strings.Contains(events, "event: complete") {
		t.Errorf("got %s\n%s", resp.Header.Get("Content-Type"), events)
	}
}

// Covers: G06
func TestAnswersSayWhatWentWrongWithTheRequest(t *testing.T) {
	t.Parallel()
	s := portico(t)
	post := func(body, accept string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var text strings.Builder
		_, _ = bufio.NewReader(resp.Body).WriteTo(&text)
		return resp.StatusCode, text.String()
	}
	const plain, graphql = "application/json", "application/graphql-response+json"
	for name, c := range map[string]struct {
		body, accept string
		status       int
		says         string
	}{
		"no JSON":                       {"nonsense-secret", plain, 400, "JSON object"},
		"too large":                     {`{"query":"` + strings.Repeat(" ", 2<<20) + `"}`, plain, 413, "1 MiB"},
		"not valid, to one, who reads":  {`{"query":"{ nothing }"}`, plain, 200, "errors"},
		"not valid, to one, who knows":  {`{"query":"{ nothing }"}`, graphql, 400, "errors"},
		"too many tokens":               {`{"query":"{ nodes(ids: [` + strings.Repeat("1,", 4000) + `]) { id } }"}`, plain, 200, "token"},
		"too many fields in one place":  {`{"query":"{` + strings.Repeat(" viewer", 900) + `}"}`, plain, 200, "one place"},
		"an operation that is not here": {`{"query":"query A { viewer { __typename } }","operationName":"B"}`, plain, 200, "errors"},
	} {
		status, text := post(c.body, c.accept)
		if status != c.status || !strings.Contains(text, c.says) || strings.Contains(text, "nonsense-secret") ||
			strings.Contains(text, `"data":null`) || leaks.MatchString(text) {
			t.Errorf("%s: got %d %.300s, want %d saying %q", name, status, text, c.status, c.says)
		}
	}
}
