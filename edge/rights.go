// Package edge is where requests come in: it signs the caller in, runs the
// operation under deadline with its loaders, checks rights field by field, and
// turns failures into answers that tell no more than they should.
package edge

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/auth"
)

// rights holds the schema's @scope by field: every list of scopes of which one
// must be in force. A type's own holds on every path to it.
type rights struct {
	needs map[string][][]string
	enums map[string]map[string]bool
}

var (
	_ graphql.HandlerExtension = (*rights)(nil)
	_ graphql.FieldInterceptor = (*rights)(nil)
)

func newRights(schema *ast.Schema) *rights {
	r := &rights{needs: map[string][][]string{}, enums: map[string]map[string]bool{}}
	for _, t := range schema.Types {
		if t.Kind != ast.Object || strings.HasPrefix(t.Name, "__") {
			continue
		}
		for _, f := range t.Fields {
			at := t.Name + "." + f.Name
			for _, directives := range []ast.DirectiveList{t.Directives, f.Directives, typeRights(schema, f.Type.Name())} {
				if need := scopesOf(directives); need != nil {
					r.needs[at] = append(r.needs[at], need)
				}
			}
			if e := schema.Types[f.Type.Name()]; e != nil && e.Kind == ast.Enum {
				values := map[string]bool{}
				for _, v := range e.EnumValues {
					values[v.Name] = true
				}
				r.enums[at] = values
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

func (*rights) ExtensionName() string                   { return "Rights" }
func (*rights) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptField refuses a field whose scopes the caller lacks, and a stored
// value that is none of its enum's.
func (r *rights) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	at := fc.Object + "." + fc.Field.Name
	if needs := r.needs[at]; needs != nil {
		scope := auth.CallerOf(ctx).Scope
		for _, anyOf := range needs {
			if !scope.May(anyOf...) && auth.CallerOf(ctx).Principal != nil {
				return nil, &gqlerror.Error{
					Message:    fmt.Sprintf("This needs one of the scopes %s.", strings.Join(anyOf, ", ")),
					Extensions: map[string]any{"code": "FORBIDDEN"},
				}
			}
		}
	}
	value, err := next(ctx)
	if known := r.enums[at]; known != nil && err == nil && value != nil {
		if odd := unknownValue(reflect.ValueOf(value), known); odd {
			return nil, fmt.Errorf("%s: a stored value is none of the schema's", at)
		}
	}
	return value, err
}

func unknownValue(v reflect.Value, known map[string]bool) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && unknownValue(v.Elem(), known)
	case reflect.Slice:
		return slices.ContainsFunc(slices.Collect(indices(v)), func(e reflect.Value) bool { return unknownValue(e, known) })
	case reflect.String:
		return !known[v.String()]
	}
	return false
}

func indices(v reflect.Value) func(func(reflect.Value) bool) {
	return func(yield func(reflect.Value) bool) {
		for i := range v.Len() {
			if !yield(v.Index(i)) {
				return
			}
		}
	}
}
