package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/test/e2e/api"
)

const respond = `mutation ($key: IdempotencyKey!, $in: PurchaseOrderResponseInput!)
	{ out: respondToPurchaseOrder(idempotencyKey: $key, input: $in) { replayed
  errors { __typename ... on UserError { code message path } ... on DuplicateDocument { existing } ... on VersionConflict
{ currentVersion } ... on StateNotAllowed { state allowed } ... on ToleranceExceeded { deviation { field delta limit } } }
  operation { id kind state failure { code message } } response { id kind lines { status } } deviations
{ id field expected proposed delta withinTolerance state } } }`

const decide = `mutation ($key: IdempotencyKey!, $in: DecideDeviationInput!)
	{ out: decideDeviation(idempotencyKey: $key, input: $in) { replayed
  errors { __typename ... on UserError { code message path } ... on StateNotAllowed { state } } operation { id state failure { code } }
deviation { id state decidedBy { displayName } comment } } }`

const purchaseNow = `query ($n: String!) { purchaseOrder(by: {number: $n})
	{ id number revision status allowedActions operation { id state awaiting { by message deviations { id } } }
  responses { id responseNumber kind operation { id state } deviations { id field state } } timeline(first: 20) { nodes { kind message } }
  lines { nodes { id lineNumber sku ordered { value unit } acknowledged { value } open { value } unitPrice
{ price { amount currency } per { value unit } } acknowledgments { status quantity { value } promisedDeliveryDate reason }
    schedule { quantity { value } requestedDeliveryDate promisedShipDate promisedDeliveryDate } } } } }`

// supplying plays a supplier, and the planner on the other side.
type supplying struct {
	s    *server
	next atomic.Int64
}

func (p *supplying) key() string { return fmt.Sprintf("supplier-key-%012d", p.next.Add(1)) }

// purchase is a purchase order that V2001 was sent, with a line for each item.
func (p *supplying) purchase(t *testing.T, quantity int, skus ...string) api.PurchaseOrderDetails {
	t.Helper()
	return p.purchaseFrom(t, "V2001", "supplier", quantity, skus...)
}

// purchaseFrom is one that a supplier was sent.
func (p *supplying) purchaseFrom(t *testing.T, supplier, persona string, quantity int, skus ...string) (po api.PurchaseOrderDetails) {
	t.Helper()
	number := p.buy(t, supplier, quantity, skus)
	p.s.until(t, 20*time.Second, "bought", func() bool {
		po = p.purchased(t, persona, number)
		return !null(po)
	})
	return po
}

// buy lets the company buy, and is the number of the purchase order.
func (p *supplying) buy(t *testing.T, supplier string, quantity int, skus []string) string {
	t.Helper()
	var items []any
	for _, sku := range skus {
		items = append(items, map[string]any{"matNo": sku, "qty": quantity})
	}
	var made struct{ PoNo string }
	p.s.control(t, http.MethodPost, "/control/buy", map[string]any{"venNo": supplier, "whs": "RTM", "items": items}, &made)
	return made.PoNo
}

// purchased is a purchase order as it is now.
func (p *supplying) purchased(t *testing.T, persona, number string) api.PurchaseOrderDetails {
	t.Helper()
	return must(api.PurchaseOrder(p.s.as(t, persona), number)).PurchaseOrder
}

// response is an answer to a purchase order; lines are of its lines in order.
func (p *supplying) response(
	po api.PurchaseOrderDetails, kind api.ResponseKind, lines ...api.LineAcknowledgmentInput,
) api.PurchaseOrderResponseInput {
	for i := range lines {
		if lines[i].Line == "" {
			lines[i].Line = po.Lines.Nodes[i].Id
		}
	}
	return api.PurchaseOrderResponseInput{
		PurchaseOrder: po.Id, ExpectedRevision: po.Revision, ResponseNumber: fmt.Sprintf("R-%d", p.next.Add(1)), Kind: kind, Lines: lines,
	}
}

// accepted is a response that accepts all.
func (p *supplying) accepted(po api.PurchaseOrderDetails) api.PurchaseOrderResponseInput {
	return p.response(po, api.ResponseKindAccepted)
}

func (p *supplying) responded(t *testing.T, persona string, in api.PurchaseOrderResponseInput) api.AnsweredPurchaseOrder {
	t.Helper()
	return must(api.RespondToPurchaseOrder(p.s.as(t, persona), p.key(), in)).RespondToPurchaseOrder
}

// taken accepts a line, and late accepts it for a later day.
func taken() api.LineAcknowledgmentInput {
	return api.LineAcknowledgmentInput{Status: api.LineAckStatusAccepted}
}

func late(day string) api.LineAcknowledgmentInput {
	return api.LineAcknowledgmentInput{Status: api.LineAckStatusAcceptedRescheduled, PromisedDeliveryDate: &day}
}

// due is the day on which the first line is asked for, and so many days more.
func due(po api.PurchaseOrderDetails, more int) string {
	asked, _ := time.Parse(time.DateOnly, val(at(at(po.Lines.Nodes, 0).Schedule, 0).RequestedDeliveryDate))
	return asked.AddDate(0, 0, more).Format(time.DateOnly)
}

// bought is a purchase order that V2001 was sent, with a line for each item.
func (p *supplying) bought(t *testing.T, quantity int, skus ...string) map[string]any {
	t.Helper()
	return p.boughtFrom(t, "V2001", "supplier", quantity, skus...)
}

// boughtFrom is one that a supplier was sent.
func (p *supplying) boughtFrom(t *testing.T, supplier, persona string, quantity int, skus ...string) map[string]any {
	t.Helper()
	number := p.buy(t, supplier, quantity, skus)
	var po map[string]any
	p.s.until(t, 20*time.Second, "bought", func() bool {
		po = p.now(t, persona, number)
		return po != nil
	})
	return po
}

func (p *supplying) now(t *testing.T, persona string, number any) map[string]any {
	t.Helper()
	po, _ := p.s.good(t, persona, purchaseNow, map[string]any{"n": number}).at("purchaseOrder").(map[string]any)
	return po
}

// answer is an answer to a purchase order; lines are of its lines in order.
func (p *supplying) answer(po map[string]any, kind string, lines ...map[string]any) map[string]any {
	all := []any{}
	for i, l := range lines {
		if l["line"] == nil {
			l["line"] = walk(po, fmt.Sprintf("lines.nodes.%d.id", i))
		}
		all = append(all, l)
	}
	return map[string]any{
		"purchaseOrder": po["id"], "expectedRevision": po["revision"], "responseNumber": fmt.Sprintf("R-%d", p.next.Add(1)),
		"kind": kind, "lines": all,
	}
}

func (p *supplying) respond(t *testing.T, in map[string]any) answer {
	t.Helper()
	return p.s.good(t, "supplier", respond, map[string]any{"key": p.key(), "in": in})
}

func day(po map[string]any, more int) string {
	asked, _ := time.Parse(time.DateOnly, fmt.Sprint(walk(po, "lines.nodes.0.schedule.0.requestedDeliveryDate")))
	return asked.AddDate(0, 0, more).Format(time.DateOnly)
}

var supplied struct {
	sync.Mutex
	p *supplying
}

// supplyingAt is a supplier at a server that the stories of suppliers share.
func supplyingAt(t *testing.T) *supplying {
	t.Helper()
	s := portico(t)
	supplied.Lock()
	defer supplied.Unlock()
	if supplied.p == nil {
		supplied.p = &supplying{s: s}
		supplied.p.next.Store(time.Now().UnixNano() / 1e6 % 1e9)
	}
	return supplied.p
}
