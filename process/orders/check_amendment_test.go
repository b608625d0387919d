package orders

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/quagmt/udecimal"

	"portico/trade"
	"portico/trade/ordering"
)

func pieces(n string) trade.Quantity {
	return trade.Quantity{Value: udecimal.MustParse(n), Unit: "H87"}
}

func euro(amount string) trade.UnitPrice {
	return trade.UnitPrice{Price: trade.Money{Amount: udecimal.MustParse(amount), Currency: "EUR"}, Per: pieces("1")}
}

// knownLine is an open line of ten pieces of an item, at one euro each.
func knownLine(number, sku string) *trade.OrderLine {
	price, amount := euro("1"), euro("10").Price
	return &trade.OrderLine{
		ID: "line_" + number, LineNumber: number, SKU: &sku, ItemRef: trade.Ref{ID: "item_" + sku}, UnitPrice: &price, Amount: &amount,
		Ordered: pieces("10"), Shipped: pieces("0"),
	}
}

func knownLines() map[string]*trade.OrderLine {
	shipped, partly := knownLine("30", "C"), knownLine("40", "D")
	shipped.Status, partly.Shipped = trade.LineShipped, pieces("6")
	known := map[string]*trade.OrderLine{}
	for _, l := range []*trade.OrderLine{knownLine("10", "A"), knownLine("20", "B"), shipped, partly} {
		known[l.ID] = l
	}
	return known
}

// priced are facts of lines that all cost so much a piece.
func priced(amount string, skus ...string) []ordering.LineFacts {
	var facts []ordering.LineFacts
	for _, sku := range skus {
		facts = append(facts, ordering.LineFacts{Item: &trade.Item{SKU: sku}, Price: &trade.Price{SKU: sku, UnitPrice: euro(amount)}})
	}
	return facts
}

func TestALineThatCannotBeAmendedIsRefusedAtItsPlace(t *testing.T) {
	five, seven := pieces("5"), pieces("7")
	for name, c := range map[string]struct {
		amendment Amendment
		places    []string
		codes     []trade.ErrorCode
	}{
		"open":    {Amendment{Change: []LineChange{{LineID: "line_10", Quantity: &five}}}, nil, nil},
		"unknown": {Amendment{Cancel: []string{"line_99"}}, []string{"input cancelLines 0 line"}, []trade.ErrorCode{trade.CodeNotFound}},
		"shipped": {
			Amendment{Cancel: []string{"line_10", "line_30"}}, []string{"input cancelLines 1"}, []trade.ErrorCode{trade.CodeState},
		},
		"more is left": {Amendment{Change: []LineChange{{LineID: "line_40", Quantity: &seven}}}, nil, nil},
		"less than is left": {
			Amendment{Change: []LineChange{{LineID: "line_40", Quantity: &five}}},
			[]string{"input changeLines 0 quantity"},
			[]trade.ErrorCode{trade.CodeQuantity},
		},
		"changed before cancelled": {
			Amendment{Change: []LineChange{{LineID: "line_30", Quantity: &five}}, Cancel: []string{"line_99"}},
			[]string{"input changeLines 0", "input cancelLines 0 line"},
			[]trade.ErrorCode{trade.CodeState, trade.CodeNotFound},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, errs := linesToAmend(&c.amendment, knownLines())
			var places []string
			var codes []trade.ErrorCode
			for _, e := range errs {
				places, codes = append(places, strings.Join(trade.RefusalOf(e).Path, " ")), append(codes, trade.RefusalOf(e).Code)
			}
			if !slices.Equal(places, c.places) || !slices.Equal(codes, c.codes) {
				t.Errorf("refused at %q with %v, want at %q with %v", places, codes, c.places, c.codes)
			}
		})
	}
}

// TestARefusalOfTheRequestIsToldAtItsPlaceInTheAmendment has a line refused before the one that the
// refusal is about, so that the places of the request and of the input differ.
func TestARefusalOfTheRequestIsToldAtItsPlaceInTheAmendment(t *testing.T) {
	five := pieces("5")
	a := &Amendment{
		Change: []LineChange{{LineID: "line_99", Quantity: &five}, {LineID: "line_10", Quantity: &five}},
		Add:    []ordering.OrderRequestLine{{Quantity: five}},
	}
	lines, _, _ := linesToAmend(a, knownLines())
	for line, want := range map[string]string{
		"0": "input changeLines 1 quantity", "1": "input addLines 0 quantity", "2": "input lines 2 quantity",
	} {
		e := moved(&trade.InvalidInput{Refusal: trade.Refusal{Path: trade.InputPath("lines", line, "quantity")}}, lines)
		if at := strings.Join(trade.RefusalOf(e).Path, " "); at != want {
			t.Errorf("line %s is at %q, want %q", line, at, want)
		}
	}
}

// TestTheWorkOfAnAmendmentAndWhatTakesItBack holds what is stored of a change with a line of each kind.
func TestTheWorkOfAnAmendmentAndWhatTakesItBack(t *testing.T) {
	five, day := pieces("5"), trade.Date{}
	a := &Amendment{
		Change: []LineChange{{LineID: "line_10", Quantity: &five}, {LineID: "line_40", RequestedDeliveryDate: &day}},
		Cancel: []string{"line_20"}, Add: []ordering.OrderRequestLine{{Item: ordering.ItemKey{SKU: "N"}, Quantity: pieces("3")}},
	}
	lines, cancelled, errs := linesToAmend(a, knownLines())
	if errs != nil {
		t.Fatal(errs)
	}
	if refusal := priceLines(lines, priced("2", "A", "D", "N")); refusal != nil {
		t.Fatal(refusal)
	}
	w := workToAmend(&trade.Order{}, a, lines, cancelled, 4)
	type line struct{ number, quantity, price string }
	told := func(lines []trade.ChangedLine) (all []line) {
		for _, l := range lines {
			x := line{number: l.LineNumber}
			if l.Quantity != nil {
				x.quantity = l.Quantity.Value.String()
			}
			if l.UnitPrice != nil {
				x.price = l.UnitPrice.Price.Amount.String()
			}
			all = append(all, x)
		}
		return all
	}
	if got, want := told(w.Change.Lines), []line{{"10", "5", "2"}, {"40", "", ""}, {"20", "0", ""}}; !slices.Equal(got, want) {
		t.Errorf("the change is %v, want %v", got, want)
	}
	if got, want := told(w.Back.Lines), []line{{"10", "10", ""}, {"40", "", ""}, {"20", "10", ""}}; !slices.Equal(got, want) {
		t.Errorf("it is taken back by %v, want %v", got, want)
	}
	if len(w.Change.Added) != 1 || w.Change.Added[0].LineNumber != "70" || w.Change.Added[0].SKU != "N" {
		t.Errorf("added: %+v, want N as line 70", w.Change.Added)
	}
	empty, err := json.Marshal(workToAmend(&trade.Order{}, &Amendment{RequestedDeliveryDate: &day}, nil, nil, 4))
	if err != nil || !strings.Contains(string(empty), `"Lines":[]`) {
		t.Errorf("a change of the day alone is stored as %s, %v; want no lines as a list", empty, err)
	}
}

func TestAnotherPriceIsAskedAboutWhereTheQuantityIsAnotherOne(t *testing.T) {
	five, day := pieces("5"), trade.Date{}
	for name, c := range map[string]struct {
		change LineChange
		price  string
		asked  int
		more   string
	}{
		"same price":              {LineChange{LineID: "line_10", Quantity: &five}, "1", 0, "-5"},
		"other price":             {LineChange{LineID: "line_10", Quantity: &five}, "3", 1, "5"},
		"other price, other date": {LineChange{LineID: "line_10", RequestedDeliveryDate: &day}, "3", 0, "20"},
	} {
		t.Run(name, func(t *testing.T) {
			lines, _, _ := linesToAmend(&Amendment{Change: []LineChange{c.change}}, knownLines())
			facts := priced(c.price, "A")
			if refusal := priceLines(lines, facts); refusal != nil {
				t.Fatal(refusal)
			}
			differences := priceDifferences(lines)
			if len(differences) != c.asked || growth(lines, facts).Amount.String() != c.more {
				t.Errorf("%d differences, growing by %s; want %d, %s", len(differences), growth(lines, facts).Amount, c.asked, c.more)
			}
			for _, d := range differences {
				if at := strings.Join(trade.RefusalOf(d).Path, " "); at != "input changeLines 0 quantity" {
					t.Errorf("told at %q", at)
				}
			}
		})
	}
}

func TestALineWithoutAPriceRefusesTheAmendment(t *testing.T) {
	lines, _, _ := linesToAmend(&Amendment{Add: []ordering.OrderRequestLine{{}, {}}}, nil)
	facts := append(priced("1", "A"), ordering.LineFacts{Item: &trade.Item{}, Price: &trade.PriceUnavailable{}})
	refusal := priceLines(lines, facts)
	if refusal == nil || strings.Join(trade.RefusalOf(refusal).Path, " ") != "input addLines 1" {
		t.Errorf("got %v, want a refusal at the second line that is added", refusal)
	}
}
