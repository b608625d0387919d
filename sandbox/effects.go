package sandbox

import (
	"math/rand/v2"
	"slices"
	"time"
)

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
	select {
	case c.moved <- struct{}{}:
	default:
	}
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
			percent := 100
			if e.N > 0 {
				percent = e.N
			}
			d := c.ship(o, e.At, percent, 1)
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
	case "change":
		c.applyChange(e)
	case "cancel":
		c.applyCancel(e)
	case "return":
		c.applyReturn(e)
	case "returnStep":
		c.applyReturnStep(e)
	case "setStock":
		c.applySetStock(e)
	case "buy":
		c.applyBuy(e)
	case "confirm":
		c.applyConfirm(e)
	case "leadTime":
		c.applyLeadTime(e)
	case "correct":
		c.applyCorrection(e)
	case "announce":
		c.applyDespatch(e)
	case "unannounce":
		c.applyUnannounce(e)
	case "receiveNotice":
		c.applyReceiveNotice(e)
	case "revise":
		c.applyRevise(e)
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
