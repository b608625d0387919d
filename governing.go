package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"portico/governance"
	"portico/graph"
)

type governanceCmd struct {
	Check   bool   `help:"Fail where the schema breaks clients that were not warned, is against the rules, or does not answer what clients send."`
	Publish bool   `help:"Publish the schema as it is: keep it, and note in docs/schema-changes.md what is another than before."`
	Folder  string `help:"The checkout." default:"."`
}

const (
	snapshot      = "governance/published.graphqls"
	clientsList   = "governance/clients.yaml"
	schemaChanges = "docs/schema-changes.md"
)

// Run prints how the schema stands to what was published, to its rules and to its clients.
func (g governanceCmd) Run(Config) error {
	now := graph.NewBindings(graph.Config{}).Schema
	was, err := governance.PublishedSchema()
	if err != nil {
		return err
	}
	list, err := os.ReadFile(g.in(clientsList))
	if err != nil {
		return fmt.Errorf("%w: run this in the checkout, or name it with --folder", err)
	}
	documents, err := governance.Documents(os.DirFS(g.Folder), list)
	if err != nil {
		return err
	}
	changes := governance.Diff(was, now)
	problems := governance.Check(now, governance.Published{Schema: was, Documents: documents}, time.Now())
	if g.Publish {
		return g.publish(now, changes, problems)
	}
	if g.Check {
		for _, p := range problems {
			fmt.Println(p)
		}
		if len(problems) > 0 {
			return fmt.Errorf("the schema cannot be published: %d problems", len(problems))
		}
		return nil
	}
	g.report(now, changes, documents, problems)
	return nil
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
	fmt.Printf("# Versions\n\n%d types with %d fields. Since it was published: %d breaking, %d dangerous and %d safe changes.\n\n%s", len(now.Types), fields, count[governance.Breaking], count[governance.Dangerous], count[governance.Safe], governance.Notes(changes))
	fmt.Printf("\n# Contracts\n\n%d documents of clients are kept in %s.\n", len(documents), clientsList)
	fmt.Printf("\n# Deprecations\n\n")
	all := governance.Deprecations(now)
	for _, d := range all {
		fmt.Printf("- `%s` goes on %s: %s\n", d.Coordinate, d.SunsetOn, d.Reason)
	}
	if len(all) == 0 {
		fmt.Println("Nothing is deprecated.")
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
		if err := os.WriteFile(g.in(schemaChanges), []byte(head+note+rest), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(g.in(snapshot), []byte(governance.Print(now)), 0o644)
}
