package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var personas = []string{"buyer", "buyer-child", "buyer-other", "supplier", "supplier-other", "operator"}

// wide asks for ids over every list and relation there is.
const wide = `{
  viewer { ... on CustomerViewer { accounts { ...acc } } ... on SupplierViewer { supplier { id } } }
  accounts(first: 100) { nodes { ...acc } }
  orders(first: 100) { nodes { id account { id } shipTo { id } billTo { id } lines(first: 100) { nodes { id } } shipments { nodes { id } }
invoices { nodes { id } } returns { nodes { id } } } }
  shipments(first: 100) { nodes { id orders { id } purchaseOrders { id } events(first: 100) { nodes { id } } packages
{ lines { orderLine { id } purchaseOrderLine { id } } } } }
  invoices(first: 100) { nodes { id orders { id } lines { nodes { orderLine { id } shipment { id } } } } }
  returns(first: 100) { nodes { id order { id } shipments { id } creditMemo { id } } }
  purchaseOrders(first: 100) { nodes { id supplier { id } lines(first: 100) { nodes { id } } shipments { nodes { id } } responses
{ id deviations { id } operation { id } } despatchAdvices { id operation { id } } } }
  alerts(first: 100) { nodes { id } }
}
fragment acc on Account { id contracts { id } locations { nodes { id } } children { id } parent { id } }`

// harvest takes the ids in an answer, and what each event and operation is of, which
// they do not name.
func harvest(v any, into map[string]bool, shipments map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		id, _ := v["id"].(string)
		if id != "" {
			into[id] = true
		}
		if events, ok := v["events"].(map[string]any); ok {
			for _, e := range events["nodes"].([]any) {
				shipments[e.(map[string]any)["id"].(string)] = id
			}
		}
		responses, _ := v["responses"].([]any)
		notices, _ := v["despatchAdvices"].([]any)
		for _, r := range slices.Concat(responses, notices) {
			if operation, ok := walk(r, "operation.id").(string); ok {
				shipments[operation] = id
			}
		}
		for _, x := range v {
			harvest(x, into, shipments)
		}
	case []any:
		for _, x := range v {
			harvest(x, into, shipments)
		}
	}
}

const reporting = `mutation ($key: IdempotencyKey!, $in: ReportExceptionInput!)
	{ out: reportException(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } alert { id } } }`

// answered lets both suppliers refuse a purchase order, announce a shipment and report
// something about its ship notice, so that there are answers, deviations, notices and alerts
// about each that belong to one of them.
func (s *server) answered(t *testing.T) {
	t.Helper()
	for _, persona := range []string{"supplier", "supplier-other"} {
		vendor := map[string]string{"supplier": "V2001", "supplier-other": "V2002"}[persona]
		bought := func() (po any) {
			var made struct{ PoNo string }
			s.control(t, http.MethodPost, "/control/buy",
				map[string]any{"venNo": vendor, "whs": "RTM", "items": []any{map[string]any{"matNo": "SCR-10001", "qty": 1000}}}, &made)
			s.until(t, 20*time.Second, "bought", func() bool {
				po = s.good(t, persona, `query ($n: String!) { purchaseOrder(by: {number: $n}) { id revision lines { nodes { id open { unit } } } } }`,
					map[string]any{"n": made.PoNo}).at("purchaseOrder")
				return po != nil
			})
			return po
		}
		po := bought()
		in := map[string]any{
			"purchaseOrder": walk(po, "id"), "expectedRevision": walk(po, "revision"),
			"responseNumber": fmt.Sprint("refused ", time.Now().UnixNano()), "kind": "REJECTED",
		}
		if a := s.good(t, persona, respond, map[string]any{"key": fmt.Sprint("refused-", time.Now().UnixNano()), "in": in}); a.at("out",
			"deviations", 0, "state") != "PENDING" {
			t.Fatalf("%s refuses: %s", persona, a.Body)
		}
		po = bought()
		accepted := map[string]any{
			"purchaseOrder": walk(po, "id"), "expectedRevision": walk(po, "revision"),
			"responseNumber": fmt.Sprint("accepted ", time.Now().UnixNano()), "kind": "ACCEPTED",
		}
		key := fmt.Sprint("accepted-", time.Now().UnixNano())
		s.until(t, 20*time.Second, persona+"'s answer taken by the ERP", func() bool { // the same key, until it is
			a := s.good(t, persona, respond, map[string]any{"key": key, "in": accepted})
			if a.at("out", "operation", "id") == nil {
				t.Fatalf("%s accepts: %s", persona, a.Body)
			}
			return a.at("out", "operation", "state") == "COMMITTED"
		})
		line := walk(po, "lines.nodes.0")
		notice := map[string]any{
			"number":   fmt.Sprint("notice ", time.Now().UnixNano()),
			"shipFrom": map[string]any{"name": "n", "line1": "l", "city": "c", "country": "DE"},
			"lines": []any{map[string]any{
				"purchaseOrderLine": walk(line, "id"),
				"shipped":           map[string]any{"value": "1", "unit": walk(line, "open.unit")},
			}},
		}
		a := s.good(t, persona, announce, map[string]any{"key": fmt.Sprint("announced-", time.Now().UnixNano()), "in": notice})
		if a.at("out", "despatchAdvice", "id") == nil {
			t.Fatalf("%s announces: %s", persona, a.Body)
		}
		report := map[string]any{"subject": a.at("out", "despatchAdvice", "id"), "severity": "INFO", "message": "It leaves a day later."}
		if a := s.good(t, persona, reporting, map[string]any{"key": fmt.Sprint("reported-", time.Now().UnixNano()), "in": report}); a.at("out",
			"alert", "id") == nil {
			t.Fatalf("%s reports: %s", persona, a.Body)
		}
	}
}

// Covers: C02 X01
func TestPersonasSeeOnlyTheirOwnOverEveryPath(t *testing.T) {
	t.Parallel()
	s := portico(t)
	s.answered(t)
	ids, shipments := map[string]map[string]bool{}, map[string]string{}
	for _, p := range personas {
		a := s.query(t, p, wide, nil)
		for _, c := range a.codes() {
			if c != "FORBIDDEN" {
				t.Fatalf("%s: %+v", p, a.Errors)
			}
		}
		ids[p] = map[string]bool{}
		harvest(a.Data, ids[p], shipments)
	}
	t.Logf("ids harvested: buyer %d, child %d, other %d, supplier %d, operator %d", len(ids["buyer"]), len(ids["buyer-child"]),
		len(ids["buyer-other"]), len(ids["supplier"]), len(ids["operator"]))
	for _, p := range []string{"buyer-child", "buyer-other", "supplier", "supplier-other"} {
		if len(ids[p]) < 5 {
			t.Fatalf("%s sees %d things; the test needs more", p, len(ids[p]))
		}
	}
	for a := range ids["buyer"] {
		if ids["buyer-other"][a] {
			t.Errorf("two customers both see %s", a)
		}
		if ids["supplier"][a] {
			t.Errorf("a customer and a supplier both see %s", a)
		}
	}
	for _, p := range []string{"buyer", "buyer-child", "buyer-other", "supplier", "supplier-other"} {
		own := ids[p]
		var foreign []string
		for other, theirs := range ids {
			if other == p {
				continue
			}
			for id := range theirs {
				if !own[id] {
					foreign = append(foreign, id)
				}
			}
		}
		slices.Sort(foreign)
		foreign = s.notOwn(t, p, slices.Compact(foreign), shipments)
		kinds := map[string]int{}
		for _, id := range foreign {
			kinds[id[:4]]++
		}
		t.Logf("%s: foreign ids by kind %v", p, kinds)
		if kinds["evt_"] < 20 || kinds["ord_"] < 20 || kinds["acc_"] < 1 {
			t.Errorf("%s: too few foreign ids for a test: %v", p, kinds)
		}
		for batch := range slices.Chunk(foreign, 100) {
			missing := make([]string, len(batch))
			for i, id := range batch {
				missing[i] = id[:strings.Index(id, "_")+1] + fmt.Sprintf("%032x", i+1)
			}
			const q = `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`
			got, want := s.query(t, p, q, map[string]any{"ids": batch}), s.query(t, p, q, map[string]any{"ids": missing})
			if got.Body != want.Body {
				t.Errorf("%s: foreign and missing ids differ: %.300s\nagainst %.300s", p, got.Body, want.Body)
			}
		}
		s.lookups(t, p, foreign)
	}
}

// notOwn leaves out the ids whose owner is the persona, though its first pages
// did not show them; the operator tells whose they are.
func (s *server) notOwn(t *testing.T, persona string, ids []string, shipments map[string]string) []string {
	t.Helper()
	accounts := map[string][]string{"buyer": {"10001", "10002", "10003"}, "buyer-child": {"10002"}, "buyer-other": {"10004"}}[persona]
	contracts := map[string]string{} // by id, their account's number
	for _, a := range s.good(t, "operator", `{ accounts(first: 100) { nodes { number contracts { id } } } }`, nil).at("accounts",
		"nodes").([]any) {
		for _, c := range a.(map[string]any)["contracts"].([]any) {
			contracts[c.(map[string]any)["id"].(string)] = a.(map[string]any)["number"].(string)
		}
	}
	suppliers := map[string]string{"supplier": "V2001", "supplier-other": "V2002"}[persona]
	var out []string
	for batch := range slices.Chunk(ids, 100) {
		owners := slices.Clone(batch)
		for i, id := range batch {
			if of := shipments[id]; of != "" {
				owners[i] = of
			}
		}
		a := s.good(t, "operator", `query ($ids: [ID!]!) { nodes(ids: $ids) { id
			... on Account { number } ... on AccountLocation { of: account { number } } ... on Order { account { number } } ... on OrderLine
			{ order { account { number } } }
			... on Invoice { account { number } } ... on Return { order { account { number } } }
			... on Shipment { orders { account { number } } purchaseOrders { supplier { code } } }
			... on PurchaseOrder { supplier { code } } ... on PurchaseOrderLine { purchaseOrder { supplier { code } } } ... on TradingPartner
			{ code }
			... on PurchaseOrderResponse { purchaseOrder { supplier { code } } } ... on DespatchAdvice { supplier { code } } ... on Deviation
			{ line { purchaseOrder { supplier { code } } } }
			... on Alert { audience subjectNode { ... on PurchaseOrder { supplier { code } } ... on PurchaseOrderLine
			{ purchaseOrder { supplier { code } } }
				... on DespatchAdvice { supplier { code } } ... on SupplierItem { supplier { code } } } } } }`, map[string]any{"ids": owners})
		for i, n := range a.at("nodes").([]any) {
			text, _ := json.Marshal(n)
			mine := suppliers != "" && strings.Contains(string(text), `"code":"`+suppliers+`"`) &&
				(!strings.HasPrefix(batch[i], "alr_") || strings.Contains(string(text), "SUPPLIER"))
			for _, number := range accounts {
				mine = mine || contracts[batch[i]] == number || strings.Contains(string(text), `"number":"`+number+`"`)
			}
			if !mine {
				out = append(out, batch[i])
			}
		}
	}
	return out
}

// lookups asks for foreign things by number, in filters and in arguments, and
// wants what missing things give.
func (s *server) lookups(t *testing.T, persona string, foreign []string) {
	t.Helper()
	pick := func(prefix string) string {
		for _, id := range foreign {
			if strings.HasPrefix(id, prefix) {
				return id
			}
		}
		return prefix + strings.Repeat("0", 32)
	}
	numbers := s.good(t, "operator",
		`query ($o: ID!, $p: ID!, $s: ID!, $i: ID!, $a: ID!) { o: node(id: $o) { ... on Order { number } } p: node(id: $p)
			{ ... on PurchaseOrder { number } }
		s: node(id: $s) { ... on Shipment { number } } i: node(id: $i) { ... on Invoice { number } } a: node(id: $a)
		{ ... on Account { number } } }`,
		map[string]any{"o": pick("ord_"), "p": pick("pur_"), "s": pick("shp_"), "i": pick("inv_"), "a": pick("acc_")})
	for _, c := range []struct{ query, foreign, missing string }{
		{`query ($x: String!) { order(by: {number: $x}) { id } }`, fmt.Sprint(numbers.at("o", "number")), "1"},
		{`query ($x: String!) { purchaseOrder(by: {number: $x}) { id } }`, fmt.Sprint(numbers.at("p", "number")), "1"},
		{`query ($x: String!) { shipment(by: {number: $x}) { id } }`, fmt.Sprint(numbers.at("s", "number")), "1"},
		{`query ($x: String!) { invoice(by: {number: $x}) { id } }`, fmt.Sprint(numbers.at("i", "number")), "1"},
		{`query ($x: String!) { account(by: {number: $x}) { id } }`, fmt.Sprint(numbers.at("a", "number")), "1"},
		{`query ($x: ID!) { orders(filter: {accounts: [$x]}) { nodes { id } totalCount { value } } }`, pick("acc_"), "acc_0"},
		{`query ($x: ID!) { orders(filter: {shipTo: $x}) { nodes { id } totalCount { value } } }`, pick("loc_"), "loc_0"},
		{`query ($x: ID!) { invoices(filter: {order: $x}) { nodes { id } totalCount { value } } }`, pick("ord_"), "ord_0"},
		{`query ($x: ID!) { invoices(filter: {accounts: [$x]}) { nodes { id } totalCount { value } } }`, pick("acc_"), "acc_0"},
		{`query ($x: ID!) { returns(filter: {order: $x}) { nodes { id } totalCount { value } } }`, pick("ord_"), "ord_0"},
		{`query ($x: ID!) { shipments(filter: {order: $x}) { nodes { id } totalCount { value } } }`, pick("pur_"), "pur_0"},
		{`query ($x: ID!) { purchaseOrders(filter: {supplier: $x}) { nodes { id } totalCount { value } } }`, pick("ptn_"), "ptn_0"},
		{`query ($x: ID!) { accounts(filter: {parent: $x}) { nodes { id } totalCount { value } } }`, pick("acc_"), "acc_0"},
		{`query ($x: ID!) { items(first: 1) { nodes { price(account: $x) { __typename } } } }`, pick("acc_"), "acc_0"},
		{`query ($x: ID!) { items(first: 1) { nodes { price(shipTo: $x) { __typename } } } }`, pick("loc_"), "loc_0"},
	} {
		got, want := s.query(t, persona, c.query, map[string]any{"x": c.foreign}), s.query(t, persona, c.query, map[string]any{"x": c.missing})
		if got.Body != want.Body || got.Status != want.Status {
			t.Errorf("%s: %s\nforeign %s: %.300s\nmissing: %.300s", persona, c.query, c.foreign, got.Body, want.Body)
		}
	}
}

// Covers: C02 X01 P01
func TestASupplierSeesNoCustomerData(t *testing.T) {
	t.Parallel()
	s := portico(t)
	a := s.query(t, "supplier", `{ viewer { __typename ... on SupplierViewer { supplier { code } } }
		purchaseOrders(first: 50) { nodes { number supplier { code } totals { total { amount } } lines
		{ nodes { unitPrice { price { amount } } } } shipments { nodes { direction orders { id } } } } }
		shipments(first: 50) { nodes { direction } } accounts { nodes { id } } orders { nodes { id } } }`, nil)
	if a.at("viewer", "supplier", "code") != "V2001" {
		t.Errorf("viewer: %v", a.at("viewer"))
	}
	nodes := a.at("purchaseOrders", "nodes").([]any)
	if len(nodes) == 0 {
		t.Fatal("the supplier sees no purchase orders")
	}
	for _, n := range nodes {
		if code := n.(map[string]any)["supplier"].(map[string]any)["code"]; code != "V2001" {
			t.Errorf("it sees a purchase order of %v", code)
		}
	}
	for _, n := range a.at("shipments", "nodes").([]any) {
		if d := n.(map[string]any)["direction"]; d != "INBOUND" {
			t.Errorf("it sees a shipment %v", d)
		}
	}
	if a.at("accounts") != nil || a.at("orders") != nil {
		t.Errorf("it sees %v and %v", a.at("accounts"), a.at("orders"))
	}
}

// Covers: X01 X09 C02
func TestRightsNarrowFieldByField(t *testing.T) {
	t.Parallel()
	s := portico(t)
	token := s.token(t, "buyer", "--scope", "account:read order:read catalog:read")
	a, err := s.ask(t.Context(), token, `{ orders(first: 3, orderBy: PLACED_AT_ASC) { # the newest may be another test's, without a number
			 nodes { number totals { total { amount } } lines { nodes { sku unitPrice { price { amount } } } } } }
		items(first: 5) { nodes { sku price { __typename } } } invoices { nodes { id } } }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.at("orders", "nodes", 0, "number") == nil || a.at("orders", "nodes", 0, "totals") != nil ||
		a.at("items", "nodes", 0, "price") != nil || a.at("invoices") != nil {
		t.Errorf("got %s", a.Body)
	}
	for i, c := range a.codes() {
		if c != "FORBIDDEN" || len(a.Errors[i].Path) == 0 {
			t.Errorf("error %+v, want FORBIDDEN with a path", a.Errors[i])
		}
	}
	if len(a.Errors) != 4 { // one for each field of the operation, however many orders and items there are
		t.Errorf("%d errors: %+v", len(a.Errors), a.Errors)
	}
}

// Covers: C01 G05
func TestNobodySeesNothingAndABadTokenIsRefused(t *testing.T) {
	t.Parallel()
	s := portico(t)
	a := s.query(t, "", `{ viewer { __typename } orders { nodes { id } } }`, nil)
	if a.at("viewer") != nil || a.at("orders") != nil || !slices.Equal(a.codes(), []string{"UNAUTHENTICATED"}) {
		t.Errorf("nobody got %s", a.Body)
	}
	good := s.token(t, "buyer")
	for name, token := range map[string]string{
		"garbage": "x", "truncated": good[:len(good)-5], "huge": strings.Repeat("a", 9000),
		"unsigned": "eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".",
	} {
		a, err := s.ask(t.Context(), token, `{ viewer { __typename } }`, nil)
		if err != nil || a.Status != http.StatusUnauthorized || a.Data != nil {
			t.Errorf("%s token: got %d %s, want 401", name, a.Status, a.Body)
		}
	}
	expired := s.token(t, "buyer", "--ttl", "1ns")
	if a, _ := s.ask(t.Context(), expired, `{ viewer { __typename } }`, nil); a.Status != http.StatusUnauthorized {
		t.Errorf("an expired token got %d, want 401", a.Status)
	}
}

// TestTheSchemaIsReadByWhoMay asks for the schema with a token that may read it,
// with one that may not, and as nobody.
//
// Covers: X07
func TestTheSchemaIsReadByWhoMay(t *testing.T) {
	t.Parallel()
	s := portico(t)
	full, narrow := s.token(t, "buyer"), s.token(t, "buyer", "--scope", "order:read price:read")
	for _, query := range []string{
		`{ __schema { types { name } } }`, `{ __type(name: "OrderLine") { name fields { name } } }`,
		`{ _service { sdl } }`,
	} {
		for name, c := range map[string]struct {
			token string
			may   bool
		}{"one who may": {full, true}, "one who may not": {narrow, false}, "nobody": {"", false}} {
			a, err := s.ask(t.Context(), c.token, query, nil)
			if err != nil {
				t.Fatal(err)
			}
			if told := strings.Contains(a.Body, "OrderLine"); told != c.may || (len(a.Errors) == 0) != c.may {
				t.Errorf("%s, as %s: %.300s", query, name, a.Body)
			}
		}
	}
	// What everybody needs who reads a union or interface.
	if a, err := s.ask(t.Context(), narrow, `{ __typename viewer { __typename } }`, nil); err != nil || len(a.Errors) > 0 {
		t.Errorf("%v %s", err, a.Body)
	}
}
