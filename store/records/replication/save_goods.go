package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

var saveContracts = saving[trade.Contract]{
	kind: "contracts", table: "contracts", col: "number", key: func(c *trade.Contract) string { return c.Number },
	prov: func(c *trade.Contract) *trade.Provenance { return &c.Provenance },
	head: `INSERT INTO contracts AS t (number, account_id, valid_from, valid_to, items, ` + provenanceColumns + `)
		SELECT j ->> 'Number', a.id, (j ->> 'ValidFrom')::date, (j ->> 'ValidTo')::date,
		ARRAY(SELECT jsonb_array_elements_text(nullif(j -> 'Items', 'null'))), ` + provenanceValues + `
		FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		ON CONFLICT (number) DO UPDATE SET account_id = excluded.account_id, valid_from = excluded.valid_from, valid_to = excluded.valid_to,
			items = excluded.items, ` + setProvenance + ` WHERE ` + newer + ` RETURNING number AS key, ` + added,
}

// SaveContracts saves contracts.
func SaveContracts(ctx context.Context, tx *store.Tx, records []trade.Contract) ([]operating.RejectedRecord, error) {
	return saveContracts.save(ctx, tx, records)
}

var saveItems = saving[trade.Item]{
	kind: "items", table: "items", col: "sku", key: func(i *trade.Item) string { return i.SKU }, prov: (*trade.Item).From,
	chain: "replaced_by", next: func(i *trade.Item) string { return i.ReplacedByRef.Key },
	keyPath: "j ->> 'SKU'", capability: operating.Items, others: map[string][2]string{"gtin": {"gtin", "j ->> 'GTIN'"}},
	head: `INSERT INTO items AS t (sku, gtin, name, description, brand, identifiers, category_id, base_unit, status, replaced_by,
		substitutes, attributes,
			documents, country_of_origin, commodity_code, ` + provenanceColumns + `)
		SELECT j ->> 'SKU', j ->> 'GTIN', j ->> 'Name', j ->> 'Description', j ->> 'Brand', j -> 'Identifiers', c.id, j ->> 'BaseUnit',
		j ->> 'Status',
			nullif(j #>> '{ReplacedByRef,key}', ''), ARRAY(SELECT jsonb_array_elements_text(nullif(j -> 'SubstituteRefs', 'null')) LIMIT 20),
			j -> 'Attributes',
			j -> 'DocumentRefs', j ->> 'CountryOfOrigin', j ->> 'CommodityCode', ` + provenanceValues + `
		FROM ` + documents + ` LEFT JOIN categories c ON c.code = j #>> '{CategoryRef,key}'
		ON CONFLICT (sku) DO UPDATE SET gtin = excluded.gtin, name = excluded.name, description = excluded.description, brand = excluded.brand,
			identifiers = excluded.identifiers, category_id = excluded.category_id, base_unit = excluded.base_unit, status = excluded.status,
			replaced_by = excluded.replaced_by, substitutes = excluded.substitutes, attributes = excluded.attributes, documents = excluded.documents,
			country_of_origin = excluded.country_of_origin, commodity_code = excluded.commodity_code, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING sku AS key, ` + added,
	clear: []string{
		`DELETE FROM item_units u USING ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU' WHERE u.item_id = i.id`,
		// What suppliers announced of one that stays is not lost.
		`DELETE FROM supplier_items s USING ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU' WHERE s.item_id = i.id
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(nullif(j -> 'SuppliersKnown', 'null')) x
			WHERE x #>> '{SupplierRef,key}' = s.supplier_code)`,
	},
	parts: []string{
		`INSERT INTO item_units (item_id, unit, base_quantity, gtin, orderable, minimum, multiple, maximum)
			SELECT i.id, u ->> 'Unit', (u ->> 'BaseQuantity')::numeric, u ->> 'GTIN', (u ->> 'Orderable')::boolean, (u ->> 'Minimum')::numeric,
				(u ->> 'Multiple')::numeric, (u ->> 'Maximum')::numeric
			FROM ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU', jsonb_array_elements(nullif(j -> 'UnitsKnown', 'null')) u`,
		`INSERT INTO supplier_items AS t (item_id, supplier_code, position, supplier_part_number, lead_time_days, minimum, unit)
			SELECT i.id, x #>> '{SupplierRef,key}', y.place, x ->> 'SupplierPartNumber', (x ->> 'LeadTimeDays')::int,
			(x #>> '{MinimumQuantity,value}')::numeric, x #>> '{MinimumQuantity,unit}'
			FROM ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU', jsonb_array_elements(nullif(j -> 'SuppliersKnown',
			'null')) WITH ORDINALITY AS y(x, place)
			ON CONFLICT (item_id, supplier_code) DO UPDATE SET position = excluded.position, supplier_part_number = excluded.supplier_part_number,
				lead_time_days = excluded.lead_time_days, minimum = excluded.minimum, unit = excluded.unit
			WHERE (t.position, t.supplier_part_number, t.lead_time_days, t.minimum, t.unit) IS DISTINCT FROM
				(excluded.position, excluded.supplier_part_number, excluded.lead_time_days, excluded.minimum, excluded.unit)`,
		// In order, so that two that save the same new words wait for each other and do not lock.
		`INSERT INTO item_vocabulary (word) SELECT DISTINCT u.lexeme FROM ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU', unnest(i.words) u
			WHERE u.lexeme ~ '^[a-z]{4,30}$' AND NOT EXISTS (SELECT FROM item_vocabulary v WHERE v.word = u.lexeme) ORDER BY 1
			ON CONFLICT DO NOTHING`,
	},
}

// SaveItems saves items with their units and suppliers.
func SaveItems(ctx context.Context, tx *store.Tx, records []trade.Item) ([]operating.RejectedRecord, error) {
	return saveItems.save(ctx, tx, records)
}

var saveStock = saving[trade.Stock]{
	kind: "stock", table: "(SELECT i.sku || ' ' || w.code || ' ' || x.instance AS key, x.instance, x.sequence FROM stock x " +
		"JOIN items i ON i.id = x.item_id JOIN " +
		"warehouses w ON w.id = x.warehouse_id)", col: "key",
	key: func(s *trade.Stock) string {
		return s.ItemRef.Key + " " + s.WarehouseRef.Key + " " + s.Provenance.Instance
	},
	prov: func(s *trade.Stock) *trade.Provenance { return &s.Provenance },
	head: `WITH saved AS (INSERT INTO stock AS t (item_id, warehouse_id, unit, on_hand, allocated, safety_stock, ` + provenanceColumns + `)
		SELECT i.id, w.id, j ->> 'Unit', (j ->> 'OnHand')::numeric, (j ->> 'Allocated')::numeric, (j ->> 'SafetyStock')::numeric, ` +
		provenanceValues + `
		FROM ` + documents + ` JOIN items i ON i.sku = j #>> '{ItemRef,key}' JOIN warehouses w ON w.code = j #>> '{WarehouseRef,key}'
		ON CONFLICT (item_id, warehouse_id, instance) DO UPDATE SET unit = excluded.unit, on_hand = excluded.on_hand,
		allocated = excluded.allocated,
			safety_stock = excluded.safety_stock, ` + setProvenance + ` WHERE ` + newer + ` RETURNING item_id, warehouse_id, instance)
		SELECT i.sku || ' ' || w.code || ' ' || saved.instance AS key, FALSE AS added FROM saved JOIN items i ON i.id = saved.item_id
		JOIN warehouses w ON w.id = saved.warehouse_id`,
}

// SaveStock saves stock.
func SaveStock(ctx context.Context, tx *store.Tx, records []trade.Stock) ([]operating.RejectedRecord, error) {
	if store.IsQuiet(ctx) || len(records) == 0 {
		return saveStock.save(ctx, tx, records)
	}
	before, err := readStockBefore(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	rejected, err := saveStock.save(ctx, tx, records)
	if err != nil {
		return rejected, err
	}
	return rejected, logStockChanges(ctx, tx, before, records)
}

// stockOf is the stock that one source counts of an item, in all warehouses.
type stockOf struct{ sku, instance string }

type stockBefore struct {
	trade.Stock
	ItemStatus                    trade.ItemStatus
	SKU, Code, Instance, BaseUnit string
	Sequence                      int64
}

// readStockBefore reads what is held of the items of records, by the source that counts.
func readStockBefore(ctx context.Context, tx *store.Tx, records []trade.Stock) (map[stockOf][]*stockBefore, error) {
	skus, instances := make([]string, len(records)), make([]string, len(records))
	for i := range records {
		skus[i], instances[i] = records[i].ItemRef.Key, records[i].Provenance.Instance
	}
	const query = `
		SELECT i.sku, i.status AS item_status, i.base_unit, w.code, st.instance, st.sequence, st.on_hand, st.allocated, st.safety_stock
		FROM stock st JOIN items i ON i.id = st.item_id JOIN warehouses w ON w.id = st.warehouse_id WHERE i.sku = ANY($1)
		AND st.instance = ANY($2)`
	var rows []*stockBefore
	if err := tx.Select(ctx, &rows, query, store.TextArray(skus), store.TextArray(instances)); err != nil {
		return nil, fmt.Errorf("stock: %w", err)
	}
	before := map[stockOf][]*stockBefore{}
	for _, r := range rows {
		of := stockOf{r.SKU, r.Instance}
		before[of] = append(before[of], r)
	}
	return before, nil
}

// logStockChanges writes into the log of which items the figures are others now, and what their
// stock was in one word.
func logStockChanges(ctx context.Context, tx *store.Tx, before map[stockOf][]*stockBefore, records []trade.Stock) error {
	type change struct {
		SKU        string             `json:"SKU"`
		Warehouses []string           `json:"Warehouses"`
		Before     *trade.StockStatus `json:"Before"`
	}
	changed := map[stockOf]*change{}
	for i := range records {
		r := &records[i]
		of := stockOf{r.ItemRef.Key, r.Provenance.Instance}
		held := before[of]
		at := slices.IndexFunc(held, func(b *stockBefore) bool { return b.Code == r.WarehouseRef.Key })
		if at >= 0 && (held[at].Sequence > r.Provenance.Sequence ||
			held[at].OnHand.Equal(r.OnHand) && held[at].Allocated.Equal(r.Allocated) && held[at].SafetyStock.Equal(r.SafetyStock)) {
			continue
		}
		c := changed[of]
		if c == nil {
			c = &change{SKU: of.sku}
			if len(held) > 0 {
				figures := make([]*trade.Stock, len(held))
				for i, b := range held {
					figures[i] = &b.Stock
				}
				c.Before = &trade.AvailabilityOf(&trade.Item{Status: held[0].ItemStatus, BaseUnit: held[0].BaseUnit}, figures).Status
			}
			changed[of] = c
		}
		c.Warehouses = append(c.Warehouses, r.WarehouseRef.Key)
	}
	if len(changed) == 0 {
		return nil
	}
	document, err := json.Marshal(slices.Collect(maps.Values(changed)))
	if err != nil {
		return fmt.Errorf("stock: %w", err)
	}
	const query = `
		SELECT log_change('AVAILABILITY', i.id, NULL, NULL, ARRAY(SELECT w.id FROM warehouses w
		WHERE w.code IN (SELECT jsonb_array_elements_text(j -> 'Warehouses'))), j ->> 'Before')
		FROM jsonb_array_elements($1::jsonb) j JOIN items i ON i.sku = j ->> 'SKU'`
	if _, err := tx.Exec(ctx, query, string(document)); err != nil {
		return fmt.Errorf("changed stock: %w", err)
	}
	return nil
}
