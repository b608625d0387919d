package replication

import (
	"encoding/json"
	"regexp"
	"testing"

	"portico/test/stored"
	"portico/trade"
	"portico/trade/procurement"
)

// TestWhatIsHeldIsCalledAsItIsTold holds the names under which records are read back to be compared to those
// under which their sources tell them: otherwise nothing would be the same any more, or nothing different.
func TestWhatIsHeldIsCalledAsItIsTold(t *testing.T) {
	told := map[string]any{
		"warehouses": stored.Of[trade.Warehouse](), "categories": stored.Of[trade.Category](),
		"suppliers": stored.Of[procurement.TradingPartner](), "accounts": stored.Of[trade.Account](),
		"credit": stored.Of[trade.CreditPosition](), "items": stored.Of[trade.Item](), "contracts": stored.Of[trade.Contract](),
		"inventory": stored.Of[trade.Stock](),
		"orders":    stored.Of[trade.Order](), "purchase_orders": stored.Of[trade.PurchaseOrder](), "shipments": stored.Of[trade.Shipment](),
		"invoices": stored.Of[trade.Invoice](),
		"returns":  stored.Of[trade.Return](),
	}
	for _, h := range kinds {
		if (told[h.subject] != nil) != Holds(h.subject) {
			t.Errorf("%s: whether it is held, and whether a source's record is looked at here, differ", h.subject)
		}
		text, err := json.Marshal(told[h.subject])
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		var collect func(v any)
		collect = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				for name, x := range v {
					names[name] = true
					collect(x)
				}
			case []any:
				for _, x := range v {
					collect(x)
				}
			}
		}
		collect(document)
		for _, name := range regexp.MustCompile(`'([A-Za-z]+)', `).FindAllStringSubmatch(h.says, -1) {
			if !names[name[1]] {
				t.Errorf("%s: %q is held, and no source tells anything of that name", h.subject, name[1])
			}
		}
	}
}
