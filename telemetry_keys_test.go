package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portico/telemetry"
)

// TestLogsUseOnlyKnownKeys finds entries of the log whose keys telemetry.Keys does not name, which would be withheld, and
// names that nothing uses.
func TestLogsUseOnlyKnownKeys(t *testing.T) {
	used := map[string]bool{"trace_id": true}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"node_modules", "bench", "faults", "cluster", "e2e", "examples"}, d.Name()) ||
				strings.HasPrefix(d.Name(), ".") && path != "." {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, key := range logged(n) {
				text, err := strconv.Unquote(key.Value)
				if _, known := telemetry.Keys[text]; err != nil || !known {
					t.Errorf("%s: the log's key %s is not in telemetry.Keys", files.Position(key.Pos()), key.Value)
				}
				used[text] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range telemetry.Keys {
		if !used[key] {
			t.Errorf("telemetry.Keys names %q, which nothing logs", key)
		}
	}
}

// logged are the keys of a call to a logger.
func logged(n ast.Node) (keys []*ast.BasicLit) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	of, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	name := ""
	switch x := of.X.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	level, first := of.Sel.Name, 1
	if l, cut := strings.CutSuffix(level, "Context"); cut {
		level, first = l, 2
	}
	if !strings.EqualFold(name, "log") || !slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, level) {
		return nil
	}
	for i := first; i < len(call.Args); i += 2 {
		if key, ok := call.Args[i].(*ast.BasicLit); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
