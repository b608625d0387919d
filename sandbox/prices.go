package sandbox

import (
	"encoding/json"
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

type priceTold struct {
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
func (c *Company) price(ask priceAsk, on string) priceTold {
	cust, m := c.customers.get(ask.CustNo), c.materials.get(ask.MatNo)
	if cust == nil || m == nil || cust.Blk == "B" || cust.Blk == "X" || m.Life == "H" {
		return priceTold{St: "NOENT"}
	}
	if m.Group == "E30" && m.cents%17 == 0 {
		return priceTold{St: "REQ"}
	}
	if on > c.dayOf(c.epoch.AddDate(1, 0, 0)) || on < "20000101" {
		return priceTold{St: "NOPRC"}
	}
	i := slices.IndexFunc(m.Units, func(u matUnit) bool { return u.UOM == ask.UOM })
	qty, err := strconv.ParseFloat(ask.Qty, 64)
	if i < 0 || err != nil || qty <= 0 {
		return priceTold{St: "NOPRC"}
	}
	u := m.Units[i]
	list, per := m.cents, 100
	if u.Factor > 1 {
		list, per = m.cents*int64(u.Factor)/100, 1
	}
	told := priceTold{St: "OK", PrcUnit: per, UOM: ask.UOM, Curr: cust.Curr, Src: "L", From: c.day(-365), To: c.day(365)}
	told.Steps = append(told.Steps, priceStep{"LI", "List price", cents(list)})
	net := list
	cut := func(t, txt string, pct int) {
		change := list * int64(pct) / 100
		net -= change
		told.Steps = append(told.Steps, priceStep{t, fmt.Sprintf("%s, %d %%", txt, pct), cents(-change)})
	}
	if cust.discount > 0 {
		told.Src = "C"
		cut("CU", "Customer discount", cust.discount)
	}
	agr := c.agreement.get("C-" + cust.CustNo)
	if agr != nil && slices.Contains(agr.Mats, m.MatNo) && agr.From <= on && (agr.To == "" || on <= agr.To) {
		told.Src, told.Agr, told.From, told.To = "K", agr.AgrNo, agr.From, agr.To
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
		told.Scales = append(told.Scales, scale{strconv.Itoa(from), cents(price)})
		if s.pct > 0 && qty >= float64(from) {
			net = price
		}
	}
	if net != base {
		told.Steps = append(told.Steps, priceStep{"SC", "Volume", cents(net - base)})
	}
	told.cents, told.Prc = net, cents(net)
	return told
}

// submission is a sales order as the ERP takes it from outside.
type submission struct {
	ExtRef   string `json:"extRef"`
	SoldTo   string `json:"soldTo"`
	ShipToNo string `json:"shipToNo"`
	PoRef    string `json:"poRef"`
	ReqDlv   string `json:"reqDlv"`
	Items    []struct {
		MatNo string `json:"matNo"`
		Qty   int    `json:"qty"`
		UOM   string `json:"uom"`
	} `json:"items"`
}

// refusal is why the ERP does not take an order; empty when it does.
func (c *Company) refusal(s submission) (field, text string) {
	cust := c.customers.get(s.SoldTo)
	switch {
	case s.ExtRef == "" || len(s.ExtRef) > 64:
		return "extRef", "reference missing or longer than 64"
	case cust == nil:
		return "soldTo", "customer unknown"
	case cust.Blk == "B" || cust.Blk == "X":
		return "soldTo", "customer blocked"
	case !slices.ContainsFunc(cust.Addresses, func(a address) bool { return a.AdrNo == s.ShipToNo }):
		return "shipToNo", "address unknown"
	case len(s.Items) == 0:
		return "items", "no items"
	}
	for i, it := range s.Items {
		at := fmt.Sprintf("items[%d].", i)
		m := c.materials.get(it.MatNo)
		if m == nil || m.Life != "A" && m.Life != "D" {
			return at + "matNo", "material unknown or not sold"
		}
		u := slices.IndexFunc(m.Units, func(u matUnit) bool { return u.UOM == it.UOM && u.Sellable })
		switch {
		case u < 0:
			return at + "uom", "unit not sold"
		case it.Qty < m.Units[u].MinQty || it.Qty <= 0:
			return at + "qty", "below the least quantity"
		case m.Units[u].Step > 0 && it.Qty%m.Units[u].Step != 0:
			return at + "qty", "not a multiple of the step"
		}
	}
	return "", ""
}

func (c *Company) applySubmit(e effect) {
	var s submission
	if json.Unmarshal(e.Body, &s) != nil {
		return
	}
	cust := c.customers.get(s.SoldTo)
	c.docSeq["so"]++
	o := &salesOrder{
		DocNo: strconv.Itoa(8000000 + c.docSeq["so"]), SoldTo: s.SoldTo, PoRef: s.PoRef, ShipToNo: s.ShipToNo, BillToNo: "01", HdrStat: "20",
		Curr: cust.Curr, Disc: "0.00", CrtAt: c.local(e.At), ReqDlv: s.ReqDlv, ExtRef: s.ExtRef, Rev: 1,
	}
	for i, it := range s.Items {
		m := c.materials.get(it.MatNo)
		u := slices.IndexFunc(m.Units, func(u matUnit) bool { return u.UOM == it.UOM })
		c.addItem(o, cust, m, (i+1)*10, it.Qty*m.Units[u].Factor, e.At)
	}
	c.total(o)
	c.orders.put(o.DocNo, o)
	c.submitted[s.ExtRef] = o.DocNo
	c.touch(e, "erp", "salesOrders", o.DocNo)
}
