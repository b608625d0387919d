package command

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"portico/app"
)

// Covers: M02
func TestTheTableOfPoliciesIsTheCodes(t *testing.T) {
	set, err := app.OpenSources(app.SandboxFile("localhost:1"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/data-governance.md")
	if err != nil {
		t.Fatal(err)
	}
	if table := policyTable(set); !strings.Contains(string(text), table) {
		t.Errorf("docs/data-governance.md has another table than `go run . policies`:\n%s", table)
	}
}

func TestTheTableOfAdaptersIsTheCodes(t *testing.T) {
	text, err := os.ReadFile("../../docs/adapters.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{adapterTable(), settingTable()} {
		if !strings.Contains(string(text), table) {
			t.Errorf("docs/adapters.md has another table than `go run . adapters`:\n%s", table)
		}
	}
}
