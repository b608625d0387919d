package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// buyer is what a buyer orders with in these tests.
type ordering struct {
	s               *server
	account, shipTo string
	sku             string
	of              string // moment, for keys and numbers that nobody has
	n               int
	mu              sync.Mutex
}

func orderingAt(t *testing.T, s *server) *ordering {
	t.Helper()
	o := &ordering{s: s, of: fmt.Sprint(time.Now().UnixNano())}
	// A source that has just begun, as a Tryton of the story's own, may be too slow at first to tell prices.
	s.until(t, time.Minute, "told of something that is sold by the piece", func() bool {
		account := s.account(t, "buyer")
		o.account, o.shipTo = account.Id, at(account.Locations.Nodes, 0).Id
		for _, n := range must(api.Items(s.as(t, "buyer"), new(50), &api.ItemFilter{InStock: new(true)})).Items.Nodes {
			if _, priced := n.Price.(*api.ItemPricePrice); priced && n.BaseUnit == "EA" {
				o.sku = n.Sku
				return true
			}
		}
		return false
	})
	return o
}

// account is the one that a customer orders for.
func (s *server) account(t *testing.T, persona string) (account api.CallerAccount) {
	t.Helper()
	if customer, ok := must(api.Viewer(s.as(t, persona))).Viewer.(*api.CallerCustomerViewer); ok {
		account = customer.Account
	}
	return account
}

// order is a new order, with a key that nobody had.
func (o *ordering) order() (key string, in api.OrderInput) {
	o.mu.Lock()
	o.n++
	n := o.n
	o.mu.Unlock()
	return fmt.Sprintf("key of order %06d of %.60s", n, o.of), api.OrderInput{
		Account: o.account, ShipTo: &api.ShipToInput{Location: &o.shipTo}, CustomerPoNumber: fmt.Sprintf("PO %d %.20s", n, o.of),
		Lines: []api.OrderLineInput{{Item: api.ItemBy{Sku: &o.sku}, Quantity: *pieces("1000")}},
	}
}

func (o *ordering) submit(t *testing.T, key string, in api.OrderInput) api.SubmittedOrder {
	t.Helper()
	return must(api.SubmitOrder(o.s.as(t, "buyer"), key, in)).SubmitOrder
}

// effects are the orders that the ERP took, by our reference.
func (s *server) effects(t *testing.T) map[string]int {
	t.Helper()
	var journal []struct{ Do, Key string }
	s.control(t, http.MethodGet, "/control/journal?since=0", nil, &journal)
	all := map[string]int{}
	for _, e := range journal {
		if e.Do == "submit" {
			all[e.Key]++
		}
	}
	return all
}

// beside is another process of the same deployment: over the same database and company,
// with the same keys.
func (s *server) beside(t *testing.T) *server { t.Helper(); return s.over(t, "portico") }

// over is a process beside it, over a database of the same cluster; settings come last.
func (s *server) over(t *testing.T, database string, env ...string) *server {
	t.Helper()
	data := folder(t, true)
	for _, name := range []string{"development-issuer.jwk", "link-key", "data-key"} {
		text, err := os.ReadFile(filepath.Join(s.data, name))
		if err != nil {
			t.Fatal(err)
		}
		file(t, data, name, string(text))
	}
	pid, err := os.ReadFile(filepath.Join(s.data, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	socket := strings.Split(string(pid), "\n")[4]
	config := "sandbox: false\nsources:\n"
	key := file(t, data, "key", "sandbox-key")
	for name, service := range map[string]string{"erp": "erp", "finance": "erp", "wms": "wms", "carrier": "carrier", "crm": "crm"} {
		adapter := map[string]string{"finance": "ledger"}[name]
		if adapter == "" {
			adapter = name
		}
		config += fmt.Sprintf("  %s: { adapter: sandbox-%s, url: %q, key_file: %s }\n", name, adapter, s.company+"/"+service, key)
	}
	config += "routes:\n"
	for subject, source := range map[string]string{
		"warehouses": "wms", "inventory": "wms", "shipments": "wms", "tracking": "carrier", "calendars": "crm", "credit": "finance",
		"invoices": "finance", "categories": "erp",
		"suppliers": "erp", "accounts": "erp", "items": "erp", "contracts": "erp", "orders": "erp", "purchase_orders": "erp", "returns": "erp",
		"pricing": "erp",
	} {
		config += "  " + subject + ": " + source + "\n"
	}
	env = append([]string{
		"PORTICO_CONFIG=" + file(t, data, "portico.yml", config),
		"DATABASE_URL=host=" + socket + " user=portico dbname=" + database + " sslmode=disable binary_parameters=yes",
	}, env...)
	other := start(t, data, env...)
	t.Cleanup(func() { _ = other.stop() })
	return other
}

// Covers: R01
func TestManyAtOnceWithOneKeyPlaceOneOrder(t *testing.T) {
	t.Parallel()
	s := portico(t)
	servers := []*server{s, s.beside(t)}
	o := orderingAt(t, s)
	before := len(s.effects(t))
	for range 10 {
		key, in := o.order()
		orders := make([]string, 8)
		var all sync.WaitGroup
		for i := range orders {
			buyer := servers[i%2].try(t, "buyer")
			all.Go(func() {
				a, err := api.SubmitOrder(buyer, key, in)
				if err != nil {
					t.Error(err)
					return
				}
				orders[i] = a.SubmitOrder.Order.Id
			})
		}
		all.Wait()
		for _, id := range orders {
			if id == "" || id != orders[0] {
				t.Errorf("orders %v, want one", orders)
			}
		}
	}
	s.until(t, 20*time.Second, "taken by the ERP", func() bool { return len(s.effects(t))-before >= 10 })
	if n := len(s.effects(t)) - before; n != 10 {
		t.Errorf("the ERP took %d orders, want 10", n)
	}
}

// Covers: R06 R07 R01
func TestAServerThatIsKilledLosesNoOrder(t *testing.T) {
	t.Parallel()
	data := loaded(t)
	s := start(t, data)
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	o := orderingAt(t, s)
	keys := map[string]api.OrderInput{}
	for _, fault := range []map[string]any{
		nil,
		{"service": "erp", "op": "submit", "kind": "latency", "millis": 8000},
		{"service": "erp", "op": "submissions", "kind": "refuse"},
	} {
		if fault != nil {
			s.control(t, http.MethodPost, "/control/faults", fault)
		}
		key, in := o.order()
		keys[key] = in
		if a := o.submit(t, key, in); null(a.Order) {
			t.Fatalf("not taken: %s", asJSON(a))
		}
	}
	if err := s.cmd.Process.Kill(); err != nil { // while the ERP is at the second
		t.Fatal(err)
	}
	<-s.exited
	o.s = start(t, data)
	o.s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	begun := time.Now()
	o.s.until(t, time.Minute, "done with all", func() bool {
		for key, in := range keys {
			if a := o.submit(t, key, in); !a.Replayed || a.Operation.State != api.OperationStateCommitted || a.Order.Number == nil {
				return false
			}
		}
		return true
	})
	t.Logf("done %s after the restart", time.Since(begun).Round(10*time.Millisecond))
	effects := o.s.effects(t)
	if len(effects) != len(keys) {
		t.Errorf("the ERP took %d orders, want %d", len(effects), len(keys))
	}
}
