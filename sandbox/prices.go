package sandbox

import (
	"fmt"
	"slices"
	"strconv"
)

type priceAsk struct {
	CustNo   string `json:"custNo"`
	ShipToNo string `json:"shipToNo,omitempty"`
	MatNo    string `json:"matNo"`
	Qty      string `json:"qty"`
	UOM      string `json:"uom"`
	On       string `json:"on,omitempty"`
}

type priceAnswer struct {
	St      string      `json:"st"` // OK, NOENT, REQ, NOPRC
	Prc     string      `json:"prc,omitempty"`
	PrcUnit int         `json:"prcUnit,omitempty"`
	UOM     string      `json:"uom,omitempty"`
	Curr    string      `json:"curr,omitempty"`
	Src     string      `json:"src,omitempty"` // K contract, C customer's list, L list
	Agr     string      `json:"agr,omitempty"`
	From    string      `json:"from,omitempty"`
	To      string      `json:"to,omitempty"`
	Scales  []scale     `json:"scales,omitempty"`
	Steps   []priceStep `json:"steps,omitempty"`
	cents   int64
}

type scale struct {
	FromQty string `json:"fromQty"`
	Prc     string `json:"prc"`
}

type priceStep struct {
	T   string `json:"t"` // LI list, CU customer, AG agreement, SC scale
	Txt string `json:"txt"`
	Chg string `json:"chg"`
}

// price calculates what one quantity of a material costs a customer on a day.
func (c *Company) price(ask priceAsk, on string) priceAnswer {
	cust, m := c.customers.get(ask.CustNo), c.materials.get(ask.MatNo)
	if cust == nil || m == nil || cust.Blk == "B" || cust.Blk == "X" || m.Life == "H" {
		return priceAnswer{St: "NOENT"}
	}
	if m.Group == "E30" && m.cents%17 == 0 {
		return priceAnswer{St: "REQ"}
	}
	if on > c.dayOf(c.epoch.AddDate(1, 0, 0)) || on < "20000101" {
		return priceAnswer{St: "NOPRC"}
	}
	i := slices.IndexFunc(m.Units, func(u matUnit) bool { return u.UOM == ask.UOM })
	qty, err := strconv.ParseFloat(ask.Qty, 64)
	if i < 0 || err != nil || qty <= 0 {
		return priceAnswer{St: "NOPRC"}
	}
	u := m.Units[i]
	list, per := m.cents, 100
	if u.Factor > 1 {
		list, per = m.cents*int64(u.Factor)/100, 1
	}
	quote := priceAnswer{St: "OK", PrcUnit: per, UOM: ask.UOM, Curr: cust.Curr, Src: "L", From: c.day(-365), To: c.day(365)}
	quote.Steps = append(quote.Steps, priceStep{"LI", "List price", cents(list)})
	net := list
	cut := func(t, txt string, pct int) {
		change := list * int64(pct) / 100
		net -= change
		quote.Steps = append(quote.Steps, priceStep{t, fmt.Sprintf("%s, %d %%", txt, pct), cents(-change)})
	}
	if cust.discount > 0 {
		quote.Src = "C"
		cut("CU", "Customer discount", cust.discount)
	}
	agr := c.agreement.get("C-" + cust.CustNo)
	if agr != nil && slices.Contains(agr.Mats, m.MatNo) && agr.From <= on && (agr.To == "" || on <= agr.To) {
		quote.Src, quote.Agr, quote.From, quote.To = "K", agr.AgrNo, agr.From, agr.To
		cut("AG", "Agreement "+agr.AgrNo, agr.pct)
	}
	base := net
	pack := m.Units[1].Factor
	for _, s := range []struct{ times, pct int }{{1, 0}, {10, 3}, {50, 6}} {
		from := 1
		if s.pct > 0 {
			from = max(1, s.times*pack/u.Factor)
		}
		price := base - list*int64(s.pct)/100
		quote.Scales = append(quote.Scales, scale{strconv.Itoa(from), cents(price)})
		if s.pct > 0 && qty >= float64(from) {
			net = price
		}
	}
	if net != base {
		quote.Steps = append(quote.Steps, priceStep{"SC", "Volume", cents(net - base)})
	}
	quote.cents, quote.Prc = net, cents(net)
	return quote
}
