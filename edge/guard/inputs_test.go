package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
)

var inputSchema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	directive @cost(weight: Int!) on FIELD_DEFINITION | OBJECT
	scalar Word
	scalar _Any
	type Query {
		a(w: Word, ws: [Word!], s: String, in: In, ins: [In!]): A
		dear(in: In): A @cost(weight: 50)
		entities(representations: [_Any!]!): [A]
		sized(ids: [ID!]!, in: In): [A]
	}
	type A { w(w: Word): Word a(in: In): A lines: [A!] }
	input In { w: Word ws: [Word!] deep: In more: [In!] n: Int d: Word = "of the schema" }
`})

// openInputs guards a schema whose words have no "bad" in them, and whose representations become {} with it.
func openInputs(t testing.TB) (g *Guard, reads *int) {
	t.Helper()
	reads = new(int)
	text := func(v any) (any, error) {
		*reads++
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%T is no word", v)
		}
		if strings.Contains(s, "bad") {
			return nil, errors.New("a bad word")
		}
		return v, nil
	}
	g, err := New(inputSchema, Default, map[string]Scalar{"Word": text, "String": text, "_Any": func(v any) (any, error) {
		if o, ok := v.(map[string]any); ok && o["id"] != "bad" {
			return o, nil
		}
		return map[string]any{}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return g, reads
}

// places are where errors say that a value stands, in the answer and in its argument.
func places(errs gqlerror.List) (all string) {
	for _, e := range errs {
		argument, _ := e.Extensions["argument"].(ast.Path)
		all += fmt.Sprintf("[%s %s]", e.Path, argument)
	}
	return all
}

func decoded(t *testing.T, text string) (v map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil && text != "" {
		t.Fatal(err)
	}
	return v
}

func TestWhatClientsWriteIsReadWhereverItStands(t *testing.T) {
	for name, c := range map[string]struct{ query, variables, want string }{
		"a literal":                 {`{ a(w: "bad") { w } }`, ``, "[a w]"},
		"a block string":            {`{ a(w: """bad""") { w } }`, ``, "[a w]"},
		"a literal of another kind": {`{ a(w: 5) { w } }`, ``, "[a w]"},
		"a literal list for a word": {`{ a(w: ["x"]) { w } }`, ``, "[a w]"},
		"an object for a word":      {`{ a(w: {w: "x"}) { w } }`, ``, "[a w]"},
		"an enum for a word":        {`{ a(w: WORD) { w } }`, ``, ""}, // its name is a string to a custom scalar
		"in a literal list":         {`{ a(ws: ["x", "bad"]) { w } }`, ``, "[a ws[1]]"},
		"one for a literal list":    {`{ a(ws: "bad") { w } }`, ``, "[a ws]"},
		"in an object":              {`{ a(in: {w: "bad"}) { w } }`, ``, "[a in.w]"},
		"deep in objects and lists": {
			`{ a(ins: [{}, {deep: {more: [{ws: ["x", "bad"]}]}}]) { w } }`, ``, "[a ins[1].deep.more[0].ws[1]]",
		},
		"null":        {`{ a(w: null, ws: null, in: {w: null, deep: null}) { w } }`, ``, ""},
		"two of them": {`{ a(w: "bad") { w(w: "bad") } }`, ``, "[a w][a.w w]"},
		"of more than five": {
			`{ a(ws: ["bad", "bad", "bad", "bad", "bad", "bad", "bad"]) { w } }`, ``, "[a ws[0]][a ws[1]][a ws[2]][a ws[3]][a ws[4]]",
		},
		"under an alias":                    {`{ x: a { y: w(w: "bad") } }`, ``, "[x.y w]"},
		"in a fragment":                     {`{ a { ...F } } fragment F on A { w(w: "bad") }`, ``, "[a.w w]"},
		"in a fragment that is spread more": {`{ a { ...F a { ...F } } } fragment F on A { w(w: "bad") }`, ``, "[a.w w]"},
		"in an inline fragment":             {`{ a { ... on A { w(w: "bad") } } }`, ``, "[a.w w]"},
		"a default value":                   {`query ($w: Word = "bad") { a(w: $w) { w } }`, `{}`, "[ w]"},
		"a default value in a list":         {`query ($w: [Word!] = "bad") { a(ws: $w) { w } }`, `{}`, "[ w]"},
		"a variable":                        {`query ($v: Word) { a(w: $v) { w } }`, `{"v": "bad"}`, "[a w]"},
		"a variable of another kind":        {`query ($v: Word) { a(w: $v) { w } }`, `{"v": {"x": 1}}`, "[a w]"},
		"a variable that is true":           {`query ($v: Word) { a(w: $v) { w } }`, `{"v": true}`, "[a w]"},
		"a variable that is not given":      {`query ($v: Word) { a(w: $v) { w } }`, `{}`, ""},
		"a variable that is null":           {`query ($v: Word) { a(w: $v) { w } }`, `{"v": null}`, ""},
		"a variable in a list":              {`query ($v: Word!) { a(ws: ["x", $v]) { w } }`, `{"v": "bad"}`, "[a ws[1]]"},
		"a list in a variable":              {`query ($v: [Word!]) { a(ws: $v) { w } }`, `{"v": ["x", "y", "bad"]}`, "[a ws[2]]"},
		"one value for a list":              {`query ($v: [Word!]) { a(ws: $v) { w } }`, `{"v": "bad"}`, "[a ws[0]]"},
		"one good value for a list":         {`query ($v: [Word!]) { a(ws: $v) { w } }`, `{"v": "x"}`, ""},
		"one object for a list":             {`query ($v: [In!]) { a(ins: $v) { w } }`, `{"v": {"ws": "bad"}}`, "[a ins[0].ws[0]]"},
		"a variable in an object":           {`query ($v: Word) { a(in: {deep: {w: $v}}) { w } }`, `{"v": "bad"}`, "[a in.deep.w]"},
		"an object in a variable": {
			`query ($v: In) { a(in: $v) { w } }`, `{"v": {"deep": {"more": [{}, {"w": "bad"}]}}}`, "[a in.deep.more[1].w]",
		},
		"a variable used in a fragment": {`query ($v: Word) { a { ...F } } fragment F on A { w(w: $v) }`, `{"v": "bad"}`, "[a.w w]"},
		"two variables": {
			`query ($v: Word, $u: In) { a(w: $v, in: $u) { w } }`, `{"v": "bad", "u": {"w": "bad"}}`, "[a w][a in.w]",
		},
		"within a representation": {
			`query ($v: Word) { entities(representations: [{__typename: "A", key: {w: $v}}]) { w } }`, `{"v": "bad"}`,
			"[entities representations[0].key.w]",
		},
		"representations that are none": {`{ entities(representations: [5, {id: "bad"}, {id: "x"}, "s", [], true]) { w } }`, ``, ""},
		"and in a variable": {
			`query ($r: [_Any!]!) { entities(representations: $r) { w } }`, `{"r": [5, {"id": "bad"}, {"id": "x"}]}`, "",
		},
	} {
		g, _ := openInputs(t)
		d, errs := g.Document(c.query)
		if errs == nil {
			variables, err := validator.VariableValues(inputSchema, d.Operations[0], decoded(t, c.variables))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			errs = g.Inputs(d, d.Operations[0], variables)
		}
		if got := places(errs); got != c.want {
			t.Errorf("%s: refused at %q, want %q (%v)", name, got, c.want, errs)
		}
		for _, e := range errs {
			if e.Extensions["code"] != BadInput || c.variables == "" && len(e.Locations) == 0 {
				t.Errorf("%s: %v", name, e)
			}
		}
	}
}

func TestRepresentationsThatAreNoneLeaveTheOthersWhole(t *testing.T) {
	g, _ := openInputs(t)
	const want = `[{} {} map[id:x]]`
	shown := func(v any) string { return strings.ReplaceAll(fmt.Sprint(v), "map[]", "{}") }
	d, errs := g.Document(`{ entities(representations: [5, {id: "bad"}, {id: "x"}]) { w } }`)
	if errs != nil {
		t.Fatal(errs)
	}
	literal, err := d.Operations[0].SelectionSet[0].(*ast.Field).Arguments[0].Value.Value(nil)
	if err != nil || shown(literal) != want {
		t.Errorf("literals are read as %v (%v)", literal, err)
	}
	d, errs = g.Document(`query ($r: [_Any!]!) { entities(representations: $r) { w } }`)
	if errs != nil {
		t.Fatal(errs)
	}
	variables := decoded(t, `{"r": [5, {"id": "bad"}, {"id": "x"}]}`)
	if errs := g.Inputs(d, d.Operations[0], variables); errs != nil || shown(variables["r"]) != want {
		t.Errorf("variables are read as %v (%v)", variables["r"], errs)
	}
}

// TestAVariableIsReadOnceHoweverOftenItIsUsed lets one variable stand in many places, which is no more work.
func TestAVariableIsReadOnceHoweverOftenItIsUsed(t *testing.T) {
	g, reads := openInputs(t)
	d, errs := g.Document(`query ($v: [Word!]) { ` + strings.Repeat("a(ws: $v) { w } ", 40) + `}`)
	if errs != nil {
		t.Fatal(errs)
	}
	variables := map[string]any{"v": []any{"x", "y", "z"}}
	if errs := g.Inputs(d, d.Operations[0], variables); errs != nil || *reads != 3 {
		t.Errorf("3 words were read %d times (%v)", *reads, errs)
	}
	if n := testing.AllocsPerRun(100, func() { _ = g.Inputs(d, d.Operations[0], variables) }); n > 2 {
		t.Errorf("reading good words takes %.0f allocations", n)
	}
}

func TestListsInArgumentsCost(t *testing.T) {
	g, _ := openInputs(t)
	many := func(n int) (list []any) {
		for range n {
			list = append(list, "x")
		}
		return list
	}
	for query, c := range map[string]struct {
		vars map[string]any
		want int64
	}{
		`{ a(w: "x") { w } }`:                           {nil, 1},
		`{ a(ws: ["x", "y", "z"]) { w } }`:              {nil, 1 + 3},
		`{ dear(in: {ws: ["x", "y"]}) { w } }`:          {nil, 50 + 2*5},
		`{ dear(in: {more: [{}, {ws: ["x"]}]}) { w } }`: {nil, 50 + 3*5},
		`query ($v: [Word!]) { a(ws: $v) { w } }`:       {map[string]any{"v": many(1000)}, 1 + 1000},
		`query ($v: In) { dear(in: $v) { w } }`: {
			map[string]any{"v": map[string]any{"more": []any{map[string]any{"ws": many(99)}}}}, 50 + 100*5,
		},
		`query ($v: [Word!]) { dear(in: {ws: $v}) { w } }`:              {map[string]any{"v": many(7)}, 50 + 7*5},
		`query ($v: Word!) { dear(in: {ws: [$v, $v]}) { w } }`:          {map[string]any{"v": "x"}, 50 + 2*5},
		`query ($v: [Word!]) { x: a(ws: $v) { w } y: a(ws: $v) { w } }`: {map[string]any{"v": many(5)}, 2 + 2*5},
		`query ($v: [Word!]) { a(ws: $v) { lines { w lines { w } } } }`: {map[string]any{"v": many(40)}, 1 + 40 + 40*(1+10)},
		`query ($v: [Word!]) { a(ws: $v) { ... { lines { w } } } }`:     {map[string]any{"v": many(4)}, 1 + 4 + 10},
		`{ a(ws: ["x", "y"], ins: [{ws: ["x"]}]) { lines { w } } }`:     {nil, 1 + 2 + 2 + 10},
		`query ($v: [ID!]!) { sized(ids: $v) { w } }`:                   {map[string]any{"v": many(4)}, 4},
		`query ($v: [ID!]!) { sized(ids: $v, in: {ws: ["x"]}) { w } }`:  {map[string]any{"v": many(4)}, 4 + 1},
		`query ($v: [Word!]) { entities(representations: [{}, {}]) { w(w: "x") a(in: {ws: $v}) { w } } }`: {
			map[string]any{"v": many(6)}, 2 * (1 + 1 + 6),
		},
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
}

// TestHalfASurrogatePairIsNoText writes such halves, of which the lexer would make other characters.
func TestHalfASurrogatePairIsNoText(t *testing.T) {
	for text, good := range map[string]bool{
		`\ud83d\ude00`: true, `\u{1F600}`: true, `\ufffd`: true, "\ufffd": true, `\\ud83d`: true, `\n\ud83d\ude00\"`: true, `\\\\ud83d �`: true,
		`\ud83d`: false, `\ude00`: false, `\ud83dx`: false, `\ud83d\n`: false, `\ud83d\ud83d\ude00`: false, `\ud83d\ude00\ude00`: false,
		`\uDFFF`: false, `\\\ud83d`: false, `\ud83d\\ude00`: false,
	} {
		g, _ := openInputs(t)
		_, errs := g.Document(`{ a(w: "` + text + `") { w } }`)
		if good != (errs == nil) || !good && (errs[0].Extensions["code"] != NotParsed || len(errs[0].Locations) == 0) {
			t.Errorf("%s: %v", text, errs)
		}
	}
}
