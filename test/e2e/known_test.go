package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func hashOf(query string) string {
	sum := sha256.Sum256([]byte(query))
	return hex.EncodeToString(sum[:])
}

func persisted(hash string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
}

// Covers: X08
func TestAQueryMayBeNamedByItsHashOnceItWasSent(t *testing.T) {
	t.Parallel()
	s := portico(t)
	token := s.token(t, "buyer")
	// Documents are text here: whether one is known by its hash depends on each character of it.
	query := fmt.Sprintf(`query Named%d { viewer { __typename } }`, time.Now().UnixNano())
	ask := func(request map[string]any) answer {
		t.Helper()
		a, err := s.send(t.Context(), token, request)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ask(map[string]any{"extensions": persisted(hashOf(query))}); a.Status != http.StatusOK ||
		a.codes()[0] != "PERSISTED_QUERY_NOT_FOUND" || a.Errors[0].Message != "PersistedQueryNotFound" {
		t.Errorf("a hash that nobody sent: %d %s", a.Status, a.Body)
	}
	if a := ask(map[string]any{"query": query, "extensions": persisted(hashOf("another"))}); len(a.Errors) == 0 {
		t.Errorf("a wrong hash: %s", a.Body)
	}
	if a := ask(map[string]any{"extensions": persisted(hashOf("another"))}); len(a.Errors) == 0 {
		t.Errorf("a wrong hash was kept: %s", a.Body)
	}
	if a := ask(map[string]any{"query": query, "extensions": persisted(hashOf(query))}); a.at("viewer", "__typename") != "CustomerViewer" {
		t.Errorf("a query with its hash: %s", a.Body)
	}
	if a := ask(map[string]any{"extensions": persisted(hashOf(query))}); a.at("viewer", "__typename") != "CustomerViewer" {
		t.Errorf("the hash alone: %s", a.Body)
	}
	extensions, _ := json.Marshal(persisted(hashOf(query)))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet,
		s.url+"/graphql?"+url.Values{"extensions": {string(extensions)}}.Encode(), nil)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the hash alone by GET: %d", resp.StatusCode)
	}
	bad := `{ nothing }`
	_ = ask(map[string]any{"query": bad, "extensions": persisted(hashOf(bad))})
	if a := ask(map[string]any{"extensions": persisted(hashOf(bad))}); a.codes()[0] != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("a document that is not valid was kept: %s", a.Body)
	}
}

// Covers: X08 G02
func TestRolesThatAreMarkedSendOperationsOfTheirManifestAlone(t *testing.T) {
	t.Parallel()
	dir, company := t.TempDir(), freeAddr(t)
	sandbox := exec.Command(binary, "sandbox", "--speed", "0")
	sandbox.Env = append(os.Environ(), "PORTICO_DATA="+folder(t, true), "PORTICO_SANDBOX_ADDR="+company)
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sandbox.Process.Kill(); _, _ = sandbox.Process.Wait() }()
	const known = `query Known { viewer { __typename } }`
	manifest, file := filepath.Join(dir, "portal.json"), filepath.Join(dir, "portico.yaml")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(manifest, `{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"known-1","name":"Known","type":"query","body":"`+known+`"}]}`)
	write(file, fmt.Sprintf(productionFile, company,
		"https://login.example.com")+"documents: {manifests: {development: "+manifest+"}, required: [customer]}\n")
	s := start(t, folder(t, true), "PORTICO_CONFIG="+file, "ERP_KEY=sandbox-key")
	defer func() { _ = s.stop() }()
	for name, c := range map[string]struct {
		persona string
		request map[string]any
		want    string // code of the error, or the type of viewer
	}{
		"by its id":   {"buyer", map[string]any{"documentId": "known-1"}, "CustomerViewer"},
		"by its hash": {"buyer", map[string]any{"extensions": persisted(hashOf(known))}, "CustomerViewer"},
		"whole":       {"buyer", map[string]any{"query": known}, "CustomerViewer"},
		"free text":   {"buyer", map[string]any{"query": known + " "}, "PERSISTED_QUERY_REQUIRED"},
		"free text with its hash": {
			"buyer",
			map[string]any{"query": known + "  ", "extensions": persisted(hashOf(known + "  "))},
			"PERSISTED_QUERY_REQUIRED",
		},
		"another id":                    {"buyer", map[string]any{"documentId": "known-2"}, "PERSISTED_QUERY_REQUIRED"},
		"introspection":                 {"buyer", map[string]any{"query": `{ __schema { types { name } } }`}, "PERSISTED_QUERY_REQUIRED"},
		"free text of a role unmarked":  {"operator", map[string]any{"query": known + " "}, "OperatorViewer"},
		"another id of a role unmarked": {"operator", map[string]any{"documentId": "known-2"}, "PERSISTED_QUERY_NOT_FOUND"},
	} {
		a, err := s.send(t.Context(), s.token(t, c.persona), c.request)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(a.at("viewer", "__typename"))
		if len(a.Errors) > 0 {
			got = a.codes()[0]
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s: %s", name, got, c.want, a.Body)
		}
	}
	write(manifest, `{"known-2": "query Later { viewer { __typename } }"}`)
	s.within(t, 5*time.Second, "knowing the new manifest", func() bool {
		a, err := s.send(t.Context(), s.token(t, "buyer"), map[string]any{"documentId": "known-2"})
		return err == nil && a.at("viewer", "__typename") == "CustomerViewer"
	})
	write(file, fmt.Sprintf(productionFile, company, "https://login.example.com")+"documents: {manifests: {development: "+file+"}}\n")
	refused := exec.Command(binary, "serve")
	refused.Env = append(os.Environ(), "PORTICO_CONFIG="+file, "ERP_KEY=sandbox-key", "PORTICO_DATA="+folder(t, true),
		"PORTICO_ADDR="+freeAddr(t), "PORTICO_ADMIN_ADDR="+freeAddr(t))
	if out, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(out), "documents.manifests.development") {
		t.Errorf("a manifest that is none: %v\n%s", err, out)
	}
}
