package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// journey is what happens to a parcel that nothing happens to.
var journey = []struct{ code, desc, where string }{
	{"LB", "Label printed", "from"},
	{"PU", "Picked up from shipper", "from"},
	{"DP", "Departed depot", "from"},
	{"AR", "Arrived at hub", "hub"},
	{"OD", "Out for delivery", "to"},
	{"DL", "Delivered", "to"},
}

// track lets a dispatch's parcel go through the first steps of its journey.
func (c *Company) track(d *dispatch, at time.Time, steps int) {
	here := c.sites.get(d.Site)
	t := &tracker{Code: d.Track, Rev: 1, dlvNo: d.DlvNo, from: town{here.Town, here.Ctry}, to: town{d.Town, d.Ctry}}
	c.trackers.put(t.Code, t)
	for range steps {
		c.advance(t, at.Add(time.Duration(len(t.History))*9*time.Hour))
	}
}

func (c *Company) advance(t *tracker, at time.Time) {
	step := journey[len(t.History)%len(journey)]
	if at.After(c.now) { // no news from the future
		at = c.now.Add(-time.Duration(len(journey)-len(t.History)) * time.Minute)
	}
	where := t.to
	switch step.where {
	case "from":
		where = t.from
	case "hub":
		where = town{"Venlo", "NL"}
	}
	e := event{
		ID: fmt.Sprintf("%s-%d", t.Code, len(t.History)+1), Code: step.code, Desc: step.desc, At: c.local(at), TZ: "Europe/Amsterdam",
		Town: where.Town, Ctry: where.Ctry, Logged: at.Add(90 * time.Second).UTC().Format(time.RFC3339),
		Lat: places[where.Town][0], Lon: places[where.Town][1],
	}
	if step.code == "PU" {
		e.Est = c.local(at.Add(40 * time.Hour))
	}
	if step.code == "DL" {
		e.Signer, t.POD = "R. de Vries", "pod/"+t.Code
	}
	t.History = append(t.History, e)
}

// ship sends pct percent of what is allocated, and lets the parcel travel.
func (c *Company) ship(o *salesOrder, at time.Time, pct, steps int) *dispatch {
	d := c.newDispatch("O", at)
	cust := c.customers.get(o.SoldTo)
	to := cust.Addresses[0]
	if i := slices.IndexFunc(cust.Addresses, func(a address) bool { return a.AdrNo == o.ShipToNo }); i >= 0 {
		to = cust.Addresses[i]
	}
	d.CustNo, d.Orders, d.Site = o.SoldTo, []string{o.DocNo}, "RTM"
	d.Street, d.Zip, d.Town, d.Ctry = to.Street, to.Zip, to.Town, to.Ctry
	delivered := steps >= len(journey)
	whole := true
	for i := range o.Items {
		it := &o.Items[i]
		qty := it.QtyAll
		if pct < 100 {
			qty = it.QtyAll * pct / 100
		}
		if qty > 0 {
			it.QtyGi += qty
			it.QtyAll -= qty
			it.Sched[0].ActGi = c.dayOf(at)
			if pct < 100 && it.QtyAll > 0 {
				rest := it.Sched[0]
				rest.Qty, rest.ActGi = it.QtyAll, ""
				it.Sched[0].Qty = qty
				it.Sched = append(it.Sched, rest)
			}
			if delivered {
				it.QtyPod += qty
				it.Sched[0].ActDlv = c.dayOf(at.Add(45 * time.Hour))
			}
			p := &d.Parcels[0]
			if len(o.Items) > 4 && i%2 == 1 && len(d.Parcels[0].Lines) > 0 { // no parcel is empty
				if len(d.Parcels) == 1 {
					second := *p
					second.N, second.Lines, second.Track = 2, nil, ""
					second.SSCC = digits("3871235", 5000000000+c.docSeq["dlv"], 18)
					d.Parcels = append(d.Parcels, second)
				}
				p = &d.Parcels[1]
			}
			p.Lines = append(p.Lines, parcelLine{Doc: o.DocNo, Pos: it.Pos, Qty: qty, UOM: it.UOM})
		}
		whole = whole && it.QtyGi+it.QtyCxl >= it.QtyOrd
	}
	o.HdrStat = "40"
	if whole {
		o.HdrStat = "50"
	}
	if delivered && whole {
		o.HdrStat = "60"
	}
	c.track(d, at, steps)
	c.bill(o, d, at.Add(24*time.Hour))
	return d
}

func (c *Company) bill(o *salesOrder, d *dispatch, at time.Time) *invoice {
	c.docSeq["inv"]++
	n := c.docSeq["inv"]
	inv := &invoice{
		InvNo: fmt.Sprintf("R%07d", 9000000+n), Typ: "F", CustNo: o.SoldTo, InvDate: c.dayOf(at), DueDate: c.dayOf(at.AddDate(0, 0, 30)),
		Pay: "O", Curr: o.Curr, Disc: "0.00", Rev: 1,
	}
	var net int64
	for _, p := range d.Parcels {
		for _, l := range p.Lines {
			i := slices.IndexFunc(o.Items, func(it orderItem) bool { return it.Pos == l.Pos })
			it := &o.Items[i]
			it.QtyInv += l.Qty
			val := it.cents * int64(l.Qty) / 100
			net += val
			inv.Items = append(inv.Items, invoiceItem{
				Pos: strconv.Itoa(len(inv.Items)*10 + 10), MatNo: it.MatNo, Txt: it.Txt, Qty: l.Qty, UOM: it.UOM, Prc: it.Prc, PrcUnit: it.PrcUnit,
				NetVal: cents(val), DocNo: o.DocNo, DocPos: it.Pos, DlvNo: d.DlvNo,
			})
		}
	}
	c.settle(inv, net)
	if at.Before(c.epoch.AddDate(0, 0, -40)) && n%6 != 0 {
		inv.Pay, inv.Open = "C", "0.00"
	}
	c.invoices.put(inv.InvNo, inv)
	return inv
}

func (c *Company) settle(inv *invoice, net int64) {
	inv.Net, inv.VAT, inv.Gross = cents(net), cents(net*21/100), cents(net+net*21/100)
	inv.Open = inv.Gross
}
