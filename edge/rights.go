// Package edge is where requests come in: it signs the caller in, runs the
// operation under deadline with its loaders, checks rights field by field, and
// turns failures into answers that tell no more than they should.
package edge

import (
	"context"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/edge/auth"
)

// rights holds the schema's @scope by field: every list of scopes of which one
// must be in force. A type's own holds on every path to it.
type rights map[string][][]string

func newRights(schema *ast.Schema) rights {
	r := rights{}
	for _, t := range schema.Types {
		if t.Kind != ast.Object || strings.HasPrefix(t.Name, "__") {
			continue
		}
		for _, f := range t.Fields {
			at := t.Name + "." + f.Name
			for _, directives := range []ast.DirectiveList{t.Directives, f.Directives, typeRights(schema, f.Type.Name())} {
				if need := scopesOf(directives); need != nil {
					r[at] = append(r[at], need)
				}
			}
		}
	}
	return r
}

// typeRights are the rights of a type; of a connection or edge, those of its
// node.
func typeRights(schema *ast.Schema, name string) ast.DirectiveList {
	t := schema.Types[name]
	if t == nil {
		return nil
	}
	if node := t.Fields.ForName("node"); node != nil && strings.HasSuffix(name, "Edge") {
		return typeRights(schema, node.Type.Name())
	}
	if nodes := t.Fields.ForName("nodes"); nodes != nil && strings.HasSuffix(name, "Connection") {
		return typeRights(schema, nodes.Type.Name())
	}
	return t.Directives
}

func scopesOf(directives ast.DirectiveList) []string {
	d := directives.ForName("scope")
	if d == nil {
		return nil
	}
	var scopes []string
	for _, v := range d.Arguments.ForName("anyOf").Value.Children {
		scopes = append(scopes, v.Value.Raw)
	}
	return scopes
}

// Key is the same for callers with the same scopes, who share plans.
func (r rights) Key(ctx context.Context) string { return auth.CallerOf(ctx).Scope.RightsKey() }

// Deny tells why the caller may not read a field. Nobody is told to sign in by
// the resolvers.
func (r rights) Deny(ctx context.Context, coordinate string) error {
	caller := auth.CallerOf(ctx)
	if caller.Principal == nil {
		return nil
	}
	if err := caller.Scope.Decide(r[coordinate], nil); err != nil {
		return &gqlerror.Error{Message: err.Error(), Extensions: map[string]any{"code": "FORBIDDEN"}}
	}
	return nil
}
