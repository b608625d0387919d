package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// change is a change of a sales order: items by position, of which a quantity of 0
// cancels the rest, and new ones by material.
type change struct {
	ExtRef string `json:"extRef"`
	ReqDlv string `json:"reqDlv"`
	Items  []struct {
		Pos    string `json:"pos"`
		MatNo  string `json:"matNo"`
		Qty    *int   `json:"qty"`
		UOM    string `json:"uom"`
		ReqDlv string `json:"reqDlv"`
	} `json:"items"`
}

func (c *Company) refusalOfChange(no string, s change) (field, text string) {
	o := c.orders.get(no)
	switch {
	case o == nil:
		return "no", "order unknown"
	case o.HdrStat >= "50":
		return "no", "order is closed"
	case o.HdrStat == "30":
		return "no", "being picked"
	}
	for i, ask := range s.Items {
		at := fmt.Sprintf("items[%d].", i)
		if ask.Pos == "" {
			m := c.materials.get(ask.MatNo)
			if m == nil || m.Life != "A" && m.Life != "D" {
				return at + "matNo", "material unknown or not sold"
			}
			if ask.Qty == nil || *ask.Qty <= 0 || !slices.ContainsFunc(m.Units, func(u matUnit) bool { return u.UOM == ask.UOM && u.Sellable }) {
				return at + "uom", "unit not sold"
			}
			continue
		}
		n := slices.IndexFunc(o.Items, func(it orderItem) bool { return it.Pos == ask.Pos })
		switch {
		case n < 0:
			return at + "pos", "item unknown"
		case o.Items[n].Pick:
			return at + "pos", "being picked"
		case ask.Qty != nil && *ask.Qty != 0 && c.base(&o.Items[n], *ask.Qty, ask.UOM) < o.Items[n].QtyGi:
			return at + "qty", "less than was shipped"
		}
	}
	return "", ""
}

func (c *Company) applyChange(e effect) {
	var s change
	o := c.orders.get(e.Doc)
	if json.Unmarshal(e.Body, &s) != nil || o == nil {
		return
	}
	cust := c.customers.get(o.SoldTo)
	for _, ask := range s.Items {
		if ask.Pos == "" {
			m := c.materials.get(ask.MatNo)
			u := slices.IndexFunc(m.Units, func(u matUnit) bool { return u.UOM == ask.UOM })
			last, _ := strconv.Atoi(o.Items[len(o.Items)-1].Pos)
			c.addItem(o, cust, m, last+10, *ask.Qty*m.Units[u].Factor, e.At)
			wish(&o.Items[len(o.Items)-1], ask.ReqDlv)
			continue
		}
		it := &o.Items[slices.IndexFunc(o.Items, func(it orderItem) bool { return it.Pos == ask.Pos })]
		switch {
		case ask.Qty == nil:
		case *ask.Qty == 0:
			it.cancel()
		default:
			qty := c.base(it, *ask.Qty, ask.UOM)
			p := c.price(priceAsk{CustNo: o.SoldTo, MatNo: it.MatNo, Qty: strconv.Itoa(qty), UOM: it.UOM}, c.dayOf(e.At))
			it.QtyOrd, it.QtyConf, it.QtyAll, it.QtyBo, it.QtyCxl, it.Prc, it.cents = qty, qty, qty-it.QtyGi, 0, 0, p.Prc, p.cents
			it.NetVal = cents(p.cents * int64(qty) / 100)
			it.Sched[len(it.Sched)-1].Qty = qty - it.QtyGi
		}
		wish(it, ask.ReqDlv)
	}
	if s.ReqDlv != "" {
		o.ReqDlv = s.ReqDlv
		for i := range o.Items {
			wish(&o.Items[i], s.ReqDlv)
		}
	}
	c.changed(e, o)
}

// wish asks for another day of what is not sent yet, which is confirmed unless it is sooner.
func wish(it *orderItem, day string) {
	last := &it.Sched[len(it.Sched)-1]
	if day == "" || last.ActGi != "" {
		return
	}
	if last.WishDlv = day; day > last.ConfDlv {
		last.ConfDlv = day
	}
}

// cancel cancels what has not left the warehouse.
func (it *orderItem) cancel() {
	it.QtyCxl = it.QtyOrd - it.QtyGi
	it.QtyConf, it.QtyAll, it.QtyBo = it.QtyGi, 0, 0
	it.NetVal = cents(it.cents * int64(it.QtyGi) / 100)
}

// changed adds an order up again and tells that it changed.
func (c *Company) changed(e effect, o *salesOrder) {
	c.total(o)
	if !slices.ContainsFunc(o.Items, func(it orderItem) bool { return it.QtyCxl < it.QtyOrd }) {
		o.HdrStat = "90"
	}
	o.Rev++
	c.submitted[e.Key] = o.DocNo
	c.touch(e, "erp", "salesOrders", o.DocNo)
}

type cancellation struct {
	ExtRef string `json:"extRef"`
	Reason string `json:"reason"`
}

func (c *Company) applyCancel(e effect) {
	o := c.orders.get(e.Doc)
	if o == nil {
		return
	}
	for i := range o.Items {
		o.Items[i].cancel()
	}
	c.changed(e, o)
}
