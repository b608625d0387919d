package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

func (c *Company) seedVendors(n int) {
	names := []string{"Spaxo Werke", "Voltara Components", "Aquaflow Industries", "Safehand International"}
	for i := range n {
		name := names[i%4]
		if i >= 4 {
			name = fmt.Sprintf("%s %d", name, i/4+1)
		}
		no := fmt.Sprintf("V%04d", 2001+i)
		c.vendors.put(no, &vendor{VenNo: no, VenName: name, ILN: digits("4012345", 100+i, 13), Rev: 1})
	}
}

func (c *Company) seedCatalogue(r *rand.Rand, n int) {
	for i, t := range tops {
		c.groups.put(t.grp, &group{Grp: t.grp, Title: t.title, Seq: i + 1, Rev: 1})
	}
	for i, f := range families {
		c.groups.put(f.grp, &group{Grp: f.grp, Title: f.title, Above: f.above, Seq: i + 1, Rev: 1})
	}
	materials := []string{"steel", "stainless A2", "stainless A4", "brass", "zinc plated"}
	for i := range n {
		f := families[i%len(families)]
		k := i / len(families)
		kind, size, mat := f.kinds[k%10], f.sizes[k/10%5], materials[(k/50+k)%5]
		no := fmt.Sprintf("%s-%05d", f.code, 10001+k)
		m := &material{
			MatNo: no, Descr: fmt.Sprintf("%s %s %s %s", kind, f.noun, size, mat),
			LongText:  fmt.Sprintf("%s %s, %s, %s. For trade use; sold by the piece and by the pack.", kind, f.noun, size, mat),
			BrandName: f.brands[k%len(f.brands)], MfrPart: fmt.Sprintf("%s%d%c", f.code, 700+k, 'A'+rune(k%26)), Group: f.grp, UOM: f.uom, Life: "A",
			Props: map[string]string{"size": size, "material": mat, "kind": kind}, Orig: []string{"DE", "NL", "CN", "PL"}[r.IntN(4)],
			HSCode: fmt.Sprintf("73181%d", 500+i%400)[:8], Rev: 1, cents: f.cents * int64(70+r.IntN(80)) / 100,
		}
		first := (i%len(families)/3)%4 + 4*(k%max(1, len(c.vendors.keys)/4))
		m.Vendors = []matVendor{{VenNo: fmt.Sprintf("V%04d", 2001+first), VenMat: m.MfrPart, PlDays: 5 + i%16, MinQty: f.pack}}
		if i%6 == 0 { // some can be had from another one
			m.Vendors = append(m.Vendors,
				matVendor{VenNo: fmt.Sprintf("V%04d", 2001+(first+1)%len(c.vendors.keys)), VenMat: "X-" + m.MfrPart, PlDays: 9 + i%16})
		}
		m.EAN = digits("8712345", 10000+i, 13)
		m.Units = []matUnit{
			{UOM: f.uom, Factor: 1, EAN: m.EAN, Sellable: true, MinQty: 1},
			{UOM: "BOX", Factor: f.pack, EAN: digits("18712345", 10000+i, 14), Sellable: true, MinQty: 1},
			{UOM: "PAL", Factor: f.pack * 40, Sellable: false},
		}
		if f.pack >= 100 {
			m.Units[0].MinQty, m.Units[0].Step = 50, 50
		}
		switch {
		case i%97 == 41:
			m.Life = "D"
		case i%131 == 63:
			m.Life = "H"
		case i%173 == 88:
			m.Life, m.Succ = "R", fmt.Sprintf("%s-%05d", f.code, 10001+(k+1)%max(1, n/len(families)))
		}
		if k > 0 {
			m.Alts = []string{fmt.Sprintf("%s-%05d", f.code, 10001+k-1)}
		}
		m.Docs = []matDoc{{Typ: "TDS", Lang: "en", File: "tds/" + no}}
		c.materials.put(no, m)
		row := &stockRow{SKU: no, UOM: f.uom, Rev: 1}
		for j, s := range []string{"HAM", "LIL", "RTM"} {
			qty := f.pack * (5 + r.IntN(40))
			if r.IntN(9) == 0 || m.Life == "R" {
				qty = 0
			}
			if j == 1 && r.IntN(3) == 0 {
				qty = f.pack
			}
			row.Sites = append(row.Sites, siteStock{Site: s, Qty: qty, Res: qty / (8 + r.IntN(8)), Safety: f.pack})
		}
		c.stock.put(no, row)
	}
}

func (c *Company) seedPurchases(r *rand.Rand, n int) {
	for i := range n {
		age := 90 - i*90/n
		ven := c.vendors.keys[r.IntN(len(c.vendors.keys))]
		stat := "A"
		switch {
		case age > 45:
			stat = "G"
		case age > 35:
			stat = "P"
		case age > 12:
			stat = "C"
		case age > 6:
			stat = "S"
		}
		if i%29 == 17 {
			stat = "X"
		}
		p := c.newPurchase(r, ven, stat, c.epoch.Add(-time.Duration(age)*24*time.Hour))
		c.purchases.put(p.PoNo, p)
		if stat == "C" && i%2 == 0 || stat == "P" {
			c.inbound(p, c.epoch.Add(-time.Duration(age-10)*24*time.Hour), stat == "P")
		}
	}
}

func (c *Company) newPurchase(r *rand.Rand, ven, stat string, at time.Time) *purchase {
	c.docSeq["po"]++
	p := &purchase{
		PoNo: strconv.Itoa(4500000 + c.docSeq["po"]), Ver: 1, VenNo: ven, Whs: c.sites.keys[r.IntN(3)], Stat: stat, Curr: "EUR",
		PayTerm: "N30", IncoTerm: "DAP", CrtAt: c.local(at), AckDue: c.local(at.Add(48 * time.Hour)), Rev: 1,
	}
	var net int64
	for l := range 1 + r.IntN(4) {
		m := c.materialOf(r, ven)
		qty := m.Units[1].Factor * (2 + r.IntN(20))
		price := m.cents * 60 / 100
		net += price * int64(qty) / 100
		item := purchaseItem{
			Pos: strconv.Itoa((l + 1) * 10), MatNo: m.MatNo, VenMat: m.MfrPart, Txt: m.Descr, UOM: m.UOM, Qty: qty,
			Prc: cents(price), PrcUnit: 100,
			Sched: []schedule{{Qty: qty, WishGi: c.dayOf(at.AddDate(0, 0, 14)), WishDlv: c.dayOf(at.AddDate(0, 0, 20))}},
		}
		if strings.Contains("CPG", stat) { //nolint:gocritic // one letter of these
			item.QtyAck = qty
			item.Sched[0].ConfGi, item.Sched[0].ConfDlv = c.dayOf(at.AddDate(0, 0, 15+l)), c.dayOf(at.AddDate(0, 0, 21+l))
		}
		switch stat {
		case "G":
			item.QtyAsn, item.QtyGr = qty, qty
		case "P":
			item.QtyAsn, item.QtyGr = qty, qty/2
		case "X":
			item.QtyCxl = qty
		}
		p.Items = append(p.Items, item)
	}
	p.Net, p.VAT, p.Gross = cents(net), cents(net*21/100), cents(net+net*21/100)
	return p
}

func (c *Company) materialOf(r *rand.Rand, ven string) *material {
	at := r.IntN(len(c.materials.keys))
	for i := range c.materials.keys {
		if m := c.materials.rows[c.materials.keys[(at+i)%len(c.materials.keys)]]; m.Vendors[0].VenNo == ven {
			return m
		}
	}
	return c.materials.rows[c.materials.keys[at]]
}

func (c *Company) inbound(p *purchase, at time.Time, delivered bool) {
	d := c.newDispatch("I", at)
	d.VenNo, d.Pos = p.VenNo, []string{p.PoNo}
	d.arriveAt(c.sites.get(p.Whs))
	for i := range p.Items {
		it := &p.Items[i]
		it.QtyAsn = it.Qty
		d.Parcels[0].Lines = append(d.Parcels[0].Lines, parcelLine{Doc: p.PoNo, Pos: it.Pos, Qty: it.Qty, UOM: it.UOM})
	}
	steps := 4
	if delivered {
		steps = len(journey)
	}
	c.track(d, at, steps)
}

// arriveAt makes a site the place to which a dispatch goes.
func (d *dispatch) arriveAt(s *site) {
	d.Site, d.Street, d.Zip, d.Town, d.Ctry = s.Site, s.Street, s.Zip, s.Town, s.Ctry
}
