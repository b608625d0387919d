package records

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

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
	Account       string // of Contracted, OrderedBefore and the order by what is ordered most; empty is any in the scope
	Contracted    bool
	OrderedBefore bool
	ChangedSince  *time.Time
}

// AttributeFilter asks for any of the values of an attribute.
type AttributeFilter struct {
	Name  string
	AnyOf []string
}

// ofAccount is the condition that a column is the account that is asked for, of those in the scope.
func (f ItemFilter) ofAccount(column string, scope trade.Scope, a *store.Args) string {
	own := store.OwnAccount(column)(scope, a)
	if f.Account == "" {
		return own
	}
	return own + " AND " + column + " = " + a.Add(f.Account)
}

var wordForm = regexp.MustCompile(`[\p{L}\p{N}]+`)

// prefixQuery turns words into a query of PostgreSQL's text search by which items are ranked: those of which more words
// begin so come first.
func prefixQuery(search string) string {
	words := wordForm.FindAllString(search, 20)
	for i, w := range words {
		words[i] = strings.ToLower(w) + ":*"
	}
	return strings.Join(words, " | ")
}

// ItemList is the items that match, in order.
//
// A search finds an item by each of these. Case, accents and separators do not count.
//   - A part number that is what was typed, or begins so: the SKU, a number among its identifiers such as the
//     manufacturer's, its GTIN, and the part number of one of the caller's own accounts.
//   - The GTIN of any of its units, with any number of leading zeros.
//   - Words: each that was typed begins a word of the item or a part number of it, or has the same stem in English or
//     German. A word of letters alone, four at least, that no item has is taken for those that differ from it by a letter.
//
// By relevance, first come items of which the whole text is a number, then those of which a number begins so, then the
// others; among equals, those of which more words match, and then by SKU.
func ItemList(scope trade.Scope, f ItemFilter, sort trade.ItemSort) *store.List[trade.Item] {
	l := &store.List[trade.Item]{Relation: items, Name: "items " + string(sort), Scope: scope}
	sku := store.Ascending("i.sku", "text")
	l.Order = []store.SortKey{sku}
	switch sort {
	case trade.ItemsByName:
		l.Order = []store.SortKey{store.Ascending("i.name", "text"), sku}
	case trade.ItemsNewest:
		l.Order = []store.SortKey{store.Descending("i.created_at", "timestamptz"), sku}
	case trade.ItemsMostOrdered:
		l.Ranking = func(a *store.Args) []store.SortKey {
			own := f.ofAccount("ol.account_id", scope, a)
			return []store.SortKey{store.Descending("(SELECT count(*) FROM order_lines ol WHERE ol.item_id = i.id AND "+own+")", "bigint"), sku}
		}
	}
	if f.Search != "" {
		searchItems(l, f.Search, sort)
	}
	narrowItems(l, f)
	return l
}

// itemWords is what an item is found by, as the index has it.
const itemWords = "item_words(sku, gtin, name, brand, description, identifiers)"

// longestSearch is how much of a text is searched for, in characters.
const longestSearch = 200

// itemsFound are the ids of items whose words match a query, or that have a number: the GTIN of one of their units, or
// a part number of the caller's own accounts that compares so to the key of the text.
func itemsFound(scope trade.Scope, a *store.Args, text, query, compares string) string {
	return `SELECT id FROM items WHERE ` + itemWords + ` @@ ` + query + `
		UNION SELECT item_id FROM item_units WHERE lpad(gtin, 14, '0') = ` + a.Add(trade.GTIN14(undivided.Replace(text))) + `
		UNION SELECT y.id FROM account_items x JOIN items y ON y.sku = x.sku WHERE (part_key(x.part_number) COLLATE "C") ` + compares + ` AND ` +
		store.OwnAccount("x.account_id")(scope, a)
}

// undivided takes out what people write between digits.
var undivided = strings.NewReplacer(" ", "", "-", "")

// How the key of a part number compares to that of a text.
const (
	isKey     = `= part_key(%s)`
	beginsKey = `BETWEEN part_key(%[1]s) AND part_key(%[1]s) || U&'\+10FFFF' AND part_key(%[1]s) <> ''`
)

// searchItems narrows a list to the items that a text finds, and ranks them where it is asked.
func searchItems(l *store.List[trade.Item], search string, sort trade.ItemSort) {
	text := strings.TrimSpace(search)
	if runes := []rune(text); len(runes) > longestSearch {
		text = string(runes[:longestSearch])
	}
	t := l.Args.Add(text)
	l.And("i.id IN (" + itemsFound(l.Scope, &l.Args, text, "item_query("+t+")", fmt.Sprintf(beginsKey, t)) + ")")
	if sort != trade.ItemsByRelevance {
		return
	}
	l.Name += " ranked"
	order := l.Order
	l.Ranking = func(a *store.Args) []store.SortKey {
		t := a.Add(text)
		rank := "(CASE WHEN i.id IN (" + itemsFound(l.Scope, a, text, "part_query("+t+", FALSE)", fmt.Sprintf(isKey, t)) +
			") THEN 20 WHEN i.id IN (" + itemsFound(l.Scope, a, text, "part_query("+t+", TRUE)", fmt.Sprintf(beginsKey, t)) +
			") THEN 10 ELSE 0 END + ts_rank(i.words, to_tsquery('simple', " + a.Add(prefixQuery(text)) + ")))::float8"
		return append([]store.SortKey{store.Descending(rank, "float8")}, order...)
	}
}

func narrowItems(l *store.List[trade.Item], f ItemFilter) {
	status := f.Status
	if status == nil {
		status = []trade.ItemStatus{trade.ItemActive, trade.ItemDiscontinued}
	}
	l.And("i.status = ANY(" + l.Args.Add(pq.Array(status)) + ")")
	if f.Categories != nil {
		l.And(`i.category_id IN (WITH RECURSIVE c AS (SELECT id FROM categories WHERE id = ANY(` + l.Args.AddTexts(f.Categories) + `)
			UNION SELECT d.id FROM categories d JOIN c ON d.parent_id = c.id) SELECT id FROM c)`)
	}
	if f.Brands != nil {
		l.And("i.brand = ANY(" + l.Args.AddTexts(f.Brands) + ")")
	}
	for _, at := range f.Attributes {
		var alternatives []string
		for _, v := range at.AnyOf {
			text, _ := json.Marshal([]map[string]string{{"name": at.Name, "value": v}})
			alternatives = append(alternatives, "i.attributes @> "+l.Args.Add(string(text))+"::jsonb")
		}
		l.And("(" + strings.Join(append(alternatives, "FALSE"), " OR ") + ")")
	}
	if f.InStock != nil {
		in := "EXISTS (SELECT FROM stock st WHERE st.item_id = i.id AND st.instance = " + l.Args.Add(f.StockFrom) +
			" AND st.on_hand - st.allocated - st.safety_stock > 0"
		if f.Warehouses != nil {
			in += " AND st.warehouse_id = ANY(" + l.Args.AddTexts(f.Warehouses) + ")"
		}
		l.And(map[bool]string{true: "", false: "NOT "}[*f.InStock] + in + ")")
	}
	if f.Contracted {
		l.And("EXISTS (SELECT FROM contracts k WHERE i.sku = ANY(k.items) AND (k.valid_to IS NULL OR k.valid_to >= current_date) AND " +
			"k.valid_from <= current_date AND " +
			f.ofAccount("k.account_id", l.Scope, &l.Args) + ")")
	}
	if f.OrderedBefore {
		l.And("EXISTS (SELECT FROM order_lines ol WHERE ol.item_id = i.id AND " + f.ofAccount("ol.account_id", l.Scope, &l.Args) + ")")
	}
	if f.ChangedSince != nil {
		l.And("i.received_at > " + l.Args.Add(*f.ChangedSince))
	}
}

// Facets are the ways to narrow a list of items: by category, brand and
// attributes, each with its most frequent values.
func Facets(ctx context.Context, s *store.Store, l *store.List[trade.Item]) ([]*trade.ItemFacet, error) {
	a := store.Args{List: append([]any(nil), l.Args.List...)}
	query := `WITH found AS (SELECT i.id, i.brand, i.status, i.category_id, i.attributes ` + string(l.FromClause(nil, &a, "")) + `),
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
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
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
