package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"portico/app"
	"portico/graph"
	"portico/graph/governance"
	"portico/sources/carriers"
	"portico/store/operating"
)

type governanceCmd struct {
	Check   bool   `help:"Fail where the schema breaks clients that were not warned, is against the rules, or does not answer what clients send."`
	Usage   bool   `help:"Print what clients asked for in the last 90 days, as JSON, for graph/governance/usage.json: what they ask for cannot be removed."`
	Publish bool   `help:"Publish the schema as it is: keep it, and note in docs/schema-changes.md what is another than before."`
	Folder  string `help:"The checkout." default:"."`
}

const (
	schemaSource  = "schema.graphqls"
	snapshot      = "graph/governance/published.graphqls"
	clientsList   = "graph/governance/clients.yaml"
	usageExport   = "graph/governance/usage.json"
	schemaChanges = "docs/schema-changes.md"
	sampleFolder  = "sources/carriers/testdata"
	sampleResults = "graph/governance/documents.txt"
)

// Run prints how the schema stands to what was published, to its rules and to its clients.
func (g governanceCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	if g.Usage {
		return printUse(ctx, cfg, log)
	}
	list, err := os.ReadFile(g.in(clientsList))
	if err != nil {
		return fmt.Errorf("%w: run this in the checkout, or name it with --folder", err)
	}
	now, err := g.schema(schemaSource, federationOf(graph.NewBindings(graph.Config{}).Schema)...)
	if err != nil {
		return err
	}
	was, err := g.schema(snapshot)
	if err != nil {
		return err
	}
	documents, err := governance.Documents(os.DirFS(g.Folder), list)
	if err != nil {
		return err
	}
	use, err := g.exported()
	if err != nil {
		return err
	}
	changes := governance.Diff(was, now)
	problems := governance.Check(now, governance.Published{Schema: was, Use: use, Documents: documents}, time.Now())
	results, err := g.mapSamples()
	if err != nil {
		return err
	}
	if g.Publish {
		if err := os.WriteFile(g.in(sampleResults), results, 0o644); err != nil { //nolint:gosec // it is there to be read
			return err
		}
		return g.publish(now, changes, problems)
	}
	problems = append(problems, g.drifted(results)...)
	if g.Check {
		for _, p := range problems {
			fmt.Println(p)
		}
		if len(problems) > 0 {
			return fmt.Errorf("it must not go out: %d problems", len(problems))
		}
		return nil
	}
	g.report(now, changes, documents, problems)
	return nil
}

// schema reads a schema of the checkout, with what else it is made of.
func (g governanceCmd) schema(name string, with ...*ast.Source) (*ast.Schema, error) {
	text, err := os.ReadFile(g.in(name))
	if err != nil {
		return nil, err
	}
	s, err := gqlparser.LoadSchema(append([]*ast.Source{{Name: name, Input: string(text)}}, with...)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// federationOf are the sources that gqlgen adds to a schema for federation.
func federationOf(s *ast.Schema) (all []*ast.Source) {
	add := func(at *ast.Position) {
		if at != nil && at.Src != nil && strings.HasPrefix(at.Src.Name, "../federation/") && !slices.Contains(all, at.Src) {
			all = append(all, at.Src)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Directives)) {
		add(s.Directives[name].Position)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Types)) {
		add(s.Types[name].Position)
	}
	return all
}

// exported is what clients ask for, as it was exported from where they do.
func (g governanceCmd) exported() (use []governance.Use, err error) {
	text, err := os.ReadFile(g.in(usageExport))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &use)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", usageExport, err)
	}
	return use, nil
}

func printUse(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	database, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer database.Close()
	found, err := operating.SchemaUse(ctx, database.Store, time.Now().Add(-app.KeepSchemaUse))
	if err != nil {
		return err
	}
	use := make([]governance.Use, len(found))
	for i, u := range found {
		use[i] = governance.Use(u)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(use)
}

// mapSamples are what the kept documents of carriers are mapped to, for people to compare: a mapping that changes what any of them
// means does not do so unseen. A file that is named after one of our mappings is read by it.
func (g governanceCmd) mapSamples() ([]byte, error) {
	files, err := fs.ReadDir(os.DirFS(g.Folder), sampleFolder)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, f := range files {
		body, err := os.ReadFile(g.in(sampleFolder + "/" + f.Name()))
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(f.Name(), ".")
		mapped(&b, f.Name(), body, carriers.Mappings[name])
	}
	return b.Bytes(), nil
}

// drifted is a problem where documents are mapped to something else than was published.
func (g governanceCmd) drifted(results []byte) (problems []string) {
	was, err := os.ReadFile(g.in(sampleResults))
	if err == nil && bytes.Equal(was, results) {
		return nil
	}
	old, now := strings.Split(string(was), "\n"), strings.Split(string(results), "\n")
	for i := range max(len(old), len(now)) {
		a, b := lineOf(old, i), lineOf(now, i)
		if a != b {
			return []string{fmt.Sprintf("%s: documents of carriers mean something else than was published. Line %d was %q and is %q: where that "+
				"is meant, publish it", sampleResults, i+1, a, b)}
		}
	}
	return nil
}

func lineOf(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func (g governanceCmd) in(name string) string { return g.Folder + "/" + name }

func (g governanceCmd) report(now *ast.Schema, changes []governance.Change, documents []governance.Document, problems []string) {
	count := map[governance.Level]int{}
	for _, c := range changes {
		count[c.Level]++
	}
	fields := 0
	for _, d := range now.Types {
		fields += len(d.Fields)
	}
	fmt.Printf("# Versions\n\n%d types with %d fields. Since it was published: %d breaking, %d dangerous and %d safe changes.\n\n%s",
		len(now.Types), fields, count[governance.Breaking], count[governance.Dangerous], count[governance.Safe], governance.Notes(changes))
	fmt.Printf("\n# Contracts\n\n%d documents of clients are kept in %s.\n", len(documents), clientsList)
	fmt.Printf("\n# Deprecations\n\n")
	all := governance.Deprecations(now)
	for _, d := range all {
		fmt.Printf("- `%s` goes on %s: %s\n", d.Coordinate, d.SunsetOn, d.Reason)
	}
	if len(all) == 0 {
		fmt.Println("Nothing is deprecated.")
	}
	tested, err := os.ReadFile(g.in("docs/capabilities.md"))
	if err == nil {
		fmt.Printf("\n# Tests\n\n%d capabilities are played against a running server: docs/capabilities.md.\n",
			strings.Count(string(tested), "\n| ")-1)
	}
	fmt.Printf("\n# Problems\n\n")
	for _, p := range problems {
		fmt.Println("-", p)
	}
	if len(problems) == 0 {
		fmt.Println("None.")
	}
}

func (g governanceCmd) publish(now *ast.Schema, changes []governance.Change, problems []string) error {
	if len(problems) > 0 {
		return errors.New(strings.Join(append(problems, "nothing is published"), "\n"))
	}
	if len(changes) > 0 {
		text, err := os.ReadFile(g.in(schemaChanges))
		if err != nil {
			return err
		}
		head, rest, _ := strings.Cut(string(text), "\n## ")
		if rest != "" {
			rest = "\n## " + rest
		}
		note := fmt.Sprintf("\n## %s\n\n%s", time.Now().UTC().Format(time.DateOnly), governance.Notes(changes))
		if err := os.WriteFile(g.in(schemaChanges), []byte(head+note+rest), 0o644); err != nil { //nolint:gosec // it is there to be read
			return err
		}
	}
	return os.WriteFile(g.in(snapshot), []byte(governance.Print(now)), 0o644) //nolint:gosec // it is there to be read
}
