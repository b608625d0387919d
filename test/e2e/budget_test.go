package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// Covers: G07 X08
func TestWhoAsksForTooMuchIsToldWhenToComeAgain(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_CLIENT_RATE=2000", "PORTICO_CLIENT_BURST=3000")
	defer func() { _ = s.stop() }()
	token, other := s.token(t, "buyer"), ""
	post := func(token, query string) (*http.Response, answer) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"query": query})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var a answer
		if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		return resp, a
	}
	resp, never := post(token, `{ orders(first: 100) { nodes { lines(first: 100) { nodes { sku } } } } }`)
	if resp.Header.Get("Retry-After") != "" || len(never.Errors) == 0 || never.codes()[0] != "OPERATION_TOO_COSTLY" {
		t.Errorf("what costs more than there ever is was answered with %v, %+v", resp.Header, never.Errors)
	}
	// It may cost 1 + 50 * (1 + 1 + 25) = 1351, and costs what is there.
	const page = `{ orders(first: 50) { nodes { number lines { nodes { sku } } } } }`
	spent := 0.0
	for range 50 {
		resp, a := post(token, page)
		if resp.StatusCode == http.StatusTooManyRequests {
			after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
			wait, _ := a.Errors[0].Extensions["retryAfter"].(float64)
			if err != nil || after < 1 || wait <= 0 || a.codes()[0] != "RATE_LIMITED" || a.Data != nil {
				t.Errorf("refused with %v, %s", resp.Header, a.Body)
			}
			if spent < 1500 {
				t.Errorf("refused after %v points: what was not needed did not come back", spent)
			}
			if _, nobody := post(other, `{ viewer { __typename } }`); len(nobody.Errors) > 0 {
				t.Errorf("another client is refused too: %+v", nobody.Errors)
			}
			time.Sleep(time.Duration(wait*1000)*time.Millisecond + 100*time.Millisecond)
			if resp, a := post(token, page); resp.StatusCode != http.StatusOK || len(a.Errors) > 0 {
				t.Errorf("who came again after %v s got %d, %+v", wait, resp.StatusCode, a.Errors)
			}
			return
		}
		cost, _ := a.Extensions["cost"].(map[string]any)
		if cost["requested"] != 1351.0 {
			t.Fatalf("it cost %v", cost)
		}
		spent += cost["actual"].(float64)
	}
	t.Fatalf("nobody stopped it after %v points of 3000", spent)
}
