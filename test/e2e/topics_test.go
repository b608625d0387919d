package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"portico/test/e2e/api"
)

// topics are the streams by the topic in the log, with the subjects of the updates that one has received.
var topics = map[string]struct {
	subscription string
	subjects     func(*testing.T, *stream) []string
}{
	"ORDER": {api.OrderUpdates_Operation, func(t *testing.T, f *stream) (ids []string) {
		for _, u := range orderUpdates(t, f) {
			ids = append(ids, u.Order.Id)
		}
		return ids
	}},
	"PURCHASE_ORDER": {api.PurchaseOrderUpdates_Operation, func(t *testing.T, f *stream) (ids []string) {
		for _, u := range purchaseOrderUpdates(t, f) {
			ids = append(ids, u.PurchaseOrder.Id)
		}
		return ids
	}},
	"INVOICE": {api.InvoiceUpdates_Operation, func(t *testing.T, f *stream) (ids []string) {
		for _, u := range invoiceUpdates(t, f) {
			ids = append(ids, u.Invoice.Id)
		}
		return ids
	}},
	"SHIPMENT": {api.ShipmentUpdates_Operation, shipmentsOf},
	"ALERT": {api.AlertUpdates_Operation, func(t *testing.T, f *stream) (ids []string) {
		for _, u := range alertUpdates(t, f) {
			ids = append(ids, u.Alert.Id)
		}
		return ids
	}},
	"AVAILABILITY": {api.AvailabilityUpdates_Operation, func(t *testing.T, f *stream) (ids []string) {
		for _, u := range availabilityUpdates(t, f) {
			ids = append(ids, u.Availability.Item.Id)
		}
		return ids
	}},
}

func purchaseOrderUpdates(t *testing.T, f *stream) []*api.PurchaseOrderStreamPurchaseOrderUpdate {
	t.Helper()
	return only[*api.PurchaseOrderStreamPurchaseOrderUpdate](t, f,
		func(r api.PurchaseOrderUpdatesResponse) any { return r.PurchaseOrderUpdates })
}

func invoiceUpdates(t *testing.T, f *stream) []*api.InvoiceStreamInvoiceUpdate {
	t.Helper()
	return only[*api.InvoiceStreamInvoiceUpdate](t, f, func(r api.InvoiceUpdatesResponse) any { return r.InvoiceUpdates })
}

func alertUpdates(t *testing.T, f *stream) []*api.AlertStreamAlertUpdate {
	t.Helper()
	return only[*api.AlertStreamAlertUpdate](t, f, func(r api.AlertUpdatesResponse) any { return r.AlertUpdates })
}

func availabilityUpdates(t *testing.T, f *stream) []*api.AvailabilityStreamAvailabilityUpdate {
	t.Helper()
	return only[*api.AvailabilityStreamAvailabilityUpdate](t, f,
		func(r api.AvailabilityUpdatesResponse) any { return r.AvailabilityUpdates })
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
	sku := must(api.StockedItems(s.as(t, "operator"))).Items.Nodes[0].Sku
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
			var vars map[string]any
			if topic == "AVAILABILITY" {
				vars = map[string]any{"items": []api.ItemBy{{Sku: &sku}}}
			}
			all = append(all, following{persona, topic, s.follow(t, s.token(t, persona), q.subscription, vars)})
		}
	}
	for _, f := range all {
		s.until(t, 10*time.Second, "caught up", func() bool { return f.f.received() > 0 })
	}
	told := map[string]*hook{}
	for persona, topics := range map[string][]string{"operator": {
		"ORDER", "PURCHASE_ORDER", "INVOICE", "SHIPMENT", "ALERT", "AVAILABILITY",
		"OPERATION",
	}, "buyer": {"ORDER", "INVOICE", "SHIPMENT"}, "supplier": {"PURCHASE_ORDER", "SHIPMENT", "ALERT"}} {
		told[persona] = hooks(t)
		for _, topic := range topics {
			saved := s.endpoint(t, persona, api.WebhookEndpointInput{
				Url: told[persona].URL, Topics: []api.WebhookTopic{api.WebhookTopic(topic + "_UPDATED")},
			})
			if null(saved.Endpoint.Id) {
				t.Fatalf("%s, %s: %s", persona, topic, asJSON(saved))
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
			want, must, got = changed(t, db, f.topic, where, "xid, seq", before), changed(t, db, f.topic, where, "xid, seq", begun),
				topics[f.topic].subjects(t, f.f)
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
	as := func(persona string, of map[string]any) *stream {
		return s.follow(t, s.token(t, persona), api.OrderUpdates_Operation, of)
	}
	f, mine := as("buyer", nil), as("buyer", map[string]any{"accounts": []string{o.account}})
	others, none := as("buyer-other", nil), as("operator", map[string]any{"orders": []string{"ord_none"}})
	for _, g := range []*stream{f, mine, others, none} {
		s.until(t, 5*time.Second, "caught up", func() bool { return g.received() > 0 })
	}
	// of are the updates about one order.
	of := func(f *stream, id string) []*api.OrderStreamOrderUpdate {
		return slices.DeleteFunc(orderUpdates(t, f), func(u *api.OrderStreamOrderUpdate) bool { return u.Order.Id != id })
	}
	order := o.placed(t)
	id := order.Id
	s.until(t, 10*time.Second, "told of its number", func() bool {
		return slices.ContainsFunc(of(f, id),
			func(u *api.OrderStreamOrderUpdate) bool { return u.Order.Number != nil && u.PreviousStatus != nil })
	})
	if begun := of(f, id)[0]; begun.PreviousStatus != nil || len(begun.ChangedLines) != 1 {
		t.Errorf("it began with %s", asJSON(begun))
	}
	s.until(t, 10*time.Second, "explained by its lines", func() bool {
		why := must(api.OrderExplanation(s.as(t, "buyer"), id)).Order
		return string(why.Status) == why.StatusExplanation.Status && strings.Contains(asJSON(why), "Line ") &&
			!strings.Contains(asJSON(why), "not in the ERP")
	})
	s.until(t, 5*time.Second, "told by account", func() bool { return len(of(mine, id)) > 0 })
	if got := orderUpdates(t, none); len(got) != 0 {
		t.Errorf("told of an order that there is not: %s", asJSON(got))
	}
	for _, u := range orderUpdates(t, others) { // of their own, which another story may have placed, and of no other
		if own := must(api.Node(s.as(t, "buyer-other"), u.Order.Id)).Node; u.Order.Id == id || null(own) {
			t.Errorf("told others: %s", asJSON(u))
		}
	}
}

// Covers: C04 F05
func TestStockIsToldAsItMoves(t *testing.T) {
	t.Parallel()
	s := portico(t)
	sku := must(api.StockedItems(s.as(t, "operator"))).Items.Nodes[4].Sku
	f := s.follow(t, s.token(t, "buyer"), api.AvailabilityUpdates_Operation, map[string]any{"items": []api.ItemBy{{Sku: &sku}}})
	s.until(t, 5*time.Second, "caught up", func() bool { return f.received() > 0 })
	s.control(t, http.MethodPost, "/control/stock?sku="+sku+"&qty=0", nil)
	s.until(t, 10*time.Second, "told", func() bool {
		return slices.ContainsFunc(availabilityUpdates(t, f), func(u *api.AvailabilityStreamAvailabilityUpdate) bool {
			return u.Availability.Status != api.StockStatusInStock
		})
	})
	s.control(t, http.MethodPost, "/control/stock?sku="+sku+"&qty=5000", nil)
	s.until(t, 10*time.Second, "told", func() bool {
		all := availabilityUpdates(t, f)
		last := all[len(all)-1]
		return last.Availability.Status == api.StockStatusInStock && val(last.PreviousStatus) != api.StockStatusInStock
	})
	for name, keys := range map[string]any{
		"an item that is not there": []any{map[string]any{"sku": "no-such-item"}},
		"two keys":                  []any{map[string]any{"sku": "a", "gtin": "b"}},
	} {
		f := s.follow(t, s.token(t, "buyer"), api.AvailabilityUpdates_Operation, map[string]any{"items": keys})
		s.until(t, 5*time.Second, "refused", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.ended) > 0 })
		if f.received() > 0 {
			t.Errorf("%s: %v", name, f.updates)
		}
	}
}

// Covers: P08 P12
func TestDeviationsAndAlertsAreTold(t *testing.T) {
	t.Parallel()
	p := supplyingAt(t)
	s := p.s
	pos := s.follow(t, s.token(t, "supplier"), api.PurchaseOrderUpdates_Operation, nil)
	rivals := s.follow(t, s.token(t, "supplier-other"), api.PurchaseOrderUpdates_Operation, nil)
	alerted := func(persona string, filter api.AlertFilter) *stream {
		return s.follow(t, s.token(t, persona), api.AlertUpdates_Operation, map[string]any{"filter": filter})
	}
	alerts := alerted("operator", api.AlertFilter{
		Kind: []api.AlertKind{api.AlertKindSupplyLate, api.AlertKindReported}, MinSeverity: new(api.SeverityWarning),
	})
	suppliers := alerted("supplier", api.AlertFilter{})
	info := alerted("operator", api.AlertFilter{Queue: new("nobody's")})
	for _, g := range []*stream{pos, rivals, alerts, suppliers, info} {
		s.until(t, 5*time.Second, "caught up", func() bool { return g.received() > 0 })
	}
	ofPurchase := func(f *stream, id any) []*api.PurchaseOrderStreamPurchaseOrderUpdate {
		return slices.DeleteFunc(purchaseOrderUpdates(t, f),
			func(u *api.PurchaseOrderStreamPurchaseOrderUpdate) bool { return u.PurchaseOrder.Id != id })
	}
	ofAlert := func(f *stream, id string) []*api.AlertStreamAlertUpdate {
		return slices.DeleteFunc(alertUpdates(t, f), func(u *api.AlertStreamAlertUpdate) bool { return u.Alert.Id != id })
	}
	sku := must(api.ItemsFirst(s.as(t, "operator"))).Items.Nodes[0].Sku
	po := p.bought(t, 100, sku)
	a := p.respond(t, p.answer(po, "ACCEPTED_WITH_CHANGES",
		map[string]any{"status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day(po, 60)}))
	dev := a.at("out", "deviations", 0, "id")
	s.until(t, 10*time.Second, "told of the deviation", func() bool {
		return slices.ContainsFunc(ofPurchase(pos, po["id"]), func(u *api.PurchaseOrderStreamPurchaseOrderUpdate) bool {
			return at(u.Deviations, 0).Id == dev && u.PurchaseOrder.Status == api.PurchaseOrderStatusPendingReview
		})
	})
	why := must(api.PurchaseOrderExplanation(s.as(t, "supplier"), say(po["number"]))).PurchaseOrder.StatusExplanation
	// What the source says may have been read before or after the response came: facts stand in the order of their moments.
	used := map[bool]bool{}
	for _, f := range why.Facts {
		used[f.Ref != nil] = f.Used
	}
	if why.Status != "PENDING_REVIEW" || len(used) != 2 || !used[true] || used[false] {
		t.Errorf("why: %s", asJSON(why))
	}
	alert := must(api.ReportExceptionAlert(s.as(t, "operator"), p.key(), api.ReportExceptionInput{
		Subject: say(po["id"]), Severity: api.SeverityWarning, Message: "Where are they?",
	})).ReportException.Alert.Id
	for name, g := range map[string]*stream{"the operator": alerts, "the supplier": suppliers} {
		s.until(t, 10*time.Second, name+" told", func() bool { return len(ofAlert(g, alert)) > 0 })
		if u := ofAlert(g, alert)[0]; u.Alert.State != api.AlertStateOpen || u.PreviousState != nil {
			t.Errorf("%s was told %s", name, asJSON(u))
		}
	}
	must(api.ResolveAlertErrors(s.as(t, "operator"), p.key(), api.ResolveAlertInput{Alert: alert, Resolution: "They are here."}))
	s.until(t, 10*time.Second, "told that it is over", func() bool {
		all := ofAlert(alerts, alert)
		return len(all) == 2 && all[1].Alert.State == api.AlertStateResolved && val(all[1].PreviousState) == api.AlertStateOpen
	})
	if got := ofPurchase(rivals, po["id"]); len(got) != 0 {
		t.Errorf("told who should not be: %s", asJSON(got))
	}
	if got := alertUpdates(t, info); len(got) != 0 {
		t.Errorf("told who should not be: %s", asJSON(got))
	}
}
