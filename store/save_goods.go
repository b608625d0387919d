package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"portico/trade"
)

var saveContracts = saving[trade.Contract]{
	kind: "contracts", table: "contracts", col: "number", key: func(c *trade.Contract) string { return c.Number },
	prov: func(c *trade.Contract) *trade.Provenance { return &c.Provenance },
	head: `INSERT INTO contracts AS t (number, account_id, valid_from, valid_to, items, ` + told + `)
		SELECT j ->> 'Number', a.id, (j ->> 'ValidFrom')::date, (j ->> 'ValidTo')::date, ARRAY(SELECT jsonb_array_elements_text(nullif(j -> 'Items', 'null'))), ` + toldFrom + `
		FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		ON CONFLICT (number) DO UPDATE SET account_id = excluded.account_id, valid_from = excluded.valid_from, valid_to = excluded.valid_to,
			items = excluded.items, ` + toldAgain + ` WHERE ` + newer + ` RETURNING number`,
}

// SaveContracts saves contracts.
func (s *Store) SaveContracts(ctx context.Context, tx *sqlx.Tx, records []trade.Contract) ([]trade.RejectedRecord, error) {
	return saveContracts.save(ctx, s, tx, records)
}

var saveItems = saving[trade.Item]{
	kind: "items", table: "items", col: "sku", key: func(i *trade.Item) string { return i.SKU }, prov: (*trade.Item).From,
	keyPath: "j ->> 'SKU'", capability: trade.Items, others: map[string][2]string{"gtin": {"gtin", "j ->> 'GTIN'"}},
	head: `INSERT INTO items AS t (sku, gtin, name, description, brand, identifiers, category_id, base_unit, status, replaced_by, substitutes, attributes,
			documents, country_of_origin, commodity_code, ` + told + `)
		SELECT j ->> 'SKU', j ->> 'GTIN', j ->> 'Name', j ->> 'Description', j ->> 'Brand', j -> 'Identifiers', c.id, j ->> 'BaseUnit', j ->> 'Status',
			nullif(j #>> '{ReplacedByRef,key}', ''), ARRAY(SELECT jsonb_array_elements_text(nullif(j -> 'SubstituteRefs', 'null')) LIMIT 20), j -> 'Attributes',
			j -> 'DocumentRefs', j ->> 'CountryOfOrigin', j ->> 'CommodityCode', ` + toldFrom + `
		FROM ` + documents + ` LEFT JOIN categories c ON c.code = j #>> '{CategoryRef,key}'
		ON CONFLICT (sku) DO UPDATE SET gtin = excluded.gtin, name = excluded.name, description = excluded.description, brand = excluded.brand,
			identifiers = excluded.identifiers, category_id = excluded.category_id, base_unit = excluded.base_unit, status = excluded.status,
			replaced_by = excluded.replaced_by, substitutes = excluded.substitutes, attributes = excluded.attributes, documents = excluded.documents,
			country_of_origin = excluded.country_of_origin, commodity_code = excluded.commodity_code, ` + toldAgain + `
		WHERE ` + newer + ` RETURNING sku`,
	parts: []string{
		`DELETE FROM item_units u USING ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU' WHERE u.item_id = i.id`,
		`INSERT INTO item_units (item_id, unit, base_quantity, gtin, orderable, minimum, multiple, maximum)
			SELECT i.id, u ->> 'Unit', (u ->> 'BaseQuantity')::numeric, u ->> 'GTIN', (u ->> 'Orderable')::boolean, (u ->> 'Minimum')::numeric,
				(u ->> 'Multiple')::numeric, (u ->> 'Maximum')::numeric
			FROM ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU', jsonb_array_elements(nullif(j -> 'UnitsKnown', 'null')) u`,
		// What suppliers announced of one that stays is not lost.
		`DELETE FROM supplier_items s USING ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU' WHERE s.item_id = i.id
			AND NOT EXISTS (SELECT FROM jsonb_array_elements(nullif(j -> 'SuppliersKnown', 'null')) x WHERE x #>> '{SupplierRef,key}' = s.supplier_code)`,
		`INSERT INTO supplier_items AS t (item_id, supplier_code, position, supplier_part_number, lead_time_days, minimum, unit)
			SELECT i.id, x #>> '{SupplierRef,key}', y.place, x ->> 'SupplierPartNumber', (x ->> 'LeadTimeDays')::int, (x #>> '{MinimumQuantity,value}')::numeric, x #>> '{MinimumQuantity,unit}'
			FROM ` + documents + ` JOIN items i ON i.sku = j ->> 'SKU', jsonb_array_elements(nullif(j -> 'SuppliersKnown', 'null')) WITH ORDINALITY AS y(x, place)
			ON CONFLICT (item_id, supplier_code) DO UPDATE SET position = excluded.position, supplier_part_number = excluded.supplier_part_number,
				lead_time_days = excluded.lead_time_days, minimum = excluded.minimum, unit = excluded.unit
			WHERE (t.position, t.supplier_part_number, t.lead_time_days, t.minimum, t.unit) IS DISTINCT FROM
				(excluded.position, excluded.supplier_part_number, excluded.lead_time_days, excluded.minimum, excluded.unit)`,
	},
}

// SaveItems saves items with their units and suppliers.
func (s *Store) SaveItems(ctx context.Context, tx *sqlx.Tx, records []trade.Item) ([]trade.RejectedRecord, error) {
	return saveItems.save(ctx, s, tx, records)
}

var saveStock = saving[trade.Stock]{
	kind: "stock", table: "(SELECT i.sku || ' ' || w.code || ' ' || x.instance AS key FROM stock x JOIN items i ON i.id = x.item_id JOIN warehouses w ON w.id = x.warehouse_id)", col: "key",
	key: func(s *trade.Stock) string {
		return s.ItemRef.Key + " " + s.WarehouseRef.Key + " " + s.Provenance.Instance
	},
	prov: func(s *trade.Stock) *trade.Provenance { return &s.Provenance },
	head: `WITH saved AS (INSERT INTO stock AS t (item_id, warehouse_id, unit, on_hand, allocated, safety_stock, ` + told + `)
		SELECT i.id, w.id, j ->> 'Unit', (j ->> 'OnHand')::numeric, (j ->> 'Allocated')::numeric, (j ->> 'SafetyStock')::numeric, ` + toldFrom + `
		FROM ` + documents + ` JOIN items i ON i.sku = j #>> '{ItemRef,key}' JOIN warehouses w ON w.code = j #>> '{WarehouseRef,key}'
		ON CONFLICT (item_id, warehouse_id, instance) DO UPDATE SET unit = excluded.unit, on_hand = excluded.on_hand, allocated = excluded.allocated,
			safety_stock = excluded.safety_stock, ` + toldAgain + ` WHERE ` + newer + ` RETURNING item_id, warehouse_id, instance)
		SELECT i.sku || ' ' || w.code || ' ' || saved.instance FROM saved JOIN items i ON i.id = saved.item_id JOIN warehouses w ON w.id = saved.warehouse_id`,
}

// SaveStock saves stock.
func (s *Store) SaveStock(ctx context.Context, tx *sqlx.Tx, records []trade.Stock) ([]trade.RejectedRecord, error) {
	return saveStock.save(ctx, s, tx, records)
}
