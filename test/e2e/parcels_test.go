package e2e

import (
	"net/http"
	"testing"
	"time"
)

// TestParcelsThroughTheServer has a carrier push what it knows of each of two parcels of a shipment.
//
// Cases: C1 C2 C3
func TestParcelsThroughTheServer(t *testing.T) {
	t.Parallel()
	p := pushingAt(t)
	_, ids := p.parcels(t, 1)
	var number string
	if err := p.database(t).GetContext(t.Context(), &number, `SELECT number FROM shipments WHERE id = $1`, ids[0]); err != nil {
		t.Fatal(err)
	}
	p.control(t, http.MethodPost, "/control/records", map[string]any{
		"service": "wms", "object": "dispatches", "key": number, "set": map[string]any{
			"track": "MPSA1", "crtAt": "2026-02-20 09:00:00", "rev": 900,
			"parcels": []any{
				map[string]any{"n": 1, "track": "MPSA1", "kg": "2.0", "lines": []any{}},
				map[string]any{"n": 2, "track": "MPSA2", "kg": "3.0", "lines": []any{}},
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
	if status, text := p.push("",
		map[string]any{"parcel": "MPSA1", "scans": []any{scan(92, "POD", "2026-03-06T08:00:00Z")}}); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	p.becomes(t, ids[0], "DELIVERED")
	if s := find("MPSA2"); walk(s, "proofOfDelivery.deliveredAt") != "2026-03-06T08:00:00Z" || walk(s, "packages.0.status") != "DELIVERED" {
		t.Errorf("with both delivered: %v", s)
	}
}
