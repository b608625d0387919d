package store_test

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"regexp"
	"slices"
	"strconv"
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
	"proof": "trade.Proof", "t.proof": "trade.Proof",
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

// lexemes are the words of a statement: texts, operators, parameters, names and all else by itself.
var lexemes = regexp.MustCompile(`'(?:[^']|'')*'|->>|->|#>>|#>|::|\$[0-9]+|"[^"]*"|` +
	`[A-Za-z_][A-Za-z_0-9]*(?:\.(?:[A-Za-z_][A-Za-z_0-9]*|"[^"]*"))*|[^\s]`)

type statement struct {
	c       *checker
	at      string
	tokens  []string
	args    map[int]documentTypes
	only    documentTypes
	records documentTypes
	groups  []int       // of each token, the place of the parenthesis around it, or -1
	closes  map[int]int // of each parenthesis
	bound   []binding
}

// binding is a name that a statement gives to a document or a part of one, in the parentheses at in.
type binding struct {
	name   string
	at, in int
	from   [2]int // tokens of what it stands for
	each   bool   // it is an element of that
}

func operator(s string) bool { return s == "->" || s == "->>" || s == "#>" || s == "#>>" }

func word(s string) bool {
	return s != "" && (s[0] == '_' || s[0] == '"' || s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
}

func (s *statement) token(i int) string {
	if i < 0 || i >= len(s.tokens) {
		return ""
	}
	return s.tokens[i]
}

func (s *statement) check() {
	s.nest()
	s.bind()
	for i := range s.tokens {
		if operator(s.tokens[i]) && strings.HasPrefix(s.token(i+1), "'") && !operator(s.token(i-2)) {
			s.chain(i, true)
		}
		if s.tokens[i] == "jsonb_to_recordset" {
			of := s.typeOf(i+2, s.closes[i+1])
			open := s.closes[i+1] + 3 // AS k(
			for k := open; k < s.closes[open]; k++ {
				if strings.HasPrefix(s.tokens[k], `"`) {
					s.steps(elements(of), strings.Trim(s.tokens[k], `"`), true)
				}
			}
		}
	}
}

func (s *statement) nest() {
	s.closes = map[int]int{}
	around := []int{-1}
	for i, x := range s.tokens {
		s.groups = append(s.groups, around[len(around)-1])
		switch {
		case x == "(":
			around = append(around, i)
		case x == ")" && len(around) > 1:
			s.closes[around[len(around)-1]] = i
			around = around[:len(around)-1]
			s.groups[i] = around[len(around)-1]
		}
	}
}

// bind finds the names: jsonb_array_elements(…) AS x(name, place), and … AS name.
func (s *statement) bind() {
	for i, x := range s.tokens {
		switch x {
		case "jsonb_array_elements":
			end := s.closes[i+1]
			k := end + 1
			if strings.EqualFold(s.token(k), "WITH") {
				k += 2
			}
			if strings.EqualFold(s.token(k), "AS") {
				k++
			}
			if !word(s.token(k)) {
				continue
			}
			if s.token(k+1) == "(" {
				k += 2
			}
			s.bound = append(s.bound, binding{s.tokens[k], i, s.groups[i], [2]int{i + 2, end}, true})
		case "AS":
			if !word(s.token(i + 1)) {
				continue
			}
			start := i - 1
			switch {
			case s.token(i-1) == ")":
				for open, end := range s.closes {
					if end == i-1 {
						start = open - 1
					}
				}
				if s.token(start) != "nullif" && s.token(start) != "coalesce" {
					continue
				}
			case strings.HasPrefix(s.token(i-1), "'") && operator(s.token(i-2)):
				for start = i - 2; operator(s.token(start - 2)); start -= 2 {
				}
				start -= s.base(start)
			case s.token(i-1) == "jsonb" && s.token(i-2) == "::" && strings.HasPrefix(s.token(i-3), "$"):
				start = i - 3
			default:
				continue
			}
			b := binding{s.tokens[i+1], i, s.groups[i], [2]int{start, i}, false}
			s.bound = append(s.bound, b)
			if b.in >= 0 && s.token(b.in+1) == "SELECT" { // what is around a subquery knows its columns
				b.in = s.groups[b.in]
				s.bound = append(s.bound, b)
			}
		}
	}
}

// base is how many tokens before an operator the value stands that it is about.
func (s *statement) base(i int) int {
	if s.token(i-1) == "jsonb" && s.token(i-2) == "::" {
		return 3
	}
	return 1
}

// typeOf is the type of the first document or part of one within tokens.
func (s *statement) typeOf(from, to int) documentTypes {
	for i := from; i < to; i++ {
		switch x := s.tokens[i]; {
		case operator(x) && strings.HasPrefix(s.token(i+1), "'"):
			return s.chain(i, false)
		case strings.HasPrefix(x, "$") && s.token(i+1) == "::" && !operator(s.token(i+3)), columns[x] != "" && !operator(s.token(i+1)):
			return s.named(i)
		case word(x) && !operator(s.token(i+1)) && s.token(i+1) != "(":
			if of := s.resolve(x, i); of != nil {
				return of
			}
		}
	}
	return nil
}

// chain is the type of a value from its first operator on, as in j -> 'Event' ->> 'Key'; with tell it holds
// the keys to the types.
func (s *statement) chain(i int, tell bool) documentTypes {
	for open, end := range s.closes {
		if end == i-1 && s.token(open-1) == "to_jsonb" { // a row of a table as it is
			return nil
		}
	}
	of := s.named(i - s.base(i))
	if of == nil {
		if tell {
			s.c.t.Errorf("%s reads %s of %s, and what type that is cannot be found", s.at, s.token(i+1), s.token(i-s.base(i)))
		}
		return nil
	}
	for ; operator(s.token(i)) && strings.HasPrefix(s.token(i+1), "'"); i += 2 {
		key := strings.Trim(s.tokens[i+1], "'")
		for k := range strings.SplitSeq(strings.Trim(key, "{}"), ",") {
			if of = s.steps(of, k, tell); of == nil {
				return nil
			}
		}
	}
	return of
}

// steps is what a key leads to in each of the types, all of which have it.
func (s *statement) steps(of documentTypes, key string, tell bool) (to documentTypes) {
	if tell {
		s.c.found++
	}
	for _, t := range of {
		f := field(t, key)
		if f != nil {
			to = append(to, f)
		} else if tell {
			s.c.t.Errorf("%s reads the key %q of %s, which has no field of that name in JSON", s.at, key, types.TypeString(t, (*types.Package).Name))
		}
	}
	return to
}

// named is what a token stands for.
func (s *statement) named(i int) documentTypes {
	x := s.token(i)
	if n, err := strconv.Atoi(strings.TrimPrefix(x, "$")); err == nil {
		if of := s.args[n]; of != nil {
			return of
		}
		if s.records == nil {
			return s.only
		}
		return s.records
	}
	return s.resolve(x, i)
}

func (s *statement) resolve(x string, at int) documentTypes {
	if of := columns[x]; of != "" {
		return s.c.lookup(of)
	}
	name := x[strings.LastIndex(x, ".")+1:]
	for in := s.groups[at]; ; in = s.groups[in] {
		for n := len(s.bound) - 1; n >= 0; n-- {
			if b := s.bound[n]; b.name == name && b.in == in && (at < b.from[0] || at >= b.from[1]) {
				return s.valueOf(b)
			}
		}
		if in < 0 {
			break
		}
	}
	for _, b := range s.bound { // of another part of the statement, which selects it
		if b.name == name && (at < b.from[0] || at >= b.from[1]) {
			return s.valueOf(b)
		}
	}
	if name == "j" {
		return elements(s.records)
	}
	return nil
}

func (s *statement) valueOf(b binding) documentTypes {
	of := s.typeOf(b.from[0], b.from[1])
	if b.each {
		return elements(of)
	}
	return of
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

func elements(all documentTypes) (of documentTypes) {
	for _, t := range all {
		for done := false; !done; {
			switch x := types.Unalias(t).Underlying().(type) {
			case *types.Pointer:
				t = x.Elem()
			case *types.Slice:
				t, done = x.Elem(), true
			default:
				done = true
			}
		}
		of = append(of, t)
	}
	return of
}

// field is the type of what a key leads to; nil where a type has none of that name.
func field(of types.Type, key string) types.Type {
	switch x := types.Unalias(of).Underlying().(type) {
	case *types.Pointer:
		return field(x.Elem(), key)
	case *types.Map:
		return x.Elem()
	case *types.Struct:
		for i := range x.NumFields() {
			name, _, _ := strings.Cut(reflect.StructTag(x.Tag(i)).Get("json"), ",")
			f := x.Field(i)
			if name == "" && !f.Embedded() {
				name = f.Name()
			}
			if name == key {
				return f.Type()
			}
		}
		for i := range x.NumFields() {
			if f := x.Field(i); f.Embedded() && reflect.StructTag(x.Tag(i)).Get("json") == "" {
				if t := field(f.Type(), key); t != nil {
					return t
				}
			}
		}
	}
	return nil
}
