package e2e

import (
	"net/http"
	"testing"
	"time"
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
		lines, _ := p.good(t, "operator", `query ($n: String!) { order(by: {number: $n}) { lines(first: 50) { nodes { lineNumber status
			delivered { value } deliveredBasis } } } }`, map[string]any{"n": of.Order}).at("order", "lines", "nodes").([]any)
		for _, l := range lines {
			if walk(l, "lineNumber") == of.Line {
				return say(walk(l, "status")) + " " + say(walk(l, "delivered.value")) + " " + say(walk(l, "deliveredBasis"))
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
	const query = `query ($v: String!) { shipments(filter: {reference: {scheme: TRACKING_NUMBER, value: $v}}) { nodes { id status
		proofOfDelivery { deliveredAt } packages { trackingNumber status events { raw { code } package { trackingNumber } }
		proofOfDelivery { signedBy deliveredAt } } } } }`
	find := func(value string) any {
		found, _ := p.good(t, "operator", query, map[string]any{"v": value}).at("shipments", "nodes").([]any)
		if len(found) != 1 {
			return nil
		}
		return found[0]
	}
	p.until(t, 20*time.Second, "both parcels are known", func() bool { return find("MPSA2") != nil })
	if status, text := p.push("",
		map[string]any{"parcel": "MPSA2", "scans": []any{scan(91, "POD", "2026-03-05T08:00:00Z")}}); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	now := p.becomes(t, ids[0], "PARTIALLY_DELIVERED")
	s := find("MPSA1")
	if now["proofOfDelivery"] != nil || walk(s, "id") != ids[0] || walk(s, "packages.0.status") == "DELIVERED" ||
		walk(s, "packages.1.status") != "DELIVERED" || walk(s, "packages.1.proofOfDelivery.deliveredAt") != "2026-03-05T08:00:00Z" ||
		walk(s, "packages.1.events.0.package.trackingNumber") != "MPSA2" {
		t.Errorf("with one of them delivered: %v", s)
	}
	if got := ofOrder(); got != "SHIPPED 2 PACKAGES" {
		t.Errorf("with one of them delivered, of its order: %s", got)
	}
	if status, text := p.push("",
		map[string]any{"parcel": "MPSA1", "scans": []any{scan(92, "POD", "2026-03-06T08:00:00Z")}}); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	p.becomes(t, ids[0], "DELIVERED")
	if s := find("MPSA2"); walk(s, "proofOfDelivery.deliveredAt") != "2026-03-06T08:00:00Z" || walk(s, "packages.0.status") != "DELIVERED" {
		t.Errorf("with both delivered: %v", s)
	}
	if got := ofOrder(); got != "DELIVERED 5 PACKAGES" {
		t.Errorf("with both delivered, of their order: %s", got)
	}
}
