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
// Directives that skip are not looked at, and what is on one of several types
// counts beside what is on the others.

const (
	assumedSize    = 10
	objectWeight   = 1
	mutationWeight = 10 // of each root: it is kept, retried and audited
	streamWeight   = 10 // of a subscription's root, which stays
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
}

func (c *cost) of(variables map[string]any) int64 {
	total := c.fixed
	for _, p := range c.parts {
		total = plus(total, times(p.size(variables), p.each.of(variables)))
	}
	return total
}

func (p part) size(variables map[string]any) int64 {
	n := int64(0)
	for _, c := range p.count {
		n = max(n, c.of(variables))
	}
	return n
}

func (c count) of(variables map[string]any) int64 {
	if c.variable == "" {
		return c.n
	}
	v := variables[c.variable]
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
	g.add(c, op.SelectionSet, nil, nil)
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

// add adds what a selection set costs; sized are the fields in it that hold as
// many elements as count says. Fragments are written out: measure has bounded
// how much that is.
func (g *Guard) add(c *cost, set ast.SelectionSet, sized []string, counts []count) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			g.field(c, s, sized, counts)
		case *ast.InlineFragment:
			g.add(c, s.SelectionSet, sized, counts)
		case *ast.FragmentSpread:
			g.add(c, s.Definition.SelectionSet, sized, counts)
		}
	}
}

func (g *Guard) field(c *cost, f *ast.Field, sized []string, counts []count) {
	if f.Name == "__typename" {
		return
	}
	if strings.HasPrefix(f.Name, "__") { // validation bounds introspection
		c.fixed = plus(c.fixed, objectWeight)
		return
	}
	each := &cost{fixed: g.weight(f)}
	own := slicing(f)
	size := f.Definition.Directives.ForName("listSize")
	var below []string
	if size != nil {
		below = texts(size.Arguments.ForName("sizedFields"))
	}
	if below != nil {
		g.add(each, f.SelectionSet, below, own)
	} else {
		g.add(each, f.SelectionSet, nil, nil)
	}
	switch {
	case slices.Contains(sized, f.Name):
		c.list(counts, each)
	case f.Definition.Type.Elem != nil:
		c.list(own, each)
	default:
		c.fixed = plus(c.fixed, each.fixed)
		c.parts = append(c.parts, each.parts...)
	}
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
			c.fixed = plus(c.fixed, times(p.size(nil), each.fixed))
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
