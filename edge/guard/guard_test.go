package guard

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	directive @cost(weight: Int!) on FIELD_DEFINITION | OBJECT
	directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
	type Query {
		a: A
		all(first: Int, last: Int): As @listSize(assumedSize: 25, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"],
		requireOneSlicingArgument: false)
		byIds(ids: [ID!]!): [A]
		dear: A @cost(weight: 7)
		text: String
	}
	type A { id: ID b: A list: [A!]! tags: [String!]! all(first: Int, last: Int): As
		@listSize(assumedSize: 25, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false) }
	type As { nodes: [A!]! edges: [E!]! total: Int }
	type E { node: A! }
	type Mutation { do: A }
	type Subscription { news: A other: A }
`})

func open(t testing.TB) *Guard {
	t.Helper()
	g, err := New(schema, Default, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAnOperationCostsWhatItMayTake(t *testing.T) {
	g := open(t)
	for query, c := range map[string]struct {
		vars map[string]any
		want int64
	}{
		`{ text }`:                                                        {nil, 0},
		`{ __typename a { __typename } }`:                                 {nil, 1},
		`{ a { id b { id } } }`:                                           {nil, 2},
		`{ dear { id } }`:                                                 {nil, 7},
		`{ all { total } }`:                                               {nil, 1},
		`{ all { nodes { id } } }`:                                        {nil, 1 + 25},
		`{ all(first: 3) { nodes { id b { id } } } }`:                     {nil, 1 + 3*2},
		`{ all(last: 4) { edges { node { id } } } }`:                      {nil, 1 + 4*2},
		`query ($n: Int) { all(first: $n) { nodes { id } } }`:             {map[string]any{"n": int64(50)}, 1 + 50},
		`query ($n: Int) { all(first: $n, last: 2) { nodes { id } } }`:    {map[string]any{"n": json.Number("7")}, 1 + 7},
		`query ($n: Int = 6) { all(first: $n) { nodes { id } } }`:         {map[string]any{"n": int64(6)}, 1 + 6},
		`query ($m: Int) { all(first: $m) { nodes { id } } }`:             {nil, 1 + 25}, // null asks for what is assumed
		`{ all(first: 10) { nodes { all(first: 5) { nodes { id } } } } }`: {nil, 1 + 10*(1+1+5)},
		`{ all(first: -5) { nodes { id } } }`:                             {nil, 1}, // refused by its resolver
		`{ byIds(ids: ["1", "2", "3"]) { id } }`:                          {nil, 3},
		`query ($i: [ID!]!) { byIds(ids: $i) { id b { id } } }`:           {map[string]any{"i": []any{"1", "2"}}, 4},
		`{ a { list { id } tags } }`:                                      {nil, 1 + 10},
		`mutation { do { id } }`:                                          {nil, 1 + 10},
		`subscription { news { id } }`:                                    {nil, 1 + 10},
		`{ ...F ...F } fragment F on Query { a { id } }`:                  {nil, 2},
		`{ __schema { types { name fields { name } } } }`:                 {nil, 1},
	} {
		d, errs := g.Document(query)
		if errs != nil {
			t.Errorf("%s: %v", query, errs)
			continue
		}
		if got, errs := g.Cost(d, d.Operations[0], c.vars); got != c.want || errs != nil {
			t.Errorf("%s costs %d, want %d (%v)", query, got, c.want, errs)
		}
	}
	for _, query := range []string{
		`{ all(first: 100) { nodes { all(first: 100) { nodes { all(first: 100) { nodes { all(first: 100) { nodes { id } } } } } } } } }`,
		`{ all(first: 2147483647) { nodes { all(first: 2147483647) { nodes { all(first: 2147483647)
			{ nodes { all(first: 2147483647) { nodes { id } } } } } } } } }`,
	} {
		d, errs := g.Document(query)
		if errs != nil {
			t.Fatal(errs)
		}
		if n, errs := g.Cost(d, d.Operations[0], nil); errs == nil || errs[0].Extensions["code"] != TooCostly || n < 0 {
			t.Errorf("%s costs %d: %v", query, n, errs)
		}
	}
}

// bombs are documents that cost far more than they look, by the code they are
// refused with.
func bombs() map[string][2]string {
	doubling := func(levels int) string {
		var b strings.Builder
		b.WriteString("{ a { ...f0 } }")
		for i := range levels {
			fmt.Fprintf(&b, " fragment f%d on A { x: b { ...f%d } y: b { ...f%d } }", i, i+1, i+1)
		}
		fmt.Fprintf(&b, " fragment f%d on A { id }", levels)
		return b.String()
	}
	wide := func(levels int) string { // no deeper for it
		var b strings.Builder
		b.WriteString("{ a { ...f0 } }")
		for i := range levels {
			fmt.Fprintf(&b, " fragment f%d on A { ...f%d ...f%d }", i, i+1, i+1)
		}
		fmt.Fprintf(&b, " fragment f%d on A { id }", levels)
		return b.String()
	}
	circle := "{ a { ...f0 } }"
	for i := range 50 {
		circle += fmt.Sprintf(" fragment f%d on A { b { ...f%d } }", i, (i+1)%50)
	}
	distinct := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " x%d: a { id }", i)
		}
		return "{" + b.String() + " }"
	}
	return map[string][2]string{
		"fragments that double, 16":   {doubling(16), TooComplex},
		"fragments that double, 24":   {doubling(24), TooComplex},
		"fragments that double, 59":   {doubling(59), TooComplex},
		"fragments that double, wide": {wide(58), TooComplex},
		"repeated in a fragment nobody spreads": {"{ text } fragment u on A {" + strings.Repeat(" b {"+strings.Repeat(" b { id }", 22)+" }", 20) +
			" }", TooComplex},
		"a second fragment of the name": {"{ a { ...f } } fragment f on A { id } fragment f on A {" +
			strings.Repeat(" b {"+strings.Repeat(" b { id }", 22)+" }", 20) + " }", NotValid},
		"doubling, and then a chain": {"{ a { ...f0 } }" + numbered(12, " fragment f%d on A { ...f%[1]dx ...f%[1]dx }") +
			numbered(12, " fragment f%dx on A { ...g%[1]d }") + chain(12, 33), TooComplex},
		"a small circle":                {"{ a { ...f } } fragment f on A { b { ...g } } fragment g on A { b { ...f } }", NotValid},
		"a circle that doubles":         {"{ a { ...f } } fragment f on A { x: b { ...f } y: b { ...f } z: b { ...f } }", NotValid},
		"a circle of itself":            {"{ a { ...f } } fragment f on A { ...f }", NotValid},
		"a large circle":                {circle, NotValid},
		"one field 600 times":           {"{" + strings.Repeat(" text", 600) + " }", TooComplex},
		"one field 10,000 times":        {"{" + strings.Repeat(" text", 10_000) + " }", TooComplex},
		"one inline fragment 400 times": {"{ a {" + strings.Repeat(" ... on A { id }", 400) + " } }", TooComplex},
		"one directive 300 times":       {"{ text" + strings.Repeat(" @skip(if: false)", 300) + " }", TooComplex},
		"unknown directives":            {"{ text" + strings.Repeat(" @x", 900) + " }", TooComplex},
		"directives on an operation":    {"query " + strings.Repeat(" @x", 900) + " { text }", TooComplex},
		"many aliases":                  {distinct(300), TooComplex},
		"too deep": {
			strings.Repeat("{ a", 1) + strings.Repeat(" { b", 400) + " { id " + strings.Repeat("}", 402),
			TooComplex,
		},
		"deeper than the parser goes": {"{ a" + strings.Repeat(" { b", 1500) + strings.Repeat("}", 1501), TooComplex},
		"many operations":             {strings.Repeat("query { text } ", 300), TooComplex},
		"many names of operations":    {operations(300), TooComplex},
		"a long list":                 {"{ byIds(ids: [" + strings.Repeat("1,", 5000) + "]) { id } }", TooComplex},
		"lists in lists": {
			"{ byIds(ids: " + strings.Repeat("[", 900) + strings.Repeat("]", 900) + ") { id } }",
			TooComplex,
		},
		"lists in lists, as deep as may be": {"{ byIds(ids: [" + strings.Repeat(strings.Repeat("[", 50)+strings.Repeat("]", 50), 19) +
			"]) { id } }", NotValid},
		"a long number":          {"{ all(first: " + strings.Repeat("9", 60_000) + ") { total } }", TooComplex},
		"a long string":          {`{ byIds(ids: ["` + strings.Repeat("x", 65_000) + `"]) { id } }`, ""},
		"a long name":            {"{ " + strings.Repeat("x", 65_000) + " }", TooComplex},
		"comments":               {"{ text " + strings.Repeat("#\n", 30_000) + " }", TooComplex},
		"not closed":             {strings.Repeat("{ a ", 2000), TooComplex},
		"no UTF-8":               {"{ text \xff\xfe }", NotParsed},
		"a zero":                 {"{ text \x00 }", NotParsed},
		"nothing":                {"", NotValid},
		"a comment alone":        {"# nothing", NotValid},
		"a schema":               {"type Query { a: Int }", NotParsed},
		"many unknown fields":    {"{" + unknown(600) + " }", TooComplex},
		"many unknown fragments": {"{" + spreads(400) + " }", TooComplex},
		"unknown fields, as many as may be": {"{" + unknown(200) + " a {" + unknown(200) + " b {" + unknown(200) + " } list {" +
			unknown(200) + " } } }", TooComplex},
		"unknown fields in a few sets": {"{ a {" + unknown(190) + " } all {" + unknown(190) + " nodes {" + unknown(190) + " } } dear {" +
			unknown(190) + " } }", NotValid},
		"variables, as many as may be":         {variables(100), NotValid},
		"unknown fragments, as many as may be": {"{ a {" + spreads(199) + " } }", NotValid},
		"many unused fragments":                {"{ text }" + unused(59), NotValid},
		"many variables":                       {variables(300), TooComplex},
		"two streams":                          {"subscription { news { id } other { id } }", NotValid},
		"one stream by two names":              {"subscription { x: news { id } y: news { id } }", NotValid},
		"fragments beside each other": {
			"{ a {" + numbered(59, " ...w%d") + " } }" + numbered(59, " fragment w%d on A { k%[1]d: id }"),
			"",
		},
		"fragments of the same fields": {"{ a {" + numbered(59, " ...w%d") + " } }" +
			numbered(59, " fragment w%d on A { id b { id } list { id } tags }"), TooComplex},
		"fields in fields, repeated": {"{" + strings.Repeat(" a {"+strings.Repeat(" b { id }", 22)+" }", 20) + " }", TooComplex},
		"fragments in fragments":     {"{ a { ...d0 } }" + numbered(18, " fragment d%d on A { id b { id } }"), NotValid},
		"aliases of lists":           {"{" + numbered(60, " x%d: all(first: 1) { nodes { id b { id } list { id } } }") + " }", ""},
		"larger than may be":         {"{ text " + strings.Repeat(" ", 64<<10) + "}", TooLarge},
	}
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// chain leads from the twelfth doubling to one field, by n fragments more.
func chain(from, n int) string {
	var b strings.Builder
	for i := range from {
		fmt.Fprintf(&b, " fragment g%d on A { ...f%d }", i, i+1)
	}
	fmt.Fprintf(&b, " fragment f%d on A { ...c0 }", from)
	for i := range n - from {
		fmt.Fprintf(&b, " fragment c%d on A { ...c%d }", i, i+1)
	}
	fmt.Fprintf(&b, " fragment c%d on A { id }", n-from)
	return b.String()
}

func operations(n int) string { return numbered(n, "query q%d { text } ") }
func unknown(n int) string    { return numbered(n, " nothing%d") }
func spreads(n int) string    { return numbered(n, " ...s%d") }
func unused(n int) string     { return numbered(n, " fragment u%d on A { id }") }
func variables(n int) string  { return "query (" + numbered(n, "$v%d: Nothing ") + ") { text }" }

func TestEveryBombIsRefusedInFewWords(t *testing.T) {
	g := open(t)
	for name, bomb := range bombs() {
		_, errs := g.Document(bomb[0])
		if bomb[1] == "" {
			if errs != nil {
				t.Errorf("%s: %v", name, errs)
			}
			continue
		}
		if len(errs) == 0 {
			t.Errorf("%s is taken", name)
			continue
		}
		told, err := json.Marshal(errs)
		if err != nil || len(told) > 4<<10 || errs[0].Extensions["code"] != bomb[1] {
			t.Errorf("%s: %d bytes, %.300s, %v; want %s", name, len(told), told, err, bomb[1])
		}
	}
}

func TestNothingIsSuggested(t *testing.T) {
	g := open(t)
	for _, query := range []string{
		`{ txt }`, `{ a { idd } }`, `{ all(frist: 1) { total } }`, `{ a { ... on B { id } } }`,
		`query ($x: Itn) { text }`, `{ a }`, `{ ...F } fragment F on Qurey { text }`,
	} {
		_, errs := g.Document(query)
		if errs == nil || strings.Contains(errs.Error(), "mean") {
			t.Errorf("%s: %v", query, errs)
		}
	}
}

func TestWhatIsFoundGoodIsKept(t *testing.T) {
	g := open(t)
	a, _ := g.Document(`{ text }`)
	b, _ := g.Document(`{ text }`)
	if a == nil || a != b {
		t.Error("a document was looked at twice")
	}
	for i := range 3 * keptDocuments {
		_, _ = g.Document(fmt.Sprintf(`{ x%d: text }`, i))
	}
	if n := g.kept.Len(); n > keptDocuments {
		t.Errorf("%d documents are kept", n)
	}
}

// FuzzDocument looks for documents that take long, break the guard, or pass it
// with a cost that is none.
func FuzzDocument(f *testing.F) {
	for _, bomb := range bombs() {
		if len(bomb[0]) < 4<<10 {
			f.Add(bomb[0])
		}
	}
	f.Add(`query ($n: Int) { all(first: $n) { nodes { ... on A { id @skip(if: true) } } } }`)
	g := open(f)
	f.Fuzz(func(t *testing.T, query string) {
		at := time.Now()
		d, errs := g.Document(query)
		if took := time.Since(at); took > 500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if errs != nil {
			if told, err := json.Marshal(errs); err != nil || len(told) > 8<<10 {
				t.Errorf("%d bytes of errors, %v", len(told), err)
			}
			return
		}
		for _, op := range d.Operations {
			if n, _ := g.Cost(d, op, nil); n < 0 {
				t.Errorf("it costs %d", n)
			}
		}
	})
}

func BenchmarkRefusal(b *testing.B) {
	for name, bomb := range bombs() {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			g := open(b)
			b.ReportAllocs()
			for b.Loop() {
				g.kept.Purge()
				_, _ = g.Document(bomb[0])
			}
		})
	}
}
