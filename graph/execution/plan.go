package execution

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// A plan is one operation under one assignment of the variables its @skip and
// @include read, and under one caller's rights, so that nothing conditional is
// left in it. It is immutable, but for what runs leave for the next, and shared.
type plan struct {
	op     *ast.OperationDefinition
	root   *selection
	calls  []*call
	frames int
	gates  []int // how many calls each gate waits for
	reads  map[string]bool
	read   func(coordinate string) bool // in reads
	hint   atomic.Int64                 // bytes of the answer before
	spare  sync.Pool                    // frames of runs that ended, as *[]frame
	bases  int                          // parents of all calls
}

// selection is a selection set on one object type at one place of the response.
type selection struct {
	object *Object
	fields []*field
	frame  int     // where its objects are gathered; -1 when no call is below it
	calls  []*call // calls that wait for the frame
}

type field struct {
	leaf     func(b []byte, o any, i int) []byte // the whole of a plain scalar: the encoder's fast road
	key      []byte                              // `"alias":`, with the comma before it
	alias    string
	coord    string
	ast      *ast.Field
	object   string
	b        *Field
	typename bool
	nonNull  bool
	elemNN   bool
	denied   error      // why the caller may not read it: nothing is below
	sub      *selection // of an object type
	abstract *abstract  // of an interface or union
	call     *call
	slot     int // which of the call's frames is ours
}

type abstract struct {
	kindOf func(any) (string, any)
	byName map[string]*selection
	order  []*selection // by name, so that nothing depends on a map's order
}

// call is one call of a resolver: every parent of its level that asks for the same field
// with the same arguments, whatever path leads there.
type call struct {
	id      int
	rank    int
	b       *Field
	ast     *ast.Field
	sel     ast.SelectionSet
	object  string
	coord   string
	parent  *call
	parents []*selection // distinct frames
	users   []user       // fields that read the results
	height  int          // calls on the longest way down from here
	fixed   bool         // the arguments name no variable, and so are decoded once
	args    atomic.Pointer[map[string]any]
	gate    int     // -1: none
	after   int     // calls of lower levels that share the loader, and must end before
	unlocks []*call // calls of higher levels that wait for this one
}

type user struct {
	sel  *selection
	f    *field
	slot int
}

type compiler struct {
	*Bindings
	doc    *ast.QueryDocument
	vars   map[string]any
	deny   func(coord string) error
	p      *plan
	joined map[string]*call
	root   int
}

func (b *Bindings) compile(doc *ast.QueryDocument, op *ast.OperationDefinition, vars map[string]any, deny func(string) error) *plan {
	c := &compiler{
		Bindings: b, doc: doc, vars: vars, deny: deny, p: &plan{op: op, reads: map[string]bool{}}, joined: map[string]*call{},
		root: -1,
	}
	c.p.read = func(coordinate string) bool { return c.p.reads[coordinate] }
	name := b.Schema.Query.Name
	switch op.Operation {
	case ast.Mutation:
		name = b.Schema.Mutation.Name
	case ast.Subscription:
		name = b.Schema.Subscription.Name
	}
	c.p.root = c.selection(b.Objects[name], []ast.SelectionSet{op.SelectionSet}, nil)
	c.gates()
	for _, k := range slices.Backward(c.p.calls) { // a call comes after the one above it
		if k.parent != nil {
			k.parent.height = max(k.parent.height, k.height+1)
		}
		c.p.bases += len(k.parents)
	}
	return c.p
}

// group is what one response key selects: section 6.3.2, CollectFields.
type group struct {
	alias  string
	fields []*ast.Field
}

func (c *compiler) collect(obj string, sel ast.SelectionSet, seen map[string]bool, out []*group) []*group {
	for _, s := range sel {
		switch s := s.(type) {
		case *ast.Field:
			if !c.included(s.Directives) {
				continue
			}
			found := false
			for _, g := range out {
				if g.alias == s.Alias {
					g.fields, found = append(g.fields, s), true
				}
			}
			if !found {
				out = append(out, &group{s.Alias, []*ast.Field{s}})
			}
		case *ast.InlineFragment:
			if c.included(s.Directives) && c.applies(s.TypeCondition, obj) {
				out = c.collect(obj, s.SelectionSet, seen, out)
			}
		case *ast.FragmentSpread:
			if seen[s.Name] || !c.included(s.Directives) {
				continue
			}
			seen[s.Name] = true
			if d := c.doc.Fragments.ForName(s.Name); d != nil && c.applies(d.TypeCondition, obj) {
				out = c.collect(obj, d.SelectionSet, seen, out)
			}
		}
	}
	return out
}

func (c *compiler) included(ds ast.DirectiveList) bool {
	return !c.when(ds.ForName("skip"), false) && c.when(ds.ForName("include"), true)
}

func (c *compiler) when(d *ast.Directive, absent bool) bool {
	if d == nil {
		return absent
	}
	v, _ := d.ArgumentMap(c.vars)["if"].(bool)
	return v
}

func (c *compiler) applies(cond, obj string) bool {
	if cond == "" || cond == obj {
		return true
	}
	for _, d := range c.Schema.PossibleTypes[cond] {
		if d.Name == obj {
			return true
		}
	}
	return false
}

func (c *compiler) selection(o *Object, sets []ast.SelectionSet, above *call) *selection {
	s := &selection{object: o, frame: -1}
	var groups []*group
	seen := map[string]bool{}
	for _, set := range sets {
		groups = c.collect(o.Name, set, seen, groups)
	}
	root := above == nil && c.root < 0
	for i, g := range groups {
		if root {
			c.root = i
		}
		f := c.field(s, g, above)
		f.key = append(strconv.AppendQuote(f.key, g.alias), ':')
		if i > 0 {
			f.key = append([]byte{','}, f.key...)
		}
		s.fields = append(s.fields, f)
		if s.frame < 0 && (f.call != nil || f.below()) {
			s.frame = c.p.frames
			c.p.frames++
		}
	}
	return s
}

// below tells whether objects under f have to be gathered.
func (f *field) below() bool {
	if f.sub != nil {
		return f.sub.frame >= 0
	}
	if f.abstract != nil {
		for _, s := range f.abstract.order {
			if s.frame >= 0 {
				return true
			}
		}
	}
	return false
}

func (c *compiler) field(s *selection, g *group, above *call) *field {
	first := g.fields[0]
	f := &field{alias: g.alias, ast: first, object: s.object.Name, coord: s.object.Name + "." + first.Name}
	if first.Name == "__typename" {
		f.typename = true
		return f
	}
	t := first.Definition.Type
	f.nonNull = t.NonNull
	if t.Elem != nil {
		f.elemNN = t.Elem.NonNull
	}
	f.b = s.object.Fields[first.Name]
	if f.b == nil {
		panic(fmt.Sprintf("execution: no binding for %s", f.coord))
	}
	if c.deny != nil {
		if f.denied = c.deny(f.coord); f.denied != nil {
			return f
		}
	}
	c.p.reads[f.coord] = true
	for _, a := range first.Arguments {
		c.p.reads[f.coord+"("+a.Name+":)"] = true
	}
	sets := make([]ast.SelectionSet, 0, len(g.fields))
	var sel ast.SelectionSet
	for _, m := range g.fields {
		sets = append(sets, m.SelectionSet)
		sel = append(sel, m.SelectionSet...)
	}
	if f.b.Call != nil || f.b.Stream != nil {
		above = c.join(s, f, sel, above)
	}
	if f.call == nil {
		f.leaf = f.b.Leaf
	}
	def := c.Schema.Types[t.Name()]
	switch def.Kind {
	case ast.Object:
		f.sub = c.selection(c.Objects[def.Name], sets, above)
	case ast.Interface, ast.Union:
		f.abstract = &abstract{kindOf: c.Abstract[def.Name], byName: map[string]*selection{}}
		for _, d := range c.Schema.GetPossibleTypes(def) {
			sub := c.selection(c.Objects[d.Name], sets, above)
			f.abstract.byName[d.Name] = sub
			f.abstract.order = append(f.abstract.order, sub)
		}
	}
	return f
}

// join finds or makes the call for f: equal field, arguments and depth share one.
func (c *compiler) join(s *selection, f *field, sel ast.SelectionSet, above *call) *call {
	rank := 0
	key := fmt.Sprint(c.root, f.alias)
	if above != nil {
		rank = above.rank + 1
		key = fmt.Sprint(rank, f.coord, argKey(f.ast.Arguments))
		if c.p.op.Operation == ast.Mutation {
			key += fmt.Sprint("/", c.root)
		}
	}
	k := c.joined[key]
	if k == nil {
		k = &call{
			id: len(c.p.calls), rank: rank, b: f.b, ast: f.ast, sel: sel, object: f.object, coord: f.coord, parent: above, gate: -1,
			fixed: !variable(f.ast.Arguments),
		}
		c.p.calls = append(c.p.calls, k)
		c.joined[key] = k
	}
	f.call = k
	f.slot = -1
	for i, p := range k.parents {
		if p == s {
			f.slot = i
		}
	}
	if f.slot < 0 {
		f.slot = len(k.parents)
		k.parents = append(k.parents, s)
		s.calls = append(s.calls, k)
	}
	k.users = append(k.users, user{s, f, f.slot})
	return k
}

func argKey(args ast.ArgumentList) string {
	if len(args) == 0 {
		return ""
	}
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.Name + ":" + a.Value.String()
	}
	slices.Sort(parts) // the order of arguments does not matter
	return "(" + strings.Join(parts, ",") + ")"
}

// variable tells whether an argument depends on a variable.
func variable(args ast.ArgumentList) bool {
	return slices.ContainsFunc(args, func(a *ast.Argument) bool { return depends(a.Value) })
}

func depends(v *ast.Value) bool {
	return v.Kind == ast.Variable || slices.ContainsFunc(v.Children, func(c *ast.ChildValue) bool { return depends(c.Value) })
}

// gates makes the calls that share a loader meet: those of one level wait for
// one another's keys, and those of a higher level for those of lower ones, so
// that what was loaded is found and never depends on which branch was faster.
// A call waits for lower levels only, so none waits for itself.
func (c *compiler) gates() {
	byLoader := map[string][]*call{}
	for _, k := range c.p.calls {
		if k.b.Group == "" {
			continue
		}
		key := k.b.Group
		if c.p.op.Operation == ast.Mutation { // whose roots run one after the other
			root := k
			for root.parent != nil {
				root = root.parent
			}
			key = fmt.Sprint(key, "/", root.id)
		}
		byLoader[key] = append(byLoader[key], k)
	}
	for _, sharing := range byLoader {
		levels := map[int][]*call{}
		for _, k := range sharing {
			levels[k.rank] = append(levels[k.rank], k)
			for _, lower := range sharing {
				if lower.rank < k.rank {
					lower.unlocks = append(lower.unlocks, k)
					k.after++
				}
			}
		}
		for _, level := range levels {
			if len(level) < 2 {
				continue
			}
			for _, k := range level {
				k.gate = len(c.p.gates)
			}
			c.p.gates = append(c.p.gates, len(level))
		}
	}
}

// truth is that of every variable that @skip or @include reads, as a key.
func truth(names []string, vars map[string]any) string {
	if len(names) == 0 {
		return ""
	}
	b := make([]byte, len(names))
	for i, n := range names {
		b[i] = '0'
		if v, _ := vars[n].(bool); v {
			b[i] = '1'
		}
	}
	return string(b)
}

// conditions lists the variables of an operation's @skip and @include.
func conditions(doc *ast.QueryDocument, op *ast.OperationDefinition) (names []string) {
	seen, frag := map[string]bool{}, map[string]bool{}
	var walk func(ast.SelectionSet)
	dirs := func(ds ast.DirectiveList) {
		for _, d := range ds {
			if d.Name == "skip" || d.Name == "include" {
				if a := d.Arguments.ForName("if"); a != nil && a.Value.Kind == ast.Variable && !seen[a.Value.Raw] {
					seen[a.Value.Raw] = true
					names = append(names, a.Value.Raw)
				}
			}
		}
	}
	walk = func(sel ast.SelectionSet) {
		for _, s := range sel {
			switch s := s.(type) {
			case *ast.Field:
				dirs(s.Directives)
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				dirs(s.Directives)
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				dirs(s.Directives)
				if !frag[s.Name] {
					frag[s.Name] = true
					if d := doc.Fragments.ForName(s.Name); d != nil {
						walk(d.SelectionSet)
					}
				}
			}
		}
	}
	walk(op.SelectionSet)
	return names
}

func collected(k *call) graphql.CollectedField {
	return graphql.CollectedField{Field: k.ast, Selections: k.sel}
}
