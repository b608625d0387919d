package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// least is a value of a type that is valid and means nothing.
func least(schema *ast.Schema, t *ast.Type) string {
	if t.Elem != nil {
		return "[" + least(schema, t.Elem) + "]"
	}
	def := schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		return def.EnumValues[0].Name
	case ast.InputObject:
		var fields []string
		oneOf := def.Directives.ForName("oneOf") != nil
		for i, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil || oneOf && i == 0 {
				of := *f.Type
				fields = append(fields, f.Name+": "+least(schema, &of))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	switch t.NamedType {
	case "Int":
		return "1"
	case "Boolean":
		return "true"
	case "Date":
		return `"2026-01-01"`
	case "DateTime":
		return `"2026-01-01T00:00:00Z"`
	case "Duration":
		return `"PT1H"`
	case "Decimal":
		return `"1"`
	case "URL":
		return `"https://partner.example/hook"`
	case "UnitCode":
		return `"EA"`
	case "CountryCode":
		return `"NL"`
	case "CurrencyCode":
		return `"EUR"`
	}
	return `"` + "x" + hex.EncodeToString(random(6)) + `"`
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// asked is a root field with the least arguments and selection.
func asked(schema *ast.Schema, f *ast.FieldDefinition) string {
	var args []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			args = append(args, a.Name+": "+least(schema, a.Type))
		}
	}
	text := f.Name
	if args != nil {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	if def := schema.Types[f.Type.Name()]; def.IsCompositeType() {
		text += " { __typename }"
	}
	return "{ " + text + " }"
}

// federation is what the schema takes from Apollo Federation.
const federation = `
directive @link(url: String!, import: [String]) repeatable on SCHEMA
directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @shareable repeatable on OBJECT | FIELD_DEFINITION
`

// TestEveryRootFieldIsFollowed asks for every root field under a trace of its own, and fails where its span, its
// metric, or the correlation id on the way through the server is missing.
//
// Covers: G12 O02
func TestEveryRootFieldIsFollowed(t *testing.T) {
	t.Parallel()
	s := portico(t)
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: federation}, &ast.Source{Input: string(text)})
	page := func(id string) string {
		resp, err := http.Get(s.admin + "/debug/traces?trace=" + id)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		told, _ := io.ReadAll(resp.Body)
		return string(told)
	}
	metrics := func() string {
		resp, err := http.Get(s.admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		told, _ := io.ReadAll(resp.Body)
		return string(told)
	}
	fields := 0
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "_") || f.Name == "pauseSource" {
				continue
			}
			fields++
			want, told := root.Name+"."+f.Name, ""
			var answers []string
			for _, persona := range []string{"operator", "buyer", "supplier", "approver"} {
				id := hex.EncodeToString(random(16))
				operation := strings.ToLower(root.Name) + " " + asked(schema, f)
				answers = append(answers, s.followed(t, persona, operation, id, root == schema.Subscription))
				if told = page(id); strings.Contains(told, want) || root == schema.Subscription && strings.Contains(told, f.Name) {
					if !strings.Contains(told, "linked with the caller&#39;s span") && !strings.Contains(told, "linked with the caller's span") {
						t.Errorf("%s: its trace is not linked with the caller's", want)
					}
					told = want
					break
				}
			}
			if told != want {
				t.Errorf("%s has no span; asked with %s\n%s", want, asked(schema, f), strings.Join(answers, "\n"))
			}
		}
	}
	counted := metrics()
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "_") && f.Name != "pauseSource" &&
				!strings.Contains(counted, `portico_root_fields_total{field="`+f.Name+`"`) {
				t.Errorf("%s.%s is not counted", root.Name, f.Name)
			}
		}
	}
	t.Logf("%d root fields", fields)
}

// followed asks under a trace of the caller's; of a stream it reads the beginning.
func (s *server) followed(t *testing.T, persona, operation, trace string, stream bool) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	body, _ := json.Marshal(map[string]any{"query": operation})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.token(t, persona))
	req.Header.Set("Traceparent", "00-"+trace+"-"+hex.EncodeToString(random(8))+"-00")
	req.Header.Set("Prefer", "wait=0")
	if stream {
		req.Header.Set("Accept", "text/event-stream")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	beginning := make([]byte, 400)
	n, _ := resp.Body.Read(beginning)
	return string(beginning[:n])
}

// TestOneTraceLeadsFromTheClickToTheERP submits an order under a trace of the portal's while the ERP is down, so that it
// waits in the queue; the server is killed and started again, and the same trace leads over the queue and
// the restart to the call to the ERP, which is told the same id, and to what the carrier then says of the parcel.
//
// Covers: O01 O02 F04 R06
func TestOneTraceLeadsFromTheClickToTheERP(t *testing.T) {
	t.Parallel()
	data := loaded(t)
	s := start(t, data)
	s.settled(t)
	o := orderingAt(t, s)
	s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": "erp", "op": "submit", "kind": "refuse"})
	id := hex.EncodeToString(random(16))
	order := fmt.Sprintf(`mutation { submitOrder(idempotencyKey: "a click that is followed", input:
		{account: %q, shipTo: {location: %q}, customerPoNumber: "PO followed", lines:
		[{item: {sku: %q}, quantity: {value: "1000", unit: "EA"}}]}) { operation { id correlationId state } errors
		{ __typename ... on InvalidInput { message path } } } }`, o.account, o.shipTo, o.sku)
	told := s.followed(t, "buyer", order, id, false)
	if !strings.Contains(told, id) {
		t.Fatalf("the operation is not of the portal's trace: %s", told)
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	s = start(t, data) // and with it the company, which is well again
	s.until(t, 30*time.Second, "the order placed", func() bool {
		a := s.good(t, "operator", `query ($id: String!) { operations(filter: {correlationId: $id}) { nodes { state } } }`,
			map[string]any{"id": id})
		return a.at("operations", "nodes", 0, "state") == "COMMITTED"
	})
	number := s.good(t, "buyer", `{ orders(first: 1, filter: {customerPoNumber: "PO followed"}) { nodes { number } } }`, nil).at("orders",
		"nodes", 0, "number")
	s.control(t, http.MethodPost, "/control/ship?percent=100&order="+say(number), nil)
	shown := func() string {
		resp, err := http.Get(s.admin + "/debug/traces?trace=" + id)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		page, _ := io.ReadAll(resp.Body)
		return string(page)
	}
	s.until(t, 30*time.Second, "the carrier's event in the trace", func() bool { return strings.Contains(shown(), "shipment event") })
	page := shown()
	for _, want := range []string{
		"operation", "step check", "step submit", "step record", "source = erp", "state = COMMITTED",
		"shipment = shp_",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the trace after the restart does not show %q", want)
		}
	}
	hops := s.good(t, "operator", `query ($id: String!) { trace(correlationId: $id, first: 50) { nodes { kind system } } }`,
		map[string]any{"id": id}).Body
	for _, want := range []string{`"REQUEST"`, `"SOURCE_CALL"`, `"ERP"`, `"LOGISTICS"`} {
		if !strings.Contains(hops, want) {
			t.Errorf("trace(correlationId:) does not tell of %s: %s", want, hops)
		}
	}
}

// TestTracesAreSentOverOTLP runs a server that sends its traces to a collector, keeping only what failed or was slow.
//
// Covers: O07 G12
func TestTracesAreSentOverOTLP(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sent []byte
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/v1/traces" {
			sent = append(sent, body...)
		}
	}))
	defer collector.Close()
	s := launch(t, loaded(t), "PORTICO_TRACES=otlp", "PORTICO_TRACE_SHARE=0", "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL,
		"OTEL_BSP_SCHEDULE_DELAY=100")
	s.ready(t)
	s.settled(t)
	wanted, unwanted := random(16), random(16)
	s.followed(t, "operator", `{ sourceHealth { instance } }`, hex.EncodeToString(unwanted), false)
	s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": "erp", "kind": "refuse"})
	s.followed(t, "buyer", `{ items(first: 1) { nodes { price(maxAge: "PT0S") { __typename } } } }`, hex.EncodeToString(wanted), false)
	s.until(t, 10*time.Second, "the trace sent, with the source that failed", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return bytes.Contains(sent, wanted) && bytes.Contains(sent, []byte("source"))
	})
	mu.Lock()
	defer mu.Unlock()
	if bytes.Contains(sent, unwanted) {
		t.Error("a trace was sent of what neither failed nor was slow, though no share of those is kept")
	}
}
