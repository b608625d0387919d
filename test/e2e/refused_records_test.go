package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// twice is a record's list with its first part repeated.
func (s *server) twice(t *testing.T, object, key, list string) []any {
	t.Helper()
	parts, _ := s.record(t, "erp", object, key)[list].([]any)
	if len(parts) == 0 {
		t.Fatalf("%s %s has no %s", object, key, list)
	}
	return append(parts, parts[0])
}

// set makes the ERP report a record with other values, as a version of its own.
func (s *server) set(t *testing.T, service, object, key string, fields map[string]any) {
	t.Helper()
	s.control(t, http.MethodPost, "/control/records", map[string]any{"service": service, "object": object, "key": key, "set": fields})
}

// reasons are why records of a source were rejected, by their reference.
func (s *server) reasons(t *testing.T, instance string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, h := range must(api.RejectedRecords(s.as(t, "operator"))).SourceHealth {
		if h.Instance != instance {
			continue
		}
		for _, r := range h.RejectedRecords.Nodes {
			found[*r.SourceRef] = r.Reason
		}
	}
	return found
}

// Cases: A1 A3
func TestARecordWithAPartTwiceStopsNoOther(t *testing.T) {
	t.Parallel()
	data := loaded(t)
	s := start(t, data, "PORTICO_SANDBOX_SPEED=0")
	defer func() { _ = s.stop() }()
	list := must(api.OrdersByNumber(s.as(t, "operator")))
	bad, fine := *list.Orders.Nodes[0].Number, *list.Orders.Nodes[1].Number
	purchase, account := list.PurchaseOrders.Nodes[0].Number, list.Accounts.Nodes[0].Number
	s.set(t, "erp", "salesOrders", bad, map[string]any{"items": s.twice(t, "salesOrders", bad, "items"), "rev": 900})
	s.set(t, "erp", "purchases", purchase, map[string]any{"items": s.twice(t, "purchases", purchase, "items"), "rev": 900})
	s.set(t, "erp", "customers", account, map[string]any{"addresses": s.twice(t, "customers", account, "addresses"), "rev": 900})
	comment := func(s *server, want string) func() bool {
		return func() bool {
			return val(must(api.OrderComment(s.as(t, "operator"), fine)).Order.Comment) == want
		}
	}
	s.set(t, "erp", "salesOrders", fine, map[string]any{"note": "goes on", "rev": 900})
	s.until(t, 10*time.Second, "the next change", comment(s, "goes on"))
	named := func(s *server) func() bool {
		return func() bool {
			found := s.reasons(t, "erp")
			return strings.Contains(found[bad], "line") && strings.Contains(found[purchase], "line") &&
				strings.Contains(found[account], "address")
		}
	}
	s.until(t, 10*time.Second, "all three rejected by name", named(s))

	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = start(t, data, "PORTICO_SANDBOX_SPEED=0")
	s.set(t, "erp", "salesOrders", fine, map[string]any{"note": "and on", "rev": 901})
	s.until(t, 10*time.Second, "a change after the restart", comment(s, "and on"))
	if !named(s)() {
		t.Errorf("after the restart the rejected records are %v", s.reasons(t, "erp"))
	}
	// One that is right again is accepted.
	s.set(t, "erp", "salesOrders", bad, map[string]any{"rev": 902})
	s.until(t, 10*time.Second, "accepted", func() bool { return s.reasons(t, "erp")[bad] == "" })
}

// Cases: A4
func TestRecordsThatAreHugeOrLeadBackToThemselvesStopNoFeed(t *testing.T) {
	t.Parallel()
	s := portico(t)
	list := must(api.ItemsAtTheEnd(s.as(t, "operator"))).Items.Nodes
	sku := func(i int) string { return list[i].Sku }
	one, two, self, huge, fine := sku(0), sku(1), sku(2), sku(3), sku(4)
	for key, fields := range map[string]map[string]any{
		one: {"succ": two}, two: {"succ": one}, self: {"succ": self}, huge: {"longText": strings.Repeat("long ", 2<<20)},
		fine: {"descr": "goes on"},
	} {
		fields["rev"] = 900
		s.set(t, "erp", "materials", key, fields)
		defer s.set(t, "erp", "materials", key, map[string]any{"rev": 901})
	}
	item := func(sku string) api.ItemSuccessorsItem {
		return must(api.ItemSuccessors(s.as(t, "operator"), sku)).Item
	}
	s.until(t, 20*time.Second, "the next change", func() bool { return item(fine).Name == "goes on" })
	s.until(t, 20*time.Second, "rejected by name", func() bool {
		found := s.reasons(t, "erp")
		return strings.Contains(found[huge], "8 MiB") && strings.Contains(found[one]+found[two], "leads back to it")
	})
	if next := item(self).ReplacedBy; !null(next) {
		t.Errorf("an item that names itself is replaced by %s", asJSON(next))
	}
	for _, key := range []string{one, two} { // one names the other, which names none
		if next := item(key).ReplacedBy; !null(next.ReplacedBy) {
			t.Errorf("%s is replaced in a circle: %s", key, asJSON(next))
		}
	}
}
