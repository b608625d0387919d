package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quagmt/udecimal"

	"portico/test/e2e/api"
)

// everything is text: that one document joins every area is what the story is about.
const everything = `
query ($account: ID!, $sku: String!, $order: String!) {
  viewer { __typename user { displayName } scopes }
  account(by: {id: $account}) { number name currency paymentTerms { description netDays } }
  item(by: {sku: $sku}) {
    name baseUnit
    price(account: $account, maxAge: "PT0S") { ... on Price { unitPrice { price { amount currency } per { value unit } } kind contract
{ number } provenance { system instance mode } } }
    availability { onHand { value unit } byWarehouse { warehouse { code } onHand { value } allocated { value } availableNow { value } }
provenance { system mode stale } }
  }
  order(by: {number: $order}) {
    customerPoNumber status account { number } totals { total { amount currency } }
    lines { nodes { lineNumber sku ordered { value unit } shipped { value } unitPrice { price { amount } } item { name } } }
    shipments { nodes { number carrier { name } packages { trackingNumber } events { nodes { milestone location { city } } } } }
  }
  purchaseOrders(first: 2) { nodes { number supplier { code } lines { nodes { sku ordered { value } } } } }
}`

// Covers: U01 U03 L03 C04 C10 T01
func TestOneQueryJoinsEveryAreaAndIsRightAgainstTheSources(t *testing.T) {
	t.Parallel()
	s := portico(t)
	acc := must(api.AccountOrders(s.as(t, "operator"), api.AccountBy{Number: new("10001")},
		&api.OrderFilter{Status: []api.OrderStatus{api.OrderStatusDelivered, api.OrderStatusInvoiced}})).Account
	first := acc.Orders.Nodes[0]
	order, sku := *first.Number, *first.Lines.Nodes[0].Sku
	a := s.good(t, "operator", everything, map[string]any{"account": acc.Id, "sku": sku, "order": order})

	same := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	number := func(what string, got, want any) {
		t.Helper()
		if !udecimal.MustParse(fmt.Sprint(got)).Equal(udecimal.MustParse(fmt.Sprint(want))) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	customer := s.record(t, "erp", "customers", "10001")
	same("account name", a.at("account", "name"), customer["custName"])

	material := s.record(t, "erp", "materials", sku)
	same("item name", a.at("item", "name"), material["descr"])
	var priced struct{ Positions []map[string]any }
	s.control(t, http.MethodPost, "/erp/v1/prices",
		map[string]any{"positions": []map[string]any{{"custNo": "10001", "matNo": sku, "qty": "1", "uom": material["uom"]}}}, &priced)
	number("price", a.at("item", "price", "unitPrice", "price", "amount"), priced.Positions[0]["prc"])
	number("price per", a.at("item", "price", "unitPrice", "per", "value"), priced.Positions[0]["prcUnit"])
	same("price mode", a.at("item", "price", "provenance", "mode"), "LIVE")

	stock := s.record(t, "wms", "stock", sku)
	for i, site := range stock["sites"].([]any) {
		want := site.(map[string]any)
		got := a.at("item", "availability", "byWarehouse", i).(map[string]any)
		same("warehouse", got["warehouse"].(map[string]any)["code"], want["site"])
		number("on hand", got["onHand"].(map[string]any)["value"], want["qty"])
		number("allocated", got["allocated"].(map[string]any)["value"], want["res"])
	}

	doc := s.record(t, "erp", "salesOrders", order)
	same("order's account", a.at("order", "account", "number"), doc["soldTo"])
	number("order total", a.at("order", "totals", "total", "amount"), doc["gross"])
	items := doc["items"].([]any)
	same("order lines", len(a.at("order", "lines", "nodes").([]any)), len(items))
	for i, it := range items {
		want, got := it.(map[string]any), a.at("order", "lines", "nodes", i).(map[string]any)
		same("line sku", got["sku"], want["matNo"])
		number("line ordered", got["ordered"].(map[string]any)["value"], want["qtyOrd"])
		number("line shipped", got["shipped"].(map[string]any)["value"], want["qtyGi"])
		number("line price", got["unitPrice"].(map[string]any)["price"].(map[string]any)["amount"], want["prc"])
	}
	ship := s.record(t, "wms", "dispatches", a.at("order", "shipments", "nodes", 0, "number").(string))
	same("tracking number", a.at("order", "shipments", "nodes", 0, "packages", 0, "trackingNumber"), ship["track"])
	news := s.record(t, "carrier", "trackers", ship["track"].(string))
	same("events", len(a.at("order", "shipments", "nodes", 0, "events", "nodes").([]any)), len(news["history"].([]any)))
	po := s.record(t, "erp", "purchases", a.at("purchaseOrders", "nodes", 0, "number").(string))
	same("supplier", a.at("purchaseOrders", "nodes", 0, "supplier", "code"), po["venNo"])
	same("viewer", a.at("viewer", "__typename"), "OperatorViewer")
}

// Covers: C04 M03 P01
func TestInboundSupplyIsWhatPurchaseOrdersStillBring(t *testing.T) {
	t.Parallel()
	s := portico(t)
	operator := s.as(t, "operator")
	ends := must(api.PurchaseOrdersOfBothEnds(operator))
	open, received := 0, 0
	for _, po := range slices.Concat(ends.New.Nodes, ends.Old.Nodes) {
		for _, line := range po.Lines.Nodes {
			sku, left := val(line.Sku), line.Open.Value
			found := udecimal.Zero // in as many parts as the supplier answered
			for _, in := range must(api.ItemInbound(operator, sku)).Item.Availability.Inbound {
				if in.PurchaseOrderLine.Id == line.Id {
					found = found.Add(udecimal.MustParse(in.Quantity.Value))
				}
			}
			switch {
			case left == "0" || po.Status == api.PurchaseOrderStatusCancelled:
				received++
				if !found.IsZero() {
					t.Errorf("purchase order %s (%s), %s: nothing is to come, and %v is", po.Number, po.Status, sku, found)
				}
			default:
				open++
				if found.String() != left {
					t.Errorf("purchase order %s, %s: %s is to come, and %v is told", po.Number, sku, left, found)
				}
			}
		}
	}
	if open == 0 || received == 0 {
		t.Errorf("%d open and %d closed lines are no test", open, received)
	}
}

// Covers: C04 F05
func TestStockOfNoWarehouseSaysWhereItIsKnownFrom(t *testing.T) {
	t.Parallel()
	s := portico(t)
	items := must(api.ItemsOfWarehouses(s.as(t, "buyer"), []string{"whs_0"})).Items.Nodes
	for i := range 3 {
		got := at(items, i).Availability.Provenance
		if got.System != api.SourceKindWms || got.Instance != "wms" || got.Stale {
			t.Errorf("stock of no warehouse is from %s", asJSON(got))
		}
	}
}

// Covers: U02 C10
func TestStatementsAndCallsDoNotGrowWithTheRowsOfAList(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_PACE=1") // what the server does beside the query is counted, too
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	// Text: the statistics are in the extensions of the response, and of these documents.
	for name, q := range map[string]string{
		"orders": `query ($n: Int!) { orders(first: $n) { nodes { number account { name } shipTo { code } lines { nodes { sku } }
			shipments { nodes { number status } } invoices { nodes { number } } returns { nodes { number } } } } }`,
		"items": `query ($n: Int!) { items(first: $n) { nodes { sku category { name } units { unit } customerPartNumber substitutes { sku }
			price(maxAge: "PT0S") { __typename } availability(maxAge: "PT0S") { status byWarehouse { onHand { value } } } } } }`,
		"accounts": `query ($n: Int!) { accounts(first: $n) { nodes { number parent { name } credit { onHold } contracts { number } children
			{ name } locations { totalCount { value } } } } }`,
		"shipments": `query ($n: Int!) { shipments(first: $n) { nodes { number status(maxAge: "PT0S") orders { number } packages { sscc } events
			{ nodes { milestone } } } } }`,
		"invoices": `query ($n: Int!) { invoices(first: $n) { nodes { number account { name } orders { number } lines
			{ nodes { amount { amount } } } } } }`,
		"returns": `query ($n: Int!) { returns(first: $n) { nodes { number order { number } lines { reason } shipments { number } creditMemo
			{ number } } } }`,
	} {
		cost := func(n int) (statements, calls int) {
			before := s.outside(t)
			took := s.good(t, "buyer", q, map[string]any{"n": n}).Extensions["statistics"]
			return int(walk(took, "statements").(float64)), s.outside(t) - before
		}
		cost(3) // what is made once is made
		// The replica calls systems beside us, so the least of a few is what the query takes.
		least := func(n int) (int, int) {
			st, ca := cost(n)
			for range 5 {
				a, b := cost(n)
				st, ca = max(st, a), min(ca, b)
			}
			return st, ca
		}
		fewSt, fewCa := least(20)
		manySt, manyCa := least(80)
		if manySt > fewSt+1 || manyCa > fewCa+1 { // one batch more, where two fields meet in time
			t.Errorf("%s: 20 rows take %d statements and %d calls, 80 rows take %d and %d", name, fewSt, fewCa, manySt, manyCa)
		}
	}
}

// outside is the number of calls to the company but for its change feeds.
func (s *server) outside(t *testing.T) int {
	t.Helper()
	var calls map[string]int
	s.control(t, http.MethodGet, "/control/calls", nil, &calls)
	sum := 0
	for op, n := range calls {
		if !strings.HasSuffix(op, "/changes") {
			sum += n
		}
	}
	return sum
}

// Covers: C03 U02
func TestAPageOfPricesIsOneCallAndThenNone(t *testing.T) {
	t.Parallel()
	s := portico(t)
	prices := func() int {
		var calls map[string]int
		s.control(t, http.MethodGet, "/control/calls", nil, &calls)
		return calls["erp/prices"]
	}
	buyer := s.as(t, "buyer")
	page := func(age *string) (mode api.ReadMode) {
		t.Helper()
		if price, is := at(must(api.ItemPricesOfAge(buyer, age)).Items.Nodes, 0).Price.(*api.PriceProvenancePrice); is {
			mode = price.Provenance.Mode
		}
		return mode
	}
	before := prices()
	page(nil)
	if got := prices() - before; got != 1 {
		t.Errorf("a page of 100 prices took %d calls, want 1", got)
	}
	mode := page(nil)
	if got := prices() - before; got != 1 {
		t.Errorf("the same page again took %d calls more, want none", got-1)
	}
	if mode != api.ReadModeCache {
		t.Errorf("the second answer is %v, want CACHE", mode)
	}
	if mode := page(new("PT0S")); mode != api.ReadModeLive || prices()-before != 2 {
		t.Errorf("with maxAge PT0S the answer is %v after %d calls, want LIVE after 2", mode, prices()-before)
	}
}

// Covers: U01
func TestPagesMeetWithoutGapInBothDirections(t *testing.T) {
	t.Parallel()
	s := portico(t)
	s.settled(t) // what another test let happen is in the store
	// Text: the same document is made for each list and direction.
	for list, order := range map[string]string{
		"orders": "NUMBER_ASC", "items": "NAME_ASC", "shipments": "", "invoices": "",
		"purchaseOrders": "DELIVERY_DATE_ASC",
	} {
		by := ""
		if order != "" {
			by = ", orderBy: " + order
		}
		walk := func(args, cursorArg string) []string {
			var ids []string
			cursor := ""
			for range 60 {
				from := ""
				if cursor != "" {
					from = fmt.Sprintf(", %s: %q", cursorArg, cursor)
				}
				a := s.good(t, "operator",
					fmt.Sprintf(`{ %s(%s%s%s) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`, list,
						args, from, by), nil)
				edges := a.at(list, "edges").([]any)
				page := make([]string, len(edges))
				for i, e := range edges {
					page[i] = e.(map[string]any)["node"].(map[string]any)["id"].(string)
				}
				if cursorArg == "after" {
					ids = append(ids, page...)
					if a.at(list, "pageInfo", "hasNextPage") == false {
						return ids
					}
					cursor = a.at(list, "pageInfo", "endCursor").(string)
				} else {
					ids = append(page, ids...)
					if a.at(list, "pageInfo", "hasPreviousPage") == false {
						return ids
					}
					cursor = a.at(list, "pageInfo", "startCursor").(string)
				}
			}
			return ids
		}
		forward, backward := walk("first: 17", "after"), walk("last: 23", "before")
		total := s.good(t, "operator", `{ `+list+`(first: 1) { totalCount { value exact } } }`, nil).at(list, "totalCount", "value").(float64)
		if len(forward) != int(total) || strings.Join(forward, " ") != strings.Join(backward, " ") {
			t.Errorf("%s: %d forward, %d backward, %v in all; the orders must be the same", list, len(forward), len(backward), total)
		}
	}
}

// Covers: F01
func TestItemsAreFoundByWordNumberAndOwnNumber(t *testing.T) {
	t.Parallel()
	s := portico(t)
	buyer := s.as(t, "buyer")
	item := must(api.ItemsContracted(buyer)).Items.Nodes[0]
	var own, ownSku string
	for _, n := range must(api.ItemPartNumbers(buyer)).Items.Nodes {
		if n.CustomerPartNumber != nil {
			own, ownSku = *n.CustomerPartNumber, n.Sku
		}
	}
	if own == "" {
		t.Fatal("no item has an own number")
	}
	for search, want := range map[string]string{item.Sku: item.Sku, *item.Gtin: item.Sku, own: ownSku, *item.Units[1].Gtin: item.Sku} {
		if got := at(must(api.ItemsFound(buyer, new(5), &search)).Items.Nodes, 0).Sku; got != want {
			t.Errorf("searching %q finds %v first, want %v", search, got, want)
		}
	}
	words := must(api.ItemsWithFacets(buyer, new("hexagon scr"))).Items
	if n := at(words.Nodes, 0).Name; !strings.HasPrefix(n, "Hexagon screw") {
		t.Errorf("words that begin so find %v, want a hexagon screw", n)
	}
	if len(at(words.Facets, 0).Values) == 0 {
		t.Error("the result has no facets")
	}
	// Another customer's own number is a word like any other, and finds nothing.
	if others := must(api.ItemsFound(s.as(t, "buyer-other"), nil, &own)).Items.Nodes; len(others) != 0 {
		t.Errorf("another customer finds %s by a part number that is not its own", asJSON(others))
	}
}

// Covers: C12 X04
func TestDocumentsStreamFromTheirSourceForAShortTime(t *testing.T) {
	t.Parallel()
	s := portico(t)
	a := must(api.InvoiceAndShipmentDocuments(s.as(t, "buyer")))
	for _, link := range []string{
		at(a.Invoices.Nodes, 0).Document.Url,
		at(a.Shipments.Nodes, 0).ProofOfDelivery.Document.Url,
	} {
		resp, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		start := make([]byte, 5)
		_, _ = resp.Body.Read(start)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || string(start) != "%PDF-" || resp.Header.Get("Content-Type") != "application/pdf" {
			t.Errorf("%s: got %d %q, want a PDF", link, resp.StatusCode, start)
		}
		forged := link[:len(link)-3] + "AAA"
		resp, err = http.Get(forged)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("a forged link got %d, want 404", resp.StatusCode)
		}
	}
}

// Cases: D4
func TestABuyerFindsItemsByWhatIsTyped(t *testing.T) {
	t.Parallel()
	s := portico(t)
	buyer := s.as(t, "buyer")
	var sku, maker string // an item whose maker's number is not its SKU
	for _, n := range must(api.ItemIdentifiers(buyer)).Items.Nodes {
		if len(n.Identifiers) > 0 {
			sku, maker = n.Sku, n.Identifiers[0].Value
			break
		}
	}
	find := func(search string) (skus []string) {
		t.Helper()
		for _, n := range must(api.ItemsFound(buyer, new(100), &search)).Items.Nodes {
			skus = append(skus, n.Sku)
		}
		return skus
	}
	for _, search := range []string{
		maker, strings.ToLower(maker), sku, strings.ToLower(sku), strings.ReplaceAll(sku, "-", ""), strings.ReplaceAll(sku, "-", " "),
	} {
		if got := find(search); len(got) == 0 || got[0] != sku {
			t.Errorf("%q finds %v, want %s first", search, got, sku)
		}
	}
	if got := find(sku[:len(sku)-1]); len(got) == 0 || !slices.Contains(got, sku) {
		t.Errorf("the beginning of %s finds %v", sku, got)
	}
	if bolt, bolts, typo := find("bolt"), find("bolts"), find("bollts"); len(bolt) == 0 || len(bolts) == 0 || len(typo) == 0 {
		t.Errorf("bolt finds %d, bolts %d, bollts %d", len(bolt), len(bolts), len(typo))
	}
}
