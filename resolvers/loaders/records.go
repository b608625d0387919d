package loaders

import (
	"portico/store"
)

// Every loader there is. Those with By or of a parent in their name take that as their key,
// all others the id; what the caller may not see is not found.

// Loaders of parties, and of what they signed.
var (
	Accounts          = stored((*store.Store).Accounts)
	AccountsByNumber  = stored((*store.Store).AccountsByNumber)
	Branches          = stored((*store.Store).Branches)
	Locations         = stored((*store.Store).Locations)
	Credit            = stored((*store.Store).Credit)
	Contracts         = stored((*store.Store).Contracts)
	ContractsByNumber = stored((*store.Store).ContractsByNumber)
	ContractsOf       = stored((*store.Store).ContractsOf)
	Partners          = stored((*store.Store).Partners)
	PartnersByCode    = stored((*store.Store).PartnersByCode)
	PartnerKeys       = stored((*store.Store).PartnerKeys)
	KeysOfPartners    = stored((*store.Store).KeysOfPartners)
	Messages          = stored((*store.Store).Messages)
	MessagesBehind    = stored((*store.Store).MessagesBehind)
	MessagesAbout     = stored((*store.Store).MessagesAbout)
	Receipts          = stored((*store.Store).Receipts)
	Users             = stored((*store.Store).Users)
	ownAccounts       = made((*Loaders).fetchOwn)
)

// Loaders of items, and of what there is of them.
var (
	Items             = stored((*store.Store).Items)
	ItemsBySKU        = stored((*store.Store).ItemsBySKU)
	ItemsByGTIN       = stored((*store.Store).ItemsByGTIN)
	ItemsByPartNumber = stored((*store.Store).ItemsByPartNumber)
	PartNumbers       = stored((*store.Store).PartNumbers)
	SupplierItems     = stored((*store.Store).SupplierItems)
	SuppliersOf       = stored((*store.Store).SuppliersOf)
	Units             = stored((*store.Store).Units)
	Categories        = stored((*store.Store).Categories)
	SubCategories     = stored((*store.Store).SubCategories)
	Warehouses        = stored((*store.Store).Warehouses)
	WarehousesByCode  = stored((*store.Store).WarehousesByCode)
	Stock             = made((*Loaders).fetchKeptStock)
	Inbound           = stored((*store.Store).Inbound)
	liveStock         = made((*Loaders).fetchStock)
	livePrices        = made((*Loaders).fetchPrices)
)

// Loaders of what customers order, are invoiced and send back.
var (
	Orders            = stored((*store.Store).Orders)
	OrdersByNumber    = stored((*store.Store).OrdersByNumber)
	OrdersInShipments = stored((*store.Store).OrdersInShipments)
	OrdersInInvoices  = stored((*store.Store).OrdersInInvoices)
	OrderLines        = stored((*store.Store).OrderLines)
	LinesOf           = stored((*store.Store).LinesOf)
	Schedules         = stored((*store.Store).Schedules)
	Approvals         = stored((*store.Store).Approvals)
	CommitmentChanges = stored((*store.Store).CommitmentChanges)
	Commitments       = stored((*store.Store).Commitments)
	Invoices          = stored((*store.Store).Invoices)
	InvoicesByNumber  = stored((*store.Store).InvoicesByNumber)
	Returns           = stored((*store.Store).Returns)
	ReturnLines       = stored((*store.Store).ReturnLines)
)

// Loaders of what is ordered from suppliers, and of what they say.
var (
	PurchaseOrders             = stored((*store.Store).PurchaseOrders)
	PurchaseOrdersByNumber     = stored((*store.Store).PurchaseOrdersByNumber)
	PurchaseOrdersInTransit    = stored((*store.Store).PurchaseOrdersInShipments)
	PurchaseOrdersInDespatches = stored((*store.Store).PurchaseOrdersInDespatches)
	PurchaseOrderLines         = stored((*store.Store).PurchaseOrderLines)
	PurchaseSchedules          = stored((*store.Store).PurchaseSchedules)
	Responses                  = stored((*store.Store).Responses)
	ResponsesTo                = stored((*store.Store).ResponsesTo)
	AcknowledgmentsIn          = stored((*store.Store).AcknowledgmentsIn)
	AcknowledgmentsOf          = stored((*store.Store).AcknowledgmentsOf)
	Deviations                 = stored((*store.Store).Deviations)
	DeviationsIn               = stored((*store.Store).DeviationsIn)
	Tolerances                 = stored((*store.Store).Tolerances)
	TolerancesOf               = stored((*store.Store).TolerancesOf)
	Despatches                 = stored((*store.Store).Despatches)
	DespatchesOf               = stored((*store.Store).DespatchesOf)
	HandlingUnits              = stored((*store.Store).HandlingUnits)
	DespatchLines              = stored((*store.Store).DespatchLines)
)

// Loaders of shipments, and of what carriers say.
var (
	Shipments          = stored((*store.Store).Shipments)
	ShipmentsByNumber  = stored((*store.Store).ShipmentsByNumber)
	ShipmentsOfReturns = stored((*store.Store).ShipmentsOfReturns)
	Packages           = stored((*store.Store).Packages)
	PackageLines       = stored((*store.Store).PackageLines)
	Events             = stored((*store.Store).Events)
	EventsOf           = stored((*store.Store).EventsOf)
	liveTracking       = made((*Loaders).fetchTracking)
)

// Loaders of what runs the product.
var (
	Operations         = stored((*store.Store).Operations)
	LatestOperations   = stored((*store.Store).LatestOperations)
	Alerts             = stored((*store.Store).Alerts)
	AlertsOf           = stored((*store.Store).AlertsOf)
	Objectives         = stored((*store.Store).Objectives)
	DeadLetters        = stored((*store.Store).DeadLetters)
	InboundDeliveries  = stored((*store.Store).InboundDeliveries)
	CodeMappings       = stored((*store.Store).CodeMappings)
	UnmappedCodes      = stored((*store.Store).UnmappedCodes)
	WebhookEndpoints   = stored((*store.Store).WebhookEndpoints)
	WebhookEndpointsOf = stored((*store.Store).WebhookEndpointsOf)
	WebhookDeliveries  = stored((*store.Store).WebhookDeliveries)
	AuditEntries       = stored((*store.Store).AuditEntries)
	reconciliations    = stored((*store.Store).Reconciliations)
	Conflicts          = stored((*store.Store).Conflicts)
)

// Loaders of lists.
var (
	listPages  = made((*Loaders).fetchPages)
	listCounts = made((*Loaders).fetchCounts)
	listFacets = made((*Loaders).fetchFacets)
)
