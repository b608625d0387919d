// Package sources holds the ports to the systems where facts live: what an
// ERP, a warehouse, a carrier, a CRM or a ledger can be asked, and how a
// failure is told. [Set] routes each subject to the adapter that serves it and
// guards every call.
package sources

import (
	"context"
	"io"

	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// Subject is a kind of record or question that can be routed to a source by
// itself. Its text is the key under `routes` in the configuration file.
type Subject string

// Subjects, in the order in which a first load takes them: what refers comes
// after what it refers to.
const (
	OfWarehouses     Subject = "warehouses"
	OfCategories     Subject = "categories"
	OfSuppliers      Subject = "suppliers"
	OfAccounts       Subject = "accounts"
	OfCalendars      Subject = "calendars"
	OfCredit         Subject = "credit"
	OfItems          Subject = "items"
	OfContracts      Subject = "contracts"
	OfStock          Subject = "inventory"
	OfOrders         Subject = "orders"
	OfPurchaseOrders Subject = "purchase_orders"
	OfShipments      Subject = "shipments"
	OfTracking       Subject = "tracking"
	OfInvoices       Subject = "invoices"
	OfReturns        Subject = "returns"
	OfPrices         Subject = "pricing"
)

// Adapter is a connection to one source system.
type Adapter interface {
	// Kind is the kind of system it is.
	Kind() trade.SourceKind
	// Ping fails when the system does not answer.
	Ping(ctx context.Context) error
}

// Credentials are what a source is asked with and signs with. They are read anew at
// every use, so that what is rotated is in force.
type Credentials struct {
	Key     func() string   // what it is asked with; empty where it asks for none
	Secrets func() []string // what it signs with; none where it does not push
	Scheme  string          // that it signs by; the adapter's own where it is empty
}

// Query asks for records either by their references in the source, or page by
// page: at most Limit of them after a place given by an earlier page.
type Query struct {
	Refs  []string
	After string
	Limit int
}

// Page is what a source answered. A reference it does not know is left out; a
// record that could not be read is in Rejected, and the rest is kept. Next is
// empty on the last page. Total is how many there are in all, or 0 where the
// source does not say.
//
// Unused are the paths of values that came with records and that the adapter takes for nothing, such as fields that a new release of
// the system has, each with the reference of a record that has it; see [Page.Leave]. An adapter that asks for its fields by name has none.
type Page[T any] struct {
	Records  []T
	Rejected []operating.RejectedRecord
	Unused   map[string]string
	Next     string
	Total    int
}

// Every port below reads one kind of record. Documents come with their lines,
// and refer to others by natural key. Amounts are exact, times are UTC, codes
// are Portico's with the source's own kept as raw; a code nobody has seen
// rejects the record with the code named.
type (
	// Warehouses is a system that knows the warehouses.
	Warehouses interface {
		Adapter
		Warehouses(ctx context.Context, q Query) (Page[trade.Warehouse], error)
	}
	// Categories is a system that keeps the catalogue's tree.
	Categories interface {
		Adapter
		Categories(ctx context.Context, q Query) (Page[trade.Category], error)
	}
	// Suppliers is a system that keeps suppliers.
	Suppliers interface {
		Adapter
		Suppliers(ctx context.Context, q Query) (Page[procurement.TradingPartner], error)
	}
	// Accounts is a system that keeps customers and their locations.
	Accounts interface {
		Adapter
		Accounts(ctx context.Context, q Query) (Page[trade.Account], error)
	}
	// Calendars is a system that knows when customers receive goods.
	Calendars interface {
		Adapter
		Calendars(ctx context.Context, q Query) (Page[trade.Calendar], error)
	}
	// Credit is a ledger that knows customers' credit.
	Credit interface {
		Adapter
		Credit(ctx context.Context, q Query) (Page[trade.CreditPosition], error)
	}
	// Items is a system that keeps items and their units.
	Items interface {
		Adapter
		Items(ctx context.Context, q Query) (Page[trade.Item], error)
	}
	// Contracts is a system that keeps price agreements.
	Contracts interface {
		Adapter
		Contracts(ctx context.Context, q Query) (Page[trade.Contract], error)
	}
	// Inventory is a system that counts stock. References are skus; a page's
	// records are those of its skus in all warehouses.
	Inventory interface {
		Adapter
		Stock(ctx context.Context, q Query) (Page[trade.Stock], error)
	}
	// Orders is a system that keeps sales orders.
	Orders interface {
		Adapter
		Orders(ctx context.Context, q Query) (Page[trade.Order], error)
	}
	// PurchaseOrders is a system that keeps purchase orders.
	PurchaseOrders interface {
		Adapter
		PurchaseOrders(ctx context.Context, q Query) (Page[trade.PurchaseOrder], error)
	}
	// Shipments is a system that packs and sends, or expects, shipments.
	Shipments interface {
		Adapter
		Shipments(ctx context.Context, q Query) (Page[trade.Shipment], error)
	}
	// Tracking is a carrier that follows shipments. References are tracking
	// numbers; the events of each come complete.
	Tracking interface {
		Adapter
		Tracking(ctx context.Context, q Query) (Page[trade.Tracking], error)
	}
	// Invoices is a ledger that keeps invoices and memos.
	Invoices interface {
		Adapter
		Invoices(ctx context.Context, q Query) (Page[trade.Invoice], error)
	}
	// Returns is a system that keeps returns.
	Returns interface {
		Adapter
		Returns(ctx context.Context, q Query) (Page[trade.Return], error)
	}
)

// Pricing is a system that calculates contract prices.
type Pricing interface {
	Adapter
	// Prices answers every key, in order: a *trade.Price, or a
	// *trade.PriceUnavailable when the source has none.
	Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error)
}

// Registering is a carrier that must be told of parcels before it follows them.
type Registering interface {
	Adapter
	// Register tells it of parcels. One that it knows already stays as it is, so
	// that it may be told again.
	Register(ctx context.Context, parcels []trade.Consignment) error
}

// Documents is a system that keeps papers: invoices, proofs of delivery.
type Documents interface {
	Adapter
	// Document opens a paper by its reference. It fails with [NotFound] when
	// there is none. The caller closes the body.
	Document(ctx context.Context, ref string) (io.ReadCloser, error)
}

// Changes is a system that tells what changed.
type Changes interface {
	Adapter
	// Changes lists what changed after a place in the feed, oldest first, at
	// most limit; an empty place is now. A record may be named more than once.
	Changes(ctx context.Context, after string, limit int) (Feed, error)
}

// Feed is a piece of a change feed. Epoch changes when places of before mean
// nothing any more, so that everything must be loaded again. More tells that
// further changes can be read at once.
type Feed struct {
	Epoch   string
	Changes []Change
	Next    string
	More    bool
}

// Change names a record that changed.
type Change struct {
	Subject Subject
	Ref     string
}
