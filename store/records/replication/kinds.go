package replication

import (
	"fmt"
	"slices"
	"strings"
)

// kind is what the store knows of a kind of record, besides how it is saved.
type kind struct {
	subject string
	// table are its rows, key is the natural key of a row t, and says what the row
	// tells, in the shape in which a source tells it. All are empty where it has no
	// rows of its own: then it is not compared.
	table, key, says string
	// restart makes its versions begin again, where it has no rows of its own.
	restart string
	// others are the keys by which it can be known again when another source tells it.
	others map[string][2]string
}

// kinds are all kinds of records, in the order of a first load.
var kinds = []kind{
	{
		subject: "warehouses", table: "warehouses", key: "t.code",
		says: object("Name", "t.name", "Cutoff", "t.cutoff", "Location", "t.location"),
	},
	{
		subject: "categories", table: "categories", key: "t.code",
		says: object("Name", "t.name", "Position", "t.position", "ParentRef", object("key", "t.parent_key")),
	},
	{
		subject: "suppliers", table: "trading_partners", key: "t.code", others: savePartners.others,
		says: object("Name", "t.name", "GLN", "t.gln"),
	},
	{
		subject: "accounts", table: "accounts", key: "t.number",
		says: object("Name", "t.name", "Status", "t.status", "Currency", "t.currency", "TaxCategory", "t.tax_category",
			"ParentRef", object("key", "t.parent_key"), "PaymentTerms", "t.payment_terms", "DeliveryTerms", "t.delivery_terms",
			"Locations", below(object("Code", "l.code", "Address", "l.address", "WarehouseRef", keyOf("code", "warehouses", "l.warehouse_id")),
				"account_locations l", "l.account_id = t.id", "l.code")),
	},
	{subject: "calendars", restart: "UPDATE account_locations SET calendar_seq = -1"}, // columns of locations
	{
		subject: "credit", table: "credit_positions", key: "(SELECT a.number FROM accounts a WHERE a.id = t.account_id)",
		says: object("Limit", money("t.credit_limit", "t.currency"),
			"Exposure", money("t.exposure", "t.currency"), "OnHold", "t.on_hold", "HoldReason", "t.hold_reason"),
	},
	{
		subject: "items", table: "items", key: "t.sku", others: saveItems.others,
		says: object("GTIN", "t.gtin", "Name", "t.name", "Description", "t.description", "Brand", "t.brand", "BaseUnit", "t.base_unit", "Status",
			"t.status",
			"CategoryRef", keyOf("code", "categories", "t.category_id"), "ReplacedByRef", object("key", "t.replaced_by"), "CountryOfOrigin",
			"t.country_of_origin",
			"CommodityCode", "t.commodity_code", "UnitsKnown",
			below(object("Unit", "u.unit", "BaseQuantity", "u.base_quantity", "GTIN", "u.gtin", "Orderable", "u.orderable",
				"Minimum", "u.minimum", "Multiple", "u.multiple", "Maximum", "u.maximum"), "item_units u", "u.item_id = t.id", "u.unit")),
	},
	{
		subject: "contracts", table: "contracts", key: "t.number",
		says: object("AccountRef", keyOf("number", "accounts", "t.account_id"), "ValidFrom", "t.valid_from", "ValidTo", "t.valid_to", "Items",
			"t.items"),
	},
	{
		subject: "inventory", table: "stock",
		key:  "(SELECT i.sku || ' ' || w.code FROM items i, warehouses w WHERE i.id = t.item_id AND w.id = t.warehouse_id)",
		says: object("Unit", "t.unit", "OnHand", "t.on_hand", "Allocated", "t.allocated", "SafetyStock", "t.safety_stock"),
	},
	{
		subject: "orders", table: "orders", key: "t.number",
		says: object("AccountRef", keyOf("number", "accounts", "t.account_id"), "CustomerPoNumber", "t.customer_po_number",
			"Status", "coalesce(t.source_status, t.status)",
			"Totals", sumsOf("t"), "RequestedDeliveryDate", "t.requested_delivery_date", "PromisedDeliveryDate", "t.promised_delivery_date",
			"PlacedAt", "t.placed_at",
			"LinesKnown", below(object(orderLine...), "order_lines l", "l.order_id = t.id", "l.position")),
	},
	{
		subject: "purchase_orders", table: "purchase_orders", key: "t.number",
		says: object("Revision", "t.revision", "SupplierRef", keyOf("code", "trading_partners", "t.supplier_id"),
			"WarehouseRef", keyOf("code", "warehouses", "t.warehouse_id"), "Status", "t.status", "Totals", sumsOf("t"), "IssuedAt", "t.issued_at",
			"LinesKnown", below(object(purchaseLine...), "purchase_order_lines l", "l.purchase_order_id = t.id", "l.position")),
	},
	{
		subject: "shipments", table: "shipments", key: "t.number",
		says: object("Direction", "t.direction", "AccountRef", keyOf("number", "accounts", "t.account_id"),
			"SupplierRef", keyOf("code", "trading_partners", "t.supplier_id"), "TrackingNumber", "t.tracking_number", "CreatedAt", "t.created_at",
			"PackagesKnown", below(object("Number", "p.number", "TrackingNumber", "p.tracking_number", "SSCC", "p.sscc"), "packages p",
				"p.shipment_id = t.id", "p.number")),
	},
	{subject: "tracking", restart: "UPDATE shipments SET tracked_seq = -1"}, // events are filed and never changed
	{
		subject: "invoices", table: "invoices", key: "t.number",
		says: object("Kind", "t.kind", "AccountRef", keyOf("number", "accounts", "t.account_id"), "IssuedOn", "t.issued_on", "DueOn", "t.due_on",
			"Status", "t.status", "Totals", sumsOf("t"), "Balance", money("t.balance", "t.currency"),
			"LinesKnown", below(object("LineNumber", "l.line_number", "ItemRef", keyOf("sku", "items", "l.item_id"), "Description", "l.description",
				"Quantity", quantity("l.quantity", "l.unit"),
				"UnitPrice", unitPriceOf("l"), "Amount", money("l.amount", "l.currency")), "invoice_lines l", "l.invoice_id = t.id", "l.position")),
	},
	{
		subject: "returns", table: "returns", key: "t.number",
		says: object("OrderRef", keyOf("number", "orders", "t.order_id"), "Status", "t.status", "CreditMemoRef",
			keyOf("number", "invoices", "t.credit_memo_id"),
			"RequestedAt", "t.requested_at", "LinesKnown",
			below(object("OrderLineNumber", "o.line_number", "Quantity", quantity("l.quantity", "l.unit"), "Reason", "l.reason",
				"Received", quantity("l.received", "l.unit")), "return_lines l JOIN order_lines o ON o.id = l.order_line_id", "l.return_id = t.id",
				"l.position")),
	},
}

// Holds tells whether the records of a subject can be read back.
func Holds(subject string) bool { return kindOf(subject).table != "" }

// kindOf is the kind of a subject; one of nothing where there is none.
func kindOf(subject string) kind {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.subject == subject })
	if i < 0 {
		return kind{}
	}
	return kinds[i]
}

// rows are the kind's rows, named t.
func (k kind) rows() string { return k.table + " t" }

// restarting is a statement that makes the versions of a source's records begin again.
func (k kind) restarting(instance string) string {
	if k.table == "" {
		return k.restart
	}
	return fmt.Sprintf("UPDATE %s SET sequence = -1 WHERE instance = '%s'", k.table, strings.ReplaceAll(instance, "'", "''"))
}

// CheckMatching fails where records are to be known again by a key that is none of theirs.
func CheckMatching(by map[string]string) error {
	for subject, key := range by {
		if _, ok := kindOf(subject).others[key]; !ok {
			return fmt.Errorf("match: %s cannot be matched by %q: items can by gtin, suppliers by gln", subject, key)
		}
	}
	return nil
}
