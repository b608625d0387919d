package difftest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"portico/execution"
	"portico/execution/difftest/graph"
	"portico/execution/difftest/resolvers"
)

var (
	count = flag.Int("ops", 2000, "operations")
	seed  = flag.Uint64("seed", 1, "first seed")
)

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
		return `[{__typename: "Order", id: "o1"}, {__typename: "Item", sku: "SKUi2"}, {__typename: "Item", id: "i3"}, {__typename: "Account", id: "a1"}]`,
			[]any{map[string]any{"__typename": "Item", "id": "i1"}, map[string]any{"__typename": "Order", "id": "o4"}, map[string]any{"__typename": "Item", "sku": "SKUi4"}}
	default:
		panic(t)
	}
}

type answer struct {
	data   any
	raw    string
	errs   []string // path: message
	paths  []string
	stream int
}

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
			a.errs = append(a.errs, fmt.Sprint(e.Path.String(), " ", e.Locations, " ", e.Message))
			a.paths = append(a.paths, e.Path.String())
		}
		sort.Strings(a.errs)
		sort.Strings(a.paths)
		as = append(as, a)
		if oc.Operation.Operation != ast.Subscription {
			return as, false
		}
	}
}

func keyOrder(raw string) string { // values away, keys in order
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

var nonNull = regexp.MustCompile(`cannot return null for non-null.*`)
var indexed = regexp.MustCompile(`(index \d+: )?(batch )?resolver .* returned \d+ (results|errors) for \d+ parents.*`)

func normal(errs []string) []string {
	out := map[string]bool{}
	for _, e := range errs {
		e = nonNull.ReplaceAllString(e, "NONNULL")
		e = indexed.ReplaceAllString(e, "LENGTH")
		e = regexp.MustCompile(` \[(\d+:\d+)?\] `).ReplaceAllString(e, " @ ")
		out[e] = true
	}
	var l []string
	for e := range out {
		l = append(l, e)
	}
	sort.Strings(l)
	return l
}

func TestDifferences(t *testing.T) {
	classes := map[string]int{}
	examples := map[string]string{}
	valid, withErrors, events := 0, 0, 0
	t0 := time.Now()
	for n := 0; n < *count; n++ {
		s := *seed + uint64(n)
		r := rand.New(rand.NewPCG(s, 7))
		mk := func() *resolvers.Resolver {
			res := &resolvers.Resolver{Seed: int(s % 97)}
			switch s % 4 {
			case 1:
				res.Nulls = 60
			case 2:
				res.Nulls, res.Errs = 40, 60
			case 3:
				res.Nulls, res.Errs, res.Whole = 30, 30, 25
			}
			return res
		}
		stock := graph.NewExecutableSchema(graph.Config{Resolvers: mk()})
		ours, err := execution.New(graph.NewBindings(graph.Config{Resolvers: mk()}))
		if err != nil {
			t.Fatal(err)
		}
		g := &Gen{S: stock.Schema(), R: r, Depth: 3 + int(s%4), Value: value}
		kind, root := "query", stock.Schema().Query
		switch s % 20 {
		case 7:
			kind, root = "mutation", stock.Schema().Mutation
		case 11:
			kind, root = "subscription", stock.Schema().Subscription
		}
		q, vars := g.Operation(root, kind)
		a, invalid := ask(stock, q, vars)
		if invalid {
			classes["(invalid) "+regexp.MustCompile(`"[^"]*"`).ReplaceAllString(strings.SplitN(a[0].raw, "\n", 2)[0], "x")[:min(60, len(a[0].raw))]]++
			continue
		}
		valid++
		b, _ := ask(ours, q, vars)
		note := func(class, detail string) {
			class = fmt.Sprintf("mode%d %s: %s", s%4, kind, class)
			classes[class]++
			if examples[class] == "" || len(examples[class]) > len(detail)+len(q) {
				v, _ := json.Marshal(vars)
				examples[class] = fmt.Sprintf("seed %d\n%s\n%s\n%s", s, q, v, detail)
			}
		}
		if len(a) != len(b) {
			note("number of responses", fmt.Sprint(len(a), len(b)))
			continue
		}
		for i := range a {
			events++
			if len(a[i].errs) > 0 {
				withErrors++
			}
			if kind == "subscription" { // stock leaves the root field out of paths and nulls
				m, _ := a[i].data.(map[string]any)
				for k, v := range m {
					if v == nil {
						a[i].data, a[i].raw = nil, "null"
					}
					for j, e := range a[i].errs {
						a[i].errs[j] = strings.Replace(k+"."+e, ". ", " ", 1)
					}
				}
			}
			if !reflect.DeepEqual(a[i].data, b[i].data) {
				note("data", "stock "+a[i].raw+"\nours  "+b[i].raw+"\nstock "+fmt.Sprint(normal(a[i].errs))+"\nours "+fmt.Sprint(normal(b[i].errs)))
				continue
			}
			if keyOrder(a[i].raw) != keyOrder(b[i].raw) {
				note("order of keys", a[i].raw+"\n"+b[i].raw)
			}
			if x, y := normal(a[i].errs), normal(b[i].errs); !reflect.DeepEqual(x, y) {
				class := "errors"
				has := func(l []string, e string) bool {
					for _, v := range l {
						if v == e {
							return true
						}
					}
					return false
				}
				var extra, missing []string
				for _, e := range y {
					if !has(x, e) {
						extra = append(extra, e)
					}
				}
				for _, e := range x {
					if !has(y, e) {
						missing = append(missing, e)
					}
				}
				sig := func(l []string) string {
					set := map[string]bool{}
					for _, e := range l {
						e = e[max(0, strings.Index(e, " @ ")):]
						switch {
						case strings.Contains(e, "panic"):
							set["panic"] = true
						case strings.Contains(e, "unexpected result type"):
							set["unexpected type"] = true
						case strings.Contains(e, "NONNULL"):
							set["nonnull"] = true
						case strings.Contains(e, "LENGTH"):
							set["length"] = true
						default:
							set["error"] = true
						}
					}
					var k []string
					for e := range set {
						k = append(k, e)
					}
					sort.Strings(k)
					return strings.Join(k, "+")
				}
				class += " stock-only{" + sig(missing) + "} ours-only{" + sig(extra) + "}"
				note(class, "stock only "+strings.Join(missing, " | ")+"\nours only "+strings.Join(extra, " | ")+"\ndata "+a[i].raw)
			}
		}
	}
	t.Logf("%d operations valid of %d, %d responses, %d with errors, %s", valid, *count, events, withErrors, time.Since(t0))
	var keys []string
	for k := range classes {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		t.Logf("%6d %s", classes[k], k)
		if e := examples[k]; e != "" && len(e) < 6000 {
			t.Logf("        %s", e)
		}
	}
}
