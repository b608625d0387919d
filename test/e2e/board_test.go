package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestRiversPagesAreForOperators asks for the pages of the queue as a browser does.
//
// Covers: X07
func TestRiversPagesAreForOperators(t *testing.T) {
	t.Parallel()
	s := portico(t)
	get := func(path, password string, header ...string) (int, string) {
		t.Helper()
		method := http.MethodGet
		if len(header) > 0 {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, s.url+"/ops/river"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("anybody", password)
		}
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	operator := s.token(t, "operator")
	if code, text := get("/", operator); code != http.StatusOK || !strings.Contains(text, "<html") {
		t.Errorf("an operator gets %d: %.200s", code, text)
	}
	if code, text := get("/api/queues?limit=10", operator); code != http.StatusOK || !strings.Contains(text, "erp") {
		t.Errorf("the queues: %d %.300s", code, text)
	}
	for what, c := range map[string]struct {
		password string
		want     int
	}{
		"nobody": {"", http.StatusUnauthorized}, "no token": {"password", http.StatusUnauthorized},
		"a buyer": {s.token(t, "buyer"), http.StatusForbidden}, "a supplier": {s.token(t, "supplier"), http.StatusForbidden},
	} {
		for _, path := range []string{"/", "/api/queues?limit=10", "/api/jobs?state=available&limit=10"} {
			if code, _ := get(path, c.password); code != c.want {
				t.Errorf("%s gets %d from %s, want %d", what, code, path, c.want)
			}
		}
	}
	if code, _ := get("/api/jobs/cancel", operator, "Sec-Fetch-Site: cross-site"); code != http.StatusForbidden {
		t.Errorf("what another site sends gets %d", code)
	}
	if code, _ := get("/api/jobs/cancel", s.token(t, "operator", "--scope", "ops:read"),
		"Content-Type: application/json"); code != http.StatusForbidden {
		t.Errorf("one who may only look gets %d", code)
	}
}
