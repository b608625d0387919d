package guard

import (
	"errors"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A Scalar reads a value that a client wrote for a scalar of the schema: it returns the value to go on with, which is
// nearly always the same, or an error that says what would have been right.
type Scalar = func(v any) (any, error)

// BadInput is the code of a value that its scalar cannot be.
const BadInput = "BAD_USER_INPUT"

// input is the first place in an operation where a variable is used: one is enough, for validation lets a variable stand
// only where its own type may.
type input struct {
	variable string
	of       *ast.Type
	field    ast.Path // from the root of the answer
	argument ast.Path // from the field's argument
}

// inputs checks the literals of an operation once and for all, and collects where its variables are used: what clients
// write is read by one law per scalar, wherever they write it.
func (g *Guard) inputs(op *ast.OperationDefinition) (uses []input, errs gqlerror.List) {
	c := &inputs{guard: g, fragments: map[string]bool{}, used: map[string]bool{}}
	for _, d := range op.VariableDefinitions {
		if d.DefaultValue != nil {
			c.literal(d.DefaultValue, d.Type, nil, ast.Path{ast.PathName(d.Variable)})
		}
	}
	c.selection(op.SelectionSet, nil)
	return c.uses, c.errs
}

type inputs struct {
	guard     *Guard
	fragments map[string]bool // that were looked at
	used      map[string]bool // variables
	uses      []input
	errs      gqlerror.List
}

func (c *inputs) selection(set ast.SelectionSet, at ast.Path) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			here := append(slices.Clone(at), ast.PathName(s.Alias))
			for _, a := range s.Arguments {
				if d := s.Definition.Arguments.ForName(a.Name); d != nil {
					c.literal(a.Value, d.Type, here, ast.Path{ast.PathName(a.Name)})
				}
			}
			c.selection(s.SelectionSet, here)
		case *ast.InlineFragment:
			c.selection(s.SelectionSet, at)
		case *ast.FragmentSpread:
			if !c.fragments[s.Name] { // its arguments are the same wherever it is spread
				c.fragments[s.Name] = true
				c.selection(s.Definition.SelectionSet, at)
			}
		}
	}
}

func (c *inputs) literal(v *ast.Value, of *ast.Type, field, at ast.Path) {
	def := c.guard.schema.Types[of.Name()]
	switch {
	case v.Kind == ast.Variable:
		c.use(v.Raw, of, field, at)
	case v.Kind == ast.NullValue:
	case of.Elem != nil && v.Kind == ast.ListValue:
		for i, child := range v.Children {
			c.literal(child.Value, of.Elem, field, append(slices.Clone(at), ast.PathIndex(i)))
		}
	case of.Elem != nil:
		c.literal(v, of.Elem, field, at)
	case def.Kind == ast.InputObject:
		for _, child := range v.Children {
			if d := def.Fields.ForName(child.Name); d != nil {
				c.literal(child.Value, d.Type, field, append(slices.Clone(at), ast.PathName(child.Name)))
			}
		}
	case def.Kind == ast.Scalar:
		c.scalar(v, def.Name, field, at)
	}
}

func (c *inputs) use(variable string, of *ast.Type, field, at ast.Path) {
	if !c.used[variable] {
		c.used[variable] = true
		c.uses = append(c.uses, input{variable, of, field, at})
	}
}

// scalar checks a literal. One that holds variables is checked with them.
func (c *inputs) scalar(v *ast.Value, name string, field, at ast.Path) {
	reader := c.guard.scalars[name]
	if reader == nil || len(c.errs) == maxErrors {
		return
	}
	c.within(v, field, at)
	given, err := v.Value(nil)
	if err != nil {
		given = nil // validation has seen it
	}
	read, err := reader(given)
	switch {
	case err != nil:
		c.errs = append(c.errs, badInput(err, field, at, v.Position))
	case name == "_Any" && len(read.(map[string]any)) == 0: //nolint:errcheck // the reader of representations returns nothing else
		*v = ast.Value{Kind: ast.ObjectValue, Position: v.Position, Definition: v.Definition, ExpectedType: v.ExpectedType}
	}
}

// within collects variables inside a literal of a scalar, such as those of a representation: they are what they were
// declared to be.
func (c *inputs) within(v *ast.Value, field, at ast.Path) {
	for i, child := range v.Children {
		here := append(slices.Clone(at), ast.PathElement(ast.PathName(child.Name)))
		if v.Kind == ast.ListValue {
			here[len(at)] = ast.PathIndex(i)
		}
		if d := child.Value.VariableDefinition; child.Value.Kind == ast.Variable && d != nil {
			c.use(child.Value.Raw, d.Type, field, here)
		}
		c.within(child.Value, field, here)
	}
}

// Inputs reads the variables of an operation, in place, or refuses those that their scalars cannot be, each at the first
// place that is wrong in it.
func (g *Guard) Inputs(d *Document, op *ast.OperationDefinition, variables map[string]any) (errs gqlerror.List) {
	for _, use := range d.inputs[op] {
		v := variables[use.variable]
		if v == nil {
			continue
		}
		read, wrong := g.read(v, use.of)
		if wrong == nil {
			variables[use.variable] = read
			continue
		}
		slices.Reverse(wrong.within)
		errs = append(errs, badInput(wrong.err, use.field, append(slices.Clone(use.argument), wrong.within...), nil))
		if len(errs) == maxErrors {
			break
		}
	}
	return errs
}

// misread is a value that its scalar cannot be, and where in a variable it stands, innermost first: good values, which
// nearly all are, make no path.
type misread struct {
	err    error
	within ast.Path
}

func (m *misread) in(e ast.PathElement) *misread {
	m.within = append(m.within, e)
	return m
}

func (g *Guard) read(v any, of *ast.Type) (any, *misread) {
	if of.Elem != nil {
		return g.readList(v, of.Elem)
	}
	def := g.schema.Types[of.NamedType]
	switch def.Kind {
	case ast.InputObject:
		return g.readObject(v, def)
	case ast.Enum:
		// Validation of variables compares names without their case, as the language does not.
		if name, ok := v.(string); !ok || def.EnumValues.ForName(name) == nil {
			return nil, &misread{err: fmt.Errorf("this is no %s: its values are written in capital letters, as the schema has them", def.Name)}
		}
	case ast.Scalar:
		if read := g.scalars[def.Name]; read != nil {
			x, err := read(v)
			if err != nil {
				return nil, &misread{err: err}
			}
			return x, nil
		}
	}
	return v, nil
}

func (g *Guard) readList(v any, of *ast.Type) (any, *misread) {
	list := graphql.CoerceList(v) // one value is a list of one, which validation makes of the value's own type
	for i, x := range list {
		if x == nil {
			continue
		}
		read, wrong := g.read(x, of)
		if wrong != nil {
			return nil, wrong.in(ast.PathIndex(i))
		}
		list[i] = read
	}
	return list, nil
}

func (g *Guard) readObject(v any, def *ast.Definition) (any, *misread) {
	object, _ := v.(map[string]any)
	for _, d := range def.Fields {
		x := object[d.Name]
		if x == nil {
			continue
		}
		read, wrong := g.read(x, d.Type)
		if wrong != nil {
			return nil, wrong.in(ast.PathName(d.Name))
		}
		object[d.Name] = read
	}
	return object, nil
}

func badInput(err error, field, argument ast.Path, position *ast.Position) *gqlerror.Error {
	message := err.Error()
	if typed, ok := errors.AsType[*gqlerror.Error](err); ok {
		message = typed.Message
	}
	e := &gqlerror.Error{Message: message, Path: field, Extensions: map[string]any{"code": BadInput, "argument": argument}}
	if position != nil {
		e.Locations = []gqlerror.Location{{Line: position.Line, Column: position.Column}}
	}
	return e
}
