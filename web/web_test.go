package web

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

var update = flag.Bool("update", false, "write what pages are built of, and what was built, to builds.sum")

// TestTheCommittedBuildIsTheOneOfItsSources compares what `make web` read and wrote with what is there. To build the pages takes minutes of
// CPU and the npm registry; `make test-web` does it.
func TestTheCommittedBuildIsTheOneOfItsSources(t *testing.T) {
	var sums strings.Builder
	for _, page := range []string{"examples/tracking", "web/graphiql"} {
		err := filepath.WalkDir(filepath.Join("..", page), func(path string, entry os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "gql"): // the latter is made of the schema
				return filepath.SkipDir
			case entry.IsDir() || !ofBuild.MatchString(filepath.ToSlash(path)):
				return nil
			}
			text, err := os.ReadFile(path)
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), filepath.ToSlash(path)[len("../"):])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile("builds.sum", []byte(sums.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built, err := os.ReadFile("builds.sum")
	if err != nil {
		t.Fatal(err)
	}
	is, was := strings.Split(sums.String(), "\n"), strings.Split(string(built), "\n")
	for _, line := range slices.Concat(is, was) {
		if _, path, _ := strings.Cut(line, "  "); slices.Contains(is, line) != slices.Contains(was, line) {
			t.Errorf("%s is not as it was when the pages were built: run `make web` and commit what it changes", path)
		}
	}
}

// ofBuild are the sources of pages and what is built of them.
var ofBuild = regexp.MustCompile(`/(src|dist)/|\.(mjs|js|ts|html)$|/(package|package-lock|tsconfig)\.json$`)
