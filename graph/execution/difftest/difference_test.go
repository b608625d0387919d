package difftest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"portico/graph/execution"
	"portico/graph/execution/difftest/graph"
	"portico/graph/execution/difftest/resolvers"
)

var (
	count = flag.Int("operations", 2000, "how many random operations to compare")
	seed  = flag.Uint64("seed", 1, "seed of the first one")
)

// value is a literal for an argument of the test schema, and the same for a
// variable.
func value(g *Gen, coord string, a *ast.ArgumentDefinition) (string, any) {
	id := func() string {
		return []string{"o1", "o2", "o3", "o4", "a1", "i2", "s1", ""}[g.R.IntN(8)]
	}
	switch t := a.Type.String(); t {
	case "ID!", "ID":
		v := id()
		return fmt.Sprintf("%q", v), v
	case "[ID!]!":
		a, b := id(), id()
		return fmt.Sprintf("[%q, %q]", a, b), []any{a, b}
	case "Int", "Int!":
		if a.Name == "length" {
			return "4", json.Number("4")
		}
		n := g.R.IntN(5)
		return fmt.Sprint(n), json.Number(fmt.Sprint(n))
	case "Decimal":
		v := []string{"1.00", "2.00", "abc"}[g.R.IntN(3)]
		return fmt.Sprintf("%q", v), v
	case "String":
		return `"t"`, "t"
	case "PriceFor":
		if g.chance(20) {
			return "null", nil
		}
		return `{account: "a1", quantity: 3}`, map[string]any{"account": "a1"}
	case "RenameInput!":
		v := id()
		return fmt.Sprintf("{id: %q}", v), map[string]any{"id": v, "number": "N"}
	case "[_Any!]!":
		return `[{__typename: "Order", id: "o1"}, {__typename: "Item", sku: "SKUi2"}, {__typename: "Item", id: "i3"},
			{__typename: "Account", id: "a1"}]`,
			[]any{
				map[string]any{"__typename": "Item", "id": "i1"},
				map[string]any{"__typename": "Order", "id": "o4"},
				map[string]any{"__typename": "Item", "sku": "SKUi4"},
			}
	default:
		panic(t)
	}
}

// answer is one response: its data, parsed and as it was sent, and its errors as
// "path @ message".
type answer struct {
	data any
	raw  string
	errs []string
}

// ask runs an operation on an executor, a subscription to its end.
func ask(es graphql.ExecutableSchema, q string, vars map[string]any) (as []answer, invalid bool) {
	ex := executor.New(es)
	ex.SetRecoverFunc(func(ctx context.Context, err any) error { return fmt.Errorf("panic: %v", err) })
	ctx := graphql.StartOperationTrace(context.Background())
	oc, errs := ex.CreateOperationContext(ctx, &graphql.RawParams{Query: q, Variables: vars})
	if len(errs) > 0 {
		return []answer{{raw: errs.Error()}}, true
	}
	h, ctx := ex.DispatchOperation(ctx, oc)
	for {
		resp := h(ctx)
		if resp == nil {
			return as, false
		}
		a := answer{raw: string(resp.Data)}
		if len(resp.Data) > 0 {
			if err := json.Unmarshal(resp.Data, &a.data); err != nil {
				a.data = "BROKEN " + err.Error()
			}
		}
		for _, e := range resp.Errors {
			a.errs = append(a.errs, e.Path.String()+" @ "+e.Message)
		}
		as = append(as, a)
		if oc.Operation.Operation != ast.Subscription {
			return as, false
		}
	}
}

// keyOrder is the answer as a row of tokens: equal data has them in equal order.
func keyOrder(raw string) string {
	dec := json.NewDecoder(strings.NewReader(raw))
	var b bytes.Buffer
	for {
		t, err := dec.Token()
		if err != nil {
			return b.String()
		}
		fmt.Fprint(&b, t, ";")
	}
}

var (
	nonNull = regexp.MustCompile(`cannot return null for non-null.*`)
	length  = regexp.MustCompile(`(index \d+: )?(batch )?resolver .* returned \d+ (results|errors) for \d+ parents.*`)
	panics  = regexp.MustCompile(`panic: boom .*|batch resolver .* returned unexpected result type.*`)
	decimal = regexp.MustCompile(`\.min @ (strconv\.ParseFloat.*)`)
)

// normal is a set of errors without what the two executors word differently,
// and without the departures of the stock executor from the specification
// (October 2021):
//
//   - A panic in a batch resolver is an error of its first parent only, the rest
//     being told of an unexpected type. Section 6.4.4: the error is of each field
//     for which it was raised.
//   - The path of an error in an argument ends in the argument's name. Section
//     7.1.2: a path describes the path of the response field.
//
// A length error names the level's size where stock names the list's.
func normal(errs []string) []string {
	out := map[string]bool{}
	for _, e := range errs {
		e = nonNull.ReplaceAllString(e, "NON-NULL")
		e = length.ReplaceAllString(e, "LENGTH")
		e = panics.ReplaceAllString(e, "PANIC")
		out[decimal.ReplaceAllString(e, " @ $1")] = true
	}
	return slices.Sorted(maps.Keys(out))
}

// faulty are resolvers of one operation's kind of faults: none, nulls, errors by
// element, and whole calls that fail, panic or have a wrong length.
func faulty(seed uint64) *resolvers.Resolver {
	r := &resolvers.Resolver{Seed: int(seed % 97)}
	switch seed % 4 {
	case 1:
		r.Nulls = 60
	case 2:
		r.Nulls, r.Errs = 40, 60
	case 3:
		r.Nulls, r.Errs, r.Whole = 30, 30, 25
	}
	return r
}

func TestRandomOperationsAnswerAsTheStockExecutorDoes(t *testing.T) {
	responses, withErrors, invalidOnes := 0, 0, 0
	begun := time.Now()
	for n := range *count {
		s := *seed + uint64(n)
		stock := graph.NewExecutableSchema(graph.Config{Resolvers: faulty(s)})
		ours, err := execution.New(graph.NewBindings(graph.Config{Resolvers: faulty(s)}))
		if err != nil {
			t.Fatal(err)
		}
		g := &Gen{S: stock.Schema(), R: rand.New(rand.NewPCG(s, 7)), Depth: 3 + int(s%4), Value: value}
		kind, root := "query", stock.Schema().Query
		switch s % 20 {
		case 7:
			kind, root = "mutation", stock.Schema().Mutation
		case 11:
			kind, root = "subscription", stock.Schema().Subscription
		}
		q, vars := g.Operation(root, kind)
		want, invalid := ask(stock, q, vars)
		if invalid { // two fields of one key differ, which nobody could compare
			invalidOnes++
			continue
		}
		got, _ := ask(ours, q, vars)
		if len(got) != len(want) {
			t.Errorf("seed %d: %d responses, want %d\n%s", s, len(got), len(want), q)
			continue
		}
		for i := range want {
			responses++
			if len(want[i].errs) > 0 {
				withErrors++
			}
			if kind == "subscription" {
				want[i] = fromTheRoot(want[i])
			}
			if !reflect.DeepEqual(got[i].data, want[i].data) || keyOrder(got[i].raw) != keyOrder(want[i].raw) {
				t.Errorf("seed %d: data\n%s\ngot  %s\nwant %s", s, q, got[i].raw, want[i].raw)
			}
			if x, y := normal(got[i].errs), normal(want[i].errs); !slices.Equal(x, y) {
				t.Errorf("seed %d: errors\n%s\ngot  %q\nwant %q", s, q, x, y)
			}
		}
		if t.Failed() {
			return
		}
	}
	if invalidOnes > *count/1000 {
		t.Errorf("%d operations were not valid", invalidOnes)
	}
	t.Logf("%d operations, %d responses, %d with errors: no difference, in %s", *count-invalidOnes, responses, withErrors,
		time.Since(begun).Round(time.Millisecond))
	if withErrors < *count/20 {
		t.Errorf("only %d responses had errors: the faults are not met", withErrors)
	}
}

// fromTheRoot mends what the stock executor leaves out of a subscription's
// responses: the root field in paths, and null for the whole where the root
// field must not be null (sections 7.1.2 and 6.4.4).
func fromTheRoot(a answer) answer {
	m, _ := a.data.(map[string]any)
	for k, v := range m {
		if v == nil {
			a.data, a.raw = nil, "null"
		}
		for i, e := range a.errs {
			a.errs[i] = strings.Replace(k+"."+e, ". @", " @", 1)
		}
	}
	return a
}
