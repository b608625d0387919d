package web

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"portico/test/e2e/extras"
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

func TestTheCommittedBuildIsTheOneOfItsSources(t *testing.T) {
	npm := extras.Program(t, "the build of the pages", "npm")
	if os.Getenv("PORTICO_NETWORK") == "" {
		t.Skip("needs the npm registry: `make test` runs it")
	}
	root := t.TempDir()
	copied := func(from string) {
		t.Helper()
		to := filepath.Join(root, from)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-r", filepath.Join("..", from), to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	copied("schema.graphqls") // types are made from it
	for page, sources := range map[string][]string{
		"web/graphiql":      {"package.json", "package-lock.json", "vite.config.js", "compress.mjs", "index.html", "src"},
		"examples/tracking": {"package.json", "package-lock.json", "vite.config.js", "codegen.ts", "tsconfig.json", "index.html", "src"},
	} {
		for _, name := range sources {
			copied(filepath.Join(page, name))
		}
	}
	for _, page := range []string{"web/graphiql", "examples/tracking"} {
		for _, step := range [][]string{{"ci", "--no-audit", "--no-fund"}, {"run", "build"}} {
			cmd := exec.Command(npm, step...)
			cmd.Dir = filepath.Join(root, page)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: npm %v: %v\n%s", page, step, err, out)
			}
		}
		if out, err := exec.Command("diff", "-rq", filepath.Join(root, page, "dist"),
			filepath.Join("..", page, "dist")).CombinedOutput(); err != nil {
			t.Errorf("run `make web` and commit the build: %s", out)
		}
	}
}
