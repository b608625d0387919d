package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	verdict = `mutation ($key: IdempotencyKey!, $in: ResolveMasterDataConflictInput!)
		{ out: resolveMasterDataConflict(idempotencyKey: $key, input: $in) { replayed errors { ... on UserError { code message path } }
		operation { id kind state steps { name state } } conflict { id } } }`
	conflicts = `query ($open: Boolean) { masterDataConflicts(first: 100, filter: {open: $open})
		{ nodes { id key field subject steward resolvedValue resolvedAt resolvedBy { displayName } values { value provenance { instance } } } } }`
)

// TestAStewardDecidesWhatHoldsWhereSystemsContradictEachOther has two ERPs say otherwise of
// the same records. What a steward decides is written to the one that owns the record, and to
// the other where that takes it; who may not decide, what a policy decides and what the ERP
// refuses stays as it was.
//
// Covers: F11 M01 M02 H06 G10
func TestAStewardDecidesWhatHoldsWhereSystemsContradictEachOther(t *testing.T) {
	t.Parallel()
	data, company, other := folder(t, true), freeAddr(t), freeAddr(t)
	epoch := "PORTICO_SANDBOX_EPOCH=" + time.Now().UTC().Format(time.DateOnly)
	second := exec.Command(binary, "sandbox", "--speed", "0")
	second.Env = append(os.Environ(), "PORTICO_DATA="+folder(t, true), "PORTICO_SANDBOX_ADDR="+other, epoch)
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Process.Kill(); _, _ = second.Process.Wait() })
	config := sandboxConfig(t, data, company,
		fmt.Sprintf("  erp2: { adapter: sandbox-erp, url: \"http://%s/erp\", key_file: %s }\n", other, file(t, data, "key2", "sandbox-key"))) +
		"policies:\n  suppliers: { conflict: OWNER_WINS }\n"
	s := launch(t, data, "PORTICO_CONFIG="+file(t, data, "portico.yml", config), "PORTICO_SANDBOX_ADDR="+company, "PORTICO_SANDBOX_SPEED=0",
		epoch)
	s.company = "http://" + company
	t.Cleanup(func() { _ = s.stop() })
	s.ready(t)
	s.settled(t)
	shadow := &server{company: "http://" + other}

	plant := func(object, key, field, value string) (was string) {
		t.Helper()
		was = say(shadow.record(t, "erp", object, key)[field])
		shadow.control(t, http.MethodPost, "/erp/v1/"+object+"/"+key+"/correction",
			map[string]any{"extRef": "by hand " + object + key + field, "field": field, "was": was, "value": value})
		return was
	}
	items := s.good(t, "operator", `{ items(first: 3) { nodes { id sku } } }`, nil).at("items", "nodes").([]any)
	sku := func(i int) string { return say(walk(items[i], "sku")) }
	oldName := plant("customers", "10001", "custName", "Renamed Ltd")
	oldText := plant("materials", sku(0), "descr", "Something else")
	plant("materials", sku(1), "brandName", "Another brand")
	oldOrigin := plant("materials", sku(2), "orig", "JP")
	plant("vendors", "V2001", "venName", "Another vendor")
	shadow.control(t, http.MethodPost, "/control/records",
		map[string]any{"service": "erp", "object": "customers", "key": "10004", "set": map[string]any{"curr": "USD"}})
	for _, capability := range []string{"ACCOUNTS", "ITEMS", "PURCHASE_ORDERS"} {
		s.route(t, capability, "--primary", "erp", "--shadow", "erp2")
	}
	at := func(open any, key, field string) map[string]any {
		for _, c := range s.good(t, "operator", conflicts, map[string]any{"open": open}).at("masterDataConflicts", "nodes").([]any) {
			if walk(c, "key") == key && walk(c, "field") == field {
				return c.(map[string]any)
			}
		}
		return nil
	}
	n := 0
	decide := func(persona string, conflict any, value, reason string) answer {
		n++
		return s.query(t, persona, verdict,
			map[string]any{"key": fmt.Sprintf("steward-key-%012d", n), "in": map[string]any{"conflict": conflict, "value": value, "reason": reason}})
	}
	s.until(t, time.Minute, "told of all conflicts", func() bool {
		return at(true, "10001", "name") != nil && at(true, sku(0), "name") != nil && at(true, sku(1), "brand") != nil &&
			at(true, sku(2), "countryOfOrigin") != nil && at(true, "10004", "currency") != nil && at(nil, "V2001", "name") != nil
	})
	committed := func(a answer) string {
		t.Helper()
		id := a.at("out", "operation", "id")
		if id == nil {
			t.Fatalf("not accepted: %s", a.Body)
		}
		s.until(t, 20*time.Second, "written", func() bool {
			return s.good(t, "operator", `query ($id: ID!) { operation(by: {id: $id}) { state } }`, map[string]any{"id": id}).at("operation",
				"state") == "COMMITTED"
		})
		return say(id)
	}

	// The other system was right: the owner is written, and Portico's copy is it at once.
	name := at(true, "10001", "name")
	if name["steward"] != "customer data" || name["resolvedValue"] != nil || name["resolvedBy"] != nil ||
		walk(name, "values.1.value") != "Renamed Ltd" {
		t.Errorf("the conflict is %v", name)
	}
	a := decide("operator", name["id"], "Renamed Ltd", "They told us.")
	operation := committed(a)
	if got := s.record(t, "erp", "customers", "10001")["custName"]; got != "Renamed Ltd" {
		t.Errorf("the owner says %v, not %s any more", got, oldName)
	}
	if got := s.good(t, "operator", `{ account(by: {number: "10001"}) { name } }`, nil).at("account", "name"); got != "Renamed Ltd" ||
		at(nil, "10001", "name") != nil {
		t.Errorf("Portico says %v", got)
	}
	again := s.good(t, "operator", verdict,
		map[string]any{
			"key": "steward-key-000000000001",
			"in":  map[string]any{"conflict": name["id"], "value": "Renamed Ltd", "reason": "They told us."},
		})
	if again.at("out", "replayed") != true || again.at("out", "operation", "id") != operation || again.at("out", "conflict") != nil {
		t.Errorf("the same once more: %s", again.Body)
	}
	s.until(t, 10*time.Second, "audited", func() bool {
		audited := s.good(t, "operator", `query ($s: ID!) { auditLog(first: 10, filter: {subject: $s}) { nodes { action after } } }`,
			map[string]any{"s": name["subject"]}).at("auditLog", "nodes").([]any)
		return len(audited) == 2 && walk(audited[1], "action") == "master-data.resolve" &&
			strings.Contains(fmt.Sprint(audited[1]), "They told us.")
	})

	// The owner was right: the other is written. And where both were wrong, both are.
	committed(decide("operator", at(true, sku(0), "name")["id"], oldText, "A slip."))
	if got := shadow.record(t, "erp", "materials", sku(0))["descr"]; got != oldText {
		t.Errorf("the other says %v", got)
	}
	committed(decide("operator", at(true, sku(1), "brand")["id"], "The right brand", "Looked at the box."))
	for who, says := range map[string]map[string]any{
		"owner": s.record(t, "erp", "materials", sku(1)),
		"other": shadow.record(t, "erp", "materials", sku(1)),
	} {
		if says["brandName"] != "The right brand" {
			t.Errorf("the %s says %v", who, says["brandName"])
		}
	}

	// The ERP refuses a value: the conflict is open again.
	origin := at(true, sku(2), "countryOfOrigin")["id"]
	a = decide("operator", origin, strings.Repeat("x", 600), "A slip.")
	s.until(t, 20*time.Second, "refused", func() bool {
		return s.good(t, "operator", `query ($id: ID!) { operation(by: {id: $id}) { state failure { responsible code } } }`,
			map[string]any{"id": a.at("out", "operation", "id")}).at("operation", "failure", "code") == "REFUSED_BY_ERP" && at(true, sku(2),
			"countryOfOrigin") != nil
	})
	if got := s.record(t, "erp", "materials", sku(2))["orig"]; got != oldOrigin {
		t.Errorf("a refused value was written: %v", got)
	}

	// What the owner takes from no program, somebody does by hand; what the other does not
	// take stays on the list, decided.
	a = decide("operator", at(true, "10004", "currency")["id"], "USD", "They pay in dollars.")
	parked := a.at("out", "operation", "id")
	s.until(t, 20*time.Second, "parked", func() bool {
		return s.good(t, "operator", `query ($id: ID!) { operation(by: {id: $id}) { state } }`, map[string]any{"id": parked}).at("operation",
			"state") == "DEAD_LETTERED"
	})
	if got := decide("operator", at(nil, "10004", "currency")["id"], "EUR", "No."); got.at("out", "errors", 0, "code") != "STATE_NOT_ALLOWED" {
		t.Errorf("decided twice: %s", got.Body)
	}
	s.good(t, "operator", `mutation ($in: DeadLetterInput!) { discardDeadLetter(idempotencyKey: "steward-discards-it", input: $in)
		{ errors { ... on UserError { message } } } }`,
		map[string]any{"in": map[string]any{
			"deadLetter": "dlr_" + strings.TrimPrefix(say(parked), "opr_"),
			"reason":     "They pay in euros after all.",
		}})
	s.until(t, 10*time.Second, "open again", func() bool { return at(true, "10004", "currency") != nil })
	committed(decide("operator", at(true, "10004", "currency")["id"], "EUR", "They pay in euros."))
	left := at(false, "10004", "currency")
	if left == nil || left["resolvedValue"] != "EUR" || walk(left, "resolvedBy.displayName") == nil || left["resolvedAt"] == nil ||
		at(true, "10004", "currency") != nil {
		t.Errorf("decided, and the other says otherwise: %v", left)
	}

	// Who may not, and what cannot be decided.
	owned := at(false, "V2001", "name")
	for what, c := range map[string]struct {
		persona                 string
		conflict                any
		value, reason, want, of string
	}{
		"by a buyer":               {"buyer", origin, "DE", "r", "FORBIDDEN", ""},
		"without a reason":         {"operator", origin, "DE", " ", "INVALID_INPUT", "[input reason]"},
		"without a value":          {"operator", origin, "", "r", "INVALID_INPUT", "[input value]"},
		"a conflict that is none":  {"operator", "mdc_none", "DE", "r", "NOT_FOUND", "[input conflict]"},
		"what a policy decides":    {"operator", owned["id"], "Another vendor", "r", "STATE_NOT_ALLOWED", "[input conflict]"},
		"a value with a NUL in it": {"operator", origin, "D\x00E", "r", "BAD_USER_INPUT", "[input value]"},
	} {
		got := decide(c.persona, c.conflict, c.value, c.reason)
		code, path := got.at("out", "errors", 0, "code"), fmt.Sprint(got.at("out", "errors", 0, "path"))
		if len(got.Errors) > 0 {
			code, path = got.codes()[0], ""
			if argument := got.Errors[0].Extensions["argument"]; argument != nil {
				path = fmt.Sprint(argument)
			}
		}
		if code != c.want || path != c.of {
			t.Errorf("%s: %v at %s, not %s at %s: %s", what, code, path, c.want, c.of, got.Body)
		}
	}
	// Items move to the other ERP, and somebody goes on writing them in the old one.
	s.route(t, "ITEMS", "--primary", "erp2")
	write := func(field, was, value string) {
		t.Helper()
		s.control(t, http.MethodPost, "/erp/v1/materials/"+sku(1)+"/correction",
			map[string]any{"extRef": "too late " + value, "field": field, "was": was, "value": value})
	}
	const alerts = `{ alerts(first: 10, filter: {kind: [FOREIGN_WRITE]}) { nodes { id severity message suggestedAction responsible queue } } }`
	told, now, wrote := []any(nil), "The right brand", time.Time{}
	s.until(t, time.Minute, "alerted", func() bool {
		if time.Since(wrote) > time.Second {
			wrote = time.Now()
			next := fmt.Sprint("brand ", wrote.UnixNano())
			write("brandName", now, next)
			now = next
		}
		told = s.good(t, "operator", alerts, nil).at("alerts", "nodes").([]any)
		return len(told) > 0
	})
	if walk(told[0], "responsible") != "ERP" || walk(told[0], "queue") != "data" || !strings.Contains(say(walk(told[0], "message")), sku(1)) {
		t.Errorf("the alert is %v", told[0])
	}
	if got := s.good(t, "operator", `query ($s: String!) { item(by: {sku: $s}) { brand } }`, map[string]any{"s": sku(1)}).at("item",
		"brand"); got != "The right brand" {
		t.Errorf("what was written in the old home is shown: %v", got)
	}

	if owned["resolvedValue"] == "Another vendor" || owned["resolvedAt"] == nil {
		t.Errorf("by policy: %v", owned)
	}
}
