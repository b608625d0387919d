package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What a point of cost buys at most, beside what every operation may take.
const (
	freeStatements  = 12 // and calls of sources
	pointsStatement = 20 // points for each more
	freeResolvers   = 40 // calls of resolvers, each of which serves a level
	freeObjects     = 20 // lists without a size are assumed to have 10 elements, and some have more
	objectsOfAPoint = 1
	freeCPU         = 0.25 // seconds
	cpuOfAPoint     = 0.0001
)

// TestNoArgumentBuysMoreThanItsCost asks every root field of queries, and those of mutations that take lists, at small and at
// the largest arguments that are permitted, and more: the work that is done for a point of cost is bounded, and there are
// hardly ever more objects than were paid for. What CPU a point buys is held where PORTICO_CPU is set, as by
// `go run ./test/bench -cost`: beside other work it is no fact of ours.
//
// Cases: I2
func TestNoArgumentBuysMoreThanItsCost(t *testing.T) {
	t.Parallel()
	s := portico(t)
	types := s.types(t)
	before, cpu := s.cpu(t), os.Getenv("PORTICO_CPU") != ""
	run := func(persona, root string, field int, n int) (taken bool) {
		f := types[root].Fields[field]
		var declared, passed []string
		variables, lists := map[string]any{}, false
		for _, a := range f.Args {
			v, list := filled(types, a, n, nil)
			if v == nil {
				continue
			}
			lists = lists || list
			declared, passed = append(declared, "$"+a.Name+": "+a.Type.written()), append(passed, a.Name+": $"+a.Name)
			variables[a.Name] = v
		}
		if n != 1 && !lists || root == "Mutation" && !lists {
			return false // nothing grows
		}
		operation := strings.ToLower(root) // made from the schema, so that no field is missed
		if declared != nil {
			operation += " (" + strings.Join(declared, ", ") + ")"
		}
		operation += " { f: " + f.Name
		if passed != nil {
			operation += "(" + strings.Join(passed, ", ") + ")"
		}
		operation += allOf(types, f.Type.base(), 3) + " }"
		a, err := s.ask(t.Context(), s.token(t, persona), operation, variables)
		after := s.cpu(t)
		took := after - before
		before = after
		if err != nil {
			t.Errorf("%s.%s with %d: %v", root, f.Name, n, err)
			return false
		}
		told, ran := a.Extensions["cost"].(map[string]any)
		if !ran { // it is refused before it runs
			if slices.ContainsFunc(a.codes(), func(c string) bool { return strings.HasPrefix(c, "GRAPHQL") || c == "INTERNAL" }) {
				t.Errorf("%s.%s with %d is not asked: %.400s\n%s", root, f.Name, n, a.Body, operation)
			}
			if cpu && took > freeCPU {
				t.Errorf("%s.%s with %d is refused after %.2f s of CPU", root, f.Name, n, took)
			}
			return false
		}
		if slices.Contains(a.codes(), "FORBIDDEN") {
			return false
		}
		number := func(name string) float64 {
			x, _ := a.Extensions["statistics"].(map[string]any)[name].(float64)
			return x
		}
		requested, actual := told["requested"].(float64), told["actual"].(float64)
		work, calls := number("statements")+number("sourceCalls"), number("resolverCalls")
		t.Logf("%-45s %6d: cost %7.0f, objects %6.0f, statements and calls %4.0f, resolvers %4.0f, CPU %.2f %v", root+"."+f.Name, n, requested,
			actual, work, calls, took, a.codes())
		switch {
		case actual > freeObjects+requested*objectsOfAPoint:
			t.Errorf("%s.%s with %d: %.0f objects for %.0f points", root, f.Name, n, actual, requested)
		case work > freeStatements+requested/pointsStatement:
			t.Errorf("%s.%s with %d: %.0f statements and calls for %.0f points", root, f.Name, n, work, requested)
		case calls > freeResolvers+requested/pointsStatement:
			t.Errorf("%s.%s with %d: %.0f calls of resolvers for %.0f points", root, f.Name, n, calls, requested)
		case cpu && took > freeCPU+requested*cpuOfAPoint:
			t.Errorf("%s.%s with %d: %.2f s of CPU for %.0f points", root, f.Name, n, took, requested)
		}
		return true
	}
	fields := 0
	for root, personas := range map[string][]string{"Query": {"operator", "buyer"}, "Mutation": {"buyer", "supplier"}} {
		for i, f := range types[root].Fields {
			if strings.HasPrefix(f.Name, "_") {
				continue
			}
			for _, persona := range personas {
				if !run(persona, root, i, 1) { // it is not theirs
					continue
				}
				fields++
				for _, n := range []int{0, 100, 1000, 8000} {
					run(persona, root, i, n)
				}
			}
		}
	}
	if fields < 60 {
		t.Errorf("only %d fields were asked", fields)
	}
}

// filled is a value of an argument that is as large as n lets it be, and whether lists are in it: pages of at most 100, and
// in inputs what must be given and what holds lists. With 0, a page is whole and nothing narrows it.
func filled(types map[string]schemaType, v inputValue, n int, above []string) (value any, lists bool) {
	base := v.Type.base()
	switch t := types[base]; {
	case base == "Int" && v.Name == "first":
		if n == 0 {
			return 100, true
		}
		return min(n, 100), true
	case n == 0 && !v.required():
		return nil, false
	case !v.required() && t.Kind != "INPUT_OBJECT" && !v.Type.list():
		return nil, false
	case t.Kind == "SCALAR":
		value = map[string]any{
			"ID": "acc_0", "String": "x", "Boolean": true, "Int": 1, "Decimal": "1", "UnitCode": "EA", "CurrencyCode": "EUR", "CountryCode": "NL",
			"Date": "2026-11-02", "DateTime": "2026-11-02T00:00:00Z", "Duration": "P1D", "IdempotencyKey": "a key of much effort",
			"URL": "nothing that is written to", "GLN": "8712345000004", "SSCC": "106141412345678908", "GTIN": "8712345100018",
		}[base]
	case t.Kind == "ENUM":
		value = t.EnumValues[0].Name
	case slices.Contains(above, base):
		return nil, false
	case base == "ItemBy":
		value = map[string]any{"sku": "SCR-10001"}
	case strings.HasSuffix(base, "By"):
		x, _ := filled(types, inputValue{Name: "x", Type: typeRef{Kind: "NON_NULL", OfType: &t.InputFields[0].Type}}, 1, append(above, base))
		value = map[string]any{t.InputFields[0].Name: x}
	default:
		object := map[string]any{}
		for _, f := range t.InputFields {
			x, within := filled(types, f, n, append(above, base))
			if x != nil && (within || f.required()) {
				object[f.Name], lists = x, lists || within
			}
		}
		if len(object) == 0 && !v.required() {
			return nil, false
		}
		value = object
	}
	if !v.Type.list() {
		return value, lists
	}
	if lists && n > 0 { // one long list is enough, in which the others are short
		one := typeRef{Kind: "NON_NULL", OfType: &typeRef{Kind: types[base].Kind, Name: base}}
		value, _ = filled(types, inputValue{Name: v.Name, Type: one}, 1, above)
	}
	return slices.Repeat([]any{value}, n), true
}

// written is a type as a document has it.
func (t *typeRef) written() string {
	switch t.Kind {
	case "NON_NULL":
		return t.OfType.written() + "!"
	case "LIST":
		return "[" + t.OfType.written() + "]"
	}
	return t.Name
}

// allOf selects all that a type has without a value of somebody's, so many levels deep.
func allOf(types map[string]schemaType, name string, levels int) string {
	t := types[name]
	if t.Kind == "SCALAR" || t.Kind == "ENUM" {
		return ""
	}
	b := &strings.Builder{}
	b.WriteString(" { __typename")
	for _, f := range t.Fields {
		if slices.ContainsFunc(f.Args, inputValue.required) || f.Name == "edges" {
			continue
		}
		if kind := types[f.Type.base()].Kind; levels > 1 || kind == "SCALAR" || kind == "ENUM" {
			fmt.Fprintf(b, " %s%s", f.Name, allOf(types, f.Type.base(), levels-1))
		}
	}
	b.WriteString(" }")
	return b.String()
}

// cpu are the seconds of CPU that the server has taken.
func (s *server) cpu(t *testing.T) float64 {
	t.Helper()
	for line := range strings.Lines(s.metrics(t)) {
		if text, is := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "process_cpu_seconds_total "); is {
			seconds, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return seconds
		}
	}
	t.Fatal("the server does not tell its CPU")
	return 0
}
