package edge

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"portico/graph"
)

func isConnection(t *ast.Definition) bool {
	return strings.HasSuffix(t.Name, "Connection") && t.Fields.ForName("nodes") != nil || strings.HasSuffix(t.Name, "Edge") &&
		t.Fields.ForName("node") != nil
}

// open are the types whose fields need no right: what a caller is told of
// itself, where a page stands, and how the sources are.
var open = []string{
	"CustomerViewer", "SupplierViewer", "OperatorViewer", "GuestViewer", "PageInfo", "TotalCount", "SourceHealth",
	"MaintenanceWindow", "_Service",
}

func objects(t *testing.T) map[string]*ast.Definition {
	t.Helper()
	found := map[string]*ast.Definition{}
	for name, d := range graph.NewBindings(graph.Config{}).Schema.Types {
		if d.Kind == ast.Object && !strings.HasPrefix(name, "__") && name != "Entity" { // which gqlgen makes and nobody can ask
			found[name] = d
		}
	}
	return found
}

func TestEverythingWithAnIdHasARight(t *testing.T) {
	for name, d := range objects(t) {
		if slices.Contains(d.Interfaces, "Node") && scopesOf(d.Directives) == nil {
			t.Errorf("%s can be found by its id and has no @scope", name)
		}
	}
}

// TestNoFieldIsReachedWithoutARight follows every field from the roots. A field
// of a type that is not open must be on a way that asks for a right: its own,
// its type's, or that of a field before it.
func TestNoFieldIsReachedWithoutARight(t *testing.T) {
	schema := graph.NewBindings(graph.Config{}).Schema
	rights := newRights(schema)
	seen := map[string]bool{}
	var follow func(d *ast.Definition, way string)
	follow = func(d *ast.Definition, way string) {
		for _, possible := range schema.GetPossibleTypes(d) {
			if seen[possible.Name] {
				continue
			}
			seen[possible.Name] = true
			root := possible == schema.Query || possible == schema.Subscription || possible == schema.Mutation
			for _, f := range possible.Fields {
				if strings.HasPrefix(f.Name, "__") || rights[possible.Name+"."+f.Name] != nil {
					continue
				}
				if !root && !slices.Contains(open, possible.Name) && !isConnection(possible) {
					t.Errorf("%s.%s is reached by %s without a right: give the field or its type a @scope", possible.Name, f.Name, way)
				}
				if next := schema.Types[f.Type.Name()]; next.IsCompositeType() {
					follow(next, way+"."+f.Name)
				}
			}
		}
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Subscription, schema.Mutation} {
		if root != nil {
			follow(root, root.Name)
		}
	}
	if len(seen) < 5 {
		t.Errorf("only %v were reached", seen)
	}
}

func TestWhatARightMayWithholdMayBeNull(t *testing.T) {
	schema := graph.NewBindings(graph.Config{}).Schema
	rights := newRights(schema)
	// has tells whether everybody who reads a type has what needs asks for: by the
	// type's own right, or by that of every field that leads to it.
	var has func(d *ast.Definition, needs []string, above []string) bool
	has = func(d *ast.Definition, needs, above []string) bool {
		if own := scopesOf(d.Directives); own != nil {
			return implied(own, needs)
		}
		if slices.Contains(above, d.Name) {
			return true
		}
		led := false
		for name, parent := range objects(t) {
			for _, f := range parent.Fields {
				to := schema.Types[f.Type.Name()]
				if !slices.Contains(schema.GetPossibleTypes(to), d) {
					continue
				}
				led = true
				if !slices.ContainsFunc(rights[name+"."+f.Name], func(own []string) bool { return implied(own, needs) }) &&
					!has(parent, needs, append(above, d.Name)) {
					return false
				}
			}
		}
		return led
	}
	for name, d := range objects(t) {
		for _, f := range d.Fields {
			narrows := scopesOf(f.Directives) != nil
			if needs := scopesOf(typeRights(schema, f.Type.Name())); needs != nil && !isConnection(d) {
				narrows = narrows || !has(d, needs, nil)
			}
			if narrows && f.Type.NonNull {
				t.Errorf("%s.%s needs a right of its own and is not nullable: one who lacks it would lose all of %s", name, f.Name, name)
			}
		}
	}
}

// implied tells whether everybody who may read a type may read what it leads to.
func implied(own, needs []string) bool {
	if own == nil {
		return false
	}
	for _, s := range own {
		if !slices.Contains(needs, s) {
			return false
		}
	}
	return true
}

func TestPricesCostsCreditAndProcurementNeedTheirRight(t *testing.T) {
	schema := graph.NewBindings(graph.Config{}).Schema
	rights := newRights(schema)
	for name, d := range objects(t) {
		for _, f := range d.Fields {
			class := f.Directives.ForName("classified")
			if class == nil || class.Arguments.ForName("level").Value.Raw != "CONFIDENTIAL" {
				continue
			}
			if rights[name+"."+f.Name] == nil || slices.ContainsFunc(rights[name+"."+f.Name],
				func(s []string) bool { return slices.Equal(s, scopesOf(d.Directives)) }) && len(rights[name+"."+f.Name]) == 1 {
				t.Errorf("%s.%s is confidential and needs no more than its type does", name, f.Name)
			}
		}
	}
	for coordinate, scope := range map[string]string{
		"Item.price": "price:read", "Order.totals": "price:read", "OrderLine.unitPrice": "price:read", "OrderLine.amount": "price:read",
		"PurchaseOrder.totals":        "price:read",
		"PurchaseOrderLine.unitPrice": "price:read", "Account.credit": "credit:read", "Account.contracts": "price:read",
		"InboundSupply.purchaseOrderLine": "procurement:read",
	} {
		if !slices.ContainsFunc(rights[coordinate], func(s []string) bool { return slices.Equal(s, []string{scope}) }) {
			t.Errorf("%s needs %v, want %s among it", coordinate, rights[coordinate], scope)
		}
	}
}
