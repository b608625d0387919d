package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

const announce = `mutation ($key: IdempotencyKey!, $in: DespatchAdviceInput!)
	{ out: submitDespatchAdvice(idempotencyKey: $key, input: $in) { replayed
  errors { __typename ... on UserError { code message path } ... on DuplicateDocument { existing } ... on StateNotAllowed { state } }
operation { id kind state failure { code message } }
  despatchAdvice { id number status } } }`

const despatchNow = `query ($id: ID!) { node(id: $id) { ... on DespatchAdvice
	{ number status operation { state } purchaseOrders { number status } shipTo { name } shipment
	{ number status packages { sscc lines { quantity { value } } } }
  handlingUnits { sscc parent packageType weight { value unit } } provenance { system }
  lines { purchaseOrderLine { id } sscc shipped { value } backordered { value } outstanding { value } oversupplied { value } lot serials
expiresOn received { value } damaged { value } } } } }`

// sscc is the number of a logistic unit.
func (p *supplying) sscc() string {
	n := fmt.Sprintf("3871236%010d", p.next.Add(1))
	sum := 0
	for i := range len(n) {
		d := int(n[len(n)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return n + fmt.Sprint((10-sum%10)%10)
}

// shipped is a notice of so much of the lines given.
func (p *supplying) shipped(lines ...map[string]any) map[string]any {
	all := []any{}
	for _, l := range lines {
		all = append(all, l)
	}
	return map[string]any{
		"number":   fmt.Sprintf("ASN-%d", p.next.Add(1)),
		"shipFrom": map[string]any{"name": "Works", "line1": "Weg 1", "city": "Hagen", "country": "DE"}, "carrierScac": "SWFT", "lines": all,
	}
}

func (p *supplying) acknowledged(t *testing.T, quantity int, skus ...string) map[string]any {
	t.Helper()
	po := p.bought(t, quantity, skus...)
	if a := p.respond(t, p.answer(po, "ACCEPTED")); a.at("out", "operation", "state") != "COMMITTED" {
		t.Fatalf("not acknowledged: %s", a.Body)
	}
	return po
}

func (p *supplying) despatch(t *testing.T, id any) map[string]any {
	t.Helper()
	n, _ := p.s.good(t, "supplier", despatchNow, map[string]any{"id": id}).at("node").(map[string]any)
	return n
}

// Covers: P06 P08 M03 P11
func TestSupplierAnnouncesAndTheReceiptIsShort(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	one, two := p.acknowledged(t, 1000, "SCR-10006"), p.acknowledged(t, 500, "SCR-10007")
	pallet, carton, other := p.sscc(), p.sscc(), p.sscc()
	first, second := walk(one, "lines.nodes.0.id"), walk(two, "lines.nodes.0.id")
	in := p.shipped(
		map[string]any{
			"purchaseOrderLine": first, "shipped": each("600"), "backordered": each("300"), "outstandingReason": "scrap",
			"sscc": carton, "lot": "L-7", "expiresOn": time.Now().AddDate(1, 0, 0).Format(time.DateOnly),
		},
		map[string]any{"purchaseOrderLine": second, "shipped": each("300"), "sscc": other, "serials": []any{"S-1", "S-2"}},
		map[string]any{"purchaseOrderLine": second, "shipped": each("200"), "sscc": other, "lot": "L-8"},
	)
	in["handlingUnits"] = []any{
		map[string]any{
			"sscc": pallet, "packageType": "PX",
			"weight": map[string]any{"value": "120.5", "unit": "KGM"},
		},
		map[string]any{"sscc": carton, "parent": pallet},
		map[string]any{"sscc": other, "parent": pallet},
	}
	in["expectedAt"] = time.Now().AddDate(0, 0, 3).UTC().Format(time.RFC3339)
	key := p.key()
	a := p.s.good(t, "supplier", announce, map[string]any{"key": key, "in": in})
	if a.at("out", "operation", "state") != "COMMITTED" || a.at("out", "despatchAdvice", "status") != "ACCEPTED" {
		t.Fatalf("announced: %s", a.Body)
	}
	id := a.at("out", "despatchAdvice", "id")
	if again := p.s.good(t, "supplier", announce, map[string]any{"key": key, "in": in}); again.at("out", "replayed") != true ||
		again.at("out", "despatchAdvice", "id") != id {
		t.Errorf("sent again: %s", again.Body)
	}
	if other := p.s.good(t, "supplier", announce, map[string]any{"key": p.key(), "in": in}); other.at("out", "errors", 0,
		"code") != "DUPLICATE_DOCUMENT" || other.at("out", "errors", 0, "existing") != id {
		t.Errorf("the same number again: %s", other.Body)
	}
	var now map[string]any
	p.s.until(t, 20*time.Second, "expected by the warehouse", func() bool {
		now = p.despatch(t, id)
		return walk(now, "shipment.number") != nil
	})
	if len(walk(now, "handlingUnits").([]any)) != 3 || walk(now, "handlingUnits.1.parent") != pallet ||
		walk(now, "lines.0.outstanding.value") != "100" || walk(now, "lines.0.lot") != "L-7" ||
		fmt.Sprint(walk(now, "lines.1.serials")) != "[S-1 S-2]" ||
		len(walk(now, "purchaseOrders").([]any)) != 2 || walk(now, "provenance.system") != "PARTNER" ||
		walk(now, "shipment.packages.0.sscc") != carton {
		t.Errorf("as stored: %v", now)
	}
	if a, b := p.now(t, "supplier", one["number"])["status"], p.now(t, "supplier", two["number"])["status"]; a != "PARTIALLY_SHIPPED" ||
		b != "SHIPPED" {
		t.Errorf("the orders are %v and %v", a, b)
	}
	if po := p.s.good(t, "supplier",
		`query ($n: String!) { purchaseOrder(by: {number: $n}) { despatchAdvices { id } allowedActions lines
			{ nodes { shipped { value } schedule { promisedDeliveryDate } } } } }`, map[string]any{"n": two["number"]}); po.at("purchaseOrder",
		"despatchAdvices", 0, "id") != id ||
		po.at("purchaseOrder", "lines", "nodes", 0, "shipped", "value") != "500" ||
		po.at("purchaseOrder", "lines", "nodes", 0, "schedule", 0, "promisedDeliveryDate") != time.Now().AddDate(0, 0,
			3).UTC().Format(time.DateOnly) {
		t.Errorf("the order that is on its way: %s", po.Body)
	}
	if p.s.query(t, "supplier-other", despatchNow, map[string]any{"id": id}).at("node") != nil {
		t.Error("another supplier sees the notice")
	}
	p.s.control(t, http.MethodPost, "/control/receive?percent=90&damaged=5&dispatch="+say(walk(now, "shipment.number")), nil)
	p.s.until(t, 30*time.Second, "received", func() bool {
		now = p.despatch(t, id)
		return now["status"] == "RECEIVED_WITH_DISCREPANCY"
	})
	// What was received of one order line fills the lines of the notice in their order.
	for i, want := range [][2]string{{"540", "30"}, {"300", "0"}, {"150", "25"}} {
		if at := fmt.Sprint("lines.", i); walk(now, at+".received.value") != want[0] || walk(now, at+".damaged.value") != want[1] {
			t.Errorf("line %d received as %v", i, walk(now, at))
		}
	}
	told := p.s.good(t, "supplier",
		`query ($id: ID!) { alerts(filter: {subject: $id}) { nodes { kind message subjectNode { __typename } } } }`, map[string]any{"id": id})
	if told.at("alerts", "nodes", 0, "kind") != "RECEIPT_DISCREPANCY" ||
		told.at("alerts", "nodes", 0, "subjectNode", "__typename") != "DespatchAdvice" {
		t.Errorf("nobody is told: %s", told.Body)
	}
}

// Covers: P06 P09
func TestSupplierNoticesThatAreRefused(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	sent := p.bought(t, 1000, "SCR-10008")
	po := p.acknowledged(t, 1000, "SCR-10008")
	line := walk(po, "lines.nodes.0.id")
	of := func(more ...any) map[string]any {
		l := map[string]any{"purchaseOrderLine": line, "shipped": each("100")}
		for i := 0; i < len(more); i += 2 {
			l[more[i].(string)] = more[i+1]
		}
		return l
	}
	good := p.sscc()
	bad := good[:17] + fmt.Sprint((int(good[17]-'0')+1)%10)
	units := func(in map[string]any, all ...any) map[string]any { return with(in, "handlingUnits", all) }
	for name, c := range map[string]struct {
		in         map[string]any
		code, path string
	}{
		"no line":                  {p.shipped(), "INVALID_INPUT", "[input lines]"},
		"no number":                {with(p.shipped(of()), "number", ""), "INVALID_INPUT", "[input number]"},
		"a line that is not there": {p.shipped(of("purchaseOrderLine", "pol_none")), "NOT_FOUND", "[input lines 0 purchaseOrderLine]"},
		"not acknowledged":         {p.shipped(of("purchaseOrderLine", walk(sent, "lines.nodes.0.id"))), "STATE_NOT_ALLOWED", "[input lines]"},
		"more than the tolerance":  {p.shipped(of("shipped", each("1051"))), "QUANTITY_EXCEEDED", "[input lines 0 shipped]"},
		"in two lines, more": {
			p.shipped(of("shipped", each("600")), of("shipped", each("600"))), "QUANTITY_EXCEEDED",
			"[input lines 1 shipped]",
		},
		"another unit": {
			p.shipped(of("shipped", map[string]any{"value": "1", "unit": "CS"})), "UNIT_NOT_ORDERABLE",
			"[input lines 0 shipped unit]",
		},
		"more backordered than left": {p.shipped(of("backordered", each("901"))), "QUANTITY_EXCEEDED", "[input lines 0 backordered]"},
		"a wrong check digit":        {units(p.shipped(of()), map[string]any{"sscc": bad}), "INVALID_INPUT", "[input handlingUnits 0 sscc]"},
		"a unit twice": {
			units(p.shipped(of()), map[string]any{"sscc": good}, map[string]any{"sscc": good}), "INVALID_INPUT",
			"[input handlingUnits 1 sscc]",
		},
		"a parent that comes later": {
			units(p.shipped(of()), map[string]any{"sscc": good, "parent": p.sscc()}), "INVALID_INPUT",
			"[input handlingUnits 0 parent]",
		},
		"packed in nothing":     {p.shipped(of("sscc", good)), "INVALID_INPUT", "[input lines 0 sscc]"},
		"a serial number twice": {p.shipped(of("serials", []any{"1", "1"})), "INVALID_INPUT", "[input lines 0 serials 1]"},
		"expired":               {p.shipped(of("expiresOn", "2020-01-01")), "DATE_NOT_POSSIBLE", "[input lines 0 expiresOn]"},
		"arrives before it leaves": {
			with(with(p.shipped(of()), "despatchedAt", "2026-01-02T00:00:00Z"), "expectedAt", "2026-01-01T00:00:00Z"),
			"DATE_NOT_POSSIBLE", "[input expectedAt]",
		},
		"no carrier's code": {with(p.shipped(of()), "carrierScac", "swift"), "INVALID_INPUT", "[input carrierScac]"},
	} {
		a := p.s.good(t, "supplier", announce, map[string]any{"key": p.key(), "in": c.in})
		if a.at("out", "errors", 0, "code") != c.code || fmt.Sprint(a.at("out", "errors", 0, "path")) != c.path ||
			a.at("out", "despatchAdvice") != nil {
			t.Errorf("%s: want %s at %s, got %s", name, c.code, c.path, a.Body)
		}
	}
	if a := p.s.good(t, "supplier-other", announce, map[string]any{"key": p.key(), "in": p.shipped(of())}); a.at("out", "errors", 0,
		"code") != "NOT_FOUND" {
		t.Errorf("another supplier's line: %s", a.Body)
	}
}

// Covers: P06 P11
func TestSupplierWithdrawsANotice(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.acknowledged(t, 1000, "SCR-10009")
	a := p.s.good(t, "supplier", announce,
		map[string]any{
			"key": p.key(),
			"in":  p.shipped(map[string]any{"purchaseOrderLine": walk(po, "lines.nodes.0.id"), "shipped": each("1000")}),
		})
	id := a.at("out", "despatchAdvice", "id")
	p.s.until(t, 20*time.Second, "expected by the warehouse", func() bool { return walk(p.despatch(t, id), "shipment.number") != nil })
	const withdraw = `mutation ($key: IdempotencyKey!, $in: CancelDespatchAdviceInput!)
		{ out: cancelDespatchAdvice(idempotencyKey: $key, input: $in) { errors { ... on UserError { code path } } operation { state }
		despatchAdvice { status } } }`
	w := p.s.good(t, "supplier", withdraw,
		map[string]any{"key": p.key(), "in": map[string]any{"despatchAdvice": id, "reason": "the truck broke down"}})
	if w.at("out", "operation", "state") != "COMMITTED" || w.at("out", "despatchAdvice", "status") != "CANCELLED" {
		t.Fatalf("withdrawn: %s", w.Body)
	}
	if now := p.now(t, "supplier", po["number"]); walk(now, "lines.nodes.0.open.value") != "1000" {
		t.Errorf("the order: %v", now)
	}
	p.s.until(t, 20*time.Second, "cancelled", func() bool { return walk(p.despatch(t, id), "shipment.status") == "CANCELLED" })
	if again := p.s.good(t, "supplier", withdraw,
		map[string]any{"key": p.key(), "in": map[string]any{"despatchAdvice": id, "reason": "again"}}); again.at("out", "errors", 0,
		"code") != "STATE_NOT_ALLOWED" {
		t.Errorf("withdrawn twice: %s", again.Body)
	}
	if b := p.s.good(t, "supplier", announce,
		map[string]any{
			"key": p.key(),
			"in":  p.shipped(map[string]any{"purchaseOrderLine": walk(po, "lines.nodes.0.id"), "shipped": each("1000")}),
		}); b.at("out", "operation",
		"state") != "COMMITTED" {
		t.Errorf("announced anew: %s", b.Body)
	}
}
