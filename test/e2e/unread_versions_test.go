package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Cases: B3
func TestARecordOfWhichANewerVersionIsUnreadIsStale(t *testing.T) {
	t.Parallel()
	s := portico(t)
	list := s.good(t, "operator", `{
		orders(first: 4, orderBy: NUMBER_ASC, filter: {status: [DELIVERED, INVOICED]}) { nodes { number
			shipments { nodes { number packages { trackingNumber } } } } }
		purchaseOrders(last: 1) { nodes { number } }
		items(last: 1) { nodes { sku } }
		accounts(last: 1) { nodes { number } }
		invoices(last: 1) { nodes { number } } }`, nil)
	order := func(i int) string { return list.at("orders", "nodes", i, "number").(string) }
	shipment := list.at("orders", "nodes", 3, "shipments", "nodes", 0)
	sku, account := list.at("items", "nodes", 0, "sku").(string), list.at("accounts", "nodes", 0, "number").(string)
	type bad struct {
		what, field, key      string
		service, object, told string
		set                   map[string]any
		reason                string
	}
	for i, b := range []bad{
		{
			"a status that nobody knows", `order(by: {number: $key})`, order(0), "erp", "salesOrders", "",
			map[string]any{"hdrStat": "ZZ"},
			"hdrStat",
		},
		{
			"a sum of 20 digits", `order(by: {number: $key})`, order(1), "erp", "salesOrders", "",
			map[string]any{"gross": "12345678901234567890.00"},
			"",
		},
		{
			"a sum with a comma", `order(by: {number: $key})`, order(2), "erp", "salesOrders", "",
			map[string]any{"gross": "1.234,56"},
			"gross",
		},
		{"an item", `item(by: {sku: $key})`, sku, "erp", "materials", "", map[string]any{"life": "Q"}, "life"},
		{"stock", `item(by: {sku: $key}) { availability`, sku, "wms", "stock", "", map[string]any{"uom": "QQ"}, "uom"},
		{"an account", `account(by: {number: $key})`, account, "erp", "customers", "", map[string]any{"blk": "Q"}, "blk"},
		{"credit", `account(by: {number: $key}) { credit`, account, "erp", "credits", "", map[string]any{"used": "much"}, "used"},
		{
			"an invoice", `invoice(by: {number: $key})`, list.at("invoices", "nodes", 0, "number").(string), "erp", "invoices", "",
			map[string]any{"typ": "Q"},
			"typ",
		},
		{
			"a purchase order", `purchaseOrder(by: {number: $key})`, list.at("purchaseOrders", "nodes", 0, "number").(string), "erp",
			"purchases", "",
			map[string]any{"curr": "LONGER"},
			"",
		},
		{
			"a shipment", `shipment(by: {number: $key})`, say(walk(shipment, "number")), "wms", "dispatches", "",
			map[string]any{"crtAt": "yesterday"},
			"crtAt",
		},
		{
			"tracking", `shipment(by: {number: $key})`, say(walk(shipment, "number")), "carrier", "trackers",
			say(walk(walk(shipment, "packages").([]any)[0], "trackingNumber")),
			map[string]any{"history": "none"},
			"history: it is a JSON string",
		},
	} {
		t.Run(b.what, func(t *testing.T) {
			told := b.told
			if told == "" {
				told = b.key
			}
			of := func(persona string) map[string]any {
				t.Helper()
				closing := strings.Repeat(" }", strings.Count(b.field, ") {"))
				a := s.good(t, persona, `query ($key: String!) { it: `+b.field+` { provenance { stale staleReason staleSince } }`+closing+` }`,
					map[string]any{"key": b.key})
				at := a.at("it")
				if strings.Contains(b.field, ") {") {
					for _, inner := range at.(map[string]any) {
						at = inner
					}
				}
				return walk(at, "provenance").(map[string]any)
			}
			if p := of("operator"); p["stale"] != false || p["staleReason"] != nil || p["staleSince"] != nil {
				t.Fatalf("before it is %v", p)
			}
			before, rev := time.Now().Add(-time.Second), s.record(t, b.service, b.object, told)["rev"].(float64)
			original := map[string]any{"rev": rev + 2}
			b.set["rev"] = rev + 1
			s.set(t, b.service, b.object, told, b.set)
			defer func() { // as it was
				s.set(t, b.service, b.object, told, original)
				s.until(t, 10*time.Second, "fresh again", func() bool { return of("operator")["stale"] == false })
				if p := of("operator"); p["staleReason"] != nil || p["staleSince"] != nil {
					t.Errorf("corrected, it is %v", p)
				}
			}()
			s.until(t, 10*time.Second, "stale", func() bool { return of("operator")["stale"] == true })
			p := of("operator")
			since, err := time.Parse(time.RFC3339, fmt.Sprint(p["staleSince"]))
			if err != nil || since.Before(before) || since.After(time.Now().Add(time.Second)) {
				t.Errorf("it is stale since %v, want now, %v", p["staleSince"], time.Now())
			}
			if reason := fmt.Sprint(p["staleReason"]); !strings.Contains(reason, "newer version") || !strings.Contains(reason, b.reason) ||
				strings.HasSuffix(reason, "saved: ") {
				t.Errorf("it is stale because %q, want the reason with %q", reason, b.reason)
			}
			// Told badly once more it is stale since the first time.
			if i == 0 {
				b.set["rev"], original["rev"] = rev+2, rev+3
				s.set(t, b.service, b.object, told, b.set)
				s.settled(t)
				if again := of("operator"); again["staleSince"] != p["staleSince"] {
					t.Errorf("told badly twice it is stale since %v, want %v", again["staleSince"], p["staleSince"])
				}
			}
		})
	}
}

// Cases: B3
func TestOrdersAgainstUnreadVersionsAreProvisional(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	number := s.good(t, "buyer", `{ viewer { ... on CustomerViewer { account { number } } } }`, nil).at("viewer", "account", "number").(string)
	validate := func() (a answer) {
		_, in := o.order()
		return s.good(t, "buyer", `query ($in: OrderInput!) { validateOrder(input: $in) { provisional
			lines { promise { reasons { code message } } } } }`, map[string]any{"in": in})
	}
	for _, c := range []struct {
		what, service, object, key string
		set                        map[string]any
		check                      string
	}{
		{"stock", "wms", "stock", o.sku, map[string]any{"uom": "QQ"}, "AVAILABILITY"},
		{"the item", "erp", "materials", o.sku, map[string]any{"life": "Q"}, "AVAILABILITY"},
		{"the account", "erp", "customers", number, map[string]any{"blk": "Q"}, "CREDIT"},
		{"credit", "erp", "credits", number, map[string]any{"used": "much"}, "CREDIT"},
	} {
		t.Run(c.what, func(t *testing.T) {
			provisional := func() bool {
				return strings.Contains(fmt.Sprint(validate().at("validateOrder", "provisional")), c.check)
			}
			if provisional() {
				t.Fatalf("before, %s is provisional", c.check)
			}
			rev := s.record(t, c.service, c.object, c.key)["rev"].(float64)
			c.set["rev"] = rev + 1
			s.set(t, c.service, c.object, c.key, c.set)
			s.until(t, 10*time.Second, "provisional", provisional)
			if c.what == "stock" { // what is read now, and cannot be read, is not shown as nothing
				a := s.good(t, "buyer", `query ($sku: String!) { item(by: {sku: $sku}) { availability(maxAge: "PT0S") {
					onHand { value } provenance { mode stale } } } }`, map[string]any{"sku": c.key})
				at := a.at("item", "availability").(map[string]any)
				if walk(at, "onHand.value") == nil || walk(at, "provenance.mode") != "FALLBACK" || walk(at, "provenance.stale") != true {
					t.Errorf("read now, the stock is %v", at)
				}
			}
			if body := validate().Body; c.what == "stock" && !strings.Contains(body, "a newer figure could not be read") {
				t.Errorf("the promise does not say that it is of stock as last known: %s", body)
			}
			// A buyer learns that there is something newer, and not what the source says.
			if c.what == "the item" {
				a := s.good(t, "buyer", `query ($sku: String!) { item(by: {sku: $sku}) { provenance { stale staleReason } } }`,
					map[string]any{"sku": c.key})
				if reason := fmt.Sprint(a.at("item", "provenance", "staleReason")); a.at("item", "provenance", "stale") != true ||
					!strings.Contains(reason, "newer version") || strings.Contains(reason, "life") {
					t.Errorf("a buyer reads %s", a.Body)
				}
			}
			s.set(t, c.service, c.object, c.key, map[string]any{"rev": rev + 2})
			s.until(t, 10*time.Second, "checked again", func() bool { return !provisional() })
		})
	}
}
