package main

import (
	"fmt"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/codegen/templates"
	"github.com/vektah/gqlparser/v2/ast"
)

// bindings is a gqlgen plugin that writes, beside the code gqlgen generates,
// the table that package execution runs from: how each field of each object is
// read, called and encoded. groups names the loader behind a resolver field
// where several fields of one level share it.
type bindings struct{ groups map[string]string }

// Name is the plugin's.
func (bindings) Name() string { return "bindings" }

// GenerateCode writes bindings.generated.go.
func (p bindings) GenerateCode(d *codegen.Data) error {
	return templates.Render(templates.Options{
		PackageName: d.Config.Exec.Package,
		Filename:    filepath.Join(d.Config.Exec.Dir(), "bindings.generated.go"),
		Template: `{{ reserveImport "context" }}{{ reserveImport "github.com/99designs/gqlgen/graphql" }}` +
			`{{ reserveImport "portico/graph/execution" }}{{ .Emit }}`,
		Data:            &emitter{Data: d, groups: p.groups, enums: map[string]bool{}},
		GeneratedHeader: true,
		Packages:        d.Config.Packages,
	})
}

type emitter struct {
	*codegen.Data
	groups map[string]string
	enums  map[string]bool
	strings.Builder
}

func (e *emitter) p(format string, a ...any) { fmt.Fprintf(e, format+"\n", a...) }
func typ(t types.Type) string                { return templates.CurrentImports.LookupType(t) }

// Emit writes the whole file. It runs inside the template, where import aliases are known.
func (e *emitter) Emit() (string, error) {
	e.p("// NewBindings returns the table of this schema. Objects are shared by all operations.")
	e.p("func NewBindings(cfg Config) *execution.Bindings {")
	e.p("es := &executableSchema{SchemaData: cfg.Schema, Resolvers: cfg.Resolvers, Directives: cfg.Directives, ComplexityRoot: " +
		"cfg.Complexity}")
	e.p("b := &execution.Bindings{Schema: parsedSchema, Objects: map[string]*execution.Object{}, Abstract: map[string]func(any) (string, " +
		"any){}}")
	e.p("b.Context = func(oc *graphql.OperationContext) any { return newExecutionContext(oc, es, nil) }")
	e.p("b.Complexity = es.Complexity")
	for _, o := range e.Objects {
		e.p("b.Objects[%q] = bind%s()", o.Name, strings.ReplaceAll(o.Name, "_", "X"))
	}
	names := make([]string, 0, len(e.Interfaces))
	for n := range e.Interfaces {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		e.p("b.Abstract[%q] = kindOf%s", n, strings.ReplaceAll(n, "_", "X"))
	}
	e.p("return b\n}\n")
	for _, n := range names {
		e.kind(e.Interfaces[n])
	}
	for _, o := range e.Objects {
		if err := e.object(o); err != nil {
			return "", err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(e.enums)) {
		e.p("var valuesOf%s = execution.EnumValues(parsedSchema, %q)", strings.ReplaceAll(n, "_", "X"), n)
	}
	return e.String(), nil
}

// kind writes the type switch of an interface or union.
func (e *emitter) kind(i *codegen.Interface) {
	e.p("func kindOf%s(o any) (string, any) {\nswitch o := o.(type) {", strings.ReplaceAll(i.Name, "_", "X"))
	for _, impl := range i.Implementors {
		e.p("case %s:", typ(impl.Type))
		if impl.CanBeNil() {
			e.p("if o == nil { return %q, nil }", impl.Name)
		}
		amp := ""
		if impl.TakeRef {
			amp = "&"
		}
		e.p("return %q, %so", impl.Name, amp)
	}
	e.p("}\nreturn \"\", nil\n}\n")
}

func (e *emitter) object(o *codegen.Object) error {
	e.p("func bind%s() *execution.Object {", strings.ReplaceAll(o.Name, "_", "X"))
	e.p("return &execution.Object{Name: %q, Fields: map[string]*execution.Field{", o.Name)
	for _, f := range o.Fields {
		if err := e.field(o, f); err != nil {
			return fmt.Errorf("%s.%s: %w", o.Name, f.Name, err)
		}
	}
	e.p("}}\n}\n")
	return nil
}

func (e *emitter) field(o *codegen.Object, f *codegen.Field) error {
	if len(f.ImplDirectives()) > 0 {
		return fmt.Errorf("a directive that runs per element cannot run per level: use a field right")
	}
	if f.IsResolver && !f.Batch && !o.Root {
		return fmt.Errorf("a resolver below the roots must be a batch resolver")
	}
	e.p("%q: {", f.Name)
	if g := e.groups[o.Name+"."+f.Name]; g != "" {
		e.p("Group: %q,", g)
	}
	value := "" // the Go expression of the value, from (o any, i int)
	result := fmt.Sprintf("o.([]%s)[i]", typ(f.TypeReference.GO))
	args := "" // arguments of the Go call
	for _, a := range f.Args {
		t := typ(a.TypeReference.GO)
		if t == "interface{}" || t == "any" {
			args += fmt.Sprintf(", args[%q]", a.Name)
		} else {
			args += fmt.Sprintf(", args[%q].(%s)", a.Name, t)
		}
	}
	if len(f.Args) > 0 {
		e.p("Args: func(ctx context.Context, ec any, raw map[string]any) (map[string]any, error) { return ec.(*executionContext).%s(ctx, raw) "+
			"},", f.ArgsFunc())
	}
	const head = "func(ctx context.Context, ec any, objs []any, args map[string]any) (any, int, error)"
	resolver := fmt.Sprintf("ec.(*executionContext).Resolvers.%s().%s", templates.UcFirst(o.Name), f.GoFieldName)
	switch {
	case o.Stream:
		e.p("Stream: func(ctx context.Context, ec any, args map[string]any) (execution.Events, error) { return execution.Stream(%s(ctx%s)) },",
			resolver, args)
		value = result
	case f.Batch:
		e.p("Call: %s { return execution.Batch(%s(ctx, execution.As[%s](objs)%s)) },", head, resolver, typ(o.Reference()), args)
		value = result
	case f.IsResolver:
		e.p("Call: %s { return execution.Single(%s(ctx%s)) },", head, resolver, args)
		value = result
	case f.IsMethod() && o.Root: // introspection and federation live on the execution context
		call := fmt.Sprintf("ec.(*executionContext).%s(%s)", f.GoFieldName, methodArgs(f, args))
		if f.NoErr {
			call += ", nil"
		}
		if f.NoErr {
			e.p("Call: %s { v := %s; return execution.Single(v, nil) },", head, strings.TrimSuffix(call, ", nil"))
		} else {
			e.p("Call: %s { return execution.Single(%s) },", head, call)
		}
		value = result
	case f.IsMethod() && f.NoErr && !f.VOkFunc && len(f.Args) == 0 && !f.MethodHasContext && leaf(f.TypeReference) &&
		f.TypeReference.GQL.Elem == nil:
		value = fmt.Sprintf("o.(%s).%s()", typ(o.Reference()), f.GoFieldName)
	case f.IsMethod(): // it may fail, or costs something: once per element of the level
		call := fmt.Sprintf("o.%s(%s)", f.GoFieldName, methodArgs(f, args))
		body := "return " + call
		if f.NoErr {
			body += ", nil"
		} else if f.VOkFunc {
			body = "v, ok := " + call + "; if !ok { var zero " + typ(f.TypeReference.GO) + "; return zero, nil }; return v, nil"
		}
		e.p("Call: %s { return execution.Each(objs, func(o %s) (%s, error) { %s }) },", head, typ(o.Reference()), typ(f.TypeReference.GO), body)
		value = result
	case f.IsVariable() && o.Root:
		return fmt.Errorf("a root field needs a resolver")
	case f.IsVariable():
		value = fmt.Sprintf("o.(%s).%s", typ(o.Reference()), f.GoFieldName)
	default:
		return fmt.Errorf("binding not supported")
	}
	err := e.shape(f.TypeReference, value)
	e.p("},")
	return err
}

func methodArgs(f *codegen.Field, args string) string {
	if f.MethodHasContext {
		return "ctx" + args
	}
	return strings.TrimPrefix(args, ", ")
}

func leaf(t *config.TypeReference) bool {
	return t.Definition.Kind == ast.Scalar || t.Definition.Kind == ast.Enum
}

// shape writes the accessors of a value: leaf, object, or a list of either.
func (e *emitter) shape(t *config.TypeReference, v string) error {
	if t.GQL.Elem == nil {
		if leaf(t) {
			body, err := e.leaf(t, "v")
			e.p("Leaf: func(b []byte, o any, i int) []byte { v := %s; %s },", v, body)
			return err
		}
		e.p("One: func(o any, i int) any { %s },", one(t, v))
		return nil
	}
	if t.IsPtrToSlice() {
		return fmt.Errorf("pointer to a slice is not supported")
	}
	elem := t.Elem()
	if elem.GQL.Elem != nil {
		return fmt.Errorf("a list of lists is not supported")
	}
	if t.GQL.NonNull { // a nil slice is an empty list where the schema wants a list
		e.p("Len: func(o any, i int) int { return len(%s) },", v)
	} else {
		e.p("Len: func(o any, i int) int { v := %s; if v == nil { return -1 }; return len(v) },", v)
	}
	if leaf(elem) {
		body, err := e.leaf(elem, "v")
		e.p("LeafAt: func(b []byte, o any, i, j int) []byte { v := %s[j]; %s },", v, body)
		return err
	}
	e.p("At: func(o any, i, j int) any { %s },", one(elem, v+"[j]"))
	return nil
}

func one(t *config.TypeReference, v string) string {
	switch {
	case types.IsInterface(t.GO):
		return "return " + v
	case config.IsNilable(t.GO):
		return "if v := " + v + "; v != nil { return v }; return nil"
	case strings.HasSuffix(v, ")"): // not addressable
		return "v := " + v + "; return &v"
	}
	return "return &" + v
}

var known = map[string]string{
	"MarshalString": "AppendString(b, string(%s))", "MarshalID": "AppendString(b, string(%s))",
	"MarshalInt": "AppendInt(b, int64(%s))", "MarshalInt32": "AppendInt(b, int64(%s))", "MarshalInt64": "AppendInt(b, int64(%s))",
	"MarshalFloat": "AppendFloat(b, float64(%s))", "MarshalFloatContext": "AppendFloat(b, float64(%s))",
	"MarshalBoolean": "AppendBool(b, bool(%s))", "MarshalTime": "AppendTime(b, %s)",
}

// leaf writes the statement that appends the scalar or enum v, or returns nil for null.
func (e *emitter) leaf(t *config.TypeReference, v string) (string, error) {
	pre := ""
	if t.IsPtr() && !t.IsTargetNilable() {
		pre, v = "if "+v+" == nil { return nil }; ", "*"+v
	}
	switch {
	case t.HasEnumValues():
		return pre + fmt.Sprintf("return execution.AppendString(b, %s[%s])", t.EnumMarshalVar(false), v), nil
	case t.Definition.Kind == ast.Enum:
		e.enums[t.Definition.Name] = true
		return pre + fmt.Sprintf("return execution.AppendEnum(b, string(%s), valuesOf%s)", v, strings.ReplaceAll(t.Definition.Name, "_", "X")),
			nil
	case t.IsMarshaler && !t.IsContext:
		return pre + fmt.Sprintf("return execution.AppendMarshaler(b, %s)", v), nil
	case t.Marshaler != nil && strings.HasSuffix(t.Marshaler.Pkg().Path(), "gqlgen/graphql") && known[t.Marshaler.Name()] != "":
		return pre + "return execution." + fmt.Sprintf(known[t.Marshaler.Name()], v), nil
	case t.Marshaler != nil && !t.IsContext:
		name := "Append" + strings.TrimPrefix(t.Marshaler.Name(), "Marshal")
		if fn := t.Marshaler.Pkg().Scope().Lookup(name); fn != nil {
			if room := templates.CurrentImports.Lookup(t.Marshaler.Pkg().Path()); room != "" {
				name = room + "." + name
			}
			return pre + fmt.Sprintf("return %s(b, %s)", name, v), nil
		}
		return pre + fmt.Sprintf("return execution.AppendMarshaler(b, %s(%s))", templates.Call(t.Marshaler), v), nil
	}
	return "", fmt.Errorf("scalar %s has no encoder", t.Definition.Name)
}
