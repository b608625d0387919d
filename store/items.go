package store

import (
	"context"
	"fmt"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/trade"
)

type itemRow struct {
	trade.Item
	SubstitutesText pq.StringArray
	IdentifiersJSON jsonOf[[]trade.Identifier]
	AttributesJSON  jsonOf[[]trade.ItemAttribute]
	DocumentsJSON   jsonOf[[]trade.ItemDocumentRef]
}

func (r *itemRow) trade() *trade.Item {
	i := &r.Item
	i.SubstituteRefs, i.Identifiers, i.Attributes, i.DocumentRefs = r.SubstitutesText, r.IdentifiersJSON.value, r.AttributesJSON.value, r.DocumentsJSON.value
	for n := range i.DocumentRefs {
		i.DocumentRefs[n].Document.Instance = i.Provenance.Instance
	}
	return i
}

var items = read(relation[trade.Item]{
	kind: "Item", from: "items i", visible: anyParty, source: (*trade.Item).From,
	columns: []columns{
		always("i.sku"),
		when("id units suppliers price availability promise", "i.id"),
		when("baseUnit price availability promise", "i.base_unit"),
		when("status availability promise", "i.status"),
		when("gtin", "i.gtin"),
		when("name", "i.name"),
		when("description", "i.description"),
		when("brand", "i.brand"),
		when("identifiers", "i.identifiers AS identifiers_json"),
		when("category", `coalesce(i.category_id, '') AS "category_ref.id"`),
		when("replacedBy substitutes promise", `coalesce(i.replaced_by, '') AS "replaced_by_ref.key", i.substitutes AS substitutes_text`),
		when("attributes", "i.attributes AS attributes_json"),
		when("documents", "i.documents AS documents_json"),
		when("countryOfOrigin commodityCode", "i.country_of_origin, i.commodity_code"),
		when("documents externalIds provenance", provenance("i")),
	},
}, (*itemRow).trade)

// Items reads items by id.
func (s *Store) Items(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Item, error) {
	return items.by(ctx, s, scope, "i.id", "", ids)
}

// ItemsBySKU reads items by item number.
func (s *Store) ItemsBySKU(ctx context.Context, scope trade.Scope, skus []string) (map[string]*trade.Item, error) {
	return items.by(ctx, s, scope, "i.sku", "", skus)
}

// ItemsByGTIN reads items by the GS1 number of any of their units.
func (s *Store) ItemsByGTIN(ctx context.Context, scope trade.Scope, gtins []string) (map[string]*trade.Item, error) {
	r := items
	r.from = "items i JOIN (SELECT id AS item_id, gtin FROM items UNION SELECT item_id, gtin FROM item_units) u ON u.item_id = i.id"
	return r.by(ctx, s, scope, "u.gtin", "i.sku", gtins)
}

// ItemsByPartNumber reads items by the caller's own part numbers.
func (s *Store) ItemsByPartNumber(ctx context.Context, scope trade.Scope, numbers []string) (map[string]*trade.Item, error) {
	r := items
	r.from = "items i JOIN account_items x ON x.sku = i.sku"
	r.visible = ownAccount("x.account_id")
	return r.by(ctx, s, scope, "x.part_number", "i.sku", numbers)
}

// PartNumbers reads the caller's own part numbers by sku, from the first of
// its accounts that has one.
func (s *Store) PartNumbers(ctx context.Context, scope trade.Scope, skus []string) (map[string]string, error) {
	var a args
	query := fmt.Sprintf(`SELECT x.sku, x.part_number FROM account_items x JOIN accounts a ON a.id = x.account_id
		WHERE x.sku = ANY(%s) AND %s ORDER BY a.number DESC`, a.set(skus), ownAccount("x.account_id")(scope, &a))
	if scope.Everything() {
		return nil, nil // numbers of every account would say nothing
	}
	var rows []struct{ SKU, PartNumber string }
	if err := s.sel(ctx, nil, &rows, query, a.list...); err != nil {
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
	Min, Mult, Max nullDecimal
}

func (r *unitRow) trade() *trade.ItemUnit {
	for _, x := range []struct {
		from nullDecimal
		to   **udecimal.Decimal
	}{{r.Min, &r.Minimum}, {r.Mult, &r.Multiple}, {r.Max, &r.Maximum}} {
		if x.from.Valid {
			*x.to = &x.from.Decimal
		}
	}
	return &r.ItemUnit
}

var itemUnits = read(relation[trade.ItemUnit]{
	kind: "ItemUnit", from: "item_units u", visible: anyParty,
	columns: []columns{always(`u.unit, u.base_quantity, u.gtin, u.orderable, u.minimum AS min, u.multiple AS mult, u.maximum AS max`)},
}, (*unitRow).trade)

// Units reads the units of items, smallest first.
func (s *Store) Units(ctx context.Context, scope trade.Scope, items []string) (map[string][]*trade.ItemUnit, error) {
	return itemUnits.under(ctx, s, scope, "", "u.item_id", "u.base_quantity, u.unit", items)
}

var categories = read(relation[trade.Category]{
	kind: "Category", from: "categories c", visible: anyParty,
	columns: []columns{always(`c.id, c.code, c.name, coalesce(c.parent_id, '') AS "parent_ref.id", c.position`)},
}, same[trade.Category])

// Categories reads categories by id.
func (s *Store) Categories(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Category, error) {
	return categories.by(ctx, s, scope, "c.id", "", ids)
}

// SubCategories reads the categories below each, in order; below "" are those
// at the top.
func (s *Store) SubCategories(ctx context.Context, scope trade.Scope, parents []string) (map[string][]*trade.Category, error) {
	return categories.under(ctx, s, scope, "", "coalesce(c.parent_id, '')", "c.position, c.code", parents)
}
