// Command generate runs genqlient by a genqlient.yaml, with a schema and types that suit tests better than genqlient's own.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/Khan/genqlient/generate"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	config, err := generate.ReadAndValidateConfig(file)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "genqlient-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for i, name := range config.Schema {
		adapted := filepath.Join(dir, fmt.Sprint(i)+".graphqls")
		if err := adaptSchema(name, adapted); err != nil {
			return err
		}
		config.Schema[i] = adapted
	}
	files, err := generate.Generate(config)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(name, dropGetters(omitNull(text)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// adaptSchema writes a schema as genqlient shall see it. Operations are checked against it, and sent as they are written.
func adaptSchema(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	doc, err := parser.ParseSchema(&ast.Source{Name: from, Input: string(text)})
	if err != nil {
		return err
	}
	// Directives are for the server, and those of federation are declared by gqlgen.
	doc.SchemaExtension, doc.Directives = nil, nil
	composite := map[string]bool{}
	for _, d := range doc.Definitions {
		d.Directives, composite[d.Name] = nil, d.Kind == ast.Object || d.Kind == ast.Interface || d.Kind == ast.Union
	}
	for _, d := range doc.Definitions {
		for _, f := range d.Fields {
			f.Directives = nil
			for _, a := range f.Arguments {
				a.Directives = nil
			}
			switch {
			case d.Kind == ast.InputObject && f.DefaultValue != nil:
				f.Type.NonNull = false // it may be omitted, and false is not its default
			case d.Kind != ast.InputObject:
				for t := f.Type; t != nil; t = t.Elem {
					t.NonNull = t.NonNull || composite[t.NamedType] // null is the zero value, not a pointer that is nil
				}
			}
		}
		for _, v := range d.EnumValues {
			v.Directives = nil
		}
	}
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	defer file.Close()
	formatter.NewFormatter(file, formatter.WithoutDescription()).FormatSchemaDocument(doc)
	return nil
}

var (
	nullable    = regexp.MustCompile("(?m)^(\t\\w+ +(?:\\*|\\[\\])[^`]+`json:\"\\w+)\"`")
	implements  = regexp.MustCompile(`func \(v \*(\w+)\) implementsGraphQLInterface`)
	getter      = regexp.MustCompile(`// Get\w+ returns .*\nfunc \(v \*(\w+)\) Get\w+\(\) .* \{\s+return .*\s+\}\n\n?`)
	description = regexp.MustCompile(`(?m)^// (Get\w+|__\w+) (returns|is used) .*\n`)
)

// omitNull leaves out what is nil: an input of which one key must be given refuses a second one even if it is null. Genqlient leaves out
// what is empty, and only where each member of an input asks for it.
func omitNull(text []byte) []byte { return nullable.ReplaceAll(text, []byte("$1,omitzero\"`")) }

// dropGetters leaves getters to the members of unions and interfaces alone, as nothing else needs them.
func dropGetters(text []byte) []byte {
	abstract := map[string]bool{}
	for _, m := range implements.FindAllSubmatch(text, -1) {
		abstract[string(m[1])] = true
	}
	text = getter.ReplaceAllFunc(text, func(found []byte) []byte {
		if abstract[string(getter.FindSubmatch(found)[1])] {
			return found
		}
		return nil
	})
	return description.ReplaceAll(text, nil)
}
