package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"portico/graph"
	"portico/trade/operating"
)

var updateCapabilities = flag.Bool("capabilities", false, "write docs/capabilities.md anew")

// workflows are those that portals need first: of all capabilities they have the most tests.
var workflows = map[string][]string{
	"order status": {"C10"}, "acknowledgment": {"P03"}, "inventory": {"C04"},
	"shipment events": {"T01", "T02", "T03", "U06"},
}

// TestEveryCapabilityHasTests makes the table of docs/capabilities.md from the ids that tests and scripts name in their comments
// ("Covers: C10 R01"), and holds the page to it: which ids there are, what they mean, and that none is without a test.
//
// Covers: H08
func TestEveryCapabilityHasTests(t *testing.T) {
	files := filesNamed(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	scripts := filesNamed(t, func(name string) bool { return strings.HasSuffix(name, ".txtar") })
	covers := regexp.MustCompile(`(?m)^// Covers: ([A-Z0-9 ]+)\nfunc (Test\w+)`)
	covered := regexp.MustCompile(`(?m)\A# .+\n# Covers: ([A-Z0-9 ]+)$`)
	tests := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range covers.FindAllStringSubmatch(string(text), -1) {
			for id := range strings.FieldsSeq(m[1]) {
				tests[id] = append(tests[id], m[2])
			}
		}
	}
	for _, f := range scripts {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m := covered.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s does not begin with a line of what it shows and one of what it covers", f)
			continue
		}
		for id := range strings.FieldsSeq(string(m[1])) {
			tests[id] = append(tests[id], f)
		}
	}
	const page, begin = "docs/capabilities.md", "| id | capability | tests |\n|---|---|--:|\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, table, _ := strings.Cut(string(text), begin)
	var b strings.Builder
	b.WriteString(head + begin)
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z]\d\d) \| (.+?) \|`).FindAllStringSubmatch(table, -1) {
		named[m[1]] = true
		fmt.Fprintf(&b, "| %s | %s | %d |\n", m[1], m[2], len(tests[m[1]]))
		if len(tests[m[1]]) == 0 {
			t.Errorf("%s (%s) has no test", m[1], m[2])
		}
	}
	for id := range tests {
		if !named[id] {
			t.Errorf("%s is covered by %v, and %s does not say what it is", id, tests[id], page)
		}
	}
	if *updateCapabilities {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if b.String() != string(text) {
		t.Errorf("%s is not what tests say: go test . -run EveryCapability -capabilities", page)
	}
	for workflow, ids := range workflows {
		all := map[string]bool{}
		for _, id := range ids {
			for _, name := range tests[id] {
				all[name] = true
			}
		}
		for id, of := range tests {
			if !slices.Contains([]string{"C10", "P03", "C04", "T01", "T02", "T03", "U06"}, id) && len(of) > len(all) {
				t.Errorf("%s has %d tests, %s has %d: the workflows that portals need first have the most", workflow, len(all), id, len(of))
			}
		}
	}
}

// TestEverythingHasAnOwner holds OWNERS.yaml to the schema and the metrics: an owner and a steward for every kind of
// record, capability, measure
// and family of metrics, and for nothing else.
//
// Covers: H09
func TestEverythingHasAnOwner(t *testing.T) {
	text, err := os.ReadFile("OWNERS.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type owned struct{ Owner, Steward string }
	var file struct {
		Entities, Capabilities, Measures, Metrics map[string]owned
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	schema := graph.NewBindings(graph.Config{}).Schema
	entities, capabilities, measures, metrics := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, d := range schema.PossibleTypes["Node"] {
		entities[d.Name] = true
	}
	for _, v := range schema.Types["Capability"].EnumValues {
		capabilities[v.Name] = true
	}
	for _, m := range operating.Measures {
		measures[string(m.Measure)] = true
	}
	for _, f := range filesNamed(t, func(name string) bool { return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") }) {
		code, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Name: +"portico_([a-z]+)`).FindAllStringSubmatch(string(code), -1) {
			metrics[m[1]] = true
		}
	}
	for what, both := range map[string]struct {
		there map[string]bool
		named map[string]owned
	}{
		"entity": {entities, file.Entities}, "capability": {capabilities, file.Capabilities}, "measure": {measures, file.Measures},
		"family of metrics": {metrics, file.Metrics},
	} {
		if len(both.there) == 0 {
			t.Errorf("there is no %s", what)
		}
		for name := range both.there {
			if o := both.named[name]; o.Owner == "" || o.Steward == "" {
				t.Errorf("the %s %s has no owner and steward in OWNERS.yaml", what, name)
			}
		}
		for name := range both.named {
			if !both.there[name] {
				t.Errorf("OWNERS.yaml names the %s %s, which is not there", what, name)
			}
		}
	}
}

// filesNamed are the files of the repository whose names are wanted.
func filesNamed(t *testing.T, wanted func(name string) bool) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || path == "bin"):
			return fs.SkipDir
		case !d.IsDir() && wanted(d.Name()):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
