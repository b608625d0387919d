package loaders

import (
	"portico/store/ledger"
	"portico/store/operating"
	"portico/store/records"
)

// Every loader there is. Those with By or of a parent in their name take that as their key,
// all others the id; what the caller may not see is not found.

// Loaders of parties, and of what they signed.
var (
	Accounts          = stored(records.Accounts)
	AccountsByNumber  = stored(records.AccountsByNumber)
	Branches          = stored(records.Branches)
	Locations         = stored(records.Locations)
	Credit            = stored(records.Credit)
	Contracts         = stored(records.Contracts)
	ContractsByNumber = stored(records.ContractsByNumber)
	ContractsOf       = stored(records.ContractsOf)
	Partners          = stored(ledger.Partners)
	PartnersByCode    = stored(ledger.PartnersByCode)
	PartnerKeys       = stored(ledger.PartnerKeys)
	KeysOfPartners    = stored(ledger.KeysOfPartners)
	Messages          = stored(ledger.Messages)
	MessagesBehind    = stored(ledger.MessagesBehind)
	MessagesAbout     = stored(ledger.MessagesAbout)
	Receipts          = stored(ledger.Receipts)
	Users             = stored(records.Users)
	ownAccounts       = made((*Loaders).fetchOwn)
)

// Loaders of items, and of what there is of them.
var (
	Items             = stored(records.Items)
	ItemsBySKU        = stored(records.ItemsBySKU)
	ItemsByGTIN       = stored(records.ItemsByGTIN)
	ItemsByPartNumber = stored(records.ItemsByPartNumber)
	PartNumbers       = stored(records.PartNumbers)
	SupplierItems     = stored(records.SupplierItems)
	SuppliersOf       = stored(records.SuppliersOf)
	Units             = stored(records.Units)
	Categories        = stored(records.Categories)
	SubCategories     = stored(records.SubCategories)
	Warehouses        = stored(records.Warehouses)
	WarehousesByCode  = stored(records.WarehousesByCode)
	Stock             = made((*Loaders).fetchKeptStock)
	Inbound           = stored(records.Inbound)
	liveStock         = made((*Loaders).fetchStock)
	livePrices        = made((*Loaders).fetchPrices)
)

// Loaders of what customers order, are invoiced and send back.
var (
	Orders            = stored(records.Orders)
	OrdersByNumber    = stored(records.OrdersByNumber)
	OrdersInShipments = stored(records.OrdersInShipments)
	OrdersInInvoices  = stored(records.OrdersInInvoices)
	OrderLines        = stored(records.OrderLines)
	LinesOf           = stored(records.LinesOf)
	Schedules         = stored(records.Schedules)
	Approvals         = stored(ledger.Approvals)
	CommitmentChanges = stored(ledger.CommitmentChanges)
	Commitments       = stored(ledger.Commitments)
	Invoices          = stored(records.Invoices)
	InvoicesByNumber  = stored(records.InvoicesByNumber)
	Returns           = stored(records.Returns)
	ReturnLines       = stored(records.ReturnLines)
)

// Loaders of what is ordered from suppliers, and of what they say.
var (
	PurchaseOrders             = stored(records.PurchaseOrders)
	PurchaseOrdersByNumber     = stored(records.PurchaseOrdersByNumber)
	PurchaseOrdersInTransit    = stored(records.PurchaseOrdersInShipments)
	PurchaseOrdersInDespatches = stored(records.PurchaseOrdersInDespatches)
	PurchaseOrderLines         = stored(records.PurchaseOrderLines)
	PurchaseSchedules          = stored(records.PurchaseSchedules)
	Responses                  = stored(ledger.Responses)
	ResponsesTo                = stored(ledger.ResponsesTo)
	AcknowledgmentsIn          = stored(ledger.AcknowledgmentsIn)
	AcknowledgmentsOf          = stored(ledger.AcknowledgmentsOf)
	Deviations                 = stored(ledger.Deviations)
	DeviationsIn               = stored(ledger.DeviationsIn)
	Tolerances                 = stored(records.Tolerances)
	TolerancesOf               = stored(records.TolerancesOf)
	Despatches                 = stored(ledger.Despatches)
	DespatchesOf               = stored(ledger.DespatchesOf)
	HandlingUnits              = stored(ledger.HandlingUnits)
	DespatchLines              = stored(ledger.DespatchLines)
)

// Loaders of shipments, and of what carriers say.
var (
	Shipments          = stored(records.Shipments)
	ShipmentsByNumber  = stored(records.ShipmentsByNumber)
	ShipmentsOfReturns = stored(records.ShipmentsOfReturns)
	Packages           = stored(records.Packages)
	PackageLines       = stored(records.PackageLines)
	Events             = stored(records.Events)
	EventsOf           = stored(records.EventsOf)
	liveTracking       = made((*Loaders).fetchTracking)
)

// Loaders of what runs the product.
var (
	Operations         = stored(ledger.Operations)
	LatestOperations   = stored(ledger.LatestOperations)
	Alerts             = stored(operating.Alerts)
	AlertsOf           = stored(operating.AlertsOf)
	Objectives         = stored(operating.Objectives)
	DeadLetters        = stored(ledger.DeadLetters)
	InboundDeliveries  = stored(operating.InboundDeliveries)
	CodeMappings       = stored(operating.CodeMappings)
	UnmappedCodes      = stored(operating.UnmappedCodes)
	WebhookEndpoints   = stored(operating.WebhookEndpoints)
	WebhookEndpointsOf = stored(operating.WebhookEndpointsOf)
	WebhookDeliveries  = stored(operating.WebhookDeliveries)
	AuditEntries       = stored(ledger.AuditEntries)
	reconciliations    = stored(operating.Reconciliations)
	Conflicts          = stored(operating.Conflicts)
)

// Loaders of lists.
var (
	listPages  = made((*Loaders).fetchPages)
	listCounts = made((*Loaders).fetchCounts)
	listFacets = made((*Loaders).fetchFacets)
)
