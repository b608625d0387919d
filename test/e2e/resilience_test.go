package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// page is asked for as a portal does; an outage is told from its response, errors included.
const page = `{
  orders(first: 20) { nodes { number status provenance { mode age stale } lines { nodes { sku item { name } } } } }
  items(first: 20) { nodes { sku availability { availableNow { value } provenance { mode age stale } }
    price { __typename ... on Price { unitPrice { price { amount } } provenance { mode age } }
      ... on PriceUnavailable { reason retryAfter lastKnown { unitPrice { price { amount } } provenance { mode age } } } } } }
}`

// outage is how long the ERP is away; PORTICO_OUTAGE=1m plays the long one.
func outage(t *testing.T) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(os.Getenv("PORTICO_OUTAGE"))
	if err != nil {
		return 4 * time.Second
	}
	return d
}

// Covers: R08 C14 C05 C10 C04
func TestAnERPThatStopsFailsNoQuery(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	defer s.stop()
	s.good(t, "buyer", page, nil) // prices are known
	token := s.token(t, "buyer")

	var failed, asked atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				asked.Add(1)
				if a, err := s.ask(t.Context(), token, page, nil); err != nil || len(a.Errors) > 0 {
					failed.Add(1)
					t.Logf("failed: %v %.300s", err, a.Body)
				}
			}
		})
	}
	s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": "erp", "kind": "refuse"})
	time.Sleep(outage(t)) // the length of the outage is what is tested

	a := s.good(t, "buyer", strings.Replace(page, "price {", `price(maxAge: "PT0S") {`, 1), nil)
	price := a.at("items", "nodes", 1, "price").(map[string]any)
	if price["__typename"] != "PriceUnavailable" || price["reason"] != "SOURCE_DOWN" || price["retryAfter"] == nil ||
		price["lastKnown"] == nil {
		t.Errorf("the price is %v, want PriceUnavailable with the last known price and when to ask again", price)
	}
	if age := seconds(t, a.at("orders", "nodes", 0, "provenance", "age")); age < outage(t).Seconds()-1.5 {
		t.Errorf("an order's age is %v s after an outage of %v", age, outage(t))
	}
	if wantStale := outage(t) > time.Minute; a.at("orders", "nodes", 0, "provenance", "stale") != wantStale {
		t.Errorf("an order is stale: %v, want %v", a.at("orders", "nodes", 0, "provenance", "stale"), wantStale)
	}
	if age := seconds(t, a.at("items", "nodes", 0, "availability", "provenance", "age")); age > 2 {
		t.Errorf("stock is %v s old, though the warehouse answers", age)
	}
	for _, h := range must(api.SourceStates(s.as(t, "operator"))).SourceHealth {
		if h.Instance == "erp" && (h.State == api.SourceStateUp || h.Message == nil) {
			t.Errorf("the ERP's health is %s", asJSON(h))
		}
	}

	s.control(t, http.MethodDelete, "/control/faults", nil)
	back := time.Now()
	s.within(t, 5*time.Second, "fresh again", func() bool {
		a := s.good(t, "buyer", strings.Replace(page, "price {", `price(maxAge: "PT0S") {`, 1), nil)
		return a.at("items", "nodes", 1, "price", "provenance", "mode") == "LIVE" &&
			seconds(t, a.at("orders", "nodes", 0, "provenance", "age")) < 2
	})
	close(stop)
	load.Wait()
	t.Logf("outage %v: %d queries, %d failed, fresh again after %v", outage(t), asked.Load(), failed.Load(),
		time.Since(back).Round(time.Millisecond))
	if failed.Load() > 0 {
		t.Errorf("%d of %d queries failed", failed.Load(), asked.Load())
	}
}

func seconds(t *testing.T, iso any) float64 {
	t.Helper()
	text := strings.ToLower(strings.TrimPrefix(fmt.Sprint(iso), "PT"))
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("age %v: %v", iso, err)
	}
	return d.Seconds()
}

// Covers: C05 F02 C10 T01
func TestNewsIsInTheGraph(t *testing.T) {
	t.Parallel()
	s := portico(t)
	before := must(api.OrderTotals(s.as(t, "operator")))
	var worst time.Duration
	type effect struct {
		Seq     int
		Do, Key string
	}
	seen := 0
	since := func() []effect {
		var journal []effect
		s.control(t, http.MethodGet, fmt.Sprint("/control/journal?since=", seen), nil, &journal)
		for _, e := range journal {
			seen = e.Seq
		}
		return journal
	}
	since() // what other tests did does not count
	for range 10 {
		s.control(t, http.MethodPost, "/control/tick", nil)
		began := time.Now()
		order := ""
		for _, e := range since() {
			if e.Do == "ship" {
				order = e.Key
			}
		}
		if order == "" {
			continue
		}
		record := s.record(t, "erp", "salesOrders", order)
		told := ""
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("of %s: %s", order, told)
			}
		})
		s.until(t, 20*time.Second, "told", func() bool { // how soon is logged: what runs beside it counts
			now := must(api.OrderShipments(s.as(t, "operator"), order)).Order
			told = asJSON(now)
			shipped, first := false, at(now.Shipments.Nodes, 0)
			for _, p := range first.Packages {
				shipped = shipped || !null(at(p.Lines, 0).OrderLine.Sku)
			}
			version, _, _ := strings.Cut(now.Version, ".") // behind it are writes of ours
			return shipped && version == fmt.Sprint(record["rev"]) && len(now.Lines.Nodes) == len(record["items"].([]any)) &&
				len(first.Events.Nodes) > 0
		})
		worst = max(worst, time.Since(began))
	}
	after := must(api.OrderTotals(s.as(t, "operator")))
	if before.Orders.TotalCount.Value == after.Orders.TotalCount.Value ||
		before.Shipments.TotalCount.Value == after.Shipments.TotalCount.Value {
		t.Error("ten ticks brought no order or no shipment")
	}
	t.Logf("slowest news took %v", worst.Round(time.Millisecond))
}

// Covers: L06 R03 G15
func TestARecordThatCannotBeReadIsSetAsideAndTheRestKept(t *testing.T) {
	t.Parallel()
	s := portico(t)
	operator := s.as(t, "operator")
	list := must(api.OrderStatuses(operator)).Orders.Nodes
	bad, fine := *list[0].Number, *list[1].Number
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{"service": "erp", "object": "salesOrders", "key": bad, "set": map[string]any{"hdrStat": "ZZ", "rev": 900}})
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{"service": "erp", "object": "salesOrders", "key": fine, "set": map[string]any{
			"note": "still read", "rev": 900,
			"lotPolicy": map[string]any{"code": "FEFO"}, "odd\x00name": "a name that no text of the database may have",
		}})
	s.until(t, 5*time.Second, "set aside", func() bool {
		told := asJSON(must(api.RejectedRecords(operator)))
		return strings.Contains(told, bad) && strings.Contains(told, "hdrStat")
	})
	s.until(t, 5*time.Second, "kept", func() bool {
		return val(must(api.OrderComment(operator, fine)).Order.Comment) == "still read"
	})
	if now := must(api.OrderStatusNow(operator, bad)).Order; now.Status != list[0].Status {
		t.Errorf("the order that could not be read is %s, want as before", asJSON(now))
	}
	seen, err := api.RejectedRecords(s.try(t, "buyer"))
	if strings.Contains(asJSON(seen)+asJSON(errorsOf(t, err)), bad) {
		t.Error("a buyer sees records that were set aside")
	}
	// A field that nobody uses is named.
	s.until(t, 5*time.Second, "named", func() bool {
		told := asJSON(must(api.UnusedFields(operator)))
		return strings.Contains(told, "lotPolicy.code") && strings.Contains(told, fine)
	})
	unused, err := api.UnusedFields(s.try(t, "buyer"))
	if strings.Contains(asJSON(unused)+asJSON(errorsOf(t, err)), "lotPolicy") {
		t.Error("a buyer sees fields that nobody uses")
	}
	// Told rightly again, it is off the list.
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{"service": "erp", "object": "salesOrders", "key": bad, "set": map[string]any{"rev": 901}})
	s.until(t, 5*time.Second, "accepted", func() bool {
		return !strings.Contains(asJSON(must(api.RejectedRecords(operator))), bad)
	})
}

// children are the processes that run on a data folder.
func children(data string) []string {
	out, _ := exec.Command("pgrep", "-af", data).Output()
	var left []string
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if line != "" && !strings.Contains(line, "pgrep") {
			left = append(left, line)
		}
	}
	return left
}

// Covers: R07
func TestStoppingLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	if len(children(s.data)) < 2 {
		t.Fatalf("the database and the company do not run: %v", children(s.data))
	}
	if err := s.stop(); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	if left := children(s.data); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Covers: R07 R11
func TestAKilledServerIsTakenOverWithItsData(t *testing.T) {
	t.Parallel()
	data := loaded(t)
	s := start(t, data)
	ids := asJSON(must(api.OrderIds(s.as(t, "operator"))))
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.exited

	begun := time.Now()
	again := start(t, data)
	defer again.stop()
	t.Logf("ready again after %v", time.Since(begun).Round(time.Millisecond))
	if got := asJSON(must(api.OrderIds(again.as(t, "operator")))); got != ids {
		t.Error("ids or orders are not what they were before the kill")
	}
	second := launch(t, data)
	if err := <-second.exited; err == nil || !strings.Contains(second.log.String(), "another portico uses this folder") {
		t.Errorf("a second server on the same folder: %v\n%s", err, second.log)
	}
}

// Covers: R11
func TestAKilledFirstLoadGoesOn(t *testing.T) {
	t.Parallel()
	data := folder(t, true)
	s := launch(t, data, "PORTICO_SCALE=4")
	s.until(t, 30*time.Second, "loading", func() bool {
		resp, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text := make([]byte, 500)
		n, _ := resp.Body.Read(text)
		return strings.Contains(string(text[:n]), "rows") && resp.StatusCode == http.StatusServiceUnavailable
	})
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.exited
	again := start(t, data)
	defer again.stop()
	var orders, invoices struct{ Total int }
	again.control(t, http.MethodGet, "/erp/v1/salesOrders?limit=1", nil, &orders)
	again.control(t, http.MethodGet, "/erp/v1/invoices?limit=1", nil, &invoices)
	operator := again.as(t, "operator")
	again.until(t, 20*time.Second, "loaded with all that there was", func() bool { // the company goes on, and what it does is replicated
		kept := must(api.OrderTotals(operator))
		return kept.Orders.TotalCount.Value >= orders.Total && kept.Invoices.TotalCount.Value >= invoices.Total
	})
}

// Covers: H02
func TestWrongSettingsAreRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ env, want string }{
		{"PORTICO_ADDR=nonsense", `PORTICO_ADDR is "nonsense": it must be host:port`},
		{"PORTICO_ADDR=0.0.0.0:8080", "loopback"},
		{"PORTICO_ADMIN_ADDR=0.0.0.0:1", "PORTICO_ADMIN_ADDR"},
		{"PORTICO_PROFILE=staging", "production"},
		{"PORTICO_PROFILE=production", "PORTICO_CONFIG"},
		{"PORTICO_SCALE=0", "PORTICO_SCALE"},
		{"PORTICO_LINK_KEY=short", "PORTICO_LINK_KEY"},
		{"PORTICO_CONFIG=/does/not/exist", "PORTICO_CONFIG"},
		{"DATABASE_URL=postgres://u:hunter2@localhost:1/x", "database"},
	} {
		cmd := exec.Command(binary, "serve")
		cmd.Env = append(os.Environ(), "PORTICO_DATA="+t.TempDir(), "PORTICO_ADDR="+freeAddr(t), "PORTICO_ADMIN_ADDR="+freeAddr(t),
			"PORTICO_DATABASE_WAIT=500ms", c.env)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: got %v\n%s\nwant it refused with %q", c.env, err, out, c.want)
		}
		if strings.Contains(string(out), "hunter2") {
			t.Errorf("%s: the secret is in the output", c.env)
		}
	}
	config := filepath.Join(t.TempDir(), "portico.yaml")
	if err := os.WriteFile(config, []byte("routes: {pricing: nowhere}\nsources: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "config")
	cmd.Env = append(os.Environ(), "PORTICO_CONFIG="+config, "DATABASE_URL=postgres://u:hunter2@db/x",
		"PORTICO_LINK_KEY=0123456789012345678901234567890123")
	out, err := cmd.Output()
	if err != nil || strings.Contains(string(out), "hunter2") || strings.Contains(string(out), "0123456789") {
		t.Errorf("portico config: %v\n%s", err, out)
	}
}
