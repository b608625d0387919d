package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// confirmation is what a vendor confirmed, as the ERP takes it from outside.
type confirmation struct {
	ExtRef string `json:"extRef"`
	Ver    int    `json:"ver"`
	VenDoc string `json:"venDoc,omitempty"`
	Items  []struct {
		Pos   string `json:"pos"`
		Cxl   int    `json:"cxl,omitempty"`
		Prc   string `json:"prc,omitempty"` // per 100
		Subst string `json:"subst,omitempty"`
		Sched []struct {
			Qty     int    `json:"qty"`
			ConfGi  string `json:"confGi,omitempty"`
			ConfDlv string `json:"confDlv,omitempty"`
		} `json:"sched"`
	} `json:"items"`
}

func (c *Company) takeConfirmation(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[confirmation](w, r, "a confirmation")
	if !ok {
		return
	}
	no := r.PathValue("no")
	c.take(w, "confirm", s.ExtRef, no, body, func() (field, text string) { return c.refusalOfConfirmation(no, s) })
}

func (c *Company) refusalOfConfirmation(no string, s confirmation) (field, text string) {
	p := c.purchases.get(no)
	switch {
	case p == nil:
		return "no", "purchase unknown"
	case p.Stat == "X" || p.Stat == "G":
		return "no", "purchase is closed"
	case p.Ver != s.Ver:
		return "ver", "purchase was revised"
	}
	for i, it := range s.Items {
		at := slices.IndexFunc(p.Items, func(x purchaseItem) bool { return x.Pos == it.Pos })
		if at < 0 {
			return fmt.Sprintf("items[%d].pos", i), "item unknown"
		}
		if it.Cxl < 0 || it.Cxl > p.Items[at].Qty-p.Items[at].QtyGr-p.Items[at].QtyCxl {
			return fmt.Sprintf("items[%d].cxl", i), "more than is open"
		}
		if it.Subst != "" && c.materials.get(it.Subst) == nil {
			return fmt.Sprintf("items[%d].subst", i), "material unknown or not sold"
		}
	}
	return "", ""
}

func (c *Company) applyConfirm(e effect) {
	var s confirmation
	p := c.purchases.get(e.Doc)
	if p == nil || json.Unmarshal(e.Body, &s) != nil {
		return
	}
	left := false
	for _, said := range s.Items {
		at := slices.IndexFunc(p.Items, func(x purchaseItem) bool { return x.Pos == said.Pos })
		if at < 0 {
			continue
		}
		it := &p.Items[at]
		it.QtyCxl += said.Cxl
		if said.Prc != "" {
			it.Prc, it.PrcUnit = said.Prc, 100
		}
		if m := c.materials.get(said.Subst); m != nil {
			it.MatNo, it.Txt = m.MatNo, m.Descr
		}
		wish := schedule{}
		if len(it.Sched) > 0 {
			wish = it.Sched[0]
		}
		var parts []schedule
		coming := 0
		for _, part := range said.Sched {
			coming += part.Qty
			parts = append(parts, schedule{Qty: part.Qty, WishGi: wish.WishGi, WishDlv: wish.WishDlv, ConfGi: part.ConfGi, ConfDlv: part.ConfDlv})
		}
		if parts != nil {
			it.Sched = parts
		}
		it.QtyAck = it.QtyGr + coming
		if more := it.QtyGr + coming + it.QtyCxl; more > it.Qty {
			it.Qty = more // a purchaser has let the vendor send more
		}
		for _, part := range parts {
			c.renewPromise(e, it.MatNo, p.Whs, part.ConfDlv)
		}
	}
	var net int64
	for _, it := range p.Items {
		left = left || it.Qty > it.QtyCxl
		price, _ := strconv.ParseFloat(it.Prc, 64)
		net += int64(price*100+0.5) * int64(it.Qty-it.QtyCxl) / int64(it.PrcUnit)
	}
	p.Net, p.VAT, p.Gross = cents(net), cents(net*21/100), cents(net+net*21/100)
	switch {
	case !left:
		p.Stat = "X"
	case p.Stat == "A" || p.Stat == "S":
		p.Stat = "C"
	}
	p.Rev++
	c.submitted[s.ExtRef] = p.PoNo
	c.touch(e, "erp", "purchases", p.PoNo)
}

// renewPromise moves what customers were promised of a material that waits for supply, and
// for which a purchase comes too late now: it leaves the day after.
func (c *Company) renewPromise(e effect, matNo, whs, comes string) {
	if comes == "" {
		return
	}
	day, err := time.Parse("20060102", comes)
	if err != nil {
		return
	}
	leaves := day.AddDate(0, 0, 1).Format("20060102")
	for _, k := range c.orders.keys {
		o := c.orders.rows[k]
		moved := false
		for i := range o.Items {
			it := &o.Items[i]
			if it.MatNo != matNo || it.QtyBo == 0 && c.inStock(matNo, whs) || o.HdrStat >= "50" {
				continue
			}
			for j := range it.Sched {
				s := &it.Sched[j]
				if s.Whs == whs && s.ActGi == "" && s.ConfGi != "" && s.ConfGi < leaves {
					s.ConfGi, s.ConfDlv, moved = leaves, day.AddDate(0, 0, 3).Format("20060102"), true
				}
			}
		}
		if moved {
			o.Rev++
			c.touch(e, "erp", "salesOrders", o.DocNo)
		}
	}
}

func (c *Company) inStock(matNo, whs string) bool {
	row := c.stock.get(matNo)
	return row != nil && slices.ContainsFunc(row.Sites, func(s siteStock) bool { return s.Site == whs && s.Qty > 0 })
}

// applySetStock counts a material anew: so much of it is in each warehouse, and none set aside.
func (c *Company) applySetStock(e effect) {
	row := c.stock.get(e.Key)
	if row == nil {
		return
	}
	for i := range row.Sites {
		row.Sites[i].Qty, row.Sites[i].Res = e.N, 0
	}
	row.Rev++
	c.touch(e, "wms", "stock", row.SKU)
}

// applyRevise publishes a new version of a purchase, which its vendor answers anew.
func (c *Company) applyRevise(e effect) {
	p := c.purchases.get(e.Key)
	if p == nil {
		return
	}
	p.Ver++
	p.Rev++
	p.Stat = "S"
	c.touch(e, "erp", "purchases", p.PoNo)
}

// buying is a purchase that somebody at the company makes by hand.
type buying struct {
	VenNo string `json:"venNo"`
	Whs   string `json:"whs"`
	Items []struct {
		MatNo string `json:"matNo"`
		Qty   int    `json:"qty"`
	} `json:"items"`
}

func (c *Company) applyBuy(e effect) {
	var b buying
	if json.Unmarshal(e.Body, &b) != nil {
		return
	}
	c.docSeq["po"]++
	p := &purchase{
		PoNo: strconv.Itoa(4500000 + c.docSeq["po"]), Ver: 1, VenNo: b.VenNo, Whs: b.Whs, Stat: "S", Curr: "EUR", PayTerm: "N30", IncoTerm: "DAP",
		CrtAt: c.local(e.At), AckDue: c.local(e.At.Add(48 * time.Hour)), Rev: 1,
	}
	var net int64
	for i, it := range b.Items {
		m := c.materials.get(it.MatNo)
		if m == nil {
			continue
		}
		price := m.cents * 60 / 100
		net += price * int64(it.Qty) / 100
		p.Items = append(p.Items, purchaseItem{
			Pos: strconv.Itoa((i + 1) * 10), MatNo: m.MatNo, VenMat: m.MfrPart, Txt: m.Descr, UOM: m.UOM, Qty: it.Qty, Prc: cents(price),
			PrcUnit: 100,
			Sched:   []schedule{{Qty: it.Qty, WishGi: c.dayOf(e.At.AddDate(0, 0, 14)), WishDlv: c.dayOf(e.At.AddDate(0, 0, 20))}},
		})
	}
	p.Net, p.VAT, p.Gross = cents(net), cents(net*21/100), cents(net+net*21/100)
	c.purchases.put(p.PoNo, p)
	c.touch(e, "erp", "purchases", p.PoNo)
}

// leadTime is how long a vendor takes to deliver a material.
type leadTime struct {
	ExtRef string `json:"extRef"`
	VenNo  string `json:"venNo"`
	PlDays int    `json:"plDays"`
}

func (c *Company) takeLeadTime(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[leadTime](w, r, "a delivery time")
	if !ok {
		return
	}
	no := r.PathValue("no")
	c.take(w, "leadTime", s.ExtRef, no, body, func() (field, text string) {
		switch m := c.materials.get(no); {
		case m == nil || m.soldBy(s.VenNo) == nil:
			return "venNo", "vendor does not sell it"
		case s.PlDays < 1 || s.PlDays > 999:
			return "plDays", "delivery time out of range"
		}
		return "", ""
	})
}

func (m *material) soldBy(vendor string) *matVendor {
	at := slices.IndexFunc(m.Vendors, func(v matVendor) bool { return v.VenNo == vendor })
	if at < 0 {
		return nil
	}
	return &m.Vendors[at]
}

func (c *Company) applyLeadTime(e effect) {
	var s leadTime
	m := c.materials.get(e.Doc)
	if m == nil || json.Unmarshal(e.Body, &s) != nil || m.soldBy(s.VenNo) == nil {
		return
	}
	m.soldBy(s.VenNo).PlDays = s.PlDays
	m.Rev++
	c.submitted[s.ExtRef] = m.MatNo
	c.touch(e, "erp", "materials", m.MatNo)
}
