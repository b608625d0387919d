package e2e

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// The isolation matrix: every argument of the schema that can name something,
// every kind of id, every entity and stream, for every persona and over every
// transport. What is somebody else's must be answered as what is not there.

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

func (t *typeRef) base() string {
	for t.OfType != nil {
		t = t.OfType
	}
	return t.Name
}

func (t *typeRef) list() bool {
	for ; t != nil; t = t.OfType {
		if t.Kind == "LIST" {
			return true
		}
	}
	return false
}

type inputValue struct {
	Name         string
	Type         typeRef
	DefaultValue *string
}

func (v inputValue) required() bool { return v.Type.Kind == "NON_NULL" && v.DefaultValue == nil }

type schemaType struct {
	Kind, Name string
	Fields     []struct {
		Name string
		Args []inputValue
		Type typeRef
	}
	InputFields   []inputValue
	PossibleTypes []struct{ Name string }
	EnumValues    []struct{ Name string }
}

const introspection = `{ __schema { types { kind name possibleTypes { name } enumValues { name } inputFields
	{ name defaultValue type { ...t } } fields { name type { ...t } args { name defaultValue type { ...t } } } } } }
	fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`

// place is an operation with one variable, $x, where a thing is named.
type place struct {
	coordinate string
	operation  string // with %s for its kind's word
	kind       string // "ID" or "String"
	stream     bool
}

// naming are names of text fields by which things are found.
var naming = []string{"number", "code", "sku", "customerPartNumber", "value"}

// places are all that the schema has. Those that cannot be written are told.
func places(types map[string]schemaType) (found []place, missed []string) {
	ways := waysTo(types)
	for name, t := range types {
		if t.Kind != "OBJECT" || strings.HasPrefix(name, "_") || name == "Entity" { // which gqlgen makes and nobody can ask
			continue
		}
		for _, f := range t.Fields {
			for _, a := range f.Args {
				for _, n := range namesIn(types, a, nil) {
					coordinate := name + "." + f.Name + "(" + n.path + ":)"
					at, reached := ways[name]
					if strings.HasPrefix(f.Name, "_") {
						continue
					}
					others, ok := "", true
					for _, o := range f.Args {
						if o.Name != a.Name && o.required() {
							text, known := literal(types, o.Type)
							others, ok = others+", "+o.Name+": "+text, ok && known
						}
					}
					if !reached || !ok || strings.Contains(n.text, unknown) {
						missed = append(missed, coordinate)
						continue
					}
					word := "query"
					if name == "Subscription" || name == "Mutation" { // which does nothing: what is made up is refused
						word = strings.ToLower(name)
					}
					found = append(found, place{
						coordinate: coordinate, kind: n.kind, stream: name == "Subscription",
						operation: word + " ($x: " + n.kind + "!) { " + at.open + f.Name + "(" + n.text + others + ")" +
							picked(types[f.Type.base()]) + at.close + " }",
					})
				}
			}
		}
	}
	return found, missed
}

// way is how a type is reached from the roots.
type way struct{ open, close string }

// waysTo are the shortest ways to all types that can be reached without a value of somebody's.
func waysTo(types map[string]schemaType) map[string]way {
	ways := map[string]way{"Query": {"", ""}, "Mutation": {"", ""}, "Subscription": {"", ""}}
	for queue := []string{"Query"}; len(queue) > 0; queue = queue[1:] {
		t, at := types[queue[0]], ways[queue[0]]
		reach := func(name, open string) {
			if _, known := ways[name]; !known && (types[name].Kind == "OBJECT" || types[name].Kind == "INTERFACE" || types[name].Kind == "UNION") &&
				!strings.HasPrefix(name, "__") {
				ways[name] = way{at.open + open + " { ", " }" + at.close}
				queue = append(queue, name)
			}
		}
		for _, f := range t.Fields {
			if strings.HasPrefix(f.Name, "_") || slices.ContainsFunc(f.Args, inputValue.required) {
				continue
			}
			open := f.Name
			if slices.ContainsFunc(f.Args, func(a inputValue) bool { return a.Name == "first" }) {
				open += "(first: 2)"
			}
			reach(f.Type.base(), open)
		}
		for _, p := range t.PossibleTypes {
			reach(p.Name, "... on "+p.Name)
		}
	}
	return ways
}

// picked is what is selected of a type.
func picked(t schemaType) string {
	has := func(f string) bool {
		return slices.ContainsFunc(t.Fields, func(x struct {
			Name string
			Args []inputValue
			Type typeRef
		},
		) bool {
			return x.Name == f
		})
	}
	switch {
	case t.Kind == "SCALAR" || t.Kind == "ENUM":
		return ""
	case has("nodes") && has("totalCount"):
		return " { nodes { __typename } totalCount { value } }"
	case has("nodes"):
		return " { nodes { __typename } }"
	case has("id"):
		return " { __typename id }"
	}
	return " { __typename }"
}

type name struct{ path, text, kind string }

// unknown stands for a value that cannot be made up.
const unknown = "?"

// literals are values of scalars that arguments besides the one that names something
// may need.
var literals = map[string]string{
	"ID": `"acc_0"`, "String": `"x"`, "Boolean": "true", "Int": "1", "Decimal": `"1"`, "UnitCode": `"EA"`,
	"CurrencyCode": `"EUR"`, "CountryCode": `"NL"`, "Date": `"2031-01-06"`, "DateTime": `"2031-01-06T00:00:00Z"`, "Duration": `"P1D"`,
	"GLN": `"8712345000004"`, "SSCC": `"106141412345678908"`, "GTIN": `"8712345100018"`, "_Any": `{__typename: "Order", id: "ord_0"}`,
	"IdempotencyKey": `"a key of the matrix"`, "URL": `"http://127.0.0.1:9/"`,
}

// literal is a value of a type.
func literal(types map[string]schemaType, t typeRef) (text string, ok bool) {
	base := t.base()
	text, ok = literals[base]
	switch e := types[base]; {
	case base == "ItemBy":
		text, ok = `{sku: "x"}`, true
	case e.Kind == "ENUM":
		text, ok = e.EnumValues[0].Name, true
	case e.Kind == "INPUT_OBJECT":
		var fields []string
		ok = true
		for _, f := range e.InputFields {
			if f.required() {
				v, known := literal(types, f.Type)
				fields, ok = append(fields, f.Name+": "+v), ok && known
			}
		}
		text = "{" + strings.Join(fields, ", ") + "}"
	}
	if !ok {
		text = unknown
	}
	if t.list() {
		text = "[" + text + "]"
	}
	return text, ok
}

// namesIn are the ways in which an argument can name something.
func namesIn(types map[string]schemaType, v inputValue, above []string) []name {
	wrap := func(text string) string {
		if v.Type.list() {
			return v.Name + ": [" + text + "]"
		}
		return v.Name + ": " + text
	}
	base := v.Type.base()
	switch {
	case base == "ID":
		return []name{{v.Name, wrap("$x"), "ID"}}
	case base == "String" && slices.Contains(naming, v.Name):
		return []name{{v.Name, wrap("$x"), "String"}}
	case types[base].Kind != "INPUT_OBJECT" || slices.Contains(above, base):
		return nil
	}
	var all []name
	for _, f := range types[base].InputFields {
		others := ""
		for _, o := range types[base].InputFields {
			if o.Name != f.Name && o.required() {
				text, _ := literal(types, o.Type)
				others += ", " + o.Name + ": " + text
			}
		}
		for _, n := range namesIn(types, f, append(above, base)) {
			all = append(all, name{v.Name + "." + n.path, wrap("{" + n.text + others + "}"), n.kind})
		}
	}
	return all
}

type wsMessage struct {
	Type    string
	Payload json.RawMessage
}

// asker asks one persona's operations over one transport and returns the answer.
type asker func(t *testing.T, query, x string) string

func (s *server) askers(t *testing.T, token string) map[string]asker {
	conn := s.connect(t, token)
	conn.SetReadLimit(1 << 20)
	// Read all the time, for the server's pings are answered by who reads.
	messages := make(chan wsMessage)
	var failed error
	go func() {
		defer close(messages)
		for {
			var m wsMessage
			if failed = wsjson.Read(t.Context(), conn, &m); failed != nil {
				return
			}
			select {
			case messages <- m:
			case <-t.Context().Done():
				return
			}
		}
	}()
	n := 0
	return map[string]asker{
		"POST": func(t *testing.T, query, x string) string {
			a, err := s.ask(t.Context(), token, query, map[string]any{"x": x})
			if err != nil {
				t.Fatal(err)
			}
			return a.Body
		},
		"WebSocket": func(t *testing.T, query, x string) string {
			n++
			id := fmt.Sprint(n)
			if err := wsjson.Write(t.Context(), conn,
				map[string]any{
					"type": "subscribe", "id": id,
					"payload": map[string]any{"query": query, "variables": map[string]any{"x": x}},
				}); err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for m := range messages {
				text.WriteString(m.Type + " ")
				text.Write(m.Payload)
				if m.Type == "complete" || m.Type == "error" {
					return text.String()
				}
			}
			t.Fatalf("%s: %v (%v)", query, failed, websocket.CloseStatus(failed))
			return ""
		},
		"SSE": func(t *testing.T, query, x string) string {
			vars, _ := json.Marshal(map[string]any{"x": x})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				s.url+"/graphql?"+url.Values{"query": {query}, "variables": {string(vars)}}.Encode(), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", "text/event-stream")
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var text strings.Builder
			_, _ = bufio.NewReader(resp.Body).WriteTo(&text)
			return text.String()
		},
	}
}

// wholeMatrix has every transport play every cell.
var wholeMatrix = flag.Bool("whole-matrix", false, "play every cell of the isolation matrix over every transport")

// aFew are three of the values, others for each place: POST plays them all, and what is another transport's own is who asks.
func aFew(values []string, place int) (some []string) {
	for i := range min(3, len(values)) {
		some = append(some, values[(place+i*len(values)/3)%len(values)])
	}
	return some
}

// matrix plays all cells and returns how many there were and where something
// leaked; where enough did, it plays no more.
func (s *server) matrix(t *testing.T, enough int) (cells int, leaks []string) {
	t.Helper()
	types := s.types(t)
	all, missed := places(types)
	if len(missed) > 0 {
		t.Errorf("no cell names something in %v", missed)
	}
	everything, shipments := map[string]bool{}, map[string]string{}
	s.answered(t)
	harvest(s.good(t, "operator", wide, nil).Data, everything, shipments)
	var ids []string
	for id := range everything {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	covered := map[string]bool{}
	for _, persona := range []string{"buyer", "buyer-child", "buyer-other", "supplier", "supplier-other"} {
		byKind := map[string][]string{}
		for _, id := range s.notOwn(t, persona, ids, shipments) {
			byKind[id[:4]] = append(byKind[id[:4]], id)
		}
		var foreign []string // two of each kind
		for _, kind := range byKind {
			foreign = append(foreign, kind[0], kind[len(kind)-1])
		}
		slices.Sort(foreign)
		foreign = slices.Compact(foreign)
		numbers := s.numbers(t, foreign)
		tokens := map[string]string{"all its rights": s.token(t, persona)}
		if persona == "buyer" {
			tokens["a narrow token"] = s.token(t, persona, "--scope", "account:read order:read shipment:read catalog:read")
		}
		for which, token := range tokens {
			for transport, ask := range s.askers(t, token) {
				for i, p := range all {
					if p.stream { // answered by what comes, not at once: TestChangesOfShipmentsReachThoseWhoseTheyAre
						covered[p.coordinate] = true
						continue
					}
					values, missing := foreign, func(v string) string { return v[:4] + strings.Repeat("0", 32) }
					if p.kind == "String" {
						values, missing = numbers, func(string) string { return "no-such-thing" }
					}
					if transport != "POST" && !*wholeMatrix {
						values = aFew(values, i)
					}
					baseline := map[string]string{}
					for _, v := range values {
						m := missing(v)
						want, known := baseline[m]
						if !known {
							want = ask(t, p.operation, m)
							baseline[m] = want
						}
						cells++
						covered[p.coordinate] = true
						if got := strings.ReplaceAll(ask(t, p.operation, v), v, m); got != want {
							leaks = append(leaks, fmt.Sprintf("%s with %s over %s: %s with %s\n  foreign %.200s\n  missing %.200s", persona, which, transport,
								p.coordinate, v, got, want))
							if len(leaks) >= enough {
								return cells, leaks
							}
						}
					}
				}
				entities, more := s.entities(t, types, ask, foreign, numbers, transport != "POST" && !*wholeMatrix)
				cells += entities
				for _, l := range more {
					leaks = append(leaks, persona+" over "+transport+": "+l)
				}
			}
		}
	}
	for _, p := range all {
		if !covered[p.coordinate] {
			t.Errorf("%s has no cell", p.coordinate)
		}
	}
	t.Logf("%d places: %d cells, %d leaks", len(all), cells, len(leaks))
	return cells, leaks
}

// entities asks for every type of entity by every key: all values, or a few of them for each type.
func (s *server) entities(t *testing.T, types map[string]schemaType, ask asker, foreign, numbers []string, few bool) (
	cells int, leaks []string,
) {
	t.Helper()
	if len(types["_Entity"].PossibleTypes) < 7 {
		t.Fatalf("there are %d types of entities", len(types["_Entity"].PossibleTypes))
	}
	for i, kind := range types["_Entity"].PossibleTypes {
		for _, c := range []struct {
			key    string
			values []string
		}{{"id", foreign}, {"number", numbers}, {"code", numbers}} {
			query := `query ($x: String!) { _entities(representations: [{__typename: "` + kind.Name + `", ` + c.key + `: $x}]) { __typename } }`
			want := ask(t, query, "no-such-thing")
			if few {
				c.values = aFew(c.values, i)
			}
			for _, v := range c.values {
				if kind.Name == "Item" && c.key == "id" && strings.HasPrefix(v, "itm_") {
					continue // everybody's
				}
				cells++
				if got := strings.ReplaceAll(ask(t, query, v), v, "no-such-thing"); got != want {
					leaks = append(leaks, fmt.Sprintf("_entities of %s by %s %s\n  foreign %.200s\n  missing %.200s", kind.Name, c.key, v, got, want))
				}
			}
		}
	}
	return cells, leaks
}

// numbers are the natural keys of things.
func (s *server) numbers(t *testing.T, ids []string) (numbers []string) {
	t.Helper()
	a := s.good(t, "operator",
		`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { number } ... on PurchaseOrder { n: number } ... on Shipment { s: number } ...
			on Invoice { i: number } ... on Account { a: number } ... on TradingPartner { code } ... on Return { r: number } ... on AccountLocation
			{ l: code } } }`, map[string]any{"ids": ids})
	for _, n := range a.at("nodes").([]any) {
		for _, v := range n.(map[string]any) {
			if text, ok := v.(string); ok && len(text) > 3 { // shorter ones stand everywhere
				numbers = append(numbers, text)
			}
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// Covers: C02 X01 X07
func TestTheIsolationMatrixHasNoLeak(t *testing.T) {
	t.Parallel()
	s := portico(t)
	cells, leaks := s.matrix(t, math.MaxInt)
	for _, l := range leaks[:min(len(leaks), 10)] {
		t.Error(l)
	}
	if cells < 20_000 {
		t.Errorf("only %d cells", cells)
	}
	// In a mixed batch the caller's own come back, in their places.
	own := s.good(t, "buyer", `{ orders(first: 1) { nodes { id } } }`, nil).at("orders", "nodes", 0, "id")
	theirs := s.good(t, "buyer-other", `{ orders(first: 1) { nodes { id } } }`, nil).at("orders", "nodes", 0, "id")
	mixed := s.good(t, "buyer",
		`query ($i: [ID!]!, $t: ID!, $o: ID!) { nodes(ids: $i) { id } a: node(id: $t) { id } b: node(id: $o) { id } }`,
		map[string]any{"i": []any{theirs, own, "ord_0", theirs}, "t": theirs, "o": own})
	if mixed.at("nodes", 0) != nil || mixed.at("nodes", 1, "id") != own || mixed.at("nodes", 2) != nil || mixed.at("nodes", 3) != nil ||
		mixed.at("a") != nil || mixed.at("b", "id") != own {
		t.Errorf("a mixed batch gave %s", mixed.Body)
	}
}

// Covers: C02 X07
func TestTheIsolationMatrixFindsALoaderThatForgetsItsScope(t *testing.T) {
	t.Parallel()
	leaky := filepath.Join(t.TempDir(), "leaky")
	build := exec.Command("go", "build", "-ldflags", "-X portico/store/records.forgets=orders", "-o", leaky, "portico")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := launchBuild(t, leaky, loaded(t))
	s.ready(t)
	defer func() { _ = s.stop() }()
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	if _, leaks := s.matrix(t, 10); len(leaks) < 10 {
		t.Errorf("the matrix found %d leaks in a build that reads orders without a scope", len(leaks))
	}
}
