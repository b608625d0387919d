package execution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// The tests of this package ask a town of shops, whose schema is bound by hand as the generator does it.

const townSchema = `
type Query {
	shop(id: ID!): Shop
	must(id: ID!): Shop!
	shops: [Shop!]
	some: [Shop]
	any: [Any]
	every: [Any!]
	found(in: In): String
	words: [String!]
	gaps: [String]
}
input In { id: ID, within: In, ids: [ID!] }
type Shop {
	id: ID!
	name: String
	must: String!
	owner: Person
	keeper: Person!
	items(first: Int): [Item!]
	best: Item
	tags: [String!]
	notes: [String]
	size: Float
	kind: Kind
}
type Item { sku: String! shop: Shop price: Float! }
type Person { name: String! nick: String }
union Any = Shop | Item
enum Kind { OPEN CLOSED }
type Mutation { rename(id: ID!, name: String!): Shop! sold: Int! }
type Subscription { renamed(many: Int!): Shop! }
`

type shop struct {
	id            string
	name, must    *string
	owner, keeper *person
	tags, notes   []*string
	size          float64
	kind          string
}

type item struct {
	sku   *string
	shop  string
	price float64
}

type person struct{ name, nick *string }

// town is what the resolvers read, and what they were asked.
type town struct {
	mu     sync.Mutex
	shops  []*shop // nil: a place where none is
	items  map[string][]*item
	any    []any
	words  []*string
	asked  []string                     // resolvers, with how many parents and which arguments
	before func(ctx context.Context)    // run by Shop.best and Item.shop, unless nil
	fail   map[string]error             // by resolver
	bad    map[string]map[string]error  // by resolver and shop
	broken map[string]func() (any, int) // what a resolver returns instead
}

func p[T any](v T) *T { return &v }

// mainStreet is a town without a gap.
func mainStreet() *town {
	w := &town{
		items:  map[string][]*item{},
		fail:   map[string]error{},
		bad:    map[string]map[string]error{},
		broken: map[string]func() (any, int){},
	}
	for _, id := range []string{"a", "b", "c"} {
		w.shops = append(w.shops, &shop{
			id: id, name: p("shop " + id), must: p("must " + id), owner: &person{name: p("owner " + id)}, keeper: &person{name: p("keeper " + id)},
			tags:  []*string{p("x"), p("y")},
			notes: []*string{p("n"), nil}, size: 1.5, kind: "OPEN",
		})
		w.items[id] = []*item{{sku: p(id + "1"), shop: id, price: 2}, {sku: p(id + "2"), shop: id, price: 3.25}}
	}
	return w
}

func (w *town) shop(id string) *shop {
	if i := slices.IndexFunc(w.shops, func(s *shop) bool { return s != nil && s.id == id }); i >= 0 {
		return w.shops[i]
	}
	return nil
}

// met notes that a resolver was called.
func (w *town) met(name string, parents int, args map[string]any) error {
	text, err := json.Marshal(args)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, strings.NewReplacer(" null", "", " {}", "").Replace(fmt.Sprintf("%s %d %s", name, parents, text)))
	return w.fail[name]
}

// each are the errors of a resolver's parents, by what the town says of each.
func (w *town) each(name string, objs []*shop) error {
	errs, some := make(graphql.BatchErrorList, len(objs)), false
	for i, o := range objs {
		errs[i] = w.bad[name][o.id]
		some = some || errs[i] != nil
	}
	if !some {
		return nil
	}
	return errs
}

// textOf is a field that is plain text of O, or null.
func textOf[O any](of func(O) *string) *Field {
	return &Field{Leaf: func(b []byte, o any, _ int) []byte {
		if v := of(o.(O)); v != nil {
			return AppendString(b, *v)
		}
		return nil
	}}
}

func textsOf[O any](of func(O) []*string) *Field {
	return &Field{
		Len: func(o any, _ int) int {
			if of(o.(O)) == nil {
				return -1
			}
			return len(of(o.(O)))
		},
		LeafAt: func(b []byte, o any, _, j int) []byte {
			v := of(o.(O))[j]
			if v == nil {
				return nil
			}
			if *v == "PANIC" {
				panic("boom")
			}
			return AppendString(b, *v)
		},
	}
}

// oneOf is a field that a batch resolver returns one R of for each parent.
func oneOf[R any](f *Field) *Field {
	f.One = func(o any, i int) any {
		if v := o.([]*R)[i]; v != nil {
			return v
		}
		return nil
	}
	return f
}

func manyOf[R any](f *Field) *Field {
	f.Len = func(o any, i int) int {
		if o.([][]*R)[i] == nil {
			return -1
		}
		return len(o.([][]*R)[i])
	}
	f.At = func(o any, i, j int) any {
		if v := o.([][]*R)[i][j]; v != nil {
			return v
		}
		return nil
	}
	return f
}

func raw(_ context.Context, _ any, raw map[string]any) (map[string]any, error) { return raw, nil }

// root is a field of the query that a function answers.
func root[R any](name string, get func(w *town, args map[string]any) R) *Field {
	return &Field{Args: raw, Call: func(_ context.Context, ec any, _ []any, args map[string]any) (any, int, error) {
		w := ec.(*town)
		if err := w.met(name, 1, args); err != nil {
			return nil, 0, err
		}
		return Single(get(w, args), nil)
	}}
}

func person1(of func(*shop) *person) *Field {
	return &Field{One: func(o any, _ int) any {
		if v := of(o.(*shop)); v != nil {
			return v
		}
		return nil
	}}
}

// bindings bind the schema to a town.
func bindings(w *town) *Bindings {
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "town", Input: townSchema})
	kinds := EnumValues(schema, "Kind")
	anys := func(f *Field) *Field {
		f.Len = func(o any, i int) int { return len(o.([][]any)[i]) }
		f.At = func(o any, i, j int) any { return o.([][]any)[i][j] }
		return f
	}
	query := map[string]*Field{
		"shop":  oneOf[shop](root("shop", func(w *town, args map[string]any) *shop { return w.shop(args["id"].(string)) })),
		"must":  oneOf[shop](root("must", func(w *town, args map[string]any) *shop { return w.shop(args["id"].(string)) })),
		"shops": manyOf[shop](root("shops", func(w *town, _ map[string]any) []*shop { return w.shops })),
		"some":  manyOf[shop](root("some", func(w *town, _ map[string]any) []*shop { return w.shops })),
		"any":   anys(root("any", func(w *town, _ map[string]any) []any { return w.any })),
		"every": anys(root("every", func(w *town, _ map[string]any) []any { return w.any })),
		"words": textsOf(func([]string) []*string { return w.words }),
		"gaps":  textsOf(func([]string) []*string { return w.words }),
		"found": root("found", func(_ *town, args map[string]any) string { text, _ := json.Marshal(args["in"]); return string(text) }),
	}
	query["found"].Leaf = func(b []byte, o any, i int) []byte { return AppendString(b, o.([]string)[i]) }
	for _, name := range []string{"words", "gaps"} {
		f := query[name]
		length, at := f.Len, f.LeafAt
		f.Len = func(any, int) int { return length([]string(nil), 0) }
		f.LeafAt = func(b []byte, _ any, _, j int) []byte { return at(b, []string(nil), 0, j) }
	}
	shops := map[string]*Field{
		"id": textOf(
			func(s *shop) *string { return &s.id },
		), "name": textOf(func(s *shop) *string { return s.name }), "must": textOf(func(s *shop) *string { return s.must }),
		"owner": person1(func(s *shop) *person { return s.owner }), "keeper": person1(func(s *shop) *person { return s.keeper }),
		"tags": textsOf(func(s *shop) []*string { return s.tags }), "notes": textsOf(func(s *shop) []*string { return s.notes }),
		"size": {Leaf: func(b []byte, o any, _ int) []byte { return AppendFloat(b, o.(*shop).size) }},
		"kind": {Leaf: func(b []byte, o any, _ int) []byte {
			if o.(*shop).kind == "PANIC" {
				panic("boom")
			}
			return AppendEnum(b, o.(*shop).kind, kinds)
		}},
		"items": manyOf[item](&Field{Args: raw, Call: func(_ context.Context, ec any, objs []any, args map[string]any) (any, int, error) {
			w, of := ec.(*town), As[*shop](objs)
			if err := w.met("items", len(of), args); err != nil {
				return nil, 0, err
			}
			if other := w.broken["items"]; other != nil {
				v, n := other()
				return v, n, nil
			}
			out := make([][]*item, len(of))
			for i, s := range of {
				out[i] = w.items[s.id]
			}
			return Batch(out, w.each("items", of))
		}}),
		"best": oneOf[item](&Field{Group: "items", Call: func(ctx context.Context, ec any, objs []any, _ map[string]any) (any, int, error) {
			w, of := ec.(*town), As[*shop](objs)
			if w.before != nil {
				w.before(ctx)
			}
			if err := w.met("best", len(of), nil); err != nil {
				return nil, 0, err
			}
			out := make([]*item, len(of))
			for i, s := range of {
				if len(w.items[s.id]) > 0 {
					out[i] = w.items[s.id][0]
				}
			}
			return Batch(out, w.each("best", of))
		}}),
	}
	items := map[string]*Field{
		"sku":   textOf(func(i *item) *string { return i.sku }),
		"price": {Leaf: func(b []byte, o any, _ int) []byte { return AppendFloat(b, o.(*item).price) }},
		"shop": oneOf[shop](&Field{Group: "items", Call: func(ctx context.Context, ec any, objs []any, _ map[string]any) (any, int, error) {
			w, of := ec.(*town), As[*item](objs)
			if w.before != nil {
				w.before(ctx)
			}
			if err := w.met("item.shop", len(of), nil); err != nil {
				return nil, 0, err
			}
			return Each(objs, func(i *item) (*shop, error) {
				if i.shop == "boom" {
					panic("boom")
				}
				if i.shop == "none" {
					return nil, errors.New("no such shop")
				}
				return w.shop(i.shop), nil
			})
		}}),
	}
	return &Bindings{
		Schema: schema, Context: func(*graphql.OperationContext) any { return w },
		Complexity: func(context.Context, string, string, int, map[string]any) (int, bool) { return 0, false },
		Objects: map[string]*Object{
			"Query": {"Query", query}, "Shop": {"Shop", shops}, "Item": {"Item", items},
			"Person": {
				"Person",
				map[string]*Field{"name": textOf(func(o *person) *string { return o.name }), "nick": textOf(func(o *person) *string { return o.nick })},
			},
			"Mutation": {"Mutation", map[string]*Field{
				"rename": oneOf[shop](root("rename", func(w *town, args map[string]any) *shop {
					w.mu.Lock()
					defer w.mu.Unlock()
					s := w.shop(args["id"].(string))
					was := *s
					s.name = p(args["name"].(string))
					w.asked = append(w.asked, "was "+*was.name)
					return s
				})),
				"sold": {
					Call: root(
						"sold",
						func(*town, map[string]any) int64 { return 7 },
					).Call, Leaf: func(b []byte, o any, i int) []byte { return AppendInt(b, o.([]int64)[i]) },
				},
			}},
			"Subscription": {"Subscription", map[string]*Field{
				"renamed": oneOf[shop](&Field{Args: raw, Stream: func(ctx context.Context, ec any, args map[string]any) (Events, error) {
					w := ec.(*town)
					if err := w.fail["renamed"]; err != nil {
						return nil, err
					}
					many, told := args["many"].(int64), 0
					return Stream(Pull(ctx, func(context.Context) (*shop, bool) {
						if told++; int64(told) > many {
							return nil, false
						}
						return w.shops[(told-1)%len(w.shops)], true
					}), nil)
				}}),
			}},
		},
		Abstract: map[string]func(any) (string, any){"Any": func(o any) (string, any) {
			switch o := o.(type) {
			case *shop:
				if o != nil {
					return "Shop", o
				}
				return "Shop", nil
			case *item:
				return "Item", o
			}
			return "", nil
		}},
	}
}

// told is one answer: its data as it was sent, and its errors as "path: message".
type told struct {
	data string
	errs []string
}

// asking is an executor of a town that answers operations as the edge has it do.
type asking struct {
	*Executor
	ex *executor.Executor
}

func newAsking(t *testing.T, w *town) *asking {
	t.Helper()
	x, err := New(bindings(w))
	if err != nil {
		t.Fatal(err)
	}
	ex := executor.New(x)
	ex.SetQueryCache(graphql.MapCache[*ast.QueryDocument]{}) // the same document is the same operation
	ex.SetRecoverFunc(func(_ context.Context, err any) error { return fmt.Errorf("panicked: %v", err) })
	return &asking{x, ex}
}

// ask asks an operation and returns its answers, of a subscription all of them.
func (a *asking) ask(ctx context.Context, t *testing.T, query string, vars map[string]any) (all []told) {
	t.Helper()
	ctx = graphql.StartOperationTrace(ctx)
	oc, errs := a.ex.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: vars})
	if len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	next, ctx := a.ex.DispatchOperation(ctx, oc)
	for resp := next(ctx); resp != nil; resp = next(ctx) {
		one := told{data: string(resp.Data)}
		for _, e := range resp.Errors {
			one.errs = append(one.errs, e.Path.String()+": "+e.Message)
		}
		if !json.Valid(resp.Data) && len(resp.Data) > 0 {
			t.Errorf("%s is answered with what is no JSON: %s", query, resp.Data)
		}
		if all = append(all, one); len(all) > 10 {
			t.Fatalf("%s does not end", query)
		}
	}
	return all
}

// one asks an operation that has one answer.
func (a *asking) one(t *testing.T, query string, vars map[string]any) told {
	t.Helper()
	all := a.ask(t.Context(), t, query, vars)
	if len(all) != 1 {
		t.Fatalf("%s: %d answers, want 1", query, len(all))
	}
	return all[0]
}

// direct is the context of an operation that the executor is asked itself, and not through gqlgen.
func (a *asking) direct(ctx context.Context, t *testing.T, query string) context.Context {
	t.Helper()
	ctx = graphql.StartOperationTrace(ctx)
	oc, errs := a.ex.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if errs != nil {
		t.Fatal(errs)
	}
	return graphql.WithResponseContext(graphql.WithOperationContext(ctx, oc), graphql.DefaultErrorPresenter, oc.RecoverFunc)
}
