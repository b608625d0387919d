package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// notice is a vendor's ship notice, as the ERP takes it from outside.
type notice struct {
	ExtRef  string       `json:"extRef"`
	AsnNo   string       `json:"asnNo"`
	VenNo   string       `json:"venNo"`
	Whs     string       `json:"whs"`
	Carrier string       `json:"carrier,omitempty"`
	Track   string       `json:"track,omitempty"`
	ExpDlv  string       `json:"expDlv,omitempty"`
	Items   []noticeItem `json:"items"`
}

type noticeItem struct {
	PoNo string `json:"poNo"`
	Pos  string `json:"pos"`
	Qty  int    `json:"qty"`
	SSCC string `json:"sscc,omitempty"`
}

func (c *Company) takeNotice(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[notice](w, r, "a despatch advice")
	if !ok {
		return
	}
	c.take(w, "announce", s.ExtRef, "", body, func() (field, text string) {
		if c.sites.get(s.Whs) == nil || len(s.Items) == 0 {
			return "whs", "warehouse unknown"
		}
		for i, it := range s.Items {
			at, p, x := fmt.Sprintf("items[%d].", i), c.purchases.get(it.PoNo), -1
			if p != nil {
				x = slices.IndexFunc(p.Items, func(x purchaseItem) bool { return x.Pos == it.Pos })
			}
			switch {
			case p == nil || p.VenNo != s.VenNo:
				return at + "poNo", "purchase unknown"
			case p.Stat == "X" || p.Stat == "G":
				return at + "poNo", "purchase is closed"
			case x < 0 || it.Qty <= 0:
				return at + "pos", "item unknown"
			}
		}
		return "", ""
	})
}

// applyDespatch makes a dispatch to receive, with a parcel for each unit.
func (c *Company) applyDespatch(e effect) {
	var s notice
	if json.Unmarshal(e.Body, &s) != nil {
		return
	}
	d := c.newDispatch("I", e.At)
	site := c.sites.get(s.Whs)
	d.VenNo, d.Parcels, d.AsnNo = s.VenNo, nil, s.AsnNo
	d.arriveAt(site)
	if s.Track != "" && c.trackers.get(s.Track) == nil {
		d.Track = s.Track
	}
	for _, said := range s.Items {
		p := c.purchases.get(said.PoNo)
		at := slices.IndexFunc(p.Items, func(x purchaseItem) bool { return x.Pos == said.Pos })
		it := &p.Items[at]
		it.QtyAsn += said.Qty
		for i := range it.Sched {
			if s.ExpDlv != "" && it.QtyAsn >= it.Qty-it.QtyCxl { // all of it is on its way
				it.Sched[i].ConfDlv = s.ExpDlv
			}
		}
		if !slices.Contains(d.Pos, p.PoNo) {
			d.Pos = append(d.Pos, p.PoNo)
			p.Rev++
			c.touch(e, "erp", "purchases", p.PoNo)
		}
		n := slices.IndexFunc(d.Parcels, func(x parcel) bool { return x.SSCC == said.SSCC })
		if n < 0 {
			n = len(d.Parcels)
			d.Parcels = append(d.Parcels, parcel{N: n + 1, SSCC: said.SSCC, Track: d.Track, Kg: "10.0"})
		}
		d.Parcels[n].Lines = append(d.Parcels[n].Lines, parcelLine{Doc: p.PoNo, Pos: it.Pos, Qty: said.Qty, UOM: it.UOM})
	}
	c.track(d, e.At, 1)
	c.submitted[s.ExtRef] = d.DlvNo
	c.touch(e, "wms", "dispatches", d.DlvNo)
	c.touch(e, "carrier", "trackers", d.Track)
}

// withdrawal is a ship notice taken back.
type withdrawal struct {
	ExtRef string `json:"extRef"`
}

func (c *Company) takeWithdrawal(w http.ResponseWriter, r *http.Request) {
	s, body, ok := written[withdrawal](w, r, "a withdrawal")
	if !ok {
		return
	}
	no := r.PathValue("no")
	c.take(w, "unannounce", s.ExtRef, no, body, func() (field, text string) {
		d := c.dispatch.get(no)
		switch {
		case d == nil || d.AsnNo == "" || d.Gone:
			return "no", "notice unknown"
		case received(d):
			return "no", "goods are received"
		}
		return "", ""
	})
}

func received(d *dispatch) bool {
	return slices.ContainsFunc(d.Parcels, func(p parcel) bool {
		return slices.ContainsFunc(p.Lines, func(l parcelLine) bool { return l.Rcv != nil })
	})
}

func (c *Company) applyUnannounce(e effect) {
	d := c.dispatch.get(e.Doc)
	if d == nil {
		return
	}
	for _, p := range d.Parcels {
		for _, l := range p.Lines {
			o := c.purchases.get(l.Doc)
			at := slices.IndexFunc(o.Items, func(x purchaseItem) bool { return x.Pos == l.Pos })
			o.Items[at].QtyAsn -= l.Qty
		}
	}
	for _, no := range d.Pos {
		c.purchases.get(no).Rev++
		c.touch(e, "erp", "purchases", no)
	}
	d.Gone = true
	d.Rev++
	c.submitted[e.Key] = d.DlvNo
	c.touch(e, "wms", "dispatches", d.DlvNo)
	if t := c.trackers.get(d.Track); t != nil {
		t.History = append(t.History,
			event{
				ID: fmt.Sprintf("%s-%d", t.Code, len(t.History)+1), Code: "CA", Desc: "Cancelled by the shipper", At: c.local(e.At),
				TZ: "Europe/Amsterdam", Town: t.from.Town, Ctry: t.from.Ctry, Logged: e.At.UTC().Format(time.RFC3339),
			})
		t.Rev++
		c.touch(e, "carrier", "trackers", t.Code)
	}
}

// receipt is how the goods of a dispatch came.
type receipt struct {
	Damaged int `json:"damaged"` // percent
}

// applyReceiveNotice receives so many percent of each line of a dispatch in good order.
func (c *Company) applyReceiveNotice(e effect) {
	d := c.dispatch.get(e.Key)
	if d == nil || received(d) {
		return
	}
	var how receipt
	if e.Body != nil && json.Unmarshal(e.Body, &how) != nil {
		return
	}
	for i := range d.Parcels {
		for j := range d.Parcels[i].Lines {
			l := &d.Parcels[i].Lines[j]
			got := l.Qty * e.N / 100
			l.Rcv, l.Dmg = &got, l.Qty*how.Damaged/100
			p := c.purchases.get(l.Doc)
			at := slices.IndexFunc(p.Items, func(x purchaseItem) bool { return x.Pos == l.Pos })
			it := &p.Items[at]
			it.QtyGr += got
			if row := c.stock.get(it.MatNo); row != nil {
				for k := range row.Sites {
					if row.Sites[k].Site == d.Site {
						row.Sites[k].Qty += got
					}
				}
				row.Rev++
				c.touch(e, "wms", "stock", row.SKU)
			}
		}
	}
	for _, no := range d.Pos {
		p := c.purchases.get(no)
		p.Stat = "P"
		if !slices.ContainsFunc(p.Items, func(it purchaseItem) bool { return it.QtyGr+it.QtyCxl < it.Qty }) {
			p.Stat = "G"
		}
		p.Rev++
		c.touch(e, "erp", "purchases", no)
	}
	if t := c.trackers.get(d.Track); t != nil {
		for len(t.History) < len(journey) {
			c.advance(t, e.At.Add(-time.Minute))
		}
		t.Rev++
		c.touch(e, "carrier", "trackers", t.Code)
	}
	d.Rev++
	c.touch(e, "wms", "dispatches", d.DlvNo)
}
