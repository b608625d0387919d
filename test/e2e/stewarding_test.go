package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
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
	operator := s.as(t, "operator")
	items := must(api.FirstItems(operator)).Items.Nodes
	sku := func(i int) string { return items[i].Sku }
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
	conflict := func(open *bool, key, field string) (none api.MasterDataConflictDetails) {
		for _, c := range must(api.MasterDataConflicts(operator, open)).MasterDataConflicts.Nodes {
			if c.Key == key && c.Field == field {
				return c
			}
		}
		return none
	}
	open, over := new(true), new(false)
	n := 0
	decide := func(persona, conflict, value, reason string) (api.ResolvedConflict, error) {
		n++
		a, err := api.ResolveMasterDataConflict(s.try(t, persona), fmt.Sprintf("steward-key-%012d", n), api.ResolveMasterDataConflictInput{
			Conflict: conflict, Value: value, Reason: reason,
		})
		return a.ResolveMasterDataConflict, err
	}
	there := func(open *bool, key, field string) bool { return !null(conflict(open, key, field)) }
	s.until(t, time.Minute, "told of all conflicts", func() bool {
		return there(open, "10001", "name") && there(open, sku(0), "name") && there(open, sku(1), "brand") &&
			there(open, sku(2), "countryOfOrigin") && there(open, "10004", "currency") && there(nil, "V2001", "name")
	})
	state := func(operation string) api.OperationState {
		return must(api.Operation(operator, operation)).Operation.State
	}
	committed := func(a api.ResolvedConflict, err error) string {
		t.Helper()
		id := a.Operation.Id
		if id == "" {
			t.Fatalf("not accepted: %s %v", asJSON(a), err)
		}
		s.until(t, 20*time.Second, "written", func() bool { return state(id) == api.OperationStateCommitted })
		return id
	}

	// The other system was right: the owner is written, and Portico's copy is it at once.
	name := conflict(open, "10001", "name")
	if name.Steward != "customer data" || name.ResolvedValue != nil || !null(name.ResolvedBy) ||
		val(at(name.Values, 1).Value) != "Renamed Ltd" {
		t.Errorf("the conflict is %s", asJSON(name))
	}
	operation := committed(decide("operator", name.Id, "Renamed Ltd", "They told us."))
	if got := s.record(t, "erp", "customers", "10001")["custName"]; got != "Renamed Ltd" {
		t.Errorf("the owner says %v, not %s any more", got, oldName)
	}
	if got := must(api.Account(operator, api.AccountBy{Number: new("10001")})).Account.Name; got != "Renamed Ltd" ||
		there(nil, "10001", "name") {
		t.Errorf("Portico says %s", got)
	}
	again := must(api.ResolveMasterDataConflict(operator, "steward-key-000000000001", api.ResolveMasterDataConflictInput{
		Conflict: name.Id, Value: "Renamed Ltd", Reason: "They told us.",
	})).ResolveMasterDataConflict
	if !again.Replayed || again.Operation.Id != operation || !null(again.Conflict) {
		t.Errorf("the same once more: %s", asJSON(again))
	}
	s.until(t, 10*time.Second, "audited", func() bool {
		audited := must(api.AuditOf(operator, val(name.Subject))).AuditLog.Nodes
		return len(audited) == 2 && audited[1].Action == "master-data.resolve" && strings.Contains(asJSON(audited[1]), "They told us.")
	})

	// The owner was right: the other is written. And where both were wrong, both are.
	committed(decide("operator", conflict(open, sku(0), "name").Id, oldText, "A slip."))
	if got := shadow.record(t, "erp", "materials", sku(0))["descr"]; got != oldText {
		t.Errorf("the other says %v", got)
	}
	committed(decide("operator", conflict(open, sku(1), "brand").Id, "The right brand", "Looked at the box."))
	for who, says := range map[string]map[string]any{
		"owner": s.record(t, "erp", "materials", sku(1)),
		"other": shadow.record(t, "erp", "materials", sku(1)),
	} {
		if says["brandName"] != "The right brand" {
			t.Errorf("the %s says %v", who, says["brandName"])
		}
	}

	// The ERP refuses a value: the conflict is open again.
	origin := conflict(open, sku(2), "countryOfOrigin").Id
	refused, err := decide("operator", origin, strings.Repeat("x", 600), "A slip.")
	if err != nil {
		t.Fatal(err)
	}
	s.until(t, 20*time.Second, "refused", func() bool {
		return must(api.Operation(operator, refused.Operation.Id)).Operation.Failure.Code == "REFUSED_BY_ERP" &&
			there(open, sku(2), "countryOfOrigin")
	})
	if got := s.record(t, "erp", "materials", sku(2))["orig"]; got != oldOrigin {
		t.Errorf("a refused value was written: %v", got)
	}

	// What the owner takes from no program, somebody does by hand; what the other does not
	// take stays on the list, decided.
	dollars, err := decide("operator", conflict(open, "10004", "currency").Id, "USD", "They pay in dollars.")
	if err != nil {
		t.Fatal(err)
	}
	parked := dollars.Operation.Id
	s.until(t, 20*time.Second, "parked", func() bool { return state(parked) == api.OperationStateDeadLettered })
	twice, err := decide("operator", conflict(nil, "10004", "currency").Id, "EUR", "No.")
	if at(twice.Errors, 0).Code != "STATE_NOT_ALLOWED" {
		t.Errorf("decided twice: %s %v", asJSON(twice), err)
	}
	must(api.DiscardDeadLetter(operator, "steward-discards-it", api.DeadLetterInput{
		DeadLetter: "dlr_" + strings.TrimPrefix(parked, "opr_"), Reason: "They pay in euros after all.",
	}))
	s.until(t, 10*time.Second, "open again", func() bool { return there(open, "10004", "currency") })
	committed(decide("operator", conflict(open, "10004", "currency").Id, "EUR", "They pay in euros."))
	left := conflict(over, "10004", "currency")
	if val(left.ResolvedValue) != "EUR" || null(left.ResolvedBy) || left.ResolvedAt == nil || there(open, "10004", "currency") {
		t.Errorf("decided, and the other says otherwise: %s", asJSON(left))
	}

	// Who may not, and what cannot be decided.
	owned := conflict(over, "V2001", "name")
	for what, c := range map[string]struct {
		persona, conflict, value, reason, want, of string
	}{
		"by a buyer":               {"buyer", origin, "DE", "r", "FORBIDDEN", ""},
		"without a reason":         {"operator", origin, "DE", " ", "INVALID_INPUT", "[input reason]"},
		"without a value":          {"operator", origin, "", "r", "INVALID_INPUT", "[input value]"},
		"a conflict that is none":  {"operator", "mdc_none", "DE", "r", "NOT_FOUND", "[input conflict]"},
		"what a policy decides":    {"operator", owned.Id, "Another vendor", "r", "STATE_NOT_ALLOWED", "[input conflict]"},
		"a value with a NUL in it": {"operator", origin, "D\x00E", "r", "BAD_USER_INPUT", "[input value]"},
	} {
		got, err := decide(c.persona, c.conflict, c.value, c.reason)
		code, path := at(got.Errors, 0).Code, fmt.Sprint(at(got.Errors, 0).Path)
		if errs := errorsOf(t, err); len(errs) > 0 {
			code, path = codes(errs)[0], ""
			if errs[0].Extensions["argument"] != nil {
				path = arguments(errs)[0]
			}
		}
		if code != c.want || path != c.of {
			t.Errorf("%s: %s at %s, not %s at %s: %s %v", what, code, path, c.want, c.of, asJSON(got), err)
		}
	}
	// Items move to the other ERP, and somebody goes on writing them in the old one.
	s.route(t, "ITEMS", "--primary", "erp2")
	write := func(field, was, value string) {
		t.Helper()
		s.control(t, http.MethodPost, "/erp/v1/materials/"+sku(1)+"/correction",
			map[string]any{"extRef": "too late " + value, "field": field, "was": was, "value": value})
	}
	var told []api.AlertDetails
	now, wrote := "The right brand", time.Time{}
	s.until(t, time.Minute, "alerted", func() bool {
		if time.Since(wrote) > time.Second {
			wrote = time.Now()
			next := fmt.Sprint("brand ", wrote.UnixNano())
			write("brandName", now, next)
			now = next
		}
		told = must(api.Alerts(operator, 10, &api.AlertFilter{Kind: []api.AlertKind{api.AlertKindForeignWrite}})).Alerts.Nodes
		return len(told) > 0
	})
	if val(told[0].Responsible) != api.ResponsibleErp || told[0].Queue != "data" || !strings.Contains(told[0].Message, sku(1)) {
		t.Errorf("the alert is %s", asJSON(told[0]))
	}
	if got := must(api.ItemBrand(operator, sku(1))).Item.Brand; val(got) != "The right brand" {
		t.Errorf("what was written in the old home is shown: %s", val(got))
	}

	if val(owned.ResolvedValue) == "Another vendor" || owned.ResolvedAt == nil {
		t.Errorf("by policy: %s", asJSON(owned))
	}
}
