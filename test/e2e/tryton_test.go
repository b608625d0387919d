package e2e

import (
	"bytes"
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
// sandbox's carrier and CRM. Time in the sandbox stands still.
func (e *erp) onTryton(t *testing.T) *server {
	t.Helper()
	data, company := folder(t, true), freeAddr(t)
	config := fmt.Sprintf(`
sandbox: true
sources:
  erp:
    adapter: tryton
    url: %s
    user: %s
    key_file: %s
    limits: { timeout: 20s, concurrency: 4, batch: 100, poll: 2s, reconcile: 5s, remove: 95 }
  carrier: { adapter: sandbox-carrier, url: "http://%[4]s/carrier", key_file: %[5]s }
  crm: { adapter: sandbox-crm, url: "http://%[4]s/crm", key_file: %[5]s }
routes:
  calendars: crm
  tracking: carrier
`, e.url, e.user, file(t, data, "password", e.password), company, file(t, data, "key", "sandbox-key"))
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

// say is a value as text that can be compared, whoever said it: numbers without
// zeros at their end, days as ISO 8601 has them.
func say(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return say(strconv.FormatFloat(v, 'f', -1, 64))
	case map[string]any:
		switch v["__class__"] {
		case "Decimal":
			return say(v["decimal"])
		case "date":
			return fmt.Sprintf("%04d-%02d-%02d", int(v["year"].(float64)), int(v["month"].(float64)), int(v["day"].(float64)))
		}
	case string:
		if d, err := udecimal.Parse(v); err == nil && len(v) < 20 {
			return d.RoundBank(6).String()
		}
		return v
	}
	return fmt.Sprint(v)
}

// walk follows a dotted path: in Tryton's answers the name of a field that leads
// on ends with a point.
func walk(v any, path string) any {
	for _, step := range strings.Split(path, ".") {
		if all, ok := v.([]any); ok {
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(all) {
				return nil
			}
			v = all[n]
			continue
		}
		m, _ := v.(map[string]any)
		if next, ok := m[step]; ok {
			v = next
		} else {
			v = m[step+"."]
		}
	}
	return v
}

// twin says where a kind of record is in the graph and in Tryton, and which of
// its values must be the same.
type twin struct {
	kind, query   string // with $after; nodes of the connection under the name list
	model         string
	domain        []any
	key, theirKey string
	prefix        string // of our keys
	same          [][2]string
	lines         string // connection of lines in a node, by lineNumber, which is their id
	lineModel     string
	sameInLines   [][2]string
	least         int
}

var twins = []twin{
	{
		kind: "accounts", model: "party.party", domain: []any{[]any{"payment_terms.customer_payment_term", "!=", nil}}, key: "number",
		theirKey: "code", least: 7,
		query: `query ($after: String) { list: accounts(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number name paymentTerms { description } credit { limit { amount } exposure { amount } } }
			} }`,
		same: [][2]string{
			{"name", "name"},
			{"paymentTerms.description", "customer_payment_term.name"},
			{"credit.limit.amount", "credit_limit_amount"},
			{"credit.exposure.amount", "credit_amount"},
		},
	},
	{
		kind: "items", model: "product.product", domain: []any{[]any{"type", "=", "goods"}}, key: "sku", theirKey: "code", least: 100,
		query: `query ($after: String) { list: items(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { sku name description status } } }`,
		same: [][2]string{{"name", "name"}, {"description", "description"}},
	},
	{
		kind: "orders", model: "sale.sale", domain: []any{[]any{"number", "!=", nil}, []any{"origin", "=", nil}}, key: "number",
		theirKey: "number", least: 30,
		query: `query ($after: String) { list: orders(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number customerPoNumber placedAt account { number } raw { code } totals
			{ subtotal { amount } tax { amount } total { amount } } lines(first: 50)
			{ nodes { lineNumber sku ordered { value } unitPrice { price { amount } } amount { amount } } } } } }`,
		same: [][2]string{
			{"customerPoNumber", "reference"},
			{"placedAt@day", "sale_date"},
			{"account.number", "party.code"},
			{"raw.code", "state"},
			{"totals.subtotal.amount", "untaxed_amount"},
			{"totals.tax.amount", "tax_amount"},
			{"totals.total.amount", "total_amount"},
		},
		lines: "lines", lineModel: "sale.line",
		sameInLines: [][2]string{
			{"sku", "product.code"},
			{"ordered.value", "quantity"},
			{"unitPrice.price.amount", "unit_price"},
			{"amount.amount", "amount"},
		},
	},
	{
		kind: "purchase orders", model: "purchase.purchase", domain: []any{[]any{"number", "!=", nil}}, key: "number", theirKey: "number",
		least: 15,
		query: `query ($after: String) { list: purchaseOrders(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number issuedAt supplier { code } raw { code } totals
			{ subtotal { amount } tax { amount } total { amount } } lines(first: 50)
			{ nodes { lineNumber sku supplierPartNumber ordered { value } unitPrice { price { amount } } } } } } }`,
		same: [][2]string{
			{"supplier.code", "party.code"},
			{"issuedAt@day", "purchase_date"},
			{"raw.code", "state"},
			{"totals.subtotal.amount", "untaxed_amount"},
			{"totals.tax.amount", "tax_amount"},
			{"totals.total.amount", "total_amount"},
		},
		lines: "lines", lineModel: "purchase.line",
		sameInLines: [][2]string{
			{"sku", "product.code"},
			{"supplierPartNumber", "product_supplier.code"},
			{"ordered.value", "quantity"},
			{"unitPrice.price.amount", "unit_price"},
		},
	},
	{
		kind: "invoices", model: "account.invoice",
		domain: []any{[]any{"type", "=", "out"}, []any{"number", "!=", nil}, []any{"untaxed_amount", ">", 0}}, key: "number", theirKey: "number",
		least: 10,
		query: `query ($after: String) { list: invoices(first: 50, after: $after, filter: {kind: INVOICE})
			{ pageInfo { hasNextPage endCursor } nodes { number account { number } issuedOn totals
			{ subtotal { amount } tax { amount } total { amount } } balance { amount } lines(first: 50)
			{ nodes { lineNumber quantity { value } unitPrice { price { amount } } amount { amount } } } } } }`,
		same: [][2]string{
			{"account.number", "party.code"},
			{"issuedOn", "invoice_date"},
			{"totals.subtotal.amount", "untaxed_amount"},
			{"totals.tax.amount", "tax_amount"},
			{"totals.total.amount", "total_amount"},
			{"balance.amount", "amount_to_pay"},
		},
		lines: "lines", lineModel: "account.invoice.line",
		sameInLines: [][2]string{{"quantity.value", "quantity"}, {"unitPrice.price.amount", "unit_price"}, {"amount.amount", "amount"}},
	},
	{
		kind: "credit memos", model: "account.invoice",
		domain: []any{[]any{"type", "=", "out"}, []any{"number", "!=", nil}, []any{"untaxed_amount", "<", 0}}, key: "number", theirKey: "number",
		least: 1,
		query: `query ($after: String) { list: invoices(first: 50, after: $after, filter: {kind: CREDIT_MEMO})
			{ pageInfo { hasNextPage endCursor } nodes { number account { number } issuedOn totals
			{ subtotal { amount } tax { amount } total { amount } } } } }`,
		same: [][2]string{
			{"account.number", "party.code"},
			{"issuedOn", "invoice_date"},
			{"totals.subtotal.amount", "-untaxed_amount"},
			{"totals.tax.amount", "-tax_amount"},
			{"totals.total.amount", "-total_amount"},
		},
	},
	{
		kind: "returns", model: "sale.sale", domain: []any{[]any{"number", "!=", nil}, []any{"origin", "like", "sale.sale,%"}}, key: "number",
		theirKey: "number", least: 4,
		query: `query ($after: String) { list: returns(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number order { account { number } customerPoNumber } } } }`,
		same: [][2]string{{"order.account.number", "party.code"}, {"order.customerPoNumber", "reference"}},
	},
	{
		kind: "shipments to customers", model: "stock.shipment.out", domain: []any{}, key: "number", theirKey: "number", prefix: "OUT", least: 20,
		query: `query ($after: String) { list: shipments(first: 50, after: $after, filter: {direction: OUTBOUND})
			{ pageInfo { hasNextPage endCursor } nodes { number destination { city } carrier { name } } } }`,
		same: [][2]string{{"destination.city", "delivery_address.city"}, {"carrier.name", "carrier.party.name"}},
	},
	{
		kind: "shipments from suppliers", model: "stock.shipment.in", domain: []any{}, key: "number", theirKey: "number", prefix: "IN", least: 5,
		query: `query ($after: String) { list: shipments(first: 50, after: $after, filter: {direction: INBOUND})
			{ pageInfo { hasNextPage endCursor } nodes { number purchaseOrders { supplier { code } } } } }`,
		same: [][2]string{{"purchaseOrders.0.supplier.code", "supplier.code"}},
	},
	{
		kind: "shipments that come back", model: "stock.shipment.out.return", domain: []any{}, key: "number", theirKey: "number", prefix: "RET",
		least: 1,
		query: `query ($after: String) { list: shipments(first: 50, after: $after, filter: {direction: RETURN})
			{ pageInfo { hasNextPage endCursor } nodes { number orders { account { number } } } } }`,
		same: [][2]string{{"orders.0.account.number", "customer.code"}},
	},
}

// most is how many records of a kind are compared.
const most = 100

// Covers: U03 F03 K08 H10 C04
func TestEveryValueIsWhatTrytonItselfSays(t *testing.T) {
	t.Parallel()
	e := realERP(t)
	s := e.onTryton(t)
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range twins {
		theirs := map[string]map[string]any{}
		fields := []string{w.theirKey}
		for _, f := range w.same {
			fields = append(fields, strings.TrimPrefix(f[1], "-"))
		}
		for _, r := range e.rows(t, w.model, w.domain, nil, fields...) {
			theirs[w.prefix+say(r[w.theirKey])] = r
		}
		compared := 0
		for after := any(nil); compared < most; {
			a := s.good(t, "operator", w.query, map[string]any{"after": after})
			for _, n := range a.at("list", "nodes").([]any) {
				key := say(walk(n, w.key))
				r := theirs[key]
				if r == nil {
					t.Errorf("%s %s: Tryton has none", w.kind, key)
					continue
				}
				compared++
				for _, f := range w.same {
					path, asDay := strings.CutSuffix(f[0], "@day")
					their, turned := strings.CutPrefix(f[1], "-")
					got, want := say(walk(n, path)), say(walk(r, their))
					if asDay { // of the company
						at, err := time.Parse(time.RFC3339Nano, got)
						if err != nil {
							t.Fatal(err)
						}
						got = at.In(amsterdam).Format(time.DateOnly)
					}
					if d, err := udecimal.Parse(want); turned && err == nil {
						want = d.Neg().String()
					}
					if got != want {
						t.Errorf("%s %s: %s is %q, and Tryton's %s %q", w.kind, key, f[0], got, f[1], want)
					}
				}
				if w.lines != "" {
					e.sameLines(t, w, key, int(r["id"].(float64)), walk(n, w.lines+".nodes").([]any))
				}
			}
			if a.at("list", "pageInfo", "hasNextPage") != true {
				break
			}
			after = a.at("list", "pageInfo", "endCursor")
		}
		if compared < w.least || compared < min(most, len(theirs)) {
			t.Errorf("%s: %d compared of %d", w.kind, compared, len(theirs))
		}
		t.Logf("%s: %d of %d compared", w.kind, compared, len(theirs))
	}
	e.sameStock(t, s)
	e.samePrices(t, s)
	follow(t, e, s)
}

func (e *erp) sameLines(t *testing.T, w twin, key string, id int, lines []any) {
	t.Helper()
	parent := strings.Split(w.model, ".")[1]
	fields := []string{}
	for _, f := range w.sameInLines {
		fields = append(fields, f[1])
	}
	theirs := map[string]map[string]any{}
	for _, r := range e.rows(t, w.lineModel, []any{[]any{parent, "=", id}, []any{"type", "=", "line"}}, nil, fields...) {
		theirs[say(r["id"])] = r
	}
	if len(lines) != min(50, len(theirs)) {
		t.Errorf("%s %s: %d lines, and Tryton has %d", w.kind, key, len(lines), len(theirs))
	}
	for _, l := range lines {
		number := say(walk(l, "lineNumber"))
		for _, f := range w.sameInLines {
			if got, want := say(walk(l, f[0])), say(walk(theirs[number], f[1])); got != want {
				t.Errorf("%s %s line %s: %s is %q, and Tryton's %s %q", w.kind, key, number, f[0], got, f[1], want)
			}
		}
	}
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
			a := s.good(t, "operator",
				`query ($a: ID!, $q: QuantityInput!, $after: String) { items(first: 50, after: $after)
					{ pageInfo { endCursor } nodes { sku baseUnit price(account: $a, quantity: $q, maxAge: "PT0S")
					{ __typename ... on Price { unitPrice { price { amount } per { value } } } } } } }`,
				map[string]any{"a": account, "q": map[string]any{"value": strconv.Itoa(quantity), "unit": "EA"}, "after": after})
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

// callsForPrices holds a page of prices to a call to Tryton for each quantity.
func callsForPrices(t *testing.T, s *server, calculated *atomic.Int64, account any) {
	t.Helper()
	for _, c := range []struct {
		quantities []string
		want       int64
	}{{[]string{"1"}, 1}, {[]string{"1"}, 0}, {[]string{"1", "2", "50"}, 2}} {
		query := "query ($a: ID!) { items(first: 100) { nodes { sku"
		for i, q := range c.quantities {
			query += fmt.Sprintf(` p%d: price(account: $a, quantity: {value: %q, unit: "EA"}) { ... on Price { unitPrice { price { amount } } } }`,
				i, q)
		}
		before := calculated.Load()
		s.good(t, "operator", query+" } } }", map[string]any{"a": account})
		if calls := calculated.Load() - before; calls != c.want {
			t.Errorf("100 items at %v: %d calls to calculate, want %d", c.quantities, calls, c.want)
		}
	}
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
	a := s.good(t, "operator", everything, map[string]any{"account": acc.at("account", "id"), "sku": sku, "order": order})
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
