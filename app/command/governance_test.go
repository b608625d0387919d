package command

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/app"
	"portico/graph"
	"portico/graph/governance"
)

// TestThePublishedSchemaIsKept publishes into a copy of what the checkout has.
//
// Covers: G01
// Cases: H9
func TestThePublishedSchemaIsKept(t *testing.T) {
	t.Chdir("../..") // the checkout
	if err := (governanceCmd{Check: true, Folder: "."}).Run(t.Context(), app.Config{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	folder := t.TempDir()
	for _, name := range []string{clientsList, schemaChanges, schemaSource, snapshot} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(folder, sampleFolder), os.DirFS(sampleFolder)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"process/notify", "web", "examples", "test/bench"} {
		here, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(here, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := (governanceCmd{Publish: true, Folder: folder}).Run(t.Context(), app.Config{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, snapshot))
	if err != nil || string(text) != governance.Print(graph.NewBindings(graph.Config{}).Schema) {
		t.Errorf("what was published is not the schema: %v", err)
	}
	// A mapping that drifts: what a document became is another thing than was published.
	check := governanceCmd{Check: true, Folder: folder}
	if err := check.Run(t.Context(), app.Config{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("what was just published is refused: %v", err)
	}
	results, err := os.ReadFile(filepath.Join(folder, sampleResults))
	if err != nil || !strings.Contains(string(results), "ACTUAL DELIVERED (POD)") {
		t.Fatalf("documents became %s, %v", results, err)
	}
	if err := os.WriteFile(filepath.Join(folder, sampleResults),
		[]byte(strings.Replace(string(results), "ACTUAL DELIVERED (POD)", "ACTUAL PICKED_UP (POD)", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := check.Run(t.Context(), app.Config{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a mapping that drifted is not noticed")
	}
	// A schema that is changed in the checkout named, and not in the build.
	if err := os.WriteFile(filepath.Join(folder, sampleResults), results, 0o644); err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile(schemaSource)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(schema), "\n  customerPoNumber: String\n", "\n", 1)
	if broken == string(schema) {
		t.Fatal("there is no such field to remove")
	}
	if err := os.WriteFile(filepath.Join(folder, schemaSource), []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := check.Run(t.Context(), app.Config{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a field that was removed from the schema in the folder is not noticed")
	}
	if err := (governanceCmd{Check: true, Folder: filepath.Join(folder, "docs")}).Run(t.Context(), app.Config{},
		slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a folder that is none")
	}
}
