package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

func (c *Company) newDispatch(kind string, at time.Time) *dispatch {
	c.docSeq["dlv"]++
	n := c.docSeq["dlv"]
	d := &dispatch{
		DlvNo: fmt.Sprintf("D%08d", n), Kind: kind, Carrier: "SWFT", Track: fmt.Sprintf("SW%010d", 7000000+n), CrtAt: c.local(at),
		Rev: 1,
	}
	d.Parcels = []parcel{{N: 1, SSCC: digits("3871234", 5000000000+n, 18), Track: d.Track, Kg: fmt.Sprintf("%d.%d", 2+n%28, n%10)}}
	c.dispatch.put(d.DlvNo, d)
	return d
}

func (c *Company) seedOrders(r *rand.Rand, n int) {
	buyers := c.customers.keys
	for i := range n {
		age := time.Duration(120*(n-i)/n) * 24 * time.Hour
		at := c.epoch.Add(-age).Add(time.Duration(r.IntN(36000)) * time.Second)
		if at.After(c.epoch) {
			at = c.epoch.Add(-time.Hour)
		}
		cust := c.customers.get(buyers[r.IntN(len(buyers))])
		if len(buyers) <= 7 && r.IntN(3) == 0 {
			cust = c.customers.get(buyers[r.IntN(3)]) // the first customer and its branches order most
		}
		o := c.newOrder(r, cust, at)
		c.orders.put(o.DocNo, o)
		days := int(age / (24 * time.Hour))
		switch {
		case i%37 == 11:
			for j := range o.Items {
				o.Items[j].QtyCxl, o.Items[j].QtyConf, o.Items[j].QtyAll, o.Items[j].QtyBo = o.Items[j].QtyOrd, 0, 0, 0
			}
			o.HdrStat = "90"
		case days > 14:
			c.ship(o, at.Add(26*time.Hour), 100, len(journey))
			if i%23 == 5 {
				c.sendBack(o, at.Add(12*24*time.Hour), i)
			}
		case days > 9:
			c.ship(o, at.Add(26*time.Hour), 50+50*(i%2), 5+i%2)
		case days > 3:
			c.ship(o, at.Add(26*time.Hour), []int{100, 50, 100, 30}[i%4], 2+i%4)
		case i%5 == 1:
			o.Holds = []orderHold{{
				Code: []string{"CR", "PR", "MA"}[i%3], Since: c.local(at.Add(time.Hour)),
				Txt: []string{"Credit limit reached", "Price differs from the agreement", "Stopped by the desk"}[i%3],
			}}
		case i%5 == 2:
			o.HdrStat = "30"
			for j := range o.Items {
				o.Items[j].Pick = true
			}
		}
	}
}

func (c *Company) newOrder(r *rand.Rand, cust *customer, at time.Time) *salesOrder {
	c.docSeq["so"]++
	n := c.docSeq["so"]
	o := &salesOrder{
		DocNo: strconv.Itoa(8000000 + n), SoldTo: cust.CustNo, PoRef: fmt.Sprintf("PO-%s-%05d", cust.CustNo, n),
		ShipToNo: cust.Addresses[n%2].AdrNo, BillToNo: "01", HdrStat: "20", Curr: "EUR", Disc: "0.00",
		CrtAt: c.local(at), ReqDlv: c.dayOf(at.AddDate(0, 0, 5)), Rev: 1,
	}
	for want := 1 + r.IntN(11); len(o.Items) < want; {
		m := c.materials.get(c.materials.keys[r.IntN(len(c.materials.keys))])
		if c.price(priceAsk{CustNo: cust.CustNo, MatNo: m.MatNo, Qty: "1", UOM: m.UOM}, c.dayOf(at)).St != "OK" {
			continue // not sold to this customer, or on request only
		}
		qty := m.Units[0].MinQty * (1 + r.IntN(12))
		c.addItem(o, cust, m, (len(o.Items)+1)*10, qty, at)
		it := &o.Items[len(o.Items)-1]
		if r.IntN(8) == 0 { // part of it waits for supply
			it.QtyBo = qty - qty/3
			it.QtyAll = qty - it.QtyBo
			it.Sched = []schedule{it.Sched[0], it.Sched[0]}
			it.Sched[0].Qty = it.QtyAll
			it.Sched[1].Qty, it.Sched[1].ConfGi, it.Sched[1].ConfDlv = it.QtyBo, c.dayOf(at.AddDate(0, 0, 17)), c.dayOf(at.AddDate(0, 0, 19))
			if it.QtyAll == 0 {
				it.Sched = it.Sched[1:]
			}
		}
	}
	c.total(o)
	return o
}

func (c *Company) addItem(o *salesOrder, cust *customer, m *material, pos, qty int, at time.Time) {
	p := c.price(priceAsk{CustNo: cust.CustNo, MatNo: m.MatNo, Qty: strconv.Itoa(qty), UOM: m.UOM}, c.dayOf(at))
	o.Items = append(o.Items, orderItem{
		Pos: strconv.Itoa(pos), MatNo: m.MatNo, CustMat: cust.MatRefs[m.MatNo], Txt: m.Descr, UOM: m.UOM,
		QtyOrd: qty, QtyConf: qty, QtyAll: qty, Prc: p.Prc, PrcUnit: 100, cents: p.cents, NetVal: cents(p.cents * int64(qty) / 100),
		Sched: []schedule{{
			Qty: qty, Whs: "RTM", WishGi: c.dayOf(at.AddDate(0, 0, 3)), WishDlv: c.dayOf(at.AddDate(0, 0, 5)),
			ConfGi: c.dayOf(at.AddDate(0, 0, 4)), ConfDlv: c.dayOf(at.AddDate(0, 0, 6)),
		}},
	})
}

func (c *Company) total(o *salesOrder) {
	var net int64
	for _, it := range o.Items {
		net += it.cents * int64(it.QtyOrd-it.QtyCxl) / 100
	}
	frt := int64(0)
	if net < 25000 {
		frt = 1250
	}
	o.Net, o.Frt, o.VAT, o.Gross = cents(net), cents(frt), cents((net+frt)*21/100), cents(net+frt+(net+frt)*21/100)
}
