package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

type returnRequest struct {
	ExtRef string `json:"extRef"`
	DocNo  string `json:"docNo"`
	Items  []struct {
		DocPos string `json:"docPos"`
		Qty    int    `json:"qty"`
		UOM    string `json:"uom"`
		Why    string `json:"why"`
		Txt    string `json:"txt"`
	} `json:"items"`
}

func (c *Company) applyReturn(e effect) {
	var s returnRequest
	if json.Unmarshal(e.Body, &s) != nil {
		return
	}
	o := c.orders.get(s.DocNo)
	c.docSeq["ra"]++
	ra := &returnOrder{
		RaNo: fmt.Sprintf("RA%06d", c.docSeq["ra"]), DocNo: o.DocNo, CustNo: o.SoldTo, Stat: "1", CrtAt: c.local(e.At),
		Whs: "RTM", ExtRef: s.ExtRef, Rev: 1,
	}
	for _, it := range s.Items {
		i := slices.IndexFunc(o.Items, func(x orderItem) bool { return x.Pos == it.DocPos })
		ra.Items = append(ra.Items,
			returnItem{DocPos: it.DocPos, Qty: c.base(&o.Items[i], it.Qty, it.UOM), UOM: o.Items[i].UOM, Why: it.Why, Txt: it.Txt})
	}
	c.returns.put(ra.RaNo, ra)
	c.submitted[e.Key] = ra.RaNo
	c.touch(e, "erp", "returns", ra.RaNo)
}

// applyReturnStep lets a return that was asked for go one step on: it is allowed, sent,
// received, inspected and credited.
func (c *Company) applyReturnStep(e effect) {
	ra := c.returns.get(e.Key)
	if ra == nil || ra.Stat >= "6" {
		return
	}
	o := c.orders.get(ra.DocNo)
	switch n, _ := strconv.Atoi(ra.Stat); n + 1 {
	case 3:
		d := c.newDispatch("R", e.At)
		d.CustNo, d.RaNo, d.Orders = o.SoldTo, ra.RaNo, []string{o.DocNo}
		d.arriveAt(c.sites.get("RTM"))
		for _, it := range ra.Items {
			d.Parcels[0].Lines = append(d.Parcels[0].Lines, parcelLine{Doc: o.DocNo, Pos: it.DocPos, Qty: it.Qty, UOM: it.UOM})
		}
		c.track(d, e.At, 2)
		c.touch(e, "wms", "dispatches", d.DlvNo)
		c.touch(e, "carrier", "trackers", d.Track)
	case 4:
		for i := range ra.Items {
			ra.Items[i].QtyGr = ra.Items[i].Qty
			at := slices.IndexFunc(o.Items, func(x orderItem) bool { return x.Pos == ra.Items[i].DocPos })
			o.Items[at].QtyRet += ra.Items[i].Qty
		}
		o.Rev++
		c.touch(e, "erp", "salesOrders", o.DocNo)
	case 6:
		memo := c.credit(o, ra, e.At)
		c.touch(e, "erp", "invoices", memo.InvNo)
	}
	ra.Stat = string(ra.Stat[0] + 1)
	ra.Rev++
	c.touch(e, "erp", "returns", ra.RaNo)
}

// credit writes the memo of a return.
func (c *Company) credit(o *salesOrder, ra *returnOrder, at time.Time) *invoice {
	c.docSeq["inv"]++
	memo := &invoice{
		InvNo: fmt.Sprintf("G%07d", 9000000+c.docSeq["inv"]), Typ: "G", CustNo: o.SoldTo, InvDate: c.dayOf(at), DueDate: c.dayOf(at), Pay: "C",
		Curr: o.Curr, Disc: "0.00", Rev: 1,
	}
	var net int64
	for _, r := range ra.Items {
		it := &o.Items[slices.IndexFunc(o.Items, func(x orderItem) bool { return x.Pos == r.DocPos })]
		val := it.cents * int64(r.Qty) / 100
		net += val
		memo.Items = append(memo.Items, invoiceItem{
			Pos: strconv.Itoa(len(memo.Items)*10 + 10), MatNo: it.MatNo, Txt: it.Txt, Qty: r.Qty, UOM: it.UOM, Prc: it.Prc, PrcUnit: it.PrcUnit,
			NetVal: cents(val), DocNo: o.DocNo, DocPos: it.Pos,
		})
	}
	c.settle(memo, net)
	memo.Open = "0.00"
	ra.MemoNo = memo.InvNo
	c.invoices.put(memo.InvNo, memo)
	return memo
}
