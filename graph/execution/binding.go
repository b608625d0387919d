// Package execution runs a validated GraphQL operation level by level: every resolver field
// is called once for all its parents in the response, then one pass writes the JSON.
package execution

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Bindings tell how a schema is bound to Go. The generator writes them.
type Bindings struct {
	Schema  *ast.Schema
	Objects map[string]*Object
	// interfaces and unions; no name: not a type of the schema, no object: null
	Abstract   map[string]func(o any) (typename string, object any)
	Context    func(*graphql.OperationContext) any // what Call and Args get as ec
	Complexity func(ctx context.Context, typeName, field string, child int, args map[string]any) (int, bool)
}

// Object is one object type.
type Object struct {
	Name   string
	Fields map[string]*Field
}

// Field reads one field. The accessors take (o, i): the object itself and 0, or, for a field
// with a Call, the slice of its results and the parent's place in it. Exactly one of Leaf,
// One, Len with At and Len with LeafAt is set.
type Field struct {
	Group string // the loader it shares with other fields of a level, if any

	Args   func(ctx context.Context, ec any, raw map[string]any) (map[string]any, error)
	Call   func(ctx context.Context, ec any, objs []any, args map[string]any) (results any, n int, err error)
	Stream func(ctx context.Context, ec any, args map[string]any) (Events, error)

	Leaf   func(b []byte, o any, i int) []byte // nil: null
	One    func(o any, i int) any              // nil: null
	Len    func(o any, i int) int              // -1: null
	At     func(o any, i, j int) any
	LeafAt func(b []byte, o any, i, j int) []byte
}

// Events hands out a subscription's events, each as the results of a call with one parent.
type Events func(ctx context.Context) (results any, ok bool)

// As converts the objects of a level to the slice its resolver takes.
func As[T any](objs []any) []T {
	out := make([]T, len(objs))
	for i, o := range objs {
		out[i] = o.(T) //nolint:errcheck // the generated table made it
	}
	return out
}

// Batch is what a batch resolver returned.
func Batch[R any](rs []R, err error) (any, int, error) { return rs, len(rs), err }

// Single is what a resolver of one parent returned.
func Single[R any](r R, err error) (any, int, error) { return []R{r}, 1, err }

// Each calls a model method that may fail on every object of a level.
func Each[T, R any](objs []any, f func(T) (R, error)) (any, int, error) {
	out := make([]R, len(objs))
	var errs graphql.BatchErrorList
	for i, o := range objs {
		if err := each(&out[i], o.(T), f); err != nil { //nolint:errcheck // the generated table made it
			if errs == nil {
				errs = make(graphql.BatchErrorList, len(objs))
			}
			errs[i] = err
		}
	}
	if errs != nil {
		return out, len(out), errs
	}
	return out, len(out), nil
}

func each[T, R any](out *R, o T, f func(T) (R, error)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p}
		}
	}()
	*out, err = f(o)
	return err
}

// Stream wraps the channel that a subscription resolver returned.
func Stream[R any](ch <-chan R, err error) (Events, error) {
	if err != nil || ch == nil {
		return nil, err
	}
	return func(ctx context.Context) (any, bool) {
		select {
		case v, ok := <-ch:
			return []R{v}, ok
		case <-ctx.Done():
			return nil, false
		}
	}, nil
}

type pullKey struct{}

// Pull has the stream that is opened in ctx ask next for its events, one after the other, until
// it says that there are no more. A resolver returns what it returns: such a stream needs no
// channel, and no goroutine that fills it.
func Pull[R any](ctx context.Context, next func(ctx context.Context) (event R, ok bool)) <-chan R {
	*ctx.Value(pullKey{}).(*Events) = func(ctx context.Context) (any, bool) { //nolint:errcheck // the generated table made it
		v, ok := next(ctx)
		return []R{v}, ok
	}
	return nil
}

// panicked carries a recovered panic to where the operation's RecoverFunc is known.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprint("panic: ", p.value) }
