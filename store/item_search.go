package store

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lib/pq"

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
	sku := ascending("i.sku", "text")
	l.order = []sortKey{sku}
	switch sort {
	case trade.ItemsByName:
		l.order = []sortKey{ascending("i.name", "text"), sku}
	case trade.ItemsNewest:
		l.order = []sortKey{descending("i.created_at", "timestamptz"), sku}
	case trade.ItemsMostOrdered:
		l.ranking = func(a *args) []sortKey {
			return []sortKey{descending("(SELECT count(*) FROM order_lines ol WHERE ol.item_id = i.id AND "+ownAccount("ol.account_id")(scope, a)+")", "bigint"), sku}
		}
	}
	if f.Search != "" {
		searchItems(l, f.Search, sort)
	}
	narrowItems(l, f)
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

// searchItems narrows a list to the items that words are of, and ranks them where it is asked.
func searchItems(l *List[trade.Item], words string, sort trade.ItemSort) {
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
			return append([]sortKey{descending(rank, "float8")}, order...)
		}
	}
}

func narrowItems(l *List[trade.Item], f ItemFilter) {
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
	if err := s.sel(ctx, nil, &rows, query, a.list...); err != nil {
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
