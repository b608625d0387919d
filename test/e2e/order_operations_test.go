package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Covers: C10 F02 C04
func TestAPromiseThatMovesIsToldAndOperationsAreFollowed(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	const follow = `subscription { operationUpdates { ... on OperationUpdate { at previousState operation { id kind state } } } }`
	mine, others := s.follow(t, s.token(t, "buyer"), follow, nil), s.follow(t, s.token(t, "buyer-other"), follow, nil)
	order := o.placed(t)
	day := time.Now().AddDate(0, 0, 40)
	for day.Weekday() != time.Wednesday {
		day = day.AddDate(0, 0, 1)
	}
	a := s.good(t, "buyer", amend,
		map[string]any{
			"key": o.key(),
			"in":  map[string]any{"order": order["id"], "expectedVersion": order["version"], "requestedDeliveryDate": day.Format("2006-01-02")},
		})
	if a.at("out", "operation", "state") != "COMMITTED" {
		t.Fatalf("not amended: %s", a.Body)
	}
	q := s.good(t, "buyer", `query ($id: ID!) { order(by: {id: $id}) { commitmentChanges
		{ cause at line { id } from { promisedDeliveryDate } to { promisedDeliveryDate quantity { value } } } } }`,
		map[string]any{"id": order["id"]})
	if q.at("order", "commitmentChanges", 0, "cause") != "CUSTOMER_REQUEST" ||
		q.at("order", "commitmentChanges", 0, "to", "promisedDeliveryDate") != day.Format("2006-01-02") ||
		q.at("order", "commitmentChanges", 0, "line", "id") != walk(order, "lines.nodes.0.id") {
		t.Errorf("what moved: %s", q.Body)
	}
	s.until(t, 5*time.Second, "told", func() bool {
		mine.mu.Lock()
		defer mine.mu.Unlock()
		text := fmt.Sprint(mine.updates)
		return strings.Contains(text, say(a.at("out", "operation", "id"))) && strings.Contains(text, "COMMITTED")
	})
	others.mu.Lock()
	defer others.mu.Unlock()
	if strings.Contains(fmt.Sprint(others.updates), say(a.at("out", "operation", "id"))) {
		t.Errorf("another customer is told: %v", others.updates)
	}
}

// Covers: C06 R09
func TestManyOrdersAreSubmittedTogether(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	const many = `mutation ($key: IdempotencyKey!, $in: SubmitOrdersInput!)
		{ out: submitOrders(idempotencyKey: $key, input: $in) { replayed accepted rejected errors { ... on UserError { code path } }
		results { index order { id status } operation { id idempotencyKey } errors { ... on UserError { code path } } } } }`
	orders := func() []any {
		var all []any
		for range 4 {
			_, in := o.order()
			all = append(all, in)
		}
		all[2].(map[string]any)["customerPoNumber"] = all[1].(map[string]any)["customerPoNumber"] // within the batch
		return all
	}
	before := len(s.effects(t))
	batch := orders()
	if a := s.good(t, "buyer", many,
		map[string]any{"key": o.key(), "in": map[string]any{"orders": batch, "policy": "ALL_OR_NOTHING"}}); a.at("out",
		"accepted") != float64(0) || a.at("out", "rejected") != float64(4) ||
		a.at("out", "results", 2, "errors", 0, "code") != "DUPLICATE_PO_NUMBER" || a.at("out", "results", 0, "order") != nil {
		t.Errorf("all or nothing: %s", a.Body)
	}
	key := o.key()
	a := s.good(t, "buyer", many, map[string]any{"key": key, "in": map[string]any{"orders": batch}})
	if a.at("out", "accepted") != float64(3) || a.at("out", "results", 2, "errors", 0, "code") != "DUPLICATE_PO_NUMBER" ||
		a.at("out", "results", 3, "operation", "idempotencyKey") != key {
		t.Fatalf("what is right: %s", a.Body)
	}
	again := s.good(t, "buyer", many, map[string]any{"key": key, "in": map[string]any{"orders": batch}})
	if again.at("out", "replayed") != true || again.at("out", "results", 2, "errors", 0, "code") != "DUPLICATE_PO_NUMBER" {
		t.Errorf("sent again: %s", again.Body)
	}
	for i := range 4 {
		if again.at("out", "results", i, "operation", "id") != a.at("out", "results", i, "operation", "id") {
			t.Errorf("sent again, order %d has another operation", i)
		}
	}
	s.until(t, 20*time.Second, "taken", func() bool { return len(s.effects(t))-before == 3 })
	if a := s.good(t, "buyer", many, map[string]any{"key": o.key(), "in": map[string]any{"orders": []any{}}}); a.at("out", "errors", 0,
		"code") != "INVALID_INPUT" {
		t.Errorf("none: %s", a.Body)
	}
}

// Covers: R03 R04 R05 O01 O03 X05
func TestOperatorsSeeWhatHappensAndAct(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	o := orderingAt(t, s)
	control := func(mutation, instance string) answer {
		return s.good(t, "operator",
			`mutation ($key: IdempotencyKey!, $in: SourceControlInput!)
				{ out: `+mutation+`(idempotencyKey: $key, input: $in) { errors { ... on UserError { code } } source
				{ instance state pausedReason queueDepth guarantee } } }`,
			map[string]any{"key": o.key(), "in": map[string]any{"instance": instance, "reason": "the auditors are in"}})
	}
	if a := control("pauseSource", "erp"); a.at("out", "source", "state") != "PAUSED" ||
		a.at("out", "source", "pausedReason") != "the auditors are in" || a.at("out", "source", "guarantee") != "KEY_HONOURED" {
		t.Fatalf("paused: %s", a.Body)
	}
	if a := control("pauseSource", "nobody"); a.at("out", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("a source of nobody: %s", a.Body)
	}
	key, in := o.order()
	begun := time.Now()
	a := s.good(t, "buyer", submit, map[string]any{"key": key, "in": in})
	if state := a.at("submitOrder", "operation", "state"); state != "ACCEPTED" || time.Since(begun) > 1500*time.Millisecond {
		// The price must be known to place it; it was, by the page that o was made from.
		if a.at("submitOrder", "errors", 0, "code") != "SOURCE_UNAVAILABLE" {
			t.Fatalf("while it is paused: %s", a.Body)
		}
		control("resumeSource", "erp")
		o.placed(t)
		control("pauseSource", "erp")
		key, in = o.order()
		a = s.good(t, "buyer", submit, map[string]any{"key": key, "in": in})
	}
	id := a.at("submitOrder", "operation", "id")
	q := s.good(t, "operator",
		`query ($id: ID!) { operation(by: {id: $id}) { state queue { position reason } } workInProgress { kind state count oldest }
		operations(first: 5, filter: {state: [ACCEPTED], kind: [SUBMIT_ORDER]}) { nodes { id } totalCount { value } } sourceHealth
		{ instance queueDepth } }`, map[string]any{"id": id})
	if q.at("operation", "queue", "position") != float64(1) || !strings.Contains(say(q.at("operation", "queue", "reason")), "auditors") ||
		q.at("workInProgress", 0, "count") != float64(1) || q.at("operations", "nodes", 0, "id") != id {
		t.Errorf("while it waits: %s", q.Body)
	}
	control("resumeSource", "erp")
	s.until(t, 20*time.Second, "committed", func() bool {
		return s.good(t, "operator", `query ($id: ID!) { operation(by: {id: $id}) { state } }`, map[string]any{"id": id}).at("operation",
			"state") == "COMMITTED"
	})
	// Undone: the ERP cancels it, and the order follows.
	undo := s.good(t, "operator",
		`mutation ($key: IdempotencyKey!, $in: CompensateInput!) { out: compensate(idempotencyKey: $key, input: $in)
			{ errors { ... on UserError { code } } operation { state } } }`,
		map[string]any{"key": o.key(), "in": map[string]any{"operation": id, "reason": "a test"}})
	if len(undo.at("out", "errors").([]any)) != 0 {
		t.Fatalf("not undone: %s", undo.Body)
	}
	s.until(t, 20*time.Second, "undone", func() bool {
		q := s.good(t, "operator",
			`query ($id: ID!) { operation(by: {id: $id}) { state steps { name state } } order(by: {id: "`+say(a.at("submitOrder", "order",
				"id"))+`"}) { status } }`, map[string]any{"id": id})
		return q.at("operation", "state") == "COMPENSATED" && q.at("operation", "steps", 1, "state") == "COMPENSATED" &&
			q.at("order", "status") == "CANCELLED"
	})
	// What the ERP told is read again: nothing is otherwise, until a record here is spoiled.
	replay := func(input string) answer {
		return s.replayed(t, `mutation ($key: IdempotencyKey!) { out: replay(idempotencyKey: $key, input: {reason: "a test", `+input+`})
			{ replayed found changes operation { state } errors { ... on UserError { code path } } } }`, map[string]any{"key": o.key()})
	}
	if a := replay(`stream: "erp/orders"`); len(a.at("out", "errors").([]any)) != 0 || a.at("out", "found").(float64) < 10 ||
		a.at("out", "changes") != float64(0) {
		t.Errorf("a dry run: %s", a.Body)
	}
	// However much it is: more than a page, and more than a request could wait for.
	whole := s.good(t, "operator",
		`mutation ($key: IdempotencyKey!) { out: replay(idempotencyKey: $key, input: {reason: "a test", stream: "wms/inventory"})
			{ operation { id kind } errors { ... on UserError { code } } } }`, map[string]any{"key": o.key()})
	var far answer
	s.until(t, 60*time.Second, "replayed", func() bool {
		far = s.good(t, "operator", `query ($id: ID!) { operation(by: {id: $id}) { state kind progress { found changes } steps { attempts } } }`,
			map[string]any{"id": whole.at("out", "operation", "id")})
		return far.at("operation", "state") == "COMMITTED"
	})
	if far.at("operation", "kind") != "REPLAY" || far.at("operation", "progress", "found").(float64) < 1000 ||
		far.at("operation", "progress", "changes") != 0.0 {
		t.Errorf("of the whole stock: %s", far.Body)
	}
	if a := replay(`stream: "erp/orders", dryRun: false, subject: "` + say(a.at("submitOrder", "order", "id")) + `"`); a.at("out",
		"found") != float64(1) {
		t.Errorf("of one order: %s", a.Body)
	}
	for _, stream := range []string{"erp", "erp/nothing", "nobody/orders", "erp/inventory"} {
		if a := replay(`stream: "` + stream + `"`); a.at("out", "errors", 0, "code") != "NOT_FOUND" {
			t.Errorf("%s: %s", stream, a.Body)
		}
	}
	// Who did what, sealed.
	var log answer
	s.until(t, 10*time.Second, "sealed", func() bool {
		log = s.good(t, "operator",
			`{ auditLog(first: 50) { nodes { index action subject actor { displayName } correlationId before after digest } } }`, nil)
		return strings.Contains(log.Body, "order.submit.undone")
	})
	for _, action := range []string{"source.pause", "order.submit", "order.submit.committed", "source.resume", "operation.compensate"} {
		if !strings.Contains(log.Body, `"`+action+`"`) {
			t.Errorf("the audit log does not tell %s", action)
		}
	}
	if out := s.command(t, "audit", "verify"); !strings.Contains(out, "as they were signed") {
		t.Errorf("verified: %s", out)
	}
	trace := s.good(t, "operator",
		`query ($id: String!) { trace(correlationId: $id, first: 50) { nodes { kind message system took correlationId } } }`,
		map[string]any{"id": a.at("submitOrder", "operation", "correlationId")})
	for _, kind := range []string{"REQUEST", "SOURCE_CALL", "STATUS_CHANGE"} {
		if !strings.Contains(trace.Body, kind) {
			t.Errorf("the trace has no %s: %s", kind, trace.Body)
		}
	}
	for _, persona := range []string{"buyer", "supplier"} {
		for _, q := range []string{
			`{ auditLog { nodes { id } } }`, `{ deadLetters { nodes { id } } }`, `{ workInProgress { kind } }`,
			`{ trace(correlationId: "x") { nodes { message } } }`,
		} {
			if a := s.query(t, persona, q, nil); len(a.Errors) == 0 {
				t.Errorf("%s may ask %s: %s", persona, q, a.Body)
			}
		}
	}
}

// TestABadKeyIsRefusedByEveryWrite sends keys that are none with inputs that are good in
// their form.
//
// Covers: R01 G06
func TestABadKeyIsRefusedByEveryWrite(t *testing.T) {
	t.Parallel()
	s := portico(t)
	o := orderingAt(t, s)
	order := o.placed(t)
	_, one := o.order()
	line, quantity := walk(order, "lines.nodes.0.id"), map[string]any{"value": "2000", "unit": "EA"}
	more := []any{map[string]any{"line": line, "quantity": quantity}}
	on := map[string]any{"order": order["id"], "expectedVersion": order["version"]}
	with := func(more ...any) map[string]any {
		in := maps.Clone(on)
		for i := 0; i < len(more); i += 2 {
			in[more[i].(string)] = more[i+1]
		}
		return in
	}
	operated := func(key string) map[string]any {
		return map[string]any{key: "opr_00000000000000000000000000000000", "reason": "r"}
	}
	source := map[string]any{"instance": "erp", "reason": "r"}
	writes := map[string]struct {
		persona, input string
		in             map[string]any
	}{
		"submitOrders":       {"buyer", "SubmitOrdersInput", map[string]any{"orders": []any{one}}},
		"amendOrder":         {"buyer", "AmendOrderInput", with("changeLines", more)},
		"cancelOrder":        {"buyer", "CancelOrderInput", with("reason", "r")},
		"approveOrder":       {"approver", "OrderApprovalInput", with()},
		"rejectOrder":        {"approver", "OrderApprovalInput", with("comment", "c")},
		"acceptOrderChanges": {"buyer", "AcceptOrderChangesInput", with()},
		"requestReturn": {
			"buyer", "RequestReturnInput",
			map[string]any{"order": order["id"], "lines": []any{map[string]any{"line": line, "quantity": quantity, "reason": "DAMAGED"}}},
		},
		"retryDeadLetter":   {"operator", "DeadLetterInput", operated("deadLetter")},
		"discardDeadLetter": {"operator", "DeadLetterInput", operated("deadLetter")},
		"compensate":        {"operator", "CompensateInput", operated("operation")},
		"settleOperation": {
			"operator", "SettleOperationInput",
			func() map[string]any { in := operated("operation"); in["happened"] = false; return in }(),
		},
		"pauseSource":  {"operator", "SourceControlInput", source},
		"resumeSource": {"operator", "SourceControlInput", source},
		"respondToPurchaseOrder": {
			"supplier", "PurchaseOrderResponseInput",
			map[string]any{"purchaseOrder": "pur_none", "expectedRevision": 1, "responseNumber": "R-1", "kind": "ACCEPTED"},
		},
		"submitDespatchAdvice": {
			"supplier", "DespatchAdviceInput",
			map[string]any{
				"number": "A-1", "shipFrom": map[string]any{"name": "n", "line1": "l", "city": "c", "country": "DE"},
				"lines": []any{map[string]any{"purchaseOrderLine": "pol_none", "shipped": quantity}},
			},
		},
		"cancelDespatchAdvice": {"supplier", "CancelDespatchAdviceInput", map[string]any{"despatchAdvice": "dsp_none", "reason": "r"}},
		"decideDeviation":      {"operator", "DecideDeviationInput", map[string]any{"deviation": "dev_none", "decision": "ACCEPT"}},
		"saveToleranceProfile": {"operator", "ToleranceProfileInput", map[string]any{"name": "n", "outOfTolerance": "REJECT"}},
		"reportException": {
			"supplier", "ReportExceptionInput",
			map[string]any{"subject": "pur_none", "severity": "INFO", "message": "m"},
		},
		"acknowledgeAlert": {"operator", "AcknowledgeAlertInput", map[string]any{"alert": "alr_none"}},
		"resolveAlert":     {"operator", "ResolveAlertInput", map[string]any{"alert": "alr_none", "resolution": "r"}},
		"changeLeadTime": {
			"supplier", "ChangeLeadTimeInput",
			map[string]any{"supplierItem": "sit_none", "leadTimeDays": 5, "effectiveFrom": "2030-01-01"},
		},
		"registerPartner":   {"operator", "PartnerInput", map[string]any{"code": "V9", "name": "n", "channels": []any{}}},
		"updatePartner":     {"operator", "UpdatePartnerInput", map[string]any{"partner": "ptn_none", "expectedVersion": "1"}},
		"advanceOnboarding": {"operator", "AdvanceOnboardingInput", map[string]any{"partner": "ptn_none", "to": "ACTIVE"}},
		"rotatePartnerKey": {
			"supplier", "RotatePartnerKeyInput",
			map[string]any{"partner": "ptn_none", "publicKeyPem": "p", "validFrom": "2030-01-01T00:00:00Z"},
		},
		"provePartnerKey":  {"supplier", "ProvePartnerKeyInput", map[string]any{"key": "key_none", "signature": "s"}},
		"revokePartnerKey": {"supplier", "RevokePartnerKeyInput", map[string]any{"key": "key_none", "reason": "r"}},
		"publishCodeMapping": {
			"operator", "CodeMappingInput",
			map[string]any{
				"mapping": "cmp_none", "expectedVersion": 1, "entries": []any{map[string]any{"code": "X", "meaning": "Milestone.OTHER"}},
				"reason": "r",
			},
		},
		"saveWebhookEndpoint": {
			"buyer", "WebhookEndpointInput",
			map[string]any{"url": "http://127.0.0.1:9/", "topics": []any{"ORDER_UPDATED"}},
		},
		"deleteWebhookEndpoint": {"buyer", "WebhookEndpointRef", map[string]any{"endpoint": "whe_none"}},
		"rotateWebhookSecret":   {"buyer", "WebhookEndpointRef", map[string]any{"endpoint": "whe_none"}},
		"redeliverWebhook":      {"buyer", "RedeliverWebhookInput", map[string]any{"delivery": "whd_none"}},
		"resolveMasterDataConflict": {
			"operator", "ResolveMasterDataConflictInput",
			map[string]any{"conflict": "mdc_none", "value": "v", "reason": "r"},
		},
		"saveObjective": {
			"operator", "ObjectiveInput",
			map[string]any{"name": "n", "measure": "ORDER_ERROR_RATE", "percent": "5", "window": "P1D", "queue": "q"},
		},
		"recordSupportTickets": {
			"operator", "SupportTicketCountInput",
			map[string]any{"period": map[string]any{"from": "2026-01-01", "to": "2026-01-31"}, "count": 3, "source": "desk"},
		},
		"replay": {"operator", "ReplayInput", map[string]any{"stream": "erp", "reason": "r"}},
	}
	for _, f := range s.good(t, "operator", `{ __type(name: "Mutation") { fields { name } } }`, nil).at("__type", "fields").([]any) {
		name := say(walk(f, "name"))
		w, ok := writes[name]
		if !ok && name != "submitOrder" { // which the story placed-twice asks more of
			t.Errorf("%s is not tried", name)
		}
		if !ok {
			continue
		}
		const query = `mutation ($key: IdempotencyKey!, $in: %s!) { out: %s(idempotencyKey: $key, input: $in)
			{ errors { ... on UserError { code path } } } }`
		for what, key := range map[string]string{
			"short": "short", "a line": "a key with\na line in it", "turned": "a key with \u202e in it",
			"long": strings.Repeat("x", 129), "longer": strings.Repeat("x", 4000),
		} {
			a := s.query(t, w.persona, fmt.Sprintf(query, w.input, name), map[string]any{"key": key, "in": w.in})
			if a.at("out", "errors", 0, "code") != "INVALID_INPUT" || fmt.Sprint(a.at("out", "errors", 0, "path")) != "[idempotencyKey]" {
				t.Errorf("%s with a key that is %s: %s", name, what, a.Body)
			}
		}
		for what, key := range map[string]string{"NUL": "a key with \x00 in it....", "100 KB": strings.Repeat("x", 100_000)} {
			a := s.query(t, w.persona, fmt.Sprintf(query, w.input, name), map[string]any{"key": key, "in": w.in})
			if !slices.Equal(a.codes(), []string{"BAD_USER_INPUT"}) || fmt.Sprint(a.Errors[0].Extensions["argument"]) != "[idempotencyKey]" {
				t.Errorf("%s with a key of %s: %s", name, what, a.Body)
			}
		}
		if a, err := s.ask(t.Context(), s.token(t, w.persona), fmt.Sprintf(query, w.input, name),
			map[string]any{"key": strings.Repeat("x", 1<<20), "in": w.in}); err == nil && len(a.Errors) == 0 && a.at("out", "errors", 0,
			"code") != "INVALID_INPUT" {
			t.Errorf("%s with a key of 1 MiB: %s", name, a.Body)
		}
	}
	if now := o.now(t, "buyer", order["id"]); now["version"] != order["version"] {
		t.Errorf("the order was written to: %v", now)
	}
	amend := map[string]any{"key": `a key with "quotes", 'quotes' and \ of ` + o.of, "in": with("changeLines", more)}
	for _, replayed := range []bool{false, true} {
		if a := s.good(t, "buyer",
			`mutation ($key: IdempotencyKey!, $in: AmendOrderInput!) { out: amendOrder(idempotencyKey: $key, input: $in)
				{ replayed errors { ... on UserError { message } } } }`, amend); a.at("out", "replayed") != replayed {
			t.Errorf("a key with quotes: %s", a.Body)
		}
	}
}

// replayed sends a replay under its key until its operation has ended, or is refused: its payload is brought up to date.
func (s *server) replayed(t *testing.T, mutation string, vars map[string]any) (a answer) {
	t.Helper()
	s.until(t, 30*time.Second, "replayed", func() bool {
		a = s.good(t, "operator", mutation, vars)
		for _, payload := range a.Data {
			state := walk(payload, "operation.state")
			return state == "COMMITTED" || state == "DEAD_LETTERED" || walk(payload, "errors.0") != nil
		}
		return false
	})
	return a
}
