package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// topics are the streams by the topic in the log, with what to ask of their items.
var topics = map[string]string{
	"ORDER": `orderUpdates { ... on OrderUpdate { subject: order { id } previousStatus changedLines { id } commitmentChanges { at }
		} }`,
	"PURCHASE_ORDER": `purchaseOrderUpdates { ... on PurchaseOrderUpdate { subject: purchaseOrder { id } previousStatus deviations { id } } }`,
	"INVOICE":        `invoiceUpdates { ... on InvoiceUpdate { subject: invoice { id } previousStatus } }`,
	"SHIPMENT":       `shipmentUpdates { ... on ShipmentUpdate { subject: shipment { id } } }`,
	"ALERT":          `alertUpdates { ... on AlertUpdate { subject: alert { id } previousState } }`,
	"AVAILABILITY": `availabilityUpdates(items: [{sku: "%s"}]) { ... on AvailabilityUpdate
		{ subject: availability { item { id } status availableNow { value } } previousStatus } }`,
}

// updates are the items of a stream that say what changed.
func (f *stream) about() (of []map[string]any) {
	for _, i := range f.items() {
		if i["subject"] != nil {
			of = append(of, i)
		}
	}
	return of
}

// of are the updates about one thing, by its id.
func (f *stream) of(id any) (all []map[string]any) {
	return slices.DeleteFunc(f.about(), func(i map[string]any) bool { return walk(i, "subject.id") != id })
}

// TestEveryStreamTellsWhatTheLogHas plays a day of the company: each persona is told, of
// each topic, what the log has of its own, in the log's order, and nothing else.
//
// Covers: U05 T02 C10 T01
func TestEveryStreamTellsWhatTheLogHas(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_SANDBOX_SPEED=0")
	t.Cleanup(func() { _ = s.stop() })
	s.settled(t)
	db := s.database(t)
	var first int
	if err := db.GetContext(t.Context(), &first,
		`SELECT count(*) FROM changes WHERE topic IN ('ORDER', 'PURCHASE_ORDER', 'INVOICE', 'AVAILABILITY')`); err != nil {
		t.Fatal(err)
	}
	if first != 0 {
		t.Errorf("the first load was told as news: %d changes", first)
	}
	whose := map[string]string{
		"operator": "TRUE",
		"buyer": `(account_id = (SELECT id FROM accounts WHERE number = '10001')
			OR account_id IN (SELECT id FROM accounts WHERE parent_id = (SELECT id FROM accounts WHERE number = '10001')))`,
		"supplier": `supplier_id = (SELECT id FROM trading_partners WHERE code = 'V2001')`,
	}
	sku := say(s.good(t, "operator", `{ items(first: 1, filter: {inStock: true}) { nodes { sku } } }`, nil).at("items", "nodes", 0, "sku"))
	type following struct {
		persona, topic string
		f              *stream
	}
	var all []following
	// Portico raises alerts of its own while this begins, so that a stream may or may not be told
	// of what came between these two.
	before := logEnd(t, db)
	for persona := range whose {
		for topic, q := range topics {
			if persona == "buyer" && (topic == "PURCHASE_ORDER" || topic == "ALERT") || persona == "supplier" &&
				(topic == "ORDER" || topic == "INVOICE" || topic == "AVAILABILITY") {
				continue // not theirs to ask
			}
			if topic == "AVAILABILITY" {
				q = fmt.Sprintf(q, sku)
			}
			all = append(all, following{persona, topic, s.follow(t, s.token(t, persona), "subscription { "+q+" }", nil)})
		}
	}
	for _, f := range all {
		s.until(t, 10*time.Second, "caught up", func() bool { return len(f.f.items()) > 0 })
	}
	told := map[string]*hook{}
	for persona, topics := range map[string][]string{"operator": {
		"ORDER", "PURCHASE_ORDER", "INVOICE", "SHIPMENT", "ALERT", "AVAILABILITY",
		"OPERATION",
	}, "buyer": {"ORDER", "INVOICE", "SHIPMENT"}, "supplier": {"PURCHASE_ORDER", "SHIPMENT", "ALERT"}} {
		told[persona] = hooks(t)
		for _, topic := range topics {
			if saved := s.endpoint(t, persona, map[string]any{"url": told[persona].URL, "topics": []string{topic + "_UPDATED"}}); walk(saved,
				"endpoint.id") == nil {
				t.Fatalf("%s, %s: %v", persona, topic, saved)
			}
		}
		s.until(t, 10*time.Second, "greeted", func() bool { return len(told[persona].of("StreamCaughtUp")) == len(topics) })
	}
	begun := logEnd(t, db)
	o := orderingAt(t, s)
	for range 3 {
		o.placed(t)
	}
	p := &supplying{s: s}
	po := p.bought(t, 100, sku)
	p.respond(t, p.answer(po, "ACCEPTED_WITH_CHANGES", map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 60)}))
	s.control(t, http.MethodPost, "/control/stock?sku="+sku+"&qty=3", nil)
	s.ticks(t, 40)
	for _, f := range all {
		where := whose[f.persona]
		if f.topic == "AVAILABILITY" {
			where = `subject = (SELECT id FROM items WHERE sku = '` + sku + `')`
		}
		var want, must, got []string
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s, %s: told %v; the log has %v, of which %v must be told", f.persona, f.topic, got, want, must)
			}
		})
		s.until(t, 10*time.Second, f.persona+" told of "+f.topic+" as the log has it", func() bool {
			want, must, got = changed(t, db, f.topic, where, "xid, seq", before), changed(t, db, f.topic, where, "xid, seq", begun), nil
			for _, u := range f.f.about() {
				id := walk(u, "subject.id")
				if f.topic == "AVAILABILITY" {
					id = walk(u, "subject.item.id")
				}
				got = append(got, say(id))
			}
			return within(must, got) && inOrder(got, want)
		})
		if f.persona == "operator" && len(must) == 0 {
			t.Errorf("nothing happened to any %s", f.topic)
		}
	}
	for persona, h := range told {
		s.hooked(t, persona, h, whose[persona], before, begun)
	}
}

// hooked holds what came to a persona's webhooks to the log: each change of theirs after they had
// begun, once, and told whole; of those while they began, some.
func (s *server) hooked(t *testing.T, persona string, h *hook, whose, before, begun string) {
	t.Helper()
	subject := map[string]string{
		"ORDER": "order.id", "PURCHASE_ORDER": "purchaseOrder.id", "INVOICE": "invoice.id", "SHIPMENT": "shipment.id", "ALERT": "alert.id",
		"AVAILABILITY": "availability.item.id", "OPERATION": "operation.id",
	}
	db := s.database(t)
	for _, topic := range h.topics() {
		if topic == "AVAILABILITY" {
			whose = "TRUE"
		}
		var want, must, got []string
		s.until(t, 20*time.Second, persona+"'s webhooks told of "+topic+" as the log has it", func() bool {
			want, must, got = changed(t, db, topic, whose, "subject", before), changed(t, db, topic, whose, "subject", begun), nil
			for _, in := range h.all() {
				if in.said["type"] != topic+"_UPDATED" || walk(in.said, "data.__typename") == "StreamCaughtUp" {
					continue
				}
				if got = append(got, say(walk(in.said, "data."+subject[topic]))); in.said["errors"] != nil {
					t.Fatalf("%s is not told whole: %s", persona, in.body)
				}
			}
			return within(must, got) && within(got, want)
		})
		if persona == "operator" && len(must) == 0 {
			t.Errorf("no webhook could be told of any %s", topic)
		}
	}
}

// logEnd is the number of the last transaction in the log of changes.
func logEnd(t *testing.T, db *sqlx.DB) (xid string) {
	t.Helper()
	if err := db.GetContext(t.Context(), &xid, `SELECT coalesce(max(xid::text::bigint), 0)::text FROM changes`); err != nil {
		t.Fatal(err)
	}
	return xid
}

// changed are the subjects of a topic that the log has after a transaction.
func changed(t *testing.T, db *sqlx.DB, topic, where, order, since string) (ids []string) {
	t.Helper()
	if err := db.SelectContext(t.Context(), &ids,
		`SELECT subject FROM changes WHERE topic = $1 AND xid::text::bigint > $2::bigint AND `+where+` ORDER BY `+order, topic,
		since); err != nil {
		t.Fatal(err)
	}
	return ids
}

// inOrder tells whether some are among others, in their order.
func inOrder(some, others []string) bool {
	for _, one := range some {
		at := slices.Index(others, one)
		if at < 0 {
			return false
		}
		others = others[at+1:]
	}
	return true
}

// within tells whether all of some are among others, as often.
func within(some, others []string) bool {
	left := map[string]int{}
	for _, o := range others {
		left[o]++
	}
	for _, one := range some {
		if left[one]--; left[one] < 0 {
			return false
		}
	}
	return true
}

// Covers: C10 F10
func TestAnOrdersStreamSaysWhichLinesAndPromisesMoved(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	f := s.follow(t, s.token(t, "buyer"),
		`subscription { orderUpdates { __typename ... on OrderUpdate { subject: order { id number status } previousStatus changedLines
			{ id ordered { value } } commitmentChanges { cause line { id } } } } }`, nil)
	mine := s.follow(t, s.token(t, "buyer"),
		`subscription ($id: ID!) { orderUpdates(accounts: [$id]) { ... on OrderUpdate { subject: order { id } } } }`,
		map[string]any{"id": o.account})
	others := s.follow(t, s.token(t, "buyer-other"),
		`subscription { orderUpdates { __typename ... on OrderUpdate { subject: order { id } } } }`, nil)
	none := s.follow(t, s.token(t, "operator"),
		`subscription { orderUpdates(orders: ["ord_none"]) { __typename ... on OrderUpdate { subject: order { id } } } }`, nil)
	for _, g := range []*stream{f, mine, others, none} {
		s.until(t, 5*time.Second, "caught up", func() bool { return len(g.items()) > 0 })
	}
	order := o.placed(t)
	id := order.Id
	s.until(t, 10*time.Second, "told of its number", func() bool {
		return slices.ContainsFunc(f.of(id),
			func(u map[string]any) bool { return walk(u, "subject.number") != nil && u["previousStatus"] != nil })
	})
	begun := f.of(id)[0]
	if begun["previousStatus"] != nil || len(begun["changedLines"].([]any)) != 1 {
		t.Errorf("it began with %v", begun)
	}
	s.until(t, 10*time.Second, "explained by its lines", func() bool {
		why := s.good(t, "buyer", `query ($id: ID!) { node(id: $id) { ... on Order
			{ status statusExplanation { status rule facts { message used } } } } }`, map[string]any{"id": id}).at("node")
		return walk(why, "status") == walk(why, "statusExplanation.status") && strings.Contains(fmt.Sprint(why), "Line ") &&
			!strings.Contains(fmt.Sprint(why), "not in the ERP")
	})
	s.until(t, 5*time.Second, "told by account", func() bool { return len(mine.of(id)) > 0 })
	if got := none.about(); len(got) != 0 {
		t.Errorf("told of an order that there is not: %v", got)
	}
	for _, u := range others.about() { // of their own, which another story may have placed, and of no other
		about := walk(u, "subject.id")
		own := s.good(t, "buyer-other", `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": about}).at("node")
		if about == id || own == nil {
			t.Errorf("told others: %v", u)
		}
	}
}

// Covers: C04 F05
func TestStockIsToldAsItMoves(t *testing.T) {
	t.Parallel()
	s := portico(t)
	stocked := s.good(t, "operator", `{ items(first: 5, filter: {inStock: true}) { nodes { id sku } } }`, nil).at("items", "nodes").([]any)
	item := stocked[4]
	q := `subscription ($sku: String!) { availabilityUpdates(items: [{sku: $sku}])
		{ __typename ... on AvailabilityUpdate { subject: availability { item { id } status availableNow { value } byWarehouse
		{ warehouse { code } } } previousStatus } } }`
	vars := map[string]any{"sku": walk(item, "sku")}
	f := s.follow(t, s.token(t, "buyer"), q, vars)
	s.until(t, 5*time.Second, "caught up", func() bool { return len(f.items()) > 0 })
	s.control(t, http.MethodPost, fmt.Sprintf("/control/stock?sku=%v&qty=0", walk(item, "sku")), nil)
	s.until(t, 10*time.Second, "told", func() bool {
		return slices.ContainsFunc(f.about(), func(u map[string]any) bool { return walk(u, "subject.status") != "IN_STOCK" })
	})
	s.control(t, http.MethodPost, fmt.Sprintf("/control/stock?sku=%v&qty=5000", walk(item, "sku")), nil)
	s.until(t, 10*time.Second, "told", func() bool {
		a := f.about()
		last := a[len(a)-1]
		return walk(last, "subject.status") == "IN_STOCK" && last["previousStatus"] != "IN_STOCK"
	})
	for name, vars := range map[string]any{
		"an item that is not there": []any{map[string]any{"sku": "no-such-item"}},
		"two keys":                  []any{map[string]any{"sku": "a", "gtin": "b"}},
	} {
		f := s.follow(t, s.token(t, "buyer"), `subscription ($i: [ItemBy!]!) { availabilityUpdates(items: $i) { __typename } }`,
			map[string]any{"i": vars})
		s.until(t, 5*time.Second, "refused", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.ended) > 0 })
		if len(f.items()) > 0 {
			t.Errorf("%s: %v", name, f.items())
		}
	}
}

// Covers: P08 P12
func TestDeviationsAndAlertsAreTold(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	s := p.s
	pos := s.follow(t, s.token(t, "supplier"),
		`subscription { purchaseOrderUpdates { __typename ... on PurchaseOrderUpdate
			{ subject: purchaseOrder { id status } previousStatus deviations { id field state } } } }`, nil)
	rivals := s.follow(t, s.token(t, "supplier-other"),
		`subscription { purchaseOrderUpdates { __typename ... on PurchaseOrderUpdate { subject: purchaseOrder { id } } } }`, nil)
	alerts := s.follow(t, s.token(t, "operator"),
		`subscription { alertUpdates(filter: {kind: [SUPPLY_LATE, REPORTED], minSeverity: WARNING})
			{ __typename ... on AlertUpdate { subject: alert { id kind state message } previousState } } }`, nil)
	suppliers := s.follow(t, s.token(t, "supplier"),
		`subscription { alertUpdates { __typename ... on AlertUpdate { subject: alert { id kind state } previousState } } }`, nil)
	info := s.follow(t, s.token(t, "operator"),
		`subscription { alertUpdates(filter: {queue: "nobody's"}) { __typename ... on AlertUpdate { subject: alert { id } } } }`, nil)
	for _, g := range []*stream{pos, rivals, alerts, suppliers, info} {
		s.until(t, 5*time.Second, "caught up", func() bool { return len(g.items()) > 0 })
	}
	sku := say(s.good(t, "operator", `{ items(first: 1) { nodes { sku } } }`, nil).at("items", "nodes", 0, "sku"))
	po := p.bought(t, 100, sku)
	a := p.respond(t, p.answer(po, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 60)}))
	dev := a.at("out", "deviations", 0, "id")
	s.until(t, 10*time.Second, "told of the deviation", func() bool {
		return slices.ContainsFunc(pos.of(po["id"]), func(u map[string]any) bool {
			return walk(u, "deviations.0.id") == dev && walk(u, "subject.status") == "PENDING_REVIEW"
		})
	})
	why := s.good(t, "supplier",
		`query ($n: String!) { purchaseOrder(by: {number: $n}) { statusExplanation { status facts { message used ref } } } }`,
		map[string]any{"n": po["number"]}).at("purchaseOrder", "statusExplanation")
	// What the source says may have been read before or after the response came: facts stand in the order of their moments.
	used := map[any]bool{}
	for _, f := range walk(why, "facts").([]any) {
		used[walk(f, "ref") != nil] = walk(f, "used") == true
	}
	if walk(why, "status") != "PENDING_REVIEW" || len(used) != 2 || !used[true] || used[false] {
		t.Errorf("why: %v", why)
	}
	report := s.good(t, "operator",
		`mutation ($k: IdempotencyKey!, $in: ReportExceptionInput!) { out: reportException(idempotencyKey: $k, input: $in)
			{ errors { ... on UserError { message } } alert { id } } }`,
		map[string]any{"k": p.key(), "in": map[string]any{"subject": po["id"], "severity": "WARNING", "message": "Where are they?"}})
	alert := report.at("out", "alert", "id")
	for name, g := range map[string]*stream{"the operator": alerts, "the supplier": suppliers} {
		s.until(t, 10*time.Second, name+" told", func() bool { return len(g.of(alert)) > 0 })
		if u := g.of(alert)[0]; walk(u, "subject.state") != "OPEN" || u["previousState"] != nil {
			t.Errorf("%s was told %v", name, u)
		}
	}
	s.good(t, "operator", `mutation ($k: IdempotencyKey!, $a: ID!) { out:
		resolveAlert(idempotencyKey: $k, input: {alert: $a, resolution: "They are here."}) { errors { ... on UserError { message } } } }`,
		map[string]any{"k": p.key(), "a": alert})
	s.until(t, 10*time.Second, "told that it is over", func() bool {
		all := alerts.of(alert)
		return len(all) == 2 && walk(all[1], "subject.state") == "RESOLVED" && all[1]["previousState"] == "OPEN"
	})
	if got := append(rivals.of(po["id"]), info.about()...); len(got) != 0 {
		t.Errorf("told who should not be: %v", got)
	}
}
