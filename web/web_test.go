package web

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func get(path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	GraphiQL().ServeHTTP(w, r)
	return w
}

func TestThePageIsCompressedCachedAndKeptToItsHost(t *testing.T) {
	page := get("/graphiql/")
	body := page.Body.String()
	if page.Code != http.StatusOK || !strings.Contains(body, `id="root"`) || page.Header().Get("Content-Encoding") != "" {
		t.Fatalf("the plain page: %d %v", page.Code, page.Header())
	}
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") ||
		strings.Contains(csp, "unsafe-eval") || strings.Contains(csp, "http") {
		t.Errorf("policy %q", csp)
	}
	if again := get("/graphiql/", "If-None-Match", page.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("the same page again: %d", again.Code)
	}
	scripts := regexp.MustCompile(`(?:src|href)="\./(assets/[^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(scripts) < 2 {
		t.Fatalf("the page loads %v", scripts)
	}
	for _, s := range scripts {
		w := get("/graphiql/"+s[1], "Accept-Encoding", "gzip, br")
		if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != "gzip" ||
			!strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", s[1], w.Code, w.Header())
		}
	}
	if regexp.MustCompile(`(?:src|href)="(?:https?:)?//`).MatchString(body) {
		t.Error("the page loads something from another host")
	}
	for _, path := range []string{"/graphiql/../web.go", "/graphiql/none.js", "/graphiql/index.html.gz"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestTheCommittedBuildIsTheOneOfItsSources compares what `make web` read and wrote with what is there. To build the pages takes minutes of
// CPU and the npm registry; `make test-web` does it.
func TestTheCommittedBuildIsTheOneOfItsSources(t *testing.T) {
	list, err := os.ReadFile("builds.sum")
	if err != nil {
		t.Fatal(err)
	}
	built := map[string]string{}
	for line := range strings.Lines(string(list)) {
		sum, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
		built[path] = sum
	}
	for _, page := range []string{"web/graphiql", "examples/tracking"} {
		err := filepath.WalkDir(filepath.Join("..", page), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "gql") { // the latter is made of the schema
				return cmp.Or(err, filepath.SkipDir)
			}
			path = filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
			if entry.IsDir() || !ofBuild.MatchString(path) {
				return nil
			}
			text, err := os.ReadFile(filepath.Join("..", path))
			if sum := fmt.Sprintf("%x", sha256.Sum256(text)); err == nil && built[path] != sum {
				t.Errorf("%s is not as it was when the pages were built: run `make web` and commit what it changes", path)
			}
			delete(built, path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for path := range built {
		t.Errorf("%s was there when the pages were built: run `make web` and commit what it changes", path)
	}
}

// ofBuild are the sources of pages and what is built of them.
var ofBuild = regexp.MustCompile(`/(src|dist)/|\.(mjs|js|ts|html)$|/(package|package-lock|tsconfig)\.json$`)
