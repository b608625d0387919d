// Package trade holds the business types of a distributor, their rules and
// state machines. It does no I/O and knows neither GraphQL nor SQL statements;
// every layer speaks it.
//
// Optional values are pointers. A document as a source tells it carries its
// lines; the same document read from the store carries its header only, and
// its lines are read beside it, in batches.
package trade

// Ref names another record: by Portico's own id, by the natural key the trade
// uses (an account number, a sku), or by both. The zero Ref names nothing.
type Ref struct {
	ID  string `json:"id,omitempty"`
	Key string `json:"key,omitempty"`
}

// Key is the Ref of a record known by its natural key alone.
func Key(key string) Ref { return Ref{Key: key} }

// Node is anything with a global id.
type Node interface{ NodeID() string }

// Sourced is anything that was read from a source system.
type Sourced interface{ From() *Provenance }

// These are the records that other graphs may refer to, by id or by natural key.

// IsEntity says that other graphs may refer to it.
func (*Account) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Item) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Order) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Invoice) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*PurchaseOrder) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Shipment) IsEntity() {}
