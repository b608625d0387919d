package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/trade/clock"
)

// sandboxConfig is a configuration file with the sandbox's systems, and others beside them.
func sandboxConfig(t *testing.T, data, company, others string) string {
	t.Helper()
	config := "sandbox: true\nsources:\n"
	key := file(t, data, "key", "sandbox-key")
	for name, at := range map[string][2]string{
		"erp": {"sandbox-erp", "erp"}, "finance": {"sandbox-ledger", "erp"},
		"wms": {"sandbox-wms", "wms"}, "carrier": {"sandbox-carrier", "carrier"}, "crm": {"sandbox-crm", "crm"},
	} {
		config += fmt.Sprintf("  %s: { adapter: %s, url: \"http://%s/%s\", key_file: %s }\n", name, at[0], company, at[1], key)
	}
	config += others + "routes:\n"
	for subject, source := range map[string]string{
		"warehouses": "wms", "categories": "erp", "suppliers": "erp", "accounts": "erp", "calendars": "crm", "credit": "finance", "items": "erp",
		"contracts": "erp", "inventory": "wms",
		"orders": "erp", "purchase_orders": "erp", "shipments": "wms", "tracking": "carrier", "invoices": "finance", "returns": "erp",
		"pricing": "erp",
	} {
		config += "  " + subject + ": " + source + "\n"
	}
	return config
}

// beside is a server on the sandbox's systems, with Tryton beside them. Time in the
// sandbox stands still, on the day on which Tryton was filled.
func (e *erp) beside(t *testing.T) *server {
	t.Helper()
	data, company := folder(t, true), freeAddr(t)
	config := sandboxConfig(t, data, company,
		fmt.Sprintf("  tryton: { adapter: tryton, url: %q, user: %s, key_file: %s, limits: { timeout: 20s, concurrency: 4, batch: 100, poll: "+
			"2s } }\n", e.url, e.user, file(t, data, "password", e.password)))
	s := launch(t, data, "PORTICO_CONFIG="+file(t, data, "portico.yml", config), "PORTICO_SANDBOX_ADDR="+company, "PORTICO_SANDBOX_SPEED=0",
		"PORTICO_SANDBOX_EPOCH="+e.epoch)
	s.company = "http://" + company
	t.Cleanup(func() { _ = s.stop() })
	s.until(t, 2*time.Minute, "ready", func() bool { return strings.Contains(s.log.String(), "Portico is ready") })
	return s
}

// route runs `portico route`, beside the server.
func (s *server) route(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"route"}, args...)...)
	cmd.Env = s.cmd.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("portico route %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// betweenPages is how long portals that ask all the while wait: they notice as much as without, and leave a core to others.
const betweenPages = 150 * time.Millisecond

const portalLoad = `query ($a: ID!) {
  items(first: 20) { nodes { sku
    price(account: $a, maxAge: "PT0S") { __typename ... on Price { unitPrice { price { amount } per { value } } provenance { instance } }
... on PriceUnavailable { reason } }
    availability { byWarehouse { warehouse { code } onHand { value } provenance { instance } } } } } }`

// TestACapabilityMovesWhilePortalsNoticeNothing moves prices and stock from the
// sandbox's systems to Tryton: by shadow, for some accounts, for all, and back.
//
// Covers: H05 H06 H07 F11 M01 C04
func TestACapabilityMovesWhilePortalsNoticeNothing(t *testing.T) {
	t.Parallel() // it mostly waits
	e := realERP(t)
	s := e.beside(t)
	accounts := map[string]any{}
	for _, n := range s.good(t, "operator", `{ accounts(first: 50) { nodes { id number } } }`, nil).at("accounts", "nodes").([]any) {
		accounts[say(walk(n, "number"))] = walk(n, "id")
	}
	before := s.good(t, "operator", portalLoad, map[string]any{"a": accounts["10001"]})

	// Three differences: a price, an item that is not sold, and a count of stock.
	nodes := before.at("items", "nodes").([]any)
	var priced []string
	for _, n := range nodes {
		if walk(n, "price.__typename") == "Price" {
			priced = append(priced, say(walk(n, "sku")))
		}
	}
	dear, gone, counted := priced[3], priced[5], priced[7]
	e.plant(t, dear, gone, counted)

	// Portals ask all the while; what one of them is told of at once is of one source.
	load, end := context.WithCancel(t.Context())
	var asked, failed atomic.Int64
	var why atomic.Value
	var portals sync.WaitGroup
	for _, p := range []struct{ persona, account string }{{"buyer", "10001"}, {"buyer-child", "10002"}, {"buyer-other", "10004"}} {
		portals.Go(func() {
			token := s.token(t, p.persona)
			for load.Err() == nil {
				begun := time.Now()
				a, err := s.ask(load, token, portalLoad, map[string]any{"a": accounts[p.account]})
				within := time.Since(begun).Round(10 * time.Millisecond)
				if load.Err() != nil {
					return
				}
				asked.Add(1)
				_ = clock.Pause(load, betweenPages)
				if err != nil || len(a.Errors) > 0 || strings.Contains(a.Body, "SOURCE_DOWN") {
					failed.Add(1)
					why.Store(fmt.Sprintf("at %s, within %s: %v %v %s", begun.Format(time.TimeOnly), within, err, a.Errors, a.Body))
					continue
				}
				if price, stock := instancesOf(a); len(price) != 1 || len(stock) != 1 {
					failed.Add(1)
					why.Store(fmt.Sprintf("%s is told prices of %v and stock of %v", p.persona, price, stock))
				}
			}
		})
	}
	defer func() { end(); portals.Wait() }()

	mismatches := func() (all []string) {
		a := s.good(t, "operator",
			`{ capabilityRoutes { capability primary shadow percentToPrimary mismatches(first: 100) { nodes { key field primary shadow } } } }`, nil)
		for _, r := range a.at("capabilityRoutes").([]any) {
			for _, m := range walk(r, "mismatches.nodes").([]any) {
				all = append(all, fmt.Sprintf("%v %v %v", walk(r, "capability"), walk(m, "key"), walk(m, "field")))
			}
		}
		slices.Sort(all)
		return all
	}
	instances := func(persona, account string) (price, stock map[string]int) {
		return instancesOf(s.good(t, persona, portalLoad, map[string]any{"a": accounts[account]}))
	}
	// rounds is when stock was last compared with the shadow.
	rounds := func() string {
		for _, r := range s.good(t, "operator", `{ reconciliations { subject heldFrom instance at } }`, nil).at("reconciliations").([]any) {
			if walk(r, "subject") == "inventory" && walk(r, "heldFrom") == "wms" && walk(r, "instance") == "tryton" {
				return say(walk(r, "at"))
			}
		}
		return ""
	}

	t.Log("shadow")
	s.route(t, "PRICING", "--primary", "erp", "--shadow", "tryton")
	s.route(t, "INVENTORY", "--primary", "wms", "--shadow", "tryton")
	day := e.today()
	var want []string
	for _, account := range []string{"10001", "10002", "10004"} {
		want = append(want, "PRICING "+account+" "+dear+" 1 "+e.unit(t, s, dear)+" "+day+" unitPrice",
			"PRICING "+account+" "+gone+" 1 "+e.unit(t, s, gone)+" "+day+" unavailable")
	}
	want = append(want, "INVENTORY "+counted+" RTM onHand")
	slices.Sort(want)
	s.until(t, time.Minute, "aware of the differences", func() bool { return slices.Equal(mismatches(), want) })
	for range 2 { // and of no others, in two more rounds through all stock
		before := rounds()
		s.until(t, time.Minute, "compared again", func() bool { return rounds() != before })
	}
	if got := mismatches(); !slices.Equal(got, want) {
		t.Errorf("differences:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if price, stock := instances("buyer", "10001"); price["tryton"]+stock["tryton"] > 0 {
		t.Errorf("a shadow is told to portals: %v, %v", price, stock)
	}
	conflicts := s.good(t, "operator",
		`{ masterDataConflicts(filter: { capability: [INVENTORY] }) { nodes { key field steward resolvedValue values
			{ value provenance { instance system } } } } }`, nil)
	if c := conflicts.at("masterDataConflicts", "nodes").([]any); len(c) != 1 || walk(c[0], "key") != counted+" RTM" ||
		walk(c[0], "steward") != "logistics" || len(walk(c[0], "values").([]any)) != 2 {
		t.Errorf("conflicts are %v", c)
	}

	// The share of an account is the same for prices and stock, and grows.
	before10, served := map[string]bool{}, map[string]bool{}
	for _, percent := range []string{"10", "50"} {
		t.Log(percent, "percent")
		s.route(t, "PRICING", "--primary", "tryton", "--shadow", "erp", "--percent", percent)
		s.route(t, "INVENTORY", "--primary", "tryton", "--shadow", "wms", "--percent", percent)
		s.until(t, 30*time.Second, "split", func() bool {
			clear(served)
			for account := range accounts {
				price, _ := instances("operator", account)
				if len(price) != 1 {
					return false
				}
				served[account] = price["tryton"] > 0
			}
			for persona, account := range map[string]string{"buyer": "10001", "buyer-child": "10002", "buyer-other": "10004"} {
				if _, stock := instances(persona, account); len(stock) != 1 || (stock["tryton"] > 0) != served[account] {
					return false
				}
			}
			return percent == "10" || slices.Contains(slices.Collect(maps.Values(served)), true) &&
				slices.Contains(slices.Collect(maps.Values(served)), false)
		})
		for account, there := range before10 {
			if there && !served[account] {
				t.Errorf("account %s went back when the share grew", account)
			}
		}
		maps.Copy(before10, served)
		t.Log(served)
	}

	t.Log("all")
	begun := time.Now()
	s.route(t, "PRICING", "--primary", "tryton", "--shadow", "erp")
	s.route(t, "INVENTORY", "--primary", "tryton", "--shadow", "wms")
	s.until(t, time.Minute, "moved", func() bool {
		price, stock := instances("buyer", "10001")
		return price["erp"] == 0 && price["tryton"] > 0 && len(stock) == 1 && stock["tryton"] > 0
	})
	t.Logf("moved after %s", time.Since(begun).Round(10*time.Millisecond))

	t.Log("back")
	begun = time.Now()
	s.route(t, "PRICING", "--primary", "erp")
	s.route(t, "INVENTORY", "--primary", "wms")
	s.until(t, time.Minute, "back", func() bool {
		price, stock := instances("buyer", "10001")
		return price["tryton"] == 0 && len(stock) == 1 && stock["wms"] > 0
	})
	t.Logf("back after %s", time.Since(begun).Round(10*time.Millisecond))
	end()
	portals.Wait()
	if failed.Load() > 0 || asked.Load() < 50 {
		t.Errorf("%d of %d queries failed: %v\n%s\n%s", failed.Load(), asked.Load(), why.Load(),
			strings.Join(regexp.MustCompile(`(?m)^portico_source_call_seconds_(?:count|sum).*`).FindAllString(s.metrics(t), -1), "\n"), s.log)
	}
	t.Logf("%d queries, %d failed", asked.Load(), failed.Load())
	after := s.good(t, "operator", portalLoad, map[string]any{"a": accounts["10001"]})
	for i := range nodes {
		if a, b := walk(nodes[i], "price.unitPrice"), walk(after.at("items", "nodes", i), "price.unitPrice"); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%v: %v before, and %v after", walk(nodes[i], "sku"), a, b)
		}
	}
}

// instancesOf are the sources that an answer's prices and stock are of.
func instancesOf(a answer) (price, stock map[string]int) {
	price, stock = map[string]int{}, map[string]int{}
	for _, n := range a.at("items", "nodes").([]any) {
		if at := walk(n, "price.provenance.instance"); at != nil {
			price[say(at)]++
		}
		for _, w := range walk(n, "availability.byWarehouse").([]any) {
			stock[say(walk(w, "provenance.instance"))]++
		}
	}
	return price, stock
}

// plant makes Tryton differ: in the price of an item, in whether another is sold,
// and in how much of a third is in a warehouse. It is mended afterwards.
func (e *erp) plant(t *testing.T, dear, gone, counted string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	call := func(told any, method string, args ...any) {
		t.Helper()
		if err := e.client.Call(ctx, method, args, nil, told); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
	}
	template := func(sku string) map[string]any {
		return e.rows(t, "product.template", []any{[]any{"code", "=", sku}}, nil, "list_price")[0]
	}
	a, b := template(dear), template(gone)
	call(nil, "model.product.template.write", []any{a["id"]},
		map[string]any{"list_price": map[string]any{"__class__": "Decimal", "decimal": "99.5"}})
	t.Cleanup(func() {
		call(nil, "model.product.template.write", []any{a["id"]}, map[string]any{"list_price": a["list_price"]})
	})
	call(nil, "model.product.template.write", []any{b["id"]}, map[string]any{"salable": false})
	t.Cleanup(func() { call(nil, "model.product.template.write", []any{b["id"]}, map[string]any{"salable": true}) })
	product := e.rows(t, "product.product", []any{[]any{"code", "=", counted}}, nil, "code")[0]["id"]
	storage := e.rows(t, "stock.location", []any{[]any{"code", "=", "RTM"}}, nil, "storage_location")[0]["storage_location"]
	now := time.Now()
	count := func(by float64) {
		stock := e.rows(t, "product.product", []any{[]any{"id", "=", product}}, map[string]any{"locations": []any{storage}, "with_childs": true},
			"quantity")[0]["quantity"].(float64)
		var ids []int
		call(&ids, "model.stock.inventory.create", []any{map[string]any{
			"location": storage, "date": map[string]any{"__class__": "date", "year": now.Year(), "month": int(now.Month()), "day": now.Day()},
			"empty_quantity": "keep",
			"lines":          []any{[]any{"create", []any{map[string]any{"product": product, "quantity": stock + by}}}},
		}})
		call(nil, "model.stock.inventory.confirm", ids)
	}
	count(17)
	t.Cleanup(func() { count(-17) })
}

func (e *erp) unit(t *testing.T, s *server, sku string) string {
	t.Helper()
	return say(s.good(t, "operator", `query ($sku: String!) { item(by: {sku: $sku}) { baseUnit } }`, map[string]any{"sku": sku}).at("item",
		"baseUnit"))
}

// today is the day that prices are asked for when nobody names one.
func (e *erp) today() string { return time.Now().UTC().Format(time.DateOnly) }

// besideASecond is a server on the sandbox's systems, with those of a second company, which is a
// copy of the first, beside them: erp2 and wms2. Time stands still in both.
func besideASecond(t *testing.T) (s, second *server) {
	t.Helper()
	data, company, other := loaded(t), freeAddr(t), freeAddr(t)
	sandbox := exec.Command(binary, "sandbox", "--speed", "0")
	sandbox.Env = append(os.Environ(), "PORTICO_DATA="+loaded(t), "PORTICO_SANDBOX_ADDR="+other)
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sandbox.Process.Kill(); _ = sandbox.Wait() })
	others, key := "", file(t, data, "key2", "sandbox-key")
	for _, name := range []string{"erp", "wms"} {
		others += fmt.Sprintf("  %s2: { adapter: sandbox-%s, url: \"http://%s/%s\", key_file: %s }\n", name, name, other, name, key)
	}
	s = start(t, data, "PORTICO_CONFIG="+file(t, data, "portico.yml", sandboxConfig(t, data, company, others)),
		"PORTICO_SANDBOX_ADDR="+company, "PORTICO_SANDBOX_SPEED=0")
	t.Cleanup(func() { _ = s.stop() })
	s.company = "http://" + company
	return s, &server{company: "http://" + other}
}

// load is portals that ask all the while.
type load struct {
	asked, failed atomic.Int64
	why           atomic.Value
	all           sync.WaitGroup
	end           context.CancelFunc
}

// portals ask a document until they end; what one of them is told of at once is of one source.
func (s *server) portals(t *testing.T, doc string) *load {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	l := &load{end: end}
	t.Cleanup(func() { _, _, _ = l.ended() })
	for _, persona := range []string{"buyer", "buyer-child", "buyer-other"} {
		token := s.token(t, persona)
		l.all.Go(func() {
			for ctx.Err() == nil {
				a, err := s.ask(ctx, token, doc, nil)
				if ctx.Err() != nil {
					return
				}
				l.asked.Add(1)
				_ = clock.Pause(ctx, betweenPages)
				if err == nil && len(a.Errors) == 0 && !strings.Contains(a.Body, "SOURCE_DOWN") {
					if price, stock := instancesOf(a); len(price) == 1 && len(stock) == 1 {
						continue
					}
				}
				l.failed.Add(1)
				l.why.Store(fmt.Sprint(persona, err, a.Body))
			}
		})
	}
	return l
}

// ended is how many asked until now, when all end, how many of them failed, and why one did.
func (l *load) ended() (asked, failed int64, why any) {
	l.end()
	l.all.Wait()
	return l.asked.Load(), l.failed.Load(), l.why.Load()
}
