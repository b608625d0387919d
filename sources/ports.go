package sources

import (
	"context"
	"slices"

	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// Port is all that is known of a kind of record, or of a question, that is routed by itself.
type Port struct {
	Subject    Subject
	Capability operating.Capability // that portals know it under

	field  string                // the part of its capability's records that it is; none where it is the records themselves
	split  split                 // how it is shared out while its capability moves
	policy operating.Stewardship // where the configuration says nothing
	serves func(Adapter) bool
	read   func(ctx context.Context, a Adapter, q Query) (Page[Record], error) // nil for a question
}

// Record is a record of any kind: a pointer to it, its natural key and whence it is.
type Record struct {
	Value any
	Key   string
	From  *trade.Provenance
}

// Records is a kind of which records are read, page by page, by a port. Account is nil where
// a record is the same for all accounts.
type Records[P Adapter, T any] struct {
	Port
	Read    func(p P, ctx context.Context, q Query) (Page[T], error)
	From    func(*T) *trade.Provenance
	Key     func(*T) string
	Account func(*T) string
}

// split is how a subject is shared out while its capability moves.
type split int

const (
	whole     split = iota // its records are the same for all accounts: it moves at once
	byAccount              // each record, or answer, is of an account, whose share decides
	byReader               // it is copied from both, and who reads decides
)

// ports are all of them, in the order of a first load: what refers comes after what it refers
// to. Each enters where it is declared below.
var ports []Port

// Kinds of records, each with its port, in the order of a first load.
var (
	WarehouseRecords = records(Records[Warehouses, trade.Warehouse]{
		Port: Port{Subject: OfWarehouses, Capability: operating.Inventory, field: "warehouse", policy: decides("logistics")},
		Read: Warehouses.Warehouses, From: func(r *trade.Warehouse) *trade.Provenance { return &r.Provenance },
		Key: func(r *trade.Warehouse) string { return r.Code },
	})
	CategoryRecords = records(Records[Categories, trade.Category]{
		Port: Port{Subject: OfCategories, Capability: operating.Items, field: "category", policy: decides("product data")},
		Read: Categories.Categories, From: func(r *trade.Category) *trade.Provenance { return &r.Provenance },
		Key: func(r *trade.Category) string { return r.Code },
	})
	SupplierRecords = records(Records[Suppliers, procurement.TradingPartner]{
		Port: Port{Subject: OfSuppliers, Capability: operating.PurchaseOrders, field: "supplier", policy: decides("purchasing")},
		Read: Suppliers.Suppliers, From: func(r *procurement.TradingPartner) *trade.Provenance { return &r.Provenance },
		Key: func(r *procurement.TradingPartner) string { return r.Code },
	})
	AccountRecords = records(Records[Accounts, trade.Account]{
		Port: Port{Subject: OfAccounts, Capability: operating.Accounts, split: byAccount, policy: decides("customer data")},
		Read: Accounts.Accounts, From: (*trade.Account).From,
		Key: func(r *trade.Account) string { return r.Number }, Account: func(r *trade.Account) string { return r.Number },
	})
	CalendarRecords = records(Records[Calendars, trade.Calendar]{
		Port: Port{
			Subject: OfCalendars, Capability: operating.Accounts, split: byAccount, field: "locations.deliveryDays", policy: owned("customer data"),
		},
		Read: Calendars.Calendars, From: func(r *trade.Calendar) *trade.Provenance { return &r.Provenance },
		Key:     func(r *trade.Calendar) string { return r.AccountRef.Key + "/" + r.Location },
		Account: func(r *trade.Calendar) string { return r.AccountRef.Key },
	})
	CreditRecords = records(Records[Credit, trade.CreditPosition]{
		Port: Port{Subject: OfCredit, Capability: operating.Accounts, split: byAccount, field: "credit", policy: owned("finance")},
		Read: Credit.Credit, From: (*trade.CreditPosition).From,
		Key:     func(r *trade.CreditPosition) string { return r.AccountRef.Key },
		Account: func(r *trade.CreditPosition) string { return r.AccountRef.Key },
	})
	ItemRecords = records(Records[Items, trade.Item]{
		Port: Port{Subject: OfItems, Capability: operating.Items, policy: decides("product data")},
		Read: Items.Items, From: (*trade.Item).From, Key: func(r *trade.Item) string { return r.SKU },
	})
	ContractRecords = records(Records[Contracts, trade.Contract]{
		Port: Port{Subject: OfContracts, Capability: operating.Pricing, split: byAccount, field: "contract", policy: owned("pricing")},
		Read: Contracts.Contracts, From: func(r *trade.Contract) *trade.Provenance { return &r.Provenance },
		Key: func(r *trade.Contract) string { return r.Number }, Account: func(r *trade.Contract) string { return r.AccountRef.Key },
	})
	StockRecords = records(Records[Inventory, trade.Stock]{
		Port: Port{Subject: OfStock, Capability: operating.Inventory, split: byReader, policy: owned("logistics")},
		Read: Inventory.Stock, From: func(r *trade.Stock) *trade.Provenance { return &r.Provenance },
		Key: func(r *trade.Stock) string { return r.ItemRef.Key + " " + r.WarehouseRef.Key },
	})
	OrderRecords = records(Records[Orders, trade.Order]{
		Port: Port{Subject: OfOrders, Capability: operating.Orders, split: byAccount, policy: owned("customer service")},
		Read: Orders.Orders, From: (*trade.Order).From,
		Key: func(r *trade.Order) string { return *r.Number }, Account: func(r *trade.Order) string { return r.AccountRef.Key },
	})
	PurchaseOrderRecords = records(Records[PurchaseOrders, trade.PurchaseOrder]{
		Port: Port{Subject: OfPurchaseOrders, Capability: operating.PurchaseOrders, policy: owned("purchasing")},
		Read: PurchaseOrders.PurchaseOrders, From: (*trade.PurchaseOrder).From, Key: func(r *trade.PurchaseOrder) string { return r.Number },
	})
	ShipmentRecords = records(Records[Shipments, trade.Shipment]{
		Port: Port{Subject: OfShipments, Capability: operating.TrackingOf, policy: owned("logistics")},
		Read: Shipments.Shipments, From: (*trade.Shipment).From, Key: func(r *trade.Shipment) string { return r.Number },
	})
	TrackingRecords = records(Records[Tracking, trade.Tracking]{
		Port: Port{Subject: OfTracking, Capability: operating.TrackingOf, field: "events", policy: owned("logistics")},
		Read: Tracking.Tracking, From: func(r *trade.Tracking) *trade.Provenance { return &r.Provenance },
		Key: func(r *trade.Tracking) string { return r.TrackingNumber },
	})
	InvoiceRecords = records(Records[Invoices, trade.Invoice]{
		Port: Port{Subject: OfInvoices, Capability: operating.Invoices, split: byAccount, policy: owned("finance")},
		Read: Invoices.Invoices, From: (*trade.Invoice).From,
		Key: func(r *trade.Invoice) string { return r.Number }, Account: func(r *trade.Invoice) string { return r.AccountRef.Key },
	})
	ReturnRecords = records(Records[Returns, trade.Return]{
		Port: Port{Subject: OfReturns, Capability: operating.Returns, split: byAccount, policy: owned("customer service")},
		Read: Returns.Returns, From: (*trade.Return).From,
		Key: func(r *trade.Return) string { return *r.Number }, Account: func(r *trade.Return) string { return r.AccountRef.Key },
	})

	// Prices are calculated: they are no records.
	_ = enter[Pricing](Port{Subject: OfPrices, Capability: operating.Pricing, split: byAccount, policy: owned("pricing")})
)

// records enters a kind of which records are read.
func records[P Adapter, T any](r Records[P, T]) Records[P, T] {
	r.read = func(ctx context.Context, a Adapter, q Query) (Page[Record], error) {
		page, err := r.Read(a.(P), ctx, q) //nolint:errcheck // the port was found by its type
		all := Page[Record]{Rejected: page.Rejected, Next: page.Next, Total: page.Total}
		for i := range page.Records {
			x := &page.Records[i]
			all.Records = append(all.Records, Record{x, r.Key(x), r.From(x)})
		}
		return all, err
	}
	r.Port = enter[P](r.Port)
	return r
}

// enter enters a kind that the port P serves.
func enter[P Adapter](p Port) Port {
	p.serves = func(a Adapter) bool { _, is := a.(P); return is }
	ports = append(ports, p)
	return p
}

// Ports are all ports, in the order of a first load.
func Ports() []Port { return slices.Clone(ports) }

// Serves tells whether an adapter serves the kind.
func (p Port) Serves(a Adapter) bool { return p.serves(a) }

// Readable tells whether it is a kind of record, as against a question.
func (p Port) Readable() bool { return p.read != nil }

// Records reads a page of records from an adapter that serves the kind.
func (p Port) Records(ctx context.Context, a Adapter, q Query) (Page[Record], error) {
	return p.read(ctx, a, q)
}

func decides(steward string) operating.Stewardship {
	return operating.Stewardship{Steward: steward, Conflict: operating.StewardDecides}
}

func owned(steward string) operating.Stewardship {
	return operating.Stewardship{Steward: steward, Conflict: operating.OwnerWins}
}
