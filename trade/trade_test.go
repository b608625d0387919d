package trade

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"
)

func d(s string) udecimal.Decimal { return udecimal.MustParse(s) }

func qty(n int64) Quantity { return Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"} }

func TestCheckDigitsAreGS1s(t *testing.T) {
	// Examples of the GS1 General Specifications.
	for s, want := range map[string]bool{
		"4006381333931": true, "4006381333932": false, "96385074": true, "036000291452": true,
		"400638133393a": false, "": false, "1": false,
	} {
		if got := ValidGTIN(s); got != want {
			t.Errorf("ValidGTIN(%q) is %v, want %v", s, got, want)
		}
	}
	if !ValidSSCC("106141412345678908") || ValidSSCC("106141412345678907") {
		t.Error("the check digit of 10614141234567890 is 8")
	}
}

func TestAPriceHoldsForItsQuantity(t *testing.T) {
	p := UnitPrice{Price: Money{d("8.40"), "EUR"}, Per: qty(100)}
	if got := p.Times(udecimal.MustFromInt64(250, 0)).Amount; !got.Equal(d("21")) {
		t.Errorf("250 at 8.40 per 100 is %s, want 21", got)
	}
	if got := p.Times(udecimal.MustFromInt64(1, 0)).Amount; !got.Equal(d("0.08")) {
		t.Errorf("1 at 8.40 per 100 is %s, want 0.08", got)
	}
}

func TestOrderStatusFollowsItsLines(t *testing.T) {
	line := func(ordered, allocated, backordered, shipped, delivered, invoiced, cancelled int64) OrderLine {
		return OrderLine{
			Ordered: qty(ordered), Confirmed: qty(ordered - cancelled), Allocated: qty(allocated), Backordered: qty(backordered),
			Shipped:   qty(shipped),
			Delivered: qty(delivered), Invoiced: qty(invoiced), Cancelled: qty(cancelled),
		}
	}
	picked := line(10, 10, 0, 0, 0, 0, 0)
	picked.Status = LinePicked
	for name, c := range map[string]struct {
		order Order
		want  OrderStatus
	}{
		"all allocated":           {Order{LinesKnown: []OrderLine{line(10, 10, 0, 0, 0, 0, 0)}}, OrderConfirmed},
		"some backordered":        {Order{LinesKnown: []OrderLine{line(10, 4, 6, 0, 0, 0, 0)}}, OrderPartiallyBackordered},
		"all backordered":         {Order{LinesKnown: []OrderLine{line(10, 0, 10, 0, 0, 0, 0)}}, OrderBackordered},
		"picked":                  {Order{LinesKnown: []OrderLine{picked}}, OrderInFulfillment},
		"held":                    {Order{Holds: []OrderHold{{}}, LinesKnown: []OrderLine{line(10, 10, 0, 0, 0, 0, 0)}}, OrderOnHold},
		"some shipped":            {Order{LinesKnown: []OrderLine{line(10, 6, 0, 4, 0, 4, 0)}}, OrderPartiallyShipped},
		"all shipped":             {Order{LinesKnown: []OrderLine{line(10, 0, 0, 10, 0, 10, 0)}}, OrderShipped},
		"some delivered":          {Order{LinesKnown: []OrderLine{line(10, 0, 0, 10, 4, 10, 0)}}, OrderPartiallyDelivered},
		"all delivered":           {Order{LinesKnown: []OrderLine{line(10, 0, 0, 10, 10, 0, 0)}}, OrderDelivered},
		"delivered and invoiced":  {Order{LinesKnown: []OrderLine{line(10, 0, 0, 10, 10, 10, 0)}}, OrderInvoiced},
		"all cancelled":           {Order{LinesKnown: []OrderLine{line(10, 0, 0, 0, 0, 0, 10)}}, OrderCancelled},
		"rest cancelled":          {Order{LinesKnown: []OrderLine{line(10, 0, 0, 6, 0, 6, 4)}}, OrderShipped},
		"refused by the source":   {Order{Status: OrderRejected, LinesKnown: []OrderLine{line(10, 10, 0, 0, 0, 0, 0)}}, OrderRejected},
		"delivered, not shipped":  {Order{LinesKnown: []OrderLine{line(10, 10, 0, 0, 10, 0, 0)}}, OrderDelivered},
		"some of it delivered":    {Order{LinesKnown: []OrderLine{line(10, 10, 0, 0, 4, 0, 0)}}, OrderPartiallyShipped},
		"a held order is shipped": {Order{Holds: []OrderHold{{}}, LinesKnown: []OrderLine{line(10, 0, 0, 10, 0, 0, 0)}}, OrderShipped},
	} {
		if c.order.Derive(); c.order.Status != c.want {
			t.Errorf("%s: %s, want %s", name, c.order.Status, c.want)
		}
	}
}

func TestPromisedDeliveryIsTheLatestOfTheOpenLines(t *testing.T) {
	day := func(n int) *Date { x := DateOf(time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC), time.UTC); return &x }
	open := func(dates ...*Date) OrderLine {
		l := OrderLine{Ordered: qty(10), Allocated: qty(10)}
		for _, at := range dates {
			l.ScheduleKnown = append(l.ScheduleKnown, ScheduleLine{Quantity: qty(5), PromisedDeliveryDate: at})
		}
		return l
	}
	shipped := OrderLine{Ordered: qty(10), Shipped: qty(10), ScheduleKnown: []ScheduleLine{{PromisedDeliveryDate: day(30)}}}
	o := Order{LinesKnown: []OrderLine{open(day(2), day(9)), open(day(5)), shipped}}
	if o.Derive(); o.PromisedDeliveryDate == nil || *o.PromisedDeliveryDate != *day(9) {
		t.Errorf("got %v, want the 9th", o.PromisedDeliveryDate)
	}
	o.LinesKnown = append(o.LinesKnown, open(nil))
	if o.Derive(); o.PromisedDeliveryDate != nil {
		t.Errorf("got %v, want none: a line has no promise", o.PromisedDeliveryDate)
	}
}

// TestNothingRaisesWhatIsAvailableAboveWhatIsThere has records say strange things of reservations and safety stock.
//
// Cases: B1
func TestNothingRaisesWhatIsAvailableAboveWhatIsThere(t *testing.T) {
	for _, c := range []struct{ onHand, allocated, safety, want string }{
		{"50", "10", "5", "35"},
		{"50", "-30", "0", "50"},
		{"50", "0", "-500", "50"},
		{"50", "-30", "-500", "50"},
		{"50", "60", "0", "0"},
		{"50", "60", "-20", "0"},
		{"-50", "0", "0", "0"},
		{"-50", "-60", "0", "0"},
		{"-50", "0", "-60", "0"},
	} {
		s := Stock{OnHand: d(c.onHand), Allocated: d(c.allocated), SafetyStock: d(c.safety)}
		if got := s.Available(); !got.Equal(d(c.want)) {
			t.Errorf("%+v: %s is available", c, got)
		}
	}
}

func TestAvailabilityAddsUpStockAndSupply(t *testing.T) {
	today := DateOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), time.UTC)
	stock := []*Stock{{OnHand: d("100"), Allocated: d("30"), SafetyStock: d("20")}, {OnHand: d("5"), Allocated: d("9")}}
	in := func(days int, n int64) InboundSupply {
		return InboundSupply{ExpectedOn: today.AddDays(days), Quantity: qty(n)}
	}
	a := AvailabilityOf(&Item{BaseUnit: "EA", Status: ItemActive}, stock)
	a.Expect([]InboundSupply{in(200, 1), in(9, 40), in(3, 10), in(9, 2), in(-5, 7)}, today, 90*24*time.Hour)
	if !a.AvailableNow.Value.Equal(d("50")) || !a.OnHand.Value.Equal(d("105")) || a.Status != PartialStock {
		t.Errorf("available %s, on hand %s, %s; want 50, 105, PARTIAL", a.AvailableNow.Value, a.OnHand.Value, a.Status)
	}
	want := []struct {
		day  int
		cum  string
		adds string
	}{{0, "50", "50"}, {1, "57", "7"}, {3, "67", "10"}, {9, "109", "42"}}
	if len(a.Atp) != len(want) {
		t.Fatalf("%d buckets: %+v", len(a.Atp), a.Atp)
	}
	for i, w := range want {
		if b := a.Atp[i]; b.From != today.AddDays(w.day) || !b.Cumulative.Value.Equal(d(w.cum)) || !b.Quantity.Value.Equal(d(w.adds)) {
			t.Errorf("bucket %d: %s adds %s makes %s; want day %d, %s, %s", i, b.From, b.Quantity.Value, b.Cumulative.Value, w.day, w.adds, w.cum)
		}
	}
	for name, c := range map[string]struct {
		life  ItemStatus
		stock []*Stock
		want  StockStatus
	}{
		"none, active":       {ItemActive, []*Stock{{}}, Backorderable},
		"none, held":         {ItemOnHold, []*Stock{{}}, OutOfStock},
		"none, discontinued": {ItemDiscontinued, []*Stock{{}}, DiscontinuedStock},
		"not known":          {ItemActive, nil, UnknownStockStatus},
		"little":             {ItemActive, []*Stock{{OnHand: d("15"), SafetyStock: d("10")}}, LowStock},
		"plenty":             {ItemActive, []*Stock{{OnHand: d("90"), SafetyStock: d("10")}}, InStock},
	} {
		if got := AvailabilityOf(&Item{Status: c.life}, c.stock).Status; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAKeyOfRightsIsOfOneSetOfThem(t *testing.T) {
	one := OperatorScope([]string{"a b"}).RightsKey()
	two := OperatorScope([]string{"a", "b"}).RightsKey()
	if one == two || (Scope{}).RightsKey() == OperatorScope(nil).RightsKey() || two != OperatorScope([]string{"b", "a"}).RightsKey() {
		t.Errorf("keys %q and %q", one, two)
	}
}

func TestOneDecisionOnRightsAndParties(t *testing.T) {
	own := []Ref{{ID: "acc_1", Key: "1"}}
	customer := CustomerScope(own, []string{"order:read"})
	own[0].ID = "acc_2" // a scope does not change after it was made
	none, order, both := [][]string(nil), [][]string{{"order:read", "order:write"}}, [][]string{{"order:read"}, {"price:read"}}
	for name, c := range map[string]struct {
		scope Scope
		needs [][]string
		whose *Party
		want  string
	}{
		"nobody, nothing":              {Scope{}, none, nil, ""},
		"nobody, a right":              {Scope{}, order, nil, "needs"},
		"nobody, a record of none":     {Scope{}, none, &Party{}, "no such"},
		"nobody, a record":             {Scope{}, none, &Party{AccountID: "acc_1"}, "no such"},
		"a guest, a record of none":    {GuestScope(nil), none, &Party{}, "no such"},
		"own record":                   {customer, order, &Party{AccountID: "acc_1"}, ""},
		"own record, one right of two": {customer, both, &Party{AccountID: "acc_1"}, "price:read"},
		"another's record":             {customer, order, &Party{AccountID: "acc_2"}, "no such"},
		"a record of none":             {customer, none, &Party{}, "no such"},
		"a supplier's of that id":      {customer, none, &Party{SupplierID: "acc_1"}, "no such"},
		"supplier, own":                {SupplierScope("par_1", nil), none, &Party{SupplierID: "par_1", AccountID: "acc_9"}, ""},
		"supplier, another's":          {SupplierScope("par_1", nil), none, &Party{SupplierID: "par_2"}, "no such"},
		"supplier, an account's":       {SupplierScope("par_1", nil), none, &Party{AccountID: "par_1"}, "no such"},
		"a supplier that is none":      {SupplierScope("", nil), none, &Party{}, "no such"},
		"operator, any":                {OperatorScope(nil), none, &Party{AccountID: "acc_2"}, ""},
		"operator, a right":            {OperatorScope(nil), order, nil, "needs"},
	} {
		err := c.scope.Decide(c.needs, c.whose)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestClassifiedValuesPrintAsStars(t *testing.T) {
	secret := Restricted("CANARY")
	price := Price{UnitPrice: UnitPrice{Price: Money{Amount: d("98765"), Currency: "EUR"}}}
	order := Order{Totals: &Totals{Total: price.UnitPrice.Price}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "who", secret, "user", User{Subject: secret, Email: &secret}, "price", price, "order",
		order, "credit", CreditPosition{Exposure: price.UnitPrice.Price})
	printed := fmt.Sprintf("%v %s %q %+v %#v %d %v %v", secret, secret, secret, User{Subject: secret}, secret, secret, price, *order.Totals) +
		log.String()
	if strings.Contains(printed, "CANARY") || strings.Contains(printed, "98765") || !strings.Contains(printed, "***") {
		t.Error(printed)
	}
	if text, err := json.Marshal(secret); err != nil || string(text) != `"CANARY"` {
		t.Errorf("what is stored must be whole: %s, %v", text, err)
	}
}

func TestOnlyThoseWhoSeeAndMayDoTheSameHaveOneKey(t *testing.T) {
	one, other := Ref{ID: "acc_1", Key: "1"}, Ref{ID: "acc_2", Key: "2"}
	seen := map[string]string{}
	for name, s := range map[string]Scope{
		"nobody": {}, "guest": GuestScope(nil), "operator": OperatorScope(nil), "operator who orders": OperatorScope([]string{"order:write"}),
		"operator of two rights": OperatorScope([]string{"order:write", "price:read"}), "supplier": SupplierScope("acc_1", nil),
		"another supplier": SupplierScope("acc_2", nil),
		"customer":         CustomerScope([]Ref{one}, nil), "another": CustomerScope([]Ref{other}, nil),
		"of both":                       CustomerScope([]Ref{one, other}, nil),
		"of both, buying for the other": CustomerScope([]Ref{other, one}, nil), "of none": CustomerScope(nil, nil),
		"with a right":                   CustomerScope([]Ref{one}, []string{"order:write"}),
		"whose account's id has a quote": CustomerScope([]Ref{{ID: `acc_1" "acc_2`, Key: "1"}}, nil),
	} {
		if before, ok := seen[s.Key()]; ok {
			t.Errorf("%s and %s have one key", name, before)
		}
		seen[s.Key()] = name
	}
	if CustomerScope([]Ref{one}, []string{"a", "b"}).Key() != CustomerScope([]Ref{one}, []string{"b", "a"}).Key() {
		t.Error("rights in another order make another key")
	}
}

func TestPlanningIsForTheDistributorsOwnPeople(t *testing.T) {
	rights := []string{"planning:write", "po:read", "planning:read"}
	for name, c := range map[string]struct {
		scope Scope
		want  string
	}{
		"supplier": {SupplierScope("par_1", rights), "[po:read]"},
		"customer": {CustomerScope(nil, rights), "[po:read]"},
		"operator": {OperatorScope(rights), "[planning:read planning:write po:read]"},
	} {
		if got := fmt.Sprint(c.scope.Rights()); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatCannotBeSeen(t *testing.T) {
	for _, unseen := range "\x00\n\x7f\u00ad\u034f\u061c\u115f\u180e\u200b\u200d\u202e\u2060\u3164\ufe0f\ufeff\U000e0041" {
		if !Unseen(unseen) || !Blank(" "+string(unseen)+"\u00a0") {
			t.Errorf("U+%04X is seen", unseen)
		}
	}
	for _, seen := range []rune{'a', ' ', '\u00a0', '-', 'é', 0x0301, 0x0605, '号', 0x1f600} {
		if Unseen(seen) {
			t.Errorf("U+%04X is not seen", seen)
		}
	}
	if Blank("a") || Blank(" \u0605 ") || !Blank("") || !Blank("\t \u3000") {
		t.Error("blank is what nobody can see anything of")
	}
}
