package command

import (
	"os"
	"strings"
	"testing"

	"portico/graph"
)

// TestTheTablesOfFlowsAreTheCodes holds docs/flows.md to the steps that are played, the
// rules that writes are held to, and what owns and answers which write.
//
// Covers: R10
func TestTheTablesOfFlowsAreTheCodes(t *testing.T) {
	tables, err := flowTables()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if !strings.Contains(string(text), table) {
			t.Errorf("docs/flows.md lacks what `go run . flows` prints:\n%s", table)
		}
	}
}

// TestEveryWriteAndStreamHasAMode finds writes and streams that the table of workflows
// does not tell of, and what it tells of that is not there.
func TestEveryWriteAndStreamHasAMode(t *testing.T) {
	schema := graph.NewBindings(graph.Config{}).Schema
	told := map[string]mode{}
	for _, w := range workflows {
		parent, field, _ := strings.Cut(w.Field, ".")
		if d := schema.Types[parent]; d == nil || d.Fields.ForName(field) == nil {
			t.Errorf("%s is no field", w.Field)
		}
		told[w.Field] = w.Mode
	}
	for _, f := range schema.Mutation.Fields {
		if mode := told["Mutation."+f.Name]; mode != onceDurable && mode != atOnce {
			t.Errorf("Mutation.%s has the mode %q", f.Name, mode)
		}
	}
	for _, f := range schema.Subscription.Fields {
		if told["Subscription."+f.Name] != asItComes {
			t.Errorf("Subscription.%s is not pushed", f.Name)
		}
	}
}
