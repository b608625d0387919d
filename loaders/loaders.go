// Package loaders is the read side of one operation: every key that its fields
// ask for goes to the store or to a source in batches, within the caller's
// scope, and no key goes twice.
package loaders

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"portico/sources"
	"portico/store"
	"portico/trade"
)

// Shared is what the loaders of all operations use.
type Shared struct {
	Store   *store.Store
	Sources *sources.Set
	Prices  *PriceCache
}

// Loaders are the loaders of one operation. The scope is fixed when they are
// made, so nothing that one caller loaded can be told to another.
type Loaders struct {
	Shared
	scope trade.Scope

	Accounts                *loader[string, *trade.Account]
	AccountsByNumber        *loader[string, *trade.Account]
	Branches                *loader[string, []*trade.Account]
	Locations               *loader[string, *trade.AccountLocation]
	Credit                  *loader[string, *trade.CreditPosition]
	Contracts               *loader[string, *trade.Contract]
	ContractsByNumber       *loader[string, *trade.Contract]
	ContractsOf             *loader[string, []*trade.Contract]
	Partners                *loader[string, *trade.TradingPartner]
	Items                   *loader[string, *trade.Item]
	ItemsBySKU              *loader[string, *trade.Item]
	ItemsByGTIN             *loader[string, *trade.Item]
	ItemsByPartNumber       *loader[string, *trade.Item]
	PartNumbers             *loader[string, string]
	Units                   *loader[string, []*trade.ItemUnit]
	Categories              *loader[string, *trade.Category]
	SubCategories           *loader[string, []*trade.Category]
	Warehouses              *loader[string, *trade.Warehouse]
	WarehousesByCode        *loader[string, *trade.Warehouse]
	Stock                   *loader[string, []*trade.Stock]
	Inbound                 *loader[string, []*trade.InboundSupply]
	Orders                  *loader[string, *trade.Order]
	OrdersByNumber          *loader[string, *trade.Order]
	OrdersInShipments       *loader[string, []*trade.Order]
	OrdersInInvoices        *loader[string, []*trade.Order]
	OrderLines              *loader[string, *trade.OrderLine]
	Schedules               *loader[string, []*trade.ScheduleLine]
	PurchaseOrders          *loader[string, *trade.PurchaseOrder]
	PurchaseOrdersByNumber  *loader[string, *trade.PurchaseOrder]
	PurchaseOrdersInTransit *loader[string, []*trade.PurchaseOrder]
	PurchaseOrderLines      *loader[string, *trade.PurchaseOrderLine]
	PurchaseSchedules       *loader[string, []*trade.PurchaseScheduleLine]
	Shipments               *loader[string, *trade.Shipment]
	ShipmentsByNumber       *loader[string, *trade.Shipment]
	ShipmentsOfReturns      *loader[string, []*trade.Shipment]
	Packages                *loader[string, []*trade.Package]
	PackageLines            *loader[string, []*trade.PackageLine]
	Events                  *loader[string, *trade.ShipmentEvent]
	Invoices                *loader[string, *trade.Invoice]
	InvoicesByNumber        *loader[string, *trade.Invoice]
	Returns                 *loader[string, *trade.Return]
	ReturnLines             *loader[string, []*trade.ReturnLine]

	own       *loader[trade.Role, []*trade.Account]
	prices    *loader[priceAsk, trade.PriceResult]
	liveStock *loader[string, []trade.Stock]
	liveNews  *loader[string, *trade.Tracking]
	pages     *loader[pageKey, any]
	counts    *loader[pageKey, *trade.TotalCount]
	facets    *loader[pageKey, []*trade.ItemFacet]

	mu    sync.Mutex
	lists map[string]listReader
}

// New makes the loaders of one operation.
func New(shared Shared, scope trade.Scope) *Loaders {
	l := &Loaders{Shared: shared, scope: scope, lists: map[string]listReader{}}
	s := shared.Store
	l.Accounts = scoped(l, s.Accounts)
	l.AccountsByNumber = scoped(l, s.AccountsByNumber)
	l.Branches = scoped(l, s.Branches)
	l.Locations = scoped(l, s.Locations)
	l.Credit = scoped(l, s.Credit)
	l.Contracts = scoped(l, s.Contracts)
	l.ContractsByNumber = scoped(l, s.ContractsByNumber)
	l.ContractsOf = scoped(l, s.ContractsOf)
	l.Partners = scoped(l, s.Partners)
	l.Items = scoped(l, s.Items)
	l.ItemsBySKU = scoped(l, s.ItemsBySKU)
	l.ItemsByGTIN = scoped(l, s.ItemsByGTIN)
	l.ItemsByPartNumber = scoped(l, s.ItemsByPartNumber)
	l.PartNumbers = scoped(l, s.PartNumbers)
	l.Units = scoped(l, s.Units)
	l.Categories = scoped(l, s.Categories)
	l.SubCategories = scoped(l, s.SubCategories)
	l.Warehouses = scoped(l, s.Warehouses)
	l.WarehousesByCode = scoped(l, s.WarehousesByCode)
	l.Stock = scoped(l, s.Stock)
	l.Inbound = scoped(l, s.Inbound)
	l.Orders = scoped(l, s.Orders)
	l.OrdersByNumber = scoped(l, s.OrdersByNumber)
	l.OrdersInShipments = scoped(l, s.OrdersInShipments)
	l.OrdersInInvoices = scoped(l, s.OrdersInInvoices)
	l.OrderLines = scoped(l, s.OrderLines)
	l.Schedules = scoped(l, s.Schedules)
	l.PurchaseOrders = scoped(l, s.PurchaseOrders)
	l.PurchaseOrdersByNumber = scoped(l, s.PurchaseOrdersByNumber)
	l.PurchaseOrdersInTransit = scoped(l, s.PurchaseOrdersInShipments)
	l.PurchaseOrderLines = scoped(l, s.PurchaseOrderLines)
	l.PurchaseSchedules = scoped(l, s.PurchaseSchedules)
	l.Shipments = scoped(l, s.Shipments)
	l.ShipmentsByNumber = scoped(l, s.ShipmentsByNumber)
	l.ShipmentsOfReturns = scoped(l, s.ShipmentsOfReturns)
	l.Packages = scoped(l, s.Packages)
	l.PackageLines = scoped(l, s.PackageLines)
	l.Events = scoped(l, s.Events)
	l.Invoices = scoped(l, s.Invoices)
	l.InvoicesByNumber = scoped(l, s.InvoicesByNumber)
	l.Returns = scoped(l, s.Returns)
	l.ReturnLines = scoped(l, s.ReturnLines)
	l.own = newLoader(l.fetchOwn)
	l.prices = newLoader(l.fetchPrices)
	l.liveStock = newLoader(l.fetchStock)
	l.liveNews = newLoader(l.fetchTracking)
	l.pages = newLoader(l.fetchPages)
	l.counts = newLoader(l.fetchCounts)
	l.facets = newLoader(l.fetchFacets)
	return l
}

// OwnAccounts are the accounts the caller acts for, by number, at most 100. They
// are a key of their own, so that what it takes to know them does not depend on
// which of them the operation meets elsewhere, and when.
func (l *Loaders) OwnAccounts(ctx context.Context) ([]*trade.Account, error) {
	return l.own.One(ctx, trade.Customer)
}

func (l *Loaders) fetchOwn(ctx context.Context, _ []trade.Role) (map[trade.Role][]*trade.Account, error) {
	found, err := l.Store.Accounts(ctx, l.scope, l.scope.Accounts())
	own := slices.SortedFunc(maps.Values(found), func(a, b *trade.Account) int { return cmp.Compare(a.Number, b.Number) })
	return map[trade.Role][]*trade.Account{trade.Customer: own[:min(len(own), 100)]}, err
}

// Scope is what the operation's caller may see.
func (l *Loaders) Scope() trade.Scope { return l.scope }

func scoped[V any](l *Loaders, read func(context.Context, trade.Scope, []string) (map[string]V, error)) *loader[string, V] {
	return newLoader(func(ctx context.Context, keys []string) (map[string]V, error) { return read(ctx, l.scope, keys) })
}

type contextKey struct{}

// With puts an operation's loaders into ctx.
func With(ctx context.Context, l *Loaders) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From are the loaders in ctx.
func From(ctx context.Context) *Loaders { return ctx.Value(contextKey{}).(*Loaders) }
