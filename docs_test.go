package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"

	"portico/graph"
)

var (
	asked   = regexp.MustCompile(`(?m)^ask '([^']+)'`)
	posted  = regexp.MustCompile(`-d '(\{"query":[^']+\})'`)
	fenced  = regexp.MustCompile("(?s)```graphql\n((?:\\{|query|mutation|subscription).*?)```")
	keyed   = regexp.MustCompile(`idempotencyKey: "([^"]*)"`)
	leastOf = 16 // characters of a key
)

// TestWhatTheDocsAskForCanBeAsked holds every operation on every page to the schema.
func TestWhatTheDocsAskForCanBeAsked(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	schema := graph.NewBindings(graph.Config{}).Schema
	found := 0
	for _, page := range append(pages, "README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var operations []string
		for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
			operations = append(operations, m[1])
		}
		for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
			operations = append(operations, m[1])
		}
		for _, m := range posted.FindAllStringSubmatch(string(text), -1) {
			var body struct{ Query string }
			if err := json.Unmarshal([]byte(m[1]), &body); err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
			}
			operations = append(operations, body.Query)
		}
		for _, o := range operations {
			found++
			if _, errs := gqlparser.LoadQueryWithRules(schema, o, nil); errs != nil {
				t.Errorf("%s: %s: %v", page, strings.TrimSpace(o), errs)
			}
			for _, m := range keyed.FindAllStringSubmatch(o, -1) {
				if len(m[1]) < leastOf {
					t.Errorf("%s: the key %q has %d characters, and must have %d", page, m[1], len(m[1]), leastOf)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("%d operations are found: have the pages another form now?", found)
	}
}
