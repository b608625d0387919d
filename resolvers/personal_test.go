package resolvers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestOnlyKnownFieldsSayEachCallerSomethingElse holds what edge shares between callers who may
// see the same: below the roots no field asks who is calling but those that edge knows as
// personal.
func TestOnlyKnownFieldsSayEachCallerSomethingElse(t *testing.T) {
	pkgs, err := parser.ParseDir(token.NewFileSet(), ".", nil, 0) //nolint:staticcheck // one package, without build tags
	if err != nil {
		t.Fatal(err)
	}
	var personal []string
	for name, file := range pkgs["resolvers"].Files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Body == nil {
				continue
			}
			receiver, _ := f.Recv.List[0].Type.(*ast.Ident)
			if receiver == nil || slices.Contains([]string{"query", "mutation", "subscription"}, receiver.Name) {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "CallerOf" {
					personal = append(personal, receiver.Name+"."+f.Name.Name)
				}
				return true
			})
		}
	}
	if want := []string{
		"deprecation.Usage", "operation.IdempotencyKey",
		"order.AllowedActions",
	}; !slices.Equal(slices.Sorted(slices.Values(personal)), want) {
		t.Errorf("%v ask who is calling, want %v: add the field to personal in edge/sharing.go", personal, want)
	}
}
