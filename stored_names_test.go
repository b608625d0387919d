package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// keeping are the rooms whose JSON outlives the process that wrote it, or is read by SQL, or is read
// by a process of another release. What sources and clients say is theirs, and has its own names.
var keeping = []string{
	"./process/...", "./store", "./events/...", "./edge/auth", "./edge/documents", "./edge", "./resolvers", "./app", "./trade",
	"./evidence/...",
}

// converting are the functions that make JSON of a value, or a value of JSON, and the place of the value.
var converting = map[string]int{
	"encoding/json.Marshal": 0, "encoding/json.MarshalIndent": 0, "encoding/json.Unmarshal": 1, "encoding/json.Encoder.Encode": 0,
	"encoding/json.Decoder.Decode":               0,
	"github.com/go-json-experiment/json.Marshal": 0, "github.com/go-json-experiment/json.Unmarshal": 1,
}

// TestWhatIsStoredHasExplicitNames finds every type that is made JSON of in a room that keeps some, and
// every type within it, and wants each of their fields to say what it is called there: else a field that
// is renamed compiles, and what was stored under its name is lost.
func TestWhatIsStoredHasExplicitNames(t *testing.T) {
	all, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports |
			packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedExportFile,
	}, keeping...)
	if err != nil {
		t.Fatal(err)
	}
	s := &storing{
		packages: all, sinks: map[string]bool{}, types: map[string]types.Type{}, walked: map[string]bool{},
		named: map[string]*types.Package{},
	}
	for _, p := range all {
		for _, err := range p.Errors {
			t.Fatal(err)
		}
		s.named[p.PkgPath] = p.Types
	}
	s.find()
	for _, what := range slices.Sorted(maps.Keys(s.types)) {
		s.walk(what, s.types[what])
	}
	if len(s.walked) < 100 {
		t.Errorf("only %d types were found: %v", len(s.walked), slices.Sorted(maps.Keys(s.walked)))
	}
	for _, field := range slices.Sorted(slices.Values(s.unnamed)) {
		t.Errorf("%s is stored and has no name of its own in JSON: give it the tag json:\"…\" with the name it has there", field)
	}
}

// storing is a search for the types whose JSON is kept. A sink is a place, such as a parameter or a type
// parameter, whatever comes to which is made JSON of.
type storing struct {
	packages []*packages.Package
	named    map[string]*types.Package
	sinks    map[string]bool
	types    map[string]types.Type
	walked   map[string]bool
	unnamed  []string
}

// find searches until nothing more is found.
func (s *storing) find() {
	for before := -1; before != len(s.sinks)+len(s.types); {
		before = len(s.sinks) + len(s.types)
		for _, p := range s.packages {
			for _, file := range p.Syntax {
				ast.Inspect(file, func(n ast.Node) bool {
					s.see(p, n)
					return true
				})
			}
			for id, instance := range p.TypesInfo.Instances { // what a type parameter that is a sink stands for
				of := p.TypesInfo.Uses[id]
				for i := range instance.TypeArgs.Len() {
					if s.sinks[fmt.Sprintf("%s[%d]", pathOf(of), i)] {
						s.take(p, instance.TypeArgs.At(i), nil)
					}
				}
			}
		}
	}
}

// keepsMaps tells of a room whose maps of anything are kept: entries of the audit log, and documents.
func keepsMaps(room string) bool {
	return room == "portico/store" || strings.HasPrefix(room, "portico/process")
}

func (s *storing) see(p *packages.Package, n ast.Node) {
	info := p.TypesInfo
	switch n := n.(type) {
	case *ast.CallExpr:
		fun := ast.Unparen(n.Fun)
		if x, ok := fun.(*ast.IndexExpr); ok {
			fun = x.X
		}
		var f *types.Func
		switch x := fun.(type) {
		case *ast.Ident:
			f, _ = info.Uses[x].(*types.Func)
		case *ast.SelectorExpr:
			f, _ = info.Uses[x.Sel].(*types.Func)
		}
		if f == nil {
			return
		}
		for i, arg := range n.Args {
			at, converts := converting[pathOf(f)]
			if converts && at == i || s.sinks[fmt.Sprintf("%s(%d)", pathOf(f), i)] {
				s.take(p, info.TypeOf(arg), arg)
			}
		}
	case *ast.CompositeLit:
		if m, ok := info.TypeOf(n).Underlying().(*types.Map); ok && types.IsInterface(m.Elem()) && keepsMaps(p.PkgPath) {
			for _, e := range n.Elts {
				value := e.(*ast.KeyValueExpr).Value
				s.take(p, info.TypeOf(value), value)
			}
		}
		of, ok := info.TypeOf(n).Underlying().(*types.Struct)
		if !ok {
			return
		}
		for i, e := range n.Elts {
			value, field := e, ast.Expr(nil)
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				value, field = kv.Value, kv.Key
			}
			name := ""
			if id, ok := field.(*ast.Ident); ok {
				name = id.Name
			} else {
				name = of.Field(i).Name()
			}
			if s.sinks[typePath(info.TypeOf(n))+"."+name] {
				s.take(p, info.TypeOf(value), value)
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if len(n.Rhs) != len(n.Lhs) {
				return
			}
			if key := s.place(p, left); key != "" && s.sinks[key] {
				s.take(p, info.TypeOf(n.Rhs[i]), n.Rhs[i])
			}
		}
	}
}

// take notes that a value of a type is made JSON of; expr is where it stands, nil where it is a type argument.
func (s *storing) take(p *packages.Package, of types.Type, expr ast.Expr) {
	if x, ok := expr.(*ast.UnaryExpr); ok && x.Op == token.AND {
		s.take(p, p.TypesInfo.TypeOf(x.X), x.X)
		return
	}
	switch x := types.Unalias(of).(type) {
	case *types.Pointer:
		s.take(p, x.Elem(), expr)
		return
	case *types.TypeParam:
		s.sinks[parameter(p, x)] = true
		return
	case *types.Interface:
		if expr != nil {
			if key := s.place(p, expr); key != "" {
				s.sinks[key] = true
			}
		}
		return
	}
	s.within(p, of)
	s.types[unique(of)] = of
}

// unique is what a type is called, where several functions have one of the same name too.
func unique(of types.Type) string {
	name := types.TypeString(of, nil)
	for {
		switch x := types.Unalias(of).(type) {
		case *types.Slice:
			of = x.Elem()
			continue
		case *types.Pointer:
			of = x.Elem()
			continue
		case *types.Named:
			if o := x.Obj(); o.Pkg() != nil && o.Parent() != o.Pkg().Scope() {
				return fmt.Sprintf("%s@%d", name, o.Pos())
			}
		}
		return name
	}
}

// within finds the type parameters inside a type.
func (s *storing) within(p *packages.Package, of types.Type) {
	switch x := types.Unalias(of).(type) {
	case *types.Slice:
		s.within(p, x.Elem())
	case *types.Pointer:
		s.within(p, x.Elem())
	case *types.Map:
		s.within(p, x.Elem())
	case *types.TypeParam:
		s.sinks[parameter(p, x)] = true
	}
}

// place is what a value is called that stands in a parameter, a field or a variable.
func (s *storing) place(p *packages.Package, e ast.Expr) string {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		v, ok := p.TypesInfo.ObjectOf(x).(*types.Var)
		if !ok {
			return ""
		}
		for _, file := range p.Syntax {
			if file.FileStart <= v.Pos() && v.Pos() < file.FileEnd {
				for _, d := range file.Decls {
					f, ok := d.(*ast.FuncDecl)
					if !ok || v.Pos() < f.Pos() || v.Pos() >= f.End() {
						continue
					}
					of := p.TypesInfo.Defs[f.Name].(*types.Func)
					for i := range of.Signature().Params().Len() {
						if of.Signature().Params().At(i) == v {
							return fmt.Sprintf("%s(%d)", pathOf(of), i)
						}
					}
				}
			}
		}
		return fmt.Sprintf("%s@%d", v.Name(), v.Pos())
	case *ast.SelectorExpr:
		if sel := p.TypesInfo.Selections[x]; sel != nil && sel.Kind() == types.FieldVal {
			return typePath(sel.Recv()) + "." + x.Sel.Name
		}
	}
	return ""
}

// parameter is a type parameter of a function, or of the type whose method it stands in.
func parameter(p *packages.Package, x *types.TypeParam) string {
	for _, def := range p.TypesInfo.Defs {
		switch o := def.(type) {
		case *types.Func:
			sig := o.Signature()
			for i := range sig.TypeParams().Len() {
				if sig.TypeParams().At(i) == x {
					return fmt.Sprintf("%s[%d]", pathOf(o), i)
				}
			}
			for i := range sig.RecvTypeParams().Len() {
				if sig.RecvTypeParams().At(i) == x {
					return fmt.Sprintf("%s[%d]", typePath(sig.Recv().Type()), i)
				}
			}
		case *types.TypeName:
			if n, ok := o.Type().(*types.Named); ok {
				for i := range n.TypeParams().Len() {
					if n.TypeParams().At(i) == x {
						return fmt.Sprintf("%s[%d]", pathOf(o), i)
					}
				}
			}
		}
	}
	return "?"
}

// path is what a function, a method or a type is called everywhere.
func pathOf(o types.Object) string {
	if o == nil || o.Pkg() == nil {
		return ""
	}
	if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
		return typePath(f.Signature().Recv().Type()) + "." + f.Name()
	}
	return o.Pkg().Path() + "." + o.Name()
}

func typePath(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return pathOf(n.Obj())
	}
	return types.TypeString(t, nil)
}

// walk holds a type and all within it to the rule.
func (s *storing) walk(what string, of types.Type) {
	switch x := types.Unalias(of).(type) {
	case *types.Pointer:
		s.walk(what, x.Elem())
	case *types.Slice:
		s.walk(what, x.Elem())
	case *types.Array:
		s.walk(what, x.Elem())
	case *types.Map:
		s.walk(what, x.Elem())
	case *types.Named:
		s.walkNamed(x)
	case *types.Struct:
		s.fields(what, x)
	}
}

func (s *storing) walkNamed(x *types.Named) {
	of := x.Obj()
	if of.Pkg() == nil || !strings.HasPrefix(of.Pkg().Path(), "portico") || s.walked[unique(x)] {
		return
	}
	s.walked[unique(x)] = true
	if is, ok := x.Underlying().(*types.Interface); ok { // any of ours may stand in it
		scope := of.Pkg().Scope()
		for _, name := range scope.Names() {
			if n, ok := scope.Lookup(name).(*types.TypeName); ok && !n.IsAlias() && !types.IsInterface(n.Type()) &&
				types.Implements(types.NewPointer(n.Type()), is) {
				s.walk(name, n.Type())
			}
		}
		return
	}
	for _, method := range []string{"MarshalJSON", "MarshalText"} {
		if m, _, _ := types.LookupFieldOrMethod(x, true, of.Pkg(), method); m != nil {
			return // what it writes is seen where it writes it
		}
	}
	s.walk(typePath(x), x.Underlying())
}

func (s *storing) fields(what string, x *types.Struct) {
	for i := range x.NumFields() {
		f := x.Field(i)
		tag, named := reflect.StructTag(x.Tag(i)).Lookup("json")
		name, _, _ := strings.Cut(tag, ",")
		if name == "-" || !f.Exported() && !f.Embedded() {
			continue
		}
		if f.Exported() && !f.Embedded() && (!named || name == "") {
			s.unnamed = append(s.unnamed, what+"."+f.Name())
		}
		s.walk(what+"."+f.Name(), f.Type())
	}
}
