package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Khan/genqlient/graphql"

	"portico/test/e2e/api"
)

// Cases: B3
func TestARecordOfWhichANewerVersionIsUnreadIsStale(t *testing.T) {
	t.Parallel()
	s := portico(t)
	list := must(api.OrdersAndOthers(s.as(t, "operator")))
	order := func(i int) string { return *list.Orders.Nodes[i].Number }
	shipment := list.Orders.Nodes[3].Shipments.Nodes[0]
	sku, account := list.Items.Nodes[0].Sku, list.Accounts.Nodes[0].Number
	orderProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.OrderProvenance(c, key)).Order.Provenance
	}
	itemProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.ItemProvenance(c, key)).Item.Provenance
	}
	stockProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.ItemStockProvenance(c, key)).Item.Availability.Provenance
	}
	accountProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.AccountProvenance(c, key)).Account.Provenance
	}
	creditProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.AccountCreditProvenance(c, key)).Account.Credit.Provenance
	}
	invoiceProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.InvoiceProvenance(c, key)).Invoice.Provenance
	}
	purchaseProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.PurchaseOrderProvenance(c, key)).PurchaseOrder.Provenance
	}
	shipmentProvenance := func(c graphql.Client, key string) api.ProvenanceStaleness {
		return must(api.ShipmentProvenance(c, key)).Shipment.Provenance
	}
	type bad struct {
		what                  string
		provenance            func(graphql.Client, string) api.ProvenanceStaleness
		key                   string
		service, object, told string
		set                   map[string]any
		reason                string
	}
	for i, b := range []bad{
		{
			"a status that nobody knows", orderProvenance, order(0), "erp", "salesOrders", "",
			map[string]any{"hdrStat": "ZZ"},
			"hdrStat",
		},
		{
			"a sum of 20 digits", orderProvenance, order(1), "erp", "salesOrders", "",
			map[string]any{"gross": "12345678901234567890.00"},
			"",
		},
		{
			"a sum with a comma", orderProvenance, order(2), "erp", "salesOrders", "",
			map[string]any{"gross": "1.234,56"},
			"gross",
		},
		{"an item", itemProvenance, sku, "erp", "materials", "", map[string]any{"life": "Q"}, "life"},
		{"stock", stockProvenance, sku, "wms", "stock", "", map[string]any{"uom": "QQ"}, "uom"},
		{"stock that is in no place", stockProvenance, sku, "wms", "stock", "", map[string]any{"sites": []any{}}, "no longer names it"},
		{
			"stock that is in fewer places", stockProvenance, sku, "wms", "stock", "",
			map[string]any{"sites": []any{map[string]any{"site": "RTM", "qty": 5, "res": 0, "safety": 0}}},
			"no longer names it",
		},
		{"an account", accountProvenance, account, "erp", "customers", "", map[string]any{"blk": "Q"}, "blk"},
		{"credit", creditProvenance, account, "erp", "credits", "", map[string]any{"used": "much"}, "used"},
		{
			"an invoice", invoiceProvenance, list.Invoices.Nodes[0].Number, "erp", "invoices", "",
			map[string]any{"typ": "Q"},
			"typ",
		},
		{
			"a purchase order", purchaseProvenance, list.PurchaseOrders.Nodes[0].Number, "erp",
			"purchases", "",
			map[string]any{"curr": "LONGER"},
			"",
		},
		{
			"a shipment", shipmentProvenance, shipment.Number, "wms", "dispatches", "",
			map[string]any{"crtAt": "yesterday"},
			"crtAt",
		},
		{
			"tracking", shipmentProvenance, shipment.Number, "carrier", "trackers",
			val(shipment.Packages[0].TrackingNumber),
			map[string]any{"history": "none"},
			"history: it is a JSON string",
		},
	} {
		t.Run(b.what, func(t *testing.T) {
			told := b.told
			if told == "" {
				told = b.key
			}
			now := func() api.ProvenanceStaleness {
				t.Helper()
				return b.provenance(s.as(t, "operator"), b.key)
			}
			if p := now(); p.Stale || p.StaleReason != nil || p.StaleSince != nil {
				t.Fatalf("before it is %s", asJSON(p))
			}
			before, rev := time.Now().Add(-time.Second), s.record(t, b.service, b.object, told)["rev"].(float64)
			original := map[string]any{"rev": rev + 2}
			b.set["rev"] = rev + 1
			s.set(t, b.service, b.object, told, b.set)
			defer func() { // as it was
				s.set(t, b.service, b.object, told, original)
				s.until(t, 10*time.Second, "fresh again", func() bool { return !now().Stale })
				if p := now(); p.StaleReason != nil || p.StaleSince != nil {
					t.Errorf("corrected, it is %s", asJSON(p))
				}
			}()
			s.until(t, 10*time.Second, "stale", func() bool { return now().Stale })
			p := now()
			since, err := time.Parse(time.RFC3339, val(p.StaleSince))
			if err != nil || since.Before(before) || since.After(time.Now().Add(time.Second)) {
				t.Errorf("it is stale since %v, want now, %v", val(p.StaleSince), time.Now())
			}
			if reason := val(p.StaleReason); !strings.Contains(reason, "newer version") || !strings.Contains(reason, b.reason) ||
				strings.HasSuffix(reason, "saved: ") {
				t.Errorf("it is stale because %q, want the reason with %q", reason, b.reason)
			}
			// Told badly once more it is stale since the first time.
			if i == 0 {
				b.set["rev"], original["rev"] = rev+2, rev+3
				s.set(t, b.service, b.object, told, b.set)
				s.settled(t)
				if since := val(now().StaleSince); since != val(p.StaleSince) {
					t.Errorf("told badly twice it is stale since %v, want %v", since, val(p.StaleSince))
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
	buyer := s.as(t, "buyer")
	number := must(api.ViewerAccountNumber(buyer)).Viewer.(*api.CallerNumberCustomerViewer).Account.Number
	type validation = api.ValidateOrderProvisionallyValidateOrderOrderValidation
	validate := func() validation {
		_, in := o.order()
		return must(api.ValidateOrderProvisionally(buyer, in)).ValidateOrder
	}
	for _, c := range []struct {
		what, service, object, key string
		set                        map[string]any
		check                      api.OrderCheck
	}{
		{"stock", "wms", "stock", o.sku, map[string]any{"uom": "QQ"}, api.OrderCheckAvailability},
		{"the item", "erp", "materials", o.sku, map[string]any{"life": "Q"}, api.OrderCheckAvailability},
		{"the account", "erp", "customers", number, map[string]any{"blk": "Q"}, api.OrderCheckCredit},
		{"credit", "erp", "credits", number, map[string]any{"used": "much"}, api.OrderCheckCredit},
	} {
		t.Run(c.what, func(t *testing.T) {
			provisional := func() bool { return slices.Contains(validate().Provisional, c.check) }
			if provisional() {
				t.Fatalf("before, %s is provisional", c.check)
			}
			rev := s.record(t, c.service, c.object, c.key)["rev"].(float64)
			c.set["rev"] = rev + 1
			s.set(t, c.service, c.object, c.key, c.set)
			s.until(t, 10*time.Second, "provisional", provisional)
			if c.what == "stock" { // what is read now, and cannot be read, is not shown as nothing
				stock := must(api.ItemStockReadNow(buyer, c.key)).Item.Availability
				if null(stock.OnHand) || stock.Provenance.Mode != api.ReadModeFallback || !stock.Provenance.Stale {
					t.Errorf("read now, the stock is %s", asJSON(stock))
				}
			}
			if body := asJSON(validate()); c.what == "stock" && !strings.Contains(body, "a newer figure could not be read") {
				t.Errorf("the promise does not say that it is of stock as last known: %s", body)
			}
			// A buyer learns that there is something newer, and not what the source says.
			if c.what == "the item" {
				p := must(api.ItemProvenance(buyer, c.key)).Item.Provenance
				if reason := val(p.StaleReason); !p.Stale || !strings.Contains(reason, "newer version") || strings.Contains(reason, "life") {
					t.Errorf("a buyer reads %s", asJSON(p))
				}
			}
			s.set(t, c.service, c.object, c.key, map[string]any{"rev": rev + 2})
			s.until(t, 10*time.Second, "checked again", func() bool { return !provisional() })
		})
	}
}
