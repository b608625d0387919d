package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// leaks are marks of our insides, which no answer may show.
var leaks = regexp.MustCompile(`(?i)goroutine|\.go:\d|panic|pq:|SELECT |portico/|\*trade\.|runtime error|interface \{|sql:`)

// Covers: G06
func TestBadInputGetsATypedLocatedErrorOrNull(t *testing.T) {
	t.Parallel()
	s := portico(t)
	cursor := s.good(t, "buyer", `{ items(first: 1) { pageInfo { endCursor } } }`, nil).at("items", "pageInfo", "endCursor").(string)
	for _, c := range []struct {
		name, query string
		vars        map[string]any
		code        string // empty: data is null and there is no error
	}{
		{"unknown id", `{ node(id: "ord_00000000000000000000000000000000") { id } }`, nil, ""},
		{"malformed id", `{ node(id: "'; DROP TABLE orders --") { id } }`, nil, ""},
		{"empty id", `{ node(id: "") { id } }`, nil, ""},
		{"id with a zero byte", `query ($i: ID!) { node(id: $i) { id } }`, map[string]any{"i": "ord_\x00"}, "BAD_USER_INPUT"},
		{"id with a kind only", `{ node(id: "ord_") { id } }`, nil, ""},
		{"cursor of another list", `query ($c: String) { orders(after: $c) { nodes { id } } }`, map[string]any{"c": cursor}, "BAD_USER_INPUT"},
		{
			"cursor of another order", `query ($c: String) { items(after: $c, orderBy: NAME_ASC) { nodes { id } } }`,
			map[string]any{"c": cursor},
			"BAD_USER_INPUT",
		},
		{"cursor of nothing", `{ orders(after: "x") { nodes { id } } }`, nil, "BAD_USER_INPUT"},
		{
			"forged cursor", `{ orders(after: "eyJsIjoib3JkZXJzIFBMQUNFRF9BVF9ERVNDIiwiayI6WyJub3ciLCJ4Il19") { nodes { id } } }`, nil,
			"BAD_USER_INPUT",
		},
		{"first below nothing", `{ orders(first: -1) { nodes { id } } }`, nil, "BAD_USER_INPUT"},
		{"first zero", `{ orders(first: 0) { nodes { id } } }`, nil, "BAD_USER_INPUT"},
		{"first too many", `{ orders(first: 1000) { nodes { id } } }`, nil, "BAD_USER_INPUT"},
		{"nested first too many", `{ orders(first: 2) { nodes { lines(first: 1000) { nodes { id } } } } }`, nil, "BAD_USER_INPUT"},
		{"both first and last", `{ orders(first: 1, last: 1) { nodes { id } } }`, nil, "BAD_USER_INPUT"},
		{"a day that is none", `{ orders(filter: {placed: {from: "2026-02-30"}}) { nodes { id } } }`, nil, "BAD_USER_INPUT"},
		{
			"a day in a variable that is none", `query ($d: Date) { orders(filter: {placed: {from: $d}}) { nodes { id } } }`,
			map[string]any{"d": "2026-13-01"},
			"BAD_USER_INPUT",
		},
		{"a moment without offset", `{ orders(filter: {changedSince: "2026-03-01T14:05:00"}) { nodes { id } } }`, nil, "BAD_USER_INPUT"},
		{
			"a number with exponent", `{ items(first: 1) { nodes { price(quantity: {value: "1e5", unit: "EA"}) { __typename } } } }`, nil,
			"BAD_USER_INPUT",
		},
		{"a wrong check digit", `{ item(by: {gtin: "8712345100017"}) { sku } }`, nil, "BAD_USER_INPUT"},
		{"a negative duration", `{ items(first: 1) { nodes { price(maxAge: "-PT5M") { __typename } } } }`, nil, "BAD_USER_INPUT"},
		{"no such duration", `{ items(first: 1) { nodes { price(maxAge: "5 minutes") { __typename } } } }`, nil, "BAD_USER_INPUT"},
		{
			"two keys in variables", `query ($b: ItemBy!) { item(by: $b) { sku } }`,
			map[string]any{"b": map[string]any{"sku": "x", "id": "y"}},
			"BAD_USER_INPUT",
		},
		{"no key in variables", `query ($b: ItemBy!) { item(by: $b) { sku } }`, map[string]any{"b": map[string]any{}}, "BAD_USER_INPUT"},
		{
			"a null key in variables", `query ($b: OrderBy!) { order(by: $b) { id } }`,
			map[string]any{"b": map[string]any{"number": nil}},
			"BAD_USER_INPUT",
		},
		{"an unknown field", `{ orders { nodes { kunnr } } }`, nil, "GRAPHQL_VALIDATION_FAILED"},
		{"an unknown enum value", `{ orders(orderBy: SIDEWAYS) { nodes { id } } }`, nil, "GRAPHQL_VALIDATION_FAILED"},
		{"no GraphQL", `{ orders(`, nil, "GRAPHQL_PARSE_FAILED"},
		{"a search of signs", `{ items(search: "':*&|!<->()") { nodes { sku } } }`, nil, "-"},
		{
			"a search with a zero byte", `query ($s: String) { items(search: $s) { nodes { sku } } }`,
			map[string]any{"s": "a\x00b"},
			"BAD_USER_INPUT",
		},
	} {
		a := s.query(t, "buyer", c.query, c.vars)
		if leaks.MatchString(a.Body) {
			t.Errorf("%s: the answer shows our insides: %.400s", c.name, a.Body)
		}
		switch c.code {
		case "-":
			if len(a.Errors) > 0 {
				t.Errorf("%s: got %+v", c.name, a.Errors)
			}
		case "":
			if len(a.Errors) > 0 || a.at("node") != nil {
				t.Errorf("%s: got %s, want null", c.name, a.Body)
			}
		default:
			if len(a.Errors) == 0 || a.codes()[0] != c.code {
				t.Errorf("%s: got %s, want %s", c.name, a.Body, c.code)
			} else if strings.HasPrefix(c.code, "BAD") && len(a.Errors[0].Path) == 0 {
				t.Errorf("%s: the error has no path: %s", c.name, a.Body)
			}
		}
	}
}

// Covers: L02 L04
func TestNoWordOrCodeOfTheERPIsInTheGraph(t *testing.T) {
	t.Parallel()
	s := portico(t)
	a := s.query(t, "operator", wide, nil)
	b := s.good(t, "operator",
		`{ orders(first: 50) { nodes { status holds { kind } paymentTerms { description } deliveryTerms { incoterm freightTerms } lines
			{ nodes { status ordered { unit } } } } }
		accounts { nodes { status taxCategory } } items(first: 100) { nodes { baseUnit status units { unit } } } purchaseOrders(first: 50)
		{ nodes { status } }
		shipments(first: 50) { nodes { status direction events { nodes { milestone status } } } } invoices(first: 50) { nodes { kind status } }
		}`, nil)
	schema := s.good(t, "operator", `{ __schema { types { name fields { name } } } }`, nil)
	for _, word := range []string{`"PCE"`, `"D2N30"`, `"soldTo"`, `"hdrStat"`, `"matNo"`, `"custNo"`, `"qtyOrd"`, `"OD"`, `"LB"`} {
		if strings.Contains(a.Body+b.Body+schema.Body, word) {
			t.Errorf("the graph says %s, which is the ERP's word", word)
		}
	}
	raw := s.good(t, "operator", `{ orders(first: 1, orderBy: PLACED_AT_ASC) { nodes { raw { standard list code } } } }`, nil)
	if raw.at("orders", "nodes", 0, "raw", "standard") != "ERP" {
		t.Errorf("raw is %v, want the ERP's own code", raw.at("orders", "nodes", 0, "raw"))
	}
}
