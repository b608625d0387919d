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
	Prices  *sources.PriceCache
}

// Loaders are the loaders of one operation. The scope is fixed when they are
// made, so nothing that one caller loaded can be told to another.
type Loaders struct {
	Shared
	scope trade.Scope

	Accounts                   loader[string, *trade.Account]
	AccountsByNumber           loader[string, *trade.Account]
	Branches                   loader[string, []*trade.Account]
	Locations                  loader[string, *trade.AccountLocation]
	Credit                     loader[string, *trade.CreditPosition]
	Contracts                  loader[string, *trade.Contract]
	ContractsByNumber          loader[string, *trade.Contract]
	ContractsOf                loader[string, []*trade.Contract]
	Partners                   loader[string, *trade.TradingPartner]
	PartnersByCode             loader[string, *trade.TradingPartner]
	PartnerKeys                loader[string, *trade.PartnerKey]
	KeysOfPartners             loader[string, []*trade.PartnerKey]
	Messages                   loader[string, *trade.SignedMessage]
	MessagesBehind             loader[string, *trade.SignedMessage]
	MessagesAbout              loader[string, []*trade.SignedMessage]
	Receipts                   loader[string, []*trade.Receipt]
	Items                      loader[string, *trade.Item]
	ItemsBySKU                 loader[string, *trade.Item]
	ItemsByGTIN                loader[string, *trade.Item]
	ItemsByPartNumber          loader[string, *trade.Item]
	PartNumbers                loader[string, string]
	SupplierItems              loader[string, *trade.SupplierItem]
	SuppliersOf                loader[string, []*trade.SupplierItem]
	Units                      loader[string, []*trade.ItemUnit]
	Categories                 loader[string, *trade.Category]
	SubCategories              loader[string, []*trade.Category]
	Warehouses                 loader[string, *trade.Warehouse]
	WarehousesByCode           loader[string, *trade.Warehouse]
	Stock                      loader[string, []*trade.Stock]
	Operations                 loader[string, *trade.Operation]
	LatestOperations           loader[string, *trade.Operation]
	Approvals                  loader[string, *trade.Approval]
	CommitmentChanges          loader[string, []*trade.CommitmentChange]
	Commitments                loader[string, *trade.CommitmentChange]
	Users                      loader[string, *trade.User]
	DeadLetters                loader[string, *trade.DeadLetter]
	InboundDeliveries          loader[string, *trade.InboundDelivery]
	CodeMappings               loader[string, *trade.CodeMapping]
	UnmappedCodes              loader[string, []*trade.UnmappedCode]
	WebhookEndpoints           loader[string, *trade.WebhookEndpoint]
	WebhookEndpointsOf         loader[string, []*trade.WebhookEndpoint]
	WebhookDeliveries          loader[string, *trade.WebhookDelivery]
	AuditEntries               loader[string, *trade.AuditEntry]
	Inbound                    loader[string, []*trade.InboundSupply]
	Orders                     loader[string, *trade.Order]
	OrdersByNumber             loader[string, *trade.Order]
	OrdersInShipments          loader[string, []*trade.Order]
	OrdersInInvoices           loader[string, []*trade.Order]
	OrderLines                 loader[string, *trade.OrderLine]
	Schedules                  loader[string, []*trade.ScheduleLine]
	PurchaseOrders             loader[string, *trade.PurchaseOrder]
	PurchaseOrdersByNumber     loader[string, *trade.PurchaseOrder]
	PurchaseOrdersInTransit    loader[string, []*trade.PurchaseOrder]
	PurchaseOrderLines         loader[string, *trade.PurchaseOrderLine]
	PurchaseSchedules          loader[string, []*trade.PurchaseScheduleLine]
	Responses                  loader[string, *trade.PurchaseOrderResponse]
	ResponsesTo                loader[string, []*trade.PurchaseOrderResponse]
	AcknowledgmentsIn          loader[string, []*trade.LineAcknowledgment]
	AcknowledgmentsOf          loader[string, []*trade.LineAcknowledgment]
	Deviations                 loader[string, *trade.Deviation]
	DeviationsIn               loader[string, []*trade.Deviation]
	Tolerances                 loader[string, *trade.ToleranceProfile]
	TolerancesOf               loader[string, *trade.ToleranceProfile]
	Despatches                 loader[string, *trade.DespatchAdvice]
	DespatchesOf               loader[string, []*trade.DespatchAdvice]
	PurchaseOrdersInDespatches loader[string, []*trade.PurchaseOrder]
	HandlingUnits              loader[string, []*trade.HandlingUnit]
	DespatchLines              loader[string, []*trade.DespatchLine]
	Alerts                     loader[string, *trade.Alert]
	Objectives                 loader[string, *trade.Objective]
	AlertsOf                   loader[string, []*trade.Alert]
	Shipments                  loader[string, *trade.Shipment]
	ShipmentsByNumber          loader[string, *trade.Shipment]
	ShipmentsOfReturns         loader[string, []*trade.Shipment]
	Packages                   loader[string, []*trade.Package]
	PackageLines               loader[string, []*trade.PackageLine]
	Events                     loader[string, *trade.ShipmentEvent]
	EventsOf                   loader[string, []*trade.ShipmentEvent]
	LinesOf                    loader[string, []*trade.OrderLine]
	Invoices                   loader[string, *trade.Invoice]
	InvoicesByNumber           loader[string, *trade.Invoice]
	Returns                    loader[string, *trade.Return]
	ReturnLines                loader[string, []*trade.ReturnLine]

	own             loader[trade.Role, []*trade.Account]
	prices          loader[priceAsk, trade.PriceResult]
	reconciliations loader[string, *trade.Reconciliation]
	Conflicts       loader[string, *trade.MasterDataConflict]
	liveStock       loader[string, []trade.Stock]
	liveNews        loader[string, *trade.Tracking]
	pages           loader[pageKey, any]
	counts          loader[pageKey, *trade.TotalCount]
	facets          loader[pageKey, []*trade.ItemFacet]

	mu    sync.Mutex
	lists map[string]listReader
}

// New makes the loaders of one operation.
func New(shared Shared, scope trade.Scope) *Loaders {
	l := &Loaders{Shared: shared, scope: scope}
	l.Accounts = stored(l, (*store.Store).Accounts)
	l.AccountsByNumber = stored(l, (*store.Store).AccountsByNumber)
	l.Branches = stored(l, (*store.Store).Branches)
	l.Locations = stored(l, (*store.Store).Locations)
	l.Credit = stored(l, (*store.Store).Credit)
	l.Contracts = stored(l, (*store.Store).Contracts)
	l.ContractsByNumber = stored(l, (*store.Store).ContractsByNumber)
	l.ContractsOf = stored(l, (*store.Store).ContractsOf)
	l.Partners = stored(l, (*store.Store).Partners)
	l.PartnersByCode = stored(l, (*store.Store).PartnersByCode)
	l.PartnerKeys = stored(l, (*store.Store).PartnerKeys)
	l.KeysOfPartners = stored(l, (*store.Store).KeysOfPartners)
	l.Messages = stored(l, (*store.Store).Messages)
	l.MessagesBehind = stored(l, (*store.Store).MessagesBehind)
	l.MessagesAbout = stored(l, (*store.Store).MessagesAbout)
	l.Receipts = stored(l, (*store.Store).Receipts)
	l.Items = stored(l, (*store.Store).Items)
	l.ItemsBySKU = stored(l, (*store.Store).ItemsBySKU)
	l.ItemsByGTIN = stored(l, (*store.Store).ItemsByGTIN)
	l.ItemsByPartNumber = stored(l, (*store.Store).ItemsByPartNumber)
	l.PartNumbers = stored(l, (*store.Store).PartNumbers)
	l.SupplierItems = stored(l, (*store.Store).SupplierItems)
	l.SuppliersOf = stored(l, (*store.Store).SuppliersOf)
	l.Units = stored(l, (*store.Store).Units)
	l.Categories = stored(l, (*store.Store).Categories)
	l.SubCategories = stored(l, (*store.Store).SubCategories)
	l.Warehouses = stored(l, (*store.Store).Warehouses)
	l.WarehousesByCode = stored(l, (*store.Store).WarehousesByCode)
	l.Stock = made(l, (*Loaders).fetchKeptStock)
	l.Inbound = stored(l, (*store.Store).Inbound)
	l.LatestOperations = stored(l, (*store.Store).LatestOperations)
	l.Approvals = stored(l, (*store.Store).Approvals)
	l.CommitmentChanges = stored(l, (*store.Store).CommitmentChanges)
	l.Commitments = stored(l, (*store.Store).Commitments)
	l.Users = stored(l, (*store.Store).Users)
	l.InboundDeliveries = stored(l, (*store.Store).InboundDeliveries)
	l.CodeMappings = stored(l, (*store.Store).CodeMappings)
	l.UnmappedCodes = stored(l, (*store.Store).UnmappedCodes)
	l.WebhookEndpoints = stored(l, (*store.Store).WebhookEndpoints)
	l.WebhookEndpointsOf = stored(l, (*store.Store).WebhookEndpointsOf)
	l.WebhookDeliveries = stored(l, (*store.Store).WebhookDeliveries)
	l.DeadLetters = stored(l, (*store.Store).DeadLetters)
	l.AuditEntries = stored(l, (*store.Store).AuditEntries)
	l.Orders = stored(l, (*store.Store).Orders)
	l.OrdersByNumber = stored(l, (*store.Store).OrdersByNumber)
	l.OrdersInShipments = stored(l, (*store.Store).OrdersInShipments)
	l.OrdersInInvoices = stored(l, (*store.Store).OrdersInInvoices)
	l.OrderLines = stored(l, (*store.Store).OrderLines)
	l.Schedules = stored(l, (*store.Store).Schedules)
	l.PurchaseOrders = stored(l, (*store.Store).PurchaseOrders)
	l.PurchaseOrdersByNumber = stored(l, (*store.Store).PurchaseOrdersByNumber)
	l.PurchaseOrdersInTransit = stored(l, (*store.Store).PurchaseOrdersInShipments)
	l.PurchaseOrderLines = stored(l, (*store.Store).PurchaseOrderLines)
	l.PurchaseSchedules = stored(l, (*store.Store).PurchaseSchedules)
	l.Responses = stored(l, (*store.Store).Responses)
	l.ResponsesTo = stored(l, (*store.Store).ResponsesTo)
	l.AcknowledgmentsIn = stored(l, (*store.Store).AcknowledgmentsIn)
	l.AcknowledgmentsOf = stored(l, (*store.Store).AcknowledgmentsOf)
	l.Deviations = stored(l, (*store.Store).Deviations)
	l.DeviationsIn = stored(l, (*store.Store).DeviationsIn)
	l.Tolerances = stored(l, (*store.Store).Tolerances)
	l.TolerancesOf = stored(l, (*store.Store).TolerancesOf)
	l.Despatches = stored(l, (*store.Store).Despatches)
	l.DespatchesOf = stored(l, (*store.Store).DespatchesOf)
	l.PurchaseOrdersInDespatches = stored(l, (*store.Store).PurchaseOrdersInDespatches)
	l.HandlingUnits = stored(l, (*store.Store).HandlingUnits)
	l.DespatchLines = stored(l, (*store.Store).DespatchLines)
	l.Alerts = stored(l, (*store.Store).Alerts)
	l.Objectives = stored(l, (*store.Store).Objectives)
	l.AlertsOf = stored(l, (*store.Store).AlertsOf)
	l.Shipments = stored(l, (*store.Store).Shipments)
	l.ShipmentsByNumber = stored(l, (*store.Store).ShipmentsByNumber)
	l.ShipmentsOfReturns = stored(l, (*store.Store).ShipmentsOfReturns)
	l.Packages = stored(l, (*store.Store).Packages)
	l.PackageLines = stored(l, (*store.Store).PackageLines)
	l.Events = stored(l, (*store.Store).Events)
	l.LinesOf = stored(l, (*store.Store).LinesOf)
	l.EventsOf = stored(l, (*store.Store).EventsOf)
	l.Invoices = stored(l, (*store.Store).Invoices)
	l.InvoicesByNumber = stored(l, (*store.Store).InvoicesByNumber)
	l.Returns = stored(l, (*store.Store).Returns)
	l.ReturnLines = stored(l, (*store.Store).ReturnLines)
	l.Operations = stored(l, (*store.Store).Operations)
	l.reconciliations = stored(l, (*store.Store).Reconciliations)
	l.Conflicts = stored(l, (*store.Store).Conflicts)
	l.own = made(l, (*Loaders).fetchOwn)
	l.prices = made(l, (*Loaders).fetchPrices)
	l.liveStock = made(l, (*Loaders).fetchStock)
	l.liveNews = made(l, (*Loaders).fetchTracking)
	l.pages = made(l, (*Loaders).fetchPages)
	l.counts = made(l, (*Loaders).fetchCounts)
	l.facets = made(l, (*Loaders).fetchFacets)
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

// scopedRead reads records of the store within the caller's scope.
type scopedRead[V any] func(*store.Store, context.Context, trade.Scope, []string) (map[string]V, error)

func (read scopedRead[V]) fetch(ctx context.Context, l *Loaders, keys []string) (map[string]V, error) {
	return read(l.Store, ctx, l.scope, keys)
}

func stored[V any](l *Loaders, read scopedRead[V]) loader[string, V] {
	return loader[string, V]{of: l, from: read}
}

// fetch reads what the loaders make themselves.
type fetch[K comparable, V any] func(*Loaders, context.Context, []K) (map[K]V, error)

func (f fetch[K, V]) fetch(ctx context.Context, l *Loaders, keys []K) (map[K]V, error) {
	return f(l, ctx, keys)
}

func made[K comparable, V any](l *Loaders, f fetch[K, V]) loader[K, V] {
	return loader[K, V]{of: l, from: f}
}

type contextKey struct{}

// With puts an operation's loaders into ctx.
func With(ctx context.Context, l *Loaders) context.Context {
	return context.WithValue(ctx, contextKey{}, &l)
}

// From are the loaders in ctx.
func From(ctx context.Context) *Loaders { return *ctx.Value(contextKey{}).(**Loaders) }

// Release takes the loaders out of ctx: a stream that is open lives on with its context, and
// needs them no more.
func Release(ctx context.Context) { *ctx.Value(contextKey{}).(**Loaders) = nil }
