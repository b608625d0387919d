package e2e

import (
	"fmt"
	"testing"
	"time"

	"portico/test/e2e/api"
)

const announce = `mutation ($key: IdempotencyKey!, $in: DespatchAdviceInput!)
	{ out: submitDespatchAdvice(idempotencyKey: $key, input: $in) { replayed
  errors { __typename ... on UserError { code message path } ... on DuplicateDocument { existing } ... on StateNotAllowed { state } }
operation { id kind state failure { code message } }
  despatchAdvice { id number status } } }`

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

// notice is of so much of the lines given.
func (p *supplying) notice(lines ...api.DespatchLineInput) api.DespatchAdviceInput {
	return api.DespatchAdviceInput{
		Number:      fmt.Sprintf("ASN-%d", p.next.Add(1)),
		ShipFrom:    api.AddressInput{Name: "Works", Line1: "Weg 1", City: "Hagen", Country: "DE"},
		CarrierScac: new("SWFT"), Lines: append([]api.DespatchLineInput{}, lines...),
	}
}

func (p *supplying) noticed(t *testing.T, persona string, in api.DespatchAdviceInput) api.SubmittedNotice {
	t.Helper()
	return must(api.SubmitDespatchAdvice(p.s.as(t, persona), p.key(), in)).SubmitDespatchAdvice
}

// confirmed is a purchase order that the supplier has accepted.
func (p *supplying) confirmed(t *testing.T, quantity int, skus ...string) api.PurchaseOrderDetails {
	t.Helper()
	po := p.purchase(t, quantity, skus...)
	if a := p.responded(t, "supplier", p.accepted(po)); a.Operation.State != api.OperationStateCommitted {
		t.Fatalf("not acknowledged: %s", asJSON(a))
	}
	return po
}

// despatch is a notice as it is now.
func (p *supplying) despatch(t *testing.T, id string) (none api.DespatchAdviceNodeNodeDespatchAdvice) {
	t.Helper()
	if n, is := must(api.DespatchAdviceNode(p.s.as(t, "supplier"), id)).Node.(*api.DespatchAdviceNodeNodeDespatchAdvice); is {
		return *n
	}
	return none
}

// Covers: P06 P09
// Cases: D6
func TestSupplierNoticesThatAreRefused(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	sent := p.purchase(t, 1000, "SCR-10008")
	po := p.confirmed(t, 1000, "SCR-10008")
	type (
		input     = api.DespatchAdviceInput
		lineInput = api.DespatchLineInput
		unit      = api.HandlingUnitInput
	)
	of := func(change func(*lineInput)) lineInput {
		l := lineInput{PurchaseOrderLine: po.Lines.Nodes[0].Id, Shipped: *pieces("100")}
		change(&l)
		return l
	}
	good := func() lineInput { return of(func(*lineInput) {}) }
	shipped := func(value string) lineInput { return of(func(l *lineInput) { l.Shipped = *pieces(value) }) }
	changed := func(change func(*lineInput)) input { return p.notice(of(change)) }
	with := func(change func(*input)) input {
		in := p.notice(good())
		change(&in)
		return in
	}
	units := func(all ...unit) input { return with(func(in *input) { in.HandlingUnits = all }) }
	sscc := p.sscc()
	bad := sscc[:17] + fmt.Sprint((int(sscc[17]-'0')+1)%10)
	for name, c := range map[string]struct {
		in         input
		code, path string
	}{
		"no line":   {p.notice(), "INVALID_INPUT", "[input lines]"},
		"no number": {with(func(in *input) { in.Number = "" }), "INVALID_INPUT", "[input number]"},
		"a line that is not there": {
			changed(func(l *lineInput) { l.PurchaseOrderLine = "pol_none" }), "NOT_FOUND", "[input lines 0 purchaseOrderLine]",
		},
		"not acknowledged": {
			changed(func(l *lineInput) { l.PurchaseOrderLine = sent.Lines.Nodes[0].Id }), "STATE_NOT_ALLOWED", "[input lines]",
		},
		"more than the tolerance": {p.notice(shipped("1051")), "QUANTITY_EXCEEDED", "[input lines 0 shipped]"},
		"in two lines, more":      {p.notice(shipped("600"), shipped("600")), "QUANTITY_EXCEEDED", "[input lines 1 shipped]"},
		"another unit": {
			changed(func(l *lineInput) { l.Shipped = api.QuantityInput{Value: "1", Unit: "CS"} }), "UNIT_NOT_ORDERABLE",
			"[input lines 0 shipped unit]",
		},
		"more backordered than left": {
			changed(func(l *lineInput) { l.Backordered = pieces("901") }), "QUANTITY_EXCEEDED", "[input lines 0 backordered]",
		},
		"a wrong check digit": {units(unit{Sscc: bad}), "INVALID_INPUT", "[input handlingUnits 0 sscc]"},
		"a unit twice":        {units(unit{Sscc: sscc}, unit{Sscc: sscc}), "INVALID_INPUT", "[input handlingUnits 1 sscc]"},
		"a parent that comes later": {
			units(unit{Sscc: sscc, Parent: new(p.sscc())}), "INVALID_INPUT", "[input handlingUnits 0 parent]",
		},
		"packed in nothing": {changed(func(l *lineInput) { l.Sscc = &sscc }), "INVALID_INPUT", "[input lines 0 sscc]"},
		"a serial number twice": {
			changed(func(l *lineInput) { l.Serials = []string{"1", "1"} }), "INVALID_INPUT", "[input lines 0 serials 1]",
		},
		"more serial numbers than pieces": {
			changed(func(l *lineInput) { l.Shipped, l.Serials = *pieces("1"), []string{"1", "2", "3"} }), "QUANTITY_EXCEEDED",
			"[input lines 0 serials]",
		},
		"expired": {
			changed(func(l *lineInput) { l.ExpiresOn = new("2020-01-01") }), "DATE_NOT_POSSIBLE", "[input lines 0 expiresOn]",
		},
		"arrives before it leaves": {
			with(func(in *input) {
				in.DespatchedAt, in.ExpectedAt = new("2026-01-02T00:00:00Z"), new("2026-01-01T00:00:00Z")
			}),
			"DATE_NOT_POSSIBLE", "[input expectedAt]",
		},
		"no carrier's code": {with(func(in *input) { in.CarrierScac = new("swift") }), "INVALID_INPUT", "[input carrierScac]"},
	} {
		a := p.noticed(t, "supplier", c.in)
		if refused := at(a.Errors, 0); refused.Code != c.code || fmt.Sprint(refused.Path) != c.path || !null(a.DespatchAdvice) {
			t.Errorf("%s: want %s at %s, got %s", name, c.code, c.path, asJSON(a))
		}
	}
	packed := p.notice(of(func(l *lineInput) { l.Sscc = &sscc }))
	packed.HandlingUnits = []unit{{Sscc: sscc}}
	if a := p.noticed(t, "supplier", packed); a.DespatchAdvice.Id == "" {
		t.Errorf("a unit of its own: %s", asJSON(a))
	}
	a := p.noticed(t, "supplier", units(unit{Sscc: p.sscc()}, unit{Sscc: sscc}))
	if refused := at(a.Errors, 0); refused.Code != "INVALID_INPUT" || fmt.Sprint(refused.Path) != "[input handlingUnits 1 sscc]" {
		t.Errorf("a unit of another notice: %s", asJSON(a))
	}
	if a := p.noticed(t, "supplier-other", p.notice(good())); at(a.Errors, 0).Code != "NOT_FOUND" {
		t.Errorf("another supplier's line: %s", asJSON(a))
	}
}

// Covers: P06 P11
func TestSupplierWithdrawsANotice(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	po := p.confirmed(t, 1000, "SCR-10009")
	whole := func() api.SubmittedNotice {
		return p.noticed(t, "supplier", p.notice(api.DespatchLineInput{
			PurchaseOrderLine: po.Lines.Nodes[0].Id, Shipped: *pieces("1000"),
		}))
	}
	id := whole().DespatchAdvice.Id
	p.s.until(t, 20*time.Second, "expected by the warehouse", func() bool { return p.despatch(t, id).Shipment.Number != "" })
	withdraw := func(reason string) api.SubmittedNotice {
		return must(api.CancelDespatchAdvice(p.s.as(t, "supplier"), p.key(), api.CancelDespatchAdviceInput{
			DespatchAdvice: id, Reason: reason,
		})).CancelDespatchAdvice
	}
	w := withdraw("the truck broke down")
	if w.Operation.State != api.OperationStateCommitted || w.DespatchAdvice.Status != api.DespatchStatusCancelled {
		t.Fatalf("withdrawn: %s", asJSON(w))
	}
	if now := p.purchased(t, "supplier", po.Number); at(now.Lines.Nodes, 0).Open.Value != "1000" {
		t.Errorf("the order: %s", asJSON(now))
	}
	p.s.until(t, 20*time.Second, "cancelled", func() bool { return p.despatch(t, id).Shipment.Status == api.ShipmentStatusCancelled })
	if twice := withdraw("once more"); at(twice.Errors, 0).Code != "STATE_NOT_ALLOWED" {
		t.Errorf("withdrawn twice: %s", asJSON(twice))
	}
	if b := whole(); b.Operation.State != api.OperationStateCommitted {
		t.Errorf("announced once more: %s", asJSON(b))
	}
}
