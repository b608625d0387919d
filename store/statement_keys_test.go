package store_test

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// rooms are the packages that have statements.
var rooms = []string{
	"portico/store", "portico/store/records", "portico/store/records/replication", "portico/store/ledger",
	"portico/store/operating",
}

// columns are the columns of JSON of which statements read keys, by the alias that they have there, and the
// type that is kept in each.
var columns = map[string]string{
	"o.awaiting": "trade.awaitedJSON", "o.failure": "trade.OperationFailure", "m.before": "trade.ScheduleLine",
	"m.after": "trade.ScheduleLine",
	"e.after": "evidence.entry.After", "e.raw": "trade.RawCode", "f.attributes": "trade.ItemAttribute", "d.refs": "trade.Identifier",
	"proof": "trade.Proof", "s.proof": "trade.Proof", "p.proof": "trade.Proof",
}

// TestStatementsReadKeysThatTheirDocumentsHave reads every statement, and every key of JSON that it reads:
// the struct that was made the JSON of has a field of that name. One that is renamed would else be saved as NULL.
func TestStatementsReadKeysThatTheirDocumentsHave(t *testing.T) {
	all, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports |
			packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedExportFile,
	}, append([]string{"portico/trade", "portico/evidence"}, rooms...)...)
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{t: t, all: map[string]*packages.Package{}}
	for _, p := range all {
		for _, err := range p.Errors {
			t.Fatal(err)
		}
		if slices.Contains(rooms, p.PkgPath) {
			continue
		}
		c.all[p.Name] = p
	}
	for _, p := range all {
		if c.pkg = p; !slices.Contains(rooms, p.PkgPath) {
			continue
		}
		for _, file := range c.pkg.Syntax {
			for _, decl := range file.Decls {
				c.declaration(decl)
			}
		}
	}
	if c.found < 800 {
		t.Errorf("only %d keys were found; has the shape of the code changed?", c.found)
	}
}

type checker struct {
	t     *testing.T
	all   map[string]*packages.Package
	pkg   *packages.Package
	found int
}

// documentTypes are the types that a parameter or a name may stand for: several where a statement is of a
// generic function.
type documentTypes []types.Type

func (c *checker) declaration(decl ast.Decl) {
	parts := []ast.Node{decl}
	if g, ok := decl.(*ast.GenDecl); ok {
		if g.Tok == token.CONST { // read where it is used
			return
		}
		parts = nil
		for _, s := range g.Specs {
			parts = append(parts, s)
		}
	}
	for _, part := range parts {
		args := c.arguments(part)
		records, only := c.records(part), c.only(part)
		ast.Inspect(part, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok || !isText(c.pkg.TypesInfo.TypeOf(e)) {
				return true
			}
			switch e.(type) {
			case *ast.BinaryExpr, *ast.BasicLit:
				text := c.text(e, part)
				if strings.Contains(text, "->") || strings.Contains(text, "#>") || strings.Contains(text, "jsonb_to_recordset") {
					s := statement{
						c: c, at: c.pkg.Fset.Position(e.Pos()).String() + " " + nameOf(part), tokens: lexemes.FindAllString(text, -1),
						args: args[text], only: only, records: records,
					}
					s.check()
				}
				return false
			}
			return true
		})
	}
}

func isText(t types.Type) bool {
	b, ok := t.(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

// text is what a statement says, with a ? for what is known only when it runs.
func (c *checker) text(e ast.Expr, in ast.Node) string {
	if v := c.pkg.TypesInfo.Types[e].Value; v != nil && v.Kind() == constant.String {
		return constant.StringVal(v)
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return c.text(e.X, in)
	case *ast.BinaryExpr:
		return c.text(e.X, in) + c.text(e.Y, in)
	case *ast.Ident:
		if from := c.assigned(e, in); from != nil {
			return c.text(from, in)
		}
	}
	return " ? "
}

// assigned is what a variable of a function is first set to; nil where it is none.
func (c *checker) assigned(id *ast.Ident, in ast.Node) (from ast.Expr) {
	of := c.pkg.TypesInfo.ObjectOf(id)
	ast.Inspect(in, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && from == nil && len(a.Rhs) >= 1 {
			for i, left := range a.Lhs {
				if l, ok := left.(*ast.Ident); ok && c.pkg.TypesInfo.ObjectOf(l) == of && l != id {
					from = a.Rhs[min(i, len(a.Rhs)-1)]
				}
			}
		}
		return true
	})
	return from
}

// arguments are the types that JSON was made of which statements take, by the statement and the number of the parameter.
func (c *checker) arguments(in ast.Node) map[string]map[int]documentTypes {
	all := map[string]map[int]documentTypes{}
	ast.Inspect(in, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		at, runs := map[string]int{"Select": 2, "Get": 2, "Exec": 1}[f.Sel.Name]
		if !runs || len(call.Args) <= at {
			return true
		}
		text := c.text(call.Args[at], in)
		if all[text] == nil {
			all[text] = map[int]documentTypes{}
		}
		for i, arg := range call.Args[at+1:] {
			if of := c.document(arg, in); of != nil {
				all[text][i+1] = of
			}
		}
		return true
	})
	return all
}

// document is the type that an argument was made of: string(text) with text, err := json.Marshal(x).
func (c *checker) document(arg ast.Expr, in ast.Node) documentTypes {
	if call, ok := arg.(*ast.CallExpr); ok && len(call.Args) == 1 {
		arg = call.Args[0]
	}
	id, ok := arg.(*ast.Ident)
	if !ok {
		return nil
	}
	call, ok := c.assigned(id, in).(*ast.CallExpr)
	if !ok {
		return nil
	}
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if f.Sel.Name != "Marshal" {
			return nil
		}
	case *ast.Ident:
		if f.Name != "jsonText" {
			return nil
		}
	default:
		return nil
	}
	return c.instances(c.pkg.TypesInfo.TypeOf(call.Args[0]))
}

// instances are what a type stands for: itself, or all that its type parameter is anywhere.
func (c *checker) instances(of types.Type) (all documentTypes) {
	elem := of
	for {
		switch x := types.Unalias(elem).(type) {
		case *types.Slice:
			elem = x.Elem()
			continue
		case *types.Pointer:
			elem = x.Elem()
			continue
		case *types.TypeParam:
			for id, i := range c.pkg.TypesInfo.Instances {
				if n := place(c.pkg.TypesInfo.Uses[id], x); n >= 0 {
					if _, generic := i.TypeArgs.At(n).(*types.TypeParam); !generic {
						all = append(all, types.NewSlice(i.TypeArgs.At(n)))
					}
				}
			}
			return all
		}
		return documentTypes{of}
	}
}

// place is which type parameter of a generic function or type another one is: its own, or that of a method
// of it. It is -1 where it is none.
func place(of types.Object, x *types.TypeParam) int {
	var list *types.TypeParamList
	switch of := of.(type) {
	case *types.Func:
		list = of.Signature().TypeParams()
	case *types.TypeName:
		named, ok := of.Type().(*types.Named)
		if !ok {
			return -1
		}
		for m := range named.Methods() {
			if own := m.Signature().RecvTypeParams(); x.Index() < own.Len() && own.At(x.Index()) == x {
				return x.Index()
			}
		}
		list = named.TypeParams()
	}
	if x.Index() < list.Len() && list.At(x.Index()) == x {
		return x.Index()
	}
	return -1
}

// only is the type of the only JSON that a declaration makes; nil where it makes none, or several.
func (c *checker) only(in ast.Node) (of documentTypes) {
	count := 0
	ast.Inspect(in, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Marshal" {
				count++
				of = c.instances(c.pkg.TypesInfo.TypeOf(call.Args[0]))
			}
		}
		return true
	})
	if count != 1 {
		return nil
	}
	return of
}

// records are the records that a declaration saves, of which statements call each document j.
func (c *checker) records(in ast.Node) (all documentTypes) {
	ast.Inspect(in, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok || all != nil {
			return all == nil
		}
		if x, ok := types.Unalias(c.pkg.TypesInfo.TypeOf(e)).(*types.Named); ok && x.Obj().Name() == "saving" && x.TypeArgs().Len() == 1 {
			all = c.instances(types.NewSlice(x.TypeArgs().At(0)))
		}
		return true
	})
	return all
}

// lookup finds a type by its name, and the field of one.
func (c *checker) lookup(name string) documentTypes {
	parts := strings.Split(name, ".")
	of := c.all[parts[0]].Types.Scope().Lookup(parts[1]).Type()
	for _, f := range parts[2:] {
		v, _, _ := types.LookupFieldOrMethod(of, true, c.all[parts[0]].Types, f)
		of = v.Type()
	}
	return documentTypes{of}
}
