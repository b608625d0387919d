package records

import (
	"context"
	"fmt"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
)

type itemRow struct {
	trade.Item
	SubstitutesText pq.StringArray
	IdentifiersJSON store.JSON[[]trade.Identifier]
	AttributesJSON  store.JSON[[]trade.ItemAttribute]
	DocumentsJSON   store.JSON[[]trade.ItemDocumentRef]
}

func (r *itemRow) trade() *trade.Item {
	i := &r.Item
	i.SubstituteRefs, i.Identifiers, i.Attributes, i.DocumentRefs = r.SubstitutesText, r.IdentifiersJSON.Value, r.AttributesJSON.Value,
		r.DocumentsJSON.Value
	for n := range i.DocumentRefs {
		i.DocumentRefs[n].Document.Instance = i.Provenance.Instance
	}
	return i
}

var items = store.Read(store.Relation[trade.Item]{
	Kind: "Item", From: "items i", Visible: store.AnyParty, Source: (*trade.Item).From,
	Columns: []store.Columns{
		store.Always("i.sku"),
		store.When("id units suppliers price availability promise", "i.id"),
		store.When("baseUnit price availability promise", "i.base_unit"),
		store.When("status availability promise", "i.status"),
		store.When("gtin", "i.gtin"),
		store.When("name", "i.name"),
		store.When("description", "i.description"),
		store.When("brand", "i.brand"),
		store.When("identifiers", "i.identifiers AS identifiers_json"),
		store.When("category", `coalesce(i.category_id, '') AS "category_ref.id"`),
		store.When("replacedBy substitutes promise", `coalesce(i.replaced_by, '') AS "replaced_by_ref.key", i.substitutes AS substitutes_text`),
		store.When("attributes", "i.attributes AS attributes_json"),
		store.When("documents", "i.documents AS documents_json"),
		store.When("countryOfOrigin commodityCode", "i.country_of_origin, i.commodity_code"),
		store.When("documents externalIds provenance", store.ProvenanceColumns("i")),
	},
}, (*itemRow).trade)

// Items reads items by id.
func Items(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Item, error) {
	return items.By(ctx, s, scope, "i.id", "", ids)
}

// ItemsBySKU reads items by item number.
func ItemsBySKU(ctx context.Context, s *store.Store, scope trade.Scope, skus []string) (map[string]*trade.Item, error) {
	return items.By(ctx, s, scope, "i.sku", "", skus)
}

// ItemsByGTIN reads items by the GS1 number of any of their units.
func ItemsByGTIN(ctx context.Context, s *store.Store, scope trade.Scope, gtins []string) (map[string]*trade.Item, error) {
	r := items
	r.From = "items i JOIN (SELECT id AS item_id, gtin FROM items UNION SELECT item_id, gtin FROM item_units) u ON u.item_id = i.id"
	return r.By(ctx, s, scope, "u.gtin", "i.sku", gtins)
}

// ItemsByPartNumber reads items by the caller's own part numbers.
func ItemsByPartNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.Item, error) {
	r := items
	r.From = "items i JOIN account_items x ON x.sku = i.sku"
	r.Visible = store.OwnAccount("x.account_id")
	return r.By(ctx, s, scope, "x.part_number", "i.sku", numbers)
}

// PartNumbers reads the caller's own part numbers by sku, from the first of
// its accounts that has one.
func PartNumbers(ctx context.Context, s *store.Store, scope trade.Scope, skus []string) (map[string]string, error) {
	var a store.Args
	query := fmt.Sprintf(`SELECT x.sku, x.part_number FROM account_items x JOIN accounts a ON a.id = x.account_id
		WHERE x.sku = ANY(%s) AND %s ORDER BY a.number DESC`, a.AddTexts(skus), store.OwnAccount("x.account_id")(scope, &a))
	if scope.Everything() {
		return nil, nil // numbers of every account would say nothing
	}
	var rows []struct{ SKU, PartNumber string }
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("part numbers: %w", err)
	}
	found := make(map[string]string, len(rows))
	for _, r := range rows {
		found[r.SKU] = r.PartNumber
	}
	return found, nil
}

type unitRow struct {
	trade.ItemUnit
	Min, Mult, Max store.NullDecimal
}

func (r *unitRow) trade() *trade.ItemUnit {
	for _, x := range []struct {
		from store.NullDecimal
		to   **udecimal.Decimal
	}{{r.Min, &r.Minimum}, {r.Mult, &r.Multiple}, {r.Max, &r.Maximum}} {
		if x.from.Valid {
			*x.to = &x.from.Decimal
		}
	}
	return &r.ItemUnit
}

var itemUnits = store.Read(store.Relation[trade.ItemUnit]{
	Kind: "ItemUnit", From: "item_units u", Visible: store.AnyParty,
	Columns: []store.Columns{store.Always(`u.unit, u.base_quantity, u.gtin, u.orderable, u.minimum AS min, u.multiple AS mult,
		u.maximum AS max`)},
}, (*unitRow).trade)

// Units reads the units of items, smallest first.
func Units(ctx context.Context, s *store.Store, scope trade.Scope, items []string) (map[string][]*trade.ItemUnit, error) {
	return itemUnits.Under(ctx, s, scope, "", "u.item_id", "u.base_quantity, u.unit", items)
}

var categories = store.Read(store.Relation[trade.Category]{
	Kind: "Category", From: "categories c", Visible: store.AnyParty,
	Columns: []store.Columns{store.Always(`c.id, c.code, c.name, coalesce(c.parent_id, '') AS "parent_ref.id", c.position`)},
}, store.Identity[trade.Category])

// Categories reads categories by id.
func Categories(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Category, error) {
	return categories.By(ctx, s, scope, "c.id", "", ids)
}

// SubCategories reads the categories below each, in order; below "" are those
// at the top.
func SubCategories(ctx context.Context, s *store.Store, scope trade.Scope, parents []string) (map[string][]*trade.Category, error) {
	return categories.Under(ctx, s, scope, "", "coalesce(c.parent_id, '')", "c.position, c.code", parents)
}
