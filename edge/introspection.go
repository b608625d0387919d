package edge

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/edge/auth"
	"portico/graph/execution"
)

// introspection is the right to read the schema, and with it what a caller may not see.
var introspection = [][]string{{"schema:read"}}

// guardIntrospection refuses to describe the schema to those who may not read it, and says which right it takes.
func guardIntrospection(b *execution.Bindings) {
	for _, name := range []string{"__schema", "__type", "_service"} {
		field := b.Objects[b.Schema.Query.Name].Fields[name]
		describe := field.Call
		field.Call = func(ctx context.Context, ec any, objs []any, args map[string]any) (any, int, error) {
			switch {
			case !graphql.GetOperationContext(ctx).DisableIntrospection:
				return describe(ctx, ec, objs, args)
			case auth.CallerOf(ctx).Principal == nil:
				return nil, 0, refusedSchema("UNAUTHENTICATED", "Sign in with the scope schema:read to read the schema.")
			}
			return nil, 0, refusedSchema("FORBIDDEN", "Reading the schema needs the scope schema:read.")
		}
	}
}

func refusedSchema(code, message string) error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}
