package inputs

import (
	"portico/graph"
	"portico/store/ledger"
	"portico/store/operating"
	"portico/store/records"
	"portico/trade"
)

// AccountFilter is the filter of a list of accounts; nil finds all.
func AccountFilter(f *graph.AccountFilter) records.AccountFilter {
	if f == nil {
		return records.AccountFilter{}
	}
	return records.AccountFilter{Search: Text(f.Search), Status: f.Status, Parent: Text(f.Parent)}
}

// ItemFilter is what is searched for and the filter of a list of items.
func ItemFilter(search *string, f *graph.ItemFilter) records.ItemFilter {
	out := records.ItemFilter{Search: Text(search)}
	if f == nil {
		return out
	}
	out.Categories, out.Brands, out.Status, out.InStock, out.Warehouses = f.Categories, f.Brands, f.Status, f.InStock, f.Warehouses
	out.Account = Text(f.Account)
	out.Contracted, out.OrderedBefore, out.ChangedSince = Yes(f.Contracted), Yes(f.OrderedBefore), f.ChangedSince
	for _, a := range f.Attributes {
		out.Attributes = append(out.Attributes, records.AttributeFilter{Name: a.Name, AnyOf: a.AnyOf})
	}
	return out
}

// ShipmentFilter is the filter of a list of shipments.
func ShipmentFilter(f *graph.ShipmentFilter) records.ShipmentFilter {
	if f == nil {
		return records.ShipmentFilter{}
	}
	out := records.ShipmentFilter{
		Direction: f.Direction, Status: f.Status, CarrierScac: Text(f.CarrierScac), Order: Text(f.Order), Eta: Span(f.Eta),
		ChangedSince: f.ChangedSince,
	}
	if f.Reference != nil {
		out.Reference = &trade.Identifier{Scheme: f.Reference.Scheme, Value: f.Reference.Value}
	}
	return out
}

// InvoiceFilter is the filter of a list of invoices.
func InvoiceFilter(f *graph.InvoiceFilter) records.InvoiceFilter {
	if f == nil {
		return records.InvoiceFilter{}
	}
	return records.InvoiceFilter{
		Accounts: f.Accounts, Kind: f.Kind, Status: f.Status, Number: Text(f.Number), Order: Text(f.Order), Issued: Span(f.Issued),
		Due:          Span(f.Due),
		ChangedSince: f.ChangedSince,
	}
}

// ReturnFilter is the filter of a list of returns.
func ReturnFilter(f *graph.ReturnFilter) records.ReturnFilter {
	if f == nil {
		return records.ReturnFilter{}
	}
	return records.ReturnFilter{Status: f.Status, Number: Text(f.Number), Order: Text(f.Order), ChangedSince: f.ChangedSince}
}

// AlertFilter is the filter of a list of alerts.
func AlertFilter(f *graph.AlertFilter) operating.AlertFilter {
	if f == nil {
		return operating.AlertFilter{}
	}
	of := operating.AlertFilter{State: f.State, Kind: f.Kind, Queue: Text(f.Queue), Subject: Text(f.Subject)}
	if f.MinSeverity != nil {
		of.Least = *f.MinSeverity
	}
	return of
}

// OperationFilter is the filter of a list of operations.
func OperationFilter(f *graph.OperationFilter) ledger.OperationFilter {
	if f == nil {
		return ledger.OperationFilter{}
	}
	return ledger.OperationFilter{
		State: f.State, Kind: f.Kind, Subject: Text(f.Subject), CorrelationID: Text(f.CorrelationID),
		Submitted: Span(f.Submitted),
	}
}

// OrderFilter is the filter of a list of orders; item is the id of the item that it names, if it names one.
func OrderFilter(f *graph.OrderFilter, item string) records.OrderFilter {
	if f == nil {
		return records.OrderFilter{}
	}
	return records.OrderFilter{
		Accounts: f.Accounts, Status: f.Status, Number: Text(f.Number), CustomerPoNumber: Text(f.CustomerPoNumber), Placed: Span(f.Placed),
		Item: item, ShipTo: Text(f.ShipTo), ChangedSince: f.ChangedSince,
	}
}

// PurchaseOrderFilter is the filter of a list of purchase orders; item is the id of the item that it names, if it names one.
func PurchaseOrderFilter(f *graph.PurchaseOrderFilter, item string) records.PurchaseOrderFilter {
	if f == nil {
		return records.PurchaseOrderFilter{}
	}
	return records.PurchaseOrderFilter{
		Status: f.Status, Number: Text(f.Number), Supplier: Text(f.Supplier), Promised: Span(f.Promised), Item: item,
		ChangedSince: f.ChangedSince, NeedsAction: Yes(f.NeedsAction),
	}
}
