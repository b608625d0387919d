package e2e

import (
	"testing"

	"portico/test/e2e/api"
)

// Covers: P01
// Cases: H12
func TestASupplierReadsTheWholeAddressToShipTo(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	operator := p.s.as(t, "operator")
	po := p.confirmed(t, 1000, "SCR-10008")
	whole := func(place api.Place, of string) {
		t.Helper()
		if val(place.Name) != "Rotterdam Central" || val(place.Street) != "Waalhaven 1" || val(place.PostalCode) != "3089 JH" ||
			val(place.City) != "Rotterdam" || val(place.Country) != "NL" || place.Gln == nil {
			t.Errorf("ship-to of %s: %s", of, asJSON(place))
		}
	}
	whole(must(api.PurchaseOrderShipTo(p.s.as(t, "supplier"), po.Id)).PurchaseOrder.ShipTo, "a purchase order")

	sent := p.noticed(t, "supplier",
		p.notice(api.DespatchLineInput{PurchaseOrderLine: po.Lines.Nodes[0].Id, Shipped: *pieces("100")}))
	if sent.Operation.State != api.OperationStateCommitted {
		t.Fatalf("announced: %s", asJSON(sent))
	}
	var notice api.DespatchAdviceNodeNodeDespatchAdvice
	p.s.until(t, 0, "shipped", func() bool {
		notice = p.despatch(t, sent.DespatchAdvice.Id)
		return !null(notice.Shipment)
	})
	whole(notice.ShipTo, "a despatch advice")
	whole(notice.Shipment.Destination, "its shipment")
	if val(notice.ShipFrom.Street) != "Weg 1" {
		t.Errorf("ship-from: %s", asJSON(notice))
	}

	stock := must(api.ItemWarehouses(operator, "SCR-10008")).Item.Availability.ByWarehouse
	found := false
	for _, w := range stock {
		if val(w.Warehouse.Location.Name) == "Rotterdam Central" {
			whole(w.Warehouse.Location, "a warehouse")
			found = true
		}
	}
	if !found {
		t.Errorf("no warehouse: %s", asJSON(stock))
	}

	outbound := &api.ShipmentFilter{Direction: []api.Direction{api.DirectionOutbound}}
	for _, s := range must(api.ShipmentPlaces(operator, outbound)).Shipments.Nodes {
		if val(s.Origin.Street) != "Waalhaven 1" || s.Destination.Street == nil || s.Destination.PostalCode == nil {
			t.Errorf("a customer's shipment: %s", asJSON(s))
		}
	}
}
