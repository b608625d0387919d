package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
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
	d.CustNo, d.Orders, d.Site, d.Town, d.Ctry = o.SoldTo, []string{o.DocNo}, "RTM", to.Town, to.Ctry
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
			if len(o.Items) > 4 && i%2 == 1 {
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

func (c *Company) sendBack(o *salesOrder, at time.Time, n int) {
	it := &o.Items[0]
	qty := max(1, it.QtyPod/4)
	if it.QtyPod < qty {
		return
	}
	c.docSeq["ra"]++
	ra := &returnOrder{
		RaNo: fmt.Sprintf("RA%06d", c.docSeq["ra"]), DocNo: o.DocNo, CustNo: o.SoldTo, Stat: strconv.Itoa(1 + n%6), CrtAt: c.local(at), Whs: "RTM", Rev: 1,
		Items: []returnItem{{DocPos: it.Pos, Qty: qty, UOM: it.UOM, Why: []string{"01", "03", "06"}[n%3], Txt: "See photo"}},
	}
	if ra.Stat >= "3" {
		d := c.newDispatch("R", at.Add(24*time.Hour))
		d.CustNo, d.RaNo, d.Orders, d.Site, d.Town, d.Ctry = o.SoldTo, ra.RaNo, []string{o.DocNo}, "RTM", "Rotterdam", "NL"
		d.Parcels[0].Lines = []parcelLine{{Doc: o.DocNo, Pos: it.Pos, Qty: qty, UOM: it.UOM}}
		c.track(d, at.Add(24*time.Hour), 3)
	}
	if ra.Stat >= "4" {
		ra.Items[0].QtyGr = qty
		it.QtyRet += qty
	}
	if ra.Stat == "6" {
		c.docSeq["inv"]++
		memo := &invoice{
			InvNo: fmt.Sprintf("G%07d", 9000000+c.docSeq["inv"]), Typ: "G", CustNo: o.SoldTo, InvDate: c.dayOf(at.AddDate(0, 0, 7)), DueDate: c.dayOf(at.AddDate(0, 0, 7)),
			Pay: "C", Curr: o.Curr, Disc: "0.00", Rev: 1,
			Items: []invoiceItem{{Pos: "10", MatNo: it.MatNo, Txt: it.Txt, Qty: qty, UOM: it.UOM, Prc: it.Prc, PrcUnit: it.PrcUnit, NetVal: cents(it.cents * int64(qty) / 100), DocNo: o.DocNo, DocPos: it.Pos}},
		}
		c.settle(memo, it.cents*int64(qty)/100)
		memo.Open = "0.00"
		ra.MemoNo = memo.InvNo
		c.invoices.put(memo.InvNo, memo)
	}
	c.returns.put(ra.RaNo, ra)
}

// Live lets the company live until ctx ends: about every four seconds,
// divided by the speed, something happens.
func (c *Company) Live(ctx context.Context) error {
	for {
		c.mu.RLock()
		speed := c.speed
		c.mu.RUnlock()
		wait := time.Hour
		if speed > 0 {
			wait = time.Duration(float64(4*time.Second) / speed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
			continue
		case <-time.After(wait):
		}
		if speed > 0 {
			if err := c.Tick(); err != nil {
				return err
			}
		}
	}
}

// Tick lets the next things happen: a parcel moves and stock changes each
// time, and by turns orders arrive, are sent, and goods are bought and come in.
func (c *Company) Tick() error {
	c.mu.RLock()
	n := c.journal.seq
	todo := []effect{{Do: "stock", N: n}}
	if t := c.nextTracker(n); t != "" {
		todo = append(todo, effect{Do: "track", Key: t})
	}
	switch n / 2 % 5 {
	case 0:
		todo = append(todo, effect{Do: "order", N: n})
	case 1, 3:
		if o := c.nextOrder(n); o != "" {
			todo = append(todo, effect{Do: "ship", Key: o})
		}
	case 2:
		todo = append(todo, effect{Do: "purchase", N: n})
	case 4:
		if p := c.nextPurchase(n); p != "" {
			todo = append(todo, effect{Do: "receive", Key: p})
		}
	}
	c.mu.RUnlock()
	for _, e := range todo {
		if err := c.do(e); err != nil {
			return err
		}
	}
	return nil
}

// do puts an effect into the journal and then into the state.
func (c *Company) do(e effect) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.At = time.Now().UTC().Truncate(time.Millisecond)
	e, err := c.journal.accept(e)
	if err != nil {
		return err
	}
	c.apply(e)
	return nil
}

func (c *Company) touch(e effect, svc, obj, key string) {
	c.touched = append(c.touched, touch{Seq: e.Seq, Svc: svc, Obj: obj, Key: key})
}

// apply changes the state as an effect says. It decides nothing that is not in
// the effect or drawn from its number.
func (c *Company) apply(e effect) {
	r := rand.New(rand.NewPCG(c.opt.Seed, uint64(e.Seq)))
	c.now = e.At
	switch e.Do {
	case "track":
		c.applyTrack(e)
	case "stock":
		row := c.stock.get(c.stock.keys[r.IntN(len(c.stock.keys))])
		s := &row.Sites[r.IntN(len(row.Sites))]
		s.Qty = max(s.Res, s.Qty+(r.IntN(41)-15)*10)
		row.Rev++
		c.touch(e, "wms", "stock", row.SKU)
	case "order":
		o := c.newOrder(r, c.customers.get(c.customers.keys[r.IntN(len(c.customers.keys))]), e.At)
		c.orders.put(o.DocNo, o)
		c.touch(e, "erp", "salesOrders", o.DocNo)
	case "ship":
		if o := c.orders.get(e.Key); o != nil {
			before := c.docSeq["inv"]
			d := c.ship(o, e.At, 100, 1)
			o.Rev++
			c.touch(e, "erp", "salesOrders", o.DocNo)
			c.touch(e, "wms", "dispatches", d.DlvNo)
			c.touch(e, "carrier", "trackers", d.Track)
			if c.docSeq["inv"] > before {
				c.touch(e, "erp", "invoices", c.invoices.keys[len(c.invoices.keys)-1])
			}
		}
	case "purchase":
		p := c.newPurchase(r, c.vendors.keys[r.IntN(len(c.vendors.keys))], "A", e.At)
		c.purchases.put(p.PoNo, p)
		c.touch(e, "erp", "purchases", p.PoNo)
	case "receive":
		c.applyReceive(e)
	case "submit":
		c.applySubmit(e)
	case "register":
		c.applyRegister(e)
	case "override":
		c.applyOverride(e)
	}
	c.sortAll()
}

func (c *Company) applyTrack(e effect) {
	t := c.trackers.get(e.Key)
	if t == nil || len(t.History) >= len(journey) {
		return
	}
	c.advance(t, e.At)
	t.Rev++
	c.touch(e, "carrier", "trackers", t.Code)
	if len(t.History) < len(journey) || t.dlvNo == "" || c.dispatch.get(t.dlvNo).Kind != "O" {
		return
	}
	d := c.dispatch.get(t.dlvNo)
	for _, no := range d.Orders {
		o := c.orders.get(no)
		for _, p := range d.Parcels {
			for _, l := range p.Lines {
				i := slices.IndexFunc(o.Items, func(it orderItem) bool { return it.Pos == l.Pos })
				o.Items[i].QtyPod = min(o.Items[i].QtyPod+l.Qty, o.Items[i].QtyGi)
				o.Items[i].Sched[0].ActDlv = c.dayOf(e.At)
			}
		}
		if !slices.ContainsFunc(o.Items, func(it orderItem) bool { return it.QtyPod+it.QtyCxl < it.QtyOrd }) {
			o.HdrStat = "60"
		}
		o.Rev++
		c.touch(e, "erp", "salesOrders", o.DocNo)
	}
}

func (c *Company) applyReceive(e effect) {
	p := c.purchases.get(e.Key)
	if p == nil {
		return
	}
	for i := range p.Items {
		it := &p.Items[i]
		got := it.Qty - it.QtyGr - it.QtyCxl
		it.QtyGr, it.QtyAsn = it.QtyGr+got, it.Qty-it.QtyCxl
		row := c.stock.get(it.MatNo)
		for j := range row.Sites {
			if row.Sites[j].Site == p.Whs {
				row.Sites[j].Qty += got
			}
		}
		row.Rev++
		c.touch(e, "wms", "stock", row.SKU)
	}
	p.Stat = "G"
	p.Rev++
	c.touch(e, "erp", "purchases", p.PoNo)
}

// nextTracker is the parcel to move: every other time one that somebody
// registered, if there is any.
func (c *Company) nextTracker(n int) string {
	if n/2%2 == 0 {
		for _, k := range c.registered {
			if len(c.trackers.get(k).History) < len(journey) {
				return k
			}
		}
	}
	for i := range len(c.trackers.keys) {
		k := c.trackers.keys[(len(c.trackers.keys)-1-i+n*7)%len(c.trackers.keys)]
		if t := c.trackers.rows[k]; len(t.History) < len(journey) && t.dlvNo != "" && c.dispatch.get(t.dlvNo).Kind == "O" {
			return k
		}
	}
	return ""
}

func (c *Company) nextOrder(n int) string {
	for i := range len(c.orders.keys) {
		k := c.orders.keys[(i+n)%len(c.orders.keys)]
		o := c.orders.rows[k]
		if len(o.Holds) == 0 && slices.ContainsFunc(o.Items, func(it orderItem) bool { return it.QtyAll > 0 }) {
			return k
		}
	}
	return ""
}

func (c *Company) nextPurchase(n int) string {
	for i := range len(c.purchases.keys) {
		k := c.purchases.keys[(i+n)%len(c.purchases.keys)]
		if strings.Contains("CP", c.purchases.rows[k].Stat) {
			return k
		}
	}
	return ""
}

// registration is a parcel that its shipper hands to the carrier.
type registration struct {
	Code string `json:"tracking_code"`
	From town   `json:"from"`
	To   town   `json:"to"`
}

func (c *Company) applyRegister(e effect) {
	var all []registration
	if json.Unmarshal(e.Body, &all) != nil {
		return
	}
	for _, r := range all {
		if c.trackers.get(r.Code) != nil {
			continue
		}
		t := &tracker{Code: r.Code, Rev: 1, from: r.From, to: r.To}
		c.trackers.put(r.Code, t)
		c.registered = append(c.registered, r.Code)
		c.advance(t, e.At)
		c.touch(e, "carrier", "trackers", r.Code)
	}
}

// override makes a record be told with other values, as a tool for tests: what
// a source tells wrongly.
type override struct {
	Svc string         `json:"service"`
	Obj string         `json:"object"`
	Key string         `json:"key"`
	Set map[string]any `json:"set"`
}

func (c *Company) applyOverride(e effect) {
	var o override
	if json.Unmarshal(e.Body, &o) != nil {
		return
	}
	c.overrides[o.Obj+"/"+o.Key] = o.Set
	c.touch(e, o.Svc, o.Obj, o.Key)
}
