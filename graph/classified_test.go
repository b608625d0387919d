package graph_test

import (
	"go/types"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/tools/go/packages"

	"portico/graph"
)

// TestWhatIsClassifiedPrintsAsStars walks the schema's @classified: each type it
// stands on, and the type of each field, must print as *** and be logged so.
func TestWhatIsClassifiedPrintsAsStars(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedTypes | packages.NeedImports | packages.NeedDeps |
			packages.NeedSyntax | packages.NeedTypesInfo,
	}, "portico/trade", "portico/trade/operating", "portico/trade/ordering", "portico/trade/procurement", "portico/graph")
	if err != nil {
		t.Fatal(err)
	}
	named := func(name string) types.Type {
		for _, p := range loaded {
			if o := p.Types.Scope().Lookup(name); o != nil {
				return o.Type()
			}
		}
		return nil
	}
	hides := func(at types.Type) bool {
		if p, is := at.(*types.Pointer); is {
			at = p.Elem()
		}
		methods := types.NewMethodSet(at)
		return methods.Lookup(nil, "Format") != nil && methods.Lookup(nil, "LogValue") != nil
	}
	found := 0
	for _, d := range graph.NewBindings(graph.Config{}).Schema.Types {
		if d.Kind != ast.Object && d.Kind != ast.InputObject {
			continue
		}
		holds := named(d.Name)
		if d.Directives.ForName("classified") != nil {
			if found++; holds == nil || !hides(holds) {
				t.Errorf("%s is classified and does not print as ***", d.Name)
			}
		}
		for _, f := range d.Fields {
			if f.Directives.ForName("classified") == nil {
				continue
			}
			found++
			of := named(f.Type.Name())
			if of == nil { // a scalar: the field's own type says it
				if of = field(holds, f.Name); of == nil {
					t.Errorf("%s.%s is classified, and stands in no struct", d.Name, f.Name)
					continue
				}
			}
			if !hides(of) {
				t.Errorf("%s.%s is classified, and its type %s does not print as ***: use trade.Restricted, or say how it prints", d.Name, f.Name, of)
			}
		}
	}
	if found < 8 {
		t.Errorf("%d places are classified", found)
	}
}

func field(of types.Type, name string) types.Type {
	if of == nil {
		return nil
	}
	s, _ := of.Underlying().(*types.Struct)
	for i := range s.NumFields() {
		if f := s.Field(i); strings.EqualFold(f.Name(), name) {
			return f.Type()
		}
	}
	return nil
}
