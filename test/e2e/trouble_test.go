package e2e

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/sources/tryton/rpc"
	"portico/test/e2e/extras"
)

var ownERPs atomic.Int64 // made until now

// writableERP is a Tryton for one story that writes, whose stock others do not count. There is
// one at a time, for each takes a core.
func writableERP(t *testing.T) *erp {
	t.Helper()
	extras.Setting(t, "a real Tryton; make tryton starts one", "PORTICO_TEST_TRYTON")
	theTryton.take(t)
	e, _ := ownERP(t)
	return e
}

// ownERP is a Tryton that a test may stop, spoil and restore: another one beside the
// one that the tests share, from the same snapshot. run runs sandbox/tryton/run.sh for it.
func ownERP(t *testing.T) (e *erp, run func(args ...string)) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	port := 20000 + listener.Addr().(*net.TCPAddr).Port%10000 // below the ephemeral ones, as its own
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("portico-tryton-%d-%d", os.Getpid(), ownERPs.Add(1)))
	call := func(args ...string) (string, error) {
		cmd := exec.Command("../../sandbox/tryton/run.sh", args...)
		cmd.Env = append(os.Environ(), "PORTICO_TRYTON_DATA="+folder, "PORTICO_TRYTON_PORT="+strconv.Itoa(port))
		out, err := cmd.Output()
		return string(out), err
	}
	run = func(args ...string) {
		t.Helper()
		if _, err := call(args...); err != nil {
			t.Fatalf("run.sh %v: %v", args, err)
		}
	}
	t.Cleanup(func() { run("remove") })
	run("start")
	out, err := call("setting")
	parts := strings.Fields(out)
	if err != nil || len(parts) != 4 {
		t.Fatalf("setting: %q, %v", out, err)
	}
	e = &erp{url: parts[0], user: parts[1], password: parts[2], epoch: parts[3]}
	if e.client, err = rpc.Open(e.url, e.user, func() string { return e.password }); err != nil {
		t.Fatal(err)
	}
	return e, run
}

// admin is a client of Tryton that may do everything there.
func (e *erp) admin(t *testing.T) func(told any, method string, args ...any) {
	t.Helper()
	const password = "tryton-Sandbox-1" // as run.sh has it
	client, err := rpc.Open(e.url, "admin", func() string { return password })
	if err != nil {
		t.Fatal(err)
	}
	return func(told any, method string, args ...any) {
		t.Helper()
		if err := client.Call(context.WithoutCancel(t.Context()), method, args, nil, told); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
	}
}

// health is the state of the ERP and what is said about it.
func (s *server) health(t *testing.T) string {
	t.Helper()
	for _, h := range s.good(t, "operator", `{ sourceHealth { instance state message } }`, nil).at("sourceHealth").([]any) {
		if walk(h, "instance") == "erp" {
			return strings.TrimSpace(say(walk(h, "state")) + " " + say(walk(h, "message")))
		}
	}
	return ""
}

// reconciled waits until everything, or what is named alone, was compared with Tryton
// after now and is the same.
func (s *server) reconciled(t *testing.T, within time.Duration, alone ...string) map[string]int {
	t.Helper()
	const query = `{ reconciliations { subject instance at count sourceCount totals { amount currency } sourceTotals { amount currency }
		quantities { value unit } sourceQuantities { value unit }
		differences(first: 5) { nodes { key field value sourceValue } } } }`
	since, counts := time.Now(), map[string]int{}
	var wrong []string
	defer func() {
		if t.Failed() {
			t.Logf("%d subjects are compared, of which differ %s", len(counts), strings.Join(wrong, "\n"))
		}
	}()
	s.until(t, within, "the same as in Tryton", func() bool {
		wrong = nil
		clear(counts)
		for _, r := range s.good(t, "operator", query, nil).at("reconciliations").([]any) {
			at, err := time.Parse(time.RFC3339Nano, say(walk(r, "at")))
			if err != nil || at.Before(since) || alone != nil && !slices.Contains(alone, say(walk(r, "subject"))) {
				continue
			}
			n, theirs := int(walk(r, "count").(float64)), int(walk(r, "sourceCount").(float64))
			counts[say(walk(r, "subject"))] = n
			if n != theirs || fmt.Sprint(walk(r, "totals")) != fmt.Sprint(walk(r, "sourceTotals")) ||
				fmt.Sprint(walk(r, "quantities")) != fmt.Sprint(walk(r, "sourceQuantities")) ||
				len(walk(r, "differences.nodes").([]any)) > 0 {
				wrong = append(wrong, fmt.Sprint(r))
			}
		}
		return len(counts) == cmp.Or(len(alone), 13) && wrong == nil
	})
	return counts
}

// TestTrytonInTrouble stops, spoils and restores a real Tryton below a running
// server.
//
// Covers: U03 R08 H02
func TestTrytonInTrouble(t *testing.T) {
	t.Parallel() // it mostly waits
	extras.Setting(t, "a real Tryton; make tryton starts one", "PORTICO_TEST_TRYTON")
	theTryton.take(t)
	e, run := ownERP(t)
	e.reconcile = 5 * time.Second
	s := e.onTryton(t)
	before := s.reconciled(t, 3*time.Minute)
	t.Log("the same as in Tryton:", before)
	account := s.good(t, "operator", `{ account(by: {number: "10004"}) { id name } }`, nil)
	id, name := account.at("account", "id"), say(account.at("account", "name"))
	named := func() string {
		a := s.good(t, "operator", `query ($id: ID!) { node(id: $id) { ... on Account { name } } }`, map[string]any{"id": id})
		return say(a.at("node", "name"))
	}
	up := func(what string) {
		t.Helper()
		begun := time.Now()
		s.until(t, time.Minute, "up again", func() bool { return s.health(t) == "UP" })
		t.Logf("%s: up again after %s", what, time.Since(begun).Round(10*time.Millisecond))
	}

	// It stops: what is in the store is told, and the state is clear.
	run("stop")
	s.until(t, time.Minute, "aware that Tryton is away", func() bool { return strings.HasPrefix(s.health(t), "DOWN It refuses connections.") })
	if named() != name {
		t.Error("what is in the store is not told while Tryton is away")
	}
	run("start")
	up("it was stopped")
	admin := e.admin(t)

	// Its password is changed, and then ours.
	var users []int
	admin(&users, "model.res.user.search", []any{[]any{"login", "=", e.user}})
	password := func(to string) { admin(nil, "model.res.user.write", users, map[string]any{"password": to}) }
	password("another-Sandbox-2")
	run("psql", "-c", "DELETE FROM ir_session") // those that are open would go on for a month
	s.until(t, time.Minute, "refused", func() bool { return strings.HasPrefix(s.health(t), "DOWN It does not let us in") })
	password(e.password) // one that is refused is not tried again for half a minute
	up("its password was changed, and changed back")

	// A module is missing, which is so from a restart on.
	var modules []int
	admin(&modules, "model.ir.module.search", []any{[]any{"name", "=", "party_relationship"}})
	admin(nil, "model.ir.module.write", modules, map[string]any{"state": "not activated"})
	run("stop")
	s.until(t, time.Minute, "aware that Tryton is away", func() bool { return strings.HasPrefix(s.health(t), "DOWN It refuses connections.") })
	run("start")
	s.until(t, 2*time.Minute, "aware of the missing module", func() bool {
		h := s.health(t)
		return strings.HasPrefix(h, "DOWN It cannot be used as it is:") && strings.Contains(h, "party_relationship")
	})
	run("psql", "-c", "UPDATE ir_module SET state = 'activated' WHERE name = 'party_relationship'")
	run("stop")
	run("start")
	up("a module was missing")

	// Records that lack something, and many that change at once.
	parties := e.rows(t, "party.party", []any{[]any{"code", "=", "10004"}}, nil, "sale_price_list")
	party := []any{parties[0]["id"]}
	admin(nil, "model.party.party.write", party, map[string]any{"name": "of yesterday's tomorrow", "sale_price_list": nil})
	s.until(t, 30*time.Second, "told of the change", func() bool { return named() == "of yesterday's tomorrow" })
	many := 300
	if n, err := strconv.Atoi(os.Getenv("PORTICO_MANY")); err == nil {
		many = n
	}
	templates := e.rows(t, "product.template", []any{[]any{"salable", "=", true}}, nil, "default_uom", "account_category")
	decimal := func(d string) map[string]any { return map[string]any{"__class__": "Decimal", "decimal": d} }
	begun := time.Now()
	for n := 0; n < many; n += 1000 {
		var rows []any
		for i := n; i < min(n+1000, many); i++ {
			rows = append(rows, map[string]any{
				"name": fmt.Sprint("Many ", i), "type": "goods", "code": fmt.Sprintf("MANY%05d", i), "default_uom": templates[0]["default_uom"],
				"account_category": templates[0]["account_category"],
				"list_price":       decimal("1"), "products": []any{[]any{"create", []any{map[string]any{"cost_price": decimal("0")}}}},
			})
		}
		admin(nil, "model.product.template.create", rows)
	}
	// One is sold, and in no unit: Tryton would not take it from its own client.
	run("psql", "-c", "UPDATE product_template SET salable = true, sale_uom = NULL, write_date = now() WHERE code = 'MANY00000'")
	t.Logf("%d items made in %s", many, time.Since(begun).Round(time.Second))
	begun = time.Now()
	last := fmt.Sprintf("MANY%05d", many-1)
	there := func(sku string) bool {
		return s.good(t, "operator", `query ($sku: String!) { item(by: {sku: $sku}) { sku } }`, map[string]any{"sku": sku}).at("item") != nil
	}
	s.until(t, 5*time.Minute, "told of them all", func() bool { return there(last) && there("MANY00000") })
	t.Logf("told of them after %s", time.Since(begun).Round(10*time.Millisecond))
	a := s.good(t, "operator",
		`query ($a: ID!) { items(search: "MANY00000") { nodes { sku price(account: $a) { __typename ... on PriceUnavailable { reason } } units
			{ unit orderable } } }
		sold: items(first: 3) { nodes { price(account: $a) { __typename ... on Price { unitPrice { price { amount } } } } } } }`,
		map[string]any{"a": id})
	if n := a.at("items", "nodes").([]any); len(n) != 1 || walk(n[0], "price.__typename") != "Price" ||
		walk(n[0], "units").([]any)[0].(map[string]any)["unit"] != "EA" {
		t.Errorf("an item that is sold in no unit is %v, want it in the unit it is counted in", n)
	}
	for _, n := range a.at("sold", "nodes").([]any) {
		if walk(n, "price.__typename") != "Price" {
			t.Errorf("one without a price list has no price: %v", n)
		}
	}
	// A round that was under way when they were made may have passed their places.
	s.until(t, 10*time.Minute, "the same with them",
		func() bool { return s.reconciled(t, 5*time.Minute, "items")["items"] == before["items"]+many })

	// It is restored to yesterday's state: the older facts win, under the same ids.
	begun = time.Now()
	run("remove")
	run("start")
	s.until(t, 2*time.Minute, "told of the older facts", func() bool { return named() == name })
	t.Logf("told of the older facts after %s", time.Since(begun).Round(10*time.Millisecond))
	s.until(t, 10*time.Minute, "as it was before", func() bool { return maps.Equal(s.reconciled(t, 5*time.Minute), before) })
	if there(last) {
		t.Error("an item that is no more is told")
	}
	t.Logf("all is as it was after %s", time.Since(begun).Round(10*time.Millisecond))
}
