package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"
)

// say is a value as text that can be compared, whoever said it: numbers without
// zeros at their end, days as ISO 8601 has them.
func say(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return say(strconv.FormatFloat(v, 'f', -1, 64))
	case map[string]any:
		switch v["__class__"] {
		case "Decimal":
			return say(v["decimal"])
		case "date":
			return fmt.Sprintf("%04d-%02d-%02d", int(v["year"].(float64)), int(v["month"].(float64)), int(v["day"].(float64)))
		}
	case string:
		if d, err := udecimal.Parse(v); err == nil && len(v) < 20 {
			return d.RoundBank(6).String()
		}
		return v
	}
	return fmt.Sprint(v)
}

// walk follows a dotted path: in Tryton's answers the name of a field that leads
// on ends with a point.
func walk(v any, path string) any {
	for _, step := range strings.Split(path, ".") {
		if all, ok := v.([]any); ok {
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(all) {
				return nil
			}
			v = all[n]
			continue
		}
		m, _ := v.(map[string]any)
		if next, ok := m[step]; ok {
			v = next
		} else {
			v = m[step+"."]
		}
	}
	return v
}

// twin says where a kind of record is in the graph and in Tryton, and which of
// its values must be the same.
type twin struct {
	kind, query   string // with $after; nodes of the connection under the name list
	model         string
	domain        []any
	key, theirKey string
	prefix        string // of our keys
	same          [][2]string
	lines         string // connection of lines in a node, by lineNumber, which is their id
	lineModel     string
	sameInLines   [][2]string
	least         int
}

var twins = []twin{
	{
		kind: "accounts", model: "party.party", domain: []any{[]any{"payment_terms.customer_payment_term", "!=", nil}}, key: "number",
		theirKey: "code", least: 7,
		query: `query ($after: String) { list: accounts(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number name paymentTerms { description } credit { limit { amount } exposure { amount } } }
			} }`,
		same: [][2]string{
			{"name", "name"},
			{"paymentTerms.description", "customer_payment_term.name"},
			{"credit.limit.amount", "credit_limit_amount"},
			{"credit.exposure.amount", "credit_amount"},
		},
	},
	{
		kind: "items", model: "product.product", domain: []any{[]any{"type", "=", "goods"}}, key: "sku", theirKey: "code", least: 100,
		query: `query ($after: String) { list: items(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { sku name description status } } }`,
		same: [][2]string{{"name", "name"}, {"description", "description"}},
	},
	{
		kind: "orders", model: "sale.sale", domain: []any{[]any{"number", "!=", nil}, []any{"origin", "=", nil}}, key: "number",
		theirKey: "number", least: 30,
		query: `query ($after: String) { list: orders(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number customerPoNumber placedAt account { number } raw { code } totals
			{ subtotal { amount } tax { amount } total { amount } } lines(first: 50)
			{ nodes { lineNumber sku ordered { value } unitPrice { price { amount } } amount { amount } } } } } }`,
		same: [][2]string{
			{"customerPoNumber", "reference"},
			{"placedAt@day", "sale_date"},
			{"account.number", "party.code"},
			{"raw.code", "state"},
			{"totals.subtotal.amount", "untaxed_amount"},
			{"totals.tax.amount", "tax_amount"},
			{"totals.total.amount", "total_amount"},
		},
		lines: "lines", lineModel: "sale.line",
		sameInLines: [][2]string{
			{"sku", "product.code"},
			{"ordered.value", "quantity"},
			{"unitPrice.price.amount", "unit_price"},
			{"amount.amount", "amount"},
		},
	},
	{
		kind: "purchase orders", model: "purchase.purchase", domain: []any{[]any{"number", "!=", nil}}, key: "number", theirKey: "number",
		least: 15,
		query: `query ($after: String) { list: purchaseOrders(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number issuedAt supplier { code } raw { code } totals
			{ subtotal { amount } tax { amount } total { amount } } lines(first: 50)
			{ nodes { lineNumber sku supplierPartNumber ordered { value } unitPrice { price { amount } } } } } } }`,
		same: [][2]string{
			{"supplier.code", "party.code"},
			{"issuedAt@day", "purchase_date"},
			{"raw.code", "state"},
			{"totals.subtotal.amount", "untaxed_amount"},
			{"totals.tax.amount", "tax_amount"},
			{"totals.total.amount", "total_amount"},
		},
		lines: "lines", lineModel: "purchase.line",
		sameInLines: [][2]string{
			{"sku", "product.code"},
			{"supplierPartNumber", "product_supplier.code"},
			{"ordered.value", "quantity"},
			{"unitPrice.price.amount", "unit_price"},
		},
	},
	{
		kind: "invoices", model: "account.invoice",
		domain: []any{[]any{"type", "=", "out"}, []any{"number", "!=", nil}, []any{"untaxed_amount", ">", 0}}, key: "number", theirKey: "number",
		least: 10,
		query: `query ($after: String) { list: invoices(first: 50, after: $after, filter: {kind: INVOICE})
			{ pageInfo { hasNextPage endCursor } nodes { number account { number } issuedOn totals
			{ subtotal { amount } tax { amount } total { amount } } balance { amount } lines(first: 50)
			{ nodes { lineNumber quantity { value } unitPrice { price { amount } } amount { amount } } } } } }`,
		same: [][2]string{
			{"account.number", "party.code"},
			{"issuedOn", "invoice_date"},
			{"totals.subtotal.amount", "untaxed_amount"},
			{"totals.tax.amount", "tax_amount"},
			{"totals.total.amount", "total_amount"},
			{"balance.amount", "amount_to_pay"},
		},
		lines: "lines", lineModel: "account.invoice.line",
		sameInLines: [][2]string{{"quantity.value", "quantity"}, {"unitPrice.price.amount", "unit_price"}, {"amount.amount", "amount"}},
	},
	{
		kind: "credit memos", model: "account.invoice",
		domain: []any{[]any{"type", "=", "out"}, []any{"number", "!=", nil}, []any{"untaxed_amount", "<", 0}}, key: "number", theirKey: "number",
		least: 1,
		query: `query ($after: String) { list: invoices(first: 50, after: $after, filter: {kind: CREDIT_MEMO})
			{ pageInfo { hasNextPage endCursor } nodes { number account { number } issuedOn totals
			{ subtotal { amount } tax { amount } total { amount } } } } }`,
		same: [][2]string{
			{"account.number", "party.code"},
			{"issuedOn", "invoice_date"},
			{"totals.subtotal.amount", "-untaxed_amount"},
			{"totals.tax.amount", "-tax_amount"},
			{"totals.total.amount", "-total_amount"},
		},
	},
	{
		kind: "returns", model: "sale.sale", domain: []any{[]any{"number", "!=", nil}, []any{"origin", "like", "sale.sale,%"}}, key: "number",
		theirKey: "number", least: 4,
		query: `query ($after: String) { list: returns(first: 50, after: $after)
			{ pageInfo { hasNextPage endCursor } nodes { number order { account { number } customerPoNumber } } } }`,
		same: [][2]string{{"order.account.number", "party.code"}, {"order.customerPoNumber", "reference"}},
	},
	{
		kind: "shipments to customers", model: "stock.shipment.out", domain: []any{}, key: "number", theirKey: "number", prefix: "OUT", least: 20,
		query: `query ($after: String) { list: shipments(first: 50, after: $after, filter: {direction: OUTBOUND})
			{ pageInfo { hasNextPage endCursor } nodes { number destination { city } carrier { name } } } }`,
		same: [][2]string{{"destination.city", "delivery_address.city"}, {"carrier.name", "carrier.party.name"}},
	},
	{
		kind: "shipments from suppliers", model: "stock.shipment.in", domain: []any{}, key: "number", theirKey: "number", prefix: "IN", least: 5,
		query: `query ($after: String) { list: shipments(first: 50, after: $after, filter: {direction: INBOUND})
			{ pageInfo { hasNextPage endCursor } nodes { number purchaseOrders { supplier { code } } } } }`,
		same: [][2]string{{"purchaseOrders.0.supplier.code", "supplier.code"}},
	},
	{
		kind: "shipments that come back", model: "stock.shipment.out.return", domain: []any{}, key: "number", theirKey: "number", prefix: "RET",
		least: 1,
		query: `query ($after: String) { list: shipments(first: 50, after: $after, filter: {direction: RETURN})
			{ pageInfo { hasNextPage endCursor } nodes { number orders { account { number } } } } }`,
		same: [][2]string{{"orders.0.account.number", "customer.code"}},
	},
}

// most is how many records of a kind are compared.
const most = 100

// Covers: U03 F03 K08 H10 C04
func TestEveryValueIsWhatTrytonItselfSays(t *testing.T) {
	t.Parallel()
	e := realERP(t)
	s := e.onTryton(t)
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range twins {
		theirs := map[string]map[string]any{}
		fields := []string{w.theirKey}
		for _, f := range w.same {
			fields = append(fields, strings.TrimPrefix(f[1], "-"))
		}
		for _, r := range e.rows(t, w.model, w.domain, nil, fields...) {
			theirs[w.prefix+say(r[w.theirKey])] = r
		}
		compared := 0
		for after := any(nil); compared < most; {
			a := s.good(t, "operator", w.query, map[string]any{"after": after})
			for _, n := range a.at("list", "nodes").([]any) {
				key := say(walk(n, w.key))
				r := theirs[key]
				if r == nil {
					t.Errorf("%s %s: Tryton has none", w.kind, key)
					continue
				}
				compared++
				for _, f := range w.same {
					path, asDay := strings.CutSuffix(f[0], "@day")
					their, turned := strings.CutPrefix(f[1], "-")
					got, want := say(walk(n, path)), say(walk(r, their))
					if asDay { // of the company
						at, err := time.Parse(time.RFC3339Nano, got)
						if err != nil {
							t.Fatal(err)
						}
						got = at.In(amsterdam).Format(time.DateOnly)
					}
					if d, err := udecimal.Parse(want); turned && err == nil {
						want = d.Neg().String()
					}
					if got != want {
						t.Errorf("%s %s: %s is %q, and Tryton's %s %q", w.kind, key, f[0], got, f[1], want)
					}
				}
				if w.lines != "" {
					e.sameLines(t, w, key, int(r["id"].(float64)), walk(n, w.lines+".nodes").([]any))
				}
			}
			if a.at("list", "pageInfo", "hasNextPage") != true {
				break
			}
			after = a.at("list", "pageInfo", "endCursor")
		}
		if compared < w.least || compared < min(most, len(theirs)) {
			t.Errorf("%s: %d compared of %d", w.kind, compared, len(theirs))
		}
		t.Logf("%s: %d of %d compared", w.kind, compared, len(theirs))
	}
	e.sameStock(t, s)
	e.samePrices(t, s)
	follow(t, e, s)
}

func (e *erp) sameLines(t *testing.T, w twin, key string, id int, lines []any) {
	t.Helper()
	parent := strings.Split(w.model, ".")[1]
	fields := []string{}
	for _, f := range w.sameInLines {
		fields = append(fields, f[1])
	}
	theirs := map[string]map[string]any{}
	for _, r := range e.rows(t, w.lineModel, []any{[]any{parent, "=", id}, []any{"type", "=", "line"}}, nil, fields...) {
		theirs[say(r["id"])] = r
	}
	if len(lines) != min(50, len(theirs)) {
		t.Errorf("%s %s: %d lines, and Tryton has %d", w.kind, key, len(lines), len(theirs))
	}
	for _, l := range lines {
		number := say(walk(l, "lineNumber"))
		for _, f := range w.sameInLines {
			if got, want := say(walk(l, f[0])), say(walk(theirs[number], f[1])); got != want {
				t.Errorf("%s %s line %s: %s is %q, and Tryton's %s %q", w.kind, key, number, f[0], got, f[1], want)
			}
		}
	}
}
