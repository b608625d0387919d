package governance

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

const base = `
directive @sunset(on: String!, since: String, replacement: String) on FIELD_DEFINITION | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
directive @scope(anyOf: [String!]!) on FIELD_DEFINITION | OBJECT
directive @key(fields: String!) repeatable on OBJECT
"Reads."
type Query {
  "An order."
  order("Its id." id: ID!, "How." how: How = FAST): Order
  "Old." old: String @deprecated(reason: "use order") @sunset(on: "2026-06-30", since: "2026-01-01", replacement: "Query.order")
}
"Writes."
type Mutation {
  "Places." place("Key." idempotencyKey: String!, "What." input: PlaceInput!): PlacePayload
}
"An order."
type Order implements Thing @key(fields: "id") {
  "Id." id: ID!
  "Number." number: String
  "Lines." lines: [String!]!
}
"A thing."
interface Thing {
  "Id." id: ID!
}
"What is found."
union Found = Order | Item
"An item."
type Item {
  "Id." id: ID!
}
"How."
enum How {
  "Fast." FAST
  "Slow." SLOW
}
"What is placed."
input PlaceInput {
  "Item." item: ID!
  "Note." note: String
}
"What came of it."
type PlacePayload {
  "Errors." errors: [String!]!
  "Again." replayed: Boolean!
}
`

func schema(t *testing.T, edits ...string) *ast.Schema {
	t.Helper()
	text := base
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("%q is not there", edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "test", Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Covers: G01
func TestChangesAreClassified(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     string // the most serious change
	}{
		{`"Number." number: String`, ``, "breaking Order.number: field was removed"},
		{`number: String`, `number: Int`, "breaking Order.number: is a Int instead of String"},
		{`number: String`, `number: String!`, "safe Order.number: is a String! instead of String"},
		{`lines: [String!]!`, `lines: [String]!`, "breaking Order.lines: is a [String]! instead of [String!]!"},
		{`lines: [String!]!`, `lines: String!`, "breaking Order.lines: is a String! instead of [String!]!"},
		{`"Number." number: String`, `"Number." number: String "More." more: String`, "safe Order.more: field was added"},
		{`"How." how: How = FAST`, ``, "breaking Query.order(how:): argument was removed"},
		{`how: How = FAST`, `how: How = SLOW`, "dangerous Query.order(how:): is SLOW instead of FAST where it is left out"},
		{`id: ID!, "How."`, `id: ID, "How."`, "safe Query.order(id:): takes a ID instead of ID!"},
		{`how: How = FAST`, `how: How! = FAST`, "breaking Query.order(how:): takes a How! instead of How"},
		{`how: How = FAST`, `how: How = FAST, "X." x: Int!`, "breaking Query.order(x:): argument was added, and must be given"},
		{`how: How = FAST`, `how: How = FAST, "X." x: Int`, "dangerous Query.order(x:): argument was added"},
		{`"Slow." SLOW`, ``, "breaking How.SLOW: value was removed"},
		{`"Slow." SLOW`, `"Slow." SLOW "Never." NEVER`, "dangerous How.NEVER: value was added: clients may get one that they do not know"},
		{`Order | Item`, `Order`, "breaking Found: member Item was removed"},
		{`Order | Item`, `Order | Item | PlacePayload`, "dangerous Found: member PlacePayload was added"},
		{` implements Thing`, ``, "breaking Order: interface Thing was removed"},
		{`"Note." note: String`, ``, "breaking PlaceInput.note: field was removed"},
		{`note: String`, `note: String!`, "breaking PlaceInput.note: takes a String! instead of String"},
		{`note: String`, `note: String "P." p: Int`, "dangerous PlaceInput.p: field was added"},
		{`note: String`, `note: String "P." p: Int! = 1`, "dangerous PlaceInput.p: field was added"},
		{`note: String`, `note: String "P." p: Int!`, "breaking PlaceInput.p: field was added, and must be given"},
		{`@key(fields: "id")`, ``, `breaking Order: is @key(fields: "id") no more`},
		{`@key(fields: "id")`, `@key(fields: "id") @key(fields: "number")`, `safe Order: is @key(fields: "number")`},
		{`number: String`, `number: String @scope(anyOf: ["x"])`, `dangerous Order.number: is @scope(anyOf: ["x"])`},
		{"enum How", "enum Manner", "breaking How: enum was removed"},
		{`"Old." old`, `"Newer." old`, ""},
	} {
		edits := []string{c.from, c.to}
		if strings.Contains(c.to, "Manner") {
			edits = append(edits, "how: How", "how: Manner")
		}
		changes := Diff(schema(t), schema(t, edits...))
		got := ""
		if len(changes) > 0 {
			got = fmt.Sprintf("%s %s: %s", changes[0].Level, changes[0].Coordinate, changes[0].Message)
		}
		if got != c.want {
			if !slices.ContainsFunc(changes, func(x Change) bool { return fmt.Sprintf("%s %s: %s", x.Level, x.Coordinate, x.Message) == c.want }) ||
				c.want == "" {
				t.Errorf("%q for %q: got %q, want %q", c.to, c.from, got, c.want)
			}
		}
	}
}

// Covers: G03
func TestWhatBreaksClientsIsStopped(t *testing.T) {
	day := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
	old := `"Old." old: String @deprecated(reason: "use order") @sunset(on: "2026-06-30", since: "2026-01-01", replacement: "Query.order")`
	asks := []Use{{Coordinate: "Query.old", Client: "portal", Calls: 3, LastUsedAt: day("2026-06-01")}}
	for name, c := range map[string]struct {
		edits []string
		use   []Use
		docs  []Document
		today string
		want  string
	}{
		"nothing": {today: "2026-01-01"},
		"a removal that was not announced": {
			edits: []string{`"Number." number: String`, ``}, today: "2026-07-01",
			want: "Order.number: field was removed: it breaks clients",
		},
		"one before its day": {edits: []string{old, ``}, today: "2026-06-29", want: "planned for 2026-06-30"},
		"one on its day":     {edits: []string{old, ``}, today: "2026-06-30"},
		"one that somebody asks for": {
			edits: []string{old, ``}, today: "2026-07-01", use: asks,
			want: "portal asked for it 3 times, the last time on 2026-06-01",
		},
		"one that a document names": {
			edits: []string{old, ``}, today: "2026-07-01", docs: []Document{{"portal.graphql", "{ old }"}},
			want: `portal.graphql: line 1: Cannot query field "old" on type "Query"`,
		},
		"a document that is right": {docs: []Document{{"portal.graphql", `{ order(id: "1") { number } }`}}, today: "2026-01-01"},
		"no description": {
			edits: []string{`"Number." number`, `number`}, today: "2026-01-01",
			want: "Order.number: has no description",
		},
		"a name": {
			edits: []string{`"Number." number: String`, `"Number." number: String "X." Extra_1: String`},
			today: "2026-01-01", want: "Order.Extra_1: is not named",
		},
		"a value's name": {
			edits: []string{`"Slow." SLOW`, `"Slow." SLOW "Slower." slower`}, today: "2026-01-01",
			want: "How.slower: is not named",
		},
		"deprecated without a day": {
			edits: []string{`number: String`, `number: String @deprecated`}, today: "2026-01-01",
			want: "without @sunset",
		},
		"a day that is none": {edits: []string{"2026-06-30", "soon"}, today: "2026-01-01", want: "must be a day"},
		"a replacement that is not there": {
			edits: []string{"Query.order", "Query.orders"}, today: "2026-01-01",
			want: "replaced by Query.orders, which is not there",
		},
		"a write without a key": {
			edits: []string{`"Key." idempotencyKey: String!, `, ``}, today: "2026-01-01",
			want: "takes an idempotencyKey",
		},
		"a payload without errors": {
			edits: []string{`"Errors." errors: [String!]!`, ``}, today: "2026-01-01",
			want: "PlacePayload: is a payload",
		},
	} {
		got := strings.Join(Check(schema(t, c.edits...), Published{schema(t), c.use, c.docs}, day(c.today)), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if all := Deprecations(schema(t)); len(all) != 1 ||
		all[0] != (Deprecation{"Query.old", "use order", "2026-01-01", "2026-06-30", "Query.order"}) {
		t.Errorf("deprecations: %v", all)
	}
}

func TestDocumentsOfClientsAreRead(t *testing.T) {
	files := fstest.MapFS{
		"a/x.graphql":     {Data: []byte("{ old }")},
		"b/manifest.json": {Data: []byte(`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "1", "name": "A", "type": "query", "body": "query A { old }"}]}`)},
		"c/ops.ts": {Data: []byte("const word = `no ${x}`;\nexport const f = graphql(`\n  fragment F on Order { ...G }\n`);\nconst g = " +
			"graphql(`fragment G on Order { number }`);\nconst q = graphql(`\n# one\nquery Q { order(id: \"1\") { ...F } }`)")},
	}
	all, err := Documents(files, []byte("one: [a/*.graphql]\ntwo: [b/*.json]\nthree: [c/*.ts]\n"))
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	if problems := Check(schema(t), Published{Schema: schema(t), Documents: all}, time.Now()); problems != nil {
		t.Errorf("%v", problems)
	}
	if _, err := Documents(files, []byte("one: [nowhere/*.graphql]\n")); err == nil {
		t.Error("a client without documents")
	}
	if _, err := Documents(os.DirFS("../.."), []byte("all: [process/notify/*.graphql]")); err != nil {
		t.Error(err)
	}
}

func TestUseIsCountedByElementAndClient(t *testing.T) {
	s := schema(t, `"Fast." FAST`, `"Fast." FAST "Fastest." FASTEST`)
	parse := func(text string) *ast.OperationDefinition {
		doc, errs := gqlparser.LoadQueryWithRules(s, text, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		return doc.Operations[0]
	}
	query := parse(`{ order(id: "1", how: SLOW) { __typename ...F } } fragment F on Order { number }`)
	write := parse(`mutation { place(idempotencyKey: "k", input: {item: "1"}) { replayed } }`)
	var c Counter
	for range 3 {
		c.Count(query, "portal")
	}
	c.Count(query, "another")
	c.Count(write, "portal")
	got := ""
	for _, u := range c.Take() {
		if u.LastUsedAt.IsZero() {
			t.Errorf("%s was never used", u.Coordinate)
		}
		got += fmt.Sprintf("%s %s %d\n", u.Coordinate, u.Client, u.Calls)
	}
	want := `How.SLOW another 1
How.SLOW portal 3
Mutation.place portal 1
Mutation.place(idempotencyKey:) portal 1
Mutation.place(input:) portal 1
Order.number another 1
Order.number portal 3
PlaceInput.item portal 1
PlacePayload.replayed portal 1
Query.order another 1
Query.order portal 3
Query.order(how:) another 1
Query.order(how:) portal 3
Query.order(id:) another 1
Query.order(id:) portal 3
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
	if again := c.Take(); len(again) != 0 {
		t.Errorf("counted twice: %v", again)
	}
}
