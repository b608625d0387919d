package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"portico/test/e2e/api"
)

// TestNothingSecretOrCommercialIsLogged plants words that stand nowhere else in
// what is commercial, personal or secret, lets everything happen that writes a
// log line, a metric or an error, and then looks for them.
//
// Covers: X06 X09
func TestNothingSecretOrCommercialIsLogged(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	stopped := false
	defer func() {
		if !stopped {
			_ = s.stop()
		}
	}()
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	const name, note, city, code = "CANARYNAME7", "CANARYNOTE7", "CANARYCITY7", "CANARYCODE7"
	orders := must(api.LatestOrders(s.as(t, "buyer"))).Orders.Nodes
	number := func(i int) string { return *orders[i].Number }
	set := func(object, key string, fields map[string]any) {
		s.control(t, http.MethodPost, "/control/records", map[string]any{"service": "erp", "object": object, "key": key, "set": fields})
	}
	set("customers", "10001", map[string]any{"custName": name, "rev": 900})
	set("salesOrders", number(0), map[string]any{"note": note, "rev": 900})
	// a record that cannot be read
	set("salesOrders", number(1), map[string]any{"hdrStat": code, "note": note, "rev": 900})
	// and one with a wrong type
	set("salesOrders", number(2), map[string]any{"crtAt": code, "note": note, "rev": 900})
	// and one with a wrong shape
	set("customers", "10002", map[string]any{"addresses": []map[string]any{{"adrNo": 7, "town": city}}, "rev": 900})
	// and one that the database refuses
	set("customers", "10003", map[string]any{"curr": strings.Repeat("X", 40), "custName": name + "TOO LONG", "rev": 900})
	s.settled(t)
	viewer := must(api.AccountName(s.as(t, "buyer"))).Viewer
	if customer, is := viewer.(*api.NamedCallerCustomerViewer); !is || customer.Account.Name != name {
		t.Fatalf("the canary is not in the graph: %s", asJSON(viewer))
	}
	token := s.token(t, "buyer")
	var errors strings.Builder
	// What comes back is kept as it was sent, and a part of the documents is malformed: they stay text.
	ask := func(token, query string, vars map[string]any) {
		t.Helper()
		a, err := s.ask(t.Context(), token, query, vars)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Errors) > 0 {
			errors.WriteString(a.Body)
		}
	}
	const secret = "CANARYARGUMENT7"
	everything := `{ orders(first: 50) { nodes { number comment lines { nodes
		{ item { price(maxAge: "PT0S") { ... on Price { unitPrice { price { amount } } } ... on PriceUnavailable { message } }
		availability(maxAge: "PT0S") { status } } } } shipments { nodes { status(maxAge: "PT0S") } } } } }`
	ask(token, everything, nil)
	for _, kind := range []string{"error", "garble", "drop", "throttle", "refuse", "maintenance"} {
		for _, service := range []string{"erp", "wms", "carrier"} {
			s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": service, "kind": kind, "times": 5})
		}
		ask(token, everything, nil)
		s.control(t, http.MethodDelete, "/control/faults", nil)
	}
	ask(token, `query ($x: ID!) { node(id: $x) { id } }`, map[string]any{"x": secret})
	ask(token, `query ($x: String) { orders(after: $x) { nodes { id } } }`, map[string]any{"x": secret})
	ask(token, `{ orders(filter: {placed: {from: "`+secret+`"}}) { nodes { id } } }`, nil)
	ask("CANARYTOKEN7."+token, `{ viewer { __typename } }`, nil)
	ask(token, `{ orders { nodes { `+secret+` } } }`, nil)
	ask(s.token(t, "operator"), `{ sourceHealth { instance rejectedRecords { nodes { kind sourceRef } } } }`, nil)
	read := func(url string) string {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	metrics, ready := read(s.admin+"/metrics"), read(s.url+"/readyz")
	stopped = true
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.log.String(), "level=") {
		t.Error("there is no log to look at")
	}
	for where, text := range map[string]string{
		"the log": s.log.String(), "the metrics": metrics, "/readyz": ready,
		"an error": errors.String(),
	} {
		for _, canary := range []string{name, note, city, code, secret, "CANARYTOKEN7", token[len(token)-40:], "sandbox-key"} {
			// the caller's own words may come back to it
			if at := strings.Index(text, canary); at >= 0 && (where != "an error" || canary != secret) {
				t.Errorf("%s is in %s: ...%s...", canary, where, text[max(at-120, 0):min(at+120, len(text))])
			}
		}
	}
}
