// Package governance holds a schema to the one that was published, to its rules, and to what
// its clients ask. It knows GraphQL, nothing of the trade.
package governance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Level is what a change of a schema means to clients, as GraphQL Inspector has it.
type Level int

// Levels.
const (
	Safe      Level = iota // nobody notices
	Dangerous              // a client that is not prepared may be surprised
	Breaking               // operations that were right are so no longer
)

func (l Level) String() string { return [...]string{"safe", "dangerous", "breaking"}[l] }

// Change is a difference between a schema and a later one.
type Change struct {
	Level      Level
	Coordinate string // of the schema, such as Order.number
	Message    string
	Removed    bool // the element is there no more
}

type differ struct {
	old, now *ast.Schema
	changes  []Change
}

// Diff is what makes one schema another one, most serious first and then by coordinate.
func Diff(old, now *ast.Schema) []Change {
	d := &differ{old: old, now: now}
	for name, was := range old.Types {
		switch is := now.Types[name]; {
		case was.BuiltIn:
		case is == nil:
			d.add(Change{Breaking, name, kindOf(was) + " was removed", true})
		case is.Kind != was.Kind:
			d.add(Change{Breaking, name, fmt.Sprintf("%s became %s", kindOf(was), kindOf(is)), false})
		default:
			d.definition(was, is)
		}
	}
	for name, is := range now.Types {
		if old.Types[name] == nil && !is.BuiltIn {
			d.add(Change{Safe, name, kindOf(is) + " was added", false})
		}
	}
	for name, was := range old.Directives {
		is := now.Directives[name]
		if is == nil {
			d.add(Change{Breaking, "@" + name, "directive was removed", true})
			continue
		}
		for _, at := range was.Locations {
			if !slices.Contains(is.Locations, at) {
				d.add(Change{Breaking, "@" + name, fmt.Sprintf("is allowed on %s no more", at), false})
			}
		}
		d.arguments("@"+name, was.Arguments, is.Arguments)
	}
	for name := range now.Directives {
		if old.Directives[name] == nil {
			d.add(Change{Safe, "@" + name, "directive was added", false})
		}
	}
	slices.SortFunc(d.changes, func(a, b Change) int {
		return cmp.Or(int(b.Level-a.Level), strings.Compare(a.Coordinate, b.Coordinate), strings.Compare(a.Message, b.Message))
	})
	return d.changes
}

func kindOf(d *ast.Definition) string {
	return map[ast.DefinitionKind]string{
		ast.Object: "type", ast.InputObject: "input", ast.Enum: "enum", ast.Interface: "interface",
		ast.Union: "union", ast.Scalar: "scalar",
	}[d.Kind]
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

func (d *differ) definition(was, is *ast.Definition) {
	name := was.Name
	switch was.Kind {
	case ast.Enum:
		for _, v := range was.EnumValues {
			if now := is.EnumValues.ForName(v.Name); now == nil {
				d.add(Change{Breaking, name + "." + v.Name, "value was removed", true})
			} else {
				d.directives(name+"."+v.Name, v.Directives, now.Directives)
			}
		}
		for _, v := range is.EnumValues {
			if was.EnumValues.ForName(v.Name) == nil {
				d.add(Change{Dangerous, name + "." + v.Name, "value was added: clients may get one that they do not know", false})
			}
		}
	case ast.Union:
		d.names(was.Types, is.Types, name, "member", Dangerous)
	case ast.InputObject:
		d.inputs(was, is)
	case ast.Object, ast.Interface:
		d.names(was.Interfaces, is.Interfaces, name, "interface", Dangerous)
		for _, f := range was.Fields {
			now := is.Fields.ForName(f.Name)
			at := name + "." + f.Name
			if now == nil {
				d.add(Change{Breaking, at, "field was removed", true})
				continue
			}
			if !narrower(f.Type, now.Type) {
				d.add(Change{Breaking, at, fmt.Sprintf("is a %s instead of %s", now.Type, f.Type), false})
			} else if f.Type.String() != now.Type.String() {
				d.add(Change{Safe, at, fmt.Sprintf("is a %s instead of %s", now.Type, f.Type), false})
			}
			d.arguments(at, f.Arguments, now.Arguments)
			d.directives(at, f.Directives, now.Directives)
		}
		for _, f := range is.Fields {
			if was.Fields.ForName(f.Name) == nil && !strings.HasPrefix(f.Name, "_") { // which are not ours
				d.add(Change{Safe, name + "." + f.Name, "field was added", false})
			}
		}
	}
	d.directives(name, was.Directives, is.Directives)
}

// names compares what a type is made of.
func (d *differ) names(was, is []string, name, what string, added Level) {
	for _, n := range was {
		if !slices.Contains(is, n) {
			d.add(Change{Breaking, name, what + " " + n + " was removed", false})
		}
	}
	for _, n := range is {
		if !slices.Contains(was, n) {
			d.add(Change{added, name, what + " " + n + " was added", false})
		}
	}
}

func (d *differ) inputs(was, is *ast.Definition) {
	for _, f := range was.Fields {
		at := was.Name + "." + f.Name
		now := is.Fields.ForName(f.Name)
		if now == nil {
			d.add(Change{Breaking, at, "field was removed", true})
			continue
		}
		d.argument(at, f.Type, now.Type, f.DefaultValue, now.DefaultValue)
		d.directives(at, f.Directives, now.Directives)
	}
	for _, f := range is.Fields {
		if was.Fields.ForName(f.Name) == nil {
			d.inputField(was.Name+"."+f.Name, "field", f.Type, f.DefaultValue)
		}
	}
}

func (d *differ) arguments(at string, was, is ast.ArgumentDefinitionList) {
	for _, a := range was {
		here := at + "(" + a.Name + ":)"
		now := is.ForName(a.Name)
		if now == nil {
			d.add(Change{Breaking, here, "argument was removed", true})
			continue
		}
		d.argument(here, a.Type, now.Type, a.DefaultValue, now.DefaultValue)
		d.directives(here, a.Directives, now.Directives)
	}
	for _, a := range is {
		if was.ForName(a.Name) == nil {
			d.inputField(at+"("+a.Name+":)", "argument", a.Type, a.DefaultValue)
		}
	}
}

// argument compares what clients give.
func (d *differ) argument(at string, was, is *ast.Type, wasDefault, isDefault *ast.Value) {
	if !narrower(is, was) {
		d.add(Change{Breaking, at, fmt.Sprintf("takes a %s instead of %s", is, was), false})
	} else if is.String() != was.String() {
		d.add(Change{Safe, at, fmt.Sprintf("takes a %s instead of %s", is, was), false})
	}
	if a, b := text(wasDefault), text(isDefault); a != b {
		d.add(Change{Dangerous, at, fmt.Sprintf("is %s instead of %s where it is left out", b, a), false})
	}
}

func text(v *ast.Value) string {
	if v == nil {
		return "nothing"
	}
	return v.String()
}

// inputField is something more that clients may or must give.
func (d *differ) inputField(at, what string, t *ast.Type, value *ast.Value) {
	if t.NonNull && value == nil {
		d.add(Change{Breaking, at, what + " was added, and must be given", false})
		return
	}
	d.add(Change{Dangerous, at, what + " was added", false})
}

// narrower tells whether whatever is of one type is of the other as well.
func narrower(wide, narrow *ast.Type) bool {
	if wide.NonNull && !narrow.NonNull {
		return false
	}
	if (wide.Elem == nil) != (narrow.Elem == nil) {
		return false
	}
	if wide.Elem != nil {
		return narrower(wide.Elem, narrow.Elem)
	}
	return wide.NamedType == narrow.NamedType
}

// levels are directives whose change clients feel, and how.
// a key more breaks nobody
var levels = map[string]Level{
	"scope": Dangerous, "classified": Dangerous, "cost": Dangerous, "listSize": Dangerous, "deprecated": Safe,
	"sunset": Safe, "key": Breaking,
}

func (d *differ) directives(at string, was, is ast.DirectiveList) {
	for name, level := range levels {
		a, b := applied(was, name), applied(is, name)
		for _, use := range a {
			if !slices.Contains(b, use) {
				d.add(Change{level, at, "is " + use + " no more", false})
			}
		}
		for _, use := range b {
			if !slices.Contains(a, use) {
				if level == Breaking {
					level = Safe
				}
				d.add(Change{level, at, "is " + use, false})
			}
		}
	}
}

// applied is how a directive stands on an element, as often as it does.
func applied(list ast.DirectiveList, name string) (all []string) {
	for _, use := range list.ForNames(name) {
		var args []string
		for _, a := range use.Arguments {
			args = append(args, a.Name+": "+a.Value.String())
		}
		s := "@" + name
		if len(args) > 0 {
			s += "(" + strings.Join(args, ", ") + ")"
		}
		all = append(all, s)
	}
	return all
}
