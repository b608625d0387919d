package governance

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// Print is a schema as it is published: the same text for the same schema.
func Print(s *ast.Schema) string {
	var b bytes.Buffer
	bare := *s
	bare.SchemaDirectives = nil // what it is linked to stands in none of its types
	bare.Directives = maps.Clone(s.Directives)
	for name, d := range s.Directives {
		if !graphQLs[name] { // federation's are shown, that it can be read by itself
			shown := *d
			shown.Position = &ast.Position{Src: &ast.Source{}}
			bare.Directives[name] = &shown
		}
	}
	bare.Types = maps.Clone(s.Types)
	for name, d := range s.Types {
		if d.BuiltIn && strings.HasPrefix(name, "federation__") || name == "FieldSet" {
			shown := *d
			shown.BuiltIn = false
			bare.Types[name] = &shown
		}
	}
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(&bare)
	return b.String()
}

// graphQLs are the directives that every schema has.
var graphQLs = map[string]bool{"include": true, "skip": true, "deprecated": true, "specifiedBy": true, "oneOf": true, "defer": true}

// Notes are changes as a changelog has them: lines of Markdown, without what is safe where it
// says nothing to a client.
func Notes(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		mark := ""
		if c.Level != Safe {
			mark = "**" + c.Level.String() + "** "
		}
		fmt.Fprintf(&b, "- %s`%s`: %s\n", mark, c.Coordinate, c.Message)
	}
	return b.String()
}
