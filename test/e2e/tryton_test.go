package e2e

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/test/e2e/extras"
)

// erp is a real Tryton and what it says itself, by its own RPC.
type erp struct {
	url, user, password, epoch string
	client                     *rpc.Client
	// reconcile is the pause between two comparisons, at pace 1. What they ask takes all that a Tryton can do, so that only a story
	// about them has a short one.
	reconcile time.Duration
}

func realERP(t *testing.T) *erp {
	t.Helper()
	parts := strings.Fields(extras.Setting(t, "a real Tryton; make tryton starts one", "PORTICO_TEST_TRYTON"))
	theTryton.take(t) // what one story writes there, another would compare
	if len(parts) != 4 {
		t.Fatal("PORTICO_TEST_TRYTON is not what sandbox/tryton/run.sh setting prints")
	}
	e := &erp{url: parts[0], user: parts[1], password: parts[2], epoch: parts[3]}
	var err error
	if e.client, err = rpc.Open(e.url, e.user, func() string { return e.password }); err != nil {
		t.Fatal(err)
	}
	return e
}

// rows are records as Tryton tells them, in the order of their ids.
func (e *erp) rows(t *testing.T, model string, domain []any, more map[string]any, fields ...string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	if err := e.client.Call(context.WithoutCancel(t.Context()), "model."+model+".search_read",
		[]any{domain, 0, nil, []any{[]any{"id", "ASC"}}, fields}, more, &rows); err != nil {
		t.Fatalf("%s: %v", model, err)
	}
	return rows
}

// file writes a file for the server to read.
func file(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// onTryton is a server whose ERP, ledger and warehouse are Tryton, with the
// sandbox's carrier and CRM, and which has loaded what Tryton was filled with. Time in the sandbox stands still.
func (e *erp) onTryton(t *testing.T) *server {
	t.Helper()
	data := folder(t, true)
	preparedOnTryton.copyTo(t, data, func(data string) *server {
		asFilled, _ := ownERP(t)
		return asFilled.loadTryton(t, data)
	})
	return e.loadTryton(t, data)
}

// loadTryton is a server on data that has loaded from Tryton what was not in it.
func (e *erp) loadTryton(t *testing.T, data string) *server {
	t.Helper()
	company := freeAddr(t)
	config := fmt.Sprintf(`
sandbox: true
sources:
  erp:
    adapter: tryton
    url: %s
    user: %s
    key_file: %s
    limits: { timeout: 20s, concurrency: 4, batch: 100, poll: 2s, reconcile: %[6]s, remove: 95 }
  carrier: { adapter: sandbox-carrier, url: "http://%[4]s/carrier", key_file: %[5]s }
  crm: { adapter: sandbox-crm, url: "http://%[4]s/crm", key_file: %[5]s }
routes:
  calendars: crm
  tracking: carrier
`, e.url, e.user, file(t, data, "password", e.password), company, file(t, data, "key", "sandbox-key"), cmp.Or(e.reconcile, time.Hour))
	for _, s := range strings.Fields("warehouses categories suppliers accounts credit items contracts inventory orders purchase_orders " +
		"shipments invoices returns pricing") {
		config += "  " + s + ": erp\n"
	}
	s := launch(t, data, "PORTICO_CONFIG="+file(t, data, "portico.yml", config), "PORTICO_SANDBOX_ADDR="+company)
	s.company = "http://" + company
	t.Cleanup(func() { _ = s.stop() })
	s.until(t, 3*time.Minute, "ready", func() bool { return strings.Contains(s.log.String(), "Portico is ready") })
	s.control(t, "POST", "/control/speed?speed=0", nil)
	return s
}

// sameStock compares the stock of 100 items in every warehouse.
func (e *erp) sameStock(t *testing.T, s *server) {
	t.Helper()
	var nodes []any
	for after := any(nil); len(nodes) < most; {
		a := s.good(t, "operator",
			`query ($after: String) { items(first: 50, after: $after) { pageInfo { endCursor } nodes
				{ sku availability { byWarehouse { warehouse { code } onHand { value } allocated { value } availableNow { value } } } } } }`,
			map[string]any{"after": after})
		nodes, after = append(nodes, a.at("items", "nodes").([]any)...), a.at("items", "pageInfo", "endCursor")
	}
	skus := []string{}
	for _, n := range nodes {
		skus = append(skus, say(walk(n, "sku")))
	}
	figures := 0
	for _, w := range e.rows(t, "stock.location", []any{[]any{"type", "=", "warehouse"}}, nil, "code", "storage_location") {
		now := time.Now()
		told := func(place any, assigned bool) map[string]string {
			all := map[string]string{}
			for _, r := range e.rows(t, "product.product", []any{[]any{"code", "in", skus}}, map[string]any{
				"locations": []any{place}, "with_childs": true, "stock_assign": assigned,
				"stock_date_end": map[string]any{"__class__": "date", "year": now.Year(), "month": int(now.Month()), "day": now.Day()},
			}, "code", "quantity") {
				all[say(r["code"])] = say(r["quantity"])
			}
			return all
		}
		all, free := told(w["id"], false), told(w["storage_location"], true)
		for _, n := range nodes {
			for _, row := range walk(n, "availability.byWarehouse").([]any) {
				if walk(row, "warehouse.code") != w["code"] {
					continue
				}
				sku := say(walk(n, "sku"))
				allocated := udecimal.MustParse(all[sku]).Sub(udecimal.MustParse(free[sku])).String()
				if got := say(walk(row, "onHand.value")); got != all[sku] {
					t.Errorf("%s in %s: %s on hand, and Tryton has %s", sku, w["code"], got, all[sku])
				}
				if got := say(walk(row, "allocated.value")); got != allocated {
					t.Errorf("%s in %s: %s allocated, and Tryton has %s", sku, w["code"], got, allocated)
				}
				figures++
			}
		}
	}
	if figures != 3*len(nodes) {
		t.Errorf("%d figures of stock, want those of 3 warehouses", figures)
	}
}

// samePrices compares prices of 100 items for an account, at quantities to either
// side of its breaks.
func (e *erp) samePrices(t *testing.T, s *server) {
	t.Helper()
	account := s.good(t, "operator", `{ account(by: {number: "10001"}) { id } }`, nil).at("account", "id")
	party := e.rows(t, "party.party", []any{[]any{"code", "=", "10001"}}, nil, "sale_price_list")[0]
	for _, quantity := range []int{1, 1000, 100_000} {
		compared, after := 0, any(nil)
		for compared < most {
			var a answer
			s.until(t, time.Minute, "told prices", func() bool { // on a busy machine Tryton may not answer in time
				a = s.good(t, "operator",
					`query ($a: ID!, $q: QuantityInput!, $after: String) { items(first: 50, after: $after)
						{ pageInfo { endCursor } nodes { sku baseUnit price(account: $a, quantity: $q, maxAge: "PT0S")
						{ __typename ... on Price { unitPrice { price { amount } per { value } } } ... on PriceUnavailable { reason } } } } }`,
					map[string]any{"a": account, "q": map[string]any{"value": strconv.Itoa(quantity), "unit": "EA"}, "after": after})
				return !strings.Contains(a.Body, "SOURCE_DOWN")
			})
			after = a.at("items", "pageInfo", "endCursor")
			skus := []string{}
			for _, n := range a.at("items", "nodes").([]any) {
				skus = append(skus, say(walk(n, "sku")))
			}
			theirs := map[string]map[string]any{}
			for _, r := range e.rows(t, "product.product", []any{[]any{"code", "in", skus}},
				map[string]any{"customer": party["id"], "price_list": party["sale_price_list"], "quantity": quantity}, "code", "sale_price_uom",
				"salable") {
				theirs[say(r["code"])] = r
			}
			for _, n := range a.at("items", "nodes").([]any) {
				sku := say(walk(n, "sku"))
				if walk(n, "baseUnit") != "EA" {
					continue // it is asked for in pieces
				}
				want := say(theirs[sku]["sale_price_uom"])
				if theirs[sku]["salable"] != true || want == "0" {
					want = ""
				}
				if got := say(walk(n, "price.unitPrice.price.amount")); got != want {
					t.Errorf("%d of %s: %q each, and Tryton says %q", quantity, sku, got, want)
				}
				compared++
			}
		}
	}
}

// follow changes records in Tryton and waits for them in the graph.
func follow(t *testing.T, e *erp, s *server) {
	t.Helper()
	name := func() string {
		return say(s.good(t, "operator", `{ account(by: {number: "10004"}) { name } }`, nil).at("account", "name"))
	}
	party := e.rows(t, "party.party", []any{[]any{"code", "=", "10004"}}, nil, "name")[0]
	write := func(to string) {
		if err := e.client.Call(context.WithoutCancel(t.Context()), "model.party.party.write",
			[]any{[]any{party["id"]}, map[string]any{"name": to}}, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	before := say(party["name"])
	t.Cleanup(func() { write(before) })
	seen := map[string]bool{}
	for i := range 3 {
		to := fmt.Sprintf("%s %d", before, i)
		write(to)
		begun := time.Now()
		s.until(t, 30*time.Second, "told of a change", func() bool {
			is := name()
			if seen[is] {
				t.Errorf("%q is back", is)
			}
			return is == to
		})
		t.Logf("a change was seen after %s", time.Since(begun).Round(10*time.Millisecond))
		if i > 0 {
			seen[fmt.Sprintf("%s %d", before, i-1)] = true
		}
		seen[before] = true
	}
}

// counting puts a proxy before Tryton that counts the calls that calculate prices.
func (e *erp) counting(t *testing.T) *atomic.Int64 {
	t.Helper()
	to, err := url.Parse(e.url)
	if err != nil {
		t.Fatal(err)
	}
	var calculated atomic.Int64
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"sale_price_uom"`)) {
			calculated.Add(1)
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	e.url = proxy.URL + to.Path
	return &calculated
}

// callsForPrices holds a page of prices to a call to Tryton for each quantity. What Tryton did not answer in time, as on a busy
// machine, is asked of it again, and says nothing: then other quantities are asked for.
func callsForPrices(t *testing.T, s *server, calculated *atomic.Int64, account any) {
	t.Helper()
	page := func(quantities ...int) (calls int64, told bool) {
		query := "query ($a: ID!) { items(first: 100) { nodes { sku"
		for i, q := range quantities {
			query += fmt.Sprintf(` p%d: price(account: $a, quantity: {value: "%d", unit: "EA"}) { ... on Price { unitPrice { price { amount } } }
				... on PriceUnavailable { reason } }`, i, q)
		}
		before := calculated.Load()
		a := s.good(t, "operator", query+" } } }", map[string]any{"a": account})
		return calculated.Load() - before, !strings.Contains(a.Body, "SOURCE_DOWN")
	}
	first := 1
	s.until(t, time.Minute, "told prices in time", func() bool {
		first += 3
		for _, c := range []struct {
			quantities []int
			want       int64
		}{{[]int{first}, 1}, {[]int{first}, 0}, {[]int{first, first + 1, first + 2}, 2}} {
			calls, told := page(c.quantities...)
			if !told {
				return false
			}
			if calls != c.want {
				t.Errorf("100 items at %v: %d calls to calculate, want %d", c.quantities, calls, c.want)
			}
		}
		return true
	})
}

// TestPortalsReadTrytonAsTheyReadTheSandbox plays the query that joins every
// area, as customers and suppliers do.
//
// Covers: H06 L01 L07
func TestPortalsReadTrytonAsTheyReadTheSandbox(t *testing.T) {
	t.Parallel()
	e := realERP(t)
	calculated := e.counting(t)
	s := e.onTryton(t)
	acc := s.good(t, "operator",
		`{ account(by: {number: "10001"}) { id children { number } orders(first: 1) { nodes { number lines { nodes { sku } } } } } }`, nil)
	if children := acc.at("account", "children").([]any); len(children) != 2 {
		t.Errorf("branches: %v, want two", children)
	}
	order, sku := acc.at("account", "orders", "nodes", 0, "number"), acc.at("account", "orders", "nodes", 0, "lines", "nodes", 0, "sku")
	var a answer
	s.until(t, time.Minute, "told a price", func() bool { // a Tryton that nobody has asked for one may be too slow at first
		a = s.good(t, "operator", everything, map[string]any{"account": acc.at("account", "id"), "sku": sku, "order": order})
		return a.at("item", "price", "unitPrice", "price") != nil
	})
	for _, path := range [][]any{
		{"account", "name"},
		{"item", "price", "unitPrice", "price"},
		{"item", "availability", "byWarehouse", 2, "onHand"},
		{"order", "totals", "total"},
		{"order", "lines", "nodes", 0, "item", "name"},
		{"purchaseOrders", "nodes", 1, "supplier", "code"},
	} {
		if a.at(path...) == nil {
			t.Errorf("nothing at %v: %s", path, a.Body)
		}
	}
	if mode := a.at("item", "price", "provenance", "mode"); mode != "LIVE" {
		t.Errorf("the price is %v", mode)
	}
	callsForPrices(t, s, calculated, acc.at("account", "id"))
	// What Tryton has packed, the carrier is told of and moves.
	s.control(t, "POST", "/control/speed?speed=1000", nil)
	s.until(t, time.Minute, "told of a parcel on its way", func() bool {
		a := s.good(t, "operator",
			`{ shipments(first: 50, filter: {direction: OUTBOUND}) { nodes { number status packages { trackingNumber } events
				{ nodes { milestone } } } } }`, nil)
		for _, n := range a.at("shipments", "nodes").([]any) {
			if events := walk(n, "events.nodes").([]any); len(events) > 1 {
				return true
			}
		}
		return false
	})
	b := s.good(t, "buyer", `{ viewer { __typename } orders(first: 50) { nodes { number account { number } } } }`, nil)
	for _, n := range b.at("orders", "nodes").([]any) {
		if number := say(walk(n, "account.number")); number > "10003" {
			t.Errorf("a buyer of 10001 sees an order of %s", number)
		}
	}
	if len(b.at("orders", "nodes").([]any)) == 0 {
		t.Error("a buyer sees no orders")
	}
	if c := s.good(t, "supplier", `{ purchaseOrders(first: 10) { nodes { number } } }`,
		nil); len(c.at("purchaseOrders", "nodes").([]any)) == 0 {
		t.Error("a supplier sees no purchase orders")
	}
}
