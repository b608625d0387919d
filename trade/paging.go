package trade

// PageInfo tells where a page stands in its list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// TotalCount is the number of elements of a whole list, or, when not Exact,
// the bound at which counting stopped.
type TotalCount struct {
	Value int
	Exact bool
}

// Edge is an element of a page and the cursor to page on from it.
type Edge[T any] struct {
	Cursor string
	Node   *T
}

// ListRef names the list a page was taken from, for whoever is asked to count
// it.
type ListRef struct{ Signature, Parent string }

// Connection is a page of a list.
type Connection[T any] struct {
	Edges    []Edge[T]
	Nodes    []*T
	PageInfo PageInfo
	List     ListRef
}

// AccountConnection and the types below are the pages of every list there is.
type (
	AccountConnection           = Connection[Account]
	AccountEdge                 = Edge[Account]
	AccountLocationConnection   = Connection[AccountLocation]
	AccountLocationEdge         = Edge[AccountLocation]
	InvoiceConnection           = Connection[Invoice]
	InvoiceEdge                 = Edge[Invoice]
	InvoiceLineConnection       = Connection[InvoiceLine]
	InvoiceLineEdge             = Edge[InvoiceLine]
	ItemConnection              = Connection[Item]
	ItemEdge                    = Edge[Item]
	OperationConnection         = Connection[Operation]
	OperationEdge               = Edge[Operation]
	OrderConnection             = Connection[Order]
	OrderEdge                   = Edge[Order]
	OrderLineConnection         = Connection[OrderLine]
	OrderLineEdge               = Edge[OrderLine]
	AlertConnection             = Connection[Alert]
	AlertEdge                   = Edge[Alert]
	SupplierItemConnection      = Connection[SupplierItem]
	SupplierItemEdge            = Edge[SupplierItem]
	PurchaseOrderConnection     = Connection[PurchaseOrder]
	PurchaseOrderEdge           = Edge[PurchaseOrder]
	PurchaseOrderLineConnection = Connection[PurchaseOrderLine]
	PurchaseOrderLineEdge       = Edge[PurchaseOrderLine]
	ReturnConnection            = Connection[Return]
	ReturnEdge                  = Edge[Return]
	ShipmentConnection          = Connection[Shipment]
	ShipmentEdge                = Edge[Shipment]
	ShipmentEventConnection     = Connection[ShipmentEvent]
	ShipmentEventEdge           = Edge[ShipmentEvent]
)
