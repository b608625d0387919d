package sandbox

import (
	"slices"
	"strconv"
	"testing"
)

// amount is a price in hundredths.
func amount(t *testing.T, text string) int64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	if f < 0 {
		return -int64(-f*100 + 0.5)
	}
	return int64(f*100 + 0.5)
}

// TestAPriceIsThatOfItsScaleAndTheSumOfItsSteps asks on both sides of each scale of many materials.
func TestAPriceIsThatOfItsScaleAndTheSumOfItsSteps(t *testing.T) {
	c := open(t, Options{})
	day, scales := c.dayOf(epoch), 0
	for _, customer := range []string{"10001", "10003"} {
		for _, no := range c.materials.keys[:120] {
			for _, unit := range c.materials.get(no).Units {
				ask := func(qty int) priceAnswer {
					return c.price(priceAsk{CustNo: customer, MatNo: no, Qty: strconv.Itoa(qty), UOM: unit.UOM}, day)
				}
				first := ask(1)
				if first.St != "OK" {
					continue
				}
				for i, s := range first.Scales {
					from, err := strconv.Atoi(s.FromQty)
					if err != nil {
						t.Fatal(err)
					}
					want := s.Prc
					for _, later := range first.Scales[i+1:] { // of a unit as large as a pack all begin at one
						if later.FromQty == s.FromQty {
							want = later.Prc
						}
					}
					got := ask(from)
					if got.Prc != want {
						t.Errorf("%d %s of %s cost %s, and the scale from there on says %s", from, unit.UOM, no, got.Prc, want)
					}
					if below := ask(from - 1); from > 1 && i > 0 && below.Prc == s.Prc {
						t.Errorf("%d %s of %s cost what the scale from %d on says", from-1, unit.UOM, no, from)
					}
					sum := int64(0)
					for _, step := range got.Steps {
						sum += amount(t, step.Chg)
					}
					if sum != got.cents {
						t.Errorf("the steps of %s come to %d, and the price is %d", no, sum, got.cents)
					}
					scales++
				}
			}
		}
	}
	if scales < 500 {
		t.Errorf("only %d scales were asked", scales)
	}
}

func TestWhatIsNotSoldHasNoPrice(t *testing.T) {
	c := open(t, Options{})
	day := c.dayOf(epoch)
	no := c.materials.keys[slices.IndexFunc(c.materials.keys, func(k string) bool {
		m := c.materials.get(k)
		return m.Life == "A" && m.Group != "E30"
	})]
	unit := c.materials.get(no).UOM
	good := priceAsk{CustNo: "10001", MatNo: no, Qty: "1", UOM: unit}
	if p := c.price(good, day); p.St != "OK" {
		t.Fatalf("%+v", p)
	}
	for what, ask := range map[string]priceAsk{
		"NOENT for nobody":         {CustNo: "99999", MatNo: no, Qty: "1", UOM: unit},
		"NOENT of nothing":         {CustNo: "10001", MatNo: "X", Qty: "1", UOM: unit},
		"NOPRC in another unit":    {CustNo: "10001", MatNo: no, Qty: "1", UOM: "KGM"},
		"NOPRC for nothing":        {CustNo: "10001", MatNo: no, Qty: "0", UOM: unit},
		"NOPRC for less":           {CustNo: "10001", MatNo: no, Qty: "-1", UOM: unit},
		"NOPRC for what is no sum": {CustNo: "10001", MatNo: no, Qty: "many", UOM: unit},
	} {
		if p := c.price(ask, day); p.St != what[:5] || p.Prc != "" {
			t.Errorf("%s: %+v", what, p)
		}
	}
	for on, want := range map[string]string{"19991231": "NOPRC", "20000101": "OK", c.day(365): "OK", c.day(366): "NOPRC"} {
		if p := c.price(good, on); p.St != want {
			t.Errorf("on %s: %s, want %s", on, p.St, want)
		}
	}
	c.customers.get("10001").Blk = "B"
	if p := c.price(good, day); p.St != "NOENT" {
		t.Errorf("who is blocked is told a price: %+v", p)
	}
}
