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
		store.When("id units suppliers price availability promise AvailabilityUpdate.availability", "i.id"),
		store.When("baseUnit price availability promise AvailabilityUpdate.availability", "i.base_unit"),
		store.When("status availability promise AvailabilityUpdate.availability", "i.status"),
		store.When("gtin", "i.gtin"),
		store.When("name", "i.name"),
		store.When("description", "i.description"),
		store.When("brand", "i.brand"),
		store.When("identifiers", "i.identifiers AS identifiers_json"),
		store.When("category", `coalesce(i.category_id, '') AS "category_ref.id"`),
		store.When("replacedBy substitutes promise",
			`coalesce(nullif(i.replaced_by, i.sku), '') AS "replaced_by_ref.key", i.substitutes AS substitutes_text`),
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

// ItemsByGTIN reads items by the GS1 number of any of their units, however many leading
// zeros the number is written with. Each item found is under the spelling that was asked.
func ItemsByGTIN(ctx context.Context, s *store.Store, scope trade.Scope, gtins []string) (map[string]*trade.Item, error) {
	r := items
	r.From = "items i JOIN (SELECT id AS item_id, lpad(gtin, 14, '0') AS gtin FROM items " +
		"UNION SELECT item_id, lpad(gtin, 14, '0') FROM item_units) u ON u.item_id = i.id"
	normal := make([]string, len(gtins))
	for i, g := range gtins {
		normal[i] = trade.GTIN14(g)
	}
	known, err := r.By(ctx, s, scope, "u.gtin", "i.sku", normal)
	found := make(map[string]*trade.Item, len(known))
	for i, g := range gtins {
		if item := known[normal[i]]; item != nil {
			found[g] = item
		}
	}
	return found, err
}

// ItemsByPartNumber reads items by the caller's own part numbers.
func ItemsByPartNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.Item, error) {
	r := items
	r.From = "items i JOIN account_items x ON x.sku = i.sku"
	r.Visible = store.OwnAccount("x.account_id")
	return r.By(ctx, s, scope, "x.part_number", "i.sku", numbers)
}

// PartNumberKey is an item as an account knows it; without an account it is as the first of the caller's accounts knows it that has
// a number for it.
type PartNumberKey struct{ Account, SKU string }

// PartNumbers reads the part numbers of items in one statement. Who sees every account is told none without an account.
func PartNumbers(ctx context.Context, s *store.Store, scope trade.Scope, keys []PartNumberKey) (map[PartNumberKey]string, error) {
	wanted, own := make(map[PartNumberKey]bool, len(keys)), false
	var skus, accounts []string
	for _, k := range keys {
		if k.Account == "" && scope.Everything() {
			continue // numbers of every account would say nothing
		}
		wanted[k], own = true, own || k.Account == ""
		skus, accounts = append(skus, k.SKU), append(accounts, k.Account)
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	var a store.Args
	query := fmt.Sprintf(`SELECT x.account_id AS account, x.sku, x.part_number FROM account_items x JOIN accounts a ON a.id = x.account_id
		WHERE x.sku = ANY(%s) AND %s`, a.AddTexts(skus), store.OwnAccount("x.account_id")(scope, &a))
	if !own {
		query += " AND x.account_id = ANY(" + a.AddTexts(accounts) + ")"
	}
	var rows []struct{ Account, SKU, PartNumber string }
	if err := s.Select(ctx, &rows, query+" ORDER BY a.number DESC", a.List...); err != nil {
		return nil, fmt.Errorf("part numbers: %w", err)
	}
	found := make(map[PartNumberKey]string, len(keys))
	for _, r := range rows {
		for _, k := range []PartNumberKey{{r.Account, r.SKU}, {"", r.SKU}} {
			if wanted[k] {
				found[k] = r.PartNumber
			}
		}
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
