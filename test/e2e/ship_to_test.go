package e2e

import (
	"testing"
)

// Covers: P01
// Cases: H12
func TestASupplierReadsTheWholeAddressToShipTo(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.acknowledged(t, 1000, "SCR-10008")
	const where = `{ name street postalCode city country gln }`
	told := p.s.good(t, "supplier", `query ($id: ID!) { node(id: $id) { ... on PurchaseOrder { shipTo `+where+` } } }`,
		map[string]any{"id": po["id"]})
	whole := func(place any, of string) {
		t.Helper()
		at, _ := place.(map[string]any)
		if at["name"] != "Rotterdam Central" || at["street"] != "Waalhaven 1" || at["postalCode"] != "3089 JH" || at["city"] != "Rotterdam" ||
			at["country"] != "NL" || at["gln"] == nil {
			t.Errorf("ship-to of %s: %v", of, place)
		}
	}
	whole(told.at("node", "shipTo"), "a purchase order")

	sent := p.s.good(t, "supplier", announce, map[string]any{"key": p.key(), "in": p.shipped(
		map[string]any{"purchaseOrderLine": walk(po, "lines.nodes.0.id"), "shipped": each("100")})})
	if sent.at("out", "operation", "state") != "COMMITTED" {
		t.Fatalf("announced: %s", sent.Body)
	}
	const noticeNow = `query ($id: ID!) { node(id: $id) { ... on DespatchAdvice
		{ shipFrom { street city } shipTo ` + where + ` shipment { destination ` + where + ` } } } }`
	var notice answer
	p.s.until(t, 0, "shipped", func() bool {
		notice = p.s.good(t, "supplier", noticeNow, map[string]any{"id": sent.at("out", "despatchAdvice", "id")})
		return notice.at("node", "shipment") != nil
	})
	whole(notice.at("node", "shipTo"), "a despatch advice")
	whole(notice.at("node", "shipment", "destination"), "its shipment")
	if notice.at("node", "shipFrom", "street") != "Weg 1" {
		t.Errorf("ship-from: %s", notice.Body)
	}

	warehouse := p.s.good(t, "operator", `{ item(by: {sku: "SCR-10008"}) { availability
		{ byWarehouse { warehouse { location `+where+` } } } } }`, nil)
	found := false
	for _, w := range warehouse.at("item", "availability", "byWarehouse").([]any) {
		if walk(w, "warehouse.location.name") == "Rotterdam Central" {
			whole(walk(w, "warehouse.location"), "a warehouse")
			found = true
		}
	}
	if !found {
		t.Errorf("no warehouse: %s", warehouse.Body)
	}

	out := p.s.good(t, "operator", `{ shipments(first: 20, filter: {direction: [OUTBOUND]})
		{ nodes { origin { street postalCode } destination { street postalCode city country } } } }`, nil)
	for _, s := range out.at("shipments", "nodes").([]any) {
		if walk(s, "origin.street") != "Waalhaven 1" || walk(s, "destination.street") == nil || walk(s, "destination.postalCode") == nil {
			t.Errorf("a customer's shipment: %v", s)
		}
	}
}
