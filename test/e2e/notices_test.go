package e2e

import (
	"fmt"
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

// Covers: P06 P09
// Cases: D6
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
		"more serial numbers than pieces": {
			p.shipped(of("shipped", each("1"), "serials", []any{"1", "2", "3"})), "QUANTITY_EXCEEDED", "[input lines 0 serials]",
		},
		"expired": {p.shipped(of("expiresOn", "2020-01-01")), "DATE_NOT_POSSIBLE", "[input lines 0 expiresOn]"},
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
	if a := p.s.good(t, "supplier", announce, map[string]any{"key": p.key(), "in": units(p.shipped(of("sscc", good)),
		map[string]any{"sscc": good})}); a.at("out", "despatchAdvice", "id") == nil {
		t.Errorf("a unit of its own: %s", a.Body)
	}
	if a := p.s.good(t, "supplier", announce, map[string]any{"key": p.key(), "in": units(p.shipped(of()), map[string]any{"sscc": p.sscc()},
		map[string]any{"sscc": good})}); a.at("out", "errors", 0, "code") != "INVALID_INPUT" ||
		fmt.Sprint(a.at("out", "errors", 0, "path")) != "[input handlingUnits 1 sscc]" {
		t.Errorf("a unit of another notice: %s", a.Body)
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
