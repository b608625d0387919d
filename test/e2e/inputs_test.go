package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// textPlace is an operation with one variable, $x, in a place where a client may write a scalar.
type textPlace struct {
	coordinate, operation string
	root, scalar          string
	argument              []any // where the place is
}

// textPlaces are all that the schema has: each scalar of each argument, of fields at the roots and below them. Those that
// cannot be written are told.
func textPlaces(types map[string]schemaType) (found []textPlace, missed []string) {
	ways := waysTo(types)
	for name, t := range types {
		at, reached := ways[name]
		if t.Kind != "OBJECT" || name != "_Entity" && strings.HasPrefix(name, "_") || name == "Entity" {
			continue
		}
		for _, f := range t.Fields {
			for _, a := range f.Args {
				others, ok := "", reached
				for _, o := range f.Args {
					if o.Name != a.Name && o.required() {
						text, known := literal(types, o.Type)
						others, ok = others+", "+o.Name+": "+text, ok && known
					}
				}
				for _, s := range scalarsIn(types, a, nil) {
					coordinate := fmt.Sprintf("%s.%s%v", name, f.Name, s.path)
					if !ok || strings.Contains(s.text, unknown) {
						missed = append(missed, coordinate)
						continue
					}
					word := "query"
					if name == "Subscription" || name == "Mutation" {
						word = strings.ToLower(name)
					}
					found = append(found, textPlace{
						coordinate: coordinate, root: word, scalar: s.scalar, argument: s.path,
						operation: word + " ($x: " + s.scalar + "!) { " + at.open + f.Name + "(" + s.text + others + ")" +
							picked(types[f.Type.base()]) + at.close + " }",
					})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b textPlace) int { return strings.Compare(a.coordinate, b.coordinate) })
	return found, missed
}

type scalarIn struct {
	path         []any
	text, scalar string
}

// scalarsIn are the ways in which a scalar can stand in an argument.
func scalarsIn(types map[string]schemaType, v inputValue, above []string) (all []scalarIn) {
	base := v.Type.base()
	wrap := func(path []any, text, scalar string) {
		if v.Type.list() {
			path, text = append([]any{0}, path...), "["+text+"]"
		}
		all = append(all, scalarIn{append([]any{v.Name}, path...), v.Name + ": " + text, scalar})
	}
	switch {
	case types[base].Kind == "SCALAR":
		wrap(nil, "$x", base)
	case types[base].Kind != "INPUT_OBJECT" || slices.Contains(above, base):
	default:
		for _, f := range types[base].InputFields {
			others := ""
			for _, o := range types[base].InputFields {
				if o.Name != f.Name && o.required() {
					text, _ := literal(types, o.Type)
					others += ", " + o.Name + ": " + text
				}
			}
			for _, s := range scalarsIn(types, f, append(above, base)) {
				wrap(s.path, "{"+s.text+others+"}", s.scalar)
			}
		}
	}
	return all
}

// words are scalars that take any short text of characters that can be seen.
var words = []string{"String", "IdempotencyKey", "ID", "EventCursor", "URL", "SSCC", "UNLOCODE"}

// hostile are values in JSON, and the scalars that may take them; no other does.
var hostile = map[string]struct {
	json  string
	taken []string
}{
	"NUL":              {`"a\u0000b"`, nil},
	"half a surrogate": {`"a\ud800b"`, nil},
	"turned text":      {`"a\u202eb"`, []string{"String", "IdempotencyKey"}},
	"600 KiB":          {`"` + strings.Repeat("x", 600<<10) + `"`, nil},
	"a list":           {`[]`, nil},
	"an object":        {`{}`, nil},
	"true":             {`true`, []string{"Boolean"}},
	"a large number":   {`12345678901234567890`, nil},
	"the year 0":       {`"0000-01-01"`, words},
	"the first day":    {`"0001-01-01"`, append(words[:len(words):len(words)], "Date")},
	"the last day":     {`"9999-12-31"`, append(words[:len(words):len(words)], "Date")},
	"the last moment":  {`"9999-12-31T23:59:59.999999999Z"`, append(words[:len(words):len(words)], "DateTime")},
	"a hundred years":  {`"P100Y"`, append(words[:len(words):len(words)], "Duration")},
	"much":             {`"999999999999999999.999999999"`, append(words[:len(words):len(words)], "Decimal")},
	"the largest Int":  {`2147483647`, []string{"Int", "Float", "ID"}},
	"the smallest Int": {`-2147483648`, []string{"Int", "Float", "ID"}},
}

// raw sends a request whose variable $x is written as it stands.
func (s *server) raw(t *testing.T, token, accept, operation, x string) (answer, string) {
	t.Helper()
	query, _ := json.Marshal(operation)
	body := slices.Concat([]byte(`{"query":`), query, []byte(`,"variables":{"x":`), []byte(x), []byte(`}}`))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return answer{}, ""
	}
	defer resp.Body.Close()
	var a answer
	text, _ := io.ReadAll(resp.Body)
	a.Status, a.Body = resp.StatusCode, string(text)
	// A stream that does not open says so in its first event.
	_, event, streamed := strings.Cut(a.Body, "data: ")
	if streamed {
		text = []byte(event[:max(strings.IndexByte(event, '\n'), 0)])
	}
	_ = json.Unmarshal(text, &a)
	return a, string(text)
}

// TestNoValueOfAClientIsOurFailure writes hostile values into every place of the schema that takes a scalar, one at a time.
//
// Cases: H5 H14 H15
func TestNoValueOfAClientIsOurFailure(t *testing.T) {
	t.Parallel()
	s := portico(t)
	types := s.types(t)
	places, missed := textPlaces(types)
	if len(missed) > 0 {
		t.Errorf("nothing is written in %v", missed)
	}
	logged := len(s.log.String())
	operator, buyer := s.token(t, "operator"), s.token(t, "buyer")
	work := make(chan textPlace)
	var all sync.WaitGroup
	var mu sync.Mutex
	asked, wrong := 0, 0
	fail := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if wrong++; wrong <= 20 {
			t.Errorf(format, args...)
		}
	}
	for range 4 {
		all.Go(func() {
			for p := range work {
				for _, name := range slices.Sorted(maps.Keys(hostile)) {
					h := hostile[name]
					taken := slices.Contains(h.taken, p.scalar) || p.scalar == "JSON" && json.Valid([]byte(h.json)) || p.scalar == "_Any"
					if name == "half a surrogate" {
						taken = false
					}
					token, accept := operator, "application/json"
					switch {
					case p.root == "subscription" && taken:
						continue // it opens
					case p.root == "subscription":
						accept = "text/event-stream"
					case p.root == "mutation" && taken:
						token = buyer // who may do nothing of what is made up
					}
					a, text := s.raw(t, token, accept, p.operation, h.json)
					mu.Lock()
					asked++
					mu.Unlock()
					if len(text) > 20_000 || a.Status == 0 {
						fail("%s in %s: an answer of %d bytes, %d", name, p.coordinate, len(text), a.Status)
					}
					for _, code := range a.codes() {
						if code == "INTERNAL" || code == "TIMEOUT" {
							fail("%s in %s is our failure: %s", name, p.coordinate, a.Body)
						}
					}
					switch {
					case taken:
						if slices.Contains(a.codes(), "GRAPHQL_VALIDATION_FAILED") || slices.Contains(a.codes(), "GRAPHQL_PARSE_FAILED") {
							fail("%s in %s is not even asked: %s\n%s", name, p.coordinate, a.Body, p.operation)
						}
					case name == "half a surrogate": // which is no JSON
						if a.Status != http.StatusBadRequest {
							fail("%s in %s: %d %.300s", name, p.coordinate, a.Status, a.Body)
						}
					case !refusedAt(a, p.argument):
						fail("%s in %s (%s) is not refused there: %.300s\n%s", name, p.coordinate, p.scalar, a.Body, p.operation)
					}
				}
			}
		})
	}
	for _, p := range places {
		work <- p
	}
	close(work)
	all.Wait()
	t.Logf("%d places, %d requests", len(places), asked)
	if len(places) < 400 || wrong > 20 {
		t.Errorf("%d places, %d of them wrong", len(places), wrong)
	}
	for line := range strings.Lines(s.log.String()[logged:]) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("logged: %s", line)
		}
	}
}

// refusedAt reports whether an answer refuses its variable $x: where its language does, or at its place in an argument.
func refusedAt(a answer, argument []any) bool {
	if len(a.Errors) == 0 {
		return false
	}
	e := a.Errors[0]
	switch e.Extensions["code"] {
	case "GRAPHQL_VALIDATION_FAILED":
		return fmt.Sprint(e.Path) == "[variable x]"
	case "BAD_USER_INPUT":
		return fmt.Sprint(e.Extensions["argument"]) == fmt.Sprint(argument) && len(e.Path) > 0
	}
	return false
}

// types are those of the schema, as introspection tells them.
func (s *server) types(t *testing.T) map[string]schemaType {
	t.Helper()
	var told struct {
		Schema struct{ Types []schemaType } `json:"__schema"`
	}
	text, _ := json.Marshal(s.good(t, "operator", introspection, nil).Data)
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	types := map[string]schemaType{}
	for _, x := range told.Schema.Types {
		types[x.Name] = x
	}
	return types
}

// Cases: H4
func TestReadingTheSchemaTakesARightThatIsNamed(t *testing.T) {
	t.Parallel()
	s := portico(t)
	logged := len(s.log.String())
	narrow := s.token(t, "buyer", "--scope", "account:read order:read")
	for _, query := range []string{
		`{ __schema { types { name } } }`, `{ x: __schema { queryType { name } } }`, `{ __type(name: "Order") { name } }`,
		`query ($n: String!) { __type(name: $n) { fields { name } } }`, `{ ...F } fragment F on Query { __schema { description } }`,
	} {
		for token, code := range map[string]string{narrow: "FORBIDDEN", "": "UNAUTHENTICATED"} {
			a, err := s.ask(t.Context(), token, query, map[string]any{"n": "Order"})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a.codes(), []string{code}) || !strings.Contains(a.Errors[0].Message, "schema:read") || len(a.Errors[0].Path) == 0 {
				t.Errorf("%s: %s, want %s that names schema:read", query, a.Body, code)
			}
		}
	}
	// What is asked for beside it is answered.
	a, err := s.ask(t.Context(), narrow, `{ __typename viewer { __typename } __type(name: "Order") { name } }`, nil)
	if err != nil || a.at("__typename") != "Query" || a.at("viewer", "__typename") == nil || a.at("__type") != nil {
		t.Errorf("beside the schema: %s (%v)", a.Body, err)
	}
	if a, err := s.ask(t.Context(), narrow, `{ _service { sdl } }`, nil); err != nil || !slices.Equal(a.codes(), []string{"FORBIDDEN"}) {
		t.Errorf("_service: %s (%v)", a.Body, err)
	}
	if text := s.log.String()[logged:]; strings.Contains(text, "level=ERROR") {
		t.Errorf("logged: %s", text)
	}
}

// Cases: H15
func TestARepresentationThatIsNoneLeavesTheOthersWhole(t *testing.T) {
	t.Parallel()
	s := portico(t)
	id := s.good(t, "buyer", `{ orders(first: 1) { nodes { id } } }`, nil).at("orders", "nodes", 0, "id")
	good := map[string]any{"__typename": "Order", "id": id}
	deep := any("x")
	for range 9000 {
		deep = []any{deep}
	}
	bad := []any{
		5, "x", true,
		[]any{},
		map[string]any{},
		map[string]any{"__typename": "Order"},
		map[string]any{"__typename": "Nothing", "id": id},
		map[string]any{"__typename": "Order", "id": "ord_\x00"},
		map[string]any{"__typename": "Order", "id": 5},
		map[string]any{"__typename": "Order", "id": map[string]any{}},
		map[string]any{"__typename": 5, "id": id},
		map[string]any{"__typename": "Order", "id": nil},
		map[string]any{"__typename": "Order", "x": deep},
	}
	const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Order { id } } }`
	for i, b := range bad {
		a := s.query(t, "buyer", query, map[string]any{"r": []any{good, b, good}})
		if a.at("_entities", 0, "id") != id || a.at("_entities", 2, "id") != id || a.at("_entities", 1) != nil ||
			slices.Contains(a.codes(), "INTERNAL") {
			t.Errorf("%d: %.100v among others: %.400s", i, b, a.Body)
		}
	}
	a := s.query(t, "buyer", `query ($i: ID!) { _entities(representations: [5, {__typename: "Order", id: $i}, {}, "x", {id: "a\u0000"}])
		{ ... on Order { id } } }`, map[string]any{"i": id})
	if a.at("_entities", 1, "id") != id || a.at("_entities", 0) != nil || a.at("_entities", 4) != nil || len(a.at("_entities").([]any)) != 5 {
		t.Errorf("as literals: %s", a.Body)
	}
}

// TestVariablesAreReadAsTheirTypesSay tries what clients write in unusual ways, and what nobody should.
func TestVariablesAreReadAsTheirTypesSay(t *testing.T) {
	t.Parallel()
	s := portico(t)
	token := s.token(t, "operator")
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	const (
		id    = `query ($x: ID!) { node(id: $x) { id } }`
		ids   = `query ($x: [ID!]!) { nodes(ids: $x) { id } }`
		item  = `query ($x: ItemBy!) { item(by: $x) { sku } }`
		keys  = `query ($x: [ItemBy!]!) { itemsByKey(keys: $x) { sku } }`
		first = `query ($x: Int!) { orders(first: $x) { nodes { id } } }`
		sort  = `query ($x: OrderSort!) { orders(first: 1, orderBy: $x) { nodes { id } } }`
	)
	for name, c := range map[string]struct{ operation, x, code string }{
		"one value for a list":         {ids, `"ord_0"`, ""},
		"one number for a list of ids": {ids, `7`, ""},
		"one bad value for a list":     {ids, `"a\u0000"`, "BAD_USER_INPUT"},
		"one object for a list":        {keys, `{"sku": "x"}`, ""},
		"a fraction for an id":         {id, `1.5`, "BAD_USER_INPUT"},
		"a default value": {
			`query ($x: ID, $y: ID! = "ord_0") { node(id: $y) { id } a: nodes(ids: [$x]) { id } }`, `"x"`, "GRAPHQL_VALIDATION_FAILED",
		},
		"a default value that is used": {
			`query ($x: [ID!]! = ["ord_0"], $y: ID! = "ord_0") { node(id: $y) { id } nodes(ids: $x) { id } }`, `["x"]`, "",
		},
		"a default value with NUL": {`query ($x: ID! = "a\u0000") { node(id: $x) { id } }`, `"x"`, "BAD_USER_INPUT"},
		"a block string":           {`query ($x: ID!) { a: node(id: """ord_0""") { id } node(id: $x) { id } }`, `"x"`, ""},
		"a block string with lines": {
			"query ($x: ID!) { a: node(id: \"\"\"a\nb\"\"\") { id } node(id: $x) { id } }", `"x"`, "BAD_USER_INPUT",
		},
		"half a surrogate in a literal": {
			`query ($x: ID!) { a: node(id: "\ud800") { id } node(id: $x) { id } }`, `"x"`, "GRAPHQL_PARSE_FAILED",
		},
		"a pair of surrogates":            {`query ($x: ID!) { a: node(id: "\ud83d\ude00") { id } node(id: $x) { id } }`, `"x"`, ""},
		"lists in lists, 9,000 deep":      {ids, nested(9000), "GRAPHQL_VALIDATION_FAILED"},
		"lists in lists, 100,000 deep":    {ids, nested(100_000), "BAD_REQUEST"},
		"more ids than are looked up":     {ids, `["a"` + strings.Repeat(`,"a"`, 200_000) + `]`, "BAD_USER_INPUT"},
		"more keys than are looked up":    {keys, `[{"sku":"a"}` + strings.Repeat(`,{"sku":"a"}`, 60_000) + `]`, "BAD_USER_INPUT"},
		"an enum in other letters":        {sort, `"placed_at_de\u017fc"`, "BAD_USER_INPUT"},
		"an enum as a number":             {sort, `1`, "GRAPHQL_VALIDATION_FAILED"},
		"a name that stands twice":        {item, `{"sku": "a", "sku": "b"}`, "BAD_REQUEST"},
		"a field that nobody knows":       {item, `{"sku": "a", "\u202e": "b"}`, "GRAPHQL_VALIDATION_FAILED"},
		"null for what must be there":     {id, `null`, "GRAPHQL_VALIDATION_FAILED"},
		"a page of the largest Int":       {first, `2147483647`, "OPERATION_TOO_COSTLY"},
		"a page of more than the largest": {first, `2147483648`, "-"},
		"a page of half a row":            {first, `0.5`, "GRAPHQL_VALIDATION_FAILED"},
		"an exponent for a row":           {first, `1e400`, "GRAPHQL_VALIDATION_FAILED"},
	} {
		a, _ := s.raw(t, token, "application/json", c.operation, c.x)
		switch {
		case slices.Contains(a.codes(), "INTERNAL") || len(a.Body) > 20_000:
			t.Errorf("%s: %.300s", name, a.Body)
		case c.code == "" && len(a.Errors) > 0, c.code != "" && c.code != "-" && (len(a.Errors) == 0 || a.codes()[0] != c.code),
			c.code == "-" && len(a.Errors) == 0:
			t.Errorf("%s: %.300s, want %q", name, a.Body, c.code)
		}
	}
}

// Cases: I1 I4
func TestWhatIsWishedForIsCheckedBeforeItIsReckoned(t *testing.T) {
	t.Parallel()
	s := portico(t)
	me := s.good(t, "buyer", `{ viewer { ... on CustomerViewer { account { id locations(first: 1) { nodes { id } } } } } }`, nil)
	home := me.at("viewer", "account", "locations", "nodes", 0, "id")
	account := me.at("viewer", "account", "id")
	for _, day := range []string{"9999-12-31", "2099-01-04"} {
		a := s.query(t, "buyer", `query ($d: Date!, $to: ID!) { item(by: {sku: "SCR-10001"}) { promise(
			quantity: {value: "1000", unit: "EA"}, shipTo: $to, requestedDeliveryDate: $d) { __typename } } }`, map[string]any{"d": day, "to": home})
		if !slices.Equal(a.codes(), []string{"BAD_USER_INPUT"}) || a.at("item", "promise") != nil {
			t.Errorf("a promise for %s: %s", day, a.Body)
		}
	}
	input := func(change func(in, address map[string]any)) map[string]any {
		address := map[string]any{"name": "Site", "line1": "Weg 1", "city": "Hagen", "country": "DE"}
		line := map[string]any{"item": map[string]any{"sku": "SCR-10001"}, "quantity": map[string]any{"value": "1000", "unit": "EA"}}
		in := map[string]any{
			"account": account, "shipTo": map[string]any{"address": address}, "customerPoNumber": "addresses",
			"lines": []any{line, line, line, line},
		}
		change(in, address)
		return in
	}
	const validate = `query ($in: OrderInput!) { out: validateOrder(input: $in) { valid errors { ... on UserError { code path } } } }`
	const submit = `mutation ($in: OrderInput!) { out: submitOrder(idempotencyKey: "an address of nowhere", input: $in)
		{ errors { ... on UserError { code path } } } }`
	for name, c := range map[string]struct {
		change func(in, address map[string]any)
		want   string // code and place
	}{
		"a day far away": {
			func(in, _ map[string]any) { in["requestedDeliveryDate"] = "9999-12-31" }, "DATE_NOT_POSSIBLE [input requestedDeliveryDate]",
		},
		"a line's day far away": {func(in, _ map[string]any) {
			in["lines"].([]any)[0].(map[string]any)["requestedDeliveryDate"] = "9999-12-31"
		}, "DATE_NOT_POSSIBLE [input lines 0 requestedDeliveryDate]"},
		"Atlantis":         {func(_, a map[string]any) { a["country"] = "Atlantis" }, "BAD_USER_INPUT [input shipTo address country]"},
		"a blank country":  {func(_, a map[string]any) { a["country"] = "   " }, "BAD_USER_INPUT [input shipTo address country]"},
		"no such country":  {func(_, a map[string]any) { a["country"] = "XX" }, "BAD_USER_INPUT [input shipTo address country]"},
		"small letters":    {func(_, a map[string]any) { a["country"] = "de" }, "BAD_USER_INPUT [input shipTo address country]"},
		"a GLN of nobody":  {func(_, a map[string]any) { a["gln"] = "1234567890123" }, "BAD_USER_INPUT [input shipTo address gln]"},
		"an empty name":    {func(_, a map[string]any) { a["name"] = "" }, "INVALID_INPUT [input shipTo address name]"},
		"a blank line":     {func(_, a map[string]any) { a["line1"] = " \t" }, "INVALID_INPUT [input shipTo address line1]"},
		"an empty city":    {func(_, a map[string]any) { a["city"] = "" }, "INVALID_INPUT [input shipTo address city]"},
		"a city of 10,000": {func(_, a map[string]any) { a["city"] = strings.Repeat("x", 10_000) }, "INVALID_INPUT [input shipTo address city]"},
		"a turned number":  {func(in, _ map[string]any) { in["customerPoNumber"] = "PO\u202e1" }, "INVALID_INPUT [input customerPoNumber]"},
	} {
		for _, operation := range []string{validate, submit} {
			a := s.query(t, "buyer", operation, map[string]any{"in": input(c.change)})
			got := map[string]bool{}
			for _, e := range a.Errors {
				got[fmt.Sprint(e.Extensions["code"], " ", e.Extensions["argument"])] = true
			}
			errs, _ := a.at("out", "errors").([]any)
			for _, e := range errs {
				got[fmt.Sprint(walk(e, "code"), " ", walk(e, "path"))] = true
			}
			if !got[c.want] || a.at("out", "valid") == true {
				t.Errorf("%s: %s, want %s\n%s", name, a.Body, c.want, operation)
			}
		}
	}
}
