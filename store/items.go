package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/trade"
)

func now() time.Time { return time.Now() }

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
		when("id units price availability promise", "i.id"),
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
	if err := s.db.SelectContext(ctx, &rows, query, a.list...); err != nil {
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

// ItemFilter narrows a list of items.
type ItemFilter struct {
	Search        string
	Categories    []string
	Brands        []string
	Status        []trade.ItemStatus
	Attributes    []AttributeFilter
	InStock       *bool
	StockFrom     string // source whose count InStock goes by
	Warehouses    []string
	Contracted    bool
	OrderedBefore bool
	ChangedSince  *time.Time
}

// AttributeFilter asks for any of the values of an attribute.
type AttributeFilter struct {
	Name  string
	AnyOf []string
}

var wordForm = regexp.MustCompile(`[\p{L}\p{N}]+`)

// prefixQuery turns words into a query of PostgreSQL's text search that finds
// items having words that begin so.
func prefixQuery(search string) string {
	words := wordForm.FindAllString(search, 20)
	for i, w := range words {
		words[i] = strings.ToLower(w) + ":*"
	}
	return strings.Join(words, " & ")
}

// ItemList is the items that match, in order. The caller's own part numbers
// and the GS1 numbers of any unit count as words.
func ItemList(scope trade.Scope, f ItemFilter, sort trade.ItemSort) *List[trade.Item] {
	l := &List[trade.Item]{relation: items, name: "items " + string(sort), scope: scope}
	sku := sortKey{"i.sku", "text", false}
	l.order = []sortKey{sku}
	switch sort {
	case trade.ItemsByName:
		l.order = []sortKey{{"i.name", "text", false}, sku}
	case trade.ItemsNewest:
		l.order = []sortKey{{"i.created_at", "timestamptz", true}, sku}
	case trade.ItemsMostOrdered:
		l.ranking = func(a *args) []sortKey {
			return []sortKey{{"(SELECT count(*) FROM order_lines ol WHERE ol.item_id = i.id AND " + ownAccount("ol.account_id")(scope, a) + ")", "bigint", true}, sku}
		}
	}
	if f.Search != "" {
		l.search(f.Search, sort)
	}
	l.narrow(f)
	return l
}

// numbered is the condition that an item has the number, be it its own, one of
// its units' or the caller's own part number.
func numbered(scope trade.Scope, a *args, number string) string {
	n := a.add(number)
	return `i.id IN (SELECT id FROM items WHERE sku = ` + n + ` OR gtin = ` + n + `
		UNION SELECT item_id FROM item_units WHERE gtin = ` + n + `
		UNION SELECT y.id FROM items y JOIN account_items x ON x.sku = y.sku WHERE x.part_number = ` + n + ` AND ` + ownAccount("x.account_id")(scope, a) + `)`
}

func (l *List[T]) search(words string, sort trade.ItemSort) {
	number, query := strings.TrimSpace(words), prefixQuery(words)
	match := numbered(l.scope, &l.args, number)
	if query == "" {
		l.and(match)
		return
	}
	l.and("(i.id IN (SELECT id FROM items WHERE words @@ to_tsquery('simple', " + l.args.add(query) + ")) OR " + match + ")")
	if sort == trade.ItemsByRelevance {
		l.name += " ranked"
		order := l.order
		l.ranking = func(a *args) []sortKey {
			rank := "(CASE WHEN " + numbered(l.scope, a, number) + " THEN 10 ELSE 0 END + ts_rank(i.words, to_tsquery('simple', " + a.add(query) + ")))::float8"
			return append([]sortKey{{rank, "float8", true}}, order...)
		}
	}
}

func (l *List[T]) narrow(f ItemFilter) {
	status := f.Status
	if status == nil {
		status = []trade.ItemStatus{trade.ItemActive, trade.ItemDiscontinued}
	}
	l.and("i.status = ANY(" + l.args.add(pq.Array(status)) + ")")
	if f.Categories != nil {
		l.and(`i.category_id IN (WITH RECURSIVE c AS (SELECT id FROM categories WHERE id = ANY(` + l.args.set(f.Categories) + `)
			UNION SELECT d.id FROM categories d JOIN c ON d.parent_id = c.id) SELECT id FROM c)`)
	}
	if f.Brands != nil {
		l.and("i.brand = ANY(" + l.args.set(f.Brands) + ")")
	}
	for _, at := range f.Attributes {
		var alternatives []string
		for _, v := range at.AnyOf {
			text, _ := json.Marshal([]map[string]string{{"name": at.Name, "value": v}})
			alternatives = append(alternatives, "i.attributes @> "+l.args.add(string(text))+"::jsonb")
		}
		l.and("(" + strings.Join(append(alternatives, "FALSE"), " OR ") + ")")
	}
	if f.InStock != nil {
		in := "EXISTS (SELECT FROM stock st WHERE st.item_id = i.id AND st.instance = " + l.args.add(f.StockFrom) + " AND st.on_hand - st.allocated - st.safety_stock > 0"
		if f.Warehouses != nil {
			in += " AND st.warehouse_id = ANY(" + l.args.set(f.Warehouses) + ")"
		}
		l.and(map[bool]string{true: "", false: "NOT "}[*f.InStock] + in + ")")
	}
	if f.Contracted {
		l.and("EXISTS (SELECT FROM contracts k WHERE i.sku = ANY(k.items) AND (k.valid_to IS NULL OR k.valid_to >= current_date) AND k.valid_from <= current_date AND " +
			ownAccount("k.account_id")(l.scope, &l.args) + ")")
	}
	if f.OrderedBefore {
		l.and("EXISTS (SELECT FROM order_lines ol WHERE ol.item_id = i.id AND " + ownAccount("ol.account_id")(l.scope, &l.args) + ")")
	}
	if f.ChangedSince != nil {
		l.and("i.received_at > " + l.args.add(*f.ChangedSince))
	}
}

// Facets are the ways to narrow a list of items: by category, brand and
// attributes, each with its most frequent values.
func Facets(ctx context.Context, s *Store, l *List[trade.Item]) ([]*trade.ItemFacet, error) {
	a := args{append([]any(nil), l.args.list...)}
	query := `WITH found AS (SELECT i.id, i.brand, i.status, i.category_id, i.attributes ` + string(l.from(nil, &a, "")) + `),
		counted AS (
			SELECT 'category' AS name, 'Category' AS label, c.id AS value, c.name AS value_label, count(*) AS n
			  FROM found f JOIN categories c ON c.id = f.category_id GROUP BY c.id, c.name
			UNION ALL SELECT 'brand', 'Brand', brand, brand, count(*) FROM found WHERE brand IS NOT NULL GROUP BY brand
			UNION ALL SELECT 'status', 'Status', status, status, count(*) FROM found GROUP BY status
			UNION ALL SELECT x ->> 'name', min(x ->> 'label'), x ->> 'value', x ->> 'value', count(*)
			  FROM found f, jsonb_array_elements(f.attributes) x GROUP BY x ->> 'name', x ->> 'value'),
		ranked AS (SELECT *, row_number() OVER (PARTITION BY name ORDER BY n DESC, value) AS place FROM counted)
		SELECT name, label, value, value_label, n FROM ranked WHERE place <= 50 ORDER BY name, place`
	var rows []struct {
		Name, Label, Value, ValueLabel string
		N                              int
	}
	if err := s.db.SelectContext(ctx, &rows, query, a.list...); err != nil {
		return nil, fmt.Errorf("facets: %w", err)
	}
	facets := []*trade.ItemFacet{}
	for _, r := range rows {
		if n := len(facets); n == 0 || facets[n-1].Name != r.Name {
			if n == 20 {
				break
			}
			facets = append(facets, &trade.ItemFacet{Name: r.Name, Label: r.Label})
		}
		f := facets[len(facets)-1]
		f.Values = append(f.Values, trade.ItemFacetValue{Value: r.Value, Label: r.ValueLabel, Count: r.N})
	}
	return facets, nil
}

var warehouses = read(relation[trade.Warehouse]{
	kind: "Warehouse", from: "warehouses w", visible: anyParty,
	columns: []columns{always("w.id, w.code, w.name, w.cutoff"), when("location Item.promise", "w.location")},
}, same[trade.Warehouse])

// Warehouses finds warehouses by id.
func (s *Store) Warehouses(_ context.Context, scope trade.Scope, ids []string) (map[string]*trade.Warehouse, error) {
	return s.places.find(s, scope, ids, func(w *trade.Warehouse) string { return w.ID })
}

// WarehousesByCode finds warehouses by code.
func (s *Store) WarehousesByCode(_ context.Context, scope trade.Scope, codes []string) (map[string]*trade.Warehouse, error) {
	return s.places.find(s, scope, codes, func(w *trade.Warehouse) string { return w.Code })
}

// places are all warehouses. They are few, change once in a year, and stand on
// every page with stock, so that they are kept: for placesKept, or for
// placesLeast where one is asked for that is not among them.
type places struct {
	mu     sync.Mutex
	all    []*trade.Warehouse
	codes  map[string]string // by id
	readAt time.Time
}

const (
	placesKept  = time.Second
	placesLeast = 20 * time.Millisecond
)

func (p *places) find(s *Store, scope trade.Scope, keys []string, key func(*trade.Warehouse) string) (map[string]*trade.Warehouse, error) {
	found := make(map[string]*trade.Warehouse, len(keys))
	if anyParty(scope, nil) != "TRUE" {
		return found, nil
	}
	for _, oldest := range []time.Duration{placesKept, placesLeast} {
		all, err := p.list(s, oldest)
		if err != nil {
			return nil, err
		}
		for _, w := range all {
			if k := key(w); slices.Contains(keys, k) {
				found[k] = w
			}
		}
		if len(found) == len(keys) {
			break
		}
	}
	return found, nil
}

// codesByID are the codes of all warehouses by their ids.
func (p *places) codesByID(s *Store) (map[string]string, error) {
	_, err := p.list(s, placesKept)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.codes, err
}

// list are all warehouses as of at most oldest ago. They are read for all
// requests, and so neither end with this one nor count as its own.
func (p *places) list(s *Store, oldest time.Duration) ([]*trade.Warehouse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.readAt) < oldest {
		return p.all, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), freshnessTimeout)
	defer cancel()
	var all []*trade.Warehouse
	sh := warehouses.shape(s, nil)
	statement := "SELECT '', " + sh.columns + " FROM " + warehouses.from
	if err := warehouses.query(ctx, s, sh, false, statement, args{}, func(_ string, _ []string, w *trade.Warehouse) { all = append(all, w) }); err != nil {
		return nil, err
	}
	p.all, p.codes, p.readAt = all, make(map[string]string, len(all)), time.Now()
	for _, w := range all {
		p.codes[w.ID] = w.Code
	}
	return all, nil
}

var stock = read(relation[trade.Stock]{
	kind: "Availability", from: "stock st", visible: anyParty,
	source: func(s *trade.Stock) *trade.Provenance { return &s.Provenance },
	columns: []columns{
		always(`st.warehouse_id AS "warehouse_ref.id", st.on_hand, st.allocated, st.safety_stock`),
		when("provenance WarehouseStock.provenance Item.availability(maxAge:) Item.promise", provenance("st")),
	},
}, same[trade.Stock])

// Stock reads the stock of items in all warehouses, by warehouse code, as the
// source from counts it.
func (s *Store) Stock(ctx context.Context, scope trade.Scope, items []string, from string) (map[string][]*trade.Stock, error) {
	r := stock
	r.visible = func(scope trade.Scope, a *args) string {
		return anyParty(scope, a) + " AND st.instance = " + a.add(from)
	}
	found, err := r.under(ctx, s, scope, "", "st.item_id", "", items)
	if err != nil {
		return nil, err
	}
	codes, err := s.places.codesByID(s)
	for _, figures := range found {
		slices.SortFunc(figures, func(a, b *trade.Stock) int { return cmp.Compare(codes[a.WarehouseRef.ID], codes[b.WarehouseRef.ID]) })
	}
	return found, err
}

type inboundRow struct {
	trade.InboundSupply
	WarehouseID string
	Shipped     nullDecimal
	Promised    bool
}

func (r *inboundRow) trade() *trade.InboundSupply {
	r.Certainty = trade.SupplyOrdered
	if r.Promised {
		r.Certainty = trade.SupplyAcknowledged
	}
	if r.Shipped.Valid && r.Shipped.Decimal.IsPos() {
		r.Certainty = trade.SupplyShipped
	}
	r.WarehouseRef.ID = r.WarehouseID
	return &r.InboundSupply
}

// inbound is what purchase orders still bring, told without saying whose: the
// day, the quantity and how sure it is.
var inbound = read(relation[trade.InboundSupply]{
	kind: "InboundSupply", visible: anyParty,
	from: `(SELECT * FROM purchase_order_lines WHERE ordered > received + cancelled) pl
		JOIN purchase_orders po ON po.id = pl.purchase_order_id AND po.status NOT IN ('REJECTED', 'CANCELLED', 'CLOSED')
		JOIN purchase_schedule_lines sl ON sl.purchase_order_line_id = pl.id`,
	columns: []columns{always(`pl.item_id AS "item_ref.id", coalesce(sl.promised_delivery_date, sl.requested_delivery_date) AS expected_on,
		least(sl.quantity, pl.ordered - pl.received - pl.cancelled) AS "quantity.value", pl.unit AS "quantity.unit",
		pl.id AS line_id, coalesce(po.warehouse_id, '') AS warehouse_id, pl.shipped, sl.promised_delivery_date IS NOT NULL AS promised`)},
}, (*inboundRow).trade)

// Inbound reads the supply of items on its way, soonest first.
func (s *Store) Inbound(ctx context.Context, scope trade.Scope, items []string) (map[string][]*trade.InboundSupply, error) {
	return inbound.under(ctx, s, scope, "", "pl.item_id", "expected_on, line_id", items)
}
