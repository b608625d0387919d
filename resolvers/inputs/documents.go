package inputs

import (
	"strings"

	"portico/graph"
	"portico/trade"
	"portico/trade/ordering"
	"portico/trade/procurement"
)

// OrderRequest is an order as the caller asks for it.
func OrderRequest(in *graph.OrderInput) *ordering.OrderRequest {
	r := &ordering.OrderRequest{
		AccountID: in.Account, CustomerPoNumber: strings.TrimSpace(in.CustomerPoNumber), RequestedDeliveryDate: in.RequestedDeliveryDate,
		AllowPartial: in.AllowPartial, Comment: in.Comment,
		Lines: make([]ordering.OrderRequestLine, len(in.Lines)),
	}
	if in.ShipTo != nil {
		r.ShipToID, r.ShipToAddress = Text(in.ShipTo.Location), Address(in.ShipTo.Address)
	}
	for i, l := range in.Lines {
		r.Lines[i] = OrderLineRequest(l)
	}
	return r
}

// OrderLineRequest is a line of it, or one that an amendment adds.
func OrderLineRequest(l *graph.OrderLineInput) ordering.OrderRequestLine {
	return ordering.OrderRequestLine{
		LineNumber: l.LineNumber, Quantity: trade.Quantity(*l.Quantity), ExpectedUnitPrice: UnitPrice(l.ExpectedUnitPrice),
		RequestedDeliveryDate: l.RequestedDeliveryDate,
		AllowSubstitute:       l.AllowSubstitute,
		Item: ordering.ItemKey{
			ID: Text(l.Item.ID), SKU: Text(l.Item.Sku), GTIN: Text(l.Item.Gtin),
			PartNumber: Text(l.Item.CustomerPartNumber),
		},
	}
}

// DespatchRequest is a despatch advice as a supplier sends it.
func DespatchRequest(in *graph.DespatchAdviceInput) *trade.DespatchRequest {
	q := &trade.DespatchRequest{
		Number: in.Number, ShipFrom: *Address(in.ShipFrom), DespatchedAt: in.DespatchedAt, ExpectedAt: in.ExpectedAt,
		CarrierSCAC: in.CarrierScac,
	}
	for _, x := range in.References {
		q.References = append(q.References, trade.Identifier(*x))
	}
	for _, u := range in.HandlingUnits {
		q.Units = append(q.Units, trade.HandlingUnit{
			SSCC: u.Sscc, Parent: u.Parent, PackageType: u.PackageType,
			Weight: (*trade.Quantity)(u.Weight),
		})
	}
	for _, l := range in.Lines {
		q.Lines = append(q.Lines, trade.DespatchLine{
			LineID: l.PurchaseOrderLine, SSCC: l.Sscc, Shipped: trade.Quantity(*l.Shipped), Backordered: (*trade.Quantity)(l.Backordered),
			OutstandingReason: l.OutstandingReason, Lot: l.Lot, Serials: l.Serials,
			ExpiresOn: l.ExpiresOn,
		})
	}
	return q
}

// CounterProposal is what a buyer proposes instead; nil where it proposes nothing.
func CounterProposal(in *graph.CounterProposalInput) *trade.CounterProposal {
	if in == nil {
		return nil
	}
	return &trade.CounterProposal{
		Quantity: (*trade.Quantity)(in.Quantity), UnitPrice: UnitPrice(in.UnitPrice), ShipDate: in.ShipDate,
		DeliveryDate: in.DeliveryDate,
	}
}

// ResponseRequest is an order response as a supplier sends it.
func ResponseRequest(in *graph.PurchaseOrderResponseInput) *trade.ResponseRequest {
	q := &trade.ResponseRequest{
		PurchaseOrderID: in.PurchaseOrder, Revision: in.ExpectedRevision, ResponseNumber: in.ResponseNumber,
		SupplierOrderNumber: in.SupplierOrderNumber, Kind: in.Kind,
	}
	for _, l := range in.Lines {
		q.Lines = append(q.Lines, trade.LineAcknowledgment{
			LineID: l.Line, Status: l.Status, Quantity: (*trade.Quantity)(l.Quantity), UnitPrice: UnitPrice(l.UnitPrice),
			PromisedShipDate: l.PromisedShipDate, PromisedDeliveryDate: l.PromisedDeliveryDate,
			Substitute: (*trade.Identifier)(l.Substitute), Reason: l.Reason,
		})
	}
	return q
}

// Channels are the channels of a partner; nil where none are given, so that those it has stay.
func Channels(in []*graph.PartnerChannelInput) []procurement.PartnerChannel {
	if in == nil {
		return nil
	}
	all := make([]procurement.PartnerChannel, len(in))
	for i, c := range in {
		all[i] = procurement.PartnerChannel{Kind: c.Kind, Direction: c.Direction, Documents: c.Documents, Endpoint: c.Endpoint}
	}
	return all
}
