package ordering

// ChangedField is a field of an order that counts as changed when one of its values is another one.
type ChangedField struct {
	Name   string   // as a version conflict returns it
	Values []string // of the order or its line, by the columns that hold them
}

// ChangedFields are the fields of an order whose changes are noted version by version: who writes against an older version
// is refused, and told which of them changed since. Subscribers are told of an order when one of them changes.
//
// The database notes them, in the functions note_order_change and log_orders, for only a trigger knows the row that an
// upsert has replaced. A test holds both to this list: a migration goes with each change of it.
var ChangedFields = []ChangedField{
	{"status", []string{"status"}},
	{"number", []string{"number"}},
	{"holds", []string{"holds"}},
	{"totals", []string{"subtotal", "tax", "freight", "total"}},
	{"requestedDeliveryDate", []string{"requested_delivery_date"}},
	{"promisedDeliveryDate", []string{"promised_delivery_date"}},
	{"shipToAddress", []string{"ship_to_address"}},
	{"operation", []string{"changes"}}, // a write of ours
}

// ChangedLines is the field for all lines of an order: they are noted when one of these values of a line changes, by the
// trigger note_change of order_lines.
var ChangedLines = ChangedField{"lines", []string{"ordered", "confirmed", "backordered", "cancelled", "shipped", "price"}}

// StreamedLineValues are the values of a line of an order of whose changes subscribers are told, by log_order_lines: those
// that are noted, and what else shows how far the line has come.
var StreamedLineValues = []string{
	"status", "item_id", "price", "price_per", "ordered", "confirmed", "allocated", "backordered", "shipped", "delivered", "invoiced",
	"cancelled", "returned",
}
