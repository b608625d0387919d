package resolvers_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"portico/edge/auth"
	"portico/edge/documents"
	"portico/graph"
	"portico/graph/execution"
	"portico/graph/execution/difftest"
	"portico/process"
	"portico/process/orders"
	"portico/process/replica"
	"portico/resolvers"
	"portico/resolvers/loaders"
	company "portico/sandbox"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	count = flag.Int("operations", 400, "how many random operations to compare")
	seed  = flag.Uint64("seed", 1, "seed of the first one")
)

// loaded is a store with the sandbox company in it, whose time stands still.
func loaded(t *testing.T) loaders.Shared {
	t.Helper()
	return loadedInto(t, storetest.New(t))
}

func loadedInto(t *testing.T, st *store.Store) loaders.Shared {
	t.Helper()
	c, err := company.Open(company.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c.Handler())
	t.Cleanup(server.Close)
	set, err := sandbox.OpenCompany(server.URL, company.Key)
	if err != nil {
		t.Fatal(err)
	}
	r := replica.New(st, set, time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	for {
		if _, complete := r.Progress(); complete || ctx.Err() != nil {
			break
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
	cancel()
	<-done
	prices, err := set.CachePrices(10_000, st.StaleAfter("Price"))
	if err != nil {
		t.Fatal(err)
	}
	return loaders.Shared{Store: st, Sources: set, Prices: prices}
}

// moving are fields whose values depend on when they are asked.
var moving = map[string]bool{
	"Query._entities": true, // its keys are made up elsewhere: graph/execution/difftest asks for entities
	"Provenance.age":  true, "Provenance.mode": true, "Provenance.asOf": true, "Provenance.receivedAt": true, "DocumentLink.url": true,
	"Provenance.staleSince":  true,
	"DocumentLink.expiresAt": true,
	"OrderPromise.expiresAt": true, "SourceHealth.lag": true, "SourceHealth.lastSuccessAt": true,
}

func TestOperationsOnOurSchemaAnswerAsTheStockExecutorDoes(t *testing.T) {
	shared := loaded(t)
	base, _ := url.Parse("http://localhost")
	cfg := graph.Config{Resolvers: &resolvers.Resolver{
		Links:    documents.NewLinks(base, func() [][]byte { return [][]byte{[]byte("key")} }),
		Ordering: orders.New(process.NewDesk(shared.Store, shared.Sources, nil, time.Now), shared.Prices),
	}}
	stock := graph.NewExecutableSchema(cfg)
	ours, err := execution.New(graph.NewBindings(cfg))
	if err != nil {
		t.Fatal(err)
	}
	scopes := callers(t, shared.Store)
	ids := known(t, shared.Store)
	value := func(g *difftest.Gen, _ string, a *ast.ArgumentDefinition) (string, any) { return valueOf(g.R, a, ids) }
	withErrors, invalid := 0, 0
	for n := range *count {
		s := *seed + uint64(n)
		g := &difftest.Gen{S: stock.Schema(), R: rand.New(rand.NewPCG(s, 3)), Depth: 3 + int(s%4), Value: value, Skip: moving}
		q, vars := g.Operation(stock.Schema().Query, "query")
		scope := scopes[s%uint64(len(scopes))]
		want, wantErrs, ok := ask(t, stock, shared, scope, q, vars)
		if !ok {
			invalid++
			continue
		}
		got, gotErrs, _ := ask(t, ours, shared, scope, q, vars)
		if len(wantErrs) > 0 {
			withErrors++
		}
		if !reflect.DeepEqual(got, want) {
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			t.Fatalf("seed %d as %s:\n%s\ngot  %s\nwant %s", s, scope.Role(), q, a, b)
		}
		if len(wantErrs) < 100 && !slices.Equal(gotErrs, wantErrs) { // past 100 they are counted
			t.Fatalf("seed %d as %s: errors\n%s\ngot  %q\nwant %q", s, scope.Role(), q, gotErrs, wantErrs)
		}
	}
	t.Logf("%d operations, %d with errors, %d not valid: no difference", *count-invalid, withErrors, invalid)
	if invalid > *count/50 || withErrors == 0 {
		t.Errorf("%d of %d operations were not valid, %d had errors", invalid, *count, withErrors)
	}
}

// argument is where the stock executor's paths of errors in arguments go on to
// the argument; section 7.1.2 of the specification has them end at the field.
var argument = regexp.MustCompile(`\.(quantity|maxAge|on|horizon|filter|shipTo|input)(\.\w+)* @ `)

// ask runs a query and tells its data and the set of its errors.
func ask(t *testing.T, schema graphql.ExecutableSchema, shared loaders.Shared, scope trade.Scope, q string, vars map[string]any) (any,
	[]string, bool,
) {
	t.Helper()
	ex := executor.New(schema)
	ctx := auth.WithCaller(t.Context(), auth.Caller{Principal: &auth.Principal{Subject: "u", Name: "u"}, Scope: scope})
	ctx = graphql.StartOperationTrace(loaders.With(ctx, loaders.New(shared, scope)))
	op, errs := ex.CreateOperationContext(ctx, &graphql.RawParams{Query: q, Variables: vars})
	if len(errs) > 0 {
		return nil, nil, false
	}
	respond, ctx := ex.DispatchOperation(ctx, op)
	response := respond(ctx)
	var data any
	if err := json.Unmarshal(response.Data, &data); err != nil {
		t.Fatalf("%v: %.300s", err, response.Data)
	}
	var told []string
	for _, e := range response.Errors {
		told = append(told, argument.ReplaceAllString(fmt.Sprintf("%s @ %s", e.Path, e.Message), " @ "))
	}
	slices.Sort(told)
	return data, slices.Compact(told), true
}

// callers are a customer, a supplier and an operator.
func callers(t *testing.T, st *store.Store) []trade.Scope {
	t.Helper()
	accounts, err := records.AccountTree(t.Context(), st, []string{"10001"})
	if err != nil {
		t.Fatal(err)
	}
	supplier, err := ledger.PartnerGrant(t.Context(), st, "V2001")
	if err != nil {
		t.Fatal(err)
	}
	return []trade.Scope{trade.CustomerScope(accounts, nil), trade.SupplierScope(supplier.ID, nil), trade.OperatorScope(nil)}
}

// known are ids of every kind that there are some of, and two that nobody has.
func known(t *testing.T, st *store.Store) []string {
	t.Helper()
	ids := []string{"", "ord_0"}
	all := trade.OperatorScope(nil)
	add := func(id string) { ids = append(ids, id) }
	first := store.PageArgs{First: 3}
	orders, err := records.OrderList(all, records.OrderFilter{}, trade.OrdersNewest, false).Page(t.Context(), st, []string{""}, first)
	if err != nil {
		t.Fatal(err)
	}
	items, _ := records.ItemList(all, records.ItemFilter{}, trade.ItemsBySKU).Page(t.Context(), st, []string{""}, first)
	shipments, _ := records.ShipmentList(all, records.ShipmentFilter{}, records.NoParent).Page(t.Context(), st, []string{""}, first)
	purchases, _ := records.PurchaseOrderList(all, records.PurchaseOrderFilter{}, trade.PurchaseOrdersNewest).Page(t.Context(), st,
		[]string{""}, first)
	invoices, _ := records.InvoiceList(all, records.InvoiceFilter{}, records.NoParent).Page(t.Context(), st, []string{""}, first)
	for i := range 3 {
		add(orders[""].Nodes[i].ID)
		add(orders[""].Nodes[i].AccountRef.ID)
		add(items[""].Nodes[i].ID)
		add(shipments[""].Nodes[i].ID)
		add(purchases[""].Nodes[i].ID)
		add(invoices[""].Nodes[i].ID)
	}
	return ids
}

// valueOf is a literal for an argument of our schema, and the same for a
// variable.
func valueOf(r *rand.Rand, a *ast.ArgumentDefinition, ids []string) (string, any) {
	id := ids[r.IntN(len(ids))]
	pick := func(of ...string) (string, any) {
		v := of[r.IntN(len(of))]
		return v, v
	}
	quoted := func(v string) (string, any) { return fmt.Sprintf("%q", v), v }
	if a.Name == "last" || a.Name == "after" || a.Name == "before" {
		return "null", nil
	}
	switch a.Type.String() {
	case "Int":
		n := r.IntN(5) // 0 is refused
		return fmt.Sprint(n), json.Number(fmt.Sprint(n))
	case "ID", "ID!":
		return quoted(id)
	case "[ID!]!", "[ID!]":
		other := ids[r.IntN(len(ids))]
		return fmt.Sprintf("[%q, %q]", id, other), []any{id, other}
	case "AccountBy!", "OrderBy!", "InvoiceBy!", "PurchaseOrderBy!", "ShipmentBy!", "ItemBy!", "OperationBy!", "TradingPartnerBy!":
		return fmt.Sprintf("{id: %q}", id), map[string]any{"id": id}
	case "[ItemBy!]!":
		// Only what is there: the stock executor hands nulls of a list to batch
		// resolvers as parents, which the level executor never does.
		return `[{sku: "BLT-10002"}, {sku: "SCR-10001"}]`, []any{map[string]any{"sku": "BLT-10003"}, map[string]any{"sku": "SCR-10001"}}
	case "OrderSort!":
		return pick("PLACED_AT_DESC", "NUMBER_ASC", "REQUESTED_DATE_ASC")
	case "ItemSort!":
		return pick("RELEVANCE", "NAME_ASC", "MOST_ORDERED")
	case "PurchaseOrderSort!":
		return pick("NUMBER_ASC", "DELIVERY_DATE_ASC")
	case "DateRangeInput!":
		return `{from: "2026-01-01", to: "2026-12-31"}`, map[string]any{"from": "2026-01-01", "to": "2026-12-31"}
	case "Duration!":
		return quoted("P90D")
	case "Boolean!":
		yes := r.IntN(2) == 0
		return fmt.Sprint(yes), yes
	case "OrderInput!":
		sku, wished := []string{"BLT-10002", "no item"}[r.IntN(2)], []string{"2031-01-06", "2001-01-01"}[r.IntN(2)]
		value := map[string]any{
			"account": id, "customerPoNumber": "PO", "requestedDeliveryDate": wished,
			"lines": []any{map[string]any{"item": map[string]any{"sku": sku}, "quantity": map[string]any{"value": "5", "unit": "EA"}}},
		}
		return fmt.Sprintf(`{account: %q, customerPoNumber: "PO", requestedDeliveryDate: %q, lines:
			[{item: {sku: %q}, quantity: {value: "5", unit: "EA"}}]}`, id, wished, sku), value
	case "QuantityInput", "QuantityInput!":
		unit := []string{"EA", "BX", "no unit"}[r.IntN(3)]
		return fmt.Sprintf(`{value: "5", unit: %q}`, unit), map[string]any{"value": "5", "unit": unit}
	case "String!":
		return quoted("no correlation")
	case "String":
		return quoted([]string{"screw", "hex m8", ""}[r.IntN(3)])
	}
	return "null", nil // filters, and what else may be left out
}
