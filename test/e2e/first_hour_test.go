package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"portico/test/e2e/extras"
)

// TestTheFirstHourLeadsToAnIncidentThatIsUnderstood pastes docs/first-hour.md into a shell,
// beside a server as `make run` starts it.
//
// Covers: O06 F12
func TestTheFirstHourLeadsToAnIncidentThatIsUnderstood(t *testing.T) {
	t.Parallel()
	extras.Program(t, "curl, which docs/first-hour.md asks with", "curl")
	page, err := os.ReadFile("../../docs/first-hour.md")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, folder(t, true), "PORTICO_PACE=1")
	t.Cleanup(func() { _ = s.stop() })
	host := func(url string) string { return strings.TrimPrefix(url, "http://") }
	here := strings.NewReplacer("localhost:8080", host(s.url), "localhost:8090", host(s.company), "localhost:9464", host(s.admin), "go run .",
		binary)
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script.WriteString(here.Replace(block[1]) + "echo '=== next'\n")
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Env = s.cmd.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := strings.Split(string(out), "=== next\n")
	for i, wants := range [][]string{
		{`"name":`, `"amount":`},
		{`"status":"QUEUED","number":null`, `"errors":[]`},
		{`"severity":"CRITICAL","responsible":"ERP"`, `"suggestedAction":`, `"instance":"erp","state":"DOWN","queueDepth":1`},
		{`"kind":"`, "/debug/traces?trace="},
		{`"alerts":{"nodes":[]}`, `"number":"`},
		{`"responsible":"ERP"`, "hdrStat", "8000001"},
	} {
		for _, want := range wants {
			if i >= len(said) || !strings.Contains(said[i], want) {
				t.Errorf("block %d does not say %s", i+1, want)
			}
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
