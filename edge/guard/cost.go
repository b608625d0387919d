package guard

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// The cost of an operation is the most it may take, from @cost and @listSize
// alone: a field costs its weight, an object 1 and a scalar 0 unless the schema
// says otherwise; a list multiplies what is below it by its slicing argument,
// by the length of a list argument, by @listSize's assumed size or else by 10.
// Each element of the lists in a field's arguments, at any depth, costs a tenth
// of the field's own weight, and at least 1: a thousand lines are no more work
// to write than one, and a thousand times the work to check. A list right below
// such a field is assumed to be as long as those it was given, where that is more.
// Directives that skip are not looked at, and what is on one of several types
// counts beside what is on the others.

const (
	assumedSize    = 10
	objectWeight   = 1
	mutationWeight = 10 // of each root: it is kept, retried and audited
	streamWeight   = 10 // of a subscription's root, which stays
	elementShare   = 10 // of a field's weight, for each element of a list in its arguments
)

// cost is a sum of which a part may depend on variables.
type cost struct {
	fixed int64
	parts []part
}

// part is the cost of one element of a list, for as many as there are.
type part struct {
	count []count // the largest that is given counts
	each  *cost
}

// count is how many elements a list may have: a number, or what a variable
// says.
type count struct {
	n        int64
	variable string
	length   bool // the variable is a list, whose length counts
	elements bool // the elements of all lists in the variable count
}

// sizes are those of the variables of an operation, whose elements are counted once however often they are used.
type sizes struct {
	variables map[string]any
	elements  map[string]int64
}

func (g *sizes) elementsOf(variable string) int64 {
	n, counted := g.elements[variable]
	if !counted {
		if n = elements(g.variables[variable]); g.elements == nil {
			g.elements = map[string]int64{}
		}
		g.elements[variable] = n
	}
	return n
}

func (c *cost) of(g *sizes) int64 {
	total := c.fixed
	for _, p := range c.parts {
		total = plus(total, times(p.size(g), p.each.of(g)))
	}
	return total
}

func (p part) size(g *sizes) int64 {
	n := int64(0)
	for _, c := range p.count {
		n = max(n, c.of(g))
	}
	return n
}

func (c count) of(g *sizes) int64 {
	if c.variable == "" {
		return c.n
	}
	if c.elements {
		return g.elementsOf(c.variable)
	}
	v := g.variables[c.variable]
	if c.length {
		if list, ok := v.([]any); ok {
			return int64(len(list))
		}
		return 1 // one value is a list of one
	}
	switch v := v.(type) {
	case int64:
		return v
	case int:
		return int64(v)
	case json.Number:
		n, _ := v.Int64()
		return n
	}
	return c.n
}

func plus(a, b int64) int64 { return min(a, math.MaxInt32) + min(b, math.MaxInt32) }

func times(a, b int64) int64 {
	return min(max(a, 0), math.MaxInt32) * min(b, math.MaxInt32)
}

func (g *Guard) costOf(op *ast.OperationDefinition) *cost {
	c := &cost{}
	g.add(c, op.SelectionSet, below{})
	weight := int64(0)
	switch op.Operation {
	case ast.Mutation:
		weight = mutationWeight
	case ast.Subscription:
		weight = streamWeight
	}
	c.fixed = plus(c.fixed, times(int64(len(op.SelectionSet)), weight))
	return c
}

// below is what a field says of the lists right below it: that those named hold as many elements as sized says, and that
// all others without a size may hold as many as it was given in lists.
type below struct {
	names        []string
	sized, given []count
}

// add adds what a selection set costs. Fragments are written out: measure has bounded how much that is.
func (g *Guard) add(c *cost, set ast.SelectionSet, b below) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			g.field(c, s, b)
		case *ast.InlineFragment:
			g.add(c, s.SelectionSet, b)
		case *ast.FragmentSpread:
			g.add(c, s.Definition.SelectionSet, b)
		}
	}
}

func (g *Guard) field(c *cost, f *ast.Field, above below) {
	if f.Name == "__typename" {
		return
	}
	if strings.HasPrefix(f.Name, "__") { // validation bounds introspection
		c.fixed = plus(c.fixed, objectWeight)
		return
	}
	each := &cost{fixed: g.weight(f)}
	own := slicing(f)
	elements := g.elementsGiven(f)
	b := below{given: elements}
	size := f.Definition.Directives.ForName("listSize")
	if size != nil {
		if b.names = texts(size.Arguments.ForName("sizedFields")); b.names != nil {
			b.sized = own
		}
	}
	g.add(each, f.SelectionSet, b)
	for _, n := range elements {
		c.list([]count{n}, &cost{fixed: max(g.weight(f)/elementShare, 1)})
	}
	switch {
	case slices.Contains(above.names, f.Name):
		c.list(above.sized, each)
	case f.Definition.Type.Elem != nil && size == nil:
		c.list(append(own, above.given...), each)
	case f.Definition.Type.Elem != nil:
		c.list(own, each)
	default:
		c.fixed = plus(c.fixed, each.fixed)
		c.parts = append(c.parts, each.parts...)
	}
}

// elementsGiven are the elements of the lists in a field's arguments. Those of a list that asks for one element of the field each
// are counted as that.
func (g *Guard) elementsGiven(f *ast.Field) (elements []count) {
	for _, a := range f.Arguments {
		d := f.Definition.Arguments.ForName(a.Name)
		switch {
		case d == nil, d.Type.Elem == nil && !g.lists[d.Type.Name()], d.Type.Elem != nil && f.Definition.Type.Elem != nil:
		default:
			elements = append(elements, elementsOf(a.Value)...)
		}
	}
	return elements
}

// list adds a list of so many elements; what depends on no variable is worked
// out once.
func (c *cost) list(counts []count, each *cost) {
	p := part{counts, each}
	if each.parts == nil {
		fixed := true
		for _, n := range counts {
			fixed = fixed && n.variable == ""
		}
		if fixed {
			c.fixed = plus(c.fixed, times(p.size(&sizes{}), each.fixed))
			return
		}
	}
	c.parts = append(c.parts, p)
}

// weight is what one value of a field costs.
func (g *Guard) weight(f *ast.Field) int64 {
	t := g.schema.Types[f.Definition.Type.Name()]
	for _, directives := range []ast.DirectiveList{f.Definition.Directives, t.Directives} {
		if d := directives.ForName("cost"); d != nil {
			n, _ := strconv.ParseInt(d.Arguments.ForName("weight").Value.Raw, 10, 64)
			return n
		}
	}
	if t.Kind == ast.Scalar || t.Kind == ast.Enum {
		return 0
	}
	return objectWeight
}

// slicing is how many elements a field's arguments ask for.
func slicing(f *ast.Field) []count {
	size := f.Definition.Directives.ForName("listSize")
	var counts []count
	var names []string
	assumed := int64(assumedSize)
	if size != nil {
		names = texts(size.Arguments.ForName("slicingArguments"))
		if a := size.Arguments.ForName("assumedSize"); a != nil {
			assumed, _ = strconv.ParseInt(a.Value.Raw, 10, 64)
		}
	}
	for _, a := range f.Arguments {
		def := f.Definition.Arguments.ForName(a.Name)
		switch {
		case slices.Contains(names, a.Name):
			counts = append(counts, number(a.Value, assumed))
		case size == nil && def != nil && def.Type.Elem != nil:
			counts = append(counts, length(a.Value))
		}
	}
	if counts == nil {
		return []count{{n: assumed}}
	}
	return counts
}

// number is what a slicing argument says; null asks for what is assumed.
func number(v *ast.Value, assumed int64) count {
	switch v.Kind {
	case ast.Variable:
		if d := v.VariableDefinition; d != nil && d.DefaultValue != nil && d.DefaultValue.Kind == ast.IntValue {
			assumed, _ = strconv.ParseInt(d.DefaultValue.Raw, 10, 64)
		}
		return count{n: assumed, variable: v.Raw}
	case ast.IntValue:
		n, _ := strconv.ParseInt(v.Raw, 10, 64)
		return count{n: n}
	}
	return count{n: assumed}
}

func length(v *ast.Value) count {
	switch v.Kind {
	case ast.Variable:
		return count{variable: v.Raw, length: true}
	case ast.ListValue:
		return count{n: int64(len(v.Children))}
	}
	return count{n: 1}
}

// holdingLists are the input types of a schema in which a list may stand, at any depth.
func holdingLists(schema *ast.Schema) map[string]bool {
	found := map[string]bool{}
	for before := -1; before < len(found); {
		before = len(found)
		for _, def := range schema.Types {
			if def.Kind == ast.InputObject &&
				slices.ContainsFunc(def.Fields, func(f *ast.FieldDefinition) bool { return f.Type.Elem != nil || found[f.Type.NamedType] }) {
				found[def.Name] = true
			}
		}
	}
	return found
}

// elementsOf are the elements of the lists in an argument: those that are written, and those in variables.
func elementsOf(v *ast.Value) (counts []count) {
	switch v.Kind {
	case ast.Variable:
		return []count{{variable: v.Raw, elements: true}}
	case ast.ListValue:
		counts = []count{{n: int64(len(v.Children))}}
	}
	for _, child := range v.Children {
		counts = append(counts, elementsOf(child.Value)...)
	}
	return counts
}

// elements counts the elements of all lists in a value.
func elements(v any) (n int64) {
	switch v := v.(type) {
	case []any:
		n = int64(len(v))
		for _, x := range v {
			n += elements(x)
		}
	case map[string]any:
		for _, x := range v {
			n += elements(x)
		}
	}
	return n
}

func texts(a *ast.Argument) []string {
	if a == nil {
		return nil
	}
	var list []string
	for _, c := range a.Value.Children {
		list = append(list, c.Value.Raw)
	}
	return list
}
