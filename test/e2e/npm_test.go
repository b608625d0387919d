package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"portico/test/e2e/extras"
)

var npmReady = sync.OnceValue(func() error {
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
	cmd.Dir = "npm"
	if out, err := cmd.CombinedOutput(); err != nil {
		return &exec.Error{Name: "npm ci: " + string(out), Err: err}
	}
	return nil
})

// node runs a script of test/e2e/npm, whose packages are fetched at its first use. It
// returns what the script printed, and fails when the script does.
func (s *server) node(t *testing.T, script string, env ...string) string {
	t.Helper()
	node := extras.Program(t, "the clients and audits from npm", "node")
	if os.Getenv("PORTICO_NETWORK") != "" || os.Getenv("CI") == "true" {
		extras.Program(t, "the clients and audits from npm", "npm")
		if err := npmReady(); err != nil {
			t.Fatal(err)
		}
	} else if _, err := os.Stat("npm/node_modules"); err != nil { // `go test` alone asks no network
		t.Skip("left out: its packages are fetched by `make test`")
	}
	cmd := exec.CommandContext(t.Context(), node, script)
	cmd.Dir = "npm"
	cmd.Env = append(os.Environ(), "URL="+s.url+"/graphql", "TOKEN="+s.token(t, "buyer"))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(script), err, out)
	}
	return string(out)
}

// Covers: U01
func TestEveryAuditOfGraphQLOverHTTPPasses(t *testing.T) {
	t.Parallel()
	s := portico(t)
	passed := 0
	for line := range strings.Lines(s.node(t, "audits.mjs")) {
		if strings.HasPrefix(line, "not ok") {
			t.Error(strings.TrimSpace(line))
		} else if strings.HasPrefix(line, "ok") {
			passed++
		}
	}
	if passed != 61 {
		t.Errorf("%d audits passed, want 61", passed)
	}
}

// Covers: U05
func TestTheClientOfGraphQLOverWebSocketGetsOn(t *testing.T) {
	t.Parallel()
	portico(t).node(t, "websocket.mjs")
}

// Covers: U05
func TestTheClientOfGraphQLOverSSEAndEventSourceGetOn(t *testing.T) {
	t.Parallel()
	portico(t).node(t, "sse.mjs")
}

// Covers: U08
func TestPorticoIsASubgraphOfEveryRouter(t *testing.T) {
	t.Parallel()
	s := portico(t)
	s.node(t, "federation.mjs", "OTHER="+s.token(t, "buyer-other"))
}
