package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const acted = `{ replayed errors { __typename ... on UserError { code message path } ... on VersionConflict
	{ currentVersion changedFields } ... on StateNotAllowed { state allowed } ... on Forbidden { missingScope } }
  operation { id kind state awaiting { by message differences { __typename ... on PriceChanged { code } } } failure
{ responsible code message } steps { name state } }
  order { id number status version allowedActions requestedDeliveryDate totals { total { amount } } operation { id kind state }
    lines(first: 10) { nodes { id lineNumber sku status ordered { value unit } cancelled { value } shipped { value } amount { amount } } }
} }`

var (
	amend  = `mutation ($key: IdempotencyKey!, $in: AmendOrderInput!) { out: amendOrder(idempotencyKey: $key, input: $in) ` + acted + ` }`
	cancel = `mutation ($key: IdempotencyKey!, $in: CancelOrderInput!) { out: cancelOrder(idempotencyKey: $key, input: $in) ` + acted + ` }`
)

const orderNow = `query ($id: ID!) { order(by: {id: $id}) { id number status version allowedActions placedBy { displayName } operation
	{ kind state }
  approval { state limit { period limit { amount } } decidedBy { displayName } comment }
  timeline(first: 50) { nodes { at kind message system correlationId actor { displayName } } }
  lines(first: 10) { nodes { id lineNumber sku status ordered { value unit } cancelled { value } } } } }`

func (o *ordering) key() string {
	key, _ := o.order()
	return key
}

// placed is an order that the ERP has confirmed.
func (o *ordering) placed(t *testing.T) map[string]any {
	t.Helper()
	key, in := o.order()
	a := o.submit(t, key, in)
	if a.at("submitOrder", "operation", "state") != "COMMITTED" {
		t.Fatalf("not placed: %s", a.Body)
	}
	return o.now(t, "buyer", a.at("submitOrder", "order", "id"))
}

func (o *ordering) now(t *testing.T, persona string, id any) map[string]any {
	t.Helper()
	order, _ := o.s.good(t, persona, orderNow, map[string]any{"id": id}).at("order").(map[string]any)
	return order
}

// Covers: C13 C10 F07 G11
func TestAnOrderIsAmendedOnceAndTheOtherPortalIsToldWhatChanged(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	line, version := walk(order, "lines.nodes.0.id"), order["version"]
	change := func(quantity string) map[string]any {
		return map[string]any{
			"order": order["id"], "expectedVersion": version,
			"changeLines": []any{map[string]any{"line": line, "quantity": map[string]any{"value": quantity, "unit": "EA"}}},
		}
	}
	keys := []string{o.key(), o.key()}
	answers := make([]answer, 2)
	var both sync.WaitGroup
	token := s.token(t, "buyer")
	for i := range answers {
		both.Go(func() {
			a, err := s.ask(t.Context(), token, amend, map[string]any{"key": keys[i], "in": change([]string{"2000", "3000"}[i])})
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	both.Wait()
	won := 0
	if answers[0].at("out", "operation") == nil {
		won = 1
	}
	a, lost := answers[won], answers[1-won]
	if a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "order", "lines", "nodes", 0, "ordered", "value") != []string{
		"2000",
		"3000",
	}[won] {
		t.Fatalf("the one that won: %s", a.Body)
	}
	if lost.at("out", "errors", 0, "code") != "VERSION_CONFLICT" || lost.at("out", "errors", 0, "currentVersion") == nil {
		t.Fatalf("the other: %s", lost.Body)
	}
	if again := s.good(t, "buyer", amend, map[string]any{"key": keys[won], "in": change([]string{"2000", "3000"}[won])}); again.at("out",
		"replayed") != true || again.at("out", "operation", "id") != a.at("out", "operation", "id") {
		t.Errorf("sent again: %s", again.Body)
	}
	if other := s.good(t, "buyer", amend, map[string]any{"key": keys[won], "in": change("4500")}); other.at("out", "errors", 0,
		"code") != "IDEMPOTENCY_CONFLICT" || other.at("out", "replayed") == true {
		t.Errorf("another change under its key: %s", other.Body)
	}
	late := s.good(t, "buyer", amend, map[string]any{"key": o.key(), "in": change("4000")})
	changed := fmt.Sprint(late.at("out", "errors", 0, "changedFields"))
	if late.at("out", "errors", 0, "code") != "VERSION_CONFLICT" || !strings.Contains(changed, "lines") ||
		!strings.Contains(changed, "totals") {
		t.Errorf("later, at the old version: %s", late.Body)
	}
	if now := s.record(t, "erp", "salesOrders", say(order["number"])); say(walk(any(now), "items.0.qtyOrd")) != []string{"2000", "3000"}[won] {
		t.Errorf("the ERP has %v", now["items"])
	}
	// A line that is added, one that is cancelled, another day.
	version = o.now(t, "buyer", order["id"])["version"]
	day := time.Now().AddDate(0, 0, 30)
	for day.Weekday() != time.Wednesday {
		day = day.AddDate(0, 0, 1)
	}
	more := s.good(t, "buyer", amend, map[string]any{"key": o.key(), "in": map[string]any{
		"order": order["id"], "expectedVersion": version, "requestedDeliveryDate": day.Format("2006-01-02"), "cancelLines": []any{line},
		"addLines": []any{map[string]any{"item": map[string]any{"sku": o.sku}, "quantity": map[string]any{"value": "500", "unit": "EA"}}},
	}})
	if more.at("out", "operation", "state") != "COMMITTED" || more.at("out", "order", "lines", "nodes", 0, "status") != "CANCELLED" ||
		more.at("out", "order", "lines", "nodes", 1, "ordered", "value") != "500" ||
		more.at("out", "order", "requestedDeliveryDate") != day.Format("2006-01-02") {
		t.Errorf("changed otherwise: %s", more.Body)
	}
}

// Covers: C13 G06 G11
func TestBadAmendmentsAreRefusedAtTheirPlaces(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order, other := o.placed(t), o.placed(t)
	line, foreign := walk(order, "lines.nodes.0.id"), walk(other, "lines.nodes.0.id")
	q := func(value, unit string) map[string]any { return map[string]any{"value": value, "unit": unit} }
	changed := func(of any, quantity map[string]any) map[string]any {
		return map[string]any{"changeLines": []any{map[string]any{"line": of, "quantity": quantity}}}
	}
	added := func(sku string, quantity map[string]any) map[string]any {
		return map[string]any{"addLines": []any{map[string]any{"item": map[string]any{"sku": sku}, "quantity": quantity}}}
	}
	for what, c := range map[string]struct {
		in   map[string]any
		code string
		path string
	}{
		"nothing":               {map[string]any{}, "INVALID_INPUT", "[input]"},
		"a line of another":     {changed(foreign, q("5", "EA")), "NOT_FOUND", "[input changeLines 0 line]"},
		"no line":               {changed("oln_0", q("5", "EA")), "NOT_FOUND", "[input changeLines 0 line]"},
		"less than nothing":     {changed(line, q("-5", "EA")), "INVALID_INPUT", "[input changeLines 0 quantity]"},
		"a third of a piece":    {changed(line, q("0.3000001", "EA")), "INVALID_INPUT", "[input changeLines 0 quantity]"},
		"more than anybody has": {changed(line, q("1000000000", "EA")), "MAXIMUM_EXCEEDED", "[input changeLines 0 quantity]"},
		"a unit of nobody":      {changed(line, q("5", "KGM")), "UNIT_NOT_ORDERABLE", "[input changeLines 0 quantity unit]"},
		"an item of nobody":     {added("no such item", q("5", "EA")), "NOT_FOUND", "[input addLines 0 item]"},
		"changed and cancelled": {
			map[string]any{"changeLines": changed(line, q("5", "EA"))["changeLines"], "cancelLines": []any{line}},
			"INVALID_INPUT", "[input cancelLines 0]",
		},
		"a day that is past": {map[string]any{
			"requestedDeliveryDate": "2001-01-01",
			"changeLines":           changed(line, q("1500", "EA"))["changeLines"],
		}, "DATE_NOT_POSSIBLE", "[input requestedDeliveryDate]"},
		"an order of nobody": {map[string]any{"order": "ord_0", "cancelLines": []any{line}}, "NOT_FOUND", "[input order]"},
		"a version of nobody": {
			map[string]any{"expectedVersion": "'; DROP TABLE orders", "cancelLines": []any{line}},
			"VERSION_CONFLICT",
			"[input expectedVersion]",
		},
		"ten thousand of things": {map[string]any{"cancelLines": make([]any, 0)}, "INVALID_INPUT", "[input]"},
	} {
		in := map[string]any{"order": order["id"], "expectedVersion": order["version"]}
		for k, v := range c.in {
			in[k] = v
		}
		if what == "ten thousand of things" {
			all := make([]any, 10_000)
			for i := range all {
				all[i] = fmt.Sprintf("oln_%d", i)
			}
			in["cancelLines"] = all
		}
		a := s.query(t, "buyer", amend, map[string]any{"key": o.key(), "in": in})
		code, path := a.at("out", "errors", 0, "code"), fmt.Sprint(a.at("out", "errors", 0, "path"))
		if len(a.Errors) == 0 && (code != c.code || path != c.path) || len(a.Errors) > 0 && what != "ten thousand of things" {
			t.Errorf("%s: want %s at %s: %.300s", what, c.code, c.path, a.Body)
		}
	}
	for _, value := range []string{"NaN", "1e30", "0.30000000000000004"} {
		in := changed(line, q(value, "EA"))
		in["order"], in["expectedVersion"] = order["id"], order["version"]
		a := s.query(t, "buyer", amend, map[string]any{"key": o.key(), "in": in})
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" ||
			fmt.Sprint(a.Errors[0].Extensions["argument"]) != "[input changeLines 0 quantity value]" {
			t.Errorf("%s: %s", value, a.Body)
		}
	}
	if now := o.now(t, "buyer", order["id"]); now["version"] != order["version"] {
		t.Errorf("something was written: version %v, was %v", now["version"], order["version"])
	}
	foreigner := s.good(t, "buyer-other", amend,
		map[string]any{
			"key": o.key(),
			"in":  map[string]any{"order": order["id"], "expectedVersion": order["version"], "cancelLines": []any{line}},
		})
	if foreigner.at("out", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("another customer: %s", foreigner.Body)
	}
}

// Covers: C13 C10 F07
func TestAnOrderIsCancelledUntilItIsPicked(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	in := map[string]any{"order": order["id"], "expectedVersion": order["version"], "reason": "not needed"}
	if a := s.good(t, "buyer", cancel,
		map[string]any{
			"key": o.key(),
			"in":  map[string]any{"order": order["id"], "expectedVersion": order["version"], "reason": " "},
		}); a.at("out", "errors", 0,
		"code") != "INVALID_INPUT" {
		t.Errorf("without a reason: %s", a.Body)
	}
	a := s.good(t, "buyer", cancel, map[string]any{"key": o.key(), "in": in})
	if a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "order", "status") != "CANCELLED" {
		t.Fatalf("not cancelled: %s", a.Body)
	}
	// After pick release nothing is changed any more, and the state and what is allowed are told.
	picked := o.placed(t)
	number := say(picked["number"])
	erp := s.record(t, "erp", "salesOrders", number)
	items := erp["items"].([]any)
	items[0].(map[string]any)["pick"] = true
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{
			"service": "erp", "object": "salesOrders", "key": number,
			"set": map[string]any{"hdrStat": "30", "items": items, "rev": 9},
		})
	s.until(t, 10*time.Second, "picked", func() bool { return o.now(t, "buyer", picked["id"])["status"] == "IN_FULFILLMENT" })
	now := o.now(t, "buyer", picked["id"])
	if len(now["allowedActions"].([]any)) != 0 {
		t.Errorf("allowed while it is picked: %v", now["allowedActions"])
	}
	for _, m := range []struct {
		mutation string
		in       map[string]any
	}{
		{cancel, map[string]any{"order": picked["id"], "expectedVersion": now["version"], "reason": "late"}},
		{amend, map[string]any{
			"order": picked["id"], "expectedVersion": now["version"],
			"requestedDeliveryDate": time.Now().AddDate(0, 1, 0).Format("2006-01-02"),
		}},
	} {
		if a := s.good(t, "buyer", m.mutation, map[string]any{"key": o.key(), "in": m.in}); a.at("out", "errors", 0,
			"code") != "STATE_NOT_ALLOWED" || a.at("out", "errors", 0, "state") != "IN_FULFILLMENT" {
			t.Errorf("while it is picked: %s", a.Body)
		}
	}
}
