package e2e

import (
	"net/http"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// TestParcelsThroughTheServer has a carrier push what it knows of each of two parcels of a shipment.
//
// Cases: F3 C1 C2 C3
func TestParcelsThroughTheServer(t *testing.T) {
	t.Parallel()
	p := pushingAt(t)
	_, ids := p.parcels(t, 1)
	var of struct{ Number, Order, Line, Unit string }
	if err := p.database(t).GetContext(t.Context(), &of, `
		WITH l AS (UPDATE order_lines SET delivered = 0, ordered = 5, shipped = 5, cancelled = 0, status = 'SHIPPED'
		WHERE order_id IN (SELECT order_id FROM shipment_orders WHERE shipment_id = $1) RETURNING order_id, line_number, unit)
		SELECT s.number, o.number AS order, l.line_number AS line, l.unit FROM shipments s, l JOIN orders o ON o.id = l.order_id WHERE s.id = $1
		ORDER BY l.line_number LIMIT 1`, ids[0]); err != nil {
		t.Fatal(err)
	}
	content := func(quantity int) []any {
		unit := map[string]string{"EA": "PCE", "BX": "BOX", "MTR": "MTR"}[of.Unit]
		return []any{map[string]any{"doc": of.Order, "pos": of.Line, "qty": quantity, "uom": unit}}
	}
	// ofOrder is what was delivered of the line that is in both parcels, and whose word it is.
	ofOrder := func() string {
		for _, l := range must(api.OrderDeliveries(p.as(t, "operator"), of.Order)).Order.Lines.Nodes {
			if l.LineNumber == of.Line {
				return string(l.Status) + " " + l.Delivered.Value + " " + string(l.DeliveredBasis)
			}
		}
		return ""
	}
	p.control(t, http.MethodPost, "/control/records", map[string]any{
		"service": "wms", "object": "dispatches", "key": of.Number, "set": map[string]any{
			"track": "MPSA1", "crtAt": "2026-02-20 09:00:00", "rev": 900,
			"parcels": []any{
				map[string]any{"n": 1, "track": "MPSA1", "kg": "2.0", "lines": content(3)},
				map[string]any{"n": 2, "track": "MPSA2", "kg": "3.0", "lines": content(2)},
			},
		},
	})
	type shipment = api.ShipmentPackagesShipmentsShipmentConnectionNodesShipment
	find := func(value string) (none shipment) {
		found := must(api.ShipmentPackages(p.as(t, "operator"), &api.ShipmentFilter{
			Reference: &api.IdentifierInput{Scheme: api.IdSchemeTrackingNumber, Value: value},
		})).Shipments.Nodes
		if len(found) != 1 {
			return none
		}
		return found[0]
	}
	p.until(t, 20*time.Second, "both parcels are known", func() bool { return !null(find("MPSA2")) })
	if status, text := p.push("",
		map[string]any{"parcel": "MPSA2", "scans": []any{scan(91, "POD", "2026-03-05T08:00:00Z")}}); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	now := p.becomes(t, ids[0], api.ShipmentStatusPartiallyDelivered)
	s := find("MPSA1")
	first, second := at(s.Packages, 0), at(s.Packages, 1)
	if !null(now.ProofOfDelivery) || s.Id != ids[0] || first.Status == api.ShipmentStatusDelivered ||
		second.Status != api.ShipmentStatusDelivered || second.ProofOfDelivery.DeliveredAt != "2026-03-05T08:00:00Z" ||
		val(at(second.Events, 0).Package.TrackingNumber) != "MPSA2" {
		t.Errorf("with one of them delivered: %s", asJSON(s))
	}
	if got := ofOrder(); got != "SHIPPED 2 PACKAGES" {
		t.Errorf("with one of them delivered, of its order: %s", got)
	}
	if status, text := p.push("",
		map[string]any{"parcel": "MPSA1", "scans": []any{scan(92, "POD", "2026-03-06T08:00:00Z")}}); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	p.becomes(t, ids[0], api.ShipmentStatusDelivered)
	if s := find("MPSA2"); s.ProofOfDelivery.DeliveredAt != "2026-03-06T08:00:00Z" ||
		at(s.Packages, 0).Status != api.ShipmentStatusDelivered {
		t.Errorf("with both delivered: %s", asJSON(s))
	}
	if got := ofOrder(); got != "DELIVERED 5 PACKAGES" {
		t.Errorf("with both delivered, of their order: %s", got)
	}
}
