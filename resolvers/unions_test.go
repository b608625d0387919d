package resolvers_test

import (
	"errors"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"

	"portico/graph"
)

// TestEachUnionListsWhatItsMutationRefuses traces each mutation from its resolver through its flow and the rules of the trade, and
// holds every refusal that is made on the way to the unions of its payload.
func TestEachUnionListsWhatItsMutationRefuses(t *testing.T) {
	p := loadProgram(t)
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	for _, mutation := range schema.Mutation.Fields {
		if strings.HasPrefix(mutation.Name, "__") {
			continue
		}
		listed := map[string]bool{}
		addErrors(schema, schema.Types[mutation.Type.Name()], listed, true)
		resolver := p.method(t, "portico/resolvers", "mutation", strings.ToUpper(mutation.Name[:1])+mutation.Name[1:])
		refused := p.refusalsFrom(resolver)
		for _, name := range []string{"InvalidInput", "IdempotencyConflict"} { // of which every write with a key makes some
			if _, ok := refused[name]; !ok {
				t.Errorf("%s: no %s is found on its way, so that its trace is broken", mutation.Name, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(refused)) {
			if !listed[name] {
				t.Errorf("%s can be refused with %s, made in %s, which no union of %s lists", mutation.Name, name, refused[name],
					mutation.Type.Name())
			}
		}
	}
	for mutation, names := range map[string][]string{ // some that lie deep, so that a trace that ends early is noticed
		"submitOrder":            {"PriceChanged", "InsufficientAvailability", "CreditBlocked", "SourceUnavailable"},
		"amendOrder":             {"PriceChanged", "CreditBlocked", "SourceUnavailable", "VersionConflict", "StateNotAllowed"},
		"respondToPurchaseOrder": {"ToleranceExceeded", "SignatureInvalid", "DuplicateDocument", "Forbidden", "VersionConflict"},
		"submitDespatchAdvice":   {"SignatureInvalid", "DuplicateDocument", "StateNotAllowed"},
		"replay":                 {"InvalidInput", "IdempotencyConflict"},
	} {
		refused := p.refusalsFrom(p.method(t, "portico/resolvers", "mutation", strings.ToUpper(mutation[:1])+mutation[1:]))
		for _, name := range names {
			if _, ok := refused[name]; !ok {
				t.Errorf("%s: no %s is found on its way", mutation, name)
			}
		}
	}
}

// TestTheUnionsOfTheSchemaAreThoseOfTheTrade compares the members of each union of errors with the types that are marked as such.
func TestTheUnionsOfTheSchemaAreThoseOfTheTrade(t *testing.T) {
	p := loadProgram(t)
	trade := p.program.ImportedPackage("portico/trade").Pkg.Scope()
	unions := 0
	for name, d := range graph.NewExecutableSchema(graph.Config{}).Schema().Types {
		if d.Kind != ast.Union || !strings.HasSuffix(name, "Error") {
			continue
		}
		unions++
		union := trade.Lookup(name).Type().Underlying().(*types.Interface) //nolint:errcheck,forcetypeassert // or else it panics
		var marked []string
		for _, member := range trade.Names() {
			if of, ok := trade.Lookup(member).(*types.TypeName); ok && !types.IsInterface(of.Type()) &&
				types.Implements(types.NewPointer(of.Type()), union) {
				marked = append(marked, member)
			}
		}
		if want := slices.Sorted(slices.Values(d.Types)); !slices.Equal(marked, want) {
			t.Errorf("%s lists %v, and the trade marks %v", name, want, marked)
		}
	}
	if unions < 4 {
		t.Errorf("%d unions of errors", unions)
	}
}

// addErrors adds the members of the unions of errors that a payload has, and that the results in it have.
func addErrors(schema *ast.Schema, payload *ast.Definition, listed map[string]bool, results bool) {
	for _, f := range payload.Fields {
		switch of := schema.Types[f.Type.Name()]; {
		case of.Kind == ast.Union && f.Name == "errors":
			for _, member := range of.Types {
				listed[member] = true
			}
		case of.Kind == ast.Object && f.Name == "results" && results:
			addErrors(schema, of, listed, false)
		}
	}
}

// program is what mutations run of Portico: resolvers, flows and rules.
type program struct {
	program *ssa.Program
	refusal *types.Interface // trade.UserError
	taken   []*ssa.Function  // whose address is taken
}

var tracedPackages = []string{"portico/resolvers", "portico/process/...", "portico/trade/..."}

// loadProgram loads it once for all tests.
func loadProgram(t *testing.T) *program {
	t.Helper()
	p, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var loadOnce = sync.OnceValues(func() (*program, error) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: ".."}, tracedPackages...) //nolint:staticcheck // all of it
	if err != nil {
		return nil, err
	}
	if packages.PrintErrors(loaded) > 0 {
		return nil, errors.New("it does not compile")
	}
	built, _ := ssautil.Packages(loaded, ssa.InstantiateGenerics)
	built.Build()
	p := &program{program: built}
	p.refusal = built.ImportedPackage("portico/trade").Pkg.Scope().Lookup("UserError").Type().Underlying().(*types.Interface) //nolint:errcheck,forcetypeassert // or else it panics
	for f := range ssautil.AllFunctions(built) {
		for _, b := range f.Blocks {
			for _, in := range b.Instrs {
				call, isCall := in.(ssa.CallInstruction)
				for _, operand := range in.Operands(nil) {
					if of := functionOf(*operand); of != nil && (!isCall || call.Common().Value != *operand) {
						p.taken = append(p.taken, of)
					}
				}
			}
		}
	}
	return p, nil
})

func functionOf(v ssa.Value) *ssa.Function {
	switch v := v.(type) {
	case *ssa.Function:
		return v
	case *ssa.MakeClosure:
		return functionOf(v.Fn)
	}
	return nil
}

func (p *program) method(t *testing.T, pkg, receiver, name string) *ssa.Function {
	t.Helper()
	of := p.program.ImportedPackage(pkg)
	f := p.program.LookupMethod(of.Pkg.Scope().Lookup(receiver).Type(), of.Pkg, name)
	if f == nil {
		t.Fatalf("%s.%s has no method %s", pkg, receiver, name)
	}
	return f
}

// refusalsFrom are the types of the refusals that a function can make, by name, each with a function that makes it.
//
// It takes in whatever the function names: what it calls, closures and methods that it hands on, the methods of what it makes an
// interface of, and, for a call of a function in a field, every function of that type. It leaves out the tables of flows, whose
// steps run after the mutation has answered.
func (p *program) refusalsFrom(f *ssa.Function) map[string]string {
	refused, seen := map[string]string{}, map[*ssa.Function]bool{}
	initializes := func(in ssa.Instruction) bool { // another package
		call, ok := in.(*ssa.Call)
		return ok && call.Call.StaticCallee() != nil && call.Call.StaticCallee().Synthetic == "package initializer"
	}
	var visit func(f *ssa.Function)
	visitInstruction := func(in ssa.Instruction) {
		if initializes(in) {
			return
		}
		for _, operand := range in.Operands(nil) {
			if of := functionOf(*operand); of != nil {
				visit(of)
			}
			if g, ok := (*operand).(*ssa.Global); ok && p.holdsRefusals(g.Type()) {
				visit(g.Pkg.Func("init")) // makes it, and the other variables of its package
			}
		}
		switch in := in.(type) {
		case *ssa.MakeInterface:
			target := in.Type().Underlying().(*types.Interface) //nolint:errcheck,forcetypeassert // it is one
			if types.Implements(target, p.refusal) {
				refused[in.X.Type().(*types.Pointer).Elem().(*types.Named).Obj().Name()] = in.Parent().String() //nolint:errcheck,forcetypeassert // all are
				return
			}
			for m := range target.Methods() {
				if method := p.program.LookupMethod(in.X.Type(), m.Pkg(), m.Name()); method != nil {
					visit(method)
				}
			}
		case ssa.CallInstruction:
			if load, ok := in.Common().Value.(*ssa.UnOp); ok && load.Op == token.MUL {
				if _, ok := load.X.(*ssa.FieldAddr); ok {
					for _, of := range p.taken {
						if types.Identical(of.Signature, load.Type().Underlying()) {
							visit(of)
						}
					}
				}
			}
		}
	}
	visit = func(f *ssa.Function) {
		if seen[f] || makesTable(f) {
			return
		}
		seen[f] = true
		for _, b := range f.Blocks {
			for _, in := range b.Instrs {
				visitInstruction(in)
			}
		}
	}
	visit(f)
	return refused
}

// holdsRefusals tells whether a variable of a package holds refusals.
func (p *program) holdsRefusals(address types.Type) bool {
	held := address.(*types.Pointer).Elem() //nolint:errcheck,forcetypeassert // a variable is its address
	if list, ok := held.Underlying().(*types.Slice); ok {
		held = list.Elem()
	}
	return types.Implements(held, p.refusal)
}

// makesTable tells whether a function makes the table of a flow.
func makesTable(f *ssa.Function) bool {
	results := f.Signature.Results()
	if results.Len() != 1 {
		return false
	}
	of, ok := results.At(0).Type().(*types.Named)
	return ok && of.Obj().Name() == "Flow" && of.Obj().Pkg().Path() == "portico/process/durable"
}
