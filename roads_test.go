package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheRoadsLeadPastWhatIsThere holds the roads of docs/architecture.md to the code: every stop names a file, or a folder, and
// functions that are in it, and no road has more than 14 stops.
func TestTheRoadsLeadPastWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, roads, _ := strings.Cut(string(text), "\n## Four roads\n")
	roads, _, _ = strings.Cut(roads, "\n## ")
	stop, quoted := regexp.MustCompile(`(?m)^\| \d+ \| ([^|]+) \|`), regexp.MustCompile("`([^`]+)`")
	for _, road := range strings.Split(roads, "\n### ")[1:] {
		name, _, _ := strings.Cut(road, "\n")
		stops := stop.FindAllStringSubmatch(road, -1)
		if len(stops) < 5 || len(stops) > 14 {
			t.Errorf("%s: %d stops, want 5 to 14", name, len(stops))
		}
		for _, s := range stops {
			code := ""
			for _, q := range quoted.FindAllStringSubmatch(s[1], -1) {
				switch what := q[1]; {
				case strings.HasSuffix(what, "/"):
					if found, err := filepath.Glob(what + "*.go"); err != nil || len(found) == 0 {
						t.Errorf("%s: there is no code in %s", name, what)
					}
				case strings.HasSuffix(what, ".go"):
					if !strings.Contains(what, "/") {
						continue // beside the one before
					}
					file, err := os.ReadFile(what)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					code += string(file)
				case code != "":
					function := what[strings.LastIndex(what, ".")+1:]
					if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + function + `\b`).MatchString(code) {
						t.Errorf("%s: %s is not in the file that is named for it", name, what)
					}
				}
			}
		}
	}
}
