package replication

import (
	"context"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

const documents = "jsonb_array_elements($1::jsonb) WITH ORDINALITY AS r(j, n)"

var saveWarehouses = saving[trade.Warehouse]{
	kind: "warehouses", table: "warehouses", col: "code", key: func(w *trade.Warehouse) string { return w.Code },
	prov: func(w *trade.Warehouse) *trade.Provenance { return &w.Provenance },
	head: `INSERT INTO warehouses AS t (code, name, location, cutoff, ` + provenanceColumns + `)
		SELECT j ->> 'Code', j ->> 'Name', j -> 'Location', j ->> 'Cutoff', ` + provenanceValues + ` FROM ` + documents + `
		ON CONFLICT (code) DO UPDATE SET name = excluded.name, location = excluded.location, cutoff = excluded.cutoff, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING code AS key, ` + added,
}

// SaveWarehouses saves warehouses.
func SaveWarehouses(ctx context.Context, tx *store.Tx, records []trade.Warehouse) ([]operating.RejectedRecord, error) {
	return saveWarehouses.save(ctx, tx, records)
}

// adopt sets the parents of a batch's rows, and makes its rows the parents of
// those that came before them, for a source tells children and parents in any
// order. keyPath is where a document has the key.
func adopt(table, key, keyPath string) string {
	batch := "(SELECT " + keyPath + " FROM " + documents + ")"
	return `UPDATE ` + table + ` c SET parent_id = p.id FROM ` + table + ` x LEFT JOIN ` + table + ` p ON p.` + key +
		` = x.parent_key AND p.id <> x.id
		WHERE c.id = x.id AND c.parent_id IS DISTINCT FROM p.id AND (x.` + key + ` IN ` + batch + ` OR x.parent_key IN ` + batch + `)`
}

var saveCategories = saving[trade.Category]{
	kind: "categories", table: "categories", col: "code", key: func(c *trade.Category) string { return c.Code },
	prov:  func(c *trade.Category) *trade.Provenance { return &c.Provenance },
	chain: "parent_key", next: func(c *trade.Category) string { return c.ParentRef.Key },
	head: `INSERT INTO categories AS t (code, name, position, parent_key, ` + provenanceColumns + `)
		SELECT j ->> 'Code', j ->> 'Name', (j ->> 'Position')::int, nullif(j #>> '{ParentRef,key}', ''), ` + provenanceValues + ` FROM ` +
		documents + `
		ON CONFLICT (code) DO UPDATE SET name = excluded.name, position = excluded.position, parent_key = excluded.parent_key, ` +
		setProvenance + `
		WHERE ` + newer + ` RETURNING code AS key, ` + added,
	parts: []string{adopt("categories", "code", "j ->> 'Code'")},
}

// SaveCategories saves categories.
func SaveCategories(ctx context.Context, tx *store.Tx, records []trade.Category) ([]operating.RejectedRecord, error) {
	return saveCategories.save(ctx, tx, records)
}

var savePartners = saving[procurement.TradingPartner]{
	kind: "suppliers", table: "trading_partners", col: "code", key: func(p *procurement.TradingPartner) string { return p.Code },
	prov:    func(p *procurement.TradingPartner) *trade.Provenance { return &p.Provenance },
	keyPath: "j ->> 'Code'", capability: operating.PurchaseOrders, others: map[string][2]string{"gln": {"gln", "j ->> 'GLN'"}},
	head: `INSERT INTO trading_partners AS t (code, name, gln, ` + provenanceColumns + `)
		SELECT j ->> 'Code', j ->> 'Name', j ->> 'GLN', ` + provenanceValues + ` FROM ` + documents + `
		ON CONFLICT (code) DO UPDATE SET name = excluded.name, gln = excluded.gln, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING code AS key, ` + added,
}

// SaveSuppliers saves trading partners.
func SaveSuppliers(ctx context.Context, tx *store.Tx, records []procurement.TradingPartner) ([]operating.RejectedRecord, error) {
	return savePartners.save(ctx, tx, records)
}

var saveAccounts = saving[trade.Account]{
	kind: "accounts", table: "accounts", col: "number", key: func(a *trade.Account) string { return a.Number }, prov: (*trade.Account).From,
	chain: "parent_key", next: func(a *trade.Account) string { return a.ParentRef.Key },
	head: `INSERT INTO accounts AS t (number, name, status, currency, payment_terms, delivery_terms, tax_category, parent_key, ` +
		provenanceColumns + `)
		SELECT j ->> 'Number', j ->> 'Name', j ->> 'Status', j ->> 'Currency', nullif(j -> 'PaymentTerms', 'null'),
		nullif(j -> 'DeliveryTerms', 'null'),
			j ->> 'TaxCategory', nullif(j #>> '{ParentRef,key}', ''), ` + provenanceValues + ` FROM ` + documents + `
		ON CONFLICT (number) DO UPDATE SET name = excluded.name, status = excluded.status, currency = excluded.currency,
			payment_terms = excluded.payment_terms, delivery_terms = excluded.delivery_terms, tax_category = excluded.tax_category,
			parent_key = excluded.parent_key, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING number AS key, ` + added,
	clear: []string{
		`DELETE FROM account_items x USING ` + documents + ` JOIN accounts a ON a.number = j ->> 'Number' WHERE x.account_id = a.id`,
	},
	parts: []string{
		adopt("accounts", "number", "j ->> 'Number'"),
		`INSERT INTO account_locations AS t (account_id, code, roles, address, warehouse_id)
			SELECT a.id, l ->> 'Code', ARRAY(SELECT jsonb_array_elements_text(l -> 'Roles')), l -> 'Address', w.id
			FROM ` + documents + ` JOIN accounts a ON a.number = j ->> 'Number', jsonb_array_elements(nullif(j -> 'Locations', 'null')) l
			LEFT JOIN warehouses w ON w.code = l #>> '{WarehouseRef,key}'
			ON CONFLICT (account_id, code) DO UPDATE SET roles = excluded.roles, address = excluded.address, warehouse_id = excluded.warehouse_id`,
		`INSERT INTO account_items (account_id, sku, part_number)
			SELECT a.id, e.key, e.value FROM ` + documents +
			` JOIN accounts a ON a.number = j ->> 'Number', jsonb_each_text(nullif(j -> 'PartNumbers', 'null')) e`,
	},
}

// SaveAccounts saves accounts with their locations and part numbers.
func SaveAccounts(ctx context.Context, tx *store.Tx, records []trade.Account) ([]operating.RejectedRecord, error) {
	return saveAccounts.save(ctx, tx, records)
}

var saveCalendars = saving[trade.Calendar]{
	// A location does not say which instance its calendar is of.
	kind: "calendars", table: `(SELECT a.number || '/' || l.code AS key, l.calendar_seq AS sequence, NULL::text AS instance
		FROM account_locations l JOIN accounts a ON a.id = l.account_id)`,
	col:  "key",
	key:  func(c *trade.Calendar) string { return c.AccountRef.Key + "/" + c.Location },
	prov: func(c *trade.Calendar) *trade.Provenance { return &c.Provenance },
	head: `UPDATE account_locations l SET delivery_days = ARRAY(SELECT jsonb_array_elements_text(j -> 'DeliveryDays')),
			closed_on = ARRAY(SELECT jsonb_array_elements_text(j -> 'ClosedOn')::date), calendar_seq = (j #>> '{Provenance,Sequence}')::bigint
		FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		WHERE l.account_id = a.id AND l.code = j ->> 'Location' AND l.calendar_seq <= (j #>> '{Provenance,Sequence}')::bigint
		RETURNING a.number || '/' || l.code AS key, FALSE AS added`,
}

// SaveCalendars saves when locations receive goods.
func SaveCalendars(ctx context.Context, tx *store.Tx, records []trade.Calendar) ([]operating.RejectedRecord, error) {
	return saveCalendars.save(ctx, tx, records)
}

var saveCredit = saving[trade.CreditPosition]{
	kind: "credit", table: "(SELECT a.number, c.instance, c.sequence FROM credit_positions c JOIN accounts a ON a.id = c.account_id)",
	col: "number",
	key: func(c *trade.CreditPosition) string { return c.AccountRef.Key }, prov: (*trade.CreditPosition).From,
	head: `WITH saved AS (INSERT INTO credit_positions AS t (account_id, currency, credit_limit, exposure, on_hold, hold_reason, ` +
		provenanceColumns + `)
		SELECT a.id, j #>> '{Exposure,currency}', (j #>> '{Limit,amount}')::numeric, (j #>> '{Exposure,amount}')::numeric,
		(j ->> 'OnHold')::boolean,
			j ->> 'HoldReason', ` + provenanceValues + ` FROM ` + documents + ` JOIN accounts a ON a.number = j #>> '{AccountRef,key}'
		ON CONFLICT (account_id) DO UPDATE SET currency = excluded.currency, credit_limit = excluded.credit_limit, exposure = excluded.exposure,
			on_hold = excluded.on_hold, hold_reason = excluded.hold_reason, ` + setProvenance + `
		WHERE ` + newer + ` RETURNING account_id)
		SELECT a.number AS key, FALSE AS added FROM saved JOIN accounts a ON a.id = saved.account_id`,
}

// SaveCredit saves credit positions.
func SaveCredit(ctx context.Context, tx *store.Tx, records []trade.CreditPosition) ([]operating.RejectedRecord, error) {
	return saveCredit.save(ctx, tx, records)
}
