package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// take takes a write once per external reference: the same reference gives the same
// document, however often it is sent. refused says why it is not taken.
func (c *Company) take(w http.ResponseWriter, do, ref, key string, body []byte, refused func() (field, text string)) {
	c.taking.Lock() // of two with one reference that come at once, the second finds the first
	defer c.taking.Unlock()
	c.mu.RLock()
	doc, known := c.submitted[ref]
	field, text := "", ""
	if ref == "" || len(ref) > 64 {
		field, text = "extRef", "reference missing or longer than 64"
	} else if !known {
		field, text = refused()
	}
	c.mu.RUnlock()
	if !known {
		if text != "" {
			refuse(w, http.StatusUnprocessableEntity, field, text)
			return
		}
		if err := c.do(effect{Do: do, Key: ref, Doc: key, Body: body}); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		c.mu.RLock()
		doc = c.submitted[ref]
		c.mu.RUnlock()
	}
	answer(w, http.StatusCreated, map[string]string{"docNo": doc})
}

// written reads what somebody writes; where it is none, they are told so.
func written[T any](w http.ResponseWriter, r *http.Request, what string) (v T, body []byte, ok bool) {
	body, err := readAll(r)
	if err != nil || json.Unmarshal(body, &v) != nil {
		refuse(w, http.StatusBadRequest, "", "not "+what)
		return v, nil, false
	}
	return v, body, true
}

func (c *Company) takeOrder(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[submission](w, r, "a sales order")
	if !ok {
		return
	}
	c.take(w, "submit", s.ExtRef, "", body, func() (field, text string) { return c.refusal(s) })
}

func (c *Company) takeChange(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[change](w, r, "a change")
	if !ok {
		return
	}
	no := r.PathValue("no")
	c.take(w, "change", s.ExtRef, no, body, func() (field, text string) { return c.refusalOfChange(no, s) })
}

func (c *Company) takeCancellation(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[cancellation](w, r, "a cancellation")
	if !ok {
		return
	}
	no := r.PathValue("no")
	c.take(w, "cancel", s.ExtRef, no, body, func() (field, text string) {
		o := c.orders.get(no)
		switch {
		case o == nil:
			return "no", "order unknown"
		case o.HdrStat >= "50":
			return "no", "order is closed"
		case o.HdrStat == "30" || slices.ContainsFunc(o.Items, func(it orderItem) bool { return it.Pick }):
			return "no", "being picked"
		}
		return "", ""
	})
}

func (c *Company) takeReturn(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[returnRequest](w, r, "a return")
	if !ok {
		return
	}
	c.take(w, "return", s.ExtRef, "", body, func() (field, text string) {
		o := c.orders.get(s.DocNo)
		if o == nil || len(s.Items) == 0 {
			return "docNo", "order unknown"
		}
		for i, it := range s.Items {
			at := slices.IndexFunc(o.Items, func(x orderItem) bool { return x.Pos == it.DocPos })
			if at < 0 {
				return fmt.Sprintf("items[%d].docPos", i), "item unknown"
			}
			if qty := c.base(&o.Items[at], it.Qty, it.UOM); qty <= 0 || qty > o.Items[at].QtyGi-o.Items[at].QtyRet {
				return fmt.Sprintf("items[%d].qty", i), "more than was shipped"
			}
		}
		return "", ""
	})
}

// base is a quantity of an item in its own unit; 0 where that unit is not sold.
func (c *Company) base(it *orderItem, qty int, uom string) int {
	m := c.materials.get(it.MatNo)
	if uom == "" || uom == it.UOM || m == nil {
		return qty
	}
	for _, u := range m.Units {
		if u.UOM == uom {
			return qty * u.Factor
		}
	}
	return 0
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
		Prc   string `json:"prc,omitempty"` // per 100 of the base unit; another price now is a refusal
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
		if now := c.price(priceAsk{CustNo: s.SoldTo, MatNo: m.MatNo, Qty: strconv.Itoa(it.Qty * m.Units[u].Factor), UOM: m.UOM},
			c.dayOf(time.Now())); it.Prc != "" && now.Prc != it.Prc {
			return at + "prc", "price differs"
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
