package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"portico/graph"
	"portico/trade/operating"
)

// TestTheDefinitionsOfMeasuresAreTheCodes holds docs/measures.md and the schema to the definitions in code.
func TestTheDefinitionsOfMeasuresAreTheCodes(t *testing.T) {
	var b strings.Builder
	b.WriteString("| measure | unit | one case | broken down by |\n|---|---|---|---|\n")
	for _, m := range operating.Measures {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Measure, m.Unit, m.Case, m.By)
	}
	const begin, end = "<!-- measures: held to the code by a test -->\n", "<!-- end -->"
	text, err := os.ReadFile("docs/measures.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), begin)
	if table, _, _ := strings.Cut(rest, end); table != b.String() {
		t.Errorf("docs/measures.md must have between its marks:\n%s", b.String())
	}
	told := map[string]bool{}
	for _, v := range graph.NewBindings(graph.Config{}).Schema.Types["BusinessMeasure"].EnumValues {
		told[v.Name] = true
		if operating.BusinessMeasure(v.Name).Definition() == nil {
			t.Errorf("%s has no definition", v.Name)
		}
	}
	for _, m := range operating.Measures {
		if !told[string(m.Measure)] {
			t.Errorf("%s is not in the schema", m.Measure)
		}
	}
}
