package edge

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/graph/execution"
)

// maxRepresentations is how many entities a router may ask for at once.
const maxRepresentations = 1000

// nobody is a representation of what is not there.
var nobody = map[string]any{"__typename": "Account", "id": ""}

// boundEntities bounds _entities and takes representations that name nothing out
// of the batch: each is null and has an error of its own, where it would make
// all of its type null. key finds the key that a representation is read by.
func boundEntities(b *execution.Bindings, key func(map[string]any) (name, value string, ok bool)) {
	field := b.Objects[b.Schema.Query.Name].Fields["_entities"]
	find := field.Call
	field.Call = func(ctx context.Context, ec any, objs []any, args map[string]any) (any, int, error) {
		given, _ := args["representations"].([]map[string]any)
		if len(given) > maxRepresentations {
			return nil, 0, &gqlerror.Error{Message: "representations must be at most 1000", Extensions: map[string]any{"code": "BAD_USER_INPUT"}}
		}
		named := make([]map[string]any, len(given))
		for i, r := range given {
			name, value, ok := key(r)
			if !ok {
				named[i] = nobody
				graphql.AddError(ctx, &gqlerror.Error{
					Message:    "The representation matches no key of an entity of this graph.",
					Path:       ast.Path{ast.PathName(graphql.GetFieldContext(ctx).Field.Alias), ast.PathIndex(i)},
					Extensions: map[string]any{"code": "BAD_USER_INPUT"},
				})
				continue
			}
			named[i] = map[string]any{"__typename": r["__typename"], name: value}
		}
		return find(ctx, ec, objs, map[string]any{"representations": named})
	}
}
