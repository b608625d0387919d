package resolvers_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"portico/edge/auth"
	"portico/edge/documents"
	"portico/events"
	"portico/graph"
	"portico/graph/execution"
	"portico/process"
	"portico/process/orders"
	"portico/resolvers"
	"portico/resolvers/loaders"
	"portico/trade"
)

// road is how objects of a type are reached: the selection around them.
type road struct {
	kind          ast.Operation
	before, after string
	wide          string // before, with all that stands beside the road
	of            *ast.Definition
	depth         int
	change        *trade.Change // that a subscription tells of
}

// walker asks for each leaf field by itself, wherever it is reached.
type walker struct {
	t       *testing.T
	schema  graphql.ExecutableSchema
	shared  loaders.Shared
	scope   trade.Scope
	ids     map[string]string // by type, and by type of input
	asked   int
	reached map[string]bool // types with a value
}

// still tells whether a field's value does not depend on when it is asked.
func still(coordinate string) bool {
	return !moving[coordinate] && coordinate != "PromiseReason.message" // which says how old figures are
}

// longestRoad is how many fields stand above a leaf.
const longestRoad = 6

// Cases: G1
func TestEveryFieldAloneIsWhatItIsAmongOthers(t *testing.T) {
	shared := loaded(t)
	base, _ := url.Parse("http://localhost")
	schema, err := execution.New(graph.NewBindings(graph.Config{Resolvers: &resolvers.Resolver{
		Links:    documents.NewLinks(base, func() [][]byte { return [][]byte{[]byte("key")} }),
		Ordering: orders.New(process.NewDesk(shared.Store, shared.Sources, nil, time.Now), shared.Prices),
		Hub:      events.New(), Cursors: events.NewCursors(func() [][]byte { return [][]byte{[]byte("key")} }),
	}}))
	if err != nil {
		t.Fatal(err)
	}
	w := &walker{t: t, schema: schema, shared: shared, scope: trade.OperatorScope(nil), reached: map[string]bool{}}
	w.readIDs()
	roads := []road{{kind: ast.Query, before: "query { ", wide: "query { ", after: " }", of: schema.Schema().Query}}
	for field, c := range map[string]*trade.Change{
		"orderUpdates":         {Topic: trade.OfOrders, SubjectID: w.ids["Order"], Related: []string{w.ids["OrderLine"]}},
		"shipmentUpdates":      {Topic: trade.OfShipments, SubjectID: w.ids["Shipment"], CauseID: w.ids["ShipmentEvent"]},
		"purchaseOrderUpdates": {Topic: trade.OfPurchaseOrders, SubjectID: w.ids["PurchaseOrder"]},
		"availabilityUpdates(items: [{sku: \"BLT-10002\"}])": {Topic: trade.OfAvailability, SubjectID: w.ids["Item"]},
		"invoiceUpdates": {Topic: trade.OfInvoices, SubjectID: w.ids["Invoice"]},
	} {
		name, _, _ := strings.Cut(field, "(")
		for _, of := range w.objects(schema.Schema().Subscription.Fields.ForName(name).Type) {
			if strings.HasSuffix(of.Name, "Update") {
				before := "subscription { " + field + " { ... on " + of.Name + " { "
				roads = append(roads, road{kind: ast.Subscription, before: before, wide: before, after: " } } }", of: of, change: c})
			}
		}
	}
	open, edges := map[string]bool{}, map[string]bool{}
	for len(roads) > 0 {
		r := roads[0]
		roads = roads[1:]
		there := r.of == schema.Schema().Query || w.compare(r)
		if !there || r.depth == longestRoad || open[r.of.Name] {
			continue
		}
		open[r.of.Name] = true
		for _, f := range r.of.Fields {
			edge := r.of.Name + "." + f.Name
			arguments, ok := w.arguments(f)
			if !ok || edges[edge] || !still(edge) || strings.HasPrefix(f.Name, "__") {
				continue
			}
			edges[edge] = true
			for _, of := range w.objects(f.Type) {
				step := f.Name + arguments + " { ... on " + of.Name + " { "
				roads = append(roads, road{
					kind: r.kind, before: r.before + step, wide: r.wide + w.everything(r.of) + step, after: " } }" + r.after, of: of,
					depth: r.depth + 1, change: r.change,
				})
			}
		}
	}
	t.Logf("%d operations, %d types with values", w.asked, len(w.reached))
	if len(w.reached) < 60 {
		t.Errorf("only %d types were reached", len(w.reached))
	}
}

// compare asks for all leaf fields of a type at the end of a road, and then for each alone.
// It tells whether there was an object.
func (w *walker) compare(r road) bool {
	leaves := w.leaves(r.of)
	wide := r
	wide.before = r.wide + w.everything(r.of)
	whole, clean := w.ask(wide, "__typename "+strings.Join(leaves, " "))
	if plain, _ := w.ask(r, "__typename"); !strings.Contains(fmt.Sprint(plain), "__typename:"+r.of.Name) {
		return false
	}
	w.reached[r.of.Name] = true
	for _, leaf := range leaves {
		alone, good := w.ask(r, "__typename "+leaf)
		if clean && !good || !within(alone, whole) {
			a, _ := json.Marshal(alone)
			b, _ := json.Marshal(whole)
			w.t.Errorf("%s.%s alone:\n%s%s%s\nis     %.600s\namong others %.600s", r.of.Name, leaf, r.before, leaf, r.after, a, b)
		}
	}
	return true
}

// leaves are the fields of a type that have no fields of their own.
func (w *walker) leaves(of *ast.Definition) (all []string) {
	for _, f := range of.Fields {
		arguments, ok := w.arguments(f)
		if ok && len(w.objects(f.Type)) == 0 && still(of.Name+"."+f.Name) && !strings.HasPrefix(f.Name, "__") {
			all = append(all, f.Name+arguments)
		}
	}
	return all
}

// everything selects all fields of a type and all leaves below them, under names of its own.
func (w *walker) everything(of *ast.Definition) string {
	if of == w.schema.Schema().Query {
		return ""
	}
	var b strings.Builder
	for _, leaf := range w.leaves(of) {
		fmt.Fprintf(&b, "all_%s_%d: %s ", of.Name, b.Len(), leaf)
	}
	for _, f := range of.Fields {
		arguments, ok := w.arguments(f)
		types := w.objects(f.Type)
		if !ok || len(types) == 0 || !still(of.Name+"."+f.Name) {
			continue
		}
		fmt.Fprintf(&b, "all_%s_%s: %s%s { __typename ", of.Name, f.Name, f.Name, arguments)
		for _, t := range types {
			fmt.Fprintf(&b, "... on %s { __typename ", t.Name)
			for _, leaf := range w.leaves(t) {
				fmt.Fprintf(&b, "all_%s_%d: %s ", t.Name, b.Len(), leaf)
			}
			b.WriteString("} ")
		}
		b.WriteString("} ")
	}
	return b.String()
}

// within tells whether what one selection answered is part of what a larger one did.
func within(some, all any) bool {
	switch some := some.(type) {
	case map[string]any:
		of, ok := all.(map[string]any)
		if !ok {
			return false
		}
		for k, v := range some {
			if !within(v, of[k]) {
				return false
			}
		}
		return true
	case []any:
		of, ok := all.([]any)
		if !ok || len(of) != len(some) {
			return false
		}
		for i := range some {
			if !within(some[i], of[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(some, all)
}

// ask asks for a selection at the end of a road, and tells whether there was no error.
func (w *walker) ask(r road, selection string) (data any, clean bool) {
	w.asked++
	ctx := auth.WithCaller(w.t.Context(), auth.Caller{Principal: &auth.Principal{Subject: "u", Name: "u"}, Scope: w.scope})
	if r.change != nil {
		ctx = events.WithAlone(ctx, events.Alone{Change: r.change})
	}
	ctx = graphql.StartOperationTrace(loaders.With(ctx, loaders.New(w.shared, w.scope)))
	ex := executor.New(w.schema)
	op, errs := ex.CreateOperationContext(ctx, &graphql.RawParams{Query: r.before + selection + r.after})
	if len(errs) > 0 {
		w.t.Fatalf("%s%s%s: %v", r.before, selection, r.after, errs)
	}
	respond, ctx := ex.DispatchOperation(ctx, op)
	response := respond(ctx)
	if err := json.Unmarshal(response.Data, &data); err != nil {
		w.t.Fatalf("%v: %.300s", err, response.Data)
	}
	return data, len(response.Errors) == 0
}

// objects are the types of object that a field's value can be of.
func (w *walker) objects(t *ast.Type) []*ast.Definition {
	d := w.schema.Schema().Types[t.Name()]
	switch d.Kind {
	case ast.Object:
		return []*ast.Definition{d}
	case ast.Interface, ast.Union:
		return w.schema.Schema().GetPossibleTypes(d)
	}
	return nil
}

// arguments are those that a field must have, and short lists.
func (w *walker) arguments(f *ast.FieldDefinition) (string, bool) {
	var all []string
	for _, a := range f.Arguments {
		switch {
		case a.Name == "first":
			all = append(all, "first: 3")
		case a.Type.NonNull && a.DefaultValue == nil:
			value, ok := w.value(f, a)
			if !ok {
				return "", false
			}
			all = append(all, a.Name+": "+value)
		}
	}
	if all == nil {
		return "", true
	}
	return "(" + strings.Join(all, ", ") + ")", true
}

func (w *walker) value(f *ast.FieldDefinition, a *ast.ArgumentDefinition) (string, bool) {
	switch name := a.Type.Name(); name {
	case "ItemBy":
		if a.Type.Elem != nil {
			return `[{sku: "BLT-10002"}]`, true
		}
		return `{sku: "BLT-10002"}`, true
	case "QuantityInput":
		return `{value: "5", unit: "EA"}`, true
	case "ID":
		switch {
		case a.Name == "shipTo":
			return fmt.Sprintf("%q", w.ids["AccountLocation"]), w.ids["AccountLocation"] != ""
		case a.Type.Elem != nil:
			return fmt.Sprintf("[%q]", w.ids["Order"]), true
		case f.Type.Name() == "Node":
			return fmt.Sprintf("%q", w.ids["Order"]), true
		}
		id := w.ids[f.Type.Name()]
		return fmt.Sprintf("%q", id), id != ""
	default:
		id := w.ids[strings.TrimSuffix(name, "By")]
		return fmt.Sprintf("{id: %q}", id), id != "" && strings.HasSuffix(name, "By")
	}
}

// readIDs finds an object of each of the larger types.
func (w *walker) readIDs() {
	w.ids = map[string]string{}
	data, _ := w.ask(road{before: "{ ", after: " }"}, `
		orders(first: 1) { nodes { __typename id account { __typename id locations(first: 1) { nodes { __typename id } } }
			lines(first: 1) { nodes { __typename id } } } }
		item(by: {sku: "BLT-10002"}) { __typename id }
		purchaseOrders(first: 1) { nodes { __typename id } }
		shipments(first: 5, filter: {status: [DELIVERED]}) { nodes { __typename id events(first: 1) { nodes { __typename id } } } }
		invoices(first: 1) { nodes { __typename id } }`)
	var collect func(v any)
	collect = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if id, ok := v["id"].(string); ok {
				w.ids[fmt.Sprint(v["__typename"])] = id
			}
			for _, x := range v {
				collect(x)
			}
		case []any:
			for _, x := range v {
				collect(x)
			}
		}
	}
	collect(data)
	if len(w.ids) < 7 {
		w.t.Fatalf("ids are %v", w.ids)
	}
}
