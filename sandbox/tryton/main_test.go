package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/trade"
	"portico/trade/procurement"
)

// office is a Tryton that makes whatever it is asked to make, and remembers it.
type office struct {
	mu    sync.Mutex
	next  int
	made  map[string][]map[string]any // by model
	did   []string                    // other methods, in their order
	fault string                      // method that fails
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Method string
		Params []json.RawMessage
	}
	_ = json.NewDecoder(r.Body).Decode(&c)
	answer := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "result": v}) }
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.Method == o.fault {
		_ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "error": []any{"UserError", []string{"no", ""}}})
		return
	}
	model, isCreate := strings.CutSuffix(strings.TrimPrefix(c.Method, "model."), ".create")
	switch {
	case c.Method == "common.db.login":
		answer([]any{2, "key"})
	case strings.HasSuffix(c.Method, "get_preferences"):
		answer(map[string]any{"company": 1})
	case isCreate && strings.HasPrefix(c.Method, "model."):
		var rows []map[string]any
		_ = json.Unmarshal(c.Params[0], &rows)
		ids := make([]int, len(rows))
		for i := range rows {
			o.next++
			ids[i] = o.next
		}
		o.made[model] = append(o.made[model], rows...)
		answer(ids)
	case strings.HasSuffix(c.Method, ".search"):
		o.next++
		answer([]int{o.next})
	default:
		o.did = append(o.did, c.Method)
		answer([]any{})
	}
}

func dec(text string) udecimal.Decimal { return udecimal.MustParse(text) }

func writing(t *testing.T) (*office, *seed) {
	t.Helper()
	o := &office{next: 100, made: map[string][]map[string]any{}}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	client, err := rpc.Open(server.URL+"/erp", "admin", func() string { return "x" })
	if err != nil {
		t.Fatal(err)
	}
	s := &seed{
		ctx: t.Context(), client: client, today: date(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)), began: time.Now(), terms: map[string]int{},
		companyID: 1, currency: 2, tax: 3,
		product: map[string]int{
			"S": 11,
		}, template: map[string]int{"S": 12}, party: map[string]int{"10001": 13, "70001": 14}, address: map[string][]int{
			"10001": {15, 16},
			"70001": {17},
		},
		warehouse: map[string]int{
			"RTM": 18,
		}, storage: map[string]int{"RTM": 19}, list: map[string]int{"10001": 20}, carrierOf: map[string]int{"SWFT": 21},
		bought: map[string]bool{"S": true},
		free:   map[[2]string]int64{{"RTM", "S"}: 5}, unit: map[string]int{"EA EA": 22}, reserved: 23,
	}
	return o, s
}

// firm are books of one item, one customer and one supplier.
func firm() *books {
	item := trade.Item{
		SKU:        "S",
		BaseUnit:   "EA",
		Status:     trade.ItemActive,
		UnitsKnown: []trade.ItemUnit{{Unit: "EA", BaseQuantity: udecimal.One}},
	}
	price := &trade.UnitPrice{Price: trade.Money{Amount: dec("250.00"), Currency: "EUR"}, Per: trade.Quantity{Value: dec("100"), Unit: "EA"}}
	qty := trade.Quantity{Value: dec("8"), Unit: "EA"}
	number := "PO-1"
	wish := trade.DateOf(time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC), time.UTC)
	order := trade.Order{
		AccountRef: trade.Key(
			"10001",
		), ShipToRef: trade.Key("02"), CustomerPoNumber: &number, PlacedAt: time.Date(2026, 3, 1, 8, 0, 0, 0,
			time.UTC), RequestedDeliveryDate: &wish,
		LinesKnown: []trade.OrderLine{{ItemRef: trade.Key("S"), Ordered: qty, UnitPrice: price}},
	}
	purchase := trade.PurchaseOrder{
		Number: "4500001", SupplierRef: trade.Key("70001"), WarehouseRef: trade.Key("RTM"), IssuedAt: time.Date(2026, 2, 1, 8, 0, 0, 0, time.UTC),
		LinesKnown: []trade.PurchaseOrderLine{{ItemRef: trade.Key("S"), Ordered: qty, UnitPrice: price, Description: "Bolt"}},
	}
	days := 30
	return &books{
		items: []trade.Item{
			item,
		}, warehouses: []trade.Warehouse{{Code: "RTM"}}, suppliers: []procurement.TradingPartner{{Code: "70001"}},
		orders: slices.Repeat([]trade.Order{
			order,
		},
			5),
		purchases: []trade.PurchaseOrder{purchase},
		accounts: []trade.Account{{
			Number: "10001", Locations: []trade.AccountLocation{{Code: "01"}, {Code: "02"}},
			PaymentTerms: &trade.PaymentTerms{Description: "Net 30 days", NetDays: &days},
		}},
		stock: []trade.Stock{
			{ItemRef: trade.Key("S"), WarehouseRef: trade.Key("RTM"), Unit: "EA", OnHand: dec("70"), Allocated: dec("5"), SafetyStock: dec("3")},
		},
	}
}

// lines are the rows that a document is made with.
func lines(t *testing.T, document map[string]any) (rows []map[string]any) {
	t.Helper()
	for _, command := range document["lines"].([]any) {
		all, _ := command.([]any)[1].([]any) // null where there are none
		for _, row := range all {
			rows = append(rows, row.(map[string]any))
		}
	}
	return rows
}

// TestOrdersAreWrittenAsTheCompanyHasThem reads what Tryton was told of sales: prices for one piece, places and
// days of the customer, and no more stock than the company has set aside.
func TestOrdersAreWrittenAsTheCompanyHasThem(t *testing.T) {
	o, s := writing(t)
	company := firm()
	func() { // the sales' life needs more of a Tryton than this one is
		defer func() { _ = recover() }()
		s.sales(company)
	}()
	sales := o.made["sale.sale"]
	if len(sales) != 5 {
		t.Fatalf("%d sales, want 5", len(sales))
	}
	for i, sale := range sales {
		if sale["party"] != 13.0 || sale["shipment_address"] != 16.0 || sale["invoice_address"] != 15.0 || sale["price_list"] != 20.0 ||
			sale["reference"] != "PO-1" ||
			sale["warehouse"] != 18.0 {
			t.Errorf("sale %d is %v", i, sale)
		}
		for field, want := range map[string]float64{"sale_date": 1, "shipping_date": 9} {
			if day := sale[field].(map[string]any); day["day"] != want || day["month"] != 3.0 || day["year"] != 2026.0 {
				t.Errorf("%s of sale %d is %v, want the %v of March", field, i, day, want)
			}
		}
		want := 8.0
		if i == assigned {
			want = 5 // of which there are no more
		}
		if i > assigned {
			want = 0
		}
		rows := lines(t, sale)
		if want == 0 {
			if len(rows) != 0 {
				t.Errorf("sale %d holds stock that the company has not: %v", i, rows)
			}
			continue
		}
		if price := rows[0]["unit_price"].(map[string]any); rows[0]["quantity"] != want || price["decimal"] != "2.5" ||
			rows[0]["product"] != 11.0 ||
			rows[0]["unit"] != 22.0 {
			t.Errorf("sale %d is of %v, want %v at 2.5", i, rows[0], want)
		}
	}
}

func TestPurchasesAreWrittenAsTheCompanyHasThem(t *testing.T) {
	o, s := writing(t)
	s.purchases(firm())
	made := o.made["purchase.purchase"]
	if len(made) != 1 || made[0]["party"] != 14.0 || made[0]["warehouse"] != 18.0 ||
		made[0]["purchase_date"].(map[string]any)["month"] != 2.0 {
		t.Fatalf("%v", made)
	}
	row := lines(t, made[0])[0]
	if row["quantity"] != 8.0 || row["unit_price"].(map[string]any)["decimal"] != "2.5" || row["description"] != "Bolt" {
		t.Errorf("%v", row)
	}
	if parts := o.made["purchase.product_supplier"]; len(parts) != 1 || parts[0]["party"] != 14.0 || parts[0]["template"] != 12.0 {
		t.Errorf("the supplier's item is %v", parts)
	}
	company := firm()
	company.items[0].Status = trade.ItemDiscontinued
	o, s = writing(t)
	s.bought["S"] = false
	s.purchases(company)
	if len(o.made["purchase.purchase"]) != 0 {
		t.Error("what is not bought any more is bought")
	}
}

func TestStockIsKeptBackAsTheCompanyDoes(t *testing.T) {
	o, s := writing(t)
	s.stock(firm())
	if s.free[[2]string{"RTM", "S"}] != 5 || !s.bought["S"] {
		t.Errorf("%v may be assigned, bought: %v", s.free, s.bought)
	}
	points := o.made["stock.order_point"]
	if len(points) != 1 || points[0]["min_quantity"] != 3.0 || points[0]["target_quantity"] != 6.0 || points[0]["type"] != "purchase" {
		t.Errorf("%v", points)
	}
	if counted := lines(t, o.made["stock.inventory"][0])[0]; counted["quantity"] != float64(plenty) {
		t.Errorf("counted %v", counted)
	}
}

func TestACallThatFailsEndsTheWriting(t *testing.T) {
	o, s := writing(t)
	o.fault = "model.currency.currency.create"
	if err := s.write(firm(), "x"); err == nil || !strings.Contains(err.Error(), "model.currency.currency.create") ||
		!strings.Contains(err.Error(), "UserError") {
		t.Errorf("%v", err)
	}
}

// TestPercentagesAreReadFromPrices finds what the company takes off, though it rounds.
func TestPercentagesAreReadFromPrices(t *testing.T) {
	price := func(per string, steps ...string) *trade.Price {
		p := &trade.Price{UnitPrice: trade.UnitPrice{Per: trade.Quantity{Value: dec(per), Unit: "EA"}}}
		for _, c := range steps {
			p.Waterfall = append(p.Waterfall, trade.PriceStep{Change: trade.Money{Amount: dec(c), Currency: "EUR"}})
		}
		return p
	}
	prices := map[string]*trade.Price{
		"cheap": price("1", "0.07", "0"),
		"dear":  price("100", "1290.00", "-64.49", "-51.60"),
		"other": price("1", "5.00", "-0.25"),
	}
	everything := func(string) bool { return true }
	if got := percent(prices, 1, everything); got != 5 {
		t.Errorf("%d %%, want 5", got)
	}
	if got := percent(prices, 2, func(sku string) bool { return sku == "dear" }); got != 4 {
		t.Errorf("%d %%, want 4", got)
	}
	if got := percent(prices, 2, func(string) bool { return false }); got != 0 {
		t.Errorf("%d %% of nothing", got)
	}
	if got := step(prices["dear"], 0); got.String() != "12.9" {
		t.Errorf("the list price of one is %s", got)
	}
	if got := formula(5, 0, 4); got != "unit_price - (unit_price * 100 * 5 // 1) / 10000 - (unit_price * 100 * 4 // 1) / 10000" {
		t.Errorf("the formula is %s", got)
	}
}
